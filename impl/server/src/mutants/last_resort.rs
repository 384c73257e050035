//! Lies about last resorts.

use std::collections::BTreeSet;

use kpd_directory::{
    ClientName, Decision, Event,
    claim::ClientAnswer,
    event::{Claim, LastResort},
    key_package::{Facts, Role},
    publish::{ItemFault, PublishError, Published},
};

use super::{
    lies::{
        ClaimRuling, answered, grants, had_also_happened, had_been_asked, had_been_published, once_in_a_hundred,
        withdrawn,
    },
    publish::pardoning,
};
use crate::seams::{Batch, Ruling, Scene, Seams, claim_from};

fn truth(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    (Seams::HONEST.claim)(scene, claim)
}

/// It decides as if everything regular beside a last resort had been withdrawn.
pub(super) fn prefers_last_resort(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    if claim.last_resort == LastResort::Refuse {
        return truth(scene, claim);
    }
    let has_last_resort = |client: &ClientName, facts: &Facts| {
        let stock = scene.state.stock(scene.now, client).ok();
        stock.and_then(|stock| stock.get(&facts.suite)?.last_resort).is_some()
    };
    claim_from(scene, &had_also_happened(scene, &withdrawn(scene, has_last_resort).collect::<Vec<_>>()), claim)
}

pub(super) fn withholds_last_resort(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    had_been_asked(scene, claim, |claim| claim.last_resort = LastResort::Refuse)
}

/// As a statement does that skips the rows which others have locked.
pub(super) fn contention_looks_exhausted(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    if scene.conflicts == 0 {
        return truth(scene, claim);
    }
    claim_from(scene, &had_also_happened(scene, &withdrawn(scene, |_, _| true).collect::<Vec<_>>()), claim)
}

/// The same, but seldom.
pub(super) fn falls_back_one_in_a_hundred(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    if scene.conflicts > 0 && once_in_a_hundred() {
        return contention_looks_exhausted(scene, claim);
    }
    truth(scene, claim)
}

pub(super) fn consumes_last_resort(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let mut ruling = truth(scene, claim);
    let gone = grants(&ruling.events).into_iter().filter(|(_, _, role)| *role == Role::LastResort);
    let event = |(client, reference, _)| Event::Withdrawn { at: scene.now, client, references: vec![reference] };
    ruling.events.extend(gone.map(event));
    ruling
}

/// As a statement does that skips the rows which others have locked.
pub(super) fn loses_last_resort_under_contention(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    if scene.conflicts == 0 { truth(scene, claim) } else { withholds_last_resort(scene, claim) }
}

pub(super) fn two_last_resorts(scene: &Scene<'_>, batch: &Batch) -> Ruling<Published, PublishError> {
    pardoning(scene, batch, |fault, _| matches!(fault, ItemFault::TwoLastResorts { .. }))
}

pub(super) fn trusts_the_flag(scene: &Scene<'_>, batch: &Batch) -> Ruling<Published, PublishError> {
    pardoning(scene, batch, |fault, facts| {
        if let ItemFault::RoleContradicted { declared, .. } = fault {
            facts.role = *declared;
        }
        matches!(fault, ItemFault::RoleContradicted { .. })
    })
}

pub(super) fn hides_last_resort(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    answered(truth(scene, claim), |answer| {
        if let ClientAnswer::KeyPackage { role, .. } = answer {
            *role = Role::Regular;
        }
    })
}

pub(super) fn ignores_refusal(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    had_been_asked(scene, claim, |claim| claim.last_resort = LastResort::Accept)
}

/// What is published again is taken away first, and comes back unused.
pub(super) fn republish_clears_used(scene: &Scene<'_>, batch: &Batch) -> Ruling<Published, PublishError> {
    let Decision { mut events, answer } = (Seams::HONEST.publish)(scene, batch);
    let known: BTreeSet<_> =
        answer.iter().flat_map(|it| &it.items).filter(|(_, new)| !new).map(|(it, _)| *it).collect();
    for facts in batch.items.iter().filter_map(|item| item.key_package.as_ref().ok()).map(|it| it.facts()) {
        if facts.role == Role::LastResort && known.contains(&facts.reference) {
            let (at, client) = (scene.now, batch.client.clone());
            events.push(Event::Withdrawn { at, client: client.clone(), references: vec![facts.reference] });
            events.push(Event::Published { at, client, key_packages: vec![facts.clone()] });
        }
    }
    Decision { events, answer }
}

/// It decides as if no last resort after the first of its suite had been published.
pub(super) fn keeps_old_last_resort(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let mut first = BTreeSet::new();
    let state = had_been_published(scene, |client, batch| {
        let kept = |facts: &Facts| facts.role == Role::Regular || first.insert((client.clone(), facts.suite));
        batch.into_iter().filter(kept).collect()
    });
    claim_from(scene, &state, claim)
}

pub(super) fn never_ends(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let endless = |facts: Facts| match facts.role {
        Role::Regular => facts,
        Role::LastResort => Facts { not_after: u64::MAX, ..facts },
    };
    claim_from(scene, &had_been_published(scene, |_, batch| batch.into_iter().map(endless).collect()), claim)
}
