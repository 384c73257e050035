//! Signature keys.

use reqwest::Method;
use serde_json::json;

use super::Tour;
use crate::support::{Call, Key, Person};

impl Tour {
    pub(super) async fn keys(&mut self) {
        let jan = self.owner("acct:jan@example.org", 40).await;
        let tablet = Person::new(jan.user, "tablet", Key::ed25519(41));
        let answer = self.site.post(jan.keys(), &tablet.addition_proven_by(&jan.key)).by(&jan).send().await;
        self.tell_status("add a key without proof", &answer);
        let mut with_token = Person::new(jan.user, "watch", Key::ed25519(42)).addition();
        with_token["enrolment_token"] = "wrong".into();
        let answer = self.site.post(jan.keys(), &with_token).send().await;
        self.tell_status("add a key with a wrong token", &answer);
        let eves = Person::new(jan.user, "eves", Key::ed25519(2));
        let answer = self.site.post(jan.keys(), &eves.addition()).by(&jan).send().await;
        self.tell_status("add somebody else's key", &answer);
        let own = Person::new(jan.user, "desktop", Key::ed25519(40));
        let answer = self.site.post(jan.keys(), &own.addition()).by(&jan).send().await;
        self.tell_status("add the phone's key for another client", &answer);

        for user in [jan.user, "acct:nobody@example.org"] {
            let found = self.site.get(format!("/.well-known/webfinger?resource={user}")).send().await;
            let links = found.body["links"].as_array().into_iter().flatten().map(|link| link["href"].clone());
            let leads: Vec<_> = links.map(|href| href.to_string().replace(&self.site.authority(), "site")).collect();
            self.tell(&format!("look {user} up"), format!("{} {}", found.status, leads.join(" ")));
        }

        let kim = self.owner("acct:kim@example.org", 43).await;
        let helper = Person::new(kim.user, "helper", Key::ed25519(44));
        self.site.add(&helper, &kim).await;
        let package = self.regular(&kim, "signed-by-removed");
        self.publish(&kim, &[&package]).await;
        let removal = Call::new(&self.site, Method::DELETE, format!("{}/{}", kim.keys(), kim.key.id()));
        let answer = removal.by(&helper).send().await;
        self.tell_status("remove a key", &answer);
        let listed = self.site.get(kim.keys()).send().await;
        let clients = listed.body["keys"].as_array().into_iter().flatten().map(|key| key["client"].clone());
        let mut clients: Vec<_> = clients.map(|client| client.to_string()).collect();
        clients.sort();
        self.tell("keys on the list", json!(clients).to_string().replace(['"', '\\'], ""));
        self.tell_claim("claim what it signed", &kim, json!({})).await;
    }
}
