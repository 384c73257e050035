//! One story from beginning to end: over HTTP/1.1, over HTTP/2 without TLS, and with P-256.

use data_encoding::BASE64;
use kpd_server::{Config, store::Stores};
use serde_json::{Value, json};

use crate::support::{
    Key, Person, Site,
    package::{batch, reference},
    site::OPERATOR,
};

#[tokio::test]
async fn over_http_1() {
    let site = Site::start().await;
    tell(&site, Key::ed25519(1), 1).await;
    site.stop().await;
}

#[tokio::test]
async fn over_http_2_with_prior_knowledge() {
    let site = Site::over(Stores::in_memory(), Config::new(OPERATOR), true).await;
    tell(&site, Key::ed25519(1), 1).await;
    site.stop().await;
}

#[tokio::test]
async fn with_p256() {
    let site = Site::start().await;
    tell(&site, Key::p256(), 2).await;
    site.stop().await;
}

pub(crate) async fn tell(site: &Site, key: Key, suite: u16) {
    let bob = Person::new("acct:bob@example.org", "bob-phone", key);
    let tablet = Person::new("acct:bob@example.org", "bob-tablet", Key::ed25519(2));
    let alice = Person::new("acct:alice@example.org", "alice-laptop", Key::ed25519(3));
    site.enrol(&bob).await;
    site.add(&tablet, &bob).await;
    site.enrol(&alice).await;

    let listed = site.get(bob.keys()).send().await;
    assert_eq!(listed.header("cache-control"), "public, max-age=60");
    let tag = listed.header("etag").to_owned();
    assert_eq!(listed.is(200)["keys"].as_array().map(Vec::len), Some(2));
    site.get(bob.keys()).header("if-none-match", &tag).send().await.is(304);

    let (a, z) = (bob.package("a", site.now()).bytes(), bob.package("z", site.now()).last_resort().bytes());
    let published = site.post(bob.own("key-packages"), &batch(&[&a, &z])).by(&bob).send().await.is(201);
    let items = [(&a, true), (&z, true)].map(|(bytes, new)| json!({ "reference": reference(bytes), "new": new }));
    assert_eq!(published, json!({ "accepted": 2, "key_packages": items }));
    let again = site.post(bob.own("key-packages"), &batch(&[&a])).by(&bob).send().await.is(201);
    assert_eq!(again["key_packages"][0]["new"], false);
    assert_eq!(stock(site, &bob).await, json!([suite_stock(suite, 1, &z, false)]));

    let first = claim(site, &bob, &alice, "first").await;
    let regular = json!({ "client": "bob-phone", "status": "regular", "reference": reference(&a), "key_package": BASE64.encode(&a) });
    let exhausted = json!({ "client": "bob-tablet", "status": "exhausted" });
    assert_eq!(first, json!({ "clients": [regular, exhausted] }));
    assert_eq!(claim(site, &bob, &alice, "first").await, first, "the same key, the same answer");
    let second = claim(site, &bob, &alice, "second").await;
    assert_eq!(
        (&second["clients"][0]["status"], &second["clients"][0]["reference"]),
        (&json!("last_resort"), &json!(reference(&z)))
    );
    let own = site.post(bob.claims(), &json!({})).by(&bob).send().await.is(200);
    assert_eq!(own["clients"], json!([exhausted]), "a client does not claim from itself");
    assert_eq!(stock(site, &bob).await, json!([suite_stock(suite, 0, &z, true)]));

    let notes = notifications(site, &bob, 0).await;
    let requester = json!({ "user": "acct:alice@example.org", "client": "alice-laptop", "vouched_by": null });
    let told: Vec<_> =
        notes.iter().map(|note| (note["sequence"].as_u64(), &note["role"], &note["remaining"])).collect();
    assert_eq!(told, [(Some(1), &json!("regular"), &json!(0)), (Some(2), &json!("last_resort"), &json!(0))]);
    assert!(notes.iter().all(|note| note["requester"] == requester && note["first_use"] == true));
    assert_eq!(notifications(site, &bob, 1).await.len(), 1);
    let acknowledge = json!({ "through": 1 });
    site.post(bob.own("notifications/acknowledgements"), &acknowledge).by(&bob).send().await.is(204);
    site.post(bob.own("notifications/acknowledgements"), &acknowledge).by(&bob).send().await.is(204);
    assert_eq!(notifications(site, &bob, 0).await.len(), 1);

    let b = bob.package("b", site.now()).bytes();
    site.post(bob.own("key-packages"), &batch(&[&b])).by(&bob).send().await.is(201);
    let unknown = reference(b"something else");
    let wanted = json!({ "references": [reference(&a), reference(&b), unknown] });
    let withdrawn = site.post(bob.own("key-packages/withdrawals"), &wanted).by(&bob).send().await.is(200);
    let state = |reference: &str| {
        let items = withdrawn["key_packages"].as_array().unwrap();
        items.iter().find(|item| item["reference"] == reference).unwrap()["state"].clone()
    };
    let states = [state(&reference(&a)), state(&reference(&b)), state(&unknown)];
    assert_eq!(states, ["already_granted", "withdrawn", "unknown"]);

    let removal = format!("{}/{}", bob.keys(), bob.key.id());
    let remove = crate::support::Call::new(site, reqwest::Method::DELETE, removal);
    remove.by(&tablet).send().await.is(204);
    let after = site.post(bob.claims(), &json!({})).by(&alice).send().await.is(200);
    assert_eq!(after["clients"], json!([exhausted]), "what the removed key signed is gone, the last resort too");
    crate::document::says_all_of(site).await;
}

async fn claim(site: &Site, from: &Person, by: &Person, key: &str) -> Value {
    let answer = site.post(from.claims(), &json!({})).header("idempotency-key", key).by(by).send().await;
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.is(200)
}

async fn stock(site: &Site, of: &Person) -> Value {
    site.get(of.own("stock")).by(of).send().await.is(200)["suites"].clone()
}

fn suite_stock(suite: u16, regular: usize, last_resort: &[u8], used: bool) -> Value {
    let last_resort = json!({ "reference": reference(last_resort), "used": used });
    json!({ "cipher_suite": suite, "regular": regular, "low": true, "last_resort": last_resort })
}

async fn notifications(site: &Site, of: &Person, after: u64) -> Vec<Value> {
    let body = site.get(of.own(&format!("notifications?after={after}"))).by(of).send().await.is(200);
    body["notifications"].as_array().unwrap().clone()
}
