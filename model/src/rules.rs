//! The rules as predicates on whole histories, each with the witness that its premise was reached.
//!
//! A rule fires on what a history proves and stays silent on what it leaves open, so the same rules judge the model's
//! states, a directory's log, and what clients saw of a server.

mod claiming;
mod last_resort;
mod life;
mod notifying;
mod publishing;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{
    history::{Claim, Claimed, Event, Facts, Role, State, Status},
    names::{Client, Package},
    spec::{Op, Outcome, Refusal},
};

/// What happened, and what was said about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct History {
    /// The store's events, in order.
    pub log: Vec<Event>,
    /// Whatever was asked, with every answer that the network ever carried back. Empty if only the log is known.
    pub answers: BTreeMap<Request, BTreeSet<Outcome>>,
}

/// One request. However often it is sent and delivered, it is the same one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    /// Tells two requests apart that ask the same.
    pub number: u32,
    /// Who asks, and what.
    pub op: Op,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.op.fmt(f)
    }
}

/// A rule that a history can be judged by.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its identifier in the catalogue.
    pub id: &'static str,
    /// The name of the property that its premise is reached.
    pub witness: &'static str,
    /// How the history breaks it: one sentence with both sides, if it does.
    pub broken: fn(&History) -> Option<String>,
    /// Whether the history reaches its premise, without which it would hold for want of an occasion.
    pub exercised: fn(&History) -> bool,
}

macro_rules! rule {
    ($id:literal, $broken:path, $exercised:path) => {
        Rule { id: $id, witness: concat!($id, " exercised"), broken: $broken, exercised: $exercised }
    };
}

/// All rules on histories, in the order of the catalogue.
pub const RULES: &[Rule] = &[
    rule!("PUB-FRESH", publishing::init_key_reused, publishing::init_key_refused),
    rule!("PUB-RETRY", publishing::published_twice, publishing::published_again),
    rule!("PUB-ONE-ROLE", publishing::two_roles, publishing::second_role_refused),
    rule!("PUB-ATOMIC", publishing::stored_in_part, publishing::refused_with_something_new),
    rule!("CLAIM-ONCE", claiming::granted_twice, claiming::claimed_after_grant),
    rule!("CLAIM-BYTES", claiming::not_published, claiming::two_clients_gave),
    rule!("CLAIM-DURABLE", claiming::answered_unrecorded, claiming::granted),
    rule!("CLAIM-RETRY", claiming::answered_differently, claiming::keyed_then_another),
    rule!("CLAIM-LIVE", claiming::not_valid, claiming::claimed_beside_expired),
    rule!("CLAIM-COMPATIBLE", claiming::wrong_suite, claiming::claimed_beside_other_suite),
    rule!("CLAIM-EACH-CLIENT", claiming::wrong_clients, claiming::two_clients_answered),
    rule!("CLAIM-NOT-SELF", claiming::own_touched, claiming::claimed_by_own_client),
    rule!("LAST-ONLY-WHEN-EXHAUSTED", last_resort::too_early, last_resort::after_regular),
    rule!("LAST-KEPT", last_resort::gone, last_resort::granted_to_several),
    rule!("LAST-TOLD", last_resort::not_told, last_resort::not_accepted),
    rule!("LAST-USED-STICKS", last_resort::first_again, last_resort::used_again),
    rule!("LAST-REPLACED-WHOLE", last_resort::old_one, last_resort::replaced),
    rule!("NOTE-EVERY-GRANT", notifying::unequal, notifying::both_roles_told),
    rule!("NOTE-NAMES-REQUESTER", notifying::another_named, notifying::two_requesters_told),
    rule!("NOTE-SURVIVES", notifying::lost, notifying::read_and_acknowledged_in_part),
    rule!("KEY-CASCADE", life::signer_removed, life::claimed_beside_removed_signer),
    rule!("LIFE-TERMINAL", life::granted_and_withdrawn, life::claimed_beside_withdrawn),
    rule!("LIFE-WITHDRAW-RACE", life::told_wrongly, life::withdrawal_lost),
];

/// The rule of this name.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

/// Every rule that the model can name: by judging a history, or by refusing an outcome.
#[must_use]
pub fn named() -> BTreeSet<&'static str> {
    RULES.iter().map(|rule| rule.id).chain(Refusal::RULES).collect()
}

impl History {
    /// The claims that the log records.
    fn recorded(&self) -> impl Iterator<Item = &Claimed> {
        self.log.iter().filter_map(|event| match event {
            Event::Claimed(claimed) => Some(claimed),
            _ => None,
        })
    }

    /// The claims that were answered with statuses.
    fn answered(&self) -> impl Iterator<Item = (&Request, &Claim, &BTreeMap<Client, Status>)> {
        self.answers.iter().flat_map(|(request, outcomes)| {
            outcomes.iter().filter_map(move |outcome| match (&request.op, outcome) {
                (Op::Claim(claim), Outcome::Claimed(statuses)) => Some((request, claim, statuses)),
                _ => None,
            })
        })
    }

    /// What was asked to be published, with the answers.
    fn publications(&self) -> impl Iterator<Item = (&[Facts], &BTreeSet<Outcome>)> {
        self.answers.iter().filter_map(|(request, outcomes)| match &request.op {
            Op::Publish { packages, .. } => Some((packages.as_slice(), outcomes)),
            _ => None,
        })
    }

    /// What the log says was published, in order.
    fn published(&self) -> impl Iterator<Item = &Facts> {
        self.log.iter().flat_map(|event| match event {
            Event::Published(batch) => batch.as_slice(),
            _ => &[],
        })
    }

    /// Whether the package was published as a last resort.
    fn is_last_resort(&self, package: Package) -> bool {
        self.published().any(|facts| facts.package == package && facts.role == Role::LastResort)
    }

    /// The first finding in the log, each event judged in the state before it.
    fn find<T>(&self, mut judge: impl FnMut(&State, &Event) -> Option<T>) -> Option<T> {
        let mut state = State::default();
        self.log.iter().find_map(|event| {
            let found = judge(&state, event);
            state.apply(event);
            found
        })
    }

    /// The first finding among the statuses that the log records, each judged in the state before its claim.
    fn find_status<T>(&self, mut judge: impl FnMut(&State, &Claim, Client, Status) -> Option<T>) -> Option<T> {
        self.find(|state, event| match event {
            Event::Claimed(Claimed { claim, statuses }) => {
                statuses.iter().find_map(|(client, status)| judge(state, claim, *client, *status))
            }
            _ => None,
        })
    }
}
