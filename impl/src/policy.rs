//! The limits and promises that a directory declares.

use serde::{Deserialize, Serialize};

use crate::names::{CipherSuite, UnixSeconds};

/// What a directory allows. All of it is published to clients, so that a refusal is never a surprise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The order in which regular KeyPackages are granted (`CLAIM-SELECTION`).
    pub selection: Selection,
    /// The suites that are accepted.
    pub cipher_suites: Vec<CipherSuite>,
    /// The longest lifetime that is accepted (RFC 9420 §7.2 asks for a maximum).
    pub lifetime_seconds_max: u64,
    /// How far a client's clock may run ahead of ours (`PUB-LIFETIME`).
    pub clock_skew_seconds: u64,
    /// The most regular KeyPackages of one client and suite, live or yet to become valid (`PUB-LIMITS`).
    pub stock_max: usize,
    /// The most KeyPackages in one publication.
    pub batch_max: usize,
    /// The largest KeyPackage.
    pub key_package_bytes_max: usize,
    /// How long a claim's idempotency key is remembered (`CLAIM-RETRY`).
    pub idempotency_seconds: u64,
    /// How long an enrolment token is good.
    pub enrolment_seconds: u64,
    /// How often claims are answered.
    pub limits: Limits,
    /// Fewer live regular KeyPackages of a suite than this are told to their owner as few (`NOTE-LOW-WATER`).
    pub low_water: usize,
    /// When the owner is told that one requester drains its stock (`NOTE-DRAIN`); `None` is never.
    pub drain: Option<DrainAlert>,
}

impl Policy {
    /// Whether so many live regular KeyPackages of a suite are few: the owner is told so (`NOTE-LOW-WATER`).
    #[must_use]
    pub fn is_low(&self, remaining: usize) -> bool {
        remaining < self.low_water
    }
}

/// How often claims are answered; `None` is without limit. A requester is a user here, with all its clients: who makes
/// another client gains nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of one requester, over all users that it claims from (`RATE-REQUESTER`).
    pub requester: Option<Limit>,
    /// Of all requesters together that one other server vouches for, over all users that they claim from
    /// (`RATE-SERVER`). This directory's own requesters are not counted together: one of them could lock out the others.
    pub server: Option<Limit>,
    /// Of one requester from one user; it should be less than a full stock (`RATE-PAIR`).
    pub pair: Option<Limit>,
}

/// So many claims in any stretch of so many seconds: the window slides, and is exact to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// At least 1; 0 is taken for 1.
    pub claims: usize,
    /// At least 1; 0 is taken for 1.
    pub seconds: u64,
}

/// More than such a share of a client's stock of a suite, taken by one requester in so many seconds, is a drain.
///
/// The stock of a window is what is live now and what was granted in the window: no publication hides a drain, and none
/// is invented by what has ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainAlert {
    /// More than so many of a hundred.
    pub percent: usize,
    /// And at least so many: what is half of two KeyPackages says little.
    pub at_least: usize,
    /// The length of the window, which slides and is exact to the second.
    pub seconds: u64,
}

impl DrainAlert {
    /// Whether so many of so many are a drain.
    #[must_use]
    pub fn is_over(&self, taken: usize, of: usize) -> bool {
        taken >= self.at_least && taken.saturating_mul(100) > of.saturating_mul(self.percent)
    }
}

impl Limits {
    /// Claims without end.
    pub const NONE: Self = Self { requester: None, server: None, pair: None };
}

/// The order in which regular KeyPackages are granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Uniformly at random.
    Random,
    /// In the order of upload; within a batch in the order of the batch.
    Fifo,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            selection: Selection::Random,
            cipher_suites: vec![CipherSuite(1), CipherSuite(2), CipherSuite(3)],
            lifetime_seconds_max: 90 * DAY,
            clock_skew_seconds: 300,
            stock_max: 500,
            batch_max: 100,
            key_package_bytes_max: 16 * 1024,
            idempotency_seconds: DAY,
            enrolment_seconds: DAY,
            limits: Limits {
                requester: Some(Limit { claims: 600, seconds: HOUR }),
                server: Some(Limit { claims: 6_000, seconds: HOUR }),
                pair: Some(Limit { claims: 20, seconds: HOUR }),
            },
            low_water: 20,
            drain: Some(DrainAlert { percent: 50, at_least: 5, seconds: DAY }),
        }
    }
}

const HOUR: UnixSeconds = 60 * 60;
const DAY: UnixSeconds = 24 * HOUR;
