//! The third face: which kind of step this was, for coverage.

use std::fmt;

use crate::{
    history::{Claim, Fate, Role, State, Status},
    spec::{Op, Outcome, Spec},
};

/// Operation, result and guard class of a step, such as `claim/regular/new`. Two steps with the same label exercise
/// the same part of the specification.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(pub String);

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Spec {
    /// The label of a step that is allowed.
    #[must_use]
    pub fn label(&self, state: &State, op: &Op, outcome: &Outcome) -> Label {
        let result = match outcome {
            Outcome::Refused(reason) => format!("refused-{reason:?}").to_lowercase(),
            Outcome::Claimed(statuses) => {
                let kinds: std::collections::BTreeSet<_> = statuses.values().map(|status| kind(*status)).collect();
                if kinds.is_empty() { "nobody".into() } else { kinds.into_iter().collect::<Vec<_>>().join("+") }
            }
            Outcome::Withdrawn(fates) => {
                let kinds: std::collections::BTreeSet<_> = fates.values().map(|fate| format!("{fate:?}")).collect();
                kinds.into_iter().collect::<Vec<_>>().join("+").to_lowercase()
            }
            Outcome::Stock(stock) if stock.regular.values().all(|left| *left == 0) => "zero".into(),
            Outcome::Notifications(feed) if feed.is_empty() => "empty".into(),
            Outcome::Stock(_) | Outcome::Notifications(_) => "some".into(),
            Outcome::Done => "done".into(),
        };
        let (operation, guard) = guard(state, op);
        Label(format!("{operation}/{result}/{guard}"))
    }
}

fn kind(status: Status) -> &'static str {
    match status {
        Status::Regular(_) => "regular",
        Status::LastResort(_) => "last_resort",
        Status::Exhausted => "exhausted",
        Status::Incompatible => "incompatible",
    }
}

fn guard(state: &State, op: &Op) -> (&'static str, &'static str) {
    match op {
        Op::AddKey { key, .. } => ("add_key", if state.keys.contains_key(key) { "known" } else { "new" }),
        Op::RemoveKey { key, .. } => ("remove_key", if signs(state, *key) { "signs" } else { "idle" }),
        Op::Publish { packages, .. } => {
            let known = packages.iter().filter_map(|facts| state.packages.get(&facts.package));
            let known: Vec<_> = known.collect();
            let guard = if known.iter().any(|package| package.fate != Fate::Available) {
                "spent"
            } else if known.iter().any(|package| package.granted) {
                "used_last_resort"
            } else if !known.is_empty() {
                "again"
            } else if packages.iter().any(|facts| facts.role == Role::LastResort) {
                "new_last_resort"
            } else {
                "new"
            };
            ("publish", guard)
        }
        Op::Claim(claim) => ("claim", claim_guard(state, claim)),
        Op::Withdraw { .. } => ("withdraw", "any"),
        Op::Stock { .. } => ("stock", "any"),
        Op::Notifications { after, .. } => ("notifications", if *after > 0 { "from_cursor" } else { "from_start" }),
        Op::Acknowledge { client, .. } => {
            let unread = state.notifications.get(client).is_some_and(|unread| !unread.is_empty());
            ("acknowledge", if unread { "unread" } else { "read" })
        }
        Op::Tick { .. } => ("tick", "any"),
    }
}

fn signs(state: &State, key: crate::names::Key) -> bool {
    state.packages.values().any(|package| package.facts.signer == key && package.fate == Fate::Available)
}

fn claim_guard(state: &State, claim: &Claim) -> &'static str {
    let again = claim.key.is_some_and(|key| state.claims.contains_key(&(claim.requester, key)));
    if again {
        "again"
    } else if claim.requester_client.is_some_and(|own| state.clients_of(claim.user).contains(&own)) {
        "own_user"
    } else if !claim.last_resort_accepted {
        "last_resort_refused"
    } else if claim.suites.is_empty() {
        "any_suite"
    } else {
        "suites"
    }
}
