//! What histories lead to, kept in memory and brought up to date before each decision.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use kpd_directory::UserId;

use crate::store::{Loaded, Recorded, Store, StoreError, Stream, Version};

/// The views of the users, or of the accounts of requesters and servers, that were asked about lately.
#[derive(Debug)]
pub(crate) struct Views<E: Recorded, Of = UserId> {
    kept: Mutex<HashMap<Of, Turn<E>>>,
    keeping: Keeping,
}

/// Held from the look at a view until its events are appended, so that commands of one server for one user queue up
/// instead of running into conflicts; between servers over one store there is nothing but conflicts.
pub(crate) type Turn<E> = Arc<tokio::sync::Mutex<View<E>>>;

/// What is kept of the users that were asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// The state of each, and commands take turns.
    States,
    /// The state of each with the history that led to it: mutants tell it otherwise.
    Histories,
    /// Nothing, and so nobody waits for anybody: for mutants that break only when they are interrupted.
    Nothing,
}

/// A state at a version.
#[derive(Debug)]
pub(crate) struct View<E: Recorded> {
    pub(crate) version: Version,
    pub(crate) state: E::State,
    /// Empty unless histories are kept.
    pub(crate) history: Vec<E>,
    /// How many events the newest state stands for that the store keeps, as far as is known here.
    compacted: Version,
    keeping: Keeping,
}

impl<E: Recorded, Of: Clone + Eq + Hash> Views<E, Of> {
    pub(crate) fn new(keeping: Keeping) -> Self {
        Self { kept: Mutex::default(), keeping }
    }

    /// Whose views are kept.
    pub(crate) fn kept(&self) -> Vec<Of> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// The view of one of them, to be locked for the length of a command.
    pub(crate) fn of(&self, whose: &Of) -> Turn<E> {
        let empty = || Arc::new(tokio::sync::Mutex::new(View::empty(self.keeping)));
        if self.keeping == Keeping::Nothing {
            return empty();
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= VIEWS_MAX && !kept.contains_key(whose) {
            make_room(&mut kept);
        }
        Arc::clone(kept.entry(whose.clone()).or_insert_with(empty))
    }
}

impl<E: Recorded> View<E> {
    fn empty(keeping: Keeping) -> Self {
        Self { version: 0, state: E::State::default(), history: vec![], compacted: 0, keeping }
    }

    /// Takes in what happened since.
    pub(crate) async fn catch_up(&mut self, store: &dyn Store<E>, stream: &Stream) -> Result<(), StoreError> {
        let Loaded { snapshot, events } = store.load(stream, self.version).await?;
        if let Some((version, state)) = snapshot {
            (self.version, self.compacted, self.state) = (version, version, state);
            self.history.clear();
        }
        self.take_in(events);
        Ok(())
    }

    /// Takes in events that were just loaded or appended.
    pub(crate) fn take_in(&mut self, events: Vec<E>) {
        self.version += events.len();
        events.iter().for_each(|event| E::apply(&mut self.state, event));
        if self.keeping != Keeping::States {
            self.history.extend(events);
        }
    }

    /// Takes in events that were just appended, and lets the state take the place of all events when it is time.
    pub(crate) async fn appended(&mut self, events: Vec<E>, store: &dyn Store<E>, stream: &Stream) {
        self.take_in(events);
        let due = store.compacts_after().is_some_and(|after| self.version >= self.compacted.saturating_add(after));
        // Who tells a history otherwise needs all of it.
        if due && self.keeping != Keeping::Histories {
            // The events are there, and so nothing is lost where it fails; the next event tries again.
            if store.compact(stream, self.version, &self.state).await.is_ok() {
                self.compacted = self.version;
            }
        }
    }
}

/// Forgets views that nobody holds: those of users that do not exist, or else any. Loading one again is only slower.
fn make_room<E: Recorded, Of: Clone + Eq + Hash>(kept: &mut HashMap<Of, Turn<E>>) {
    let empty = |turn: &Turn<E>| turn.try_lock().is_ok_and(|view| view.version == 0);
    kept.retain(|_, turn| Arc::strong_count(turn) > 1 || !empty(turn));
    if kept.len() >= VIEWS_MAX {
        let mut room = VIEWS_MAX / 8;
        kept.retain(|_, turn| {
            let forget = room > 0 && Arc::strong_count(turn) == 1;
            room -= usize::from(forget);
            !forget
        });
    }
}

/// A view with a full stock is about half a megabyte, most are far smaller.
const VIEWS_MAX: usize = 8_192;
