//! Small histories, and how few steps they take.

mod random;

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::{
    history::{Claim, Facts, Role, Status},
    names::{ClaimKey, Client, InitKey, Key, Package, Requester, Suite, User},
    spec::Reason,
};

const BUDGET: usize = 200_000;

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
        not_after: 100,
    }
}

fn add_key() -> Op {
    Op::AddKey { user: User(1), client: Client(1), key: Key(1), expires: None }
}

fn publish(regular: std::ops::Range<u32>, last_resort: Option<u32>) -> Op {
    let regular = regular.map(|package| facts(package, Role::Regular));
    let packages = regular.chain(last_resort.map(|package| facts(package, Role::LastResort))).collect();
    Op::Publish { client: Client(1), packages }
}

fn claim(requester: u32, key: Option<u32>) -> Op {
    Op::Claim(Claim {
        requester: Requester(requester),
        requester_client: None,
        user: User(1),
        suites: BTreeSet::new(),
        requires: [].into(),
        last_resort_accepted: true,
        key: key.map(ClaimKey),
    })
}

fn read(after: u64) -> Op {
    Op::Notifications { client: Client(1), after }
}

fn gave(status: Status) -> Option<Outcome> {
    Some(Outcome::Claimed(BTreeMap::from([(Client(1), status)])))
}

fn operation(op: Op, outcome: Option<Outcome>, invoked: u64, returned: u64) -> Operation {
    let returned = outcome.is_some().then_some(returned);
    Operation { op, outcome, invoked, returned }
}

/// A client with a listed key and these packages.
fn stocked(regular: u32, last_resort: bool) -> State {
    let spec = Spec::default();
    let keyed = spec.accepts(&State::default(), &add_key(), &Outcome::Done).unwrap();
    let batch = publish(0..regular, last_resort.then_some(90));
    spec.accepts(&keyed, &batch, &Outcome::Done).unwrap()
}

fn verdict(initial: &State, history: &[Operation]) -> Verdict {
    linearize(&Spec::default(), initial, history, BUDGET)
}

#[track_caller]
fn broken(initial: &State, history: &[Operation]) -> &'static str {
    match verdict(initial, history) {
        Verdict::NotLinearizable { rule, refusals } => {
            assert!(!refusals.is_empty());
            rule
        }
        other => panic!("{other:?}"),
    }
}

fn regular(package: u32) -> Option<Outcome> {
    gave(Status::Regular(Package(package)))
}

fn last_resort() -> Option<Outcome> {
    gave(Status::LastResort(Package(90)))
}

#[test]
fn a_claim_can_be_served_by_a_publication_that_overlaps_it() {
    let history =
        [operation(claim(1, None), regular(1), 0, 9), operation(publish(1..2, None), Some(Outcome::Done), 1, 5)];
    assert_eq!(verdict(&stocked(0, true), &history), Verdict::Linearizable { order: vec![1, 0] });
    let mut apart = history.clone();
    apart[1] = operation(publish(1..2, None), Some(Outcome::Done), 10, 11);
    assert_eq!(broken(&stocked(0, true), &apart), "CLAIM-BYTES");
}

#[test]
fn a_last_resort_is_too_early_while_a_regular_package_is_certainly_there() {
    let mut history = vec![operation(claim(1, None), last_resort(), 0, 1), operation(claim(2, None), regular(0), 2, 3)];
    assert_eq!(broken(&stocked(1, true), &history), "LAST-ONLY-WHEN-EXHAUSTED");
    // A claim without an answer may have been first, but it took nothing that somebody else got.
    history.push(operation(claim(3, None), None, 0, 0));
    assert_eq!(broken(&stocked(1, true), &history), "LAST-ONLY-WHEN-EXHAUSTED");
    history.remove(1);
    assert_eq!(verdict(&stocked(1, true), &history), Verdict::Linearizable { order: vec![1, 0] });
}

