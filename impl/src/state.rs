//! What a user's history leads to.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    event::{Claim, Event, Granted},
    feed::Notification,
    key_package::{Facts, Role},
    names::{
        CipherSuite, ClientName, IdempotencyKey, KeyPackageRef, Requester, SignatureKey, SignatureKeyId, UnixSeconds,
        UserId,
    },
};

/// Everything that decisions about one user depend on. Built by [`apply`](Self::apply) alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserState {
    /// `None` until the operator has let the user in.
    pub(crate) enrolment: Option<Enrolment>,
    /// Every signature key ever added.
    pub(crate) keys: BTreeMap<SignatureKeyId, ListedKey>,
    /// By client: there is one for each client that ever had a key.
    pub(crate) clients: BTreeMap<ClientName, ClientState>,
    /// Answered claims that carried an idempotency key.
    pub(crate) claims: BTreeMap<(Requester, IdempotencyKey), AnsweredClaim>,
}

/// How a user was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Enrolment {
    pub(crate) user: UserId,
    pub(crate) token_digest: [u8; 32],
    pub(crate) not_after: UnixSeconds,
    pub(crate) spent: bool,
}

/// A signature key on a user's list, or formerly on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedKey {
    /// The key.
    pub key: SignatureKey,
    /// Whose of the user's clients.
    pub client: ClientName,
    /// Since when.
    pub added_at: UnixSeconds,
    /// Until when, if it was removed.
    pub removed_at: Option<UnixSeconds>,
}

/// One client's KeyPackages and notifications.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientState {
    /// Everything ever published. Invariant: nothing leaves it, so that what was granted cannot come back (`PUB-RETRY`).
    pub(crate) packages: BTreeMap<KeyPackageRef, Record>,
    /// Who had an init key first. Invariant: one entry for each of `packages`.
    pub(crate) init_keys: BTreeMap<[u8; 32], KeyPackageRef>,
    /// Available regular packages, oldest first. Invariant: each is in `packages` with fate `Available`.
    pub(crate) stock: BTreeMap<CipherSuite, Vec<KeyPackageRef>>,
    /// The last resort of each suite (`LAST-ONE-PER-SUITE`).
    pub(crate) last_resorts: BTreeMap<CipherSuite, KeyPackageRef>,
    /// Unacknowledged notifications, oldest first.
    pub(crate) notifications: Vec<Notification>,
    /// The sequence of the newest notification ever; 0 before the first.
    pub(crate) sequence: u64,
}

/// A KeyPackage with its fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) facts: Facts,
    /// The name of `facts.signer`, kept because each claim looks at it.
    pub(crate) signer: SignatureKeyId,
    pub(crate) fate: Fate,
    /// Whether it was ever granted; a last resort stays available after that.
    pub(crate) granted: bool,
    /// Its place in the order of upload, over all suites (`CLAIM-SELECTION`, fifo).
    pub(crate) place: usize,
}

/// What became of a KeyPackage; final, once it is not `Available` (`LIFE-TERMINAL`). Expiry is a matter of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// Can be granted, as long as it is live.
    Available,
    /// Consumed by a grant.
    Granted,
    /// Taken back by its owner, or replaced by a newer last resort.
    Withdrawn,
}

/// A claim that was answered, and what it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AnsweredClaim {
    pub(crate) at: UnixSeconds,
    pub(crate) claim: Claim,
    pub(crate) answers: Vec<(ClientName, Granted)>,
}

impl UserState {
    /// The state after `events`, from nothing.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut state = Self::default();
        events.into_iter().for_each(|event| state.apply(event));
        state
    }

    /// Takes one event in. Total: a decision made the event, so there is nothing to refuse here.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Enrolled { user, token_digest, not_after, .. } => {
                let (user, token_digest, not_after) = (user.clone(), *token_digest, *not_after);
                self.enrolment = Some(Enrolment { user, token_digest, not_after, spent: false });
            }
            Event::KeyAdded { at, client, key, by_token } => {
                let listed = ListedKey { key: key.clone(), client: client.clone(), added_at: *at, removed_at: None };
                self.keys.insert(key.id(), listed);
                self.clients.entry(client.clone()).or_default();
                if let Some(enrolment) = self.enrolment.as_mut().filter(|_| *by_token) {
                    enrolment.spent = true;
                }
            }
            Event::KeyRemoved { at, key } => {
                if let Some(listed) = self.keys.get_mut(key) {
                    listed.removed_at = Some(*at);
                }
            }
            Event::Published { client, key_packages, .. } => {
                let client = self.clients.entry(client.clone()).or_default();
                key_packages.iter().for_each(|facts| client.publish(facts));
            }
            Event::Claimed { at, claim, answers } => self.apply_claimed(*at, claim, answers),
            Event::Withdrawn { client, references, .. } => {
                if let Some(client) = self.clients.get_mut(client) {
                    references.iter().for_each(|reference| client.leave(reference, Fate::Withdrawn));
                }
            }
            Event::Acknowledged { client, through, .. } => {
                if let Some(client) = self.clients.get_mut(client) {
                    client.notifications.retain(|notification| notification.sequence > *through);
                }
            }
        }
    }

    fn apply_claimed(&mut self, at: UnixSeconds, claim: &Claim, answers: &[(ClientName, Granted)]) {
        let live_keys = self.listed_keys();
        for (name, granted) in answers {
            if let (Some(client), Granted::KeyPackage { reference, .. }) = (self.clients.get_mut(name), granted) {
                client.grant(at, reference, &claim.requester, &live_keys);
            }
        }
        if let Some(key) = &claim.idempotency_key {
            let answered = AnsweredClaim { at, claim: claim.clone(), answers: answers.to_vec() };
            self.claims.insert((claim.requester.clone(), key.clone()), answered);
        }
    }

    /// Whether the operator has let this user in.
    #[must_use]
    pub fn is_enrolled(&self) -> bool {
        self.enrolment.is_some()
    }

    /// The names of the signature keys on the list.
    pub(crate) fn listed_keys(&self) -> BTreeSet<SignatureKeyId> {
        self.keys.iter().filter(|(_, listed)| listed.removed_at.is_none()).map(|(id, _)| *id).collect()
    }

    /// A client that has a signature key on the list.
    pub(crate) fn client(&self, name: &ClientName) -> Option<&ClientState> {
        let listed = self.keys.values().any(|listed| listed.client == *name && listed.removed_at.is_none());
        self.clients.get(name).filter(|_| listed)
    }
}

