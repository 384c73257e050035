//! What the stories ask, and the history of a directory that answers as it may.

use super::*;
use crate::spec::Spec;

/// A history that can still be changed at will.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) spec: Spec,
    pub(super) log: Vec<Event>,
    pub(super) answers: BTreeMap<Request, BTreeSet<Outcome>>,
    /// How much of the log was kept by a restore, and the log before it.
    pub(super) restored: Option<(usize, Vec<Event>)>,
    pub(super) crashed: bool,
}

impl Draft {
    pub(super) fn history(&self) -> History {
        let (version, before) = self.restored.clone().unwrap_or((0, self.log.clone()));
        let mut history = History::begin(self.spec.clone(), []);
        history.append(before);
        if self.restored.is_some() {
            history.restore(version);
            history.append(self.log[version..].to_vec());
        }
        if self.crashed {
            history.crash();
        }
        for (request, outcomes) in &self.answers {
            outcomes.iter().for_each(|outcome| history.answer(&Shared::new(request.clone()), outcome.clone()));
        }
        history
    }

    /// The operator puts the store back to so many events, and fences it off.
    pub(super) fn restore(&mut self, version: usize) {
        self.restored = Some((version, self.log.clone()));
        self.log.truncate(version);
        self.log.push(Event::Fenced);
    }

    /// The directory does the first thing that is allowed.
    pub(super) fn ask(&mut self, op: &Op) {
        let (outcome, events) = self.spec.decisions(&State::of(&self.log), op).swap_remove(0);
        self.log.extend(events);
        answer(self, op, outcome);
    }
}

/// The history of a directory that does the first thing that is allowed.
pub(super) fn legal(spec: Spec, ops: &[Op]) -> Draft {
    let first = Event::KeyAdded { user: User(1), client: Client(1), key: Key(1), expires: None };
    let mut draft = Draft { spec, log: vec![first], ..Draft::default() };
    ops.iter().for_each(|op| draft.ask(op));
    draft
}

pub(super) fn answer(history: &mut Draft, op: &Op, outcome: Outcome) {
    history.answers.entry(Request { number: 1, op: op.clone() }).or_default().insert(outcome);
}

/// Takes an answer back and gives another one.
pub(super) fn answer_instead(history: &mut Draft, op: &Op, outcome: Outcome) {
    history.answers.remove(&Request { number: 1, op: op.clone() });
    answer(history, op, outcome);
}

/// Changes what a client gave to the claim at this place among the claims in the log, from 1.
pub(super) fn gave(history: &mut Draft, place: usize, client: u32, status: Status) {
    let mut claims = history.log.iter_mut().filter_map(|event| match event {
        Event::Claimed(claimed) => Some(claimed),
        _ => None,
    });
    claims.nth(place - 1).unwrap().statuses.insert(Client(client), status);
}

pub(super) fn last_claim(history: &mut Draft) -> &mut BTreeMap<Client, Status> {
    let claimed = history.log.iter_mut().rev().find_map(|event| match event {
        Event::Claimed(claimed) => Some(claimed),
        _ => None,
    });
    &mut claimed.unwrap().statuses
}

pub(super) fn told_of(history: &mut Draft) -> impl Iterator<Item = &mut Notified> {
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
        offers: [].into(),
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
        requires: [].into(),
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
    add_key(2, 2, None)
}

pub(super) fn second_key() -> Op {
    add_key(1, 2, None)
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

pub(super) fn add_key(client: u32, key: u32, expires: Option<u64>) -> Op {
    Op::AddKey { user: User(1), client: Client(client), key: Key(key), expires }
}

pub(super) fn extend(key: u32, expires: u64) -> Op {
    Op::ExtendKey { client: Client(1), key: Key(key), expires }
}

pub(super) fn verify(key: u32, at: u64) -> Op {
    Op::Verify { user: User(1), key: Key(key), at }
}

pub(super) fn claim_with_key(requester: u32, key: u32) -> Op {
    Op::Claim(Claim { key: Some(ClaimKey(key)), ..question(requester) })
}

pub(super) fn claim_of_nobody(requester: u32) -> Op {
    Op::Claim(Claim { user: User(7), ..question(requester) })
}

pub(super) fn block(requester: u32) -> Op {
    Op::Block { user: User(1), requester: Requester(requester) }
}

pub(super) fn stock() -> Op {
    Op::Stock { client: Client(1) }
}

pub(super) fn reconcile() -> Op {
    Op::Reconcile { client: Client(1) }
}

pub(super) fn tick(to: u64) -> Op {
    Op::Tick { to }
}
