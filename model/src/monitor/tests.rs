//! Histories by hand, and the bars: how soon, how large, how small a witness.

mod fuzz;
mod promises;
mod random;

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::{
    history::{Claim, Event, Facts, Role, Status},
    names::{ClaimKey, InitKey, Key, Package, Requester, Suite, User},
    spec::{Op, Outcome, Reason, WithdrawnFate},
};

fn facts(package: u32, role: Role) -> Facts {
    Facts {
        package: Package(package),
        client: Client(1),
        suite: Suite(1),
        offers: [].into(),
        role,
        init_key: InitKey(package),
        signer: Key(1),
        not_before: 0,
        not_after: 1000,
    }
}

fn publish(packages: std::ops::Range<u32>) -> Op {
    Op::Publish { client: Client(1), packages: packages.map(|package| facts(package, Role::Regular)).collect() }
}

fn asked(requester: u32) -> Claim {
    Claim {
        requester: Requester(requester),
        requester_client: None,
        user: User(1),
        suites: BTreeSet::new(),
        requires: [].into(),
        last_resort_accepted: true,
        key: None,
    }
}

fn claim(requester: u32) -> Op {
    Op::Claim(asked(requester))
}

fn changed(op: Op, change: impl FnOnce(&mut Claim)) -> Op {
    let Op::Claim(mut claim) = op else { return op };
    change(&mut claim);
    Op::Claim(claim)
}

fn again(op: Op, key: u32) -> Op {
    changed(op, |claim| claim.key = Some(ClaimKey(key)))
}

fn of_suites(op: Op, suites: &[u32]) -> Op {
    changed(op, |claim| claim.suites = suites.iter().copied().map(Suite).collect())
}

fn without_last_resort(op: Op) -> Op {
    changed(op, |claim| claim.last_resort_accepted = false)
}

fn gave(status: Status) -> Option<Outcome> {
    Some(Outcome::Claimed(BTreeMap::from([(Client(1), status)])))
}

fn regular(package: u32) -> Option<Outcome> {
    gave(Status::Regular(Package(package)))
}

fn last_resort() -> Option<Outcome> {
    gave(Status::LastResort(Package(90)))
}

fn operation(op: Op, outcome: Option<Outcome>, invoked: u64, returned: u64) -> Operation {
    let returned = outcome.is_some().then_some(returned);
    Operation { op, outcome, invoked, returned }
}

fn stocked(regular: u32) -> State {
    let batch = (0..regular).map(|package| facts(package, Role::Regular)).chain([facts(90, Role::LastResort)]);
    State::of(&[
        Event::KeyAdded { user: User(1), client: Client(1), key: Key(1), expires: None },
        Event::Published(batch.collect()),
    ])
}

fn verdict(initial: &State, history: &[Operation]) -> Verdict {
    monitor(&Spec::default(), initial, history)
}

