//! What must hold for any request; for fuzzers, and for the test that replays what they found.

mod message;
mod requests;
mod signature;

use std::str::FromStr as _;

use axum::{
    Router,
    http::{HeaderName, HeaderValue, Method, Request, Uri, request::Parts},
};
use data_encoding::BASE64;
use httpsig::prelude::{AlgorithmName, PublicKey, SecretKey, SigningKey as _};
use kpd_directory::{
    ClientName, Policy, SignatureKey, SignatureScheme, UserId,
    keys::{AddKey, Authority, possession_message},
};
use sha2::{Digest as _, Sha256};

use crate::{Config, clock, extract::App, serve::in_process};
use message::Message;

pub use crate::store::durable::fuzzing::{store_file, store_log};
pub use requests::requests;
pub use signature::signature;

/// A directory with a user on it, anew for each input, so that an input does the same each time.
struct House {
    router: Router,
    app: App,
    nonces: u64,
}

impl House {
    async fn new() -> Option<Self> {
        let policy = Policy { lifetime_seconds_max: u64::MAX, ..Policy::default() };
        let (router, app) = in_process(Config { policy, ..Config::new(OPERATOR) }).ok()?;
        let (user, client) = (UserId::parse(BOB).ok()?, ClientName::parse("bob-phone").ok()?);
        let (enrolment_token, _) = app.directory.enrol(&user).await.ok()?;
        let key = listed_key()?;
        let proof = secret_key()?.sign(&possession_message(&user, &client, &key)).ok()?;
        let authority = Authority::EnrolmentToken(enrolment_token);
        let add = AddKey { client, key, proof, authority, expires_at: None };
        app.directory.add_key(&user, &add).await.ok()?;
        Some(Self { router, app, nonces: 0 })
    }

    /// Signs a request as this user's client would.
    fn sign(&mut self, head: &mut Parts, body: &[u8]) -> Option<()> {
        self.nonces += 1;
        let digest = format!("sha-256=:{}:", BASE64.encode(&Sha256::digest(body)));
        let (created, nonce, keyid) = (clock::now(), self.nonces, format!("{BOB}#{}", listed_key()?.id()));
        let mut covered = vec![
            ("@method", head.method.to_string()),
            ("@target-uri", format!("http://{HOST}{}", head.uri)),
            ("content-digest", digest.clone()),
        ];
        if let Some(key) = head.headers.get("idempotency-key") {
            covered.push(("idempotency-key", key.to_str().ok()?.trim().into()));
        }
        let names: Vec<_> = covered.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let input = format!("({});created={created};keyid=\"{keyid}\";nonce=\"{nonce}\"", names.join(" "));
        let lines = covered.into_iter().map(|(name, value)| format!("\"{name}\": {value}\n"));
        let base = format!("{}\"@signature-params\": {input}", lines.collect::<String>());
        let signature = BASE64.encode(&secret_key()?.sign(base.as_bytes()).ok()?);
        for (name, value) in [
            ("content-digest", digest),
            ("signature-input", format!("sig={input}")),
            ("signature", format!("sig=:{signature}:")),
        ] {
            head.headers.insert(name, HeaderValue::from_str(&value).ok()?);
        }
        Some(())
    }
}

fn secret_key() -> Option<SecretKey> {
    SecretKey::from_bytes(&AlgorithmName::Ed25519, &[1; 32]).ok()
}

fn listed_key() -> Option<SignatureKey> {
    let PublicKey::Ed25519(public) = secret_key()?.public_key() else { return None };
    SignatureKey::new(SignatureScheme::Ed25519, public.as_ref()).ok()
}

/// Runs one input to its end.
fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    #[expect(clippy::expect_used, reason = "without a runtime there is nothing to be fuzzed")]
    runtime.expect("a runtime").block_on(work)
}

const HOST: &str = "directory.example.org";
const BOB: &str = "acct:bob@example.org";
const OPERATOR: &str = "operator";

#[cfg(test)]
mod tests;
