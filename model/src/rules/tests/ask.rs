//! What the stories ask, and the history of a directory that answers as it may.

use super::*;

/// The history of a directory that does the first thing that is allowed.
pub(super) fn legal(ops: &[Op]) -> History {
    let spec = Spec::default();
    let log = vec![Event::KeyAdded { user: User(1), client: Client(1), key: Key(1) }];
    let mut history = History { log, ..History::default() };
    for op in ops {
        let (outcome, events) = spec.decisions(&State::of(&history.log), op).swap_remove(0);
        history.log.extend(events);
        answer(&mut history, op, outcome);
    }
    history
}

pub(super) fn answer(history: &mut History, op: &Op, outcome: Outcome) {
    history.answers.entry(Request { number: 1, op: op.clone() }).or_default().insert(outcome);
}

/// Changes what a client gave to the claim at this place among the claims in the log, from 1.
pub(super) fn gave(history: &mut History, place: usize, client: u32, status: Status) {
    let mut claims = history.log.iter_mut().filter_map(|event| match event {
        Event::Claimed(claimed) => Some(claimed),
        _ => None,
    });
    claims.nth(place - 1).unwrap().statuses.insert(Client(client), status);
}

pub(super) fn last_claim(history: &mut History) -> &mut BTreeMap<Client, Status> {
    let claimed = history.log.iter_mut().rev().find_map(|event| match event {
        Event::Claimed(claimed) => Some(claimed),
        _ => None,
    });
    &mut claimed.unwrap().statuses
}

pub(super) fn told_of(history: &mut History) -> impl Iterator<Item = &mut Notified> {
    history.log.iter_mut().filter_map(|event| match event {
        Event::Notified(told) => Some(told),
        _ => None,
    })
}

pub(super) fn regular(package: u32) -> Facts {
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

pub(super) fn last(package: u32) -> Facts {
    Facts { role: Role::LastResort, ..regular(package) }
}

pub(super) fn short(package: u32) -> Facts {
    Facts { not_after: 5, ..regular(package) }
}

pub(super) fn other_suite(package: u32) -> Facts {
    Facts { suite: Suite(2), ..regular(package) }
}

pub(super) fn signed(package: u32) -> Facts {
    Facts { signer: Key(2), ..regular(package) }
}

pub(super) fn of_second(package: u32) -> Facts {
    Facts { client: Client(2), ..signed(package) }
}

pub(super) fn same_init_key(facts: Facts) -> Facts {
    Facts { init_key: InitKey(1), ..facts }
}

pub(super) fn publish(packages: Vec<Facts>) -> Op {
    Op::Publish { client: packages[0].client, packages }
}

pub(super) fn question(requester: u32) -> Claim {
    Claim {
        requester: Requester(requester),
        requester_client: None,
        user: User(1),
        suites: BTreeSet::new(),
        last_resort_accepted: true,
        key: Some(ClaimKey(1)),
    }
}

pub(super) fn claim(requester: u32) -> Op {
    Op::Claim(question(requester))
}

pub(super) fn narrow_claim(requester: u32) -> Op {
    Op::Claim(Claim { suites: BTreeSet::from([Suite(1)]), ..question(requester) })
}

pub(super) fn refusing_claim(requester: u32) -> Op {
    Op::Claim(Claim { last_resort_accepted: false, ..question(requester) })
}

pub(super) fn own_claim(requester: u32) -> Op {
    Op::Claim(Claim { requester_client: Some(Client(2)), ..question(requester) })
}

pub(super) fn second_client() -> Op {
    Op::AddKey { user: User(1), client: Client(2), key: Key(2) }
}

pub(super) fn second_key() -> Op {
    Op::AddKey { user: User(1), client: Client(1), key: Key(2) }
}

pub(super) fn remove_key() -> Op {
    Op::RemoveKey { client: Client(1), key: Key(2) }
}

pub(super) fn withdraw(package: u32) -> Op {
    Op::Withdraw { client: Client(1), packages: vec![Package(package)] }
}

pub(super) fn told_twice() -> Vec<Op> {
    let read = Op::Notifications { client: Client(1), after: 0 };
    let acknowledge = Op::Acknowledge { client: Client(1), through: 1 };
    vec![publish(vec![regular(1), last(9)]), claim(1), read, claim(2), acknowledge]
}
