//! What histories lead to, kept in memory and brought up to date before each decision.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use kpd_directory::{
    Event, UserId, UserState,
    limits::{RequesterEvent, RequesterState},
};

use crate::store::{Store, StoreError, Stream, Version};

/// What a history leads to.
pub(crate) trait State: fmt::Debug + Default {
    /// What the history consists of.
    type Event: fmt::Debug;

    /// Takes one event in.
    fn apply(&mut self, event: &Self::Event);
}

/// The views of the users, or of the requesters, that were asked about lately.
#[derive(Debug)]
pub(crate) struct Views<S: State> {
    kept: Mutex<HashMap<UserId, Turn<S>>>,
    keeping: Keeping,
}

/// Held from the look at a view until its events are appended, so that commands of one server for one user queue up
/// instead of running into conflicts; between servers over one store there is nothing but conflicts.
pub(crate) type Turn<S> = Arc<tokio::sync::Mutex<View<S>>>;

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
pub(crate) struct View<S: State> {
    pub(crate) version: Version,
    pub(crate) state: S,
    /// Empty unless histories are kept.
    pub(crate) history: Vec<S::Event>,
    keeping: Keeping,
}

impl State for UserState {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        self.apply(event);
    }
}

impl State for RequesterState {
    type Event = RequesterEvent;

    fn apply(&mut self, event: &RequesterEvent) {
        self.apply(event);
    }
}

impl<S: State> Views<S> {
    pub(crate) fn new(keeping: Keeping) -> Self {
        Self { kept: Mutex::default(), keeping }
    }

    /// Whose views are kept.
    pub(crate) fn kept(&self) -> Vec<UserId> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// The view of a user, to be locked for the length of a command.
    pub(crate) fn of(&self, user: &UserId) -> Turn<S> {
        let empty = || Arc::new(tokio::sync::Mutex::new(View::empty(self.keeping)));
        if self.keeping == Keeping::Nothing {
            return empty();
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= VIEWS_MAX && !kept.contains_key(user) {
            make_room(&mut kept);
        }
        Arc::clone(kept.entry(user.clone()).or_insert_with(empty))
    }
}

impl<S: State> View<S> {
    fn empty(keeping: Keeping) -> Self {
        Self { version: 0, state: S::default(), history: vec![], keeping }
    }

    /// Takes in what happened since.
    pub(crate) async fn catch_up(&mut self, store: &dyn Store<S::Event>, stream: &Stream) -> Result<(), StoreError> {
        let news = store.load(stream, self.version).await?;
        self.take_in(news);
        Ok(())
    }

    /// Takes in events that were just loaded or appended.
    pub(crate) fn take_in(&mut self, events: Vec<S::Event>) {
        self.version += events.len();
        events.iter().for_each(|event| self.state.apply(event));
        if self.keeping != Keeping::States {
            self.history.extend(events);
        }
    }
}

/// Forgets views that nobody holds: those of users that do not exist, or else any. Loading one again is only slower.
fn make_room<S: State>(kept: &mut HashMap<UserId, Turn<S>>) {
    let empty = |turn: &Turn<S>| turn.try_lock().is_ok_and(|view| view.version == 0);
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
