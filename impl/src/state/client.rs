//! One client's part of a user's state: its KeyPackages, what became of them, and what is to be told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{
    event::Claim,
    feed::{Drain, Notification},
    key_package::{Facts, Role},
    names::{CipherSuite, KeyPackageRef, SignatureKeyId, UnixSeconds, UserId},
    policy::DrainAlert,
};

/// One client's KeyPackages and notifications.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Regular packages that were granted lately, for as long as they count (`NOTE-DRAIN`).
    pub(crate) taken: Vec<Taken>,
}

/// A regular package that was granted lately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Taken {
    suite: CipherSuite,
    user: UserId,
    until: UnixSeconds,
    /// Whether the owner was told of a drain with it.
    told: bool,
}

/// A KeyPackage with its fate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
        let drain = None;
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
            drain,
        });
    }

    /// Has the newest grant count, until then, and its notification tell of a drain, if it is one (`NOTE-DRAIN`).
    pub(super) fn watch(&mut self, at: UnixSeconds, until: UnixSeconds, drain: Option<Drain>) {
        self.taken.retain(|taken| at < taken.until);
        let Some(newest) = self.notifications.last_mut() else { return };
        newest.drain = drain;
        if newest.role == Role::Regular {
            let (suite, user) = (newest.suite, newest.requester.user.clone());
            self.taken.push(Taken { suite, user, until, told: drain.is_some() });
        }
    }

    /// The drain that one more grant of this suite to this user would be; none, if the owner was told of one by the same
    /// user in this window already.
    pub(crate) fn drain(
        &self,
        alert: DrainAlert,
        now: UnixSeconds,
        listed: &BTreeSet<SignatureKeyId>,
        suite: CipherSuite,
        user: &UserId,
    ) -> Option<Drain> {
        let lately: Vec<_> = self.taken.iter().filter(|taken| taken.suite == suite && now < taken.until).collect();
        let of = lately.len() + self.live_regular(suite, now, listed).count();
        let own = || lately.iter().filter(|taken| taken.user == *user);
        let taken = own().count() + 1;
        let untold = own().all(|taken| !taken.told);
        (untold && alert.is_over(taken, of)).then_some(Drain { taken, of, seconds: alert.seconds })
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
        self.taken.retain(|taken| now < taken.until);
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
