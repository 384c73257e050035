//! A place among the vectors that are run at a time. Whoever only waits gives it to others meanwhile.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

/// The places of a run: some for vectors that begin, and as many for those that come back from waiting. With one queue
/// for both, whoever has waited for a moment would wait for everybody who has not begun.
#[derive(Clone, Debug)]
pub(super) struct Places {
    beginning: Arc<Semaphore>,
    returning: Arc<Semaphore>,
}

/// The place of one vector.
#[derive(Debug)]
pub(super) struct Place {
    returning: Arc<Semaphore>,
    held: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Places {
    /// So many.
    pub(super) fn new(jobs: usize) -> Self {
        let places = || Arc::new(Semaphore::new(jobs.max(1)));
        Self { beginning: places(), returning: places() }
    }

    /// Takes one as soon as one is free.
    pub(super) async fn take(self) -> Place {
        Place { returning: self.returning, held: Mutex::new(self.beginning.acquire_owned().await.ok()) }
    }
}

impl Place {
    /// Waits without a place, and takes one again.
    pub(super) async fn left_for(&self, wait: impl Future<Output = ()>) {
        drop(self.held.lock().await.take());
        wait.await;
        *self.held.lock().await = Arc::clone(&self.returning).acquire_owned().await.ok();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn whoever_waits_makes_room_and_comes_back_before_those_who_have_not_begun() {
        let places = Places::new(1);
        let waiting = places.clone().take().await;
        let (begun, is_begun) = tokio::sync::oneshot::channel();
        let other = tokio::spawn({
            let places = places.clone();
            async move {
                let _held = places.take().await;
                let _ = begun.send(());
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
        });
        // The other one has the place that is left, and keeps it.
        waiting.left_for(async { is_begun.await.unwrap() }).await;
        assert!(!other.is_finished());
        assert_eq!((places.beginning.available_permits(), places.returning.available_permits()), (0, 0));
        drop(waiting);
        assert_eq!(places.returning.available_permits(), 1);
        other.abort();
    }
}
