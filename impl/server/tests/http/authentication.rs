//! Whose request it is: every way to be somebody, and the ways to fail.

use data_encoding::BASE64;
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Call, Key, Person, Signing, Site, call::digest, package::batch};

struct Cast {
    site: Site,
    bob: Person,
    alice: Person,
}

impl Cast {
    /// Bob has one KeyPackage, which must still be there after every failure.
    async fn new() -> Self {
        let bob = Person::new("acct:bob@example.org", "bob-phone", Key::ed25519(1));
        let alice = Person::new("acct:alice@example.org", "alice-laptop", Key::ed25519(2));
        let site = Site::start().await;
        site.enrol(&bob).await;
        site.enrol(&alice).await;
        let package = bob.package("a", site.now()).bytes();
        site.post(bob.own("key-packages"), &batch(&[&package])).by(&bob).send().await.is(201);
        Self { site, bob, alice }
    }

    fn claim(&self) -> Call<'_> {
        self.site.post(self.bob.claims(), &json!({})).by(&self.alice)
    }

    fn signing(&self, options: Signing) -> Call<'_> {
        self.claim().signing(options)
    }

    /// The answer says why, and nothing was consumed.
    #[track_caller]
    fn refused(answer: &Answer, reason: &str) {
        assert_eq!((answer.status, answer.problem()), (401, "unauthenticated"), "{:#}", answer.body);
        assert_eq!(answer.body["reason"], reason, "{:#}", answer.body);
        assert!(answer.header("accept-signature").starts_with("sig=(\"@method\" \"@target-uri\""));
        assert_eq!(answer.header("www-authenticate"), "Signature");
    }

    async fn nothing_happened(&self) {
        let stock = self.site.get(self.bob.own("stock")).by(&self.bob).send().await.is(200);
        assert_eq!(stock["suites"][0]["regular"], 1);
    }
}

#[tokio::test]
async fn what_is_missing_or_malformed() {
    let cast = Cast::new().await;
    let unsigned = cast.site.post(cast.bob.claims(), &json!({}));
    Cast::refused(&unsigned.send().await, "missing");
    Cast::refused(&cast.claim().signed().forge("signature", |_| "sig=:AAAA".into()).send().await, "malformed");
    Cast::refused(&cast.claim().signed().forge("signature", |_| "other=:AAAA:".into()).send().await, "malformed");
    Cast::refused(&cast.claim().signed().forge("signature-input", |_| "sig=1".into()).send().await, "malformed");
    let twice = |value: &str| format!("{value}, second{}", value.trim_start_matches("sig"));
    Cast::refused(&cast.claim().signed().forge("signature-input", twice).send().await, "malformed");
    for parameter in ["created", "nonce", "keyid"] {
        let without = |value: &str| value.replace(parameter, "unknown");
        Cast::refused(&cast.claim().signed().forge("signature-input", without).send().await, "malformed");
    }
    for keyid in ["", "acct:alice@example.org", "alice#A", "acct:alice@example.org#short"] {
        let options = Signing { keyid: Some(keyid.into()), ..Signing::default() };
        Cast::refused(&cast.signing(options).send().await, "malformed");
    }
    let nonce = Some("n".repeat(129));
    Cast::refused(&cast.signing(Signing { nonce, ..Signing::default() }).send().await, "malformed");
    let alg = Some("ecdsa-p256-sha256".into());
    Cast::refused(&cast.signing(Signing { alg, ..Signing::default() }).send().await, "malformed");
    cast.nothing_happened().await;
}

