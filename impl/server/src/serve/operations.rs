//! What handlers know of the process that they run in.

use std::{sync::Arc, time::Duration};

use kpd_directory::SignatureKeyId;
use tokio::sync::watch;

use crate::{
    config::HttpLimits,
    metrics::Metrics,
    store::{Stores, Stream},
};

/// What handlers know of the process that they run in.
#[derive(Debug)]
pub(crate) struct Operations {
    pub(crate) http: HttpLimits,
    pub(crate) metrics: Arc<Metrics>,
    /// Whether `/metrics` is among the routes.
    pub(crate) shows_metrics: bool,
    pub(crate) stores: Stores,
    /// Becomes true when the server is going to stop: answers without an end should come to theirs.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Operations {
    /// Why nobody should send requests here, if so.
    pub(crate) async fn unready(&self) -> Option<&'static str> {
        if *self.stopping.borrow() {
            return Some("the server is going to stop");
        }
        // A name that can be nobody's, so that nothing is copied.
        let Ok(nobody) = SignatureKeyId::parse(&"A".repeat(43)) else { return None };
        let stream = Stream::of_key(&nobody);
        match tokio::time::timeout(PATIENCE, self.stores.keys.load(&stream, 0)).await {
            Ok(Ok(_)) => None,
            Ok(Err(_)) => Some("the store fails"),
            Err(_) => Some("the store does not answer"),
        }
    }
}

/// A store that takes longer is of no use.
const PATIENCE: Duration = Duration::from_secs(2);
