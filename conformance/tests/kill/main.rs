//! `LIFE-RESTART`, `CLAIM-DURABLE`, `RATE-DURABLE`: a server is killed again and again while many ask it at once, and
//! nothing that it acknowledged is ever lost.
//!
//! `KILL_CYCLES` says how often (10 unless set), `KILL_SEED` for which load. What clients saw is judged on its own: each
//! grant once, told once, the same under its key, every acknowledgement kept. It is judged by the model's monitor, in which
//! a lost answer may or may not have happened. And `kpd audit` judges what the store holds at the end.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod support;

mod judge;
mod load;
mod person;

use std::{sync::Arc, time::Duration};

use kpd_conformance::seed::Seed;
use rand::RngExt as _;
use support::{Kpd, Scratch, Serving};

use load::{Load, Worker};

/// How many ask at a time; each owns KeyPackages, and claims those of all.
const WORKERS: usize = 4;

/// Of a requester, in a day: it has to be met, and more than once.
const CLAIMS_MAX: usize = 8;

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// What is wrong with what clients saw, and what the audit of the store says.
async fn killed_again_and_again(name: &str, cycles: u64, mutant: &[&str]) -> (Load, Vec<String>, Kpd) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let seed = Seed::of_run(number("KILL_SEED", 1));
    let mut rng = seed.child("kills").rng();
    let scratch = Scratch::new(name);
    let store = format!("file:{}", scratch.path("store.kpd"));
    let limit = format!("{CLAIMS_MAX}/86400");
    let arguments = ["--store", &store, "--keep-history", "--pair-limit", "none", "--requester-limit", &limit];
    let arguments = [&arguments[..], mutant].concat();
    let mut serving = Serving::start(&arguments);
    let load = Arc::new(Load::new(seed, &serving.url()));
    let mut workers = vec![];
    for place in 0..WORKERS {
        workers.push(Worker::ready(&load, place).await);
    }
    for _ in 0..cycles {
        let running: Vec<_> = workers.into_iter().map(|worker| tokio::spawn(worker.until_it_is_gone())).collect();
        // After so many answers, on a fast machine as on a slow one, and then at any moment.
        load.has_answered(rng.random_range(10..80)).await;
        tokio::time::sleep(Duration::from_micros(rng.random_range(0..20_000))).await;
        drop(serving);
        workers = vec![];
        for worker in running {
            workers.push(worker.await.unwrap());
        }
        serving = Serving::start(&arguments);
        load.moved(&serving.url());
    }
    for worker in &mut workers {
        worker.settle().await;
    }
    // Only now is there nobody any more of whom somebody could be told.
    for worker in &mut workers {
        worker.read().await;
    }
    let mut violations = vec![];
    for worker in &workers {
        violations.extend(judge::kept(worker).await);
    }
    drop(serving);
    violations.extend(judge::seen(&load, &workers));
    let audit = Kpd::run(&["audit", &store]);
    drop(workers);
    (Arc::into_inner(load).unwrap(), violations, audit)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_that_was_acknowledged_is_lost() {
    let cycles = number("KILL_CYCLES", 10);
    let (load, violations, audit) = killed_again_and_again("kill", cycles, &[]).await;
    eprintln!("{cycles} kills: {}\n{}", load.told(), audit.out);
    assert!(violations.is_empty(), "{violations:#?}");
    assert_eq!(audit.exit, 0, "{}", audit.all());
    // Without these it would have proved nothing.
    let (answered, lost, granted) = load.counts();
    assert!(answered as u64 > 5 * cycles && lost > 0 && granted as u64 > cycles, "{}", load.told());
    assert!(audit.out.contains(&format!(" {granted} granted")), "{granted} were granted:\n{}", audit.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_answers_before_it_stores_is_found() {
    let (_, violations, _) = killed_again_and_again("kill-hasty", 3, &["--mutant", "answers-before-stored"]).await;
    assert!(!violations.is_empty(), "a lost acknowledgement went unnoticed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_that_forget_at_a_restart_are_found() {
    for (mutant, rule) in [
        ("forgets-limits", "RATE-DURABLE"),
        ("forgets-notifications", "NOTE-EVERY-GRANT"),
        ("forgets-blocks", "LIFE-RESTART: blocks"),
        ("forgets-removed-keys", "LIFE-RESTART: keys"),
    ] {
        let (load, violations, _) = killed_again_and_again(mutant, 6, &["--mutant", mutant]).await;
        let found = violations.iter().any(|says| says.contains(rule));
        assert!(found, "{mutant} goes unnoticed: {violations:#?}\n{}", load.told());
    }
}
