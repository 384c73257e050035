//! Where the tours go through: small scenarios in which a vector has a word for everything.

use std::collections::BTreeSet;

use crate::{
    cover::Setup,
    history::{Claim, Event, Facts, Role},
    names::{ClaimKey, Client, InitKey, Key, Package, Requester, Suite, User},
    spec::Op,
};

/// A scenario of tours: nothing in it is asked of the directory that a server cannot be asked for.
#[derive(Debug)]
pub struct Sight {
    /// Its name.
    pub name: &'static str,
    /// What it is about.
    pub says: &'static str,
    /// The rules that it touches.
    pub rules: &'static [&'static str],
    pub(crate) setup: Setup,
    pub(crate) ops: fn() -> Vec<Op>,
}

/// Two are the same if they have one name.
impl PartialEq for Sight {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Sight {}

/// All of them.
pub const SIGHTS: &[Sight] = &[
    Sight {
        name: "stock",
        says: "one client publishes, is claimed from, takes back, counts and is told",
        rules: &["PUB-RETRY", "CLAIM-ONCE", "LAST-ONLY-WHEN-EXHAUSTED", "NOTE-EVERY-GRANT", "LIFE-TERMINAL"],
        setup: || vec![key(1, 1, None)],
        ops: || {
            vec![
                publish(vec![regular(1)]),
                publish(vec![regular(1), regular(2)]),
                publish(vec![Facts { init_key: InitKey(1), ..regular(3) }]),
                publish(vec![Facts { init_key: InitKey(1), ..last_resort(4) }]),
                publish(vec![last_resort(8)]),
                claim(1, 1),
                claim(2, 1),
                Op::Claim(Claim { last_resort_accepted: false, ..question(3, 1) }),
                Op::Withdraw { client: Client(1), packages: vec![Package(1)] },
                Op::Stock { client: Client(1) },
                Op::Reconcile { client: Client(1) },
                Op::Notifications { client: Client(1), after: 0 },
            ]
        },
    },
    Sight {
        name: "replacement",
        says: "one client puts new sets in the place of all that it has",
        rules: &["PUB-ATOMIC", "LAST-REPLACED-WHOLE", "LIFE-TERMINAL"],
        setup: || vec![key(1, 1, None)],
        ops: || {
            let replace = |packages| Op::Replace { client: Client(1), packages };
            vec![
                publish(vec![regular(1), last_resort(8)]),
                replace(vec![regular(2)]),
                replace(vec![regular(2), last_resort(9)]),
                replace(vec![last_resort(8)]),
                claim(1, 1),
                claim(2, 1),
                Op::Reconcile { client: Client(1) },
            ]
        },
    },
    Sight {
        name: "clients",
        says: "two clients with packages of two suites, asked by strangers and by one of the two",
        rules: &["CLAIM-EACH-CLIENT", "CLAIM-COMPATIBLE", "CLAIM-NOT-SELF", "LAST-TOLD"],
        setup: || {
            let other_suite = Facts { suite: Suite(2), ..of_second(regular(3)) };
            let both = vec![of_second(regular(2)), other_suite];
            vec![
                key(1, 1, None),
                key(2, 2, None),
                Event::Published(vec![regular(1), last_resort(9)]),
                Event::Published(both),
            ]
        },
        ops: || {
            let narrow = |requester, suite, last_resort_accepted| {
                let suites = BTreeSet::from([Suite(suite)]);
                Op::Claim(Claim { suites, last_resort_accepted, ..question(requester, 1) })
            };
            vec![
                narrow(1, 1, true),
                narrow(2, 2, true),
                narrow(3, 1, false),
                Op::Claim(Claim { requester_client: Some(Client(2)), ..question(4, 1) }),
                claim(1, 2),
            ]
        },
    },
    Sight {
        name: "keys",
        says: "the signature key of a second client is listed, extended, asked about and ends",
        rules: &["KEY-LIST", "KEY-EXPIRY-FORWARD", "KEY-NO-REVIVE", "KEY-CASCADE", "KEY-HISTORY", "KEY-VERIFY"],
        setup: || vec![key(1, 1, None), key(2, 2, Some(6)), Event::Published(vec![of_second(regular(2))])],
        ops: || {
            let extend = |expires| Op::ExtendKey { client: Client(2), key: Key(2), expires };
            let verify = |at| Op::Verify { user: User(1), key: Key(2), at };
            vec![
                extend(6),
                extend(4),
                Op::AddKey { user: User(1), client: Client(3), key: Key(3), expires: None },
                Op::RemoveKey { client: Client(2), key: Key(2) },
                Op::RemoveClient { client: Client(2) },
                Op::Keys { user: User(1) },
                Op::Tick { to: 6 },
                verify(7),
                verify(1),
                claim(1, 1),
                Op::Notifications { client: Client(2), after: 0 },
                Op::Reconcile { client: Client(2) },
            ]
        },
    },
    Sight {
        name: "last-client",
        says: "the only client of a user goes",
        rules: &["LIFE-REMOVE-CLIENT", "CLAIM-EACH-CLIENT"],
        setup: || vec![key(1, 1, None), Event::Published(vec![regular(1)])],
        ops: || vec![claim(1, 1), claim(2, 1), Op::RemoveClient { client: Client(1) }],
    },
    Sight {
        name: "endings",
        says: "a package expires while another one stays",
        rules: &["CLAIM-LIVE", "NOTE-ZERO", "PUB-LIFETIME"],
        setup: || {
            let short = Facts { not_after: 5, ..regular(1) };
            vec![key(1, 1, None), Event::Published(vec![short, regular(2)])]
        },
        ops: || {
            vec![
                Op::Tick { to: 5 },
                claim(1, 1),
                claim(2, 1),
                Op::Stock { client: Client(1) },
                // What has ended may be forgotten, so that nothing more can be asked about it.
            ]
        },
    },
    Sight {
        name: "blocks",
        says: "a requester is shut out and let in again",
        rules: &["BLOCK-REQUESTER", "CLAIM-UNIFORM", "CLAIM-REFUSAL-FREE"],
        setup: || vec![key(1, 1, None), Event::Published(vec![regular(1), last_resort(9)])],
        ops: || {
            let (user, requester) = (User(1), Requester(1));
            vec![
                claim(1, 1),
                claim(2, 1),
                Op::Block { user, requester },
                Op::Unblock { user, requester },
                Op::Stock { client: Client(1) },
            ]
        },
    },
];

fn key(client: u32, key: u32, expires: Option<u64>) -> Event {
    Event::KeyAdded { user: User(1), client: Client(client), key: Key(key), expires }
}

fn regular(package: u32) -> Facts {
    Facts {
        package: Package(package),
        client: Client(1),
        suite: Suite(1),
        offers: [].into(),
        role: Role::Regular,
        init_key: InitKey(package),
        signer: Key(1),
        not_before: 0,
        not_after: 1_000,
    }
}

fn last_resort(package: u32) -> Facts {
    Facts { role: Role::LastResort, ..regular(package) }
}

fn of_second(facts: Facts) -> Facts {
    Facts { client: Client(2), signer: Key(2), ..facts }
}

fn publish(packages: Vec<Facts>) -> Op {
    Op::Publish { client: packages.first().map_or(Client(1), |facts| facts.client), packages }
}

fn claim(requester: u32, key: u32) -> Op {
    Op::Claim(question(requester, key))
}

fn question(requester: u32, key: u32) -> Claim {
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
