//! Rules on last resorts: when they are granted, and that they stay.

use std::collections::BTreeMap;

use crate::{
    history::{Claim, Event, Facts, Fate, PackageState, Role, State, Status},
    names::{Client, Package},
    rules::History,
    spec::{Op, Outcome, Reason},
    words::list,
    words::word,
};

/// The live packages of a client that the claim would take, of one role.
fn acceptable(state: &State, claim: &Claim, client: Client, role: Role) -> Vec<Package> {
    let suits = |package: &&PackageState| package.facts.role == role && claim.fits(&package.facts);
    state.live(client).filter(suits).map(|package| package.facts.package).collect()
}

/// `LAST-ONLY-WHEN-EXHAUSTED`: a last resort, or nothing, while a regular package was left.
pub(super) fn too_early(history: &History) -> Option<String> {
    history.find_new_status(|state, claim, client, status| {
        let left = acceptable(state, claim, client, Role::Regular);
        let early = matches!(status, Status::LastResort(_) | Status::Exhausted) && !left.is_empty();
        early.then(|| format!("{claim} got {status} from {client}, while {} was left", list(left)))
    })
}

pub(super) fn after_regular(history: &History) -> bool {
    let mut spent = false;
    let found = history.find_status(|_, _, _, status| match status {
        Status::Regular(_) => {
            spent = true;
            None
        }
        Status::LastResort(_) if spent => Some(()),
        _ => None,
    });
    found.is_some()
}

/// `LAST-KEPT`: nothing, while an acceptable last resort was there.
pub(super) fn gone(history: &History) -> Option<String> {
    history.find_new_status(|state, claim, client, status| {
        let nothing = status.granted().is_none() && claim.last_resort_accepted;
        let regular = acceptable(state, claim, client, Role::Regular);
        let kept = acceptable(state, claim, client, Role::LastResort);
        let broken = nothing && regular.is_empty() && !kept.is_empty();
        broken.then(|| format!("{claim} got {status} from {client}, while the last resort {} was there", list(kept)))
    })
}

pub(super) fn granted_to_several(history: &History) -> bool {
    grants(history).values().any(|times| *times >= 2)
}

fn grants(history: &History) -> BTreeMap<Package, u32> {
    let mut grants = BTreeMap::new();
    for status in history.recorded().flat_map(|claimed| claimed.statuses.values()) {
        if let Status::LastResort(package) = status {
            *grants.entry(*package).or_default() += 1;
        }
    }
    grants
}

/// `LAST-TOLD`: granted to one who refuses it, or under the wrong name.
pub(super) fn not_told(history: &History) -> Option<String> {
    history.find_new_status(|state, claim, _, status| {
        let role = state.packages.get(&status.granted()?)?.facts.role;
        let told = matches!(status, Status::LastResort(_)) == (role == Role::LastResort);
        let refused = role == Role::LastResort && !claim.last_resort_accepted;
        (!told || refused).then(|| format!("{claim} got {status}, whose role is {}", word(&role)))
    })
}

pub(super) fn not_accepted(history: &History) -> bool {
    let found = history.find_status(|state, claim, client, status| {
        let there = !acceptable(state, claim, client, Role::LastResort).is_empty();
        (there && !claim.last_resort_accepted && status.granted().is_none()).then_some(())
    });
    found.is_some()
}

/// `LAST-USED-STICKS`: called its first use, though it was granted before.
pub(super) fn first_again(history: &History) -> Option<String> {
    let mut granted: BTreeMap<Package, u32> = BTreeMap::new();
    history.find(|_, event| match event {
        Event::Claimed(claimed) => {
            claimed.statuses.values().filter_map(Status::granted).for_each(|package| {
                *granted.entry(package).or_default() += 1;
            });
            None
        }
        Event::Notified(told) if told.role == Role::LastResort && told.first_use => {
            let times = granted.get(&told.package).copied().unwrap_or_default();
            let before = times.checked_sub(2)?;
            Some(format!(
                "notification {told} says first use, but {} was granted before, {} time(s)",
                told.package,
                before + 1
            ))
        }
        _ => None,
    })
}

