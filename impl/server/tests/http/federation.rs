//! Two directories: bob of b.example claims at example.org, on the word of his own server.

mod limits;

mod malice;

use std::{net::SocketAddr, time::Duration};

use kpd_directory::{ServerName, UserId, standing::Standing};
use kpd_server::{
    Config, Limit, Limits, Policy,
    federation::{Bounds, CLAIMS, Federation, Resolver, SIGNATURE_KEYS},
    store::Stores,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    problems::snapshot,
    support::{Answer, Call, Key, Person, Site, package::batch, site::OPERATOR},
};

/// Short times: what a test waits for is seconds.
const BOUNDS: Bounds = Bounds {
    connect_timeout: Duration::from_secs(1),
    lookup_timeout: Duration::from_secs(2),
    jrd_bytes_max: 16 * 1024,
    list_bytes_max: 32 * 1024,
    redirects_max: 3,
    fresh_seconds_min: 0,
    fresh_seconds_max: 2,
    failure_seconds: 2,
    cached_max: 100,
    cached_bytes_max: 1024 * 1024,
    lookups_max: 16,
    lookups_per_host_max: 8,
    lookups_per_host_and_minute_max: 100,
};

struct Cast {
    /// example.org, where alice is.
    home: Site,
    /// b.example, where bob is.
    other: Site,
    alice: Person,
    bob: Person,
}

fn name(host: &str) -> ServerName {
    ServerName::parse(host).unwrap()
}

fn federation(bounds: Bounds, hosts: &[(&str, SocketAddr)]) -> Federation {
    let insecure_loopback = hosts.iter().map(|(host, address)| (name(host), *address)).collect();
    Federation { bounds, insecure_loopback, ..Federation::new(name("example.org")) }
}

/// The other server is found at b.example, and nobody listens at c.example.
fn beside(other: &Site, bounds: Bounds) -> Federation {
    let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
    federation(bounds, &[("b.example", other.authority().parse().unwrap()), ("c.example", nobody)])
}

impl Cast {
    async fn with(bounds: Bounds, policy: Policy) -> Self {
        Self::over(Stores::in_memory(), |it| Config { policy, ..it }, bounds).await
    }

    async fn over(stores: Stores, changed: impl FnOnce(Config) -> Config, bounds: Bounds) -> Self {
        let other = Site::start().await;
        let config = changed(Config { federation: Some(beside(&other, bounds)), ..Config::new(OPERATOR) });
        let home = Site::over(stores, config, false).await;
        let alice = Person::new("acct:alice@example.org", "alice-phone", Key::ed25519(1));
        let bob = Person::new("acct:bob@b.example", "bob-laptop", Key::p256());
        home.enrol(&alice).await;
        other.enrol(&bob).await;
        let packages: Vec<_> = (0..4).map(|number| alice.package(&format!("a{number}"), home.now()).bytes()).collect();
        let packages: Vec<_> = packages.iter().map(Vec::as_slice).collect();
        home.post(alice.own("key-packages"), &batch(&packages)).by(&alice).send().await.is(201);
        Self { home, other, alice, bob }
    }

    async fn new() -> Self {
        Self::with(BOUNDS, Policy { limits: Limits::NONE, ..Policy::default() }).await
    }

    async fn claim(&self, by: &Person) -> Answer {
        self.home.post(self.alice.claims(), &json!({})).by(by).send().await
    }

    async fn remove_bobs_key(&self) {
        let path = format!("{}/{}", self.bob.keys(), self.bob.key.id());
        Call::new(&self.other, Method::DELETE, path).by(&self.bob).send().await.is(204);
    }

    async fn block(&self, whom: Value) {
        let path = format!("/v1/users/{}/blocks", self.alice.user);
        self.home.post(path, &whom).by(&self.alice).send().await.is(204);
    }
}

#[track_caller]
fn unresolvable(answer: &Answer) {
    assert_eq!((answer.status, answer.problem()), (401, "requester-unresolvable"), "{:#}", answer.body);
    assert_eq!(answer.header("retry-after"), "2");
    assert_eq!(answer.body["retry_after"], 2);
    assert_eq!(answer.header("www-authenticate"), "Signature");
}

async fn after_the_cache() {
    tokio::time::sleep(Duration::from_millis(2_100)).await;
}

