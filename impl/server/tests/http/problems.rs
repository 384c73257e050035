//! Each problem document, word for word.

use data_encoding::BASE64;
use kpd_directory::Policy;
use kpd_server::{Config, Limit, Limits};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Call, Key, Person, Site, package::batch, site::OPERATOR};

struct Cast {
    site: Site,
    bob: Person,
    eve: Person,
}

impl Cast {
    async fn new() -> Self {
        let policy = Policy { stock_max: 3, batch_max: 4, ..Policy::default() };
        Self::with(Config { policy, ..Config::new(OPERATOR) }).await
    }

    async fn with(config: Config) -> Self {
        let site = Site::with(config).await;
        let bob = Person::new("acct:bob@example.org", "bob-phone", Key::ed25519(1));
        let eve = Person::new("acct:eve@example.org", "eve-phone", Key::ed25519(2));
        site.enrol(&bob).await;
        site.enrol(&eve).await;
        Self { site, bob, eve }
    }

    async fn publish(&self, packages: &[&[u8]]) -> Answer {
        self.site.post(self.bob.own("key-packages"), &batch(packages)).by(&self.bob).send().await
    }

    fn regular(&self, seed: &str) -> Vec<u8> {
        self.bob.package(seed, self.site.now()).bytes()
    }
}

/// What depends on the time: lifetimes, and so the references of KeyPackages.
const FILTERS: &[(&str, &str)] = &[
    (r"\b1[0-9]{9}\b", "[time]"),
    (r"\b(9999[0-9]{2}|1000000)\b", "[about a million]"),
    (r"[A-Za-z0-9_-]{43}", "[reference]"),
];

