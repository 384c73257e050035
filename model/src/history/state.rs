//! What a history leads to: the state that decisions depend on, and how each event changes it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    history::{Account, Claim, Claimed, Event, Facts, Notified, Role, Status},
    names::{ClaimKey, Client, Feature, Key, Package, Requester, Sequence, Suite, Time, User},
};

/// All that later decisions depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct State {
    /// The model's clock.
    pub now: Time,
    /// Every key ever added.
    pub keys: BTreeMap<Key, KeyState>,
    /// How many batches were ever published.
    pub publications: u32,
    /// Every package ever published and not forgotten, with what became of it.
    pub packages: BTreeMap<Package, PackageState>,
    /// The suites that each client ever published, with the capabilities: what is empty is told as zero (`NOTE-ZERO`).
    pub kinds: BTreeSet<(Client, Suite, BTreeSet<Feature>)>,
    /// The notifications of each client that were not acknowledged, oldest first.
    pub notifications: BTreeMap<Client, Vec<Notified>>,
    /// The last sequence given to each client's notifications.
    pub sequences: BTreeMap<Client, Sequence>,
    /// No sequence up to this one is given any more: a fence raises it.
    pub sequence_floor: Sequence,
    /// The answers to claims that carried a key.
    pub claims: BTreeMap<(Requester, User, ClaimKey), Answered>,
    /// When claims were counted towards which limit.
    pub counted: BTreeMap<Account, Vec<Time>>,
    /// Who shut out whom.
    pub blocked: BTreeSet<(User, Requester)>,
    /// When the operator last fenced off a restored backup.
    pub fenced: Option<Time>,
    /// Every regular package that was granted, by client and suite, in order.
    pub taken: BTreeMap<(Client, Suite), Vec<Taken>>,
}

/// A regular package that was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Taken {
    /// When.
    pub at: Time,
    /// To whom.
    pub requester: Requester,
    /// Whether its owner was told of a drain with it (`NOTE-DRAIN`).
    pub told: bool,
}

/// How far a fence moves the sequences on: more than any number of notifications that a restore can have lost.
pub const SEQUENCE_JUMP: Sequence = 1_000;

/// A signature key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyState {
    /// Whose list it is on.
    pub user: User,
    /// Which client it belongs to.
    pub client: Client,
    /// Since when it is valid.
    pub added: Time,
    /// No longer valid from this second on.
    pub expires: Option<Time>,
    /// When it was removed.
    pub removed: Option<Time>,
}

/// Whether a signature key bears out a credential at some time (`KEY-VERIFY`, `KEY-HISTORY`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It does.
    Valid,
    /// It was added later.
    NotYet,
    /// It had expired.
    Expired,
    /// It had been removed.
    Removed,
    /// It is not, and was not, on that user's list.
    Unknown,
}

impl KeyState {
    /// What the key was worth at a time. Of an expiry and a removal, the earlier one ended it.
    #[must_use]
    pub fn standing(&self, at: Time) -> Standing {
        let expired = self.expires.filter(|expires| *expires <= at);
        let removed = self.removed.filter(|removed| *removed <= at);
        match (expired, removed) {
            _ if at < self.added => Standing::NotYet,
            (Some(expired), Some(removed)) if expired <= removed => Standing::Expired,
            (_, Some(_)) => Standing::Removed,
            (Some(_), None) => Standing::Expired,
            (None, None) => Standing::Valid,
        }
    }

    /// Whether it is valid at a time.
    #[must_use]
    pub fn is_valid(&self, at: Time) -> bool {
        self.standing(at) == Standing::Valid
    }
}

/// A package with its fate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageState {
    /// What it is.
    pub facts: Facts,
    /// What became of it. Final, once it is not `Available` (`LIFE-TERMINAL`); expiry is a matter of the clock.
    pub fate: Fate,
    /// Whether it was ever granted: a last resort stays available after that.
    pub granted: bool,
    /// The how-manieth publication it came with: packages of one batch share it (`CLAIM-SELECTION`, fifo).
    pub batch: u32,
}

/// What became of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// Can be granted, as long as it is live.
    Available,
    /// Consumed by a grant.
    Granted,
    /// Taken back by its owner, replaced by a newer one, removed with its client, or fenced off.
    Withdrawn,
}

/// A package as its owner sees it (`NOTE-RECONCILE`). Of several, the first in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackageStanding {
    /// Consumed by a grant.
    Granted,
    /// Taken back or replaced.
    Withdrawn,
    /// Its signature key is no longer valid.
    Revoked,
    /// Its lifetime is over.
    Expired,
    /// Can be granted, now or once its lifetime begins.
    Available,
}

/// A claim under an idempotency key, and what was said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Answered {
    /// The question.
    pub claim: Claim,
    /// The answer, which is final.
    pub answer: Answer,
    /// When.
    pub at: Time,
}

/// An answer that an idempotency key remembers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// What each client gave.
    Statuses(BTreeMap<Client, Status>),
    /// Refused by a limit, for so many seconds.
    Limited(Time),
}