#[track_caller]
fn broken(initial: &State, history: &[Operation]) -> (&'static str, Vec<usize>) {
    match verdict(initial, history) {
        Verdict::Illegal { rule, witness, .. } => (rule, witness),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_publication_that_overlaps_a_claim_serves_it_or_not() {
    let history = [operation(claim(1), regular(1), 0, 9), operation(publish(1..2), Some(Outcome::Done), 1, 5)];
    assert_eq!(verdict(&stocked(0), &history), Verdict::Legal);
    let mut early = history.clone();
    early[0].outcome = last_resort();
    assert_eq!(verdict(&stocked(0), &early), Verdict::Legal);
    let apart = [history[0].clone(), operation(publish(1..2), Some(Outcome::Done), 10, 11)];
    assert_eq!(broken(&stocked(0), &apart), ("CLAIM-BYTES", vec![0, 1]));
}

#[test]
fn the_packages_of_one_batch_appear_together() {
    let mut history = vec![
        operation(publish(1..3), Some(Outcome::Done), 0, 50),
        operation(claim(1), regular(1), 2, 5),
        operation(claim(2), last_resort(), 10, 20),
        operation(claim(3), regular(2), 30, 40),
    ];
    // The first claim shows that the batch was there at 5, though its own answer came at 50.
    assert_eq!(broken(&stocked(0), &history), ("LAST-ONLY-WHEN-EXHAUSTED", vec![0, 1, 2, 3]));
    history.remove(1);
    assert_eq!(verdict(&stocked(0), &history), Verdict::Legal);
}

#[test]
fn the_witness_is_as_small_as_can_be() {
    // Three packages cover the answer; two of them do.
    let publish = |package: u32, begin| operation(publish(package..package + 1), Some(Outcome::Done), begin, begin + 1);
    let mut history = vec![publish(1, 0), publish(2, 10), publish(3, 20), operation(claim(9), last_resort(), 5, 45)];
    history.extend(
        [(1, 30), (2, 40), (3, 50)].map(|(package, at)| operation(claim(package), regular(package), at, at + 5)),
    );
    assert_eq!(broken(&stocked(0), &history), ("LAST-ONLY-WHEN-EXHAUSTED", vec![0, 2, 3, 4, 6]));
}

#[test]
fn each_lost_claim_can_have_taken_one_package() {
    let initial = stocked(4);
    let mut history: Vec<_> = (0..4).map(|who| operation(claim(who), None, u64::from(who), 0)).collect();
    history.push(operation(claim(9), last_resort(), 5, 6));
    assert_eq!(verdict(&initial, &history), Verdict::Legal);
    assert_eq!(broken(&stocked(5), &history), ("LAST-ONLY-WHEN-EXHAUSTED", vec![0, 1, 2, 3, 4]));
    // The fourth began too late for this answer.
    history[3].invoked = 7;
    assert_eq!(broken(&initial, &history).0, "LAST-ONLY-WHEN-EXHAUSTED");
}

#[test]
fn a_lost_claim_and_its_repetition_are_one() {
    let mut history = vec![
        operation(again(claim(1), 1), None, 0, 0),
        operation(claim(2), last_resort(), 2, 3),
        operation(again(claim(1), 1), regular(0), 4, 5),
    ];
    assert_eq!(verdict(&stocked(1), &history), Verdict::Legal);
    history.push(operation(again(claim(1), 1), last_resort(), 6, 7));
    assert_eq!(broken(&stocked(1), &history), ("CLAIM-RETRY", vec![2, 3]));
}

#[test]
fn a_withdrawal_and_a_claim_do_not_both_get_a_package() {
    let withdraw = Op::Withdraw { client: Client(1), packages: vec![Package(0)] };
    let fates = |fate| Some(Outcome::Withdrawn([(Package(0), fate)].into()));
    let answered = |fate| [operation(withdraw.clone(), fates(fate), 0, 5), operation(claim(1), regular(0), 0, 5)];
    assert_eq!(verdict(&stocked(1), &answered(WithdrawnFate::AlreadyGranted)), Verdict::Legal);
    assert_eq!(broken(&stocked(1), &answered(WithdrawnFate::Withdrawn)), ("LIFE-WITHDRAW-RACE", vec![0, 1]));
}

#[test]
fn what_is_not_decided_is_said() {
    let why = |op, outcome| match verdict(&stocked(1), &[operation(op, outcome, 0, 1)]) {
        Verdict::NotCovered { why } => why,
        other => panic!("{other:?}"),
    };
    let read = Op::Notifications { client: Client(1), after: 0 };
    assert!(why(read, Some(Outcome::Notifications(vec![]))).contains("notifications"));
    assert!(why(Op::Tick { to: 7 }, None).contains("time passed"));
    assert!(why(publish(1..2), Some(Outcome::Refused(Reason::NotYetValid))).contains("refused"));
    // What forbids more does not hide what is wrong without it.
    let history = [
        operation(Op::Notifications { client: Client(1), after: 0 }, Some(Outcome::Notifications(vec![])), 0, 1),
        operation(claim(1), last_resort(), 2, 3),
    ];
    assert_eq!(broken(&stocked(1), &history), ("LAST-ONLY-WHEN-EXHAUSTED", vec![1]));
}

#[test]
fn fourteen_overlapping_operations_are_refuted_at_once() {
    let mut history: Vec<_> = (0..13).map(|who| operation(claim(who), regular(who), 0, 9)).collect();
    history.push(operation(claim(13), last_resort(), 0, 9));
    assert_eq!(verdict(&stocked(13), &history), Verdict::Legal);
    let begun = std::time::Instant::now();
    assert_eq!(broken(&stocked(14), &history), ("LAST-ONLY-WHEN-EXHAUSTED", vec![13]));
    assert!(begun.elapsed() < std::time::Duration::from_millis(100));
}
