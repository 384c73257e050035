//! Small scenarios, one for each kind of trouble: the sum of small spaces, not their product.

use std::collections::BTreeSet;

use crate::{
    history::{Claim, Event, Facts, Role},
    names::{ClaimKey, Client, InitKey, Key, Package, Requester, Suite, Time, User},
    rules::Request,
    spec::{Op, Selection, Spec},
};

/// Who asks what. Everything is sent at the beginning and delivered at any time, any number of times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What it is about.
    pub says: &'static str,
    /// The limits and promises of the directory.
    pub spec: Spec,
    /// The log at the beginning.
    pub setup: Vec<Event>,
    /// What is asked. The owner acknowledges what it reads, without being told here.
    pub requests: Vec<Request>,
    /// The moments that come, in order.
    pub ticks: Vec<Time>,
    /// How many replicas there are.
    pub replicas: usize,
    /// The rules whose premise is reached here.
    pub exercises: &'static [&'static str],
}

/// All scenarios.
#[must_use]
pub fn scenarios() -> Vec<Scenario> {
    vec![race(), replacement(), notifications(), endings(), clients(), publications()]
}

/// More claims than packages.
fn race() -> Scenario {
    scenario(
        "race",
        "three claims of two requesters race for one regular package and a last resort",
        vec![publish(1, vec![regular(1), last_resort(9)]), claim(1, 1), claim(2, 1), claim(2, 2)],
        &[
            "PUB-RETRY",
            "CLAIM-ONCE",
            "CLAIM-DURABLE",
            "CLAIM-RETRY",
            "LAST-ONLY-WHEN-EXHAUSTED",
            "LAST-KEPT",
            "NOTE-EVERY-GRANT",
            "NOTE-NAMES-REQUESTER",
        ],
    )
}

/// A last resort is published again, and replaced, while claims come.
fn replacement() -> Scenario {
    let publications = [vec![last_resort(8)], vec![regular(1), last_resort(9)]];
    let mut requests: Vec<_> = publications.into_iter().map(|batch| publish(1, batch)).collect();
    requests.extend([claim(1, 1), claim(2, 1)]);
    let spec = Spec { selection: Selection::Fifo, ..Spec::default() };
    let base = scenario(
        "replacement",
        "a last resort is published again and replaced while it is granted",
        requests,
        &["LAST-USED-STICKS", "LAST-REPLACED-WHOLE"],
    );
    Scenario { spec, ..base }
}

/// The owner reads, acknowledges, and reads again.
pub(crate) fn notifications() -> Scenario {
    let read = Request { number: 1, op: Op::Notifications { client: Client(1), after: 0 } };
    let base = scenario(
        "notifications",
        "the owner reads and acknowledges its notifications while two claims come",
        vec![claim(1, 1), claim(2, 1), read],
        &["NOTE-SURVIVES"],
    );
    let stock = Event::Published(vec![regular(1), last_resort(9)]);
    Scenario { setup: [base.setup, vec![stock]].concat(), ..base }
}

/// Everything that ends a package's life.
fn endings() -> Scenario {
    let short = Facts { not_after: 5, ..regular(1) };
    let batch = vec![short, Facts { signer: Key(2), ..regular(2) }];
    let withdraw = Op::Withdraw { client: Client(1), packages: vec![Package(2)] };
    let remove = Op::RemoveKey { client: Client(1), key: Key(2) };
    let requests = vec![claim(1, 1), other(withdraw), other(remove)];
    let base = scenario(
        "endings",
        "a package expires, another is withdrawn or loses its signature key, while a claim comes",
        requests,
        &["CLAIM-LIVE", "KEY-CASCADE", "LIFE-TERMINAL", "LIFE-WITHDRAW-RACE"],
    );
    let second = Event::KeyAdded { user: User(1), client: Client(1), key: Key(2) };
    Scenario { setup: [base.setup, vec![second, Event::Published(batch)]].concat(), ticks: vec![5], ..base }
}