impl State {
    /// The state after `events`, from nothing.
    pub fn of<E: std::borrow::Borrow<Event>>(events: impl IntoIterator<Item = E>) -> Self {
        let mut state = Self::default();
        for event in events {
            state.apply(event.borrow());
        }
        state
    }

    /// Takes one event in. Total: an event that makes no sense here changes nothing, since judging is the rules' task.
    pub fn apply(&mut self, event: &Event) {
        let now = self.now;
        match event {
            Event::KeyAdded { user, client, key, expires } => {
                let added = KeyState { user: *user, client: *client, added: now, expires: *expires, removed: None };
                self.keys.entry(*key).or_insert(added);
            }
            Event::KeyExtended { key, expires } => {
                if let Some(key) = self.keys.get_mut(key) {
                    key.expires = Some(*expires);
                }
            }
            Event::KeyRemoved { key } => {
                if let Some(key) = self.keys.get_mut(key) {
                    key.removed.get_or_insert(now);
                }
            }
            Event::ClientRemoved { client } => self.apply_client_removed(*client),
            Event::Published(batch) => {
                self.publications += 1;
                batch.iter().for_each(|facts| self.apply_published(facts));
            }
            Event::Counted(account) => self.counted.entry(*account).or_default().push(now),
            Event::Claimed(claimed) => self.apply_claimed(claimed),
            Event::Limited { claim, retry_after } => self.remember(claim, Answer::Limited(*retry_after)),
            Event::Notified(notified) => {
                let suite = self.packages.get(&notified.package).map(|known| known.facts.suite);
                if let Some(suite) = suite.filter(|_| notified.role == Role::Regular) {
                    let taken = Taken { at: now, requester: notified.requester, told: notified.drain.is_some() };
                    self.taken.entry((notified.client, suite)).or_default().push(taken);
                }
                self.sequences.insert(notified.client, notified.sequence);
                self.notifications.entry(notified.client).or_default().push(notified.clone());
            }
            Event::Withdrawn { package, .. } => {
                if let Some(package) = self.packages.get_mut(package) {
                    package.fate = Fate::Withdrawn;
                }
            }
            Event::Acknowledged { client, through } => {
                if let Some(unread) = self.notifications.get_mut(client) {
                    unread.retain(|notified| notified.sequence > *through);
                }
            }
            Event::Blocked { user, requester } => {
                self.blocked.insert((*user, *requester));
            }
            Event::Unblocked { user, requester } => {
                self.blocked.remove(&(*user, *requester));
            }
            Event::Forgotten { packages } => self.packages.retain(|package, _| !packages.contains(package)),
            Event::Fenced => {
                self.end_available(|_| true);
                let last = self.sequences.values().copied().max().unwrap_or_default();
                self.sequence_floor = self.sequence_floor.max(last) + SEQUENCE_JUMP;
                self.fenced = Some(now);
            }
            Event::Ticked { to } => self.now = now.max(*to),
        }
    }

    fn apply_client_removed(&mut self, client: Client) {
        let now = self.now;
        self.end_available(|facts| facts.client == client);
        for key in self.keys.values_mut().filter(|key| key.client == client && key.is_valid(now)) {
            key.removed = Some(now);
        }
        self.notifications.remove(&client);
    }

    fn apply_published(&mut self, facts: &Facts) {
        if facts.role == Role::LastResort {
            let replaced = |other: &Facts| (other.client, other.suite) == (facts.client, facts.suite);
            let others = self.packages.values_mut().filter(|other| other.facts.role == Role::LastResort);
            others.filter(|other| replaced(&other.facts)).for_each(|other| other.fate = Fate::Withdrawn);
        }
        let batch = self.publications;
        let fresh = PackageState { facts: facts.clone(), fate: Fate::Available, granted: false, batch };
        self.packages.insert(facts.package, fresh);
        self.kinds.insert((facts.client, facts.suite, facts.offers.clone()));
    }

    /// Withdraws what could be granted, now or later. What has ended already keeps its own end.
    fn end_available(&mut self, which: impl Fn(&Facts) -> bool) {
        let available = self.packages.values().filter(|known| self.standing(known) == PackageStanding::Available);
        let ended: Vec<_> = available.filter(|known| which(&known.facts)).map(|known| known.facts.package).collect();
        for package in ended {
            if let Some(known) = self.packages.get_mut(&package) {
                known.fate = Fate::Withdrawn;
            }
        }
    }

    fn apply_claimed(&mut self, claimed: &Claimed) {
        for status in claimed.statuses.values() {
            if let Some(package) = status.granted().and_then(|package| self.packages.get_mut(&package)) {
                package.granted = true;
                if matches!(status, Status::Regular(_)) {
                    package.fate = Fate::Granted;
                }
            }
        }
        self.remember(&claimed.claim, Answer::Statuses(claimed.statuses.clone()));
    }

    fn remember(&mut self, claim: &Claim, answer: Answer) {
        if let Some(key) = claim.key {
            let answered = Answered { claim: claim.clone(), answer, at: self.now };
            self.claims.insert((claim.requester, claim.user, key), answered);
        }
    }
}
