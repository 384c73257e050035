//! Long polls: an owner that waits for its notifications.

use std::{sync::Arc, time::Duration};

use kpd_server::{Config, store::Stores};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    problems::snapshot,
    support::{Call, Key, Person, Site, package::batch, site::OPERATOR},
};

/// Far less than anybody waits here, and far more than it takes to be woken.
pub(crate) const SOON: Duration = Duration::from_secs(5);

pub(crate) struct Cast {
    pub(crate) site: Site,
    pub(crate) bob: Person,
    pub(crate) alice: Person,
}

impl Cast {
    /// Bob has so many packages.
    pub(crate) async fn new(packages: usize) -> Self {
        Self::on(Site::start().await, packages).await
    }

    pub(crate) async fn on(site: Site, packages: usize) -> Self {
        let bob = Person::new("acct:bob@example.org", "bob-phone", Key::ed25519(1));
        let alice = Person::new("acct:alice@example.org", "alice-laptop", Key::ed25519(3));
        site.enrol(&bob).await;
        site.enrol(&alice).await;
        if packages > 0 {
            publish(&site, &bob, packages).await;
        }
        Self { site, bob, alice }
    }

    pub(crate) async fn claim(&self) {
        claim(&self.site, &self.bob, &self.alice).await;
    }

    /// Waits, at the longest for so many seconds.
    fn wait(&self, after: u64, seconds: u64) -> Call<'_> {
        self.site.get(self.bob.own(&format!("notifications?after={after}&wait={seconds}"))).by(&self.bob)
    }
}

pub(crate) async fn publish(site: &Site, owner: &Person, packages: usize) {
    let seeds: Vec<_> = (0..packages).map(|number| number.to_string()).collect();
    let packages: Vec<_> = seeds.iter().map(|seed| owner.package(seed, site.now()).bytes()).collect();
    let packages: Vec<&[u8]> = packages.iter().map(Vec::as_slice).collect();
    site.post(owner.own("key-packages"), &batch(&packages)).by(owner).send().await.is(201);
}

pub(crate) async fn claim(site: &Site, of: &Person, by: &Person) {
    let claimed = site.post(of.claims(), &json!({})).by(by).send().await.is(200);
    assert_eq!(claimed["clients"][0]["status"], "regular");
}

pub(crate) fn sequences(body: &Value) -> Vec<u64> {
    body["notifications"].as_array().unwrap().iter().map(|note| note["sequence"].as_u64().unwrap()).collect()
}

/// `NOTE-WAKES`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_wakes_who_waits_and_the_stock_is_that_after_it() {
    let cast = Cast::new(1).await;
    let waiting = async {
        let begun = Instant::now();
        let told = cast.wait(0, 30).send().await;
        assert_eq!(told.header("cache-control"), "no-store");
        let stock = cast.site.get(cast.bob.own("stock")).by(&cast.bob).send().await.is(200);
        (told.is(200), stock, begun.elapsed())
    };
    let claiming = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        cast.claim().await;
    };
    let ((told, stock, took), ()) = tokio::join!(waiting, claiming);
    assert_eq!((sequences(&told), &told["notifications"][0]["remaining"]), (vec![1], &json!(0)));
    assert_eq!(stock["suites"][0]["regular"], 0, "{stock}");
    assert!(took > Duration::from_millis(250) && took < SOON, "{took:?}");
}

#[tokio::test]
async fn what_is_there_already_comes_at_once_and_nothing_comes_in_the_end() {
    let cast = Cast::new(2).await;
    cast.claim().await;
    let begun = Instant::now();
    assert_eq!(sequences(&cast.wait(0, 30).send().await.is(200)), [1]);
    assert!(begun.elapsed() < SOON);
    let begun = Instant::now();
    assert!(sequences(&cast.wait(1, 1).send().await.is(200)).is_empty());
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert!(sequences(&cast.wait(1, 0).send().await.is(200)).is_empty());
}

#[tokio::test]
async fn what_cannot_be_waited_for_is_a_problem() {
    let cast = Cast::new(0).await;
    snapshot("wait-too-long", &cast.wait(0, 61).send().await);
    let stream = cast.wait(0, 1).header("accept", "text/event-stream");
    snapshot("wait-in-a-stream", &stream.send().await);
    let path = cast.bob.own("notifications");
    let stream = || cast.site.get(path.clone()).header("accept", "text/event-stream");
    snapshot("bad-last-event-id", &stream().header("last-event-id", "x").by(&cast.bob).send().await);
    snapshot("stream-of-somebody-else", &stream().by(&cast.alice).send().await);
    assert_eq!(cast.wait(0, 1).by(&cast.alice).send().await.problem(), "not-owner");
    crate::document::says_all_of(&cast.site).await;
}

/// `NOTE-PRIVATE`: each is told of its own, and of nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_wakes_nobody_but_the_owner() {
    let cast = Cast::new(1).await;
    let carol = Person::new("acct:carol@example.org", "carol-phone", Key::ed25519(4));
    let tablet = Person::new(cast.bob.user, "bob-tablet", Key::ed25519(5));
    cast.site.enrol(&carol).await;
    cast.site.add(&tablet, &cast.bob).await;
    let wait = |who| {
        let path = Person::own(who, "notifications?wait=2");
        let call = cast.site.get(path).by(who).send();
        async move { sequences(&call.await.is(200)) }
    };
    let (of_bob, of_carol, of_tablet, ()) = tokio::join!(wait(&cast.bob), wait(&carol), wait(&tablet), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        cast.claim().await;
    });
    assert_eq!((of_bob, of_carol, of_tablet), (vec![1], vec![], vec![]));
}