impl ClientState {
    fn publish(&mut self, facts: &Facts) {
        let reference = facts.reference;
        self.init_keys.insert(facts.init_key_digest, reference);
        // Nothing leaves `packages`, so its size counts the uploads.
        self.packages.insert(reference, Record::new(facts, self.packages.len()));
        // A suite that ever had a package stays known, so that nothing left is told as 0 (`NOTE-ZERO`).
        let stock = self.stock.entry(facts.suite).or_default();
        match facts.role {
            Role::Regular => stock.push(reference),
            Role::LastResort => {
                if let Some(old) = self.last_resorts.insert(facts.suite, reference) {
                    self.settle(&old, Fate::Withdrawn);
                }
            }
        }
    }

    fn grant(
        &mut self,
        at: UnixSeconds,
        reference: &KeyPackageRef,
        requester: &Requester,
        listed: &BTreeSet<SignatureKeyId>,
    ) {
        let Some(record) = self.packages.get_mut(reference) else { return };
        let (suite, role, first_use) = (record.facts.suite, record.facts.role, !record.granted);
        record.granted = true;
        if role == Role::Regular {
            self.leave(reference, Fate::Granted);
        }
        self.sequence += 1;
        let remaining = self.live_regular(suite, at, listed).count();
        let requester = requester.clone();
        let (sequence, reference) = (self.sequence, *reference);
        self.notifications.push(Notification { sequence, at, reference, suite, role, requester, first_use, remaining });
    }

    /// Takes a package out of the stock, for ever.
    fn leave(&mut self, reference: &KeyPackageRef, fate: Fate) {
        self.settle(reference, fate);
        self.stock.values_mut().for_each(|stock| stock.retain(|other| other != reference));
        self.last_resorts.retain(|_, other| other != reference);
    }

    fn settle(&mut self, reference: &KeyPackageRef, fate: Fate) {
        if let Some(record) = self.packages.get_mut(reference) {
            record.fate = fate;
        }
    }

    /// Regular packages of a suite that may be granted now: within their lifetime (`CLAIM-LIVE`) and signed by a listed
    /// key (`KEY-CASCADE`). Oldest first.
    pub(crate) fn live_regular(
        &self,
        suite: CipherSuite,
        now: UnixSeconds,
        listed: &BTreeSet<SignatureKeyId>,
    ) -> impl Iterator<Item = &Record> {
        self.kept_regular(suite, now, listed).filter(move |record| record.is_live(now, listed))
    }

    /// Regular packages of a suite that may be granted now or later: those whose lifetime has yet to begin count too.
    pub(crate) fn kept_regular(
        &self,
        suite: CipherSuite,
        now: UnixSeconds,
        listed: &BTreeSet<SignatureKeyId>,
    ) -> impl Iterator<Item = &Record> {
        let stock = self.stock.get(&suite).into_iter().flatten();
        stock.filter_map(|reference| self.packages.get(reference)).filter(move |record| record.is_kept(now, listed))
    }

    /// The last resort of a suite, if it may be granted now (`LAST-SAME-CHECKS`).
    pub(crate) fn live_last_resort(
        &self,
        suite: CipherSuite,
        now: UnixSeconds,
        listed: &BTreeSet<SignatureKeyId>,
    ) -> Option<&Record> {
        let record = self.last_resorts.get(&suite).and_then(|reference| self.packages.get(reference));
        record.filter(|record| record.is_live(now, listed))
    }
}

impl Record {
    fn new(facts: &Facts, place: usize) -> Self {
        Self { facts: facts.clone(), signer: facts.signer.id(), fate: Fate::Available, granted: false, place }
    }

    fn is_live(&self, now: UnixSeconds, listed: &BTreeSet<SignatureKeyId>) -> bool {
        self.facts.not_before <= now && self.is_kept(now, listed)
    }

    /// Not expired, and signed by a listed key.
    fn is_kept(&self, now: UnixSeconds, listed: &BTreeSet<SignatureKeyId>) -> bool {
        now < self.facts.not_after && listed.contains(&self.signer)
    }

    pub(crate) fn bytes(&self) -> Arc<[u8]> {
        Arc::clone(&self.facts.bytes)
    }
}
