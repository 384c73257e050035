//! Stores that give others time to come in between, with and without looking whether they did; and stores that forget.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use kpd_directory::{Event, limits::RequesterEvent};

use crate::store::{Answer, Appended, Loaded, Recorded, Store, Stores, Stream, Version};

pub(super) fn slow(stores: Stores) -> Stores {
    Stores { users: Arc::new(Lying { pauses: true, ..Lying::over(stores.users) }), ..stores }
}

pub(super) fn careless(stores: Stores) -> Stores {
    Stores { users: Arc::new(Lying { pauses: true, careless: true, ..Lying::over(stores.users) }), ..stores }
}

/// Only a file can be late; what ends with the process is stored as soon as it is anywhere.
pub(super) fn hasty(stores: Stores) -> Stores {
    stores.file.iter().for_each(|file| file.be_hasty(1));
    stores
}

/// The same, but only once several wait for the disk: who asks one after the other never sees it.
pub(super) fn hasty_under_load(stores: Stores) -> Stores {
    stores.file.iter().for_each(|file| file.be_hasty(2));
    stores
}

/// Told to stop, it closes its file first, and answers those who are on the way as if it had not. Only a file can be closed
/// too early.
pub(super) fn closed_early(stores: Stores) -> Stores {
    if stores.file.is_none() {
        return stores;
    }
    let closed = Arc::new(AtomicBool::new(false));
    close_when_told(Arc::clone(&closed));
    Stores { users: Arc::new(Lying { closed: Some(closed), ..Lying::over(stores.users) }), ..stores }
}

#[cfg(unix)]
fn close_when_told(closed: Arc<AtomicBool>) {
    use tokio::signal::unix::{SignalKind, signal};
    // Whoever is served is told to stop by a signal; a mutant that cannot be told so is an honest server, and is found to be.
    if let Ok(mut terminate) = signal(SignalKind::terminate()) {
        tokio::spawn(async move {
            let told = terminate.recv().await;
            closed.store(told.is_some(), Ordering::Relaxed);
        });
    }
}

#[cfg(not(unix))]
fn close_when_told(_: Arc<AtomicBool>) {}

/// After a start nobody has claimed anything of anybody, as far as limits are concerned.
pub(super) fn forgets_limits(stores: Stores) -> Stores {
    let uncounted = |events: Vec<Event>| {
        let uncounted = events.into_iter().map(|mut event| {
            if let Event::Claimed { counts_until, .. } = &mut event {
                *counts_until = None;
            }
            event
        });
        uncounted.collect()
    };
    let requesters: Arc<dyn Store<RequesterEvent>> =
        Arc::new(Lying { recalls: Some(|_| vec![]), ..Lying::over(stores.requesters) });
    Stores { users: recalling(stores.users, uncounted), requesters, ..stores }
}

/// After a start everybody has read everything.
pub(super) fn forgets_notifications(stores: Stores) -> Stores {
    let read = |events: Vec<Event>| {
        let read = events.into_iter().flat_map(|event| {
            let all = |at, client| Event::Acknowledged { at, client, through: u64::MAX };
            let read: Vec<_> = match &event {
                Event::Claimed { at, answers, .. } => {
                    answers.iter().map(|(client, _)| all(*at, client.clone())).collect()
                }
                _ => vec![],
            };
            std::iter::once(event).chain(read)
        });
        read.collect()
    };
    Stores { users: recalling(stores.users, read), ..stores }
}

/// After a start nobody is blocked.
pub(super) fn forgets_blocks(stores: Stores) -> Stores {
    Stores {
        users: recalling(stores.users, |events| without(events, |it| matches!(it, Event::Blocked { .. }))),
        ..stores
    }
}

/// After a start nothing was ever withdrawn or replaced.
pub(super) fn forgets_withdrawals(stores: Stores) -> Stores {
    Stores {
        users: recalling(stores.users, |events| without(events, |it| matches!(it, Event::Withdrawn { .. }))),
        ..stores
    }
}

