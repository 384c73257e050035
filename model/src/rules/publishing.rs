//! Rules on publications: each package once, each init key once, each batch whole.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    history::{Facts, Fate, Role, State},
    names::{Client, InitKey, Package},
    rules::History,
    spec::{Outcome, Reason},
    words::list,
};

/// `PUB-FRESH`: two packages of a client with one init key.
pub(super) fn init_key_reused(history: &History) -> Option<String> {
    shared_init_key(history, |one, other| one == other)
}

/// `PUB-ONE-ROLE`: an init key that is both regular and last resort.
pub(super) fn two_roles(history: &History) -> Option<String> {
    shared_init_key(history, |one, other| one != other)
}

fn shared_init_key(history: &History, roles: fn(Role, Role) -> bool) -> Option<String> {
    let mut seen: BTreeMap<(Client, InitKey), Vec<&Facts>> = BTreeMap::new();
    for facts in history.published() {
        let same = seen.entry((facts.client, facts.init_key)).or_default();
        if let Some(other) = same.iter().find(|other| other.package != facts.package && roles(other.role, facts.role)) {
            return Some(format!("{other} and {facts} were published with the same {}", facts.init_key));
        }
        same.push(facts);
    }
    None
}

pub(super) fn init_key_refused(history: &History) -> bool {
    refused(history, Reason::InitKeyReused)
}

pub(super) fn second_role_refused(history: &History) -> bool {
    refused(history, Reason::RoleConflict)
}

fn refused(history: &History, reason: Reason) -> bool {
    history.publications().any(|(_, outcomes)| outcomes.contains(&Outcome::Refused(reason)))
}

/// `PUB-RETRY`: published twice, or called used when nobody had used it.
pub(super) fn published_twice(history: &History) -> Option<String> {
    let mut seen = BTreeSet::new();
    if let Some(again) = history.published().find(|facts| !seen.insert(facts.package)) {
        return Some(format!("{} became available twice", again.package));
    }
    let used = used(history);
    let untrue = |batch: &[Facts]| batch.iter().all(|facts| !used.contains(&facts.package));
    let mut refused = history.publications().filter(|(_, all)| all.contains(&Outcome::Refused(Reason::AlreadyUsed)));
    let (batch, _) = refused.find(|(batch, _)| untrue(batch))?;
    Some(format!("the publication of {} was refused as already used, but none of them was", list(batch)))
}

/// The packages that are no longer available. Since fates are final, what is not in it was available all the time.
fn used(history: &History) -> BTreeSet<Package> {
    let state = State::of(&history.log);
    let spent = state.packages.values().filter(|known| known.fate != Fate::Available);
    spent.map(|known| known.facts.package).collect()
}

pub(super) fn published_again(history: &History) -> bool {
    history.publications().any(|(_, outcomes)| {
        outcomes.contains(&Outcome::Done) && outcomes.contains(&Outcome::Refused(Reason::AlreadyUsed))
    })
}

/// `PUB-ATOMIC`: accepted and stored in part, or refused and stored in part.
pub(super) fn stored_in_part(history: &History) -> Option<String> {
    let stored: BTreeSet<_> = history.published().map(|facts| facts.package).collect();
    let accepted = |outcomes: &BTreeSet<Outcome>| outcomes.contains(&Outcome::Done);
    history.publications().filter(|(_, outcomes)| !outcomes.is_empty()).find_map(|(batch, outcomes)| {
        if accepted(outcomes) {
            let missing = batch.iter().find(|facts| !stored.contains(&facts.package))?;
            return Some(format!("the publication of {} was accepted, but {missing} was not stored", list(batch)));
        }
        let elsewhere = |facts: &Facts| {
            // Without its answer, another publication may be what stored it.
            let mut others = history.publications().filter(|(_, all)| all.is_empty() || accepted(all));
            others.any(|(other, _)| other.iter().any(|item| item.package == facts.package))
        };
        let kept = batch.iter().find(|facts| stored.contains(&facts.package) && !elsewhere(facts))?;
        Some(format!("the publication of {} was refused, but {kept} was stored", list(batch)))
    })
}

pub(super) fn refused_with_something_new(history: &History) -> bool {
    let stored: BTreeSet<_> = history.published().map(|facts| facts.package).collect();
    history.publications().any(|(batch, outcomes)| {
        let known = batch.iter().filter(|facts| stored.contains(&facts.package)).count();
        outcomes.iter().any(|outcome| matches!(outcome, Outcome::Refused(_))) && known > 0 && known < batch.len()
    })
}