#[test]
fn a_lost_claim_and_its_repetition_are_one() {
    let history = [
        operation(claim(1, Some(1)), None, 0, 0),
        operation(claim(2, Some(1)), last_resort(), 2, 3),
        operation(claim(1, Some(1)), regular(0), 4, 5),
    ];
    assert_eq!(verdict(&stocked(1, true), &history), Verdict::Linearizable { order: vec![0, 1, 2] });
}

#[test]
fn ten_overlapping_claims_are_explained_at_once() {
    let mut history: Vec<_> = (0..10).map(|who| operation(claim(who, None), regular(who), 0, 9)).collect();
    let state = stocked(10, true);
    assert!(matches!(linearize(&Spec::default(), &state, &history, 200), Verdict::Linearizable { .. }));
    history[7].outcome = regular(3);
    assert_eq!(broken(&state, &history), "CLAIM-ONCE");
}

#[test]
fn the_feed_tells_the_order_of_overlapping_claims() {
    let spec = Spec::default();
    let initial = stocked(10, false);
    let feed = |order: &[u32]| {
        let take = |state: State, who: &u32| spec.accepts(&state, &claim(*who, None), &regular(*who).unwrap()).unwrap();
        let state = order.iter().fold(initial.clone(), take);
        Some(Outcome::Notifications(state.notifications[&Client(1)].clone()))
    };
    let mut history: Vec<_> = (0..10).map(|who| operation(claim(who, None), regular(who), 0, 9)).collect();
    let order = [3, 1, 4, 0, 5, 9, 2, 6, 8, 7];
    history.push(operation(read(0), feed(&order), 10, 11));
    let Verdict::Linearizable { order: found } = verdict(&initial, &history) else { panic!() };
    assert_eq!(found[..10], order.map(|who| who as usize));
    history[10].outcome = feed(&order[..9]);
    assert_eq!(broken(&initial, &history), "NOTE-EVERY-GRANT");
}

#[test]
fn forty_operations_ten_at_a_time_take_few_steps() {
    let initial = stocked(0, true);
    let mut history = vec![];
    for round in 0..4_u32 {
        let (begin, end) = (u64::from(round) * 10, u64::from(round) * 10 + 9);
        let mut overlapping = vec![operation(publish(round * 5..round * 5 + 5, None), Some(Outcome::Done), begin, end)];
        overlapping.extend((0..5).map(|n| operation(claim(n, Some(round)), regular(round * 5 + n), begin, end)));
        overlapping.extend((5..8).map(|n| operation(claim(n, Some(round)), last_resort(), begin, end)));
        overlapping.push(operation(claim(9, Some(round)), None, begin, end));
        history.append(&mut overlapping);
    }
    assert!(matches!(linearize(&Spec::default(), &initial, &history, 5_000), Verdict::Linearizable { .. }));
    let second = history.iter().rposition(|operation| operation.outcome == regular(17)).unwrap();
    history[second].outcome = regular(16);
    assert_eq!(broken(&initial, &history), "CLAIM-ONCE");
}

#[test]
fn contention_that_looks_like_exhaustion_is_found_among_fifty_claims() {
    let mut history: Vec<_> = (0..49).map(|who| operation(claim(who, None), regular(who), 0, 9)).collect();
    history.push(operation(claim(50, None), last_resort(), 0, 9));
    let verdict = linearize(&Spec::default(), &stocked(49, true), &history, 5_000);
    assert!(matches!(verdict, Verdict::Linearizable { .. }));
    assert_eq!(broken(&stocked(50, true), &history), "LAST-ONLY-WHEN-EXHAUSTED");
    history[8].outcome = regular(7);
    assert_eq!(broken(&stocked(50, true), &history), "CLAIM-ONCE");
}

#[test]
fn a_read_of_the_second_notification_alone_tells_who_was_first() {
    let spec = Spec::default();
    let initial = stocked(2, false);
    let second = spec.accepts(&initial, &claim(2, None), &regular(1).unwrap()).unwrap();
    let first = spec.accepts(&second, &claim(1, None), &regular(0).unwrap()).unwrap();
    let feed = first.notifications[&Client(1)][1..].to_vec();
    let history = [
        operation(claim(1, None), regular(0), 0, 9),
        operation(claim(2, None), regular(1), 0, 9),
        operation(read(1), Some(Outcome::Notifications(feed)), 10, 11),
    ];
    assert_eq!(verdict(&initial, &history), Verdict::Linearizable { order: vec![1, 0, 2] });
}