#[tokio::test]
async fn what_is_not_covered() {
    let cast = Cast::new().await;
    let with_query = || cast.site.get(cast.bob.own("notifications?after=0")).by(&cast.bob);
    let covering = |covered: &[&'static str]| Signing { covered: Some(covered.to_vec()), ..Signing::default() };
    for covered in [
        &["@target-uri", "content-digest"][..],
        &["@method", "content-digest"],
        &["@method", "@target-uri"],
        &["@method", "@path", "content-digest"],
        &["@method", "@authority", "content-digest"],
        &["@method", "@method", "@target-uri", "content-digest"],
        &["@method", "@target-uri", "content-digest", "x-not-sent"],
        &["@method", "@target-uri", "content-digest", "@status"],
    ] {
        Cast::refused(&cast.signing(covering(covered)).send().await, "malformed");
    }
    let keyed = || cast.claim().header("idempotency-key", "k");
    let without_key = covering(&["@method", "@target-uri", "content-digest"]);
    Cast::refused(&keyed().signing(without_key).send().await, "malformed");
    let without_query = covering(&["@method", "@authority", "@path"]);
    Cast::refused(&with_query().signing(without_query).send().await, "malformed");
    let in_parts = covering(&["@method", "@authority", "@path", "@query"]);
    with_query().signing(in_parts).send().await.is(200);
    cast.nothing_happened().await;
    let in_parts = covering(&["content-type", "@path", "@authority", "idempotency-key", "content-digest", "@method"]);
    keyed().signing(in_parts).send().await.is(200);
}

#[tokio::test]
async fn the_parameters_may_stand_in_any_order() {
    let cast = Cast::new().await;
    cast.signing(Signing { parameters_first: true, ..Signing::default() }).send().await.is(200);
}

#[tokio::test]
async fn what_is_stale() {
    let cast = Cast::new().await;
    for created_offset in [-3_600, -65, 65, 3_600] {
        Cast::refused(&cast.signing(Signing { created_offset, ..Signing::default() }).send().await, "stale");
    }
    let expires_offset = Some(-2);
    Cast::refused(&cast.signing(Signing { expires_offset, ..Signing::default() }).send().await, "stale");
    cast.nothing_happened().await;
    for created_offset in [-50, 50] {
        let options = Signing { created_offset, expires_offset: Some(60), ..Signing::default() };
        cast.signing(options).send().await.is(200);
    }
}

#[tokio::test]
async fn what_is_replayed() {
    let cast = Cast::new().await;
    let once = || Signing { nonce: Some("once".into()), ..Signing::default() };
    let reading = || cast.site.get(cast.bob.own("stock")).by(&cast.bob);
    reading().signing(once()).send().await.is(200);
    Cast::refused(&reading().signing(once()).send().await, "replayed");
    // A forgery with somebody's nonce does not use the nonce up.
    let forged = cast.signing(once()).signed().forge("signature", tampered);
    Cast::refused(&forged.send().await, "invalid");
    cast.nothing_happened().await;
    cast.signing(once()).send().await.is(200);
}

#[tokio::test]
async fn what_is_tampered_with() {
    let cast = Cast::new().await;
    let mut path = cast.claim().signed();
    path.path = cast.alice.claims();
    Cast::refused(&path.send().await, "invalid");
    let mut method = cast.site.get(cast.bob.own("stock")).by(&cast.bob).signed();
    method.method = Method::HEAD;
    assert_eq!(method.send().await.status, 401);
    let mut query = cast.site.get(cast.bob.own("notifications?after=0")).by(&cast.bob).signed();
    query.path = cast.bob.own("notifications?after=1");
    Cast::refused(&query.send().await, "invalid");
    let mut body = cast.claim().signed();
    body.body = b"{ }".to_vec();
    Cast::refused(&body.send().await, "digest-mismatch");
    let mut with_digest = cast.claim().signed().forge("content-digest", |_| digest(b"{ }"));
    with_digest.body = b"{ }".to_vec();
    Cast::refused(&with_digest.send().await, "invalid");
    let mut key = cast.claim().header("idempotency-key", "a").signed();
    key.headers.iter_mut().filter(|(name, _)| name == "idempotency-key").for_each(|(_, value)| *value = "b".into());
    Cast::refused(&key.send().await, "invalid");
    let host = cast.claim().signed().header("host", "elsewhere.example");
    Cast::refused(&host.send().await, "invalid");
    Cast::refused(&cast.claim().signed().forge("signature", tampered).send().await, "invalid");
    let sha512 = |_: &str| "sha-512=:AAAA:".to_string();
    Cast::refused(&cast.claim().signed().forge("content-digest", sha512).send().await, "malformed");
    cast.nothing_happened().await;
}

#[tokio::test]
async fn whose_key_it_is_not() {
    let cast = Cast::new().await;
    let stranger = Person::new("acct:alice@example.org", "alice-laptop", Key::ed25519(9));
    let by_stranger = || cast.site.post(cast.bob.claims(), &json!({})).by(&stranger);
    Cast::refused(&by_stranger().send().await, "unknown-key");
    let keyid = Some(format!("acct:alice@example.org#{}", cast.alice.key.id()));
    Cast::refused(&by_stranger().signing(Signing { keyid, ..Signing::default() }).send().await, "invalid");
    let nobody = Person::new("acct:nobody@example.org", "alice-laptop", Key::ed25519(2));
    Cast::refused(&cast.site.post(cast.bob.claims(), &json!({})).by(&nobody).send().await, "unknown-key");
    let removal = format!("{}/{}", cast.alice.keys(), cast.alice.key.id());
    let remove = || Call::new(&cast.site, Method::DELETE, removal.clone()).by(&cast.alice);
    remove().send().await.is(204);
    Cast::refused(&remove().send().await, "unknown-key");
    Cast::refused(&cast.claim().send().await, "unknown-key");
    cast.nothing_happened().await;
}

#[tokio::test]
async fn a_server_that_knows_its_origin_takes_no_request_for_another() {
    let origin = kpd_server::Origin::parse("https://directory.example.org").unwrap();
    let config = kpd_server::Config { origin: Some(origin), ..kpd_server::Config::new(crate::support::site::OPERATOR) };
    let site = Site::with(config).await;
    let alice = Person::new("acct:alice@example.org", "alice-laptop", Key::ed25519(2));
    site.enrol(&alice).await;
    Cast::refused(&site.get(alice.own("stock")).by(&alice).send().await, "invalid");
}

fn tampered(signature: &str) -> String {
    let mut bytes = BASE64.decode(signature.trim_start_matches("sig=:").trim_end_matches(':').as_bytes()).unwrap();
    bytes[5] ^= 1;
    format!("sig=:{}:", BASE64.encode(&bytes))
}
