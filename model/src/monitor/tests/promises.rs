//! Orders, limits, keys and drawings by hand: each check is seen to fail, and not to fail too early.

use super::*;
use crate::{
    names::{Key, Server},
    spec::Selection,
};

fn fifo() -> Spec {
    Spec { selection: Selection::Fifo, ..Spec::default() }
}

fn published(packages: std::ops::Range<u32>, begin: u64, end: u64) -> Operation {
    operation(publish(packages), Some(Outcome::Done), begin, end)
}

fn granted(package: u32, begin: u64, end: u64) -> Operation {
    operation(claim(package), regular(package), begin, end)
}

#[track_caller]
fn refuted(spec: &Spec, initial: &State, history: &[Operation]) -> (&'static str, Vec<usize>) {
    match monitor(spec, initial, history) {
        Verdict::Illegal { rule, witness, .. } => (rule, witness),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_published_first_is_granted_first_where_that_is_promised() {
    let initial = stocked(0);
    let history = [published(1..2, 0, 1), published(2..3, 2, 3), granted(2, 4, 5), granted(1, 6, 7)];
    assert_eq!(monitor(&Spec::default(), &initial, &history), Verdict::Legal);
    assert_eq!(refuted(&fifo(), &initial, &history), ("CLAIM-SELECTION", vec![0, 1, 2, 3]));
    // What overlaps has no order, be it publications or claims.
    let [one, two, first, second] = history.clone();
    assert_eq!(monitor(&fifo(), &initial, &[published(1..2, 0, 2), two, first, second.clone()]), Verdict::Legal);
    assert_eq!(monitor(&fifo(), &initial, &[one, published(2..3, 2, 3), granted(2, 4, 6), second]), Verdict::Legal);
    // What was never granted is still there.
    assert_eq!(refuted(&fifo(), &initial, &history[..3]).0, "CLAIM-SELECTION");
}

#[test]
fn a_batch_is_granted_whole_before_the_next_one() {
    let initial = stocked(0);
    let batches = [published(1..3, 0, 9), published(3..5, 0, 9)];
    let orders = [([1, 2, 3, 4], true), ([2, 1, 4, 3], true), ([1, 3, 2, 4], false), ([3, 4, 1, 2], true)];
    for (order, legal) in orders {
        let mut history = batches.to_vec();
        history.extend((10..).step_by(2).zip(order).map(|(at, package)| granted(package, at, at + 1)));
        assert_eq!(monitor(&fifo(), &initial, &history) == Verdict::Legal, legal, "{order:?}");
    }
}

/// No two of these batches contradict each other: the smallest circle has three.
#[test]
fn three_batches_can_be_needed_to_show_that_there_is_no_order() {
    let history = [
        published(3..4, 0, 1),
        published(1..2, 2, 5),
        published(21..23, 0, 5),
        granted(1, 6, 15),
        granted(21, 6, 7),
        granted(3, 8, 90),
        granted(22, 16, 17),
    ];
    assert_eq!(refuted(&fifo(), &stocked(0), &history).0, "CLAIM-SELECTION");
    let found = crate::linearize::linearize(&fifo(), &stocked(0), &history, 1_000_000);
    assert!(matches!(found, crate::linearize::Verdict::NotLinearizable { .. }), "{found:?}");
    for batch in [0, 1, 2] {
        let others: Vec<u32> = [vec![3], vec![1], vec![21, 22]]
            .into_iter()
            .enumerate()
            .filter(|(at, _)| *at != batch)
            .flat_map(|(_, batch)| batch)
            .collect();
        let without = history.iter().filter(|operation| match (&operation.op, &operation.outcome) {
            (Op::Publish { packages, .. }, _) => others.contains(&packages[0].package.0),
            (_, outcome) => others.iter().any(|package| *outcome == regular(*package)),
        });
        assert_eq!(monitor(&fifo(), &stocked(0), &without.cloned().collect::<Vec<_>>()), Verdict::Legal);
    }
}

#[test]
fn a_lost_claim_can_have_taken_what_stands_in_the_way() {
    let initial = stocked(0);
    let mut history = vec![published(1..2, 0, 1), published(2..3, 2, 3), granted(2, 4, 9)];
    history.push(operation(claim(9), None, 5, 0));
    assert_eq!(monitor(&fifo(), &initial, &history), Verdict::Legal);
    // It was sent too late.
    history[3].invoked = 10;
    assert_eq!(refuted(&fifo(), &initial, &history).0, "CLAIM-SELECTION");
}

#[test]
fn a_publication_that_cannot_fit_was_not_accepted_and_one_that_fits_not_refused() {
    let spec = Spec { stock_max: 3, ..Spec::default() };
    let initial = stocked(2);
    let accepted = [published(11..13, 0, 5)];
    assert_eq!(refuted(&spec, &initial, &accepted), ("PUB-LIMITS", vec![0]));
    let claimed = [accepted[0].clone(), granted(1, 4, 8)];
    assert!(matches!(monitor(&spec, &initial, &claimed), Verdict::NotCovered { .. }));
    let refused = |packages| [operation(publish(packages), Some(Outcome::Refused(Reason::StockFull)), 0, 5)];
    assert_eq!(refuted(&spec, &initial, &refused(11..12)), ("PUB-LIMITS", vec![0]));
    assert!(matches!(monitor(&spec, &initial, &refused(11..13)), Verdict::NotCovered { .. }));
}

#[test]
fn a_key_that_is_added_before_all_else_of_its_user_may_as_well_have_been_there() {
    let add = |begin, end| {
        operation(
            Op::AddKey { user: User(1), client: Client(1), key: Key(1), expires: None },
            Some(Outcome::Done),
            begin,
            end,
        )
    };
    let history = [add(0, 1), published(1..2, 2, 3), granted(1, 4, 5)];
    assert_eq!(verdict(&State::default(), &history), Verdict::Legal);
    assert_eq!(broken(&State::default(), &[add(0, 1), granted(1, 4, 5)]).0, "CLAIM-BYTES");
    let late = [add(0, 2), published(1..2, 2, 3), granted(1, 4, 5)];
    assert!(matches!(verdict(&State::default(), &late), Verdict::NotCovered { .. }));
    let other = State::of(&[Event::KeyAdded { user: User(2), client: Client(2), key: Key(1), expires: None }]);
    assert_eq!(broken(&other, &history), ("KEY-UNIQUE", vec![0]));
}

#[test]
fn only_claims_that_lie_in_one_window_are_certainly_too_many() {
    let rate = Rate { claims: 2, length: 10 };
    let of_one = |times: &[(u64, u64)]| {
        times.iter().map(|(begin, end)| operation(claim(7), last_resort(), *begin, *end)).collect::<Vec<_>>()
    };
    let found = |history: &[Operation]| match rate_exceeded(rate, Per::Requester, history) {
        Some(Verdict::Illegal { rule: "RATE-REQUESTER", witness, .. }) => witness,
        Some(other) => panic!("{other:?}"),
        None => vec![],
    };
    assert_eq!(found(&of_one(&[(0, 1), (3, 4), (8, 9)])), [0, 1, 2]);
    assert!(found(&of_one(&[(0, 1), (3, 4), (8, 10)])).is_empty(), "the last may have been in the next window");
    assert_eq!(found(&of_one(&[(0, 90), (20, 21), (0, 1), (22, 23), (24, 25)])), [1, 3, 4]);
    let mut history = of_one(&[(0, 1), (3, 4), (5, 6)]);
    history[1].outcome = None;
    assert!(found(&history).is_empty(), "a lost answer need not have happened");
    let repeated: Vec<_> = (0..3).map(|at| operation(again(claim(7), 1), last_resort(), at, at + 1)).collect();
    assert!(found(&repeated).is_empty(), "a repetition does not count");
    let mut others = of_one(&[(0, 1), (3, 4), (5, 6)]);
    others[2].op = changed(claim(7), |claim| claim.user = User(2));
    assert!(rate_exceeded(rate, Per::Pair, &others).is_none());
    assert_eq!(found(&others), [0, 1, 2]);
    // Two of one other server, and one of this directory's own, or of another server.
    let of_three = [(7, 0, 1), (8, 3, 4), (9, 5, 6), (7, 7, 8)];
    let history = of_three.map(|(by, begin, end)| operation(claim(by), last_resort(), begin, end));
    let together = |servers: &[(u32, u32)]| {
        let servers = servers.iter().map(|(requester, server)| (Requester(*requester), Server(*server))).collect();
        match rate_exceeded(rate, Per::Server(&servers), &history) {
            Some(Verdict::Illegal { rule: "RATE-SERVER", witness, .. }) => witness,
            Some(other) => panic!("{other:?}"),
            None => vec![],
        }
    };
    assert_eq!(together(&[(7, 1), (8, 1)]), [0, 1, 3]);
    assert_eq!(together(&[(7, 1), (9, 1), (8, 2)]), [0, 2, 3]);
    assert!(together(&[(7, 1), (8, 2), (9, 2)]).is_empty(), "each server has an allowance of its own");
    assert!(together(&[(7, 1)]).is_empty(), "the directory's own are not counted together");
}

#[test]
fn users_are_judged_apart_and_the_smallest_witness_is_told() {
    let key = |user| Event::KeyAdded { user: User(user), client: Client(user), key: Key(user), expires: None };
    let initial = State::of(&[key(1), key(2)]);
    let of_two = |package: u32| Facts { client: Client(2), signer: Key(2), ..facts(package, Role::Regular) };
    let claim_of_two = |answer| operation(changed(claim(9), |claim| claim.user = User(2)), answer, 4, 5);
    let history = [
        published(1..2, 0, 1),
        granted(1, 2, 3),
        granted(1, 4, 5),
        operation(Op::Publish { client: Client(2), packages: vec![of_two(5)] }, Some(Outcome::Done), 0, 1),
        claim_of_two(Some(Outcome::Claimed(BTreeMap::from([(Client(2), Status::Regular(Package(1)))])))),
    ];
    assert_eq!(broken(&initial, &history), ("CLAIM-BYTES", vec![4]));
    assert_eq!(broken(&initial, &history[..4]), ("CLAIM-ONCE", vec![1, 2]));
    // One package of two users is neither's fault, nor anything that is decided.
    let mut mingled = history[..4].to_vec();
    mingled[3].op = Op::Publish { client: Client(2), packages: vec![of_two(1)] };
    assert!(matches!(verdict(&initial, &mingled), Verdict::NotCovered { .. }));
}

#[test]
fn a_witness_is_drawn() {
    let history = [published(1..2, 0, 1), operation(claim(9), last_resort(), 2, 5), operation(claim(8), None, 4, 0)];
    insta::assert_snapshot!(drawn(&history, &[0, 1, 2]), @r"
    0 |=|         client1's publication of p1 -> done
    1     |===|   r9's claim -> the last resort p90 from client1
    2       |===> r8's claim -> no answer
    ");
}
