//! Last resorts.

use serde_json::json;

use super::Tour;

impl Tour {
    pub(super) async fn last_resorts(&mut self) {
        let carol = self.owner("acct:carol@example.org", 30).await;
        let (only, last) = (self.regular(&carol, "only"), self.last_resort(&carol, "last"));
        self.publish(&carol, &[&only, &last]).await;
        let refuse = || json!({ "last_resort": "refuse" });
        self.tell_claim("claim while there is a regular one", &carol, json!({})).await;
        self.tell_stock("stock before the last resort is used", &carol).await;
        self.tell_claim("claim without accepting a last resort", &carol, refuse()).await;
        self.tell_claim("claim", &carol, json!({})).await;
        self.tell_claim("claim again", &carol, json!({})).await;
        self.tell_stock("stock after its use", &carol).await;
        self.tell_notes("notes", &carol).await;
        let answer = self.publish(&carol, &[&last]).await;
        self.tell_status("publish the same last resort", &answer);
        self.tell_stock("stock after that", &carol).await;
        let newer = self.last_resort(&carol, "newer");
        let answer = self.publish(&carol, &[&newer]).await;
        self.tell_status("publish a newer one", &answer);
        self.tell_claim("claim", &carol, json!({})).await;
        let two = ["two", "at-once"].map(|seed| self.last_resort(&carol, seed));
        let answer = self.publish(&carol, &two.each_ref().map(Vec::as_slice)).await;
        self.tell_status("publish two last resorts at once", &answer);
        let answer = self.publish(&carol, &[&only]).await;
        self.tell_status("publish what is granted", &answer);
        self.tell_claim("claim", &carol, refuse()).await;
    }
}
