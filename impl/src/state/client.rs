//! One client's part of a user's state: its KeyPackages, what became of them, and what is to be told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    event::Claim,
    feed::Notification,
    key_package::{Facts, Role},
    names::{CipherSuite, KeyPackageRef, SignatureKeyId, UnixSeconds},
};

/// One client's KeyPackages and notifications.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientState {
    /// Everything ever published. Invariant: nothing leaves it before its `not_after`, so that what was granted cannot come
    /// back (`PUB-RETRY`, `LIFE-TOMBSTONE`).
    pub(crate) packages: BTreeMap<KeyPackageRef, Record>,
    /// Who had an init key first. Invariant: one entry for each of `packages`.
    pub(crate) init_keys: BTreeMap<[u8; 32], KeyPackageRef>,
    /// Available regular packages, oldest first. Invariant: each is in `packages` with fate `Available`.
    pub(crate) stock: BTreeMap<CipherSuite, Vec<KeyPackageRef>>,
    /// The last resort of each suite (`LAST-ONE-PER-SUITE`).
    pub(crate) last_resorts: BTreeMap<CipherSuite, KeyPackageRef>,
    /// How many packages were ever published: the place of the next one.
    pub(crate) uploads: usize,
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

impl ClientState {
    pub(super) fn publish(&mut self, facts: &Facts) {
        let reference = facts.reference;
        self.init_keys.insert(facts.init_key_digest, reference);
        self.packages.insert(reference, Record::new(facts, self.uploads));
        self.uploads += 1;
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

    pub(super) fn grant(
        &mut self,
        at: UnixSeconds,
        reference: &KeyPackageRef,
        claim: &Claim,
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
        let (requester, vouched_by) = (claim.requester.clone(), claim.vouched_by.clone());
        let (sequence, reference) = (self.sequence, *reference);
        self.notifications.push(Notification {
            sequence,
            at,
            reference,
            suite,
            role,
            requester,
            vouched_by,
            first_use,
            remaining,
        });
    }

    /// Takes a package out of the stock, for ever.
    pub(super) fn leave(&mut self, reference: &KeyPackageRef, fate: Fate) {
        self.settle(reference, fate);
        self.stock.values_mut().for_each(|stock| stock.retain(|other| other != reference));
        self.last_resorts.retain(|_, other| other != reference);
    }

    /// What can be granted now or later can be granted no more; what has ended already stays as it ended.
    pub(super) fn withdraw_available(&mut self, now: UnixSeconds, listed: &BTreeSet<SignatureKeyId>) {
        let available: Vec<_> = self.available(now, listed).map(|record| record.facts.reference).collect();
        available.iter().for_each(|reference| self.leave(reference, Fate::Withdrawn));
    }

    /// Lets go of packages whose `not_after` has passed; their suites stay known (`NOTE-ZERO`).
    pub(super) fn forget(&mut self, now: UnixSeconds) {
        self.packages.retain(|_, record| now < record.facts.not_after);
        let Self { packages, init_keys, stock, last_resorts, .. } = self;
        init_keys.retain(|_, reference| packages.contains_key(reference));
        stock.values_mut().for_each(|stock| stock.retain(|reference| packages.contains_key(reference)));
        last_resorts.retain(|_, reference| packages.contains_key(reference));
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

    /// All packages of either role that may be granted now or later.
    pub(crate) fn available(
        &self,
        now: UnixSeconds,
        listed: &BTreeSet<SignatureKeyId>,
    ) -> impl Iterator<Item = &Record> {
        self.packages.values().filter(move |record| record.fate == Fate::Available && record.is_kept(now, listed))
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
