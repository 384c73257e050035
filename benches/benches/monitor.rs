//! The near-linear history checker: a million operations, how its time grows, and how soon it refutes.
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::{collections::BTreeMap, hint::black_box};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kpd_model::{
    history::{Claim, Event, Facts, Role, State, Status},
    linearize::Operation,
    monitor::{Per, Rate, Verdict, monitor, rate_exceeded},
    names::{Client, InitKey, Key, Package, Requester, Suite, User},
    spec::{Op, Outcome, Selection, Spec},
};

const CLIENTS: u32 = 100;

/// Operations of one round of one client: a publication of six packages, six claims of them, a claim too many.
const ROUND: u32 = 8;

fn facts(package: u32, client: u32, role: Role) -> Facts {
    Facts {
        package: Package(package),
        client: Client(client),
        suite: Suite(1),
        offers: [].into(),
        role,
        init_key: InitKey(package),
        signer: Key(client),
        not_before: 0,
        not_after: 100,
    }
}

/// A hundred clients, each of a user of its own and with a last resort.
fn initial() -> State {
    let events = (0..CLIENTS).flat_map(|client| {
        let key = Event::KeyAdded { user: User(client), client: Client(client), key: Key(client), expires: None };
        [key, Event::Published(vec![facts(client, client, Role::LastResort)])]
    });
    State::of(events.collect::<Vec<_>>())
}

fn claim(client: u32, requester: u32, answer: Option<Status>, invoked: u64, returned: u64) -> Operation {
    let asked = Claim {
        requester: Requester(requester),
        requester_client: None,
        user: User(client),
        suites: [].into(),
        requires: [].into(),
        last_resort_accepted: true,
        key: None,
    };
    let outcome = answer.map(|status| Outcome::Claimed(BTreeMap::from([(Client(client), status)])));
    let returned = outcome.is_some().then_some(returned);
    Operation { op: Op::Claim(asked), outcome, invoked, returned }
}

/// Rounds in which the claims of a client overlap; the answer of one claim in a hundred rounds is lost.
fn history(operations: u32) -> Vec<Operation> {
    let rounds = operations / ROUND;
    let mut history = Vec::with_capacity(operations as usize);
    for round in 0..rounds {
        let (client, begin) = (round % CLIENTS, u64::from(round / CLIENTS) * 20);
        // The first numbers are those of the last resorts.
        let first = CLIENTS + round * 6;
        let packages = (first..first + 6).map(|package| facts(package, client, Role::Regular)).collect();
        let op = Op::Publish { client: Client(client), packages };
        let end = begin + 10;
        // In half of the rounds the packages are certainly there for a while, in the other half all may be at once.
        let published = if round % 200 < CLIENTS { begin + 1 } else { end };
        history.push(Operation { op, outcome: Some(Outcome::Done), invoked: begin, returned: Some(published) });
        for requester in 0..6 {
            let lost = requester == 5 && round % 100 == 99;
            let answer = (!lost).then_some(Status::Regular(Package(first + requester)));
            history.push(claim(client, requester, answer, begin + 3, end + u64::from(requester)));
        }
        let last_resort = Status::LastResort(Package(client));
        history.push(claim(client, 6, Some(last_resort), begin + 2, end + 7));
    }
    history
}

fn explain(criterion: &mut Criterion) {
    let (spec, initial) = (Spec::default(), initial());
    let mut group = criterion.benchmark_group("monitor");
    group.sample_size(10);
    for operations in [10_000, 100_000, 1_000_000] {
        let history = history(operations);
        assert_eq!(monitor(&spec, &initial, &history), Verdict::Legal);
        group.throughput(Throughput::Elements(operations.into()));
        group.bench_function(BenchmarkId::new("operations of 100 clients", operations), |bencher| {
            bencher.iter(|| monitor(&spec, &initial, black_box(&history)));
        });
    }
    let million = history(1_000_000);
    let fifo = Spec { selection: Selection::Fifo, ..Spec::default() };
    assert_eq!(monitor(&fifo, &initial, &million), Verdict::Legal);
    group.bench_function("1000000 operations with the FIFO promise", |bencher| {
        bencher.iter(|| monitor(&fifo, &initial, black_box(&million)));
    });
    let rate = Rate { claims: 8, length: 5 };
    assert_eq!(rate_exceeded(rate, Per::Pair, &million), None);
    group.bench_function("1000000 operations with a limit for each pair", |bencher| {
        bencher.iter(|| rate_exceeded(rate, Per::Pair, black_box(&million)));
    });
    // A single small history stays in the caches of the processor, and seems faster than it is among many others.
    let many: Vec<_> = (0..100).map(|_| history(10_000)).collect();
    group.throughput(Throughput::Elements(1_000_000));
    group.bench_function("100 histories of 10000 operations each", |bencher| {
        bencher.iter(|| many.iter().all(|history| monitor(&spec, &initial, black_box(history)) == Verdict::Legal));
    });
    group.finish();
}

fn refute(criterion: &mut Criterion) {
    let (spec, initial) = (Spec::default(), initial());
    let packages = (0..14).map(|package| facts(CLIENTS + package, 0, Role::Regular)).collect();
    let op = Op::Publish { client: Client(0), packages };
    let mut fourteen = vec![Operation { op, outcome: Some(Outcome::Done), invoked: 0, returned: Some(1) }];
    let granted = |package: u32| claim(0, package, Some(Status::Regular(Package(CLIENTS + package))), 2, 9);
    fourteen.extend((0..13).map(granted));
    fourteen.push(claim(0, 13, Some(Status::LastResort(Package(0))), 2, 9));
    let mut million = history(1_000_000);
    million.extend([400, 401].map(|at| claim(0, at, Some(Status::Regular(Package(CLIENTS + 3))), 0, u64::MAX >> 4)));
    let mut group = criterion.benchmark_group("monitor");
    group.sample_size(10);
    for (name, history) in [("14 overlapping claims", fourteen), ("a double grant among a million", million)] {
        assert!(matches!(monitor(&spec, &initial, &history), Verdict::Illegal { .. }));
        group.bench_function(format!("refutes {name}"), |bencher| {
            bencher.iter(|| monitor(&spec, &initial, black_box(&history)));
        });
    }
    group.finish();
}

criterion_group!(benches, explain, refute);
criterion_main!(benches);
