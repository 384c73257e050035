//! Somebody with a signature key, who signs requests and makes KeyPackages.

use std::{collections::BTreeMap, sync::Mutex, time::Instant};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use kpd_conformance::{
    binding::render::Rendered,
    mls::{
        MlsClient,
        recipe::{Made, Surroundings},
    },
    seed::Seed,
    signing::{Signer, sign},
    vector::{Proof, Recipe},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub(crate) struct Person {
    pub(crate) user: String,
    pub(crate) client: String,
    pub(crate) key_id: String,
    mls: MlsClient,
}

/// The way to the server, wherever it is now.
pub(crate) struct Way {
    http: reqwest::Client,
    base: Mutex<String>,
    /// The server's clock, as told by the end of an enrolment: tests read none of their own.
    clock: Mutex<Option<(u64, Instant)>>,
    nonces: std::sync::atomic::AtomicU64,
}

/// What came back: status and body.
pub(crate) type Answer = (u16, Value);

impl Person {
    pub(crate) fn new(seed: Seed, user: &str, client: &str) -> Self {
        let user = format!("acct:{user}@example.org");
        let mls = MlsClient::new(&user, seed.child(&user).child(client));
        let key_id = Sha256::new().chain_update(b"ed25519:").chain_update(mls.public_key()).finalize();
        Self { user, client: client.into(), key_id: BASE64URL_NOPAD.encode(&key_id), mls }
    }

    pub(crate) fn keys(&self) -> String {
        format!("/v1/users/{}/keys", self.user)
    }

    pub(crate) fn own(&self, rest: &str) -> String {
        format!("/v1/users/{}/clients/{}/{rest}", self.user, self.client)
    }

    /// The body that adds this client's key.
    pub(crate) fn addition(&self) -> Value {
        let Self { user, client, mls, .. } = self;
        let public_key = BASE64.encode(&mls.public_key());
        let message = format!("key-package-directory add-key v1\n{user}\n{client}\n{public_key}\n");
        json!({
            "client": client,
            "scheme": "ed25519",
            "signature_key": public_key,
            "proof": BASE64.encode(&mls.sign(message.as_bytes())),
        })
    }

    pub(crate) fn make(&self, way: &Way, seed: Seed) -> Made {
        let recipe: Recipe = serde_json::from_value(json!({ "client": self.client })).unwrap();
        let surroundings = Surroundings { now: way.now(), same_init_key_as: None, identity: None, seed };
        self.mls.make(&recipe, &surroundings).unwrap()
    }
}

impl Way {
    pub(crate) fn to(base: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().http1_only().build().unwrap();
        Self { http, base: Mutex::new(base.into()), clock: Mutex::default(), nonces: 0.into() }
    }

    pub(crate) fn moved(&self, base: &str) {
        *self.base.lock().unwrap() = base.into();
    }

    pub(crate) fn now(&self) -> u64 {
        let (then, since) = self.clock.lock().unwrap().expect("somebody was enrolled");
        then + since.elapsed().as_secs()
    }

    /// Lets a user in, with this client's key.
    pub(crate) async fn enrol(&self, person: &Person) -> Option<Answer> {
        let (status, enrolled) =
            self.send("POST", "/v1/users", Some(json!({ "user": person.user })), None, None).await?;
        if status != 201 {
            return Some((status, enrolled));
        }
        self.clock.lock().unwrap().get_or_insert((enrolled["not_after"].as_u64().unwrap() - 86_400, Instant::now()));
        let mut addition = person.addition();
        addition["enrolment_token"] = enrolled["enrolment_token"].clone();
        self.send("POST", &person.keys(), Some(addition), None, None).await
    }

    /// One request; `None` if its answer was lost. Without a signer it is the operator's.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        by: Option<&Person>,
        key: Option<&str>,
    ) -> Option<Answer> {
        let base = self.base.lock().unwrap().clone();
        let mut headers = BTreeMap::new();
        headers.extend(body.is_some().then(|| ("content-type".to_string(), "application/json".to_string())));
        headers.extend(key.map(|key| ("idempotency-key".to_string(), key.to_string())));
        let body = body.map(|body| body.to_string().into_bytes());
        let mut request = Rendered { method: method.into(), path: path.into(), headers, body };
        match by {
            Some(person) => {
                let nonce = self.nonces.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let keyid = format!("{}#{}", person.user, person.key_id);
                let (private_key, now) = (person.mls.private_key(), self.now());
                let nonce = format!("nonce-{nonce}");
                let signer = Signer { private_key, keyid: &keyid, now, nonce, proof: Proof::Good };
                sign(&mut request, &base, &signer).unwrap();
            }
            None => drop(request.headers.insert("authorization".into(), "Bearer operator".into())),
        }
        let mut sent = self.http.request(method.parse().unwrap(), format!("{base}{path}"));
        for (name, value) in &request.headers {
            sent = sent.header(name, value);
        }
        let answer = sent.body(request.body.unwrap_or_default()).send().await.ok()?;
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.ok()?;
        Some((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }
}
