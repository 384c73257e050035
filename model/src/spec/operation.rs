//! Operations and their outcomes: what is asked of a directory, and what it can answer.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    history::{Claim, Facts, Notified, PackageStanding, Standing, Status},
    names::{Client, Key, Package, Requester, Sequence, Suite, Time, User},
};

/// One request.
#[expect(missing_docs, reason = "the sentence of a variant speaks of its fields")]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Op {
    /// Adds a signature key for a client, until it expires; the client comes into being with its first key.
    AddKey { user: User, client: Client, key: Key, expires: Option<Time> },
    /// Moves the expiry of a signature key forward.
    ExtendKey { client: Client, key: Key, expires: Time },
    /// Removes a signature key.
    RemoveKey { client: Client, key: Key },
    /// Removes a client with all that is its.
    RemoveClient { client: Client },
    /// Asks for a user's valid signature keys.
    Keys { user: User },
    /// Asks whether a signature key bore out a user's credential at some time.
    Verify { user: User, key: Key, at: Time },
    /// Publishes a batch for one client.
    Publish { client: Client, packages: Vec<Facts> },
    /// Publishes a batch in place of everything that the client has available.
    Replace { client: Client, packages: Vec<Facts> },
    /// Asks for one package of each client of a user.
    Claim(Claim),
    /// Takes packages back.
    Withdraw { client: Client, packages: Vec<Package> },
    /// Shuts a requester out. A server is shut out by the same means: it is another name of its requesters.
    Block { user: User, requester: Requester },
    /// Lets a requester in again.
    Unblock { user: User, requester: Requester },
    /// Asks how much is left.
    Stock { client: Client },
    /// Asks what became of each package.
    Reconcile { client: Client },
    /// Reads the notifications after a place in the feed.
    Notifications { client: Client, after: Sequence },
    /// Lets go of the notifications up to a place in the feed.
    Acknowledge { client: Client, through: Sequence },
    /// Drops the memory of packages that nobody could publish again: a task of the directory's own.
    Collect,
    /// Fences off what is available in a backup that was just restored: a task of the operator's.
    Fence,
    /// Lets time pass.
    Tick { to: Time },
}

/// One answer.
#[expect(missing_docs, reason = "the sentence of a variant speaks of its fields")]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// Done, and there is nothing more to say: keys, publications, acknowledgements, time.
    Done,
    /// What each client gave.
    Claimed(BTreeMap<Client, Status>),
    /// A claim was refused by a limit, which does not refuse it any more after so many seconds.
    Limited { retry_after: Time },
    /// What became of each package that was to be withdrawn.
    Withdrawn(BTreeMap<Package, Fate>),
    /// The batch has taken the place of so many packages.
    Replaced { withdrawn: u32 },
    /// The client is gone, and so many notifications that it had not acknowledged.
    ClientRemoved { unread: u32 },
    /// The signature keys that are valid now.
    Keys(BTreeSet<Key>),
    /// What the signature key was worth.
    Standing(Standing),
    /// How much is left.
    Stock(Stock),
    /// What became of each package.
    Packages(BTreeMap<Package, PackageStanding>),
    /// The feed.
    Notifications(Vec<Notified>),
    /// No, and nothing changed.
    Refused(Reason),
}

/// What became of a package that its owner wanted back (`LIFE-WITHDRAW-RACE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is withdrawn: by this request, or before.
    Withdrawn,
    /// A claim was first.
    AlreadyGranted,
    /// The directory never had it.
    Unknown,
}

/// What is left of one client's packages. A suite that ever had one is in it, with zero where nothing is left.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stock {
    /// Live regular packages by suite.
    pub regular: BTreeMap<Suite, u32>,
    /// The live last resort by suite: whether it was granted before.
    pub last_resort: BTreeMap<Suite, bool>,
    /// The suites of which fewer are left than the low-water mark.
    pub low: BTreeSet<Suite>,
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// `PUB-RETRY`: this package was granted, withdrawn or replaced and never comes back.
    AlreadyUsed,
    /// `PUB-FRESH`: another package of this client had the same init key.
    InitKeyReused,
    /// `PUB-ONE-ROLE`: the init key has the other role already.
    RoleConflict,
    /// `PUB-LIFETIME`: no longer valid.
    Expired,
    /// `PUB-LIFETIME`: not valid yet.
    NotYetValid,
    /// `PUB-LIFETIME`: valid for longer than the directory allows.
    LifetimeTooLong,
    /// `PUB-SIGNER-LISTED`: the signature key is not on the owner's list for that client.
    SignerNotListed,
    /// `LIFE-RESTORE`: made before the moment of a fence, so perhaps published and granted in what a restore lost.
    BeforeFence,
    /// `LAST-ONE-PER-SUITE`: the batch has two last resorts of one suite.
    TwoLastResorts,
    /// `PUB-LIMITS`: the stock would be larger than the directory allows.
    StockFull,
    /// `PUB-LIMITS`: too many packages in one publication.
    BatchTooLarge,
    /// No such user, as far as this requester is concerned (`CLAIM-UNIFORM`).
    UnknownUser,
    /// No such client.
    UnknownClient,
    /// `CLAIM-RETRY`: the idempotency key belongs to another question.
    IdempotencyMismatch,
    /// `KEY-UNIQUE`: the key is, or was, another client's, or was removed.
    KeyTaken,
    /// No such key on this client's list.
    UnknownKey,
    /// `KEY-EXPIRY-FORWARD`: the expiry is not later than it is, or than now.
    ExpiryNotForward,
    /// `KEY-NO-REVIVE`: the key expired or was removed.
    KeyEnded,
}
