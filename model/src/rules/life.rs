//! Rules on what ends the life of a package: a removed key, a withdrawal.

use crate::{
    history::{Event, Fate, Role, Status},
    names::Package,
    rules::{History, claiming::claimed_beside},
    spec::{Op, Outcome, WithdrawnFate},
};

/// `KEY-CASCADE`: granted, though its signature key was removed.
pub(super) fn signer_removed(history: &History) -> Option<String> {
    history.find_status(|state, claim, _, status| {
        let signer = state.packages.get(&status.granted()?)?.facts.signer;
        let removed = state.keys.get(&signer).is_none_or(|key| key.removed);
        removed.then(|| format!("{claim} got {status}, which is signed by {signer}, and that is not listed"))
    })
}

pub(super) fn claimed_beside_removed_signer(history: &History) -> bool {
    claimed_beside(history, |state, known| state.keys.get(&known.facts.signer).is_some_and(|key| key.removed))
}

/// `LIFE-TERMINAL`: a regular package that was withdrawn and granted, one after the other.
pub(super) fn granted_and_withdrawn(history: &History) -> Option<String> {
    history.find(|state, event| match event {
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
    let withdrawn = history.answers.iter().filter(|(request, _)| matches!(request.op, Op::Withdraw { .. }));
    withdrawn.flat_map(|(_, outcomes)| outcomes).flat_map(|outcome| match outcome {
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