/// After a start no key was ever removed.
pub(super) fn forgets_removals(stores: Stores) -> Stores {
    let removals =
        |events| without(events, |event| matches!(event, Event::KeyRemoved { .. } | Event::ClientRemoved { .. }));
    Stores { users: recalling(stores.users, removals), ..stores }
}

fn without(events: Vec<Event>, which: fn(&Event) -> bool) -> Vec<Event> {
    events.into_iter().filter(|event| !which(event)).collect()
}

fn recalling(users: Arc<dyn Store<Event>>, recalls: fn(Vec<Event>) -> Vec<Event>) -> Arc<dyn Store<Event>> {
    Arc::new(Lying { recalls: Some(recalls), ..Lying::over(users) })
}

/// Long enough for others that are on their way already.
const PAUSE: Duration = Duration::from_millis(1);

/// The store, but for a lie.
struct Lying<E> {
    store: Arc<dyn Store<E>>,
    /// Whether it takes its time to append.
    pauses: bool,
    /// Whether it appends to whatever is there.
    careless: bool,
    /// Whether it says that it appends, and does not any more.
    closed: Option<Arc<AtomicBool>>,
    /// What it remembers of what was there when it started.
    recalls: Option<fn(Vec<E>) -> Vec<E>>,
    /// How much that was.
    began: Mutex<BTreeMap<Stream, Version>>,
}

impl<E: Recorded> Lying<E> {
    fn over(store: Arc<dyn Store<E>>) -> Self {
        Self { store, pauses: false, careless: false, closed: None, recalls: None, began: Mutex::default() }
    }

    /// What is remembered stands as a state in the place of the events, so that versions stay what they are.
    fn recalled(&self, stream: &Stream, recalls: fn(Vec<E>) -> Vec<E>, mut events: Vec<E>) -> Loaded<E> {
        let mut began = self.began.lock().unwrap_or_else(PoisonError::into_inner);
        let began = *began.entry(stream.clone()).or_insert(events.len());
        let since = events.split_off(began.min(events.len()));
        let mut state = E::State::default();
        recalls(events).iter().for_each(|event| E::apply(&mut state, event));
        Loaded { snapshot: (began > 0).then_some((began, state)), events: since }
    }
}

impl<E: Recorded> Store<E> for Lying<E> {
    fn load<'a>(&'a self, stream: &'a Stream, since: Version) -> Answer<'a, Loaded<E>> {
        Box::pin(async move {
            let loaded = self.store.load(stream, since).await?;
            Ok(match self.recalls {
                Some(recalls) if since == 0 && loaded.snapshot.is_none() => {
                    self.recalled(stream, recalls, loaded.events)
                }
                _ => loaded,
            })
        })
    }

    fn append<'a>(&'a self, stream: &'a Stream, version: Version, events: Vec<E>) -> Answer<'a, Appended> {
        Box::pin(async move {
            if self.pauses {
                tokio::time::sleep(PAUSE).await;
            }
            if self.closed.as_ref().is_some_and(|closed| closed.load(Ordering::Relaxed)) {
                return Ok(Appended::Done);
            }
            if !self.careless {
                return self.store.append(stream, version, events).await;
            }
            loop {
                let Loaded { snapshot, events: there } = self.store.load(stream, 0).await?;
                let version = snapshot.map_or(0, |(version, _)| version) + there.len();
                if self.store.append(stream, version, events.clone()).await? == Appended::Done {
                    return Ok(Appended::Done);
                }
            }
        })
    }

    fn compact<'a>(&'a self, stream: &'a Stream, version: Version, state: &'a E::State) -> Answer<'a, ()> {
        self.store.compact(stream, version, state)
    }

    fn compacts_after(&self) -> Option<Version> {
        self.store.compacts_after()
    }

    fn streams<'a>(&'a self, after: Option<&'a Stream>, max: usize) -> Answer<'a, Vec<Stream>> {
        self.store.streams(after, max)
    }
}
