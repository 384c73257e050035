//! The answers that are no problems, word for word.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use reqwest::Method;
use serde_json::json;

use crate::{
    problems::snapshot,
    support::{
        Call, Key, Person, Site,
        package::{batch, reference},
        site::OPERATOR,
    },
};

#[tokio::test]
async fn of_policy_and_blocks() {
    let site = Site::start().await;
    let bob = Person::new("acct:bob@example.org", "bob-phone", Key::ed25519(1));
    site.enrol(&bob).await;
    snapshot("answer-policy", &site.get("/v1/policy").send().await);
    snapshot("answer-health", &site.get("/healthz").send().await);
    let path = format!("/v1/users/{}/blocks", bob.user);
    let block = |body| site.post(path.clone(), &body).by(&bob).send();
    snapshot("answer-block", &block(json!({ "requester": "acct:eve@example.org" })).await);
    block(json!({ "server": "example.net" })).await.is(204);
    snapshot("answer-blocks", &site.get(path.clone()).by(&bob).send().await);
}

/// `KEY-RESOLVE`
#[tokio::test]
async fn of_discovery() {
    let site = Site::start().await;
    let bob = Person::new("acct:bob@example.org", "bob-phone", Key::ed25519(1));
    site.enrol(&bob).await;
    let mut found = site.get(format!("/.well-known/webfinger?resource={}", bob.user)).send().await;
    for link in found.body["links"].as_array_mut().unwrap() {
        link["href"] = link["href"].as_str().unwrap().replace(&site.base(), "https://directory.example.org").into();
    }
    snapshot("answer-discovered", &found);
    snapshot("answer-readiness", &site.get("/readyz").send().await);
}

#[tokio::test]
async fn of_keys() {
    let site = Site::start().await;
    let bob = Person::new("acct:bob@example.org", "bob-phone", Key::ed25519(1));
    let tablet = Person::new(bob.user, "bob-tablet", Key::ed25519(2));
    let enrolment = site.post("/v1/users", &json!({ "user": "acct:carol@example.org" }));
    let enrolment = enrolment.header("authorization", &format!("Bearer {OPERATOR}"));
    snapshot("answer-enrolled", &enrolment.send().await);
    site.enrol(&bob).await;
    let mut addition = tablet.addition();
    addition["expires_at"] = (site.now() + 1_000).into();
    snapshot("answer-key-added", &site.post(bob.keys(), &addition).by(&bob).send().await);
    let path = format!("{}/{}", tablet.keys(), tablet.key.id());
    let extension = json!({ "expires_at": site.now() + 2_000 });
    snapshot(
        "answer-key-extended",
        &Call::new(&site, Method::PATCH, path.clone()).json(&extension).by(&bob).send().await,
    );
    snapshot("answer-keys", &site.get(bob.keys()).send().await);
    Call::new(&site, Method::DELETE, path).by(&bob).send().await.is(204);
    snapshot("answer-key-history", &site.get(format!("{}?history=true", bob.keys())).send().await);
    let verify = |key: &[u8]| {
        let query = format!("signature_key={}&at={}", BASE64URL_NOPAD.encode(key), site.now());
        site.get(format!("/v1/users/{}/verify?{query}", bob.user)).send()
    };
    snapshot("answer-verified", &verify(&bob.key.public).await);
    snapshot("answer-verified-unknown", &verify(&[1; 32]).await);
    let of_nobody = site.get("/v1/users/acct:nobody@example.org/verify?signature_key=AAAA").send().await.is(200);
    assert_eq!(of_nobody["standing"], "unknown");
}

/// `KEY-LIST`: an answer is not fresh beyond the moment at which the list changes by itself.
#[tokio::test]
async fn freshness_ends_with_the_next_key() {
    let site = Site::start().await;
    let bob = Person::new("acct:bob@example.org", "bob-phone", Key::ed25519(1));
    let tablet = Person::new(bob.user, "bob-tablet", Key::ed25519(2));
    site.enrol(&bob).await;
    let mut addition = tablet.addition();
    addition["expires_at"] = (site.now() + 30).into();
    site.post(bob.keys(), &addition).by(&bob).send().await.is(201);
    let verify = format!("/v1/users/{}/verify?signature_key={}", bob.user, BASE64URL_NOPAD.encode(&bob.key.public));
    for path in [bob.keys(), format!("{}?history=true", bob.keys()), verify] {
        let answer = site.get(path.clone()).send().await;
        let fresh =
            answer.header("cache-control").strip_prefix("public, max-age=").and_then(|it| it.parse::<u64>().ok());
        assert!(fresh.is_some_and(|seconds| (20..=31).contains(&seconds)), "{fresh:?}");
        site.get(path).header("if-none-match", answer.header("etag")).send().await.is(304);
    }
}

#[tokio::test]
async fn of_key_packages_and_clients() {
    let site = Site::start().await;
    let bob = Person::new("acct:bob@example.org", "bob-phone", Key::ed25519(1));
    let tablet = Person::new(bob.user, "bob-tablet", Key::ed25519(2));
    site.enrol(&bob).await;
    site.add(&tablet, &bob).await;
    let [a, b] = ["a", "b"].map(|seed| bob.package(seed, site.now()).bytes());
    let z = bob.package("z", site.now()).last_resort().bytes();
    snapshot("answer-published", &site.post(bob.own("key-packages"), &batch(&[&a])).by(&bob).send().await);
    let replace = Call::new(&site, Method::PUT, bob.own("key-packages")).json(&batch(&[&b, &z]));
    snapshot("answer-replaced", &replace.by(&bob).send().await);
    let mut claimed = site.post(bob.claims(), &json!({})).by(&tablet).send().await;
    // Its bytes depend on the time.
    let bytes = claimed.body["clients"][0]["key_package"].take();
    assert_eq!(bytes, BASE64.encode(&b));
    claimed.body["clients"][0]["key_package"] = "[the KeyPackage]".into();
    snapshot("answer-claimed", &claimed);
    let withdrawal = json!({ "references": [reference(&a)] });
    let withdrawal = site.post(bob.own("key-packages/withdrawals"), &withdrawal).by(&bob);
    snapshot("answer-withdrawn", &withdrawal.send().await);
    // The order of the list is that of references, which depend on the time.
    let mut inventory = site.get(bob.own("key-packages")).by(&bob).send().await;
    let key = |kept: &serde_json::Value| (kept["role"].to_string(), kept["state"].to_string());
    inventory.body["key_packages"].as_array_mut().unwrap().sort_by_key(key);
    snapshot("answer-inventory", &inventory);
    snapshot("answer-stock", &site.get(bob.own("stock")).by(&bob).send().await);
    snapshot("answer-notifications", &site.get(bob.own("notifications")).by(&bob).send().await);
    let removal = Call::new(&site, Method::DELETE, format!("/v1/users/{}/clients/bob-phone", bob.user));
    snapshot("answer-client-removed", &removal.by(&tablet).send().await);
    crate::document::says_all_of(&site).await;
}
