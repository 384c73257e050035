//! A server with its operator, and the people on it.

use std::{sync::Mutex, time::Instant};

use data_encoding::BASE64;
use kpd_directory::{ClientName, UserId, keys::possession_message};
use kpd_server::{Config, Running, store::Stores};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Call, Key, Recipe};

pub(crate) const OPERATOR: &str = "operator's secret";
const DAY: u64 = 86_400;

pub(crate) struct Site {
    pub(crate) running: Running,
    scheme: &'static str,
    pub(crate) http: reqwest::Client,
    /// The server's clock, as told by its first answer: the tests read none of their own.
    clock: (u64, Instant),
    /// Method, path and status of all answers.
    pub(crate) seen: Mutex<Vec<(Method, String, u16)>>,
}

/// A client of a user.
pub(crate) struct Person {
    pub(crate) user: &'static str,
    pub(crate) client: &'static str,
    pub(crate) key: Key,
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::with(Config::new(OPERATOR)).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        Self::over(Stores::in_memory(), config, false).await
    }

    pub(crate) async fn over(stores: Stores, config: Config, http2: bool) -> Self {
        // The second time it says that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy();
        let client = if http2 { client.http2_prior_knowledge() } else { client.http1_only() };
        Self::with_client(stores, config, client.build().unwrap()).await
    }

    pub(crate) async fn with_client(stores: Stores, config: Config, http: reqwest::Client) -> Self {
        let scheme = if config.tls.is_some() { "https" } else { "http" };
        let running = kpd_server::start_over(stores, config).await.unwrap();
        let mut site = Self { running, scheme, http, clock: (0, Instant::now()), seen: Mutex::default() };
        let not_after = site.enrolled("acct:clock@example.org").await["not_after"].as_u64().unwrap();
        site.clock = (not_after - DAY, Instant::now());
        site
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.0 + self.clock.1.elapsed().as_secs()
    }

    pub(crate) fn authority(&self) -> String {
        self.running.address().to_string()
    }

    pub(crate) fn base(&self) -> String {
        format!("{}://{}", self.scheme, self.authority())
    }

    pub(crate) async fn stop(self) {
        self.running.shutdown().await;
    }

    pub(crate) fn get(&self, path: impl Into<String>) -> Call<'_> {
        Call::new(self, Method::GET, path)
    }

    pub(crate) fn post(&self, path: impl Into<String>, body: &Value) -> Call<'_> {
        Call::new(self, Method::POST, path).json(body)
    }

    pub(crate) async fn enrolled(&self, user: &str) -> Value {
        let call = self.post("/v1/users", &json!({ "user": user }));
        call.header("authorization", &format!("Bearer {OPERATOR}")).send().await.is(201)
    }

    /// Lets a user in, with this client's key.
    pub(crate) async fn enrol(&self, person: &Person) {
        let enrolled = self.enrolled(person.user).await;
        let mut body = person.addition();
        body["enrolment_token"] = enrolled["enrolment_token"].clone();
        self.post(person.keys(), &body).send().await.is(201);
    }

    /// An owner and a requester, let in.
    pub(crate) async fn bob_and_alice(&self) -> (Person, Person) {
        let bob = Person::new("acct:bob@example.org", "bob-phone", Key::ed25519(1));
        let alice = Person::new("acct:alice@example.org", "alice-laptop", Key::ed25519(2));
        self.enrol(&bob).await;
        self.enrol(&alice).await;
        (bob, alice)
    }

    /// Adds a client with the help of another.
    pub(crate) async fn add(&self, person: &Person, by: &Person) {
        self.post(person.keys(), &person.addition()).by(by).send().await.is(201);
    }
}

impl Person {
    pub(crate) fn new(user: &'static str, client: &'static str, key: Key) -> Self {
        Self { user, client, key }
    }

    pub(crate) fn keys(&self) -> String {
        format!("/v1/users/{}/keys", self.user)
    }

    pub(crate) fn claims(&self) -> String {
        format!("/v1/users/{}/claims", self.user)
    }

    /// A path below the client's own.
    pub(crate) fn own(&self, rest: &str) -> String {
        format!("/v1/users/{}/clients/{}/{rest}", self.user, self.client)
    }

    /// The body that adds this client's key.
    pub(crate) fn addition(&self) -> Value {
        self.addition_proven_by(&self.key)
    }

    pub(crate) fn addition_proven_by(&self, key: &Key) -> Value {
        let (user, client) = (UserId::parse(self.user).unwrap(), ClientName::parse(self.client).unwrap());
        let message = possession_message(&user, &client, &self.key.listed());
        json!({
            "client": self.client,
            "scheme": self.key.scheme_name(),
            "signature_key": self.key.public_base64(),
            "proof": BASE64.encode(&key.sign_mls(&message)),
        })
    }

    pub(crate) fn package<'a>(&'a self, seed: &'a str, now: u64) -> Recipe<'a> {
        Recipe::new(self.user, &self.key, seed, now)
    }
}
