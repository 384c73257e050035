//! Events, and the state that a list of them leads to. A directory is a machine that turns commands into events.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::names::{ClaimKey, Client, InitKey, Key, Package, Requester, Sequence, Suite, Time, User};

/// Something that happened and will always have happened.
#[expect(missing_docs, reason = "the sentence of a variant speaks of its fields")]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Event {
    /// A signature key was added to a user's list, for one of the user's clients.
    KeyAdded { user: User, client: Client, key: Key },
    /// A signature key was removed: whatever it signed is never granted again (`KEY-CASCADE`).
    KeyRemoved { key: Key },
    /// A batch of KeyPackages became available, whole (`PUB-ATOMIC`). A last resort takes the place of the one before
    /// (`LAST-REPLACED-WHOLE`).
    Published(Vec<Facts>),
    /// A claim was answered; the granted regular packages are consumed.
    Claimed(Claimed),
    /// The owner's client was told of one grant.
    Notified(Notified),
    /// The owner took a package back before it was granted.
    Withdrawn { client: Client, package: Package },
    /// The owner has read its notifications up to and including this one.
    Acknowledged { client: Client, through: Sequence },
    /// Time passed.
    Ticked { to: Time },
}

/// What the model knows of a KeyPackage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Facts {
    /// The package itself.
    pub package: Package,
    /// Whose it is.
    pub client: Client,
    /// Its cipher suite.
    pub suite: Suite,
    /// Regular or last resort.
    pub role: Role,
    /// Its HPKE init key.
    pub init_key: InitKey,
    /// The signature key that signed it.
    pub signer: Key,
    /// Valid from this second on.
    pub not_before: Time,
    /// No longer valid from this second on.
    pub not_after: Time,
}

/// The two roles of a KeyPackage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Good for one group, once.
    Regular,
    /// Granted, and kept, when nothing else is left (RFC 9420 §16.8).
    LastResort,
}

/// An answered claim.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Claimed {
    /// What was asked.
    pub claim: Claim,
    /// What each of the user's clients gave.
    pub statuses: BTreeMap<Client, Status>,
}

/// The question of a claim.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Claim {
    /// Who asks.
    pub requester: Requester,
    /// The requester's own client, where it is one of the directory's (`CLAIM-NOT-SELF`).
    pub requester_client: Option<Client>,
    /// Whose packages.
    pub user: User,
    /// The acceptable suites; empty means any.
    pub suites: BTreeSet<Suite>,
    /// Whether a last resort will do.
    pub last_resort_accepted: bool,
    /// Makes a repetition of this claim recognisable (`CLAIM-RETRY`).
    pub key: Option<ClaimKey>,
}

/// What one client gave to a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A regular package, now consumed.
    Regular(Package),
    /// Its last resort, which stays.
    LastResort(Package),
    /// Nothing is left.
    Exhausted,
    /// There is something, but of no acceptable suite.
    Incompatible,
}

impl Status {
    /// The package that was granted, if one was.
    #[must_use]
    pub fn granted(&self) -> Option<Package> {
        match self {
            Self::Regular(package) | Self::LastResort(package) => Some(*package),
            Self::Exhausted | Self::Incompatible => None,
        }
    }
}

/// One notification: which package went to whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Notified {
    /// Whose package was granted.
    pub client: Client,
    /// Its place in the client's feed, from 1.
    pub sequence: Sequence,
    /// The package.
    pub package: Package,
    /// Its role.
    pub role: Role,
    /// Who got it.
    pub requester: Requester,
    /// For a last resort: whether this was its first grant. Always true for a regular package.
    pub first_use: bool,
    /// How many regular packages of that suite remain.
    pub remaining: u32,
}

/// What a history leads to: all that later decisions depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct State {
    /// The model's clock.
    pub now: Time,
    /// Every key ever added.
    pub keys: BTreeMap<Key, KeyState>,
    /// How many batches were ever published.
    pub publications: u32,
    /// Every package ever published, with what became of it.
    pub packages: BTreeMap<Package, PackageState>,
    /// The notifications of each client that were not acknowledged, oldest first.
    pub notifications: BTreeMap<Client, Vec<Notified>>,
    /// The last sequence given to each client's notifications.
    pub sequences: BTreeMap<Client, Sequence>,
    /// The answered claims that carried a key.
    pub claims: BTreeMap<(Requester, ClaimKey), Claimed>,
}

/// A signature key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyState {
    /// Whose list it is on.
    pub user: User,
    /// Which client it belongs to.
    pub client: Client,
    /// Whether it was removed.
    pub removed: bool,
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
    /// Taken back by its owner, or replaced by a newer last resort.
    Withdrawn,
}

impl State {
    /// The state after `events`, from nothing.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut state = Self::default();
        for event in events {
            state.apply(event);
        }
        state
    }

    /// Takes one event in. Total: an event that makes no sense here changes nothing, since judging is the rules' task.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::KeyAdded { user, client, key } => {
                self.keys.entry(*key).or_insert(KeyState { user: *user, client: *client, removed: false });
            }
            Event::KeyRemoved { key } => {
                if let Some(key) = self.keys.get_mut(key) {
                    key.removed = true;
                }
            }
            Event::Published(batch) => {
                self.publications += 1;
                batch.iter().for_each(|facts| self.apply_published(facts));
            }
            Event::Claimed(claimed) => self.apply_claimed(claimed),
            Event::Notified(notified) => {
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
            Event::Ticked { to } => self.now = self.now.max(*to),
        }
    }

    fn apply_published(&mut self, facts: &Facts) {
        if facts.role == Role::LastResort {
            for other in self.packages.values_mut() {
                if other.facts.role == Role::LastResort
                    && other.facts.client == facts.client
                    && other.facts.suite == facts.suite
                {
                    other.fate = Fate::Withdrawn;
                }
            }
        }
        let batch = self.publications;
        let fresh = PackageState { facts: facts.clone(), fate: Fate::Available, granted: false, batch };
        self.packages.insert(facts.package, fresh);
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
        if let Some(key) = claimed.claim.key {
            self.claims.insert((claimed.claim.requester, key), claimed.clone());
        }
    }
}