/// A last resort is in use, its publication was asked for, and it is granted again.
pub(super) fn used_again(history: &History) -> bool {
    let mut asked = history.answers().keys().filter_map(|request| match &request.op {
        Op::Publish { packages, .. } | Op::Replace { packages, .. } => Some(packages),
        _ => None,
    });
    let grants = grants(history);
    asked.any(|batch| batch.iter().any(|facts| grants.get(&facts.package).is_some_and(|times| *times >= 2)))
}

/// `LAST-ONE-PER-SUITE`: two of one suite in one batch. Of two batches, the second takes the first one's place.
pub(super) fn two_in_a_batch(history: &History) -> Option<String> {
    history.find_new(|_, event| {
        let Event::Published(batch) = event else { return None };
        let mut last_resorts: BTreeMap<_, &Facts> = BTreeMap::new();
        batch.iter().filter(|facts| facts.role == Role::LastResort).find_map(|facts| {
            let other = last_resorts.insert((facts.client, facts.suite), facts)?;
            Some(format!("{other} and {facts} were published at once for {} of {}", facts.suite, facts.client))
        })
    })
}

pub(super) fn second_refused(history: &History) -> bool {
    history.publications().any(|(_, outcomes)| outcomes.contains(&Outcome::Refused(Reason::TwoLastResorts)))
}

/// `LAST-SAME-CHECKS`: granted outside its lifetime, or though its signature key had ended.
pub(super) fn not_live(history: &History) -> Option<String> {
    history.find_new_status(|state, claim, _, status| {
        let facts = &state.packages.get(&status.granted()?)?.facts;
        let dead = facts.role == Role::LastResort && !state.is_live(facts);
        dead.then(|| format!("{claim} got {status} at {}, when it was not live", state.now))
    })
}

/// The last resort in place was not live, so that the claim got nothing.
pub(super) fn claimed_beside_a_dead_one(history: &History) -> bool {
    let found = history.find_status(|state, claim, client, status| {
        let dead = |known: &PackageState| {
            let facts = &known.facts;
            let in_place = known.fate == Fate::Available && facts.role == Role::LastResort;
            in_place && facts.client == client && claim.fits(facts) && !state.is_live(facts)
        };
        (status.granted().is_none() && state.packages.values().any(dead)).then_some(())
    });
    found.is_some()
}

/// `LAST-REPLACED-WHOLE`: granted after a newer one took its place.
pub(super) fn old_one(history: &History) -> Option<String> {
    let mut newest = BTreeMap::new();
    history.find(|state, event| match event {
        Event::Published(batch) => {
            for facts in batch.iter().filter(|facts| facts.role == Role::LastResort) {
                newest.insert((facts.client, facts.suite), facts.package);
            }
            None
        }
        Event::Claimed(claimed) => claimed.statuses.values().find_map(|status| {
            let facts = &state.packages.get(&status.granted()?)?.facts;
            let new = newest.get(&(facts.client, facts.suite)).filter(|_| facts.role == Role::LastResort)?;
            let old = *new != facts.package;
            old.then(|| format!("{} got the last resort {}, which {new} had replaced", claimed.claim, facts.package))
        }),
        _ => None,
    })
}

pub(super) fn replaced(history: &History) -> bool {
    let found = history.find_status(|state, _, client, status| {
        let new = state.packages.get(&status.granted()?)?;
        let older = |other: &PackageState| {
            other.facts.client == client && other.facts.suite == new.facts.suite && other.facts.role == Role::LastResort
        };
        let both =
            new.facts.role == Role::LastResort && state.packages.values().filter(|other| older(other)).count() >= 2;
        both.then_some(())
    });
    found.is_some()
}
