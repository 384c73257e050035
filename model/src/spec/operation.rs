//! Operations and their outcomes: what is asked of a directory, and what it can answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    history::{Claim, Facts, Notified, Status},
    names::{Client, Key, Package, Sequence, Suite, Time, User},
};

/// One request.
#[expect(missing_docs, reason = "the sentence of a variant speaks of its fields")]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Op {
    /// Adds a signature key for a client; the client comes into being with its first key.
    AddKey { user: User, client: Client, key: Key },
    /// Removes a signature key.
    RemoveKey { client: Client, key: Key },
    /// Publishes a batch for one client.
    Publish { client: Client, packages: Vec<Facts> },
    /// Asks for one package of each client of a user.
    Claim(Claim),
    /// Takes packages back.
    Withdraw { client: Client, packages: Vec<Package> },
    /// Asks how much is left.
    Stock { client: Client },
    /// Reads the notifications after a place in the feed.
    Notifications { client: Client, after: Sequence },
    /// Lets go of the notifications up to a place in the feed.
    Acknowledge { client: Client, through: Sequence },
    /// Lets time pass.
    Tick { to: Time },
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// Done, and there is nothing more to say: keys, publications, acknowledgements, time.
    Done,
    /// What each client gave.
    Claimed(BTreeMap<Client, Status>),
    /// What became of each package that was to be withdrawn.
    Withdrawn(BTreeMap<Package, Fate>),
    /// How much is left.
    Stock(Stock),
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
    /// `LAST-ONE-PER-SUITE`: the batch has two last resorts of one suite.
    TwoLastResorts,
    /// `PUB-LIMITS`: the stock would be larger than the directory allows.
    StockFull,
    /// `PUB-LIMITS`: too many packages in one publication.
    BatchTooLarge,
    /// No such user.
    UnknownUser,
    /// No such client.
    UnknownClient,
    /// `CLAIM-RETRY`: the idempotency key belongs to another question.
    IdempotencyMismatch,
    /// `KEY-UNIQUE`: the key is, or was, another client's, or was removed.
    KeyTaken,
    /// No such key on this client's list.
    UnknownKey,
}
