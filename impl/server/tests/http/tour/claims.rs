//! Claiming regular KeyPackages, one after the other and at once.

use std::collections::BTreeSet;

use data_encoding::BASE64;
use serde_json::json;

use super::Tour;
use crate::support::{Answer, Key, Person, Recipe, Signing, call::digest, package::reference};

impl Tour {
    pub(super) async fn claiming(&mut self) {
        let bob = self.owner("acct:bob@example.org", 20).await;
        let tablet = Person::new(bob.user, "tablet", Key::ed25519(21));
        self.site.add(&tablet, &bob).await;
        let packages: Vec<_> = (0..8).map(|number| self.regular(&bob, &format!("phone-{number}"))).collect();
        for package in &packages {
            self.publish(&bob, &[package]).await;
        }
        let for_tablet = ["tablet-0", "tablet-1", "tablet-2"].map(|seed| self.regular(&tablet, seed));
        self.publish(&tablet, &for_tablet.each_ref().map(Vec::as_slice)).await;

        let keyed = |key| self.claim(&bob, &json!({})).header("idempotency-key", key).send();
        let (first, again) = (keyed("key").await, keyed("key").await);
        let by_eve =
            self.site.post(bob.claims(), &json!({})).by(&self.eve).header("idempotency-key", "key").send().await;
        self.tell_claimed("claim", &first);
        self.tell("its cache-control", first.header("cache-control"));
        let headers: BTreeSet<_> = first.headers.keys().map(ToString::to_string).collect();
        self.tell("its headers", json!(headers));
        self.tell(
            "its bytes are those published",
            first.body["clients"][0]["key_package"] == BASE64.encode(&packages[0]),
        );
        self.tell_claimed("the same claim again", &again);
        self.tell_claimed("somebody else's under the same key", &by_eve);
        self.tell_claim("a suite of which there is none", &bob, json!({ "cipher_suites": [2] })).await;
        let required = json!({ "required_capabilities": { "extensions": [0xff01] } });
        self.tell_claim("a capability that nobody has", &bob, required).await;
        let own = self.site.post(bob.claims(), &json!({})).by(&tablet).send().await;
        self.tell_claimed("the tablet claims", &own);
        self.tell_stock("stock of the phone", &bob).await;
        self.tell_stock("and once more", &bob).await;
        self.tell_stock("stock of the tablet", &tablet).await;
        self.tell_notes("notes of the phone", &bob).await;
        self.tell_notes("and once more", &bob).await;
        let wanted = json!({ "references": [reference(&packages[0])] });
        let withdraw = self.site.post(bob.own("key-packages/withdrawals"), &wanted).by(&bob).send().await;
        self.tell("withdraw what is granted", withdraw.body["key_packages"].clone());
        let acknowledge = self.site.post(bob.own("notifications/acknowledgements"), &json!({ "through": 1 }));
        let answer = acknowledge.by(&bob).send().await;
        self.tell_status("acknowledge the first", &answer);
        self.tell_notes("notes after that", &bob).await;
        for rest in ["stock", "notifications"] {
            let answer = self.site.get(bob.own(rest)).by(&self.eve).send().await;
            self.tell_status(&format!("{rest}, asked by somebody else"), &answer);
        }
    }

    /// Who asks.
    pub(super) async fn asking(&mut self) {
        let gus = self.owner("acct:gus@example.org", 22).await;
        let body = json!({});
        let claim = || self.claim(&gus, &body);
        let mut other_body = claim().signed();
        other_body.body = b"{ }".to_vec();
        let stale = Signing { created_offset: -3_600, ..Signing::default() };
        let once = || Signing { nonce: Some("once".into()), ..Signing::default() };
        let turned = |value: &str| value.replacen(['A', 'B', 'C', 'D', 'E', 'F'], "z", 1);
        let answers: [(&str, Answer); 6] = [
            ("unsigned", self.site.post(gus.claims(), &body).send().await),
            ("with a wrong signature", claim().signed().forge("signature", turned).send().await),
            ("with another body", other_body.send().await),
            ("stale", claim().signing(stale).send().await),
            ("once", claim().signing(once()).send().await),
            ("replayed", claim().signing(once()).send().await),
        ];
        assert_ne!(digest(b"{ }"), digest(b"{}"));
        for (what, answer) in &answers {
            self.tell_status(what, answer);
        }
    }

    /// As many claims as there are packages, and then as many again for the last resort.
    pub(super) async fn at_once(&mut self) {
        let hal = self.owner("acct:hal@example.org", 23).await;
        let packages: Vec<_> = (0..8).map(|number| self.regular(&hal, &format!("race-{number}"))).collect();
        let last_resort = self.last_resort(&hal, "race-last");
        let all: Vec<_> = packages.iter().chain([&last_resort]).map(Vec::as_slice).collect();
        self.publish(&hal, &all).await;
        let regular = self.eight_at_once(&hal).await;
        self.tell("eight claims at once on eight packages", regular);
        let rest = self.eight_at_once(&hal).await;
        self.tell("eight more at once, with the last resort alone", rest);
    }

    async fn eight_at_once(&self, of: &Person) -> &'static str {
        let body = json!({});
        let claim = || self.claim(of, &body).send();
        let (a, b, c, d, e, f, g, h) =
            tokio::join!(claim(), claim(), claim(), claim(), claim(), claim(), claim(), claim());
        let given: Vec<_> = [a, b, c, d, e, f, g, h].map(|answer| answer.body["clients"][0].clone()).into();
        let count = |status: &str| given.iter().filter(|given| given["status"] == status).count();
        let distinct = given.iter().map(|given| given["reference"].to_string()).collect::<BTreeSet<_>>().len();
        match (count("regular"), distinct, count("last_resort")) {
            (8, 8, 0) => "all regular, and each once",
            (8, _, 0) => "all regular, but not each once",
            (_, _, 8) => "all the last resort",
            (_, _, 0) => "some get nothing",
            (0, _, _) => "only some the last resort",
            _ => "some regular and some the last resort",
        }
    }

    /// Packages that end soon, and one that begins late: published now, looked at when they have ended, which is at the
    /// time that is returned.
    pub(super) async fn will_end(&mut self) -> (Person, u64) {
        let ida = self.owner("acct:ida@example.org", 24).await;
        let now = self.site.now();
        let ending = Recipe { not_after: now + 5, ..ida.package("ending", now) };
        let beginning = Recipe { not_before: now + 250, ..ida.package("beginning", now) };
        let last = Recipe { not_after: now + 5, ..ida.package("ending-last", now).last_resort() };
        let packages = [ending, beginning, last].map(|recipe| self.make(&recipe));
        let answer = self.publish(&ida, &packages.each_ref().map(Vec::as_slice)).await;
        self.tell_status("publish what ends soon and what begins late", &answer);
        (ida, now + 6)
    }

    pub(super) async fn has_ended(&mut self, ida: &Person, ended: u64) {
        while self.site.now() < ended {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        self.tell_claim("claim when it has ended", ida, json!({})).await;
        self.tell_claim("and once more", ida, json!({})).await;
    }
}
