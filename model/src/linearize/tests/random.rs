//! The search against all permutations, on random legal histories, and on histories that lie.

use proptest::prelude::*;

use super::*;
use crate::{
    names::Server,
    spec::{Limit, Limits},
};

/// All permutations of all subsets that hold every known answer: slow, and plainly right.
fn brute_force(spec: &Spec, states: &BTreeSet<State>, history: &[Operation], done: &BTreeSet<usize>) -> bool {
    let open = || (0..history.len()).filter(|position| !done.contains(position));
    if states.is_empty() {
        return false;
    }
    if open().all(|position| history[position].outcome.is_none()) {
        return true;
    }
    open().any(|position| {
        let operation = &history[position];
        let late = |other: usize| history[other].returned.is_some_and(|returned| returned < operation.invoked);
        if open().any(late) {
            return false;
        }
        let after = |state| match &operation.outcome {
            Some(outcome) => spec.accepts(state, &operation.op, outcome).into_iter().collect::<Vec<_>>(),
            None => spec.outcomes(state, &operation.op).into_iter().map(|(_, after)| after).collect(),
        };
        let done = done.iter().copied().chain([position]).collect();
        brute_force(spec, &states.iter().flat_map(after).collect(), history, &done)
    })
}

fn operations() -> Vec<Op> {
    vec![
        publish(1..3, None),
        publish(1..2, Some(90)),
        publish(3..4, Some(91)),
        narrow(publish(4..5, None)),
        narrow(claim(3, None)),
        claim(1, None),
        claim(1, Some(1)),
        claim(2, Some(1)),
        claim(2, None),
        Op::Withdraw { client: Client(1), packages: vec![Package(1)] },
        Op::Stock { client: Client(1) },
        read(0),
        read(1),
        Op::Acknowledge { client: Client(1), through: 1 },
        Op::RemoveKey { client: Client(1), key: Key(1) },
    ]
}

/// What owners and time do beside claims.
fn about_claims() -> Vec<Op> {
    let replace = |batch| match batch {
        Op::Publish { client, packages } => Op::Replace { client, packages },
        other => other,
    };
    let with_key_2 = |mut batch| {
        if let Op::Publish { packages, .. } = &mut batch {
            packages.iter_mut().for_each(|facts| facts.signer = Key(2));
        }
        batch
    };
    let (client, user, requester) = (Client(1), User(1), Requester(1));
    vec![
        publish(1..3, None),
        with_key_2(publish(5..6, None)),
        replace(publish(1..2, None)),
        replace(publish(3..4, Some(91))),
        claim(1, None),
        claim(1, Some(1)),
        claim(1, Some(1)),
        claim(2, None),
        read(0),
        Op::Acknowledge { client, through: 1 },
        Op::Block { user, requester },
        Op::Unblock { user, requester },
        Op::RemoveClient { client },
        Op::AddKey { user, client, key: Key(2), expires: Some(20) },
        Op::ExtendKey { client, key: Key(2), expires: 40 },
        Op::Keys { user },
        Op::Verify { user, key: Key(2), at: 25 },
        Op::Reconcile { client },
        Op::Tick { to: 10 },
        Op::Tick { to: 30 },
        Op::Collect,
        Op::Fence,
    ]
}

/// With limits of one requester, of the two that one server vouches for, or of a pair, and answers that are forgotten, or without.
fn numbers() -> impl Strategy<Value = Spec> {
    let limit = || prop::option::of((1..3_usize, 5..40_u64).prop_map(|(claims, seconds)| Limit { claims, seconds }));
    let memory = prop_oneof![Just(crate::names::Time::MAX), Just(15)];
    (limit(), limit(), limit(), memory, any::<bool>()).prop_map(|(requester, server, pair, claim_memory, fifo)| Spec {
        limits: Limits { requester, server, pair },
        servers: [1, 2].map(|requester| (Requester(requester), Server(1))).into(),
        claim_memory,
        ..spec(fifo)
    })
}

/// The same in the other suite.
fn narrow(mut op: Op) -> Op {
    match &mut op {
        Op::Publish { packages, .. } => packages.iter_mut().for_each(|facts| facts.suite = Suite(2)),
        Op::Claim(claim) => claim.suites = BTreeSet::from([Suite(2)]),
        _ => {}
    }
    op
}

/// A legal sequential history, its times widened so that neighbours overlap, some answers lost.
fn recorded(spec: &Spec, initial: &State, operations: &[Op], picks: &[Pick]) -> Vec<Operation> {
    let mut state = initial.clone();
    let mut history = vec![];
    for (place, (op, outcome, earlier, later, lost)) in picks.iter().enumerate() {
        let op = op.get(operations).clone();
        let outcomes = spec.outcomes(&state, &op);
        let (outcome, after) = outcome.get(&outcomes).clone();
        state = after;
        let moment = place as u64 * 10 + 100;
        let outcome = (!lost).then_some(outcome);
        history.push(operation(op, outcome, moment - earlier, moment + later));
    }
    // As a recorder would have it, which does not know what came first.
    history.sort_by_key(|operation| operation.invoked);
    history
}

