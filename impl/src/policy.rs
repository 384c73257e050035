//! The limits and promises that a directory declares.

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
        }
    }
}

const DAY: UnixSeconds = 24 * 60 * 60;
