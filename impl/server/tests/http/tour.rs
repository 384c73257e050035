//! A walk through all that a directory promises, told in lines that depend on nothing but the server's behaviour.

mod claims;
mod expiry;
mod keys;
mod last_resort;
mod life;
mod limits;
mod publish;
mod restart;
mod waiting;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use kpd_directory::{
    Policy,
    policy::{DrainAlert, Limits, Selection},
};
use kpd_server::{Config, Mutant, store::Stores};
use serde_json::{Value, json};

use crate::support::{
    Answer, Call, Key, Person, Recipe, Site,
    package::{batch, reference},
    site::OPERATOR,
};

pub(crate) struct Tour {
    site: Site,
    alice: Person,
    eve: Person,
    /// What the packages are called.
    names: BTreeMap<String, String>,
    lines: Vec<String>,
    /// When it was ready, and how long that took: the site's clock is so late at most.
    begun: Instant,
    late_by: Duration,
}

/// Everything, on servers of its own, at the same time: some wait for what is limited or ends. What was too slow for its
/// own times, on a machine that has too much to do, is walked again.
pub(crate) async fn walk(mutant: Option<Mutant>) -> Vec<String> {
    let (unlimited, limited, restarted, expiring) = tokio::join!(
        walk_unlimited(mutant),
        in_time(|| limits::walk_limited(mutant)),
        restart::walk_restarted(mutant),
        in_time(|| expiry::walk_expiring(mutant))
    );
    [unlimited, limited, restarted, expiring].concat()
}

async fn in_time<W: Future<Output = Option<Vec<String>>>>(walk: impl Fn() -> W) -> Vec<String> {
    for _ in 0..WALKS_MAX {
        if let Some(lines) = walk().await {
            return lines;
        }
    }
    panic!("this machine is too slow for what has to happen in seconds")
}

const WALKS_MAX: usize = 8;

async fn walk_unlimited(mutant: Option<Mutant>) -> Vec<String> {
    let drain = Some(DrainAlert { percent: 50, at_least: 2, seconds: 3_600 });
    let (stock_max, low_water, limits) = (9, 3, Limits::NONE);
    let policy = Policy { selection: Selection::Fifo, stock_max, low_water, limits, drain, ..Policy::default() };
    let mut tour = Tour::on(policy, mutant).await;
    let declared = tour.site.get("/v1/policy").send().await.is(200);
    tour.tell("declared selection", declared["selection"].clone());
    tour.publishing().await;
    tour.framing().await;
    tour.claiming().await;
    tour.asking().await;
    tour.at_once().await;
    tour.last_resorts().await;
    tour.keys().await;
    tour.replacing().await;
    tour.comparing().await;
    tour.half_lives().await;
    tour.removing().await;
    tour.waiting().await;
    crate::document::says_all_of(&tour.site).await;
    tour.site.stop().await;
    tour.lines
}

impl Tour {
    /// With Alice and Eve, who ask.
    async fn on(policy: Policy, mutant: Option<Mutant>) -> Self {
        Self::over(Stores::in_memory(), policy, mutant).await
    }

    async fn over(stores: Stores, policy: Policy, mutant: Option<Mutant>) -> Self {
        let started = Instant::now();
        let site = Site::over(stores, Config { policy, mutant, ..Config::new(OPERATOR) }, false).await;
        let late_by = started.elapsed();
        let alice = Person::new("acct:alice@example.org", "alice-laptop", Key::ed25519(1));
        let eve = Person::new("acct:eve@example.org", "eve-laptop", Key::ed25519(2));
        site.enrol(&alice).await;
        site.enrol(&eve).await;
        Self { site, alice, eve, names: BTreeMap::new(), lines: vec![], begun: Instant::now(), late_by }
    }

    /// Whether what was to happen within so many seconds of the beginning did, a second aside.
    fn is_within(&self, seconds: u64) -> bool {
        self.begun.elapsed() + self.late_by < Duration::from_secs(seconds - 1)
    }