/// An operation, an outcome, how much its interval is widened to both sides, whether its answer is lost.
type Pick = (prop::sample::Index, prop::sample::Index, u64, u64, bool);

fn picks(most: usize) -> impl Strategy<Value = Vec<Pick>> {
    let lost = prop::bool::weighted(0.15);
    let pick = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..35_u64, 0..35_u64, lost);
    prop::collection::vec(pick, 1..=most)
}

fn keyed(spec: &Spec) -> State {
    spec.accepts(&State::default(), &add_key(), &Outcome::Done).unwrap()
}

fn spec(fifo: bool) -> Spec {
    let selection = if fifo { crate::spec::Selection::Fifo } else { crate::spec::Selection::Any };
    Spec { selection, ..Spec::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn what_a_legal_directory_did_is_linearizable(picks in picks(30), fifo in any::<bool>()) {
        let spec = spec(fifo);
        let history = recorded(&spec, &keyed(&spec), &operations(), &picks);
        let verdict = linearize(&spec, &keyed(&spec), &history, BUDGET);
        let Verdict::Linearizable { order } = verdict else { return Err(TestCaseError::fail(format!("{verdict:?}"))) };
        let mut places: Vec<_> = order.clone();
        places.sort_unstable();
        places.dedup();
        prop_assert_eq!(places.len(), order.len());
        prop_assert!((0..history.len()).all(|at| order.contains(&at) || history[at].outcome.is_none()));
    }

    #[test]
    fn what_a_legal_directory_with_owners_and_limits_did_is_linearizable(picks in picks(20), spec in numbers()) {
        let history = recorded(&spec, &keyed(&spec), &about_claims(), &picks);
        let verdict = linearize(&spec, &keyed(&spec), &history, BUDGET);
        prop_assert!(matches!(verdict, Verdict::Linearizable { .. }), "{verdict:?} {history:?}");
    }

    #[test]
    fn a_double_grant_is_never_linearizable(picks in picks(30), which in any::<prop::sample::Index>()) {
        let spec = Spec::default();
        let initial = stocked(3, true);
        let first = claim(8, None);
        let (outcome, after) = spec.outcomes(&initial, &first).swap_remove(0);
        let mut history = recorded(&spec, &after, &operations(), &picks);
        history.push(operation(first, Some(outcome), 0, 500));
        let granted = |operation: &&Operation| match &operation.outcome {
            Some(Outcome::Claimed(statuses)) => matches!(statuses.get(&Client(1)), Some(Status::Regular(_))),
            _ => false,
        };
        let granted: Vec<_> = history.iter().filter(granted).cloned().collect();
        history.push(operation(claim(7, None), which.get(&granted).outcome.clone(), 0, 2_000));
        let verdict = linearize(&spec, &initial, &history, BUDGET);
        let refuted = matches!(verdict, Verdict::NotLinearizable { .. });
        prop_assert!(refuted, "{verdict:?}");
    }

    #[test]
    fn the_search_agrees_with_all_permutations_about_owners_and_limits(
        picks in picks(5),
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
        spec in numbers(),
        stocked_before in any::<bool>(),
    ) {
        let initial = if stocked_before { stocked(2, true) } else { keyed(&spec) };
        let mut history = recorded(&spec, &initial, &about_claims(), &picks);
        let answer = from.get(&history).outcome.clone();
        let place = to.index(history.len());
        let returned = history[place].invoked + 20;
        history[place] = operation(history[place].op.clone(), answer, history[place].invoked, returned);
        let expected = brute_force(&spec, &BTreeSet::from([initial.clone()]), &history, &BTreeSet::new());
        let found = linearize(&spec, &initial, &history, BUDGET);
        let linearizable = matches!(found, Verdict::Linearizable { .. });
        prop_assert!(found != Verdict::OutOfBudget);
        prop_assert_eq!(linearizable, expected, "{:?} {:?}", found, history);
    }

    #[test]
    fn the_search_agrees_with_all_permutations(
        picks in picks(5),
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
        fifo in any::<bool>(),
        claims_and_reads in any::<bool>(),
    ) {
        let spec = spec(fifo);
        let (initial, mut operations) = (if claims_and_reads { stocked(2, true) } else { keyed(&spec) }, operations());
        operations.retain(|op| {
            !claims_and_reads || matches!(op, Op::Claim(_) | Op::Notifications { .. } | Op::Acknowledge { .. })
        });
        let mut history = recorded(&spec, &initial, &operations, &picks);
        // An answer goes to another operation, so that about half of the histories are untrue.
        let answer = from.get(&history).outcome.clone();
        let place = to.index(history.len());
        let returned = history[place].invoked + 20;
        history[place] = operation(history[place].op.clone(), answer, history[place].invoked, returned);
        let expected = brute_force(&spec, &BTreeSet::from([initial.clone()]), &history, &BTreeSet::new());
        let found = linearize(&spec, &initial, &history, BUDGET);
        let linearizable = matches!(found, Verdict::Linearizable { .. });
        prop_assert!(found != Verdict::OutOfBudget);
        prop_assert_eq!(linearizable, expected, "{:?} {:?}", found, history);
    }
}
