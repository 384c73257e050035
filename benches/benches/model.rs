//! The history checker: how long it takes to explain what clients saw, and to find that it cannot be explained.
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::{collections::BTreeMap, hint::black_box};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kpd_model::{
    history::{Claim, Event, Facts, Role, State, Status},
    linearize::{Operation, Verdict, linearize},
    names::{Client, InitKey, Key, Package, Requester, Suite, User},
    spec::{Op, Outcome, Spec},
};

const BUDGET: usize = 10_000_000;

/// One client with so many packages.
fn stocked(packages: u32) -> State {
    let facts = |package| Facts {
        package: Package(package),
        client: Client(0),
        suite: Suite(1),
        offers: [].into(),
        role: Role::Regular,
        init_key: InitKey(package),
        signer: Key(0),
        not_before: 0,
        not_after: 100,
    };
    State::of(&[
        Event::KeyAdded { user: User(0), client: Client(0), key: Key(0), expires: None },
        Event::Published((0..packages).map(facts).collect()),
    ])
}

/// Rounds of claims; those of one round overlap, and each gets a package of its own.
fn claims(lanes: u32, rounds: u32) -> Vec<Operation> {
    let numbered = (0..rounds).flat_map(|round| (0..lanes).map(move |lane| (round, lane)));
    numbered.map(|(round, lane)| claim(round, lane, round * lanes + lane)).collect()
}

fn claim(round: u32, lane: u32, package: u32) -> Operation {
    let asked = Claim {
        requester: Requester(lane),
        requester_client: None,
        user: User(0),
        suites: [].into(),
        requires: [].into(),
        last_resort_accepted: true,
        key: None,
    };
    let answered = Outcome::Claimed(BTreeMap::from([(Client(0), Status::Regular(Package(package)))]));
    let invoked = u64::from(round) * 10;
    Operation { op: Op::Claim(asked), outcome: Some(answered), invoked, returned: Some(invoked + 9) }
}

fn explain(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("linearize");
    group.sample_size(10);
    for (lanes, rounds) in [(4, 16), (8, 16), (16, 16)] {
        let (initial, history) = (stocked(lanes * rounds), claims(lanes, rounds));
        assert!(matches!(linearize(&Spec::default(), &initial, &history, BUDGET), Verdict::Linearizable { .. }));
        group.throughput(Throughput::Elements((lanes * rounds).into()));
        group.bench_function(format!("{lanes} lanes, {rounds} rounds of claims"), |bencher| {
            bencher.iter(|| linearize(&Spec::default(), &initial, black_box(&history), BUDGET));
        });
    }
    group.finish();
}

fn refute(criterion: &mut Criterion) {
    let (initial, mut history) = (stocked(64), claims(4, 16));
    // The last claim got what the first one had got already.
    history.pop();
    history.push(claim(15, 3, 0));
    assert!(matches!(linearize(&Spec::default(), &initial, &history, BUDGET), Verdict::NotLinearizable { .. }));
    criterion.bench_function("linearize/a package granted twice among 64 claims", |bencher| {
        bencher.iter(|| linearize(&Spec::default(), &initial, black_box(&history), BUDGET));
    });
}

criterion_group!(benches, explain, refute);
criterion_main!(benches);
