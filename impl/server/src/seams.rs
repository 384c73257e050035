//! The places of the service where a mutant may lie. What stands here is the truth, which is the core's in every case.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
};

use kpd_directory::{
    CipherSuite, ClientName, Decision, Event, KeyPackageRef, Policy, Requester, SignatureKeyId, UnixSeconds, UserId,
    UserState,
    blocks::{BlockError, Blocked},
    claim::{Answered, ClaimError},
    event::Claim,
    feed::{FeedError, Notification, Stock},
    keys::{AddKey, AddKeyError, AddedKey, ExtendKeyError, KeyReserved, RemoveKeyError, check_possession, reserve},
    limits::{Account, Limited, RequesterEvent, RequesterState},
    policy::Limits,
    publish::{Item, PublishError, Published, Replaced},
    reconcile::Inventory,
    standing::{Ended, Standing},
    state::ListedKey,
    upkeep::RemoveClientError,
    withdraw::{WithdrawError, WithdrawnFate},
};

use crate::{
    auth::{AuthFailure, Signer},
    store::{Stores, Version},
    views::Keeping,
};

/// How the service decides, reads and admits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seams {
    pub(crate) store: fn(Stores) -> Stores,
    pub(crate) keeping: Keeping,
    pub(crate) policy: fn(Policy) -> Policy,
    pub(crate) forgives: fn(&AuthFailure) -> bool,
    pub(crate) anonymous: fn() -> Option<Signer>,
    pub(crate) admits: fn(Ground, &Requester, &UserId, &ClientName) -> bool,
    pub(crate) check_possession: fn(&UserId, &AddKey) -> Result<(), AddKeyError>,
    pub(crate) reserve: Reserve,
    pub(crate) add_key: fn(&Scene<'_>, &AddKey) -> Ruling<AddedKey, AddKeyError>,
    pub(crate) extend_key: fn(&Scene<'_>, &SignatureKeyId, UnixSeconds) -> Ruling<UnixSeconds, ExtendKeyError>,
    pub(crate) remove_key: fn(&Scene<'_>, &SignatureKeyId) -> Ruling<(), RemoveKeyError>,
    pub(crate) keys: fn(&Scene<'_>) -> Ruling<Vec<ListedKey>, UnknownUser>,
    pub(crate) key_history: fn(&Scene<'_>) -> Ruling<Vec<PastKey>, UnknownUser>,
    pub(crate) verify: Verify,
    pub(crate) discover: fn(&Scene<'_>) -> Ruling<UserId, UnknownUser>,
    pub(crate) publish: fn(&Scene<'_>, &Batch) -> Ruling<Published, PublishError>,
    pub(crate) replace: fn(&Scene<'_>, &Batch) -> Ruling<Replaced, PublishError>,
    pub(crate) withdraw: fn(&Scene<'_>, &ClientName, &BTreeSet<KeyPackageRef>) -> Ruling<Fates, WithdrawError>,
    pub(crate) accounts: fn(&Limits, &Claim) -> Vec<Account>,
    pub(crate) debit: fn(&Means<'_>, &UserId, &Claim) -> Debit,
    pub(crate) claim: fn(&Scene<'_>, &Claim) -> Ruling<Answered, ClaimError>,
    pub(crate) claim_cache_control: &'static str,
    pub(crate) gives_away: Option<fn(&Scene<'_>) -> usize>,
    pub(crate) block: fn(&Scene<'_>, &Blocked) -> Ruling<(), BlockError>,
    pub(crate) unblock: fn(&Scene<'_>, &Blocked) -> Ruling<(), BlockError>,
    pub(crate) stock: fn(&Scene<'_>, &ClientName) -> Ruling<Stocks, FeedError>,
    pub(crate) is_low: fn(&Policy, usize) -> bool,
    pub(crate) inventory: fn(&Scene<'_>, &ClientName) -> Ruling<Inventory, FeedError>,
    pub(crate) digest: fn(&Inventory) -> [u8; 32],
    pub(crate) remove_client: fn(&Scene<'_>, &ClientName) -> Ruling<usize, RemoveClientError>,
    pub(crate) notifications: fn(&Scene<'_>, &ClientName, u64) -> Ruling<Vec<Notification>, FeedError>,
    pub(crate) acknowledge: fn(&Scene<'_>, &ClientName, u64) -> Ruling<(), FeedError>,
    pub(crate) wakes: Wakes,
    pub(crate) resumes: bool,
    pub(crate) fence: fn(&Scene<'_>) -> Ruling<usize, Infallible>,
}

/// Whose a key is from now on, given its history; `None` if it is this client's already.
type Reserve = fn(&[KeyReserved], &UserId, &ClientName) -> Result<Option<KeyReserved>, AddKeyError>;

/// What can be said of a signature key at a time, and the key where it is known.
type Verify = fn(&Scene<'_>, &[u8], UnixSeconds) -> (Standing, Option<PastKey>);

/// What a command leads to: the events, and the answer or the refusal. The core's refusals have no events.
pub(crate) type Ruling<A, E> = Decision<Result<A, E>>;

pub(crate) type Fates = BTreeMap<KeyPackageRef, WithdrawnFate>;

pub(crate) type Stocks = BTreeMap<CipherSuite, Stock>;

/// What a decision is made on.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) user: &'a UserId,
    pub(crate) policy: &'a Policy,
    pub(crate) now: UnixSeconds,
    pub(crate) state: &'a UserState,
    /// How long the history is that led to it.
    pub(crate) version: Version,
    /// What led to the state; kept for mutants alone, and empty without one.
    pub(crate) history: &'a [Event],
    /// How often the store said that others were first.
    pub(crate) conflicts: usize,
}

/// What it is decided on whether a requester, or anybody of its server, may ask at all.
#[derive(Debug)]
pub(crate) struct Means<'a> {
    pub(crate) account: &'a Account,
    pub(crate) policy: &'a Policy,
    pub(crate) now: UnixSeconds,
    pub(crate) state: &'a RequesterState,
}

/// What a claim costs its requester, or its server: whether it passes, and what to record of that.
pub(crate) type Debit = Result<Decision<Result<(), Limited>, RequesterEvent>, ClaimError>;

/// A publication, its KeyPackages verified as far as that is possible without knowing the owner.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) client: ClientName,
    pub(crate) items: Vec<Item>,
    /// The bytes as they were uploaded, in the order of the items.
    pub(crate) uploads: Vec<Vec<u8>>,
}

/// What belongs to a client alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ground {
    /// Publishing and withdrawing (`PUB-OWNER`).
    KeyPackages,
    /// Stock and notifications (`NOTE-PRIVATE`).
    Feed,
}

/// When a waiting owner is answered (`NOTE-WAKES`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wakes {
    /// As soon as there is something.
    AtOnce,
    /// When it has waited for as long as it would.
    AtTheEnd,
    /// With nothing, unless there was something at the beginning.
    Never,
}

/// A signature key, and how it has ended, if it has.
#[derive(Clone, Debug)]
pub struct PastKey {
    /// The key.
    pub listed: ListedKey,
    /// Since when and how it is no longer valid.
    pub ended: Option<(UnixSeconds, Ended)>,
}

impl PastKey {
    fn new(now: UnixSeconds, listed: &ListedKey) -> Self {
        Self { listed: listed.clone(), ended: listed.ended(now) }
    }
}

/// The operator has not let this user in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such user")]
pub struct UnknownUser;

impl Seams {
    pub(crate) const HONEST: Self = Self {
        store: |stores| stores,
        keeping: Keeping::States,
        policy: |policy| policy,
        forgives: |_| false,
        anonymous: || None,
        admits: |_, requester, user, client| requester.user == *user && requester.client == *client,
        check_possession,
        reserve,
        add_key: |scene, add| ruling(scene.state.add_key(scene.now, add)),
        extend_key: |scene, key, expires_at| ruling(scene.state.extend_key(scene.now, key, expires_at)),
        remove_key: |scene, key| ruling(scene.state.remove_key(scene.now, key)),
        keys,
        key_history,
        verify: |scene, key, at| {
            let (standing, listed) = scene.state.verify(key, at);
            (standing, listed.map(|listed| PastKey::new(scene.now, listed)))
        },
        discover: |scene| read(scene.state.is_enrolled().then(|| scene.user.clone()).ok_or(UnknownUser)),
        publish: |scene, batch| ruling(scene.state.publish(scene.policy, scene.now, &batch.client, &batch.items)),
        replace: |scene, batch| ruling(scene.state.replace(scene.policy, scene.now, &batch.client, &batch.items)),
        withdraw: |scene, client, references| ruling(scene.state.withdraw(scene.now, client, references)),
        accounts: Account::of,
        debit: |means, user, claim| means.state.debit(means.account, means.policy, means.now, user, claim),
        claim: |scene, claim| claim_from(scene, scene.state, claim),
        claim_cache_control: "no-store",
        gives_away: None,
        block: |scene, blocked| ruling(scene.state.block(scene.now, blocked)),
        unblock: |scene, blocked| ruling(scene.state.unblock(scene.now, blocked)),
        stock: |scene, client| read(scene.state.stock(scene.now, client)),
        is_low: Policy::is_low,
        inventory: |scene, client| read(scene.state.inventory(scene.now, client)),
        digest: Inventory::digest,
        remove_client: |scene, client| ruling(scene.state.remove_client(scene.now, client)),
        notifications: |scene, client, after| {
            read(scene.state.notifications(scene.now, client, after).map(<[_]>::to_vec))
        },
        acknowledge: |scene, client, through| ruling(scene.state.acknowledge(scene.now, client, through)),
        wakes: Wakes::AtOnce,
        resumes: true,
        fence: |scene| ruling(Ok(scene.state.fence(scene.policy, scene.now))),
    };
}

/// A claim, decided on a state.
pub(crate) fn claim_from(scene: &Scene<'_>, state: &UserState, claim: &Claim) -> Ruling<Answered, ClaimError> {
    let mut pick = |choices: usize| rand::random_range(0..choices.max(1));
    ruling(state.claim(scene.policy, scene.now, scene.user, claim, &mut pick))
}

fn keys(scene: &Scene<'_>) -> Ruling<Vec<ListedKey>, UnknownUser> {
    let listed = || scene.state.keys(scene.now).map(|(_, listed)| listed.clone()).collect();
    read(scene.state.is_enrolled().then(listed).ok_or(UnknownUser))
}

fn key_history(scene: &Scene<'_>) -> Ruling<Vec<PastKey>, UnknownUser> {
    let ever = || scene.state.key_history().map(|(_, listed)| PastKey::new(scene.now, listed)).collect();
    read(scene.state.is_enrolled().then(ever).ok_or(UnknownUser))
}

/// What the core decided.
pub(crate) fn ruling<A, E>(decided: Result<Decision<A>, E>) -> Ruling<A, E> {
    match decided {
        Ok(Decision { events, answer }) => Decision { events, answer: Ok(answer) },
        Err(refusal) => read(Err(refusal)),
    }
}

/// What changes nothing.
pub(crate) fn read<A, E>(answer: Result<A, E>) -> Ruling<A, E> {
    Decision { events: vec![], answer }
}
