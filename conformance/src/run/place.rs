//! A place among the vectors that are run at a time. Whoever only waits gives it to others meanwhile.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

/// The place of one vector.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Semaphore>,
    held: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Place {
    /// Takes one as soon as one is free.
    pub(super) async fn take(places: Arc<Semaphore>) -> Self {
        let held = Mutex::new(Arc::clone(&places).acquire_owned().await.ok());
        Self { places, held }
    }

    /// Waits without a place, and takes one again.
    pub(super) async fn left_for(&self, wait: impl Future<Output = ()>) {
        drop(self.held.lock().await.take());
        wait.await;
        *self.held.lock().await = Arc::clone(&self.places).acquire_owned().await.ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_place_is_free_while_its_holder_waits_and_taken_afterwards() {
        let places = Arc::new(Semaphore::new(1));
        let place = Place::take(Arc::clone(&places)).await;
        assert_eq!(places.available_permits(), 0);
        place.left_for(async { assert_eq!(places.available_permits(), 1) }).await;
        assert_eq!(places.available_permits(), 0);
        drop(place);
        assert_eq!(places.available_permits(), 1);
    }
}
