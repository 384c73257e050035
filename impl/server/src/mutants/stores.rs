//! Stores that give others time to come in between, with and without looking whether they did.

use std::{sync::Arc, time::Duration};

use kpd_directory::Event;

use crate::store::{Answer, Appended, Store, Stores, Stream, Version};

pub(super) fn slow(stores: Stores) -> Stores {
    Stores { users: Arc::new(Slow(stores.users)), ..stores }
}

pub(super) fn careless(stores: Stores) -> Stores {
    Stores { users: Arc::new(Slow(Arc::new(Careless(stores.users)))), ..stores }
}

/// Long enough for others that are on their way already.
const PAUSE: Duration = Duration::from_millis(1);

struct Slow(Arc<dyn Store<Event>>);

struct Careless(Arc<dyn Store<Event>>);

impl Store<Event> for Slow {
    fn load<'a>(&'a self, stream: &'a Stream, since: Version) -> Answer<'a, Vec<Event>> {
        self.0.load(stream, since)
    }

    fn append<'a>(&'a self, stream: &'a Stream, version: Version, events: Vec<Event>) -> Answer<'a, Appended> {
        Box::pin(async move {
            tokio::time::sleep(PAUSE).await;
            self.0.append(stream, version, events).await
        })
    }
}

impl Store<Event> for Careless {
    fn load<'a>(&'a self, stream: &'a Stream, since: Version) -> Answer<'a, Vec<Event>> {
        self.0.load(stream, since)
    }

    fn append<'a>(&'a self, stream: &'a Stream, _: Version, events: Vec<Event>) -> Answer<'a, Appended> {
        Box::pin(async move {
            loop {
                let version = self.0.load(stream, 0).await?.len();
                if self.0.append(stream, version, events.clone()).await? == Appended::Done {
                    return Ok(Appended::Done);
                }
            }
        })
    }
}
