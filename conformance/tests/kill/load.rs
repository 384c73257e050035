//! The load: owners who publish, withdraw, read, add and remove keys and block; and each of them claims from all.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use kpd_conformance::seed::Seed;
use rand::{RngExt as _, rngs::StdRng};
use serde_json::{Value, json};

use crate::{
    WORKERS,
    person::{Answer, Person, Way},
};

/// What all of them share, and all that was seen.
pub(crate) struct Load {
    pub(crate) way: Way,
    seed: Seed,
    begun: Instant,
    pub(crate) seen: Mutex<Vec<Seen>>,
}

/// Something that was asked.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// By their references.
    Publish(Vec<(String, Vec<u8>)>),
    Claim {
        of: usize,
        by: Arc<Person>,
        key: String,
    },
    Withdraw(String),
    Acknowledge(u64),
    AddKey(Arc<Person>),
    RemoveKey(Arc<Person>),
    Block(String),
}

/// What came of it, and when (microseconds since the beginning).
pub(crate) struct Seen {
    pub(crate) owner: usize,
    pub(crate) deed: Deed,
    pub(crate) begun: u64,
    pub(crate) ended: u64,
    pub(crate) answer: Option<Answer>,
}

/// One owner, who does one thing at a time.
pub(crate) struct Worker {
    pub(crate) load: Arc<Load>,
    pub(crate) place: usize,
    pub(crate) person: Person,
    rng: StdRng,
    /// Whom it claims as, until a limit is met.
    requester: Arc<Person>,
    /// Whom it blocks sooner or later.
    pub(crate) eve: Person,
    /// Whose limit was met.
    spent: Vec<Arc<Person>>,
    requesters: usize,
    /// What has no answer yet: it is asked again, the same.
    pending: Option<Deed>,
    pub(crate) published: Vec<String>,
    pub(crate) withdrawn: BTreeSet<String>,
    /// Whatever was told, by sequence: reference and requester.
    pub(crate) told: BTreeMap<u64, (String, String)>,
    pub(crate) acknowledged: u64,
    /// Keys of other clients that are on the list, and those that are no longer.
    pub(crate) listed: Vec<Arc<Person>>,
    pub(crate) removed: Vec<Arc<Person>>,
    pub(crate) blocked: BTreeSet<String>,
    /// What was answered wrongly on the way.
    pub(crate) wrong: Vec<String>,
    count: usize,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.user, self.client)
    }
}

impl Load {
    pub(crate) fn new(seed: Seed, base: &str) -> Self {
        Self { way: Way::to(base), seed, begun: Instant::now(), seen: Mutex::default() }
    }

    pub(crate) fn moved(&self, base: &str) {
        self.way.moved(base);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).unwrap()
    }

    /// Waits for so many answers more, or until it is clear that there are none.
    pub(crate) async fn has_answered(&self, count: usize) {
        let due = self.seen.lock().unwrap().len() + count;
        let begun = Instant::now();
        while self.seen.lock().unwrap().len() < due && begun.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Answers, lost answers, and different KeyPackages that were granted.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let seen = self.seen.lock().unwrap();
        let lost = seen.iter().filter(|seen| seen.answer.is_none()).count();
        let granted: BTreeSet<_> = seen.iter().flat_map(Seen::granted).map(|(reference, _)| reference).collect();
        (seen.len() - lost, lost, granted.len())
    }

    pub(crate) fn told(&self) -> String {
        let (answered, lost, granted) = self.counts();
        format!("{answered} answers, {lost} lost, {granted} KeyPackages granted")
    }
}

impl Seen {
    /// The KeyPackages that an answered claim got: reference and bytes.
    pub(crate) fn granted(&self) -> Vec<(String, Vec<u8>)> {
        let (Deed::Claim { .. }, Some((200, body))) = (&self.deed, &self.answer) else { return vec![] };
        let clients = body["clients"].as_array().into_iter().flatten();
        let bytes = |given: &Value| BASE64.decode(given["key_package"].as_str()?.as_bytes()).ok();
        clients.filter_map(|given| Some((given["reference"].as_str()?.to_string(), bytes(given)?))).collect()
    }
}

/// For a server that refuses everything.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn owner(place: usize) -> String {
    format!("acct:owner-{place}@example.org")
}