    fn tell(&mut self, what: &str, value: impl Into<Value>) {
        let value: Value = value.into();
        let mut line = format!("{what}: {}", value.as_str().map_or_else(|| value.to_string(), Into::into));
        for (reference, name) in &self.names {
            line = line.replace(reference, name);
        }
        self.lines.push(line);
    }

    /// The status, and the problem if it is one.
    fn tell_status(&mut self, what: &str, answer: &Answer) {
        let kinds = answer.body["items"].as_array().into_iter().flatten().map(|item| &item["type"]);
        let kinds: Vec<_> = std::iter::once(&answer.body["type"]).chain(kinds).filter_map(Value::as_str).collect();
        let kinds: Vec<_> = kinds.into_iter().map(|kind| kind.trim_start_matches("/problems/")).collect();
        self.tell(what, format!("{} {}", answer.status, kinds.join(" ")).trim());
    }

    /// A new user with one client.
    async fn owner(&self, user: &'static str, seed: u8) -> Person {
        let owner = Person::new(user, "phone", Key::ed25519(seed));
        self.site.enrol(&owner).await;
        owner
    }

    /// The bytes of a recipe, under its seed's name.
    fn make(&mut self, recipe: &Recipe<'_>) -> Vec<u8> {
        let bytes = recipe.bytes();
        self.names.insert(reference(&bytes), recipe.seed.into());
        bytes
    }

    fn regular(&mut self, owner: &Person, seed: &str) -> Vec<u8> {
        let recipe = owner.package(seed, self.site.now());
        self.make(&recipe)
    }

    fn last_resort(&mut self, owner: &Person, seed: &str) -> Vec<u8> {
        let recipe = owner.package(seed, self.site.now()).last_resort();
        self.make(&recipe)
    }

    async fn publish(&self, owner: &Person, packages: &[&[u8]]) -> Answer {
        self.site.post(owner.own("key-packages"), &batch(packages)).by(owner).send().await
    }

    fn claim<'a>(&'a self, of: &Person, body: &Value) -> Call<'a> {
        self.site.post(of.claims(), body).by(&self.alice)
    }

    /// What each client gave, without the bytes.
    async fn tell_claim(&mut self, what: &str, of: &Person, body: Value) {
        let answer = self.claim(of, &body).send().await;
        self.tell_claimed(what, &answer);
    }

    fn tell_claimed(&mut self, what: &str, answer: &Answer) {
        let clients = answer.body["clients"].as_array().into_iter().flatten();
        let given = clients.map(|given| format!("{} {} {}", given["client"], given["status"], given["reference"]));
        let given: Vec<_> = given.map(|given| given.replace('"', "").replace(" null", "")).collect();
        self.tell(what, if given.is_empty() { answer.status.to_string() } else { given.join(", ") });
    }

    async fn tell_stock(&mut self, what: &str, of: &Person) {
        let stock = self.site.get(of.own("stock")).by(of).send().await;
        self.tell(what, stock.body["suites"].clone());
    }

    async fn notes(&self, of: &Person) -> Vec<Value> {
        let notes = self.site.get(of.own("notifications")).by(of).send().await.is(200);
        notes["notifications"].as_array().unwrap().clone()
    }

    async fn tell_notes(&mut self, what: &str, of: &Person) {
        let notes = self.notes(of).await.into_iter().map(|note| {
            let first = if note["first_use"] == true { " first" } else { "" };
            let by = note["requester"]["user"].as_str().unwrap();
            let low = if note["low"] == true { ", few" } else { "" };
            format!(
                "{} {} {} to {by}{first}, {} left{low}",
                note["sequence"], note["role"], note["reference"], note["remaining"]
            )
        });
        let notes: Vec<_> = notes.map(|note| note.replace('"', "")).collect();
        self.tell(what, json!(notes));
    }
}
