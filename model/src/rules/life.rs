//! Rules on what ends the life of a package: the end of its key, a withdrawal, and the memory of it.

use crate::{
    history::{Event, Facts, Fate, PackageState, Role, State, Status},
    names::Package,
    rules::{History, claiming::claimed_beside},
    spec::{Outcome, WithdrawnFate},
};

/// `KEY-CASCADE`: granted, though its signature key was removed or had expired.
pub(super) fn signer_ended(history: &History) -> Option<String> {
    history.find_new_status(|state, claim, _, status| {
        let signer = state.packages.get(&status.granted()?)?.facts.signer;
        let ended = !state.is_valid_key(signer);
        ended.then(|| format!("{claim} got {status}, which is signed by {signer}, and that is not valid"))
    })
}

pub(super) fn claimed_beside_ended_signer(history: &History) -> bool {
    claimed_beside(history, |state, known| !state.is_valid_key(known.facts.signer))
}

/// `LIFE-TERMINAL`: a regular package that was withdrawn and granted, one after the other.
pub(super) fn granted_and_withdrawn(history: &History) -> Option<String> {
    history.find_new(|state, event| match event {
        Event::Claimed(claimed) => claimed.statuses.values().find_map(|status| {
            let known = state.packages.get(&status.granted()?)?;
            let dead = known.fate == Fate::Withdrawn && known.facts.role == Role::Regular;
            dead.then(|| format!("{} got {status}, which was withdrawn before", claimed.claim))
        }),
        Event::Withdrawn { client, package } => {
            let granted = state.packages.get(package)?.fate == Fate::Granted;
            granted.then(|| format!("{client} withdrew {package}, which was granted before"))
        }
        _ => None,
    })
}

pub(super) fn claimed_beside_withdrawn(history: &History) -> bool {
    claimed_beside(history, |_, known| known.fate == Fate::Withdrawn && known.facts.role == Role::Regular)
}

/// `LIFE-WITHDRAW-RACE`: claim and withdrawal both won, or both lost.
pub(super) fn told_wrongly(history: &History) -> Option<String> {
    // Where a restore took a grant away, the fence withdraws the package once more.
    if !history.lost().is_empty() {
        return None;
    }
    withdrawals(history).find_map(|(package, fate)| {
        let taker = taker(history, package);
        match (fate, taker) {
            (WithdrawnFate::Withdrawn, Some(taker)) => {
                Some(format!("the owner was told that {package} is withdrawn, but {taker} got it"))
            }
            (WithdrawnFate::AlreadyGranted, None) => {
                Some(format!("the owner was told that {package} was granted already, but nobody got it"))
            }
            _ => None,
        }
    })
}

fn withdrawals(history: &History) -> impl Iterator<Item = (Package, WithdrawnFate)> {
    history.answered_with().flat_map(|(_, outcome)| match outcome {
        Outcome::Withdrawn(fates) => fates.iter().map(|(package, fate)| (*package, *fate)).collect(),
        _ => vec![],
    })
}

/// Whose claim got this package as a regular one.
fn taker(history: &History, package: Package) -> Option<String> {
    let recorded = history.recorded().map(|claimed| (&claimed.claim, &claimed.statuses));
    let answered = history.answered().map(|(_, claim, statuses)| (claim, statuses));
    let mut claims = recorded.chain(answered);
    let taker = claims.find(|(_, statuses)| statuses.values().any(|status| *status == Status::Regular(package)));
    taker.map(|(claim, _)| claim.to_string())
}

pub(super) fn withdrawal_lost(history: &History) -> bool {
    withdrawals(history).any(|(_, fate)| fate == WithdrawnFate::AlreadyGranted)
}

/// `LIFE-TOMBSTONE`: the memory of a used package was dropped while that could still be published again.
pub(super) fn forgotten_early(history: &History) -> Option<String> {
    forgotten(history, |state, known| known.fate != Fate::Available && state.now < known.facts.not_after)
}

/// `LIFE-NO-EARLY-GC`: a package that nobody used and that had not ended was dropped.
pub(super) fn collected_early(history: &History) -> Option<String> {
    forgotten(history, |state, known| known.fate == Fate::Available && state.now < known.facts.not_after)
}

fn forgotten(history: &History, early: impl Fn(&State, &PackageState) -> bool) -> Option<String> {
    history.find_new(|state, event| {
        let Event::Forgotten { packages } = event else { return None };
        let known = packages.iter().filter_map(|package| state.packages.get(package)).find(|it| early(state, it))?;
        let Facts { package, not_after, .. } = known.facts;
        Some(format!("{package} was forgotten at {}, though it is valid until {not_after}", state.now))
    })
}

/// Something was forgotten while a used package had not ended.
pub(super) fn forgotten_beside_used(history: &History) -> bool {
    collected_beside(history, |known| known.fate == Fate::Granted)
}

/// Something was forgotten while an available package had not ended.
pub(super) fn collected_beside_available(history: &History) -> bool {
    collected_beside(history, |known| known.fate == Fate::Available)
}

fn collected_beside(history: &History, kept: impl Fn(&PackageState) -> bool) -> bool {
    let found = history.find(|state, event| {
        let Event::Forgotten { packages } = event else { return None };
        let stays =
            |known: &PackageState| !packages.contains(&known.facts.package) && state.now < known.facts.not_after;
        state.packages.values().any(|known| stays(known) && kept(known)).then_some(())
    });
    found.is_some()
}
