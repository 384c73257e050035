//! Starting and stopping.

use kpd_directory::{ClientName, UserId};
use kpd_server::{Config, Policy, StartError, service::Directory, start, store::Stores};
use serde_json::json;
use tokio::net::TcpStream;

use crate::{
    problems::snapshot,
    support::{Key, Person, Recipe, Site, package::batch, site::OPERATOR},
};

#[tokio::test]
async fn a_taken_address_is_an_error_that_names_it() {
    let running = start(Config::new(OPERATOR)).await.unwrap();
    let config = Config { address: running.address(), ..Config::new(OPERATOR) };
    let StartError::Listen { address, .. } = start(config).await.unwrap_err() else { panic!("it cannot listen") };
    assert_eq!(address, running.address());
    running.shutdown().await;
}

#[tokio::test]
async fn after_a_shutdown_nobody_listens() {
    let site = Site::start().await;
    let health = site.get("/healthz").send().await.is(200);
    assert_eq!(health["status"], "ok");
    let address = site.authority();
    // The connection of that request is still open, and idle.
    site.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
}

/// `LIFE-RESTORE`: what an operator does after a restore from an older backup, before it lets anybody in.
#[tokio::test]
async fn what_was_available_before_a_fence_is_not_granted() {
    let stores = Stores::in_memory();
    let site = Site::over(stores.clone(), Config::new(OPERATOR), false).await;
    let bob = Person::new("acct:bob@example.org", "bob-phone", Key::ed25519(1));
    let alice = Person::new("acct:alice@example.org", "alice-laptop", Key::ed25519(2));
    site.enrol(&bob).await;
    site.enrol(&alice).await;
    let (a, z) = (bob.package("a", site.now()).bytes(), bob.package("z", site.now()).last_resort().bytes());
    site.post(bob.own("key-packages"), &batch(&[&a, &z])).by(&bob).send().await.is(201);
    let (user, nobody) = (UserId::parse(bob.user).unwrap(), UserId::parse("acct:nobody@example.org").unwrap());
    let operator = Directory::new(stores, Policy::default());
    assert_eq!(operator.fence(&user).await.unwrap(), 2);
    assert_eq!(operator.fence(&nobody).await.unwrap(), 0);
    let claim = || site.post(bob.claims(), &json!({})).by(&alice).send();
    assert_eq!(claim().await.is(200)["clients"][0]["status"], "exhausted");
    let b = bob.package("b", site.now()).bytes();
    snapshot("before-fence", &site.post(bob.own("key-packages"), &batch(&[&b])).by(&bob).send().await);
    // As far ahead of the clock as is accepted: in the second of the fence that was accepted, too.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let not_before = site.now() + Policy::default().clock_skew_seconds;
    let fresh = Recipe { not_before, ..bob.package("c", site.now()) }.bytes();
    site.post(bob.own("key-packages"), &batch(&[&fresh])).by(&bob).send().await.is(201);
}

/// `LIFE-TOMBSTONE`
#[tokio::test]
async fn what_is_over_is_forgotten_on_request() {
    let stores = Stores::in_memory();
    let site = Site::over(stores.clone(), Config::new(OPERATOR), false).await;
    let bob = Person::new("acct:bob@example.org", "bob-phone", Key::ed25519(1));
    site.enrol(&bob).await;
    let ending = Recipe { not_after: site.now() + 2, ..bob.package("a", site.now()) }.bytes();
    let lasting = bob.package("b", site.now()).bytes();
    site.post(bob.own("key-packages"), &batch(&[&ending, &lasting])).by(&bob).send().await.is(201);
    let user = UserId::parse(bob.user).unwrap();
    let operator = Directory::new(stores, Policy::default());
    assert_eq!(operator.collect(&user).await.unwrap().packages, 0);
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(operator.collect(&user).await.unwrap().packages, 1);
    let phone = ClientName::parse(bob.client).unwrap();
    assert_eq!(operator.inventory(&user, &phone).await.unwrap().packages.len(), 1);
    let kept = site.get(bob.own("key-packages")).by(&bob).send().await.is(200);
    assert_eq!(kept["key_packages"].as_array().unwrap().len(), 1, "the server over the same stores knows");
}
