//! A store that tells how long it takes to append, and what happened to KeyPackages.

use std::{sync::Arc, time::Instant};

use super::Metrics;
use crate::store::{Answer, Appended, Loaded, Recorded, Store, Stores, Stream, Version};

struct Measured<E: Recorded> {
    inner: Arc<dyn Store<E>>,
    metrics: Arc<Metrics>,
    history: &'static str,
    happened: fn(&Metrics, &[E]),
}

impl Metrics {
    /// The same stores, with a watch at their door.
    pub(crate) fn measured(self: &Arc<Self>, stores: Stores) -> Stores {
        Stores {
            users: measured(self, stores.users, "user", Self::happened),
            keys: measured(self, stores.keys, "key", |_, _| {}),
            requesters: measured(self, stores.requesters, "requester", |_, _| {}),
            file: stores.file,
        }
    }
}

fn measured<E: Recorded>(
    metrics: &Arc<Metrics>,
    inner: Arc<dyn Store<E>>,
    history: &'static str,
    happened: fn(&Metrics, &[E]),
) -> Arc<dyn Store<E>> {
    Arc::new(Measured { inner, metrics: Arc::clone(metrics), history, happened })
}

impl<E: Recorded> Store<E> for Measured<E> {
    fn load<'a>(&'a self, stream: &'a Stream, since: Version) -> Answer<'a, Loaded<E>> {
        self.inner.load(stream, since)
    }

    fn append<'a>(&'a self, stream: &'a Stream, version: Version, events: Vec<E>) -> Answer<'a, Appended> {
        Box::pin(async move {
            let begun = Instant::now();
            let appended = self.inner.append(stream, version, events.clone()).await;
            let outcome = match &appended {
                Ok(Appended::Done) => "done",
                Ok(Appended::Conflict) => "conflict",
                Err(_) => "failed",
            };
            self.metrics.appended(self.history, outcome, begun.elapsed());
            if matches!(appended, Ok(Appended::Done)) {
                (self.happened)(&self.metrics, &events);
            }
            appended
        })
    }

    fn compact<'a>(&'a self, stream: &'a Stream, version: Version, state: &'a E::State) -> Answer<'a, ()> {
        self.inner.compact(stream, version, state)
    }

    fn compacts_after(&self) -> Option<Version> {
        self.inner.compacts_after()
    }

    fn streams<'a>(&'a self, after: Option<&'a Stream>, max: usize) -> Answer<'a, Vec<Stream>> {
        self.inner.streams(after, max)
    }
}
