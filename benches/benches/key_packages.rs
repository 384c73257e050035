//! From bytes to a verified KeyPackage: what an upload costs.
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kpd_benches::{NOW, Owner};
use kpd_directory::{
    Policy,
    key_package::{Reading, Role, UnverifiedKeyPackage},
};

fn verify(criterion: &mut Criterion) {
    let policy = Policy::default();
    let mut group = criterion.benchmark_group("verify a KeyPackage");
    group.throughput(Throughput::Elements(1));
    for (suite, name) in [(1, "suite 1 (Ed25519)"), (2, "suite 2 (P-256)")] {
        let package = UnverifiedKeyPackage::new(Owner::new(suite).make(Role::Regular));
        group.bench_function(name, |bencher| bencher.iter(|| black_box(&package).verify(&policy, NOW)));
    }
    let mut cut_off = Owner::new(1).make(Role::Regular);
    cut_off.pop();
    let cut_off = UnverifiedKeyPackage::new(cut_off);
    group.bench_function("cut off", |bencher| bencher.iter(|| black_box(&cut_off).verify(&policy, NOW)));
    group.finish();
}

fn read(criterion: &mut Criterion) {
    let bytes = Owner::new(1).make(Role::LastResort);
    criterion.bench_function("read a KeyPackage", |bencher| bencher.iter(|| Reading::of(black_box(&bytes))));
}

criterion_group!(benches, verify, read);
criterion_main!(benches);
