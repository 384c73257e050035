//! Limits of other servers: what their requesters claim is counted together, and what our own claim is not.

use std::{
    slice,
    time::{Duration, Instant},
};

use kpd_server::{Config, Limit, Limits, Mutant, Policy, store::Stores};
use serde_json::json;

use super::{BOUNDS, Cast, beside};
use crate::support::{Key, Person, Site, site::OPERATOR};

/// Two claims of all requesters of b.example in these seconds.
const SECONDS: u64 = 6;

fn policy() -> Policy {
    let server = Some(Limit { claims: 2, seconds: SECONDS });
    Policy { limits: Limits { server, ..Limits::NONE }, ..Policy::default() }
}

/// Beside bob there is carol at b.example; and dan and eve are at example.org.
struct Crowd {
    cast: Cast,
    carol: Person,
    own: [Person; 2],
}

impl Crowd {
    async fn new(stores: Stores, mutant: Option<Mutant>) -> Self {
        let cast = Cast::over(stores, |it| Config { policy: policy(), mutant, ..it }, BOUNDS).await;
        let carol = Person::new("acct:carol@b.example", "carol-phone", Key::ed25519(6));
        cast.other.enrol(&carol).await;
        let own = [("acct:dan@example.org", 7), ("acct:eve@example.org", 8)];
        let own = own.map(|(user, seed)| Person::new(user, "phone", Key::ed25519(seed)));
        for person in &own {
            cast.home.enrol(person).await;
        }
        Self { cast, carol, own }
    }

    /// The statuses of two claims of each.
    async fn statuses(&self, by: &[Person]) -> Vec<u16> {
        let mut statuses = vec![];
        for person in by.iter().chain(by) {
            statuses.push(self.cast.claim(person).await.status);
        }
        statuses
    }
}

/// `RATE-SERVER`, `RATE-ISOLATED`, `RATE-RETRY-AFTER`
#[tokio::test]
async fn the_requesters_of_another_server_have_one_allowance_and_ours_one_each() {
    let crowd = Crowd::new(Stores::in_memory(), None).await;
    let Crowd { cast, carol, own } = &crowd;
    let keyed = || {
        let call = cast.home.post(cast.alice.claims(), &json!({}));
        call.header("idempotency-key", "k").by(carol)
    };
    let begun = Instant::now();
    cast.claim(&cast.bob).await.is(200);
    cast.claim(carol).await.is(200);
    let refused = keyed().send().await;
    assert_eq!((refused.status, refused.problem()), (429, "rate-limited"), "{:#}", refused.body);
    let seconds = refused.body["retry_after"].as_u64().unwrap();
    assert!((1..=SECONDS).contains(&seconds), "{seconds}");
    assert_eq!(refused.header("retry-after"), seconds.to_string());
    assert_eq!(cast.claim(&cast.bob).await.status, 429);
    // Nothing was consumed, and nobody told.
    let stock = cast.home.get(cast.alice.own("stock")).by(&cast.alice).send().await.is(200);
    assert_eq!(stock["suites"][0]["regular"], 2);
    let told = cast.home.get(cast.alice.own("notifications")).by(&cast.alice).send().await.is(200);
    assert_eq!(told["notifications"].as_array().map(Vec::len), Some(2));
    assert_eq!(crowd.statuses(own).await, [200; 4]);
    assert!(begun.elapsed() < Duration::from_secs(SECONDS), "this machine is too slow to tell");
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    // The first answer under a key is final, also when it is a refusal; a new question is answered.
    let again = keyed().send().await;
    assert_eq!((again.status, &again.body), (429, &refused.body));
    cast.claim(carol).await.is(200);
    let policy = cast.home.get("/v1/policy").send().await.is(200);
    assert_eq!(policy["limits"]["server"], json!({ "claims": 2, "seconds": SECONDS }));
}

/// `RATE-DURABLE`
#[tokio::test]
async fn what_a_server_has_used_up_is_used_up_at_every_replica() {
    let stores = Stores::in_memory();
    let Crowd { cast, carol, .. } = Crowd::new(stores.clone(), None).await;
    let federation = Some(beside(&cast.other, BOUNDS));
    let replica = Site::over(stores, Config { federation, policy: policy(), ..Config::new(OPERATOR) }, false).await;
    cast.claim(&cast.bob).await.is(200);
    replica.post(cast.alice.claims(), &json!({})).by(&cast.bob).send().await.is(200);
    assert_eq!(cast.claim(&carol).await.problem(), "rate-limited");
    assert_eq!(replica.post(cast.alice.claims(), &json!({})).by(&carol).send().await.problem(), "rate-limited");
}

/// The suite has no other server to claim from, and so they are shown here.
#[tokio::test]
async fn mutants_do_not_count_servers_or_count_their_own() {
    let crowd = Crowd::new(Stores::in_memory(), Mutant::named("does-not-count-servers")).await;
    assert_eq!(crowd.statuses(slice::from_ref(&crowd.carol)).await, [200; 2]);
    assert_eq!(crowd.statuses(slice::from_ref(&crowd.cast.bob)).await, [200; 2]);
    let crowd = Crowd::new(Stores::in_memory(), Mutant::named("counts-its-own-together")).await;
    assert_eq!(crowd.statuses(&crowd.own).await, [200, 200, 429, 429]);
    let honest = Crowd::new(Stores::in_memory(), None).await;
    assert_eq!(honest.statuses(slice::from_ref(&honest.carol)).await, [200; 2]);
    assert_eq!(honest.statuses(slice::from_ref(&honest.cast.bob)).await, [429; 2]);
}
