//! The core of a KeyPackage directory: it turns commands into events, and knows neither clock, dice, socket nor file.
//!
//! A user's history is a list of [`Event`]s; [`UserState`] is what it leads to. Each command is a method that reads the
//! state and returns a [`Decision`]: the answer, and the events to append before the answer leaves. An error carries no
//! events, so a refusal changes nothing (`CLAIM-REFUSAL-FREE`). Rules are named as in `vectors/rules.yaml`.
//!
//! Read in this order: [`names`], [`policy`], [`key_package`] (bytes become a verified KeyPackage), [`capabilities`],
//! [`event`], [`state`], [`standing`], then the commands: [`keys`], [`publish`], [`limits`], [`claim`], [`blocks`], [`withdraw`], [`feed`],
//! [`reconcile`], [`upkeep`].

pub mod names;

pub mod policy;

pub mod key_package;

pub mod capabilities;

pub mod event;

pub mod state;

pub mod standing;

pub mod keys;

pub mod publish;

pub mod limits;

pub mod claim;

pub mod blocks;

pub mod withdraw;

pub mod feed;

pub mod reconcile;

pub mod upkeep;

mod memory;

#[cfg(any(test, fuzzing))]
pub mod fuzzing;

pub use crate::{
    capabilities::Capabilities,
    event::Event,
    names::{
        CipherSuite, ClientName, IdempotencyKey, KeyPackageRef, Requester, ServerName, SignatureKey, SignatureKeyId,
        SignatureScheme, UnixSeconds, UserId,
    },
    policy::Policy,
    state::UserState,
};

/// What a command leads to, in a history of such events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<A, E = Event> {
    /// To be appended to the history, durably, before the answer leaves; empty if nothing changes.
    pub events: Vec<E>,
    /// The answer.
    pub answer: A,
}

impl<A, E> Decision<A, E> {
    /// An answer that changes nothing.
    fn unchanged(answer: A) -> Self {
        Self { events: vec![], answer }
    }
}
