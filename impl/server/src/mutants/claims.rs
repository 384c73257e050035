//! Lies about claims of regular KeyPackages.

use std::collections::BTreeMap;

use kpd_directory::{
    Capabilities, ClientName, Decision, Event, Policy, Requester, UnixSeconds,
    claim::{Answered, ClaimError, Claimed, ClientAnswer},
    event::{Claim, LastResort},
    feed::FeedError,
    key_package::{Facts, Role},
    policy::Selection,
};

use super::lies::{
    ClaimRuling, answered, ever_published, grants, had_also_happened, had_been_asked, had_been_published,
    once_in_a_hundred, settled, withdrawn,
};
use crate::seams::{Ruling, Scene, Seams, Stocks, claim_from, ruling};

fn truth(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    (Seams::HONEST.claim)(scene, claim)
}

/// It decides as if everything granted had been published anew; what is recorded and notified is true.
pub(super) fn keeps_claimed(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    claim_from(scene, &had_also_happened(scene, &back(scene, |_| true).collect::<Vec<_>>()), claim)
}

/// The same of some KeyPackages alone, whose bytes decide about it: it is as true of each as of a coin.
pub(super) fn keeps_one_in_a_hundred(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    claim_from(scene, &had_also_happened(scene, &back(scene, is_unlucky).collect::<Vec<_>>()), claim)
}

fn is_unlucky(facts: &Facts) -> bool {
    facts.bytes.iter().fold(0_u32, |sum, byte| (sum * 257 + u32::from(*byte)) % 9973) % 100 == 0
}

/// What makes KeyPackages available once more that were granted.
fn back(scene: &Scene<'_>, which: fn(&Facts) -> bool) -> impl Iterator<Item = Event> {
    let (at, published) = (scene.now, ever_published(scene));
    let granted = grants(scene.history).into_iter().filter(|(_, _, role)| *role == Role::Regular);
    let granted: BTreeMap<_, _> = granted.map(|(client, reference, _)| ((client, reference), ())).collect();
    granted.into_keys().filter_map(move |key| {
        let facts = published.get(&key).filter(|facts| which(facts))?.clone();
        Some(Event::Published { at, client: key.0, key_packages: vec![facts] })
    })
}

/// Whoever comes second in a race is given what was granted last, as if nothing else were left; but seldom.
pub(super) fn doubles_one_in_a_hundred(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let last = grants(scene.history).into_iter().rfind(|(_, _, role)| *role == Role::Regular);
    let Some((client, reference, _)) = last.filter(|_| scene.conflicts > 0 && once_in_a_hundred()) else {
        return truth(scene, claim);
    };
    let Some(facts) = ever_published(scene).get(&(client.clone(), reference)).cloned() else {
        return truth(scene, claim);
    };
    let back = Event::Published { at: scene.now, client, key_packages: vec![facts] };
    let others = withdrawn(scene, |_, facts| facts.reference != reference);
    claim_from(scene, &had_also_happened(scene, &others.chain([back]).collect::<Vec<_>>()), claim)
}

pub(super) fn grants_wrong_bytes(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    answered(truth(scene, claim), |answer| {
        if let ClientAnswer::KeyPackage { bytes, .. } = answer {
            *bytes = [&[0, 1, 0, 5], &bytes[..]].concat().into();
        }
    })
}

pub(super) fn spoils_signatures(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    answered(truth(scene, claim), |answer| {
        if let ClientAnswer::KeyPackage { bytes, .. } = answer {
            let mut spoilt = bytes.to_vec();
            spoilt.iter_mut().last().into_iter().for_each(|byte| *byte ^= 1);
            *bytes = spoilt.into();
        }
    })
}

pub(super) fn forgets_idempotency_key(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    truth(scene, &Claim { idempotency_key: None, ..claim.clone() })
}

/// It decides as if all claims under this key had been this requester's.
pub(super) fn shares_idempotency_keys(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let told = scene.history.iter().cloned().map(|mut event| {
        if let Event::Claimed { claim: before, .. } = &mut event
            && before.idempotency_key.is_some()
            && before.idempotency_key == claim.idempotency_key
        {
            before.requester = claim.requester.clone();
        }
        event
    });
    claim_from(scene, &kpd_directory::UserState::of(&told.collect::<Vec<_>>()), claim)
}

pub(super) fn grants_expired(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let endless = |facts: Facts| Facts { not_after: UnixSeconds::MAX, ..facts };
    claim_from(scene, &had_been_published(scene, |_, batch| batch.into_iter().map(endless).collect()), claim)
}

