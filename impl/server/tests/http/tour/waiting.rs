//! An owner that waits to be told, and one that is drained.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::Tour;

/// For so long it waits, and so long before the end it is told. Seconds.
const WAIT: u64 = 3;

impl Tour {
    pub(super) async fn waiting(&mut self) {
        let uma = self.owner("acct:uma@example.org", 90).await;
        let packages: Vec<_> = (0..9).map(|number| self.regular(&uma, &format!("uma-{number}"))).collect();
        self.publish(&uma, &packages.iter().map(Vec::as_slice).collect::<Vec<_>>()).await;
        let (begun, body) = (Instant::now(), json!({}));
        let waits = self.site.get(uma.own(&format!("notifications?wait={WAIT}"))).by(&uma).send();
        let claims = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            self.claim(&uma, &body).send().await
        };
        let (told, _) = tokio::join!(waits, claims);
        let soon = begun.elapsed() < Duration::from_secs(WAIT);
        self.tell_stock("stock when it was woken", &uma).await;
        self.tell("told to who waits", told.body["notifications"].as_array().map_or(0, Vec::len));
        self.tell("and that soon", soon);
        for _ in 0..6 {
            self.claim(&uma, &body).send().await;
        }
        let notes = self.notes(&uma).await;
        let drains = notes.iter().filter(|note| note["drain"] != Value::Null);
        let drains = drains.map(|note| format!("{} of {}", note["drain"]["taken"], note["drain"]["of"]));
        self.tell("drains", json!(drains.collect::<Vec<_>>()));
    }
}
