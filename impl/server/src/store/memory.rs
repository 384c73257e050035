//! Histories in memory: they end with the process.

use std::{
    collections::BTreeMap,
    future::ready,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use crate::store::{Answer, Appended, Loaded, Recorded, Store, Stream, Version};

/// A lock for each history, held for no longer than it takes to copy or push its events.
#[derive(Debug)]
pub struct Memory<E: Recorded> {
    streams: RwLock<BTreeMap<Stream, Shared<E>>>,
    compacts_after: Option<Version>,
}

type Shared<E> = Arc<Mutex<History<E>>>;

#[derive(Debug)]
struct History<E: Recorded> {
    /// What the events led to that are no longer here, and how many they are.
    snapshot: Option<(Version, E::State)>,
    events: Vec<E>,
}

impl<E: Recorded> Default for Memory<E> {
    fn default() -> Self {
        Self::compacting_after(Some(COMPACTS_AFTER))
    }
}

impl<E: Recorded> Store<E> for Memory<E> {
    fn load<'a>(&'a self, stream: &'a Stream, since: Version) -> Answer<'a, Loaded<E>> {
        // Asking for a history that does not exist must not make one: anybody can ask for any user's keys.
        let loaded = self.find(stream).map(|history| lock(&history).after(since));
        Box::pin(ready(Ok(loaded.unwrap_or_else(|| Loaded::events(vec![])))))
    }

    fn append<'a>(&'a self, stream: &'a Stream, version: Version, events: Vec<E>) -> Answer<'a, Appended> {
        let history = self.find(stream).unwrap_or_else(|| self.begin(stream));
        let mut history = lock(&history);
        let appended = if history.version() == version {
            history.events.extend(events);
            Appended::Done
        } else {
            Appended::Conflict
        };
        Box::pin(ready(Ok(appended)))
    }

    fn compact<'a>(&'a self, stream: &'a Stream, version: Version, state: &'a E::State) -> Answer<'a, ()> {
        if let Some(history) = self.find(stream) {
            let mut history = lock(&history);
            let from = history.from();
            if (from + 1..=history.version()).contains(&version) {
                history.events.drain(..version - from);
                history.snapshot = Some((version, state.clone()));
            }
        }
        Box::pin(ready(Ok(())))
    }

    fn compacts_after(&self) -> Option<Version> {
        self.compacts_after
    }

    fn streams<'a>(&'a self, after: Option<&'a Stream>, max: usize) -> Answer<'a, Vec<Stream>> {
        let streams = self.streams.read().unwrap_or_else(PoisonError::into_inner);
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let named = streams.range((after, Bound::Unbounded)).map(|(stream, _)| stream.clone());
        Box::pin(ready(Ok(named.take(max).collect())))
    }
}

impl<E: Recorded> Memory<E> {
    /// Histories in which a state takes the place of so many events; of all events, if it is `None`.
    #[must_use]
    pub fn compacting_after(compacts_after: Option<Version>) -> Self {
        Self { streams: RwLock::default(), compacts_after }
    }

    fn find(&self, stream: &Stream) -> Option<Shared<E>> {
        self.streams.read().unwrap_or_else(PoisonError::into_inner).get(stream).cloned()
    }

    fn begin(&self, stream: &Stream) -> Shared<E> {
        let mut streams = self.streams.write().unwrap_or_else(PoisonError::into_inner);
        let empty = || Arc::new(Mutex::new(History { snapshot: None, events: vec![] }));
        Arc::clone(streams.entry(stream.clone()).or_insert_with(empty))
    }
}

impl<E: Recorded> History<E> {
    /// How many events the snapshot stands for.
    fn from(&self) -> Version {
        self.snapshot.as_ref().map_or(0, |(version, _)| *version)
    }

    fn version(&self) -> Version {
        self.from() + self.events.len()
    }

    fn after(&self, since: Version) -> Loaded<E> {
        match since.checked_sub(self.from()) {
            Some(place) => Loaded::events(self.events.get(place..).map(<[E]>::to_vec).unwrap_or_default()),
            None => Loaded { snapshot: self.snapshot.clone(), events: self.events.clone() },
        }
    }
}

/// Nothing panics while it holds the lock, and a list of events is whole at every moment.
fn lock<E: Recorded>(history: &Shared<E>) -> MutexGuard<'_, History<E>> {
    history.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A state is larger than an event: seldom enough that writing it costs little, often enough that reading on is quick.
pub(super) const COMPACTS_AFTER: Version = 256;
