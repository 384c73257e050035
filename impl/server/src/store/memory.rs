//! Histories in memory: they end with the process.

use std::{
    collections::HashMap,
    future::ready,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use crate::store::{Answer, Appended, Store, Stream, Version};

/// A lock for each history, held for no longer than it takes to copy or push its events.
#[derive(Debug)]
pub struct Memory<E> {
    streams: RwLock<HashMap<Stream, History<E>>>,
}

type History<E> = Arc<Mutex<Vec<E>>>;

impl<E> Default for Memory<E> {
    fn default() -> Self {
        Self { streams: RwLock::default() }
    }
}

impl<E: Clone + Send + Sync> Store<E> for Memory<E> {
    fn load<'a>(&'a self, stream: &'a Stream, since: Version) -> Answer<'a, Vec<E>> {
        // Asking for a history that does not exist must not make one: anybody can ask for any user's keys.
        let history = self.find(stream);
        let events = history.and_then(|history| lock(&history).get(since..).map(<[E]>::to_vec));
        Box::pin(ready(Ok(events.unwrap_or_default())))
    }

    fn append<'a>(&'a self, stream: &'a Stream, version: Version, events: Vec<E>) -> Answer<'a, Appended> {
        let history = self.find(stream).unwrap_or_else(|| self.begin(stream));
        let mut history = lock(&history);
        let appended = if history.len() == version {
            history.extend(events);
            Appended::Done
        } else {
            Appended::Conflict
        };
        Box::pin(ready(Ok(appended)))
    }
}

impl<E> Memory<E> {
    fn find(&self, stream: &Stream) -> Option<History<E>> {
        self.streams.read().unwrap_or_else(PoisonError::into_inner).get(stream).cloned()
    }

    fn begin(&self, stream: &Stream) -> History<E> {
        let mut streams = self.streams.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(streams.entry(stream.clone()).or_default())
    }
}

/// Nothing panics while it holds the lock, and a list of events is whole at every moment.
fn lock<E>(history: &History<E>) -> MutexGuard<'_, Vec<E>> {
    history.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use kpd_directory::SignatureKeyId;

    use super::*;

    fn stream() -> Stream {
        Stream::of_key(&SignatureKeyId::parse(&"A".repeat(43)).unwrap())
    }

    #[tokio::test]
    async fn a_history_is_read_on_from_any_version() {
        let (memory, stream) = (Memory::default(), stream());
        assert_eq!(memory.append(&stream, 0, vec![1, 2, 3]).await.unwrap(), Appended::Done);
        for since in 0..=3 {
            assert_eq!(memory.load(&stream, since).await.unwrap(), [1, 2, 3][since..]);
        }
        assert!(memory.load(&stream, 4).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn who_looked_at_an_older_version_appends_nothing() {
        let (memory, stream) = (Memory::default(), stream());
        assert_eq!(memory.append(&stream, 0, vec![1]).await.unwrap(), Appended::Done);
        assert_eq!(memory.append(&stream, 0, vec![2]).await.unwrap(), Appended::Conflict);
        assert_eq!(memory.append(&stream, 2, vec![2]).await.unwrap(), Appended::Conflict);
        assert_eq!(memory.load(&stream, 0).await.unwrap(), [1]);
    }

    #[tokio::test]
    async fn to_look_for_a_history_does_not_make_one() {
        let memory = Memory::<u8>::default();
        assert!(memory.load(&stream(), 0).await.unwrap().is_empty());
        assert!(memory.streams.read().unwrap().is_empty());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn of_many_at_once_one_appends() {
        let memory = Arc::new(Memory::default());
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..32 {
            let memory = Arc::clone(&memory);
            tasks.spawn(async move { memory.append(&stream(), 0, vec![number]).await.unwrap() });
        }
        let done = tasks.join_all().await.into_iter().filter(|appended| *appended == Appended::Done);
        assert_eq!(done.count(), 1);
    }
}