/// Two clients, two suites; one of the requesters is the second client itself.
fn clients() -> Scenario {
    let of_second = |facts: Facts| Facts { client: Client(2), signer: Key(2), ..facts };
    let other_suite = Facts { suite: Suite(2), ..of_second(regular(3)) };
    let asks = |requester, key, change: fn(&mut Claim)| {
        let mut question = question(requester, key);
        change(&mut question);
        Request { number: 1, op: Op::Claim(question) }
    };
    let requests = vec![
        claim(1, 1),
        asks(2, 1, |claim| {
            claim.suites = BTreeSet::from([Suite(1)]);
            claim.last_resort_accepted = false;
        }),
        asks(3, 1, |claim| claim.requester_client = Some(Client(2))),
    ];
    let base = scenario(
        "clients",
        "claims for both clients of a user, by a stranger, by one with narrow wishes, and by one of the two",
        requests,
        &["CLAIM-BYTES", "CLAIM-COMPATIBLE", "CLAIM-EACH-CLIENT", "CLAIM-NOT-SELF", "LAST-TOLD"],
    );
    let more = vec![
        Event::KeyAdded { user: User(1), client: Client(2), key: Key(2) },
        Event::Published(vec![regular(1), last_resort(9)]),
        Event::Published(vec![of_second(regular(2)), other_suite]),
    ];
    Scenario { setup: [base.setup, more].concat(), ..base }
}

/// Publications that must be refused, wholly.
fn publications() -> Scenario {
    let same_init_key = |facts: Facts| Facts { init_key: InitKey(1), ..facts };
    let requests = vec![
        publish(1, vec![regular(1)]),
        publish(1, vec![regular(1), regular(2)]),
        publish(1, vec![same_init_key(regular(3))]),
        publish(1, vec![same_init_key(last_resort(9))]),
        claim(1, 1),
    ];
    scenario(
        "publications",
        "publications with a used package, a used init key, and an init key of the other role",
        requests,
        &["PUB-FRESH", "PUB-RETRY", "PUB-ONE-ROLE", "PUB-ATOMIC"],
    )
}

/// The owner has a new last resort for the one that is granted. For progress only: no rule needs it.
pub(crate) fn rotation() -> Scenario {
    let base = scenario(
        "rotation",
        "a last resort is granted until its owner publishes a new one",
        vec![publish(1, vec![last_resort(9)]), claim(1, 1), claim(2, 1)],
        &[],
    );
    Scenario { setup: [base.setup, vec![Event::Published(vec![last_resort(8)])]].concat(), ..base }
}

/// The owner has a new package for the one that is granted. For progress only: no rule needs it.
pub(crate) fn refill() -> Scenario {
    let spec = Spec { stock_max: 1, ..Spec::default() };
    let base = scenario(
        "refill",
        "the only package is granted, and its owner publishes another, which is all that the limit allows",
        vec![publish(1, vec![regular(2)]), claim(1, 1), claim(2, 1)],
        &[],
    );
    Scenario { spec, setup: [base.setup, vec![Event::Published(vec![regular(1)])]].concat(), ..base }
}

fn scenario(
    name: &'static str,
    says: &'static str,
    requests: Vec<Request>,
    exercises: &'static [&'static str],
) -> Scenario {
    let setup = vec![Event::KeyAdded { user: User(1), client: Client(1), key: Key(1) }];
    Scenario { name, says, spec: Spec::default(), setup, requests, ticks: vec![], replicas: 2, exercises }
}

fn regular(package: u32) -> Facts {
    Facts {
        package: Package(package),
        client: Client(1),
        suite: Suite(1),
        role: Role::Regular,
        init_key: InitKey(package),
        signer: Key(1),
        not_before: 0,
        not_after: 100,
    }
}

fn last_resort(package: u32) -> Facts {
    Facts { role: Role::LastResort, ..regular(package) }
}

fn publish(client: u32, packages: Vec<Facts>) -> Request {
    other(Op::Publish { client: Client(client), packages })
}

fn claim(requester: u32, key: u32) -> Request {
    other(Op::Claim(question(requester, key)))
}

fn question(requester: u32, key: u32) -> Claim {
    Claim {
        requester: Requester(requester),
        requester_client: None,
        user: User(1),
        suites: BTreeSet::new(),
        last_resort_accepted: true,
        key: Some(ClaimKey(key)),
    }
}

fn other(op: Op) -> Request {
    Request { number: 1, op }
}