#[test]
fn a_search_that_is_too_long_says_so() {
    let history: Vec<_> = (0..10).map(|who| operation(claim(who, None), regular(0), 0, 9)).collect();
    assert_eq!(linearize(&Spec::default(), &stocked(10, true), &history, 5), Verdict::OutOfBudget);
}

fn block(requester: u32) -> Op {
    Op::Block { user: User(1), requester: Requester(requester) }
}

fn done(op: Op, invoked: u64, returned: u64) -> Operation {
    operation(op, Some(Outcome::Done), invoked, returned)
}

fn shut_out() -> Option<Outcome> {
    Some(Outcome::Refused(Reason::UnknownUser))
}

#[test]
fn a_block_is_before_or_after_a_claim_and_after_its_answer_nothing_is_granted() {
    let state = stocked(3, true);
    let history = [
        done(block(1), 0, 9),
        operation(claim(1, None), regular(0), 1, 5),
        operation(claim(1, None), shut_out(), 6, 8),
        operation(claim(2, None), regular(1), 20, 21),
    ];
    assert_eq!(verdict(&state, &history), Verdict::Linearizable { order: vec![1, 0, 2, 3] });
    let mut late = history.clone();
    late[3] = operation(claim(1, None), regular(1), 20, 21);
    assert_eq!(broken(&state, &late), "BLOCK-REQUESTER");
}

#[test]
fn a_refusal_for_a_block_stays_before_the_answer_under_its_key() {
    let unblock = Op::Unblock { user: User(1), requester: Requester(1) };
    let history = [
        operation(claim(1, Some(1)), regular(0), 0, 90),
        done(block(1), 1, 80),
        operation(claim(1, Some(1)), shut_out(), 2, 70),
        done(unblock, 3, 60),
    ];
    assert_eq!(verdict(&stocked(1, true), &history), Verdict::Linearizable { order: vec![1, 2, 3, 0] });
}

#[test]
fn a_removed_client_tells_how_many_of_the_claims_before_it_nobody_has_read() {
    let removed = |unread| Some(Outcome::ClientRemoved { unread });
    let nobody = Some(Outcome::Claimed(BTreeMap::new()));
    let remove = Op::RemoveClient { client: Client(1) };
    let mut history = vec![
        operation(remove, removed(2), 0, 9),
        operation(claim(1, None), regular(0), 0, 9),
        operation(claim(2, None), last_resort(), 0, 9),
        operation(claim(3, None), nobody, 0, 9),
    ];
    assert_eq!(verdict(&stocked(1, true), &history), Verdict::Linearizable { order: vec![1, 2, 0, 3] });
    // Both claims were answered before it was asked for.
    history[0] = operation(history[0].op.clone(), removed(1), 20, 21);
    history.truncate(3);
    assert_eq!(broken(&stocked(1, true), &history), "LIFE-REMOVE-CLIENT");
}

#[test]
fn a_claim_gets_of_the_old_stock_or_of_the_new_one() {
    let Op::Publish { client, packages } = publish(5..7, None) else { panic!() };
    let replaced = |withdrawn| Some(Outcome::Replaced { withdrawn });
    let mut history = vec![
        operation(Op::Replace { client, packages }, replaced(2), 0, 9),
        operation(claim(1, None), regular(1), 0, 9),
        operation(claim(2, None), regular(5), 0, 9),
    ];
    assert_eq!(verdict(&stocked(2, true), &history), Verdict::Linearizable { order: vec![1, 0, 2] });
    history[0].outcome = replaced(3);
    assert_eq!(broken(&stocked(2, true), &history), "PUB-ATOMIC");
    history[0] = operation(history[0].op.clone(), replaced(3), 0, 1);
    history[1] = operation(claim(1, None), regular(1), 2, 3);
    assert_eq!(broken(&stocked(2, true), &history), "LIFE-TERMINAL");
}