/// `NOTE-NAMES-REQUESTER`
#[tokio::test]
async fn the_owner_is_told_who_claims_and_who_vouches() {
    let cast = Cast::new().await;
    cast.claim(&cast.bob).await.is(200);
    let eve = Person::new("acct:eve@example.org", "eve-phone", Key::ed25519(3));
    cast.home.enrol(&eve).await;
    cast.claim(&eve).await.is(200);
    let told = cast.home.get(cast.alice.own("notifications")).by(&cast.alice).send().await.is(200);
    let bob = json!({ "user": "acct:bob@b.example", "client": "bob-laptop", "vouched_by": "b.example" });
    assert_eq!(told["notifications"][0]["requester"], bob);
    let eve = json!({ "user": "acct:eve@example.org", "client": "eve-phone", "vouched_by": null });
    assert_eq!(told["notifications"][1]["requester"], eve);
    // What bob's server says is not ours to tell, and bob has no power here over anything but his claims.
    assert_eq!(cast.home.get(cast.bob.keys()).send().await.problem(), "unknown-user");
    let stock = cast.home.get(cast.alice.own("stock")).by(&cast.bob).send().await;
    assert_eq!(stock.problem(), "not-owner");
}

#[tokio::test]
async fn a_key_that_is_removed_there_is_refused_here_when_the_list_is_no_longer_fresh() {
    let cast = Cast::new().await;
    cast.claim(&cast.bob).await.is(200);
    cast.remove_bobs_key().await;
    after_the_cache().await;
    let refused = cast.claim(&cast.bob).await;
    assert_eq!((refused.status, &refused.body["reason"]), (401, &json!("unknown-key")));
}

/// `KEY-VERIFY`, `KEY-HISTORY`: what was signed while a key was listed elsewhere stays signed by it.
#[tokio::test]
async fn a_key_that_was_removed_there_is_known_for_the_time_before() {
    let cast = Cast::new().await;
    let hosts = beside(&cast.other, BOUNDS).insecure_loopback;
    let resolver = Resolver::new(BOUNDS, &hosts).unwrap();
    // Seconds are counted from a whole one: the server's clock may be one further, and list the key a second later.
    let (bob, at) = (UserId::parse(cast.bob.user).unwrap(), cast.other.now() + 1);
    let verify = async |key: &Key, at| resolver.verify(&bob, &key.public, at).await;
    assert_eq!(verify(&cast.bob.key, at).await, Ok(Standing::Valid));
    tokio::time::sleep(Duration::from_millis(2_050)).await;
    cast.remove_bobs_key().await;
    after_the_cache().await;
    assert_eq!(verify(&cast.bob.key, at).await, Ok(Standing::Valid));
    assert_eq!(verify(&cast.bob.key, cast.other.now()).await, Ok(Standing::Removed));
    assert_eq!(verify(&Key::ed25519(3), at).await, Ok(Standing::Unknown));
}

#[tokio::test]
async fn a_key_that_is_new_there_is_good_at_once() {
    let cast = Cast::new().await;
    cast.claim(&cast.bob).await.is(200);
    let tablet = Person::new(cast.bob.user, "bob-tablet", Key::ed25519(5));
    cast.other.add(&tablet, &cast.bob).await;
    cast.claim(&tablet).await.is(200);
}

#[tokio::test]
async fn nobody_is_somebody_by_the_name_of_a_server_alone() {
    let cast = Cast::new().await;
    // With the key of eve, who is nobody at b.example, and with one that bob does not have.
    let eve = Person::new("acct:eve@b.example", "eve-phone", Key::ed25519(3));
    let refused = cast.claim(&eve).await;
    unresolvable(&refused);
    snapshot("requester-unresolvable", &refused);
    let as_bob = Person::new(cast.bob.user, "bob-laptop", Key::ed25519(3));
    assert_eq!(cast.claim(&as_bob).await.body["reason"], "unknown-key");
    // A signature that does not hold, under a key that does.
    let claim = cast.home.post(cast.alice.claims(), &json!({})).by(&cast.bob).signed();
    let forged = claim.forge("signature-input", |input| input.replace(";alg", ";tag=\"x\";alg")).send().await;
    assert_eq!(forged.body["reason"], "invalid", "{:#}", forged.body);
    // A user of our own domain is never looked up, and one of another is not let in here.
    let own = Person::new("acct:bob@example.org", "bob-laptop", Key::ed25519(4));
    assert_eq!(cast.claim(&own).await.body["reason"], "unknown-key");
    let call = cast.home.post("/v1/users", &json!({ "user": "acct:dan@b.example" }));
    let refused = call.header("authorization", &format!("Bearer {OPERATOR}")).send().await;
    assert_eq!((refused.status, refused.problem()), (400, "bad-request"));
}

