//! What a scenario consists of, and the words to write one with.

use std::collections::BTreeSet;

use crate::{
    history::{Claim, Event, Facts, Role},
    names::{ClaimKey, Client, InitKey, Key, Package, Requester, Suite, Time, User},
    rules::{Request, Shared},
    spec::{Op, Spec},
};

/// Who asks what. Everything is sent at the beginning and delivered at any time, any number of times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What there is more in it than usual, if there is.
    pub more: Option<&'static str>,
    /// What it is about.
    pub says: &'static str,
    /// The limits and promises of the directory.
    pub spec: Spec,
    /// The log at the beginning.
    pub setup: Vec<Event>,
    /// What is asked. The owner acknowledges what it reads, without being told here.
    pub requests: Vec<Shared<Request>>,
    /// The moments that come, in order.
    pub ticks: Vec<Time>,
    /// How many replicas there are.
    pub replicas: usize,
    /// How often a replica is killed, at most.
    pub crashes: u8,
    /// How often the operator restores an older state of the store, at most.
    pub restores: u8,
    /// The rules whose premise is reached here.
    pub exercises: &'static [&'static str],
}

impl Scenario {
    /// Two replicas; a user with one client and one signature key, which asks nothing yet.
    pub(super) fn begin(name: &'static str, says: &'static str, exercises: &'static [&'static str]) -> Self {
        Self {
            name,
            more: None,
            says,
            spec: Spec::default(),
            setup: vec![key(1, 1)],
            requests: vec![],
            ticks: vec![],
            replicas: 2,
            crashes: 0,
            restores: 0,
            exercises,
        }
    }

    /// The same, where this has happened already.
    pub(super) fn after(mut self, events: impl IntoIterator<Item = Event>) -> Self {
        self.setup.extend(events);
        self
    }

    /// The same, where this is asked, too.
    pub(super) fn asks(mut self, ops: impl IntoIterator<Item = Op>) -> Self {
        self.requests.extend(ops.into_iter().map(|op| Shared::new(Request { number: 1, op })));
        self.requests.sort();
        self
    }

    /// The same, where time comes to these moments.
    pub(super) fn ticks(self, ticks: impl Into<Vec<Time>>) -> Self {
        Self { ticks: ticks.into(), ..self }
    }

    /// The same with another directory.
    pub(super) fn with(self, spec: Spec) -> Self {
        Self { spec, ..self }
    }

    /// The same with one trouble more.
    pub(super) fn and(self, more: &'static str, change: fn(Self) -> Self) -> Self {
        Self { more: Some(more), ..change(self) }
    }

    /// The same with so many replicas.
    pub(super) fn on(self, replicas: usize) -> Self {
        Self { replicas, ..self }
    }
}

pub(super) fn key(client: u32, key: u32) -> Event {
    Event::KeyAdded { user: User(1), client: Client(client), key: Key(key), expires: None }
}

pub(super) fn key_until(client: u32, key: u32, expires: Time) -> Event {
    Event::KeyAdded { user: User(1), client: Client(client), key: Key(key), expires: Some(expires) }
}

pub(super) fn stock(packages: impl Into<Vec<Facts>>) -> Event {
    Event::Published(packages.into())
}

pub(super) fn regular(package: u32) -> Facts {
    Facts {
        package: Package(package),
        client: Client(1),
        suite: Suite(1),
        offers: [].into(),
        role: Role::Regular,
        init_key: InitKey(package),
        signer: Key(1),
        not_before: 0,
        not_after: 100,
    }
}

pub(super) fn last_resort(package: u32) -> Facts {
    Facts { role: Role::LastResort, ..regular(package) }
}

pub(super) fn of_second(facts: Facts) -> Facts {
    Facts { client: Client(2), signer: Key(2), ..facts }
}

pub(super) fn publish(packages: impl Into<Vec<Facts>>) -> Op {
    let packages = packages.into();
    Op::Publish { client: packages.first().map_or(Client(1), |facts| facts.client), packages }
}

pub(super) fn claim(requester: u32, key: u32) -> Op {
    Op::Claim(question(requester, key))
}

pub(super) fn question(requester: u32, key: u32) -> Claim {
    Claim {
        requester: Requester(requester),
        requester_client: None,
        user: User(1),
        suites: BTreeSet::new(),
        requires: [].into(),
        last_resort_accepted: true,
        key: Some(ClaimKey(key)),
    }
}

pub(super) fn withdraw(package: u32) -> Op {
    Op::Withdraw { client: Client(1), packages: vec![Package(package)] }
}

pub(super) fn read(after: u64) -> Op {
    Op::Notifications { client: Client(1), after }
}

pub(super) fn count() -> Op {
    Op::Stock { client: Client(1) }
}