impl Worker {
    pub(crate) async fn ready(load: &Arc<Load>, place: usize) -> Self {
        let (load, seed) = (Arc::clone(load), load.seed.child(&place.to_string()));
        let person = Person::new(seed, &format!("owner-{place}"), "phone");
        assert_eq!(load.way.enrol(&person).await.unwrap().0, 201);
        let requester = Arc::new(Person::new(seed, &format!("asks-{place}-0"), "laptop"));
        assert_eq!(load.way.enrol(&requester).await.unwrap().0, 201);
        let eve = Person::new(seed, &format!("eve-{place}"), "laptop");
        assert_eq!(load.way.enrol(&eve).await.unwrap().0, 201);
        Self {
            load,
            place,
            person,
            eve,
            rng: seed.child("deeds").rng(),
            requester,
            spent: vec![],
            requesters: 1,
            pending: None,
            published: vec![],
            withdrawn: BTreeSet::new(),
            told: BTreeMap::new(),
            acknowledged: 0,
            listed: vec![],
            removed: vec![],
            blocked: BTreeSet::new(),
            wrong: vec![],
            count: 0,
        }
    }

    /// Goes on until the server does not answer.
    pub(crate) async fn until_it_is_gone(mut self) -> Self {
        while self.step().await.is_some() {}
        self
    }

    /// Asks once more what has no answer.
    pub(crate) async fn settle(&mut self) {
        if let Some(deed) = self.pending.take() {
            self.perform(deed).await;
        }
    }

    async fn step(&mut self) -> Option<()> {
        if let Some(deed) = self.pending.take() {
            return self.perform(deed).await;
        }
        self.count += 1;
        let deed = match self.rng.random_range(0..100) {
            0..22 => self.batch(),
            22..60 => {
                let key = format!("k-{}-{}", self.place, self.count);
                Deed::Claim { of: self.rng.random_range(0..WORKERS), by: Arc::clone(&self.requester), key }
            }
            60..66 => return self.ask_again().await,
            66..74 if !self.published.is_empty() => {
                Deed::Withdraw(self.published[self.rng.random_range(0..self.published.len())].clone())
            }
            74..82 => {
                self.read().await?;
                let unread: Vec<_> = self.told.range(self.acknowledged + 1..).map(|(sequence, _)| *sequence).collect();
                let Some(middle) = unread.get(unread.len() / 2) else { return Some(()) };
                Deed::Acknowledge(*middle)
            }
            82..88 => {
                let name = format!("watch-{}", self.count);
                let user = format!("owner-{}", self.place);
                Deed::AddKey(Arc::new(Person::new(self.load.seed.child("watches"), &user, &name)))
            }
            88..94 if !self.listed.is_empty() => {
                Deed::RemoveKey(Arc::clone(&self.listed[self.rng.random_range(0..self.listed.len())]))
            }
            94..97 => Deed::Block(format!("acct:spam-{}@example.net", self.count)),
            97..98 => Deed::Block(self.eve.user.clone()),
            _ => return self.ask_when_spent().await,
        };
        self.perform(deed).await
    }

    fn batch(&mut self) -> Deed {
        let count = self.rng.random_range(1..4);
        let made = (0..count).map(|number| {
            let seed = self.load.seed.child(&format!("{} {} {number}", self.place, self.count));
            let made = self.person.make(&self.load.way, seed);
            (BASE64URL_NOPAD.encode(&made.reference), made.bare)
        });
        Deed::Publish(made.collect())
    }

    /// A claim that was answered long ago: its answer is final.
    async fn ask_again(&mut self) -> Option<()> {
        let deed = {
            let seen = self.load.seen.lock().unwrap();
            let answered = |seen: &&Seen| {
                seen.owner == self.place
                    && matches!((&seen.deed, &seen.answer), (Deed::Claim { .. }, Some((200 | 429, _))))
            };
            let answered: Vec<_> = seen.iter().filter(answered).collect();
            if answered.is_empty() {
                return Some(());
            }
            answered[self.rng.random_range(0..answered.len())].deed.clone()
        };
        self.perform(deed).await
    }

    /// Whose limit is met has it met all day.
    async fn ask_when_spent(&mut self) -> Option<()> {
        if self.spent.is_empty() {
            return Some(());
        }
        let by = Arc::clone(&self.spent[self.rng.random_range(0..self.spent.len())]);
        let key = format!("s-{}-{}", self.place, self.count);
        self.perform(Deed::Claim { of: self.place, by, key }).await
    }

