//! Lies about limits and blocks.

use kpd_directory::{
    Decision, Event, Policy, UserId, UserState,
    blocks::Blocked,
    claim::{Answered, ClientAnswer},
    event::Claim,
    limits::Account,
    policy::Limits,
};

use super::lies::ClaimRuling;
use crate::seams::{Debit, Means, Scene, Seams, claim_from};

fn truth(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    (Seams::HONEST.claim)(scene, claim)
}

pub(super) fn ignores_requester_limit(limits: &Limits, claim: &Claim) -> Vec<Account> {
    Account::of(&Limits { requester: None, ..*limits }, claim)
}

pub(super) fn does_not_count_servers(limits: &Limits, claim: &Claim) -> Vec<Account> {
    Account::of(&Limits { server: None, ..*limits }, claim)
}

/// It takes itself for another server.
pub(super) fn counts_its_own_together(limits: &Limits, claim: &Claim) -> Vec<Account> {
    let vouched_by = Some(claim.requester.user.server());
    Account::of(limits, &Claim { vouched_by, ..claim.clone() })
}

pub(super) fn ignores_pair_limit(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let policy = Policy { limits: Limits { pair: None, ..scene.policy.limits }, ..scene.policy.clone() };
    truth(&Scene { policy: &policy, ..*scene }, claim)
}

/// It decides as if everybody's claims had been this requester's.
pub(super) fn limits_by_target(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let told = scene.history.iter().cloned().map(|mut event| {
        if let Event::Claimed { claim: before, .. } = &mut event
            && before.requester.user != claim.requester.user
        {
            before.requester.user = claim.requester.user.clone();
            before.idempotency_key = None;
        }
        event
    });
    claim_from(scene, &UserState::of(&told.collect::<Vec<_>>()), claim)
}

pub(super) fn says_at_once(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let mut ruling = truth(scene, claim);
    if let Ok(Answered::Limited(limited)) = &mut ruling.answer {
        limited.retry_after = 0;
    }
    ruling
}

pub(super) fn debits_and_says_at_once(means: &Means<'_>, user: &UserId, claim: &Claim) -> Debit {
    let mut debit = (Seams::HONEST.debit)(means, user, claim)?;
    debit.answer = debit.answer.map_err(|mut limited| {
        limited.retry_after = 0;
        limited
    });
    Ok(debit)
}

/// What the claim would have got is gone, and the owner is told of it.
pub(super) fn limits_after_consuming(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let mut ruling = truth(scene, claim);
    if matches!(&ruling.answer, Ok(Answered::Limited(_))) {
        let again = Claim { idempotency_key: None, ..claim.clone() };
        ruling.events.extend(ignores_pair_limit(scene, &again).events);
    }
    ruling
}

pub(super) fn forgets_refusals(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    without(scene, claim, |event| matches!(event, Event::ClaimLimited { .. }))
}

pub(super) fn ignores_blocks(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    without(scene, claim, |event| matches!(event, Event::Blocked { .. }))
}

pub(super) fn ignores_server_blocks(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    without(scene, claim, |event| matches!(event, Event::Blocked { blocked: Blocked::Server(_), .. }))
}

/// Whoever is blocked learns that there is somebody, who has nothing left.
pub(super) fn calls_blocks_exhaustion(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let ruling = truth(scene, claim);
    let Decision { answer: Ok(Answered::Claimed(mut claimed)), .. } = ignores_blocks(scene, claim) else {
        return ruling;
    };
    if ruling.answer.is_ok() {
        return ruling;
    }
    claimed.clients.iter_mut().for_each(|(_, answer)| *answer = ClientAnswer::Exhausted);
    Decision { events: vec![], answer: Ok(Answered::Claimed(claimed)) }
}

/// The claim, decided as if these had never happened.
fn without(scene: &Scene<'_>, claim: &Claim, which: fn(&Event) -> bool) -> ClaimRuling {
    claim_from(scene, &UserState::of(scene.history.iter().filter(|event| !which(event))), claim)
}
