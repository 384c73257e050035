//! What lies are made of: other histories, other questions, other answers.

use std::collections::BTreeMap;

use kpd_directory::{
    ClientName, Event, KeyPackageRef, UserState,
    claim::{Answered, ClaimError, ClientAnswer},
    event::{Claim, Granted},
    key_package::{Facts, Role},
};

use crate::seams::{Ruling, Scene, claim_from};

pub(super) type ClaimRuling = Ruling<Answered, ClaimError>;

/// The state that the history would lead to, if more had happened.
pub(super) fn had_also_happened(scene: &Scene<'_>, more: &[Event]) -> UserState {
    UserState::of(scene.history.iter().chain(more))
}

/// The state that the history would lead to, if other KeyPackages had been published.
pub(super) fn had_been_published(
    scene: &Scene<'_>,
    mut lie: impl FnMut(&ClientName, Vec<Facts>) -> Vec<Facts>,
) -> UserState {
    let told = scene.history.iter().map(|event| match event {
        Event::Published { at, client, key_packages } => {
            Event::Published { at: *at, client: client.clone(), key_packages: lie(client, key_packages.clone()) }
        }
        other => other.clone(),
    });
    UserState::of(&told.collect::<Vec<_>>())
}

/// All that was ever published.
pub(super) fn ever_published(scene: &Scene<'_>) -> BTreeMap<(ClientName, KeyPackageRef), Facts> {
    let published = scene.history.iter().filter_map(|event| match event {
        Event::Published { client, key_packages, .. } => Some((client, key_packages)),
        _ => None,
    });
    let of_client = |(client, facts): (&ClientName, &Facts)| ((client.clone(), facts.reference), facts.clone());
    published.flat_map(|(client, batch)| batch.iter().map(move |facts| of_client((client, facts)))).collect()
}

/// The event after which none of these regular KeyPackages can be granted.
pub(super) fn withdrawn(scene: &Scene<'_>, which: impl Fn(&ClientName, &Facts) -> bool) -> impl Iterator<Item = Event> {
    let at = scene.now;
    let regular = ever_published(scene).into_iter().filter(|(_, facts)| facts.role == Role::Regular);
    let chosen: Vec<_> = regular.filter(|((client, _), facts)| which(client, facts)).collect();
    chosen.into_iter().map(move |((client, reference), _)| Event::Withdrawn { at, client, references: vec![reference] })
}

/// The claim decided as if another had been asked, and recorded as the one that was. Repetitions are left alone.
pub(super) fn had_been_asked(scene: &Scene<'_>, claim: &Claim, lie: impl FnOnce(&mut Claim)) -> ClaimRuling {
    if let Some(settled) = settled(scene, claim) {
        return settled;
    }
    let mut other = claim.clone();
    lie(&mut other);
    let mut ruling = claim_from(scene, scene.state, &other);
    for event in &mut ruling.events {
        if let Event::Claimed { claim: recorded, .. } | Event::ClaimLimited { claim: recorded, .. } = event {
            *recorded = claim.clone();
        }
    }
    ruling
}

/// The answer of before, or the refusal, if the claim's idempotency key was used already.
pub(super) fn settled(scene: &Scene<'_>, claim: &Claim) -> Option<ClaimRuling> {
    // A new claim with a key leads to an event in any case.
    claim.idempotency_key.as_ref()?;
    Some(claim_from(scene, scene.state, claim)).filter(|ruling| ruling.events.is_empty())
}

/// The truth, but for what one client is said to have given.
pub(super) fn answered(mut ruling: ClaimRuling, mut lie: impl FnMut(&mut ClientAnswer)) -> ClaimRuling {
    if let Ok(Answered::Claimed(claimed)) = &mut ruling.answer {
        claimed.clients.iter_mut().for_each(|(_, answer)| lie(answer));
    }
    ruling
}

/// What the events of a ruling grant.
pub(super) fn grants(events: &[Event]) -> Vec<(ClientName, KeyPackageRef, Role)> {
    let answers = events.iter().filter_map(|event| match event {
        Event::Claimed { answers, .. } => Some(answers),
        _ => None,
    });
    let granted = answers.flatten().filter_map(|(client, granted)| match granted {
        Granted::KeyPackage { reference, role } => Some((client.clone(), *reference, *role)),
        _ => None,
    });
    granted.collect()
}

/// Of something that is done seldom: whether now.
pub(super) fn once_in_a_hundred() -> bool {
    rand::random_range(0..100) == 0
}
