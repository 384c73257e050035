//! The same rules on a three-valued view: what a store's log proves, what an HTTP history proves, and what neither does.
//!
//! [`crate::rules`] are predicates on a [`History`](crate::rules::History), in which every event and every state is known. A log is one, without
//! answers ([`audit`]). What clients saw of a server is many: operations that overlap may have happened in either order,
//! a lost answer may stand for anything, and of what only the directory knows there is the testimony of whoever reads it
//! later. Each way in which it can have been is a *world*, which is a history again, and the rules are asked there:
//!
//! - `Kept`: some order of the operations is one that the specification allows, so nothing is proved against anybody;
//! - `Broken`: there is none, and the rule does not hold in *any* world, or on the part of the history that is certain;
//! - `Unknown`: anything else.
//!
//! So a finding is never a matter of luck with the order. Long histories have too many worlds: for these there are
//! [`crate::monitor`], which is exact and near-linear, and `parts`, the worlds of one package alone. What a real
//! restore took away is no operation of a client: where a fence is in the history, only rules are named that a correct
//! restore cannot seem to break.

mod bags;
mod log;
mod parts;
mod testimony;
#[cfg(test)]
mod tests;
mod told;
mod worlds;

pub use log::{audit, setup_of};
pub use worlds::without_times;

use std::collections::BTreeMap;

use crate::{
    history::{Event, State},
    linearize::{self, Operation, linearize},
    monitor::{self, monitor},
    rules::RULES,
    spec::{Op, Outcome, Spec},
};

/// What a view proves about one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It is broken, however the rest was: one sentence with both sides.
    Broken(String),
    /// Nothing speaks against it: what was seen is what a correct directory may do.
    Kept,
    /// Something is wrong, but perhaps not with this rule; or nobody could tell.
    Unknown(String),
}

/// The finding on each rule that can be named.
pub type Findings = BTreeMap<&'static str, Finding>;

/// What the clients of a server saw, and what is known of it besides.
#[derive(Clone, Debug)]
pub struct Seen<'a> {
    /// What the directory declares.
    pub spec: &'a Spec,
    /// What had happened before: see [`setup_of`].
    pub setup: &'a [Event],
    /// The operations, with the times at which they were sent and answered.
    pub operations: &'a [Operation],
    /// When the server was killed, if whoever drives it did so.
    pub killed: Option<u64>,
}

/// Whether some order of the operations, true to their times, explains every answer; `None` if that takes too long to
/// find out.
#[must_use]
pub fn is_explained(seen: &Seen<'_>) -> Option<bool> {
    let initial = State::of(seen.setup);
    match monitor(seen.spec, &initial, seen.operations) {
        monitor::Verdict::Legal => Some(true),
        monitor::Verdict::Illegal { .. } => Some(false),
        monitor::Verdict::NotCovered { .. } => match explained(seen, &initial) {
            Explained::So => Some(true),
            Explained::Never => Some(false),
            Explained::Unknown => None,
        },
    }
}

/// What the history proves about each rule.
#[must_use]
pub fn judge(seen: &Seen<'_>) -> Findings {
    let initial = State::of(seen.setup);
    let mut broken = BTreeMap::new();
    let explained = match monitor(seen.spec, &initial, seen.operations) {
        monitor::Verdict::Legal => return all(&Finding::Kept),
        monitor::Verdict::Illegal { rule, says, .. } => {
            broken.insert(rule, says);
            Explained::Never
        }
        monitor::Verdict::NotCovered { .. } => {
            broken.extend(without_reads(seen, &initial));
            explained(seen, &initial)
        }
    };
    let unknown = match explained {
        Explained::So => return all(&Finding::Kept),
        Explained::Unknown => "there are too many ways in which it can have been",
        Explained::Never => "no order of the operations explains the answers, but not each of them breaks this rule",
    };
    broken.extend(parts::broken(seen));
    broken.extend(bags::broken(seen));
    if explained == Explained::Never && seen.operations.len() <= OPERATIONS_MAX {
        broken.extend(worlds::broken(seen, RULES, WORLDS_MAX).into_iter().flatten());
    }
    if seen.operations.iter().any(|operation| operation.op == Op::Fence) {
        broken.retain(|rule, _| DESPITE_A_RESTORE.contains(rule));
    }
    let mut findings = all(&Finding::Unknown(unknown.into()));
    findings.extend(broken.into_iter().map(|(rule, how)| (rule, Finding::Broken(how))));
    findings
}

/// What is proved by what was said alone, whatever else the directory may have done: the answers to one claim, the
/// grants and the notifications of one package. It asks for no order, and so for no search; a finding is `Broken` or
/// `Unknown`. Operations that nobody knows in the terms of the model may be left out.
#[must_use]
pub fn certain(seen: &Seen<'_>) -> Findings {
    let mut findings = all(&Finding::Unknown("it is not broken by what was said alone".into()));
    findings.extend(bags::broken(seen).into_iter().map(|(rule, how)| (rule, Finding::Broken(how))));
    findings
}

/// The rules that are broken, in the order of the catalogue, each with how.
pub fn named(findings: &Findings) -> impl Iterator<Item = (&'static str, &str)> {
    findings.iter().filter_map(|(rule, finding)| match finding {
        Finding::Broken(how) => Some((*rule, how.as_str())),
        Finding::Kept | Finding::Unknown(_) => None,
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Explained {
    So,
    Never,
    Unknown,
}

fn explained(seen: &Seen<'_>, initial: &State) -> Explained {
    if seen.operations.len() > OPERATIONS_MAX {
        return Explained::Unknown;
    }
    match linearize(seen.spec, initial, seen.operations, SEARCH_MAX) {
        linearize::Verdict::Linearizable { .. } => Explained::So,
        linearize::Verdict::NotLinearizable { .. } => Explained::Never,
        linearize::Verdict::OutOfBudget => Explained::Unknown,
    }
}

/// What is wrong without the operations that take nothing away from anybody, whether they were answered truly or not: a
/// legal history stays legal without them.
fn without_reads(seen: &Seen<'_>, initial: &State) -> Option<(&'static str, String)> {
    let reads = |operation: &&Operation| match operation.op {
        Op::Notifications { .. } | Op::Acknowledge { .. } | Op::Reconcile { .. } | Op::Keys { .. } => true,
        Op::Verify { .. } => true,
        _ => matches!(operation.outcome, Some(Outcome::Stock(_))),
    };
    let rest: Vec<_> = seen.operations.iter().filter(|operation| !reads(operation)).cloned().collect();
    match monitor(seen.spec, initial, &rest) {
        monitor::Verdict::Illegal { rule, says, .. } => Some((rule, says)),
        _ => None,
    }
}

fn all(finding: &Finding) -> Findings {
    RULES.iter().map(|rule| (rule.id, finding.clone())).collect()
}

/// More operations than these have too many worlds.
const OPERATIONS_MAX: usize = 40;
const SEARCH_MAX: usize = 50_000;
const WORLDS_MAX: usize = 20_000;

/// Rules that a directory keeps towards its clients whatever a restore took away.
const DESPITE_A_RESTORE: &[&str] = &[
    "CLAIM-ONCE",
    "CLAIM-LIVE",
    "CLAIM-COMPATIBLE",
    "CLAIM-NOT-SELF",
    "LAST-TOLD",
    "NOTE-SURVIVES",
    "LIFE-TERMINAL",
    "LIFE-RESTORE",
];
