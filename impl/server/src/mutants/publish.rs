//! Lies about publications.

use std::collections::BTreeMap;

use kpd_directory::{
    Decision, Event, Policy,
    key_package::{Facts, KeyPackageFlaw, Reading},
    publish::{Item, ItemFault, PublishError, Published},
    state::Fate,
};

use crate::seams::{Batch, Ruling, Scene, Seams, read};

type PublishRuling = Ruling<Published, PublishError>;

fn truth(scene: &Scene<'_>, batch: &Batch) -> PublishRuling {
    (Seams::HONEST.publish)(scene, batch)
}

macro_rules! pardons {
    ($($name:ident: $fault:pat,)*) => {
        $(pub(super) fn $name(scene: &Scene<'_>, batch: &Batch) -> PublishRuling {
            pardoning(scene, batch, |fault, _| matches!(fault, $fault))
        })*
    };
}

pardons! {
    skips_signature_check:
        ItemFault::Flaw(KeyPackageFlaw::InvalidSignature | KeyPackageFlaw::InvalidLeafNodeSignature),
    accepts_equal_keys: ItemFault::Flaw(KeyPackageFlaw::InitKeyEqualsEncryptionKey),
    accepts_unlisted_extension: ItemFault::Flaw(KeyPackageFlaw::UnlistedExtension { .. }),
    accepts_unlisted_credential: ItemFault::Flaw(KeyPackageFlaw::UnlistedCredential { .. }),
    accepts_any_version: ItemFault::Flaw(KeyPackageFlaw::UnsupportedVersion { .. }),
    // Of what is malformed, only what is whole but for a byte too many can be read at all.
    ignores_trailing_bytes: ItemFault::Flaw(KeyPackageFlaw::Malformed { .. }),
    accepts_foreign_identity: ItemFault::IdentityMismatch { .. },
    accepts_unlisted_signer: ItemFault::SignerNotListed { .. },
    accepts_expired: ItemFault::Flaw(KeyPackageFlaw::Expired { .. }),
    accepts_unbegun: ItemFault::Flaw(KeyPackageFlaw::NotYetValid { .. }),
    accepts_any_lifetime: ItemFault::Flaw(KeyPackageFlaw::LifetimeTooLong { .. }),
    accepts_reused_init_key: ItemFault::InitKeyReused { .. },
    revives_republished: ItemFault::AlreadyUsed { .. },
    mixes_roles: ItemFault::RoleConflict { .. },
}

/// The truth, if all that is wrong with a batch is not pardoned; or else the batch is published whole.
pub(super) fn pardoning(
    scene: &Scene<'_>,
    batch: &Batch,
    pardons: fn(&ItemFault, &mut Facts) -> bool,
) -> PublishRuling {
    let ruling = truth(scene, batch);
    let Err(PublishError::Items(faults)) = &ruling.answer else { return ruling };
    let pardoned = |(position, fault): (&usize, &ItemFault)| {
        let mut facts = facts_of(scene, batch, *position)?;
        pardons(fault, &mut facts).then_some((*position, facts))
    };
    let Some(pardoned) = faults.iter().map(pardoned).collect::<Option<BTreeMap<_, _>>>() else { return ruling };
    let rest = batch.only(|position| !pardoned.contains_key(&position));
    let others = if rest.items.is_empty() { read(Ok(Published { items: vec![] })) } else { truth(scene, &rest) };
    let Decision { mut events, answer: Ok(mut published) } = others else { return others };
    for (position, facts) in pardoned {
        published.items.insert(position, (facts.reference, true));
        events.push(Event::Published { at: scene.now, client: batch.client.clone(), key_packages: vec![facts] });
    }
    Decision { events, answer: Ok(published) }
}

/// What would be remembered of an item; where the core did not come so far, it has to be the owner's at least.
fn facts_of(scene: &Scene<'_>, batch: &Batch, position: usize) -> Option<Facts> {
    if let Ok(verified) = &batch.items.get(position)?.key_package {
        return Some(verified.facts().clone());
    }
    let bare = bare(batch.uploads.get(position)?);
    let whole = || Some((Reading::of(bare).ok()?, bare));
    let but_the_last = || Some((Reading::of(bare.split_last()?.1).ok()?, bare));
    let (reading, bare) = whole().or_else(but_the_last)?;
    let facts = reading.facts(bare).ok()?;
    let listed = scene.state.listed_key(scene.now, &facts.signer.id())?;
    (reading.identity() == scene.user.as_str().as_bytes() && listed.client == batch.client).then_some(facts)
}

fn bare(upload: &[u8]) -> &[u8] {
    upload.strip_prefix(&FRAME).unwrap_or(upload)
}

