//! Events, and the state that a list of them leads to. A directory is a machine that turns commands into events.

mod state;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::names::{ClaimKey, Client, Feature, InitKey, Key, Package, Requester, Sequence, Server, Suite, Time, User};

pub use state::{
    Answer, Answered, Fate, KeyState, PackageStanding, PackageState, SEQUENCE_JUMP, Standing, State, Taken,
};

/// Something that happened and will always have happened.
#[expect(missing_docs, reason = "the sentence of a variant speaks of its fields")]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Event {
    /// A signature key was added to a user's list, for one of the user's clients; valid until it expires, if it does.
    KeyAdded { user: User, client: Client, key: Key, expires: Option<Time> },
    /// The expiry of a signature key was moved forward (`KEY-EXPIRY-FORWARD`).
    KeyExtended { key: Key, expires: Time },
    /// A signature key was removed: whatever it signed is never granted again (`KEY-CASCADE`).
    KeyRemoved { key: Key },
    /// A client was removed, with its keys, its packages and its unread notifications (`LIFE-REMOVE-CLIENT`).
    ClientRemoved { client: Client },
    /// A batch of KeyPackages became available, whole (`PUB-ATOMIC`). A last resort takes the place of the one before
    /// (`LAST-REPLACED-WHOLE`).
    Published(Vec<Facts>),
    /// A claim was counted towards a limit.
    Counted(Account),
    /// A claim was answered; the granted regular packages are consumed.
    Claimed(Claimed),
    /// A claim was refused by a limit, and its idempotency key remembers that (`CLAIM-RETRY`).
    Limited { claim: Claim, retry_after: Time },
    /// The owner's client was told of one grant.
    Notified(Notified),
    /// The owner took a package back before it was granted.
    Withdrawn { client: Client, package: Package },
    /// The owner has read its notifications up to and including this one.
    Acknowledged { client: Client, through: Sequence },
    /// An owner shut a requester out (`BLOCK-REQUESTER`).
    Blocked { user: User, requester: Requester },
    /// An owner let a requester in again.
    Unblocked { user: User, requester: Requester },
    /// The memory of packages was dropped (`LIFE-TOMBSTONE`).
    Forgotten { packages: BTreeSet<Package> },
    /// The operator restored an older backup and fenced off what was available in it (`LIFE-RESTORE`).
    Fenced,
    /// Time passed.
    Ticked { to: Time },
}

/// What a limit counts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Account {
    /// The claims of one requester (`RATE-REQUESTER`).
    Requester(Requester),
    /// The claims of all requesters that one other server vouches for (`RATE-SERVER`).
    Server(Server),
    /// The claims of one requester for one user (`RATE-PAIR`).
    Pair(Requester, User),
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
    /// The capabilities in its leaf, as far as they are not everybody's.
    pub offers: BTreeSet<Feature>,
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
    /// The capabilities that a package must have, each of them.
    pub requires: BTreeSet<Feature>,
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
    /// There is something, but nothing of an acceptable suite with the capabilities that are required.
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
    /// Whether that is fewer than the low-water mark (`NOTE-LOW-WATER`).
    pub low: bool,
    /// Where this is the grant with which its requester has taken too much (`NOTE-DRAIN`).
    pub drain: Option<Drain>,
}

/// What one requester has taken of a client's regular packages of one suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Drain {
    /// How many, in a window that ends with this grant.
    pub taken: u32,
    /// Of so many: those that anybody got in the window, and those that are left.
    pub of: u32,
    /// The length of the window, in seconds.
    pub seconds: Time,
}
