//! A server that ends, and another one over what it has left; then one more, which is told that this is a backup.

use kpd_directory::{
    Policy,
    policy::{Limit, Limits, Selection},
};
use kpd_server::{Config, Mutant, store::Stores};
use reqwest::Method;
use serde_json::json;

use super::Tour;
use crate::support::{Call, Key, Person, Site, package::reference, site::OPERATOR};

pub(super) async fn walk_restarted(mutant: Option<Mutant>) -> Vec<String> {
    let limits = Limits {
        requester: Some(Limit { claims: 4, seconds: 3_600 }),
        pair: Some(Limit { claims: 3, seconds: 3_600 }),
        server: None,
    };
    let policy = Policy { selection: Selection::Fifo, limits, ..Policy::default() };
    let stores = Stores::in_memory();
    let mut tour = Tour::over(stores.clone(), policy.clone(), mutant).await;
    let config = Config { policy, mutant, ..Config::new(OPERATOR) };
    let roy = tour.owner("acct:roy@example.org", 60).await;
    let removed = Person::new(roy.user, "watch", Key::ed25519(61));
    tour.site.add(&removed, &roy).await;
    let packages: Vec<_> = (0..6).map(|number| tour.regular(&roy, &format!("roy-{number}"))).collect();
    tour.publish(&roy, &packages.iter().map(Vec::as_slice).collect::<Vec<_>>()).await;
    let last_resort = tour.last_resort(&roy, "roy-z");
    tour.publish(&roy, &[&last_resort]).await;
    let withdrawn = tour.regular(&roy, "roy-withdrawn");
    tour.publish(&roy, &[&withdrawn]).await;
    let withdrawal = json!({ "references": [reference(&withdrawn)] });
    tour.site.post(roy.own("key-packages/withdrawals"), &withdrawal).by(&roy).send().await.is(200);
    let watch = tour.regular(&removed, "roy-watch");
    tour.publish(&removed, &[&watch]).await;
    let removal = format!("{}/{}", roy.keys(), removed.key.id());
    Call::new(&tour.site, Method::DELETE, removal).by(&roy).send().await.is(204);
    let block = json!({ "requester": tour.eve.user });
    tour.site.post(format!("/v1/users/{}/blocks", roy.user), &block).by(&roy).send().await.is(204);
    let first = tour.claim(&roy, &json!({})).header("idempotency-key", "k").send().await;
    tour.tell_claimed("claim before a restart", &first);
    tour.tell_claim("another one", &roy, json!({})).await;

    tour.site.stop().await;
    tour.site = Site::over(stores.clone(), config.clone(), false).await;
    tour.tell_stock("stock after a restart", &roy).await;
    tour.tell_notes("notifications after a restart", &roy).await;
    let keys = tour.site.get(roy.keys()).send().await.is(200);
    tour.tell("keys after a restart", keys["keys"].as_array().map_or(0, Vec::len));
    let again = tour.claim(&roy, &json!({})).header("idempotency-key", "k").send().await;
    tour.tell("the claim again has the same answer", again.body == first.body);
    let blocked = tour.site.post(roy.claims(), &json!({})).by(&tour.eve).send().await;
    tour.tell_status("who is blocked claims after a restart", &blocked);
    tour.tell_claim("a third claim", &roy, json!({})).await;
    let fourth = tour.claim(&roy, &json!({})).send().await;
    tour.tell_status("a fourth claim", &fourth);
    let elsewhere = tour.site.post("/v1/users/acct:nobody@example.org/claims", &json!({})).by(&tour.alice).send().await;
    tour.tell_status("a fifth claim, of somebody else", &elsewhere);

    tour.site.stop().await;
    let limits = Limits::NONE;
    let unlimited = Config { policy: Policy { limits, ..config.policy.clone() }, fence: true, ..config };
    tour.site = Site::over(stores, unlimited, false).await;
    let fenced = tour.claim(&roy, &json!({})).send().await;
    // Which one it is that a server ought not to grant, is its own affair.
    tour.tell("claim after a fence", fenced.body["clients"][0]["status"].clone());
    crate::document::says_all_of(&tour.site).await;
    tour.site.stop().await;
    tour.lines
}
