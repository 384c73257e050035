//! Metrics: what happened is counted, under names that are documented, and shown where the operator wants it.

use std::{collections::BTreeMap, net::SocketAddr};

use kpd_server::{Config, metrics::METRICS};
use serde_json::json;

use crate::support::{Key, Person, Site, package::batch, site::OPERATOR};

/// Samples by name and labels.
fn parse(text: &str) -> BTreeMap<String, f64> {
    assert!(text.ends_with("# EOF\n"), "{text}");
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name.into(), value.parse().unwrap()))
        .collect()
}

async fn scrape(url: String) -> String {
    let answer = reqwest::get(url).await.unwrap();
    let media_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(media_type.starts_with("application/openmetrics-text; version=1.0.0"), "{media_type}");
    answer.text().await.unwrap()
}

#[tokio::test]
async fn claims_refusals_packages_requests_connections_and_appends_are_counted() {
    let site = Site::start().await;
    let bob = Person::new("acct:bob@example.org", "bob-phone", Key::ed25519(1));
    let alice = Person::new("acct:alice@example.org", "alice-laptop", Key::ed25519(3));
    site.enrol(&bob).await;
    site.enrol(&alice).await;
    let packages = [bob.package("a", site.now()).bytes(), bob.package("z", site.now()).last_resort().bytes()];
    let body = batch(&[&packages[0], &packages[1]]);
    site.post(bob.own("key-packages"), &body).by(&bob).send().await.is(201);
    for wanted in [json!({}), json!({}), json!({ "last_resort": "refuse" }), json!({ "cipher_suites": [3] })] {
        site.post(bob.claims(), &wanted).by(&alice).send().await.is(200);
    }
    site.post("/v1/users/acct:nobody@example.org/claims", &json!({})).by(&alice).send().await.is(404);
    site.get("/v1/invented").send().await.is(404);
    let text = scrape(format!("{}/metrics", site.base())).await;
    let samples = parse(&text);
    let claims = "/v1/users/{user}/claims";
    for (name, value) in [
        ("kpd_claim_answers_total{kind=\"regular\"}".to_string(), 1.0),
        ("kpd_claim_answers_total{kind=\"last_resort\"}".into(), 1.0),
        ("kpd_claim_answers_total{kind=\"exhausted\"}".into(), 1.0),
        ("kpd_claim_answers_total{kind=\"incompatible\"}".into(), 1.0),
        ("kpd_refusals_total{problem=\"unknown-user\"}".into(), 1.0),
        ("kpd_refusals_total{problem=\"not-found\"}".into(), 1.0),
        ("kpd_key_packages_total{fate=\"published\"}".into(), 2.0),
        ("kpd_key_packages_total{fate=\"granted\"}".into(), 1.0),
        ("kpd_key_packages_total{fate=\"withdrawn\"}".into(), 0.0),
        (format!("kpd_http_request_duration_seconds_count{{method=\"POST\",route=\"{claims}\",status=\"200\"}}"), 4.0),
        (format!("kpd_http_request_duration_seconds_count{{method=\"POST\",route=\"{claims}\",status=\"404\"}}"), 1.0),
        ("kpd_http_request_duration_seconds_count{method=\"GET\",route=\"unmatched\",status=\"404\"}".into(), 1.0),
    ] {
        assert_eq!(samples.get(&name), Some(&value), "{name} in {text}");
    }
    assert!(samples["kpd_http_connections"] >= 1.0);
    assert!(samples["kpd_store_append_duration_seconds_count{history=\"user\",outcome=\"done\"}"] >= 8.0, "{text}");
    let described: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next()).collect();
    assert_eq!(described, METRICS.iter().map(|(name, ..)| *name).collect::<Vec<_>>());
    for name in ["bob", "alice", "nobody", "invented"] {
        assert!(!text.contains(name), "{name} is told to whoever reads metrics: {text}");
    }
}

#[tokio::test]
async fn at_an_address_of_their_own_strangers_do_not_read_them() {
    let own = SocketAddr::from(([127, 0, 0, 1], 0));
    let site = Site::with(Config { metrics_address: Some(own), ..Config::new(OPERATOR) }).await;
    let answer = site.get("/metrics").send().await;
    assert_eq!((answer.status, answer.problem()), (404, "not-found"));
    let address = site.running.metrics_address().unwrap();
    let samples = parse(&scrape(format!("http://{address}/metrics")).await);
    assert_eq!(samples["kpd_refusals_total{problem=\"not-found\"}"], 1.0);
    assert_eq!(reqwest::get(format!("http://{address}/readyz")).await.unwrap().status(), 200);
    assert_eq!(reqwest::get(format!("http://{address}/v1/policy")).await.unwrap().status(), 404);
    site.stop().await;
    assert!(reqwest::get(format!("http://{address}/metrics")).await.is_err());
}
