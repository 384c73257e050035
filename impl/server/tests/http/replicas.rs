//! Servers over one store are one directory.

use std::{collections::BTreeSet, sync::Arc};

use kpd_server::{Config, Limit, Limits, Policy, store::Stores};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{Key, Person, Site, package::batch, site::OPERATOR};

const PACKAGES: usize = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_grant_each_package_once() {
    let stores = Stores::in_memory();
    let sites = [
        Arc::new(Site::over(stores.clone(), unlimited(), false).await),
        Arc::new(Site::over(stores, unlimited(), true).await),
    ];
    let bob = Arc::new(Person::new("acct:bob@example.org", "bob-phone", Key::ed25519(1)));
    let alice = Arc::new(Person::new("acct:alice@example.org", "alice-laptop", Key::ed25519(2)));
    sites[0].enrol(&bob).await;
    sites[1].enrol(&alice).await;
    let seeds: Vec<_> = (0..PACKAGES).map(|number| number.to_string()).collect();
    let packages: Vec<_> = seeds.iter().map(|seed| bob.package(seed, sites[0].now()).bytes()).collect();
    let packages: Vec<&[u8]> = packages.iter().map(Vec::as_slice).collect();
    sites[0].post(bob.own("key-packages"), &batch(&packages)).by(&bob).send().await.is(201);

    let mut claims = JoinSet::new();
    for number in 0..2 * PACKAGES {
        let (site, bob, alice) = (Arc::clone(&sites[number % 2]), Arc::clone(&bob), Arc::clone(&alice));
        claims.spawn(async move {
            let claimed = site.post(bob.claims(), &json!({})).by(&alice).send().await.is(200);
            claimed["clients"][0].clone()
        });
    }
    let answers = claims.join_all().await;

    let status = |status: &str| answers.iter().filter(|answer| answer["status"] == status).count();
    assert_eq!((status("regular"), status("exhausted")), (PACKAGES, PACKAGES));
    let granted: BTreeSet<_> = answers.iter().filter_map(|answer| answer["reference"].as_str()).collect();
    assert_eq!(granted.len(), PACKAGES, "each once");
    for site in &sites {
        let stock = site.get(bob.own("stock")).by(&bob).send().await.is(200);
        assert_eq!(stock["suites"][0]["regular"], 0, "both servers know");
        let notes = site.get(bob.own("notifications")).by(&bob).send().await.is(200);
        let sequences =
            notes["notifications"].as_array().unwrap().iter().map(|note| note["sequence"].as_u64().unwrap());
        assert_eq!(sequences.collect::<Vec<_>>(), (1..=PACKAGES as u64).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_two_users_want_on_two_servers_is_one_users() {
    let stores = Stores::in_memory();
    let first = Site::over(stores.clone(), Config::new(OPERATOR), false).await;
    let second = Site::over(stores, Config::new(OPERATOR), false).await;
    for seed in 1..20 {
        let bob = Person::new("acct:bob@example.org", "phone", Key::ed25519(seed));
        let eve = Person::new("acct:eve@example.org", "phone", Key::ed25519(seed));
        let adder =
            [Person::new(bob.user, "first", Key::ed25519(101)), Person::new(eve.user, "first", Key::ed25519(102))];
        if seed == 1 {
            first.enrol(&adder[0]).await;
            second.enrol(&adder[1]).await;
        }
        let by_bob = first.post(bob.keys(), &bob.addition()).by(&adder[0]).send();
        let by_eve = second.post(eve.keys(), &eve.addition()).by(&adder[1]).send();
        let (by_bob, by_eve) = tokio::join!(by_bob, by_eve);
        let mut statuses = [by_bob.status, by_eve.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "one of them, and only one");
    }
}

/// Nothing is judged here by how often it is asked.
fn unlimited() -> Config {
    Config { policy: Policy { limits: Limits::NONE, ..Policy::default() }, ..Config::new(OPERATOR) }
}

/// `RATE-REQUESTER`: whoever tries the next replica meets the same limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_requester_is_limited_on_all_of_them_together() {
    let limits = Limits { requester: Some(Limit { claims: 5, seconds: 3_600 }), ..Limits::NONE };
    let config = Config { policy: Policy { limits, ..Policy::default() }, ..Config::new(OPERATOR) };
    let stores = Stores::in_memory();
    let sites = [Site::over(stores.clone(), config.clone(), false).await, Site::over(stores, config, false).await]
        .map(Arc::new);
    let bob = Arc::new(Person::new("acct:bob@example.org", "bob-phone", Key::ed25519(1)));
    sites[0].enrol(&bob).await;
    let mut claims = JoinSet::new();
    for number in 0..20 {
        let (site, bob) = (Arc::clone(&sites[number % 2]), Arc::clone(&bob));
        claims.spawn(async move { site.post(bob.claims(), &json!({})).by(&bob).send().await.status });
    }
    let statuses = claims.join_all().await;
    let count = |status| statuses.iter().filter(|given| **given == status).count();
    assert_eq!((count(200), count(429)), (5, 15));
}