    /// Reads the feed.
    pub(crate) async fn read(&mut self) -> Option<()> {
        let path = self.person.own("notifications");
        let (status, body) = self.load.way.send("GET", &path, None, Some(&self.person), None).await?;
        let feed = body["notifications"].as_array().cloned().unwrap_or_default();
        if status != 200 {
            self.wrong.push(format!("LIFE-RESTART: notifications: {status} {body}"));
        }
        for note in feed {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
            let (sequence, told) =
                (note["sequence"].as_u64().unwrap(), (text(&note["reference"]), text(&note["requester"]["user"])));
            if sequence <= self.acknowledged {
                self.wrong.push(format!("LIFE-RESTART: notification {sequence} was acknowledged, and is back"));
            }
            if self.told.insert(sequence, told.clone()).is_some_and(|before| before != told) {
                self.wrong.push(format!("NOTE-EVERY-GRANT: notification {sequence} was another before"));
            }
        }
        Some(())
    }

    async fn perform(&mut self, deed: Deed) -> Option<()> {
        let (load, person) = (Arc::clone(&self.load), &self.person);
        let user = format!("/v1/users/{}", person.user);
        let items = |packages: &[(String, Vec<u8>)]| {
            let items = packages.iter().map(|(_, bytes)| json!({ "key_package": BASE64.encode(bytes) }));
            json!({ "key_packages": items.collect::<Vec<_>>() })
        };
        let (method, path, body, by, key) = match &deed {
            Deed::Publish(packages) => ("POST", person.own("key-packages"), Some(items(packages)), person, None),
            Deed::Claim { of, by, key } => {
                ("POST", format!("/v1/users/{}/claims", owner(*of)), Some(json!({})), &**by, Some(key.as_str()))
            }
            Deed::Withdraw(reference) => {
                let body = json!({ "references": [reference] });
                ("POST", person.own("key-packages/withdrawals"), Some(body), person, None)
            }
            Deed::Acknowledge(through) => {
                let path = person.own("notifications/acknowledgements");
                ("POST", path, Some(json!({ "through": through })), person, None)
            }
            Deed::AddKey(other) => ("POST", person.keys(), Some(other.addition()), person, None),
            Deed::RemoveKey(other) => ("DELETE", format!("{}/{}", person.keys(), other.key_id), None, person, None),
            Deed::Block(who) => ("POST", format!("{user}/blocks"), Some(json!({ "requester": who })), person, None),
        };
        let begun = load.now();
        let answer = load.way.send(method, &path, body, Some(by), key).await;
        let ended = load.now();
        let seen = Seen { owner: self.place, deed: deed.clone(), begun, ended, answer: answer.clone() };
        load.seen.lock().unwrap().push(seen);
        match answer {
            Some(answer) => self.take_in(deed, answer).await,
            None => {
                self.pending = Some(deed);
                None
            }
        }
    }

    /// What an answer says from now on.
    async fn take_in(&mut self, deed: Deed, (status, body): Answer) -> Option<()> {
        match (deed, status) {
            (Deed::Publish(packages), 201) => {
                self.published.extend(packages.into_iter().map(|(reference, _)| reference))
            }
            // Full, or asked again after some of it was granted.
            (Deed::Publish(_), 422) => {}
            (Deed::Claim { .. }, 200) => {}
            (Deed::Claim { by, .. }, 429) => {
                if by.user == self.requester.user {
                    self.spent.push(Arc::clone(&self.requester));
                    let name = format!("asks-{}-{}", self.place, self.requesters);
                    self.requesters += 1;
                    let next = Arc::new(Person::new(self.load.seed, &name, "laptop"));
                    self.load.way.enrol(&next).await.filter(|(status, _)| *status == 201)?;
                    self.requester = next;
                }
            }
            (Deed::Withdraw(reference), 200) => {
                if body["key_packages"][0]["state"] == "withdrawn" {
                    self.withdrawn.insert(reference);
                }
            }
            (Deed::Acknowledge(through), 204) => self.acknowledged = self.acknowledged.max(through),
            (Deed::AddKey(other), 201) => self.listed.push(other),
            (Deed::RemoveKey(other), 204) => {
                self.listed.retain(|listed| listed.key_id != other.key_id);
                self.removed.push(other);
            }
            (Deed::Block(who), 204) => drop(self.blocked.insert(who)),
            (deed, status) => {
                let says = format!("LIFE-RESTART: {deed:?} was answered {status} {body}");
                self.wrong.push(says.chars().take(400).collect());
            }
        }
        Some(())
    }
}
