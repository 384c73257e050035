//! What a store is: named histories that can be read on from a version, and appended to if the version has not moved.
//!
//! Two operations are enough for every kind of store, and for any number of servers over one: who decided on a history
//! that has grown meanwhile gets [`Appended::Conflict`], loads what is new and decides again.

mod memory;

use std::{fmt, pin::Pin, sync::Arc};

use kpd_directory::{Event, SignatureKeyId, UserId, keys::KeyReserved, limits::RequesterEvent};

pub use memory::Memory;

/// How many events a history holds; a decision names the version that it was made on.
pub type Version = usize;

/// The name of a history: `user:acct:…`, `key:…` or `requester:acct:…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stream(Box<str>);

/// What became of an attempt to append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// The events are stored, durably where the store is durable.
    Done,
    /// The history has grown since; nothing was stored.
    Conflict,
}

/// A store that cannot be reached, or that failed. Whether events were appended is unknown.
#[derive(Debug, thiserror::Error)]
#[error("the store failed: {0}")]
pub struct StoreError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// What a store answers, later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Histories of events of one kind.
pub trait Store<E>: Send + Sync {
    /// The events after the first `since` of them; none if there are not so many, or no such history.
    fn load<'a>(&'a self, stream: &'a Stream, since: Version) -> Answer<'a, Vec<E>>;

    /// Appends all of the events, or none if the history is not of this version.
    fn append<'a>(&'a self, stream: &'a Stream, version: Version, events: Vec<E>) -> Answer<'a, Appended>;
}

/// The stores of a directory. Servers that share them are replicas of one directory.
#[derive(Clone)]
pub struct Stores {
    /// A history for each user.
    pub users: Arc<dyn Store<Event>>,
    /// A history for each signature key: whose it is, for ever (`KEY-UNIQUE`).
    pub keys: Arc<dyn Store<KeyReserved>>,
    /// A history for each requester: what its claims cost it, over all users (`RATE-REQUESTER`).
    pub requesters: Arc<dyn Store<RequesterEvent>>,
}

impl Stores {
    /// Histories that end with the process.
    #[must_use]
    pub fn in_memory() -> Self {
        let (users, keys) = (Arc::new(Memory::default()), Arc::new(Memory::default()));
        Self { users, keys, requesters: Arc::new(Memory::default()) }
    }
}

impl Stream {
    /// A user's history.
    #[must_use]
    pub fn of_user(user: &UserId) -> Self {
        Self(format!("user:{user}").into())
    }

    /// A signature key's history.
    #[must_use]
    pub fn of_key(key: &SignatureKeyId) -> Self {
        Self(format!("key:{key}").into())
    }

    /// A requester's history.
    #[must_use]
    pub fn of_requester(user: &UserId) -> Self {
        Self(format!("requester:{user}").into())
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stores")
    }
}