/// Status, headers that matter and body; times and what depends on them aside.
pub(crate) fn snapshot(name: &str, answer: &Answer) {
    let kept = ["content-type", "cache-control", "allow", "www-authenticate", "accept-signature", "retry-after"];
    let headers = kept.iter().filter(|name| answer.headers.contains_key(**name));
    let headers = headers.map(|name| format!("{name}: {}\n", answer.header(name)));
    let text = format!("{}\n{}{:#}", answer.status, headers.collect::<String>(), answer.body);
    insta::with_settings!({ filters => FILTERS.to_vec(), omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

#[tokio::test]
async fn of_requests() {
    let Cast { site, bob, .. } = Cast::new().await;
    let publish = || site.post(bob.own("key-packages"), &json!({}));
    snapshot("not-found", &site.get("/v2/users").send().await);
    snapshot("method-not-allowed", &site.get(bob.claims()).send().await);
    snapshot("bad-user", &site.get("/v1/users/bob/keys").send().await);
    snapshot("bad-percent-encoding", &site.get("/v1/users/%ff/keys").send().await);
    snapshot("bad-query", &site.get(bob.own("notifications?after=x")).by(&bob).send().await);
    snapshot("unknown-query", &site.get(bob.own("notifications?since=1")).by(&bob).send().await);
    snapshot("bad-json", &publish().bytes("{\n  \"key_packages\": [}").by(&bob).send().await);
    snapshot("unknown-member", &publish().bytes(r#"{"keyPackages": []}"#).by(&bob).send().await);
    let repeated = r#"{"key_packages": [], "key_packages": []}"#;
    snapshot("repeated-member", &publish().bytes(repeated).by(&bob).send().await);
    snapshot("array-for-object", &publish().bytes("[[]]").by(&bob).send().await);
    let unpadded = r#"{"key_packages": [{"key_package": "AAA"}]}"#;
    snapshot("bad-base64", &publish().bytes(unpadded).by(&bob).send().await);
    let text =
        Call::new(&site, Method::POST, bob.own("key-packages")).bytes("hello").header("content-type", "text/plain");
    snapshot("unsupported-media-type", &text.by(&bob).send().await);
    let large = Call::new(&site, Method::POST, bob.own("key-packages")).bytes(vec![b' '; 5 * 1024 * 1024]);
    snapshot("body-too-large", &large.by(&bob).send().await);
    let key = site.post(bob.claims(), &json!({})).header("idempotency-key", "two words").by(&bob);
    snapshot("bad-idempotency-key", &key.send().await);
    snapshot("problem-not-found", &site.get("/problems/nothing").send().await);
}

#[tokio::test]
async fn of_authors() {
    let Cast { site, bob, eve } = Cast::new().await;
    snapshot("unauthenticated", &site.post(bob.claims(), &json!({})).send().await);
    let stale = crate::support::Signing { created_offset: -3_600, ..Default::default() };
    snapshot("stale", &site.get(bob.own("stock")).by(&bob).signing(stale).send().await);
    snapshot("operator-only", &site.post("/v1/users", &json!({ "user": "acct:a@example.org" })).send().await);
    snapshot("not-owner", &site.get(bob.own("stock")).by(&eve).send().await);
    let removal = Call::new(&site, Method::DELETE, format!("{}/{}", bob.keys(), bob.key.id()));
    snapshot("not-owner-of-keys", &removal.by(&eve).send().await);
}

#[tokio::test]
async fn of_users_and_keys() {
    let Cast { site, bob, eve } = Cast::new().await;
    snapshot("unknown-user", &site.get("/v1/users/acct:nobody@example.org/keys").send().await);
    let unknown_key = Call::new(&site, Method::DELETE, format!("{}/{}", bob.keys(), "A".repeat(43)));
    snapshot("unknown-key", &unknown_key.by(&bob).send().await);
    let operator = ("authorization", format!("Bearer {OPERATOR}"));
    let again = site.post("/v1/users", &json!({ "user": bob.user })).header(operator.0, &operator.1);
    snapshot("already-enrolled", &again.send().await);
    let tablet = Person::new(bob.user, "bob-tablet", Key::ed25519(3));
    let mut with_token = tablet.addition();
    with_token["enrolment_token"] = "wrong".into();
    snapshot("invalid-token", &site.post(bob.keys(), &with_token).send().await);
    snapshot("key-without-authority", &site.post(bob.keys(), &tablet.addition()).send().await);
    snapshot("key-by-somebody-else", &site.post(bob.keys(), &tablet.addition()).by(&eve).send().await);
    let unproven = tablet.addition_proven_by(&bob.key);
    snapshot("invalid-proof", &site.post(bob.keys(), &unproven).by(&bob).send().await);
    let stolen = Person::new(bob.user, "bob-tablet", Key::ed25519(2));
    snapshot("key-taken", &site.post(bob.keys(), &stolen.addition()).by(&bob).send().await);
    let removal = |by| Call::new(&site, Method::DELETE, format!("/v1/users/{}/clients/bob-tablet", bob.user)).by(by);
    snapshot("remove-unknown-client", &removal(&bob).send().await);
    snapshot("remove-client-of-another", &removal(&eve).send().await);
    let mut late = tablet.addition();
    late["expires_at"] = (site.now() - 60).into();
    snapshot("key-that-has-ended", &site.post(bob.keys(), &late).by(&bob).send().await);
    let mut short = tablet.addition();
    short["signature_key"] = BASE64.encode(&[1; 31]).into();
    snapshot("key-of-wrong-length", &site.post(bob.keys(), &short).by(&bob).send().await);
}

#[tokio::test]
async fn of_ends_of_keys() {
    let Cast { site, bob, .. } = Cast::new().await;
    let tablet = Person::new(bob.user, "bob-tablet", Key::ed25519(3));
    let mut addition = tablet.addition();
    addition["expires_at"] = (site.now() + 1_000).into();
    site.post(bob.keys(), &addition).by(&bob).send().await.is(201);
    let extend = |of: &Person, expires_at: u64| {
        let path = format!("{}/{}", of.keys(), of.key.id());
        Call::new(&site, Method::PATCH, path).json(&json!({ "expires_at": expires_at })).by(&bob).send()
    };
    snapshot("expiry-not-forward", &extend(&tablet, site.now() + 900).await);
    snapshot("expiry-of-a-key-without", &extend(&bob, site.now() + 900).await);
    let stranger = Person::new(bob.user, "bob-tablet", Key::ed25519(4));
    snapshot("extend-unknown-key", &extend(&stranger, site.now() + 900).await);
    let removal = Call::new(&site, Method::DELETE, format!("{}/{}", bob.keys(), tablet.key.id()));
    removal.by(&bob).send().await.is(204);
    snapshot("key-ended", &extend(&tablet, site.now() + 2_000).await);
    let verify = |query: &str| site.get(format!("/v1/users/{}/verify{query}", bob.user)).send();
    snapshot("verify-nothing", &verify("").await);
    snapshot("verify-no-base64url", &verify("?signature_key=a%2Bb").await);
}

#[tokio::test]
async fn of_batches() {
    let cast = Cast::new().await;
    snapshot("batch-empty", &cast.publish(&[]).await);
    snapshot("batch-too-large", &cast.publish(&[b"x".as_slice(); 5]).await);
    let packages = ["a", "b", "c", "d"].map(|seed| cast.regular(seed));
    snapshot("stock-full", &cast.publish(&packages.each_ref().map(Vec::as_slice)).await);
}

#[tokio::test]
async fn of_key_packages() {
    let cast = Cast::new().await;
    let now = cast.site.now();
    let good = || cast.bob.package("good", now);
    let tablet = Key::ed25519(9);
    let used = cast.regular("used");
    let withdrawal = json!({ "references": [crate::support::package::reference(&used)] });
    cast.publish(&[&used]).await.is(201);
    cast.site.post(cast.bob.own("key-packages/withdrawals"), &withdrawal).by(&cast.bob).send().await.is(200);
    let mut version = good().bytes();
    version[1] = 2;
    let mut differing = [vec![0, 1, 0, 5], good().bytes()].concat();
    differing[5] = 2;
    let not_before = now + 86_400;
    let cases: [(&str, Vec<u8>); 18] = [
        ("malformed", [good().bytes(), vec![0]].concat()),
        ("unsupported-version", version),
        ("versions-differ", differing),
        ("unsupported-cipher-suite", crate::support::Recipe { suite: 7, ..good() }.bytes()),
        ("wrong-leaf-node-source", crate::support::Recipe { source: 2, ..good() }.bytes()),
        ("invalid-leaf-node-signature", crate::support::Recipe { leaf_spoilt: true, ..good() }.bytes()),
        ("unlisted-credential", crate::support::Recipe { credential: 2, ..good() }.bytes()),
        ("unsupported-credential", crate::support::Recipe { credential: 2, credential_type: 2, ..good() }.bytes()),
        ("invalid-signature", crate::support::Recipe { spoilt: true, ..good() }.bytes()),
        ("keys-equal", crate::support::Recipe { equal_keys: true, ..good() }.bytes()),
        ("unlisted-extension", crate::support::Recipe { extensions: vec![0xff01], ..good() }.bytes()),
        ("not-yet-valid", crate::support::Recipe { not_before, ..good() }.bytes()),
        ("expired", crate::support::Recipe { not_after: now - 60, ..good() }.bytes()),
        ("lifetime-too-long", crate::support::Recipe { not_after: now + 1_000 * 86_400, ..good() }.bytes()),
        ("identity-mismatch", crate::support::Recipe { identity: "acct:eve@example.org", ..good() }.bytes()),
        ("signer-not-listed", crate::support::Recipe { key: &tablet, ..good() }.bytes()),
        ("already-used", used),
        ("init-key-reused", crate::support::Recipe { init_key_of: Some("used"), ..good() }.bytes()),
    ];
    for (kind, bytes) in cases {
        let answer = cast.publish(&[&good().bytes(), &bytes]).await;
        assert_eq!(answer.body["items"][0]["index"], 1);
        assert_eq!(answer.body["items"][0]["type"], format!("/problems/{kind}"), "{:#}", answer.body);
        snapshot(kind, &answer);
    }
    let role_conflict = crate::support::Recipe { init_key_of: Some("used"), ..good().last_resort() }.bytes();
    snapshot("role-conflict", &cast.publish(&[&role_conflict]).await);
    let (y, z) = (cast.bob.package("y", now).last_resort().bytes(), cast.bob.package("z", now).last_resort().bytes());
    snapshot("two-last-resorts", &cast.publish(&[&y, &z]).await);
    let declared = json!({ "key_packages": [{ "key_package": BASE64.encode(&y), "role": "regular" }] });
    let contradiction = cast.site.post(cast.bob.own("key-packages"), &declared).by(&cast.bob);
    snapshot("role-contradicted", &contradiction.send().await);
    snapshot("too-large", &cast.publish(&[&vec![0; 20_000]]).await);
    let stock = cast.site.get(cast.bob.own("stock")).by(&cast.bob).send().await.is(200);
    assert_eq!(stock["suites"][0]["regular"], 0, "nothing of all this was published");
}

#[tokio::test]
async fn of_claims_and_feeds() {
    let Cast { site, bob, eve } = Cast::new().await;
    let claim = |body: &Value| site.post(bob.claims(), body).header("idempotency-key", "key").by(&eve);
    claim(&json!({})).send().await.is(200);
    snapshot("idempotency-mismatch", &claim(&json!({ "cipher_suites": [1] })).send().await);
    let nobody = site.post("/v1/users/acct:nobody@example.org/claims", &json!({})).by(&eve);
    snapshot("claim-unknown-user", &nobody.send().await);
    let too_far = site.post(bob.own("notifications/acknowledgements"), &json!({ "through": 1 })).by(&bob);
    snapshot("acknowledged-too-far", &too_far.send().await);
}

#[tokio::test]
async fn of_limits_and_blocks() {
    let one = Some(Limit { claims: 1, seconds: 1_000_000 });
    for (name, limits) in [
        ("rate-limited", Limits { pair: one, ..Limits::NONE }),
        ("rate-limited-requester", Limits { requester: one, ..Limits::NONE }),
    ] {
        let config = Config { policy: Policy { limits, ..Policy::default() }, ..Config::new(OPERATOR) };
        let Cast { site, bob, eve } = Cast::with(config).await;
        let claim = || site.post(bob.claims(), &json!({})).by(&eve);
        claim().send().await.is(200);
        snapshot(name, &claim().send().await);
    }
    let Cast { site, bob, eve } = Cast::new().await;
    let block = |body: &Value| site.post(format!("/v1/users/{}/blocks", bob.user), body);
    snapshot("block-of-nobody", &block(&json!({})).by(&bob).send().await);
    let both = json!({ "requester": eve.user, "server": "example.org" });
    snapshot("block-of-two", &block(&both).by(&bob).send().await);
    snapshot("block-by-somebody-else", &block(&json!({ "server": "example.org" })).by(&eve).send().await);
    block(&json!({ "requester": eve.user })).by(&bob).send().await.is(204);
    snapshot("claim-while-blocked", &site.post(bob.claims(), &json!({})).by(&eve).send().await);
}

#[tokio::test]
async fn every_type_is_explained() {
    let Cast { site, .. } = Cast::new().await;
    let explained = site.get("/problems/already-used").send().await.is(200);
    insta::assert_json_snapshot!("explanation", explained);
}