pub(super) fn grants_unbegun(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let begun = |facts: Facts| Facts { not_before: 0, ..facts };
    claim_from(scene, &had_been_published(scene, |_, batch| batch.into_iter().map(begun).collect()), claim)
}

pub(super) fn ignores_suites(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    had_been_asked(scene, claim, |claim| claim.cipher_suites.clear())
}

pub(super) fn ignores_required_capabilities(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    had_been_asked(scene, claim, |claim| claim.required_capabilities = Capabilities::default())
}

pub(super) fn calls_incompatible_exhausted(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    answered(truth(scene, claim), |answer| {
        if *answer == ClientAnswer::Incompatible {
            *answer = ClientAnswer::Exhausted;
        }
    })
}

pub(super) fn invents_users(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let mut ruling = truth(scene, claim);
    if ruling.answer == Err(ClaimError::UnknownUser) {
        ruling.answer = Ok(Answered::Claimed(Claimed { clients: vec![] }));
    }
    ruling
}

pub(super) fn first_client_only(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let mut ruling = truth(scene, claim);
    for event in &mut ruling.events {
        if let Event::Claimed { answers, .. } = event {
            answers.truncate(1);
        }
    }
    if let Ok(Answered::Claimed(claimed)) = &mut ruling.answer {
        claimed.clients.truncate(1);
    }
    ruling
}

/// After the claim it makes another one, which nobody asked for.
pub(super) fn takes_two(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let mut ruling = truth(scene, claim);
    if !grants(&ruling.events).is_empty() {
        let after = had_also_happened(scene, &ruling.events);
        let again = Claim { idempotency_key: None, last_resort: LastResort::Refuse, ..claim.clone() };
        ruling.events.extend(claim_from(scene, &after, &again).events);
    }
    ruling
}

/// It claims once more in the name of a client that does not exist, and keeps what the requester's own client gave.
pub(super) fn claims_own_client(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let Some(nobody) = ClientName::parse("nobody").ok().filter(|_| claim.requester.user == *scene.user) else {
        return truth(scene, claim);
    };
    let requester = Requester { client: nobody, ..claim.requester.clone() };
    had_been_asked(scene, claim, |claim| claim.requester = requester)
}

pub(super) fn declares_fifo(policy: Policy) -> Policy {
    Policy { selection: Selection::Fifo, ..policy }
}

pub(super) fn declares_random(policy: Policy) -> Policy {
    Policy { selection: Selection::Random, ..policy }
}

pub(super) fn grants_the_newest(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let policy = declares_random(scene.policy.clone());
    ruling(scene.state.claim(&policy, scene.now, scene.user, claim, &mut |choices| choices.saturating_sub(1)))
}

pub(super) fn grants_the_oldest(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let policy = declares_fifo(scene.policy.clone());
    ruling(scene.state.claim(&policy, scene.now, scene.user, claim, &mut |_| 0))
}

pub(super) fn consumes_on_refusal(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let mut ruling = truth(scene, claim);
    let incompatible = |(_, answer): &(ClientName, ClientAnswer)| *answer == ClientAnswer::Incompatible;
    let refused = matches!(&ruling.answer, Ok(Answered::Claimed(it)) if it.clients.iter().any(incompatible));
    if refused && settled(scene, claim).is_none() {
        let required_capabilities = Capabilities::default();
        let any = Claim { cipher_suites: vec![], required_capabilities, idempotency_key: None, ..claim.clone() };
        ruling.events.extend(truth(scene, &any).events);
    }
    ruling
}

pub(super) fn consumes_on_read(scene: &Scene<'_>, name: &ClientName) -> Ruling<Stocks, FeedError> {
    let Decision { answer, .. } = (Seams::HONEST.stock)(scene, name);
    // Whoever it is that takes one: a requester that is not the client itself.
    let Ok(nobody) = ClientName::parse("nobody") else { return Decision { events: vec![], answer } };
    let requester = Requester { user: scene.user.clone(), client: nobody };
    let claim = Claim {
        requester,
        cipher_suites: vec![],
        required_capabilities: Capabilities::default(),
        last_resort: LastResort::Refuse,
        idempotency_key: None,
        vouched_by: None,
    };
    let taken = grants(&truth(scene, &claim).events).into_iter().find(|(client, _, _)| client == name);
    let event = |(client, reference, _)| Event::Withdrawn { at: scene.now, client, references: vec![reference] };
    Decision { events: taken.map(event).into_iter().collect(), answer }
}
