//! What a directory may do: the sequential specification, one function with three faces.
//!
//! No source says *which* eligible package a claim returns, so the meaning of an operation is a set of allowed
//! outcomes. [`Spec::outcomes`] lists them all, [`Spec::accepts`] tells whether one observed outcome is among them and
//! names the broken rule if not, [`Spec::label`] classifies a step for coverage. `accepts` is exactly the filter of
//! `outcomes`; a test enumerates both.

mod accepts;
mod claiming;
mod drain;
mod keys;
mod label;
mod limits;
mod operation;
mod outcomes;
mod owner;
mod publishing;
#[cfg(test)]
mod tests;

pub use accepts::Refusal;
pub use drain::DrainAlert;
pub use label::Label;
pub use limits::{Limit, Limits};
pub use operation::{Fate as WithdrawnFate, Op, Outcome, Reason, Stock};
pub use outcomes::Decision;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::names::{Requester, Server, Time};

/// The limits and promises that a directory declares.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spec {
    /// The order of regular packages.
    pub selection: Selection,
    /// The longest lifetime of a package that is accepted, in seconds.
    pub lifetime_max: Time,
    /// How far in the future a package may begin to be valid, in seconds.
    pub skew: Time,
    /// The most regular packages that a client can have of one suite, live or yet to become valid.
    pub stock_max: usize,
    /// The most packages in one publication.
    pub batch_max: usize,
    /// How many claims are answered in which time.
    pub limits: Limits,
    /// Which other server vouches for a requester. Whoever is not in it is the directory's own.
    pub servers: BTreeMap<Requester, Server>,
    /// The stock of a suite is low where fewer live regular packages than this are left; 0 is never low.
    pub low_water: u32,
    /// When the owner is told that one requester drains its stock.
    pub drain: Option<DrainAlert>,
    /// For how many seconds the answer to a claim is remembered under its idempotency key.
    pub claim_memory: Time,
}

/// The order in which regular packages are granted (`CLAIM-SELECTION`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// Any of them.
    Any,
    /// The oldest batch first; within a batch any.
    Fifo,
}

impl Default for Spec {
    /// No promise of an order and no limit that a small history could meet.
    fn default() -> Self {
        Self {
            selection: Selection::Any,
            lifetime_max: Time::MAX,
            skew: 0,
            stock_max: usize::MAX,
            batch_max: usize::MAX,
            limits: Limits::default(),
            servers: BTreeMap::new(),
            low_water: 0,
            drain: None,
            claim_memory: Time::MAX,
        }
    }
}
