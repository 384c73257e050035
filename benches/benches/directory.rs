//! Decisions of the core on one user: what publishing, claiming and reading cost beside verification and storage.
#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(clippy::expect_used, reason = "a benchmark that is refused has nothing to measure")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use kpd_benches::{NOW, Owner, apply, claim, policy};
use kpd_directory::{Event, Policy, UserState, key_package::Role, policy::Selection};

const STOCK: usize = 500;

fn publish(criterion: &mut Criterion) {
    let (policy, owner) = (policy(), Owner::new(1));
    let (state, batch) = (owner.state(&policy), owner.batch(100, Role::Regular));
    let mut group = criterion.benchmark_group("publish");
    group.throughput(Throughput::Elements(100));
    group.bench_function("a batch of 100, verified before", |bencher| {
        bencher.iter(|| state.publish(&policy, NOW, &owner.client, black_box(&batch)));
    });
    group.bench_function("a batch of 100, and take it in", |bencher| {
        let published = state.publish(&policy, NOW, &owner.client, &batch).expect("good KeyPackages");
        bencher.iter_batched_ref(|| state.clone(), |state| apply(state, &published), BatchSize::SmallInput);
    });
    group.finish();
}

fn claims(criterion: &mut Criterion) {
    let owner = Owner::new(1);
    let batches: Vec<_> = (0..STOCK / 100).map(|_| owner.batch(100, Role::Regular)).collect();
    let mut group = criterion.benchmark_group("claim");
    for (name, selection) in [("random", Selection::Random), ("fifo", Selection::Fifo)] {
        let policy = Policy { selection, ..policy() };
        let state = owner.with_stock(&policy, &batches);
        let claim = claim();
        let decide = |state: &UserState| state.claim(&policy, NOW, &owner.user, &claim, &mut |count| count / 2);
        group.bench_function(format!("from {STOCK}, {name}"), |bencher| bencher.iter(|| decide(black_box(&state))));
        group.bench_function(format!("from {STOCK}, {name}, and take it in"), |bencher| {
            let claim_one = |state: &mut UserState| {
                let decision = decide(state).expect("a known user");
                apply(state, &decision);
            };
            bencher.iter_batched_ref(|| state.clone(), claim_one, BatchSize::LargeInput);
        });
    }
    group.finish();
}

fn last_resort(criterion: &mut Criterion) {
    let (policy, owner) = (policy(), Owner::new(1));
    let state = owner.with_stock(&policy, &[owner.batch(1, Role::LastResort)]);
    let claim = claim();
    criterion.bench_function("claim/a last resort", |bencher| {
        bencher.iter(|| black_box(&state).claim(&policy, NOW, &owner.user, &claim, &mut |_| 0));
    });
}

/// A user's history after 500 grants: read by its owner, and folded as at a start.
fn history(criterion: &mut Criterion) {
    let (policy, owner) = (policy(), Owner::new(1));
    let batches: Vec<_> = (0..STOCK / 100).map(|_| owner.batch(100, Role::Regular)).collect();
    let mut state = owner.state(&policy);
    let mut history: Vec<Event> = vec![];
    // What `Owner::state` decided is not kept; a history without it folds as fast.
    for batch in &batches {
        let published = state.publish(&policy, NOW, &owner.client, batch).expect("good KeyPackages");
        apply(&mut state, &published);
        history.extend(published.events);
    }
    for _ in 0..STOCK {
        let claimed = state.claim(&policy, NOW, &owner.user, &claim(), &mut |_| 0).expect("a known user");
        apply(&mut state, &claimed);
        history.extend(claimed.events);
    }
    criterion.bench_function("notifications/read the last 10 of 500", |bencher| {
        bencher.iter(|| black_box(&state).notifications(NOW, &owner.client, 490).map(<[_]>::to_vec));
    });
    criterion.bench_function("notifications/read all 500", |bencher| {
        bencher.iter(|| black_box(&state).notifications(NOW, &owner.client, 0).map(<[_]>::to_vec));
    });
    criterion.bench_function("stock/count", |bencher| bencher.iter(|| black_box(&state).stock(NOW, &owner.client)));
    criterion.bench_function("history/fold 500 uploads and 500 claims", |bencher| {
        bencher.iter(|| UserState::of(black_box(&history)));
    });
}

criterion_group!(benches, publish, claims, last_resort, history);
criterion_main!(benches);
