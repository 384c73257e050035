//! Replacing, comparing, forgetting, removing.

use reqwest::Method;
use serde_json::{Value, json};

use super::Tour;
use crate::support::{Call, Key, Person, Recipe, package::batch};

impl Tour {
    async fn replace(&mut self, what: &str, owner: &Person, packages: &[&[u8]]) {
        let call = Call::new(&self.site, Method::PUT, owner.own("key-packages")).json(&batch(packages));
        let answer = call.by(owner).send().await;
        self.tell_status(what, &answer);
        self.tell("accepted and withdrawn", json!([answer.body["accepted"], answer.body["withdrawn"]]));
    }

    async fn inventory(&self, of: &Person) -> Value {
        self.site.get(of.own("key-packages")).by(of).send().await.is(200)
    }

    pub(super) async fn replacing(&mut self) {
        let quy = self.owner("acct:quy@example.org", 70).await;
        let [a, b, c] = ["quy-a", "quy-b", "quy-c"].map(|seed| self.regular(&quy, seed));
        let z = self.last_resort(&quy, "quy-z");
        self.publish(&quy, &[&a, &b, &z]).await;
        let spoilt = Recipe { spoilt: true, ..quy.package("quy-spoilt", self.site.now()) }.bytes();
        self.replace("replace by what is faulty", &quy, &[&c, &spoilt]).await;
        self.tell_stock("stock after that", &quy).await;
        self.replace("replace", &quy, &[&c, &a]).await;
        self.tell_stock("stock after the replacement", &quy).await;
    }

    pub(super) async fn comparing(&mut self) {
        let rex = self.owner("acct:rex@example.org", 71).await;
        let packages: Vec<_> = (0..4).map(|number| self.regular(&rex, &format!("rex-{number}"))).collect();
        self.publish(&rex, &packages.iter().map(Vec::as_slice).collect::<Vec<_>>()).await;
        let before = self.inventory(&rex).await;
        self.tell_claim("claim", &rex, json!({})).await;
        let after = self.inventory(&rex).await;
        let told = after["key_packages"].as_array().into_iter().flatten();
        let told = told.map(|kept| (kept["reference"].as_str().unwrap_or_default(), kept["state"].clone()));
        let mut told: Vec<_> = told.map(|(reference, state)| format!("{} {state}", self.names[reference])).collect();
        told.sort();
        self.tell("what there is", json!(told).to_string().replace(['"', '\\'], ""));
        self.tell("the digest has changed", before["digest"] != after["digest"]);
    }

    pub(super) async fn half_lives(&mut self) {
        let sam = self.owner("acct:sam@example.org", 72).await;
        let now = self.site.now();
        let old = |seed| Recipe { not_before: now - 3_000, not_after: now + 1_000, ..sam.package(seed, now) };
        let packages = ["sam-0", "sam-1"].map(|seed| self.make(&old(seed)));
        self.publish(&sam, &packages.each_ref().map(Vec::as_slice)).await;
        self.tell_claim("claim what is past its half", &sam, json!({})).await;
        let answer = self.publish(&sam, &[&packages[0]]).await;
        self.tell_status("publish it again", &answer);
        self.tell_claim("claim again", &sam, json!({})).await;
    }

    pub(super) async fn removing(&mut self) {
        let tom = self.owner("acct:tom@example.org", 73).await;
        let tablet = Person::new(tom.user, "tablet", Key::ed25519(74));
        self.site.add(&tablet, &tom).await;
        let packages = ["tom-0", "tom-1"].map(|seed| self.regular(&tablet, seed));
        self.publish(&tablet, &packages.each_ref().map(Vec::as_slice)).await;
        self.tell_claim("claim", &tom, json!({})).await;
        let path = format!("/v1/users/{}/clients/{}", tom.user, tablet.client);
        let answer = Call::new(&self.site, Method::DELETE, path).by(&tom).send().await;
        self.tell("remove the tablet", answer.body);
        self.tell_claim("claim after that", &tom, json!({})).await;
        let newer = Person::new(tom.user, "tablet", Key::ed25519(75));
        self.site.add(&newer, &tom).await;
        self.tell_notes("notes of the new tablet", &newer).await;
        let mut states = self.inventory(&newer).await["key_packages"].clone();
        let states = states.as_array_mut().into_iter().flatten().map(|kept| kept["state"].take());
        let mut states: Vec<_> = states.map(|state| state.to_string()).collect();
        states.sort();
        self.tell("what the old one had", json!(states).to_string().replace(['"', '\\'], ""));
    }
}
