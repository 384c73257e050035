//! Lies about what has ended, and what has not.

use std::collections::{BTreeMap, BTreeSet};

use kpd_directory::{
    ClientName, Decision, Event,
    event::Claim,
    feed::FeedError,
    key_package::Facts,
    publish::{PublishError, Published, Replaced},
    reconcile::{Inventory, Kept, PackageState},
    upkeep::RemoveClientError,
};

use super::lies::{ClaimRuling, grants, had_also_happened, had_been_published, withdrawn};
use crate::seams::{Batch, Ruling, Scene, Seams, claim_from};

type InventoryRuling = Ruling<Inventory, FeedError>;

/// The refusal is true, but comes too late.
pub(super) fn replace_withdraws_first(scene: &Scene<'_>, batch: &Batch) -> Ruling<Replaced, PublishError> {
    let mut ruling = (Seams::HONEST.replace)(scene, batch);
    if ruling.answer.is_err()
        && let Ok(inventory) = scene.state.inventory(scene.now, &batch.client)
    {
        let available = inventory.packages.iter().filter(|kept| kept.state == PackageState::Available);
        let references = available.map(|kept| kept.reference).collect();
        ruling.events.push(Event::Withdrawn { at: scene.now, client: batch.client.clone(), references });
    }
    ruling
}

fn is_past_half(scene: &Scene<'_>, facts: &Facts) -> bool {
    let half = facts.not_after.saturating_sub(facts.not_before) / 2;
    facts.not_before.saturating_add(half) <= scene.now
}

/// It decides as if what has lived for half of its lifetime had been withdrawn.
pub(super) fn purges_at_half_life(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let old: Vec<_> = withdrawn(scene, |_, facts| is_past_half(scene, facts)).collect();
    claim_from(scene, &had_also_happened(scene, &old), claim)
}

/// It decides as if what has lived for half of its lifetime had never been published, unless it is available.
pub(super) fn forgets_used_at_half_life(scene: &Scene<'_>, batch: &Batch) -> Ruling<Published, PublishError> {
    forgets_used(scene, batch, |facts| is_past_half(scene, facts))
}

/// The same of what was granted a month ago: whoever looks on the day of the grant sees nothing.
pub(super) fn forgets_used_after_a_month(scene: &Scene<'_>, batch: &Batch) -> Ruling<Published, PublishError> {
    const MONTH: u64 = 30 * 24 * 60 * 60;
    let old = |event: &&Event| matches!(event, Event::Claimed { at, .. } if at.saturating_add(MONTH) <= scene.now);
    let claimed: Vec<_> = scene.history.iter().filter(old).cloned().collect();
    let granted: BTreeSet<_> = grants(&claimed).into_iter().map(|(_, reference, _)| reference).collect();
    forgets_used(scene, batch, |facts| granted.contains(&facts.reference))
}

fn forgets_used(
    scene: &Scene<'_>,
    batch: &Batch,
    is_forgotten: impl Fn(&Facts) -> bool,
) -> Ruling<Published, PublishError> {
    let states = scene.state.inventory(scene.now, &batch.client);
    let available = |facts: &Facts| {
        let kept = states.iter().flat_map(|inventory| &inventory.packages);
        kept.into_iter().any(|kept| kept.reference == facts.reference && kept.state == PackageState::Available)
    };
    let keeps = |facts: &Facts| available(facts) || !is_forgotten(facts);
    let state = had_been_published(scene, |_, batch| batch.into_iter().filter(keeps).collect());
    (Seams::HONEST.publish)(&Scene { state: &state, ..*scene }, batch)
}

pub(super) fn removes_no_client(scene: &Scene<'_>, client: &ClientName) -> Ruling<usize, RemoveClientError> {
    Decision { events: vec![], ..(Seams::HONEST.remove_client)(scene, client) }
}

/// Its keys are removed, and nothing else: the next client of its name reads what it had not read.
pub(super) fn removes_keys_alone(scene: &Scene<'_>, client: &ClientName) -> Ruling<usize, RemoveClientError> {
    let mut ruling = (Seams::HONEST.remove_client)(scene, client);
    if ruling.answer.is_ok() {
        let keys = scene.state.keys(scene.now).filter(|(_, listed)| listed.client == *client);
        ruling.events = keys.map(|(key, _)| Event::KeyRemoved { at: scene.now, key: *key }).collect();
    }
    ruling
}

pub(super) fn says_nothing_unread(scene: &Scene<'_>, client: &ClientName) -> Ruling<usize, RemoveClientError> {
    let mut ruling = (Seams::HONEST.remove_client)(scene, client);
    ruling.answer.iter_mut().for_each(|unread| *unread = 0);
    ruling
}

pub(super) fn lists_available_alone(scene: &Scene<'_>, client: &ClientName) -> InventoryRuling {
    each(scene, client, |packages| packages.retain(|kept| kept.state == PackageState::Available))
}

pub(super) fn calls_granted_available(scene: &Scene<'_>, client: &ClientName) -> InventoryRuling {
    each(scene, client, |packages| {
        for kept in packages.iter_mut().filter(|kept| kept.state == PackageState::Granted) {
            kept.state = PackageState::Available;
        }
    })
}

fn each(scene: &Scene<'_>, client: &ClientName, lie: impl FnOnce(&mut Vec<Kept>)) -> InventoryRuling {
    let mut ruling = (Seams::HONEST.inventory)(scene, client);
    if let Ok(inventory) = &mut ruling.answer {
        lie(&mut inventory.packages);
    }
    ruling
}

pub(super) fn digest_without_states(inventory: &Inventory) -> [u8; 32] {
    let alike = inventory.packages.iter().map(|kept| Kept { state: PackageState::Available, ..*kept });
    Inventory { packages: alike.collect() }.digest()
}

/// How many regular KeyPackages all of a user's clients have left.
pub(super) fn remaining_of_all(scene: &Scene<'_>) -> usize {
    let clients = scene.state.keys(scene.now).map(|(_, listed)| &listed.client);
    let clients: BTreeSet<_> = clients.collect();
    let stocks = clients.into_iter().filter_map(|client| scene.state.stock(scene.now, client).ok());
    stocks.flat_map(BTreeMap::into_values).map(|stock| stock.regular).sum()
}