/// Version and wire format of an MLSMessage with a KeyPackage in it.
const FRAME: [u8; 4] = [0, 1, 0, 5];

pub(super) fn keeps_the_frame(scene: &Scene<'_>, batch: &Batch) -> PublishRuling {
    let Decision { mut events, mut answer } = truth(scene, batch);
    let published = events.iter_mut().filter_map(|event| match event {
        Event::Published { key_packages, .. } => Some(key_packages),
        _ => None,
    });
    for facts in published.flatten() {
        let framed = batch.uploads.iter().find(|upload| upload.strip_prefix(&FRAME) == Some(&facts.bytes[..]));
        let reading = Reading::of(&facts.bytes).ok();
        let Some(kept) = framed.zip(reading).and_then(|(framed, reading)| reading.facts(framed).ok()) else { continue };
        for (reference, _) in answer.iter_mut().flat_map(|published| &mut published.items) {
            if *reference == facts.reference {
                *reference = kept.reference;
            }
        }
        *facts = kept;
    }
    Decision { events, answer }
}

pub(super) fn refuses_republish(scene: &Scene<'_>, batch: &Batch) -> PublishRuling {
    let ruling = truth(scene, batch);
    let known = ruling.answer.iter().flat_map(|published| published.items.iter().enumerate());
    let known =
        known.filter(|(_, (_, new))| !new).map(|(at, _)| (at, ItemFault::AlreadyUsed { fate: Fate::Withdrawn }));
    let faults: BTreeMap<_, _> = known.collect();
    if faults.is_empty() { ruling } else { read(Err(PublishError::Items(faults))) }
}

pub(super) fn stores_prefix(scene: &Scene<'_>, batch: &Batch) -> PublishRuling {
    let ruling = truth(scene, batch);
    match &ruling.answer {
        Err(PublishError::Items(faults)) => {
            let first = faults.keys().next().copied().unwrap_or_default();
            if first == 0 { ruling } else { truth(scene, &batch.only(|position| position < first)) }
        }
        _ => ruling,
    }
}

pub(super) fn stores_before_refusing(scene: &Scene<'_>, batch: &Batch) -> PublishRuling {
    let ruling = truth(scene, batch);
    match &ruling.answer {
        Err(PublishError::Items(faults)) => {
            let good = truth(scene, &batch.only(|position| !faults.contains_key(&position)));
            Decision { events: good.events, answer: ruling.answer }
        }
        _ => ruling,
    }
}

pub(super) fn calls_unknown_suites_malformed(scene: &Scene<'_>, batch: &Batch) -> PublishRuling {
    let mut ruling = truth(scene, batch);
    if let Err(PublishError::Items(faults)) = &mut ruling.answer {
        for fault in faults.values_mut() {
            if matches!(fault, ItemFault::Flaw(KeyPackageFlaw::UnsupportedCipherSuite { .. })) {
                *fault = ItemFault::Flaw(KeyPackageFlaw::Malformed { why: "unknown value".into() });
            }
        }
    }
    ruling
}

pub(super) fn accepts_any_batch(scene: &Scene<'_>, batch: &Batch) -> PublishRuling {
    let policy = Policy { batch_max: usize::MAX, ..scene.policy.clone() };
    (Seams::HONEST.publish)(&Scene { policy: &policy, ..*scene }, batch)
}

pub(super) fn drops_beyond_limit(scene: &Scene<'_>, batch: &Batch) -> PublishRuling {
    let ruling = truth(scene, batch);
    if !matches!(ruling.answer, Err(PublishError::StockFull { .. })) {
        return ruling;
    }
    let shorter = (1..batch.items.len()).rev().map(|length| truth(scene, &batch.only(|position| position < length)));
    let events = shorter.into_iter().find(|ruling| ruling.answer.is_ok()).map(|ruling| ruling.events);
    let verified = batch.items.iter().filter_map(|item| item.key_package.as_ref().ok());
    let items = verified.map(|key_package| (key_package.facts().reference, true)).collect();
    Decision { events: events.unwrap_or_default(), answer: Ok(Published { items }) }
}

impl Batch {
    /// Those of its items that are at the chosen positions.
    fn only(&self, chosen: impl Fn(usize) -> bool) -> Self {
        let items = self.items.iter().zip(&self.uploads).enumerate().filter(|(position, _)| chosen(*position));
        let (items, uploads): (Vec<Item>, Vec<_>) =
            items.map(|(_, (item, upload))| (item.clone(), upload.clone())).unzip();
        Self { client: self.client.clone(), items, uploads }
    }
}
