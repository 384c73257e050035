//! Starting and stopping.

use std::path::Path;

use kpd_directory::{ClientName, Event, UserId};
use kpd_server::{
    Config, Limits, Policy, StartError,
    service::Directory,
    start,
    store::{Durable, Store, Stores, Stream, durable::Opening},
};
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpStream;

use crate::{
    problems::snapshot,
    support::{Call, Key, Person, Recipe, Site, package::batch, site::OPERATOR},
};

#[tokio::test]
async fn a_taken_address_is_an_error_that_names_it() {
    let running = start(Config::new(OPERATOR)).await.unwrap();
    let config = Config { address: running.address(), ..Config::new(OPERATOR) };
    let Err(StartError::Listen { address, .. }) = start(config).await else { panic!("it listens on a taken address") };
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
    let (bob, alice) = site.bob_and_alice().await;
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
    // As far ahead of the clock as is accepted: in the second of the fence that was accepted, too. How late our own clock
    // is, nobody knows; it is a matter of time.
    let begun = std::time::Instant::now();
    loop {
        let not_before = site.now() + Policy::default().clock_skew_seconds;
        let fresh = Recipe { not_before, ..bob.package("c", site.now()) }.bytes();
        let answer = site.post(bob.own("key-packages"), &batch(&[&fresh])).by(&bob).send().await;
        if answer.status == 201 {
            break;
        }
        assert_eq!(answer.body["items"][0]["type"], "/problems/before-fence");
        assert!(begun.elapsed().as_secs() < 30, "nothing is accepted after a fence");
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
}

/// `LIFE-RESTORE`: a backup, what came after it, and the server that starts over the backup.
#[tokio::test]
async fn a_backup_is_served_behind_a_fence() {
    let directory = tempfile::tempdir().unwrap();
    let open =
        |path: &Path| Stores::durable(Durable::open(path, Opening { create: true, keep_history: false }).unwrap());
    let site = Site::over(open(&directory.path().join("d.kpd")), Config::new(OPERATOR), false).await;
    let (bob, alice) = site.bob_and_alice().await;
    let a = bob.package("a", site.now()).bytes();
    site.post(bob.own("key-packages"), &batch(&[&a])).by(&bob).send().await.is(201);
    let back_up = async |site: &Site, token: &str| {
        let call = Call::new(site, Method::POST, "/v1/operator/backups");
        call.header("authorization", &format!("Bearer {token}")).send().await
    };
    assert_eq!(back_up(&site, "wrong").await.problem(), "operator-only");
    let backup = back_up(&site, OPERATOR).await;
    snapshot("answer-backup", &backup);
    let backup = backup.is(201);
    let claim = async |site: &Site| site.post(bob.claims(), &json!({})).by(&alice).send().await.is(200);
    assert_eq!(claim(&site).await["clients"][0]["status"], "regular");
    crate::document::says_all_of(&site).await;
    site.stop().await;

    let backup = directory.path().join(backup["name"].as_str().unwrap());
    let unfenced = directory.path().join("unfenced.kpd");
    std::fs::copy(&backup, &unfenced).unwrap();
    let fence = Config { fence: true, ..Config::new(OPERATOR) };
    let site = Site::over(open(&backup), fence, false).await;
    assert_eq!(claim(&site).await["clients"][0]["status"], "exhausted");
    site.stop().await;
    // Without the fence it cannot know better.
    let site = Site::over(open(&unfenced), Config::new(OPERATOR), false).await;
    assert_eq!(claim(&site).await["clients"][0]["status"], "regular");
    site.stop().await;

    let site = Site::start().await;
    snapshot("not-durable", &back_up(&site, OPERATOR).await);
}

/// What a state stands for is decided as before, and the file does not grow with what is gone.
#[tokio::test]
async fn a_state_stands_for_the_events_after_many_of_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("d.kpd");
    let open = || Durable::open(&path, Opening { create: true, keep_history: false }).unwrap();
    let config = || Config { policy: Policy { limits: Limits::NONE, ..Policy::default() }, ..Config::new(OPERATOR) };
    let site = Site::over(Stores::durable(open()), config(), false).await;
    let (bob, alice) = site.bob_and_alice().await;
    let a = bob.package("a", site.now()).bytes();
    site.post(bob.own("key-packages"), &batch(&[&a])).by(&bob).send().await.is(201);
    let claim = async |site: &Site, key: &str| {
        let call = site.post(bob.claims(), &json!({})).by(&alice).header("idempotency-key", key);
        call.send().await.is(200)
    };
    let first = claim(&site, "first").await;
    for number in 0..300 {
        claim(&site, &number.to_string()).await;
    }
    site.stop().await;
    let file = open();
    let user = Stream::of_user(&UserId::parse(bob.user).unwrap());
    let loaded = Store::<Event>::load(&file, &user, 0).await.unwrap();
    let (version, _) = loaded.snapshot.unwrap();
    assert!(version >= 256 && version + loaded.events.len() == 304, "{version} and {}", loaded.events.len());
    drop(file);
    let site = Site::over(Stores::durable(open()), config(), false).await;
    assert_eq!(claim(&site, "first").await, first);
    assert_eq!(claim(&site, "299").await["clients"][0]["status"], "exhausted");
    let again = site.post(bob.own("key-packages"), &batch(&[&a])).by(&bob).send().await;
    assert_eq!(again.body["items"][0]["type"], "/problems/already-used");
    let notes = site.get(bob.own("notifications")).by(&bob).send().await.is(200);
    assert_eq!(notes["notifications"].as_array().unwrap().len(), 1);
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