/// `KEY-CASCADE`, in spirit: who has no key any more is told nothing more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_loses_its_key_while_it_waits_is_refused() {
    let cast = Cast::new(1).await;
    let tablet = Person::new(cast.bob.user, "bob-tablet", Key::ed25519(5));
    cast.site.add(&tablet, &cast.bob).await;
    let begun = Instant::now();
    let (answer, ()) = tokio::join!(cast.wait(0, 30).send(), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let key = format!("{}/{}", cast.bob.keys(), cast.bob.key.id());
        Call::new(&cast.site, Method::DELETE, key).by(&tablet).send().await.is(204);
    });
    assert_eq!((answer.status, answer.problem()), (401, "unauthenticated"));
    assert_eq!(answer.body["reason"], "unknown-key");
    assert!(begun.elapsed() < SOON);
}

/// Another server over the same store grants, and this one's owner hears of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_replica_grants_is_told_in_bounded_time() {
    let stores = Stores::in_memory();
    let other = Site::over(stores.clone(), Config::new(OPERATOR), false).await;
    let cast = Cast::on(Site::over(stores, Config::new(OPERATOR), false).await, 1).await;
    let begun = Instant::now();
    let (told, ()) = tokio::join!(cast.wait(0, 30).send(), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        claim(&other, &cast.bob, &cast.alice).await;
    });
    assert_eq!(sequences(&told.is(200)), [1]);
    assert!(begun.elapsed() < 2 * SOON, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_owners_wait_and_each_is_told_its_own() {
    let stores = Stores::in_memory();
    let site = Arc::new(Site::over(stores, Config::new(OPERATOR), false).await);
    let alice = Arc::new(Person::new("acct:alice@example.org", "alice-laptop", Key::ed25519(255)));
    site.enrol(&alice).await;
    let mut waits = JoinSet::new();
    let mut owners = vec![];
    for seed in 1..=OWNERS {
        // Names live as long as the test.
        let user: &'static str = Box::leak(format!("acct:owner{seed}@example.org").into_boxed_str());
        let owner = Arc::new(Person::new(user, "phone", Key::ed25519(seed)));
        site.enrol(&owner).await;
        publish(&site, &owner, 1).await;
        let (waiter, site) = (Arc::clone(&owner), Arc::clone(&site));
        waits.spawn(async move {
            let told = site.get(waiter.own("notifications?wait=60")).by(&waiter).send().await.is(200);
            (waiter.user, sequences(&told), told["notifications"][0]["requester"]["user"].clone())
        });
        owners.push(owner);
    }
    for owner in &owners {
        claim(&site, owner, &alice).await;
    }
    let told = waits.join_all().await;
    assert_eq!(told.len(), usize::from(OWNERS));
    for (user, sequences, requester) in told {
        assert_eq!((sequences, requester), (vec![1], json!(alice.user)), "{user}");
    }
}

const OWNERS: u8 = 200;

/// `NOTE-DRAIN`: told with the grant that crosses the line, once, with the numbers.
#[tokio::test]
async fn a_drain_is_told_once() {
    let cast = Cast::new(8).await;
    let carol = Person::new("acct:carol@example.org", "carol-phone", Key::ed25519(4));
    cast.site.enrol(&carol).await;
    claim(&cast.site, &cast.bob, &carol).await;
    for _ in 0..6 {
        cast.claim().await;
    }
    let answer = cast.site.get(cast.bob.own("notifications")).by(&cast.bob).send().await;
    snapshot("answer-notifications-of-a-drain", &answer);
    let told = answer.is(200);
    let notes = told["notifications"].as_array().unwrap();
    let drains: Vec<_> = notes.iter().filter(|note| note.get("drain").is_some()).collect();
    let [drain] = drains.as_slice() else { panic!("told once: {told}") };
    assert_eq!(drain["sequence"], 6, "carol's, and the fifth of alice's");
    assert_eq!(drain["drain"], json!({ "taken": 5, "of": 8, "seconds": 86_400 }));
    assert_eq!(drain["requester"]["user"], cast.alice.user);
}

async fn of_mutant(name: &str, packages: usize) -> Cast {
    let mutant = kpd_server::Mutant::named(name);
    assert!(mutant.is_some(), "{name}");
    Cast::on(Site::with(Config { mutant, ..Config::new(OPERATOR) }).await, packages).await
}

/// What the tests above would say of servers that break the rule.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mutants_wake_nobody_or_too_late_or_show_what_was() {
    for (name, told_in_the_end) in [("wakes-nobody", vec![]), ("wakes-at-the-end", vec![1])] {
        let cast = of_mutant(name, 1).await;
        let begun = Instant::now();
        let (told, ()) = tokio::join!(cast.wait(0, 2).send(), async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            cast.claim().await;
        });
        assert_eq!(sequences(&told.is(200)), told_in_the_end, "{name}");
        assert!(begun.elapsed() >= Duration::from_secs(2), "{name}");
    }
    let cast = of_mutant("counts-a-claim-behind", 1).await;
    cast.claim().await;
    let stock = cast.site.get(cast.bob.own("stock")).by(&cast.bob).send().await.is(200);
    assert_eq!(stock["suites"][0]["regular"], 1);
}

#[tokio::test]
async fn mutants_tell_drains_never_or_always_or_in_no_order() {
    for (name, drains, first) in [("never-tells-drains", 0, 1), ("tells-every-drain", 3, 1), ("newest-first", 1, 7)] {
        let cast = of_mutant(name, 8).await;
        for _ in 0..7 {
            cast.claim().await;
        }
        let told = cast.site.get(cast.bob.own("notifications")).by(&cast.bob).send().await.is(200);
        let notes = told["notifications"].as_array().unwrap();
        let told = notes.iter().filter(|note| note.get("drain").is_some()).count();
        assert_eq!((told, notes[0]["sequence"].as_u64()), (drains, Some(first)), "{name}");
    }
}
