//! What ends by itself, signature keys above all: set to end soon at the beginning of a walk of its own, looked at when it
//! has.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use kpd_directory::{
    Policy,
    policy::{Limits, Selection},
};
use kpd_server::Mutant;
use reqwest::Method;
use serde_json::{Value, json};

use super::Tour;
use crate::support::{Answer, Call, Key, Person};

/// Pam's phone, whose key has no end, her tablet, whose key ends soon, and her watch, whose key ends much later.
pub(super) struct Pam {
    phone: Person,
    tablet: Person,
    watch: Person,
    since: u64,
    /// When the tablet's key was added, as the server tells it.
    added_at: u64,
}

/// Long enough for all that comes before it, also where many walk at once.
const SOON: u64 = 8;

/// `None` if it was too slow.
pub(super) async fn walk_expiring(mutant: Option<Mutant>) -> Option<Vec<String>> {
    let policy = Policy { selection: Selection::Fifo, limits: Limits::NONE, ..Policy::default() };
    let mut tour = Tour::on(policy, mutant).await;
    let (ending, ended) = tour.will_end().await;
    let mut in_time = tour.is_within(5);
    let expiring = tour.will_expire().await;
    in_time &= tour.is_within(SOON);
    tour.has_ended(&ending, ended).await;
    tour.has_expired(&expiring).await;
    crate::document::says_all_of(&tour.site).await;
    tour.site.stop().await;
    in_time.then_some(tour.lines)
}

impl Tour {
    pub(super) async fn will_expire(&mut self) -> Pam {
        let phone = self.owner("acct:pam@example.org", 60).await;
        let tablet = Person::new(phone.user, "tablet", Key::ed25519(61));
        let watch = Person::new(phone.user, "watch", Key::ed25519(62));
        let since = self.site.now();
        for (person, lasting) in [(&tablet, SOON), (&watch, 1_000)] {
            let mut addition = person.addition();
            addition["expires_at"] = (since + lasting).into();
            let answer = self.site.post(person.keys(), &addition).by(&phone).send().await;
            self.tell_status("add a key with an end", &answer);
        }
        let package = self.regular(&tablet, "signed-by-expiring");
        self.publish(&tablet, &[&package]).await;
        let mut pam = Pam { phone, tablet, watch, since, added_at: 0 };
        for (what, person, lasting) in [
            ("move an end forward", &pam.watch, 3_000),
            ("move it back", &pam.watch, 2_000),
            ("give an end to a key without one", &pam.phone, 2_000),
        ] {
            let answer = self.extend(&pam, person, lasting).await;
            self.tell_status(what, &answer);
        }
        let keys = self.site.get(pam.phone.keys()).send().await.is(200);
        let keys = keys["keys"].as_array().unwrap();
        let of_tablet = keys.iter().find(|key| key["client"] == "tablet");
        pam.added_at = of_tablet.map_or(since, |key| key["added_at"].as_u64().unwrap());
        let mut ends: Vec<_> = keys.iter().map(|key| key["expires_at"].as_u64().map(|end| end - since)).collect();
        ends.sort_unstable();
        self.tell("ends of the keys", json!(ends));
        pam
    }

    /// Some time after [`will_expire`](Self::will_expire).
    pub(super) async fn has_expired(&mut self, pam: &Pam) {
        let Pam { phone, tablet, watch, since, added_at } = pam;
        while self.site.now() <= since + SOON {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.tell_claim("claim when a key has expired", phone, json!({})).await;
        let listed = self.site.get(phone.keys()).send().await;
        self.tell("keys that are left", clients(&listed, |key| key["client"].clone()));
        let answer = self.extend(pam, tablet, 9_000).await;
        self.tell_status("extend the expired key", &answer);
        self.tell_claim("claim after that", phone, json!({})).await;
        let removal = Call::new(&self.site, Method::DELETE, format!("{}/{}", phone.keys(), watch.key.id()));
        removal.by(phone).send().await.is(204);
        let history = self.site.get(format!("{}?history=true", phone.keys())).send().await;
        self.tell(
            "all keys",
            clients(&history, |key| json!(format!("{} {}", key["client"], key["ended"]).replace('"', ""))),
        );
        let stranger = Person::new(phone.user, "stranger", Key::ed25519(63));
        for (what, person, at) in [
            ("the phone's key now", phone, None),
            ("the tablet's key now", tablet, None),
            ("the watch's key now", watch, None),
            ("a stranger's key now", &stranger, None),
            ("the tablet's key when it was new", tablet, Some(*added_at)),
            ("the tablet's key before that", tablet, Some(since - 1_000)),
        ] {
            let key = BASE64URL_NOPAD.encode(&person.key.public);
            let at = at.map_or(String::new(), |at| format!("&at={at}"));
            let path = format!("/v1/users/{}/verify?signature_key={key}{at}", phone.user);
            let verified = self.site.get(path).send().await;
            self.tell(what, verified.body["standing"].clone());
        }
    }

    async fn extend(&self, pam: &Pam, person: &Person, lasting: u64) -> Answer {
        let path = format!("{}/{}", person.keys(), person.key.id());
        let call = Call::new(&self.site, Method::PATCH, path).json(&json!({ "expires_at": pam.since + lasting }));
        call.by(&pam.phone).send().await
    }
}

fn clients(keys: &Answer, told: impl Fn(&Value) -> Value) -> Value {
    let mut told: Vec<_> = keys.body["keys"].as_array().into_iter().flatten().map(told).collect();
    told.sort_by_key(ToString::to_string);
    json!(told)
}
