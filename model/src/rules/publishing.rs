//! Rules on publications: each package once, each init key once, each batch whole.

use std::collections::BTreeSet;

use crate::{
    history::{Event, Facts, Fate, Role, State},
    rules::{History, owner::taken_unasked},
    spec::{Op, Outcome, Reason},
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
    history.find_new(|state, event| {
        let Event::Published(batch) = event else { return None };
        batch.iter().enumerate().find_map(|(place, facts)| {
            // What was forgotten is not compared any more: see `LIFE-TOMBSTONE`.
            let before = state.packages.values().map(|known| &known.facts).chain(&batch[..place]);
            let same = |other: &&Facts| other.client == facts.client && other.init_key == facts.init_key;
            let mut others = before.filter(same).filter(|other| other.package != facts.package);
            let other = others.find(|other| roles(other.role, facts.role))?;
            Some(format!("{other} and {facts} were published with the same {}", facts.init_key))
        })
    })
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
    let again = find_published(history, |state, facts| {
        state.packages.contains_key(&facts.package).then(|| format!("{} became available twice", facts.package))
    });
    if again.is_some() {
        return again;
    }
    let spent = |state: &State, facts: &Facts| {
        state.packages.get(&facts.package).is_some_and(|known| known.fate != Fate::Available)
    };
    history.answers_to_judge().find_map(|(request, outcome, states)| {
        let (Op::Publish { packages, .. } | Op::Replace { packages, .. }) = &request.op else { return None };
        let untrue = || !states.iter().any(|state| packages.iter().any(|facts| spent(state, facts)));
        let refused = *outcome == Outcome::Refused(Reason::AlreadyUsed);
        (refused && untrue()).then(|| format!("{request} was refused as already used, but none of them was"))
    })
}

pub(super) fn published_again(history: &History) -> bool {
    history.publications().any(|(_, outcomes)| {
        outcomes.contains(&Outcome::Done) && outcomes.contains(&Outcome::Refused(Reason::AlreadyUsed))
    })
}

/// `PUB-ATOMIC`: accepted and stored in part, refused and stored in part, or a replacement that only took away.
pub(super) fn stored_in_part(history: &History) -> Option<String> {
    let stored: BTreeSet<_> = history.timelines().flat_map(History::published).map(|facts| facts.package).collect();
    let part = history.publications().filter(|(_, outcomes)| !outcomes.is_empty()).find_map(|(batch, outcomes)| {
        if outcomes.iter().any(is_success) {
            let missing = batch.iter().find(|facts| !stored.contains(&facts.package))?;
            return Some(format!("the publication of {} was accepted, but {missing} was not stored", list(batch)));
        }
        let elsewhere = |facts: &Facts| {
            // Without its answer, another publication may be what stored it.
            let mut others = history.publications().filter(|(_, all)| all.is_empty() || all.iter().any(is_success));
            others.any(|(other, _)| other.iter().any(|item| item.package == facts.package))
        };
        let now_stored = |facts: &Facts| history.published_since().any(|stored| stored.package == facts.package);
        let kept = batch.iter().find(|facts| now_stored(facts) && !elsewhere(facts))?;
        Some(format!("the publication of {} was refused, but {kept} was stored", list(batch)))
    });
    part.or_else(|| only_took_away(history))
}

fn is_success(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Done | Outcome::Replaced { .. })
}

/// A replacement that was refused took something away all the same.
fn only_took_away(history: &History) -> Option<String> {
    let refused = |outcomes: &BTreeSet<Outcome>| !outcomes.is_empty() && !outcomes.iter().any(is_success);
    let replacements = history.answers().iter().filter_map(|(request, outcomes)| match &request.op {
        Op::Replace { client, packages } if refused(outcomes) => Some((client, packages)),
        _ => None,
    });
    replacements.into_iter().find_map(|(client, packages)| {
        let (package, _) = taken_unasked(history).find(|(_, of)| of == client)?;
        Some(format!("the replacement by {} was refused, but {package} was taken away", list(packages)))
    })
}

pub(super) fn refused_with_something_new(history: &History) -> bool {
    let stored: BTreeSet<_> = history.published().map(|facts| facts.package).collect();
    history.publications().any(|(batch, outcomes)| {
        let known = batch.iter().filter(|facts| stored.contains(&facts.package)).count();
        outcomes.iter().any(|outcome| matches!(outcome, Outcome::Refused(_))) && known > 0 && known < batch.len()
    })
}

/// `PUB-SIGNER-LISTED`: stored, though its signature key was not valid then.
pub(super) fn signer_not_listed(history: &History) -> Option<String> {
    find_published(history, |state, facts| {
        let valid =
            state.keys.get(&facts.signer).is_some_and(|key| key.client == facts.client && key.is_valid(state.now));
        (!valid).then(|| format!("{facts} was stored, but {} was no valid key of {}", facts.signer, facts.client))
    })
}

pub(super) fn signer_refused(history: &History) -> bool {
    refused(history, Reason::SignerNotListed)
}

/// `PUB-LIFETIME`: stored after its end, too long before its beginning, or with too long a lifetime.
pub(super) fn outside_lifetime(history: &History) -> Option<String> {
    let (skew, lifetime_max) = (history.declared().skew, history.declared().lifetime_max);
    find_published(history, |state, facts| {
        let Facts { not_before, not_after, .. } = facts;
        let early = *not_before > state.now.saturating_add(skew);
        let wrong = early || *not_after <= state.now || not_after.saturating_sub(*not_before) > lifetime_max;
        wrong.then(|| format!("{facts} was stored at {}, which is valid from {not_before} to {not_after}", state.now))
    })
}

pub(super) fn lifetime_refused(history: &History) -> bool {
    [Reason::Expired, Reason::NotYetValid, Reason::LifetimeTooLong].iter().any(|reason| refused(history, *reason))
}

/// `PUB-LIMITS`: more in one batch, or more of one suite in stock, than the directory declares.
pub(super) fn over_the_limit(history: &History) -> Option<String> {
    let (batch_max, stock_max) = (history.declared().batch_max, history.declared().stock_max);
    history.find_new(|state, event| {
        let Event::Published(batch) = event else { return None };
        if batch.len() > batch_max {
            return Some(format!("{} were stored at once, where {batch_max} are allowed", list(batch)));
        }
        let first = batch.first()?;
        let mut after = state.clone();
        after.apply(event);
        let kept = after.kept_regular(first.client).filter(|known| known.facts.suite == first.suite).count();
        (kept > stock_max).then(|| format!("{} has {kept} in stock, where {stock_max} are allowed", first.client))
    })
}

pub(super) fn limit_refused(history: &History) -> bool {
    [Reason::StockFull, Reason::BatchTooLarge].iter().any(|reason| refused(history, *reason))
}

fn find_published(history: &History, judge: impl Fn(&State, &Facts) -> Option<String>) -> Option<String> {
    history.find_new(|state, event| match event {
        Event::Published(batch) => batch.iter().find_map(|facts| judge(state, facts)),
        _ => None,
    })
}
