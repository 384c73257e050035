//! What a store is: named histories that can be read on from a version, and appended to if the version has not moved.
//!
//! Two operations are enough for every kind of store, and for any number of servers over one: who decided on a history
//! that has grown meanwhile gets [`Appended::Conflict`], loads what is new and decides again. A third one lets a state take
//! the place of the events that led to it, so that what is kept is bounded by what there is to know.

#[cfg(test)]
mod contract;
pub mod durable;
mod memory;

use std::{fmt, pin::Pin, sync::Arc};

use kpd_directory::{
    Event, SignatureKeyId, UserId, UserState,
    keys::KeyReserved,
    limits::{Account, RequesterEvent, RequesterState},
};
use serde::{Serialize, de::DeserializeOwned};

pub use durable::Durable;
pub use memory::Memory;

/// How many events a history holds; a decision names the version that it was made on.
pub type Version = usize;

/// The name of a history: `user:acct:…`, `key:…`, `requester:acct:…` or `server:…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stream(Box<str>);

/// What a history consists of, and what it leads to.
pub trait Recorded: Clone + fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What the history leads to; it can stand for the events.
    type State: Clone + fmt::Debug + Default + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Takes one event in.
    fn apply(state: &mut Self::State, event: &Self);
}

/// What is known of a history from a version on.
#[derive(Clone, Debug)]
pub struct Loaded<E: Recorded> {
    /// The state at a version, where the events up to it are no longer kept, or not all of them that were asked for.
    pub snapshot: Option<(Version, E::State)>,
    /// The events after that, or else after the version that was asked for.
    pub events: Vec<E>,
}

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
pub trait Store<E: Recorded>: Send + Sync {
    /// What is known after the first `since` events: nothing if there are not so many, or no such history.
    fn load<'a>(&'a self, stream: &'a Stream, since: Version) -> Answer<'a, Loaded<E>>;

    /// Appends all of the events, or none if the history is not of this version.
    fn append<'a>(&'a self, stream: &'a Stream, version: Version, events: Vec<E>) -> Answer<'a, Appended>;

    /// Keeps a state, to which the first `version` events led, in the place of these events. Does nothing if a later state
    /// is kept already, or if the history is shorter.
    fn compact<'a>(&'a self, stream: &'a Stream, version: Version, state: &'a E::State) -> Answer<'a, ()>;

    /// After how many events it wants a state in their place; `None` if it keeps all events.
    fn compacts_after(&self) -> Option<Version>;

    /// The first `max` histories whose names come after this one, by name; those of other kinds of events may be among
    /// them, where one store holds several.
    fn streams<'a>(&'a self, after: Option<&'a Stream>, max: usize) -> Answer<'a, Vec<Stream>>;
}

/// The stores of a directory. Servers that share them are replicas of one directory.
#[derive(Clone)]
pub struct Stores {
    /// A history for each user.
    pub users: Arc<dyn Store<Event>>,
    /// A history for each signature key: whose it is, for ever (`KEY-UNIQUE`).
    pub keys: Arc<dyn Store<KeyReserved>>,
    /// A history for each requester, and for each other server: what claims cost it, over all users (`RATE-REQUESTER`,
    /// `RATE-SERVER`).
    pub requesters: Arc<dyn Store<RequesterEvent>>,
    /// The file that these are in, where they outlive the process.
    pub file: Option<Durable>,
}

impl Recorded for Event {
    type State = UserState;

    fn apply(state: &mut UserState, event: &Self) {
        state.apply(event);
    }
}

impl Recorded for RequesterEvent {
    type State = RequesterState;

    fn apply(state: &mut RequesterState, event: &Self) {
        state.apply(event);
    }
}

/// There is one event in each such history, and nothing to sum up.
impl Recorded for KeyReserved {
    type State = ();

    fn apply((): &mut (), _: &Self) {}
}

impl<E: Recorded> Loaded<E> {
    /// Events that are all that there is to know.
    #[must_use]
    pub fn events(events: Vec<E>) -> Self {
        Self { snapshot: None, events }
    }
}

impl Stores {
    /// Histories that end with the process.
    #[must_use]
    pub fn in_memory() -> Self {
        let (users, keys) = (Arc::new(Memory::default()), Arc::new(Memory::default()));
        Self { users, keys, requesters: Arc::new(Memory::default()), file: None }
    }

    /// Histories in a file.
    #[must_use]
    pub fn durable(file: Durable) -> Self {
        let [users, keys, requesters] = [(); 3].map(|()| Arc::new(file.clone()));
        Self { users, keys, requesters, file: Some(file) }
    }
}

impl Stores {
    /// Everybody who has a history.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub async fn all_users(&self) -> Result<Vec<UserId>, StoreError> {
        let (mut users, mut last) = (vec![], Stream::named(USERS));
        loop {
            let streams = self.users.streams(Some(&last), STREAMS_AT_ONCE).await?;
            let Some(next) = streams.last().cloned() else { return Ok(users) };
            let found: Vec<_> = streams.iter().take_while(|stream| stream.0.starts_with(USERS)).collect();
            users.extend(found.iter().filter_map(|stream| stream.user()));
            if found.len() < streams.len() {
                return Ok(users);
            }
            last = next;
        }
    }
}

const USERS: &str = "user:";

const STREAMS_AT_ONCE: usize = 1_000;

impl Stream {
    /// A user's history.
    #[must_use]
    pub fn of_user(user: &UserId) -> Self {
        Self(format!("{USERS}{user}").into())
    }

    /// A signature key's history.
    #[must_use]
    pub fn of_key(key: &SignatureKeyId) -> Self {
        Self(format!("key:{key}").into())
    }

    /// The history of a requester, or of another server.
    #[must_use]
    pub fn of_account(account: &Account) -> Self {
        Self(match account {
            Account::Requester(user) => format!("requester:{user}").into(),
            Account::Server(server) => format!("server:{server}").into(),
        })
    }

    /// The user whose history it is, if it is a user's.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        self.0.strip_prefix(USERS).and_then(|name| UserId::parse(name).ok())
    }

    /// As it was written down.
    pub(crate) fn named(name: &str) -> Self {
        Self(name.into())
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