/// `BLOCK-REQUESTER`
#[tokio::test]
async fn blocks_and_limits_are_for_users_of_other_servers_too() {
    let limits = Limits { pair: Some(Limit { claims: 1, seconds: 60 }), ..Limits::NONE };
    let cast = Cast::with(BOUNDS, Policy { limits, ..Policy::default() }).await;
    cast.claim(&cast.bob).await.is(200);
    assert_eq!(cast.claim(&cast.bob).await.problem(), "rate-limited");
    cast.block(json!({ "server": "b.example" })).await;
    assert_eq!(cast.claim(&cast.bob).await.problem(), "unknown-user");
    let path = format!("/v1/users/{}/blocks?server=b.example", cast.alice.user);
    Call::new(&cast.home, Method::DELETE, path).by(&cast.alice).send().await.is(204);
    assert_eq!(cast.claim(&cast.bob).await.problem(), "rate-limited");
    cast.block(json!({ "requester": cast.bob.user })).await;
    assert_eq!(cast.claim(&cast.bob).await.problem(), "unknown-user");
    // No other spelling of the server's name leads around the block.
    for user in ["acct:bob@b.example:443", "acct:bob@b.example.", "acct:bob@127.0.0.1", "acct:bob@0x7f.1"] {
        unresolvable(&cast.claim(&Person::new(user, "bob-laptop", Key::p256())).await);
    }
}

#[tokio::test]
async fn what_fails_is_refused_in_one_way_and_is_good_again_after_a_while() {
    let cast = Cast::new().await;
    let refused = [
        // Not there, never asked, not allowed, no such user: whoever asks learns nothing of our network.
        cast.claim(&Person::new("acct:carol@c.example", "c", Key::ed25519(6))).await,
        cast.claim(&Person::new("acct:carol@127.0.0.1", "c", Key::ed25519(6))).await,
        cast.claim(&Person::new("acct:carol@localhost", "c", Key::ed25519(6))).await,
        cast.claim(&Person::new("acct:carol@b.example", "c", Key::ed25519(6))).await,
    ];
    for answer in &refused {
        unresolvable(answer);
        assert_eq!(answer.body, refused[0].body);
        assert_eq!(answer.headers.len(), refused[0].headers.len());
    }
    // Carol comes to b.example: known as soon as the failure is forgotten, and not before.
    let carol = Person::new("acct:carol@b.example", "c", Key::ed25519(6));
    cast.other.enrol(&carol).await;
    unresolvable(&cast.claim(&carol).await);
    after_the_cache().await;
    cast.claim(&carol).await.is(200);
    // A server that is gone vouches for nobody once its list is no longer fresh.
    let Cast { home, other, alice, .. } = cast;
    other.stop().await;
    home.post(alice.claims(), &json!({})).by(&carol).send().await.is(200);
    after_the_cache().await;
    unresolvable(&home.post(alice.claims(), &json!({})).by(&carol).send().await);
}

/// `KEY-RESOLVE`
#[tokio::test]
async fn webfinger_leads_to_keys_and_claims() {
    let site = Site::start().await;
    let bob = Person::new("acct:b+b=!@example.org", "bob-phone", Key::ed25519(1));
    site.enrol(&bob).await;
    let ask = |query: &str| site.get(format!("/.well-known/webfinger{query}")).send();
    let answer = ask("?resource=acct:b+b%3D!%40EXAMPLE.org").await;
    assert_eq!(answer.header("content-type"), "application/jrd+json");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("cache-control"), "public, max-age=60");
    let href = |path: &str| format!("http://{}/v1/users/acct:b+b=!@example.org/{path}", site.authority());
    let link = |rel: &str, path: &str| json!({ "rel": rel, "type": "application/json", "href": href(path) });
    let links = [link(SIGNATURE_KEYS, "keys"), link(CLAIMS, "claims")];
    let tag = answer.header("etag").to_string();
    assert_eq!(answer.is(200), json!({ "subject": bob.user, "links": links }));
    let list = site.get("/v1/users/acct:b+b=!@example.org/keys").send().await.is(200);
    assert_eq!(list["keys"][0]["id"], bob.key.id());
    let known = site.get("/.well-known/webfinger?resource=acct:b+b%3D!%40example.org");
    known.header("if-none-match", &tag).send().await.is(304);
    let one = ask(&format!("?rel=x&resource=acct:b%2Bb%3D!@example.org&rel={CLAIMS}&unknown=1")).await.is(200);
    assert_eq!(one["links"], json!([links[1]]));
    assert_eq!(ask("?resource=acct:b%2Bb%3D!@example.org&rel=x").await.is(200)["links"], json!([]));
    for (query, status, problem) in [
        ("?resource=acct:nobody@example.org", 404, "unknown-user"),
        ("", 400, "bad-request"),
        ("?resource=", 400, "bad-request"),
        ("?resource=https://example.org/bob", 400, "bad-request"),
        ("?resource=acct:a@example.org&resource=acct:b@example.org", 400, "bad-request"),
        ("?resource=acct:%ff@example.org", 400, "bad-request"),
        ("?resource=acct:a@example.org%2", 400, "bad-request"),
        ("?resource=acct:a@example.org%zz", 400, "bad-request"),
    ] {
        let answer = ask(query).await;
        assert_eq!((answer.status, answer.problem()), (status, problem), "{query}: {:#}", answer.body);
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{query}");
    }
}
