//! What happens in a user's history; a list of these is all that a store keeps.

use serde::{Deserialize, Serialize};

use crate::{
    blocks::Blocked,
    capabilities::Capabilities,
    feed::Drain,
    key_package::{Facts, Role},
    limits::Limited,
    names::{
        CipherSuite, ClientName, IdempotencyKey, KeyPackageRef, Requester, ServerName, SignatureKey, SignatureKeyId,
        UnixSeconds, UserId,
    },
};

/// Something that happened and will always have happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the sentence of a variant speaks of its fields")]
pub enum Event {
    /// The operator let a user in; the token, of which only the digest is kept, adds the first signature key.
    Enrolled { at: UnixSeconds, user: UserId, token_digest: [u8; 32], not_after: UnixSeconds },
    /// A signature key was added for one client. The enrolment token, where it was used, is spent.
    /// It ends by itself at `expires_at`, if there is one.
    KeyAdded {
        at: UnixSeconds,
        client: ClientName,
        key: SignatureKey,
        by_token: bool,
        #[serde(default)]
        expires_at: Option<UnixSeconds>,
    },
    /// A signature key that is valid, and was to end, ends later (`KEY-EXPIRY-FORWARD`).
    KeyExtended { at: UnixSeconds, key: SignatureKeyId, expires_at: UnixSeconds },
    /// A signature key was removed: whatever it signed is never granted again (`KEY-CASCADE`).
    KeyRemoved { at: UnixSeconds, key: SignatureKeyId },
    /// A batch became available, whole (`PUB-ATOMIC`); a last resort takes the place of the one before.
    Published { at: UnixSeconds, client: ClientName, key_packages: Vec<Facts> },
    /// A claim was answered; each granted regular KeyPackage is consumed, and its owner told. Where claims are limited, it
    /// counts until then. Where drains are told, what it got is watched.
    Claimed {
        at: UnixSeconds,
        claim: Claim,
        answers: Vec<(ClientName, Granted)>,
        #[serde(default)]
        counts_until: Option<UnixSeconds>,
        #[serde(default)]
        watched: Option<Watched>,
    },
    /// A claim was refused by a limit, which is final under its idempotency key until then (`CLAIM-RETRY`).
    ClaimLimited { at: UnixSeconds, until: UnixSeconds, claim: Claim, limited: Limited },
    /// The owner took KeyPackages back before they were granted.
    Withdrawn { at: UnixSeconds, client: ClientName, references: Vec<KeyPackageRef> },
    /// The owner gave a client up: with its keys, its KeyPackages and what it had not read (`LIFE-REMOVE-CLIENT`).
    ClientRemoved { at: UnixSeconds, client: ClientName },
    /// What is needed no longer was forgotten: KeyPackages whose `not_after` has passed (`LIFE-TOMBSTONE`), and answers
    /// under idempotency keys given up to that second.
    Collected { at: UnixSeconds, answers_through: Option<UnixSeconds> },
    /// The operator restored an older state: what was available in it may have been granted in the part of the history
    /// that is lost, and so may every KeyPackage that is valid before `from` (`LIFE-RESTORE`).
    Fenced { at: UnixSeconds, from: UnixSeconds },
    /// The owner shut somebody out.
    Blocked { at: UnixSeconds, blocked: Blocked },
    /// The owner let somebody in again.
    Unblocked { at: UnixSeconds, blocked: Blocked },
    /// The owner has read its notifications up to and including this one.
    Acknowledged { at: UnixSeconds, client: ClientName, through: u64 },
}

/// A claim: a request for one KeyPackage of each client of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Who asks.
    pub requester: Requester,
    /// The suites that will do; empty means any.
    pub cipher_suites: Vec<CipherSuite>,
    /// What a KeyPackage's leaf must list, each of it (`CLAIM-COMPATIBLE`).
    pub required_capabilities: Capabilities,
    /// Whether a last resort will do (`LAST-TOLD`).
    pub last_resort: LastResort,
    /// Makes a repetition recognisable (`CLAIM-RETRY`).
    pub idempotency_key: Option<IdempotencyKey>,
    /// The server that vouched for the requester, where it was another one than this (`NOTE-NAMES-REQUESTER`).
    #[serde(default)]
    pub vouched_by: Option<ServerName>,
}

/// Whether a requester takes a last resort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastResort {
    /// Yes, if nothing else is left.
    #[default]
    Accept,
    /// Rather nothing.
    Refuse,
}

/// What is remembered of grants to tell drains (`NOTE-DRAIN`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// The regular KeyPackages that were granted count for their requester until then.
    pub until: UnixSeconds,
    /// The clients whose stock is drained by this, and how far.
    pub drains: Vec<(ClientName, Drain)>,
}

/// What one client gave to a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Granted {
    /// This one.
    KeyPackage {
        /// Which.
        reference: KeyPackageRef,
        /// Its role: a regular one is consumed, a last resort kept.
        role: Role,
    },
    /// Nothing is left.
    Exhausted,
    /// There is something, but nothing of a suite that will do with the capabilities that are required.
    Incompatible,
}
