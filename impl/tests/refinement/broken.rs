//! The property bites: directories that break a rule are found, by a short story.
//!
//! None of them is written for this. Each is the core itself, made to believe a history or a time that is not the true
//! one while it decides on one kind of command.

mod limits;

mod keys;

mod owner;

mod lifecycle;

use std::collections::{BTreeMap, BTreeSet};

use kpd_directory::{
    Capabilities, ClientName, Event, KeyPackageRef,
    event::Granted,
    key_package::{Facts, Role},
};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::{
    play,
    story::stories,
    support::{
        command::Command,
        directory::deciding::{Belief, Doctor},
        make::START,
        world::ABILITY,
    },
};

/// There is a story in which the model cannot follow this directory, and it is about this rule, and short.
///
/// Stories come from a fixed seed, so that nothing here depends on luck. Some of the broken directories break more than
/// one rule; a story about another rule is passed over.
#[track_caller]
fn found(rule: &str, doctor: Doctor) {
    let config = Config { cases: 2000, failure_persistence: None, max_shrink_iters: 4000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let found = runner.run(&stories(), |story| match play(&story, Some(doctor)) {
        Err(why) if why.contains(rule) => Err(TestCaseError::fail(why)),
        _ => Ok(()),
    });
    match found {
        Err(TestError::Fail(why, story)) => {
            println!("{story}{why}");
            assert!(story.commands.len() <= 8, "a long story: {story}");
        }
        other => panic!("{rule} is broken, and nobody noticed: {other:?}"),
    }
}

#[test]
fn one_that_forgets_what_it_granted() {
    found("CLAIM-ONCE", |command, truth| match command {
        Command::Claim { .. } => forgetting(truth, |event| matches!(event, Event::Claimed { .. })),
        _ => truth,
    });
}

#[test]
fn one_that_takes_again_what_it_granted() {
    found("PUB-RETRY", |command, truth| match command {
        Command::Publish { .. } => forgetting(truth, |event| matches!(event, Event::Claimed { .. })),
        _ => truth,
    });
}

#[test]
fn one_that_takes_init_keys_again() {
    found("PUB-", |command, truth| match command {
        Command::Publish { .. } => {
            published(truth, |all| all.iter_mut().for_each(|facts| facts.init_key_digest = [0; 32]))
        }
        _ => truth,
    });
}

#[test]
fn one_that_ignores_what_is_required() {
    found("CLAIM-COMPATIBLE", |command, truth| match command {
        Command::Claim { .. } => {
            let all = || Capabilities::new([ABILITY], [], []);
            published(truth, |batch| batch.iter_mut().for_each(|facts| facts.capabilities = all()))
        }
        _ => truth,
    });
}

#[test]
fn one_that_counts_what_has_expired() {
    found("NOTE-ZERO", |command, truth| match command {
        Command::Count { .. } => Belief { now: START, ..truth },
        _ => truth,
    });
}

#[test]
fn one_that_grants_what_has_expired() {
    found("CLAIM-LIVE", |command, truth| match command {
        Command::Claim { .. } => Belief { now: START, ..truth },
        _ => truth,
    });
}

#[test]
fn one_that_takes_what_has_expired() {
    found("PUB-LIFETIME", |command, truth| match command {
        Command::Publish { .. } => Belief { now: START, ..truth },
        _ => truth,
    });
}

#[test]
fn one_that_grants_what_a_removed_key_signed() {
    found("KEY-CASCADE", |command, truth| match command {
        Command::Claim { .. } => forgetting(truth, |event| matches!(event, Event::KeyRemoved { .. })),
        _ => truth,
    });
}

#[test]
fn one_that_takes_what_a_removed_key_signed() {
    found("PUB-SIGNER-LISTED", |command, truth| match command {
        Command::Publish { .. } => forgetting(truth, |event| matches!(event, Event::KeyRemoved { .. })),
        _ => truth,
    });
}

#[test]
fn one_that_grants_what_was_withdrawn() {
    found("LIFE-TERMINAL", |command, truth| match command {
        Command::Claim { .. } => forgetting(truth, |event| matches!(event, Event::Withdrawn { .. })),
        _ => truth,
    });
}

#[test]
fn one_that_tells_the_owner_that_it_was_first() {
    found("LIFE-WITHDRAW-RACE", |command, truth| match command {
        Command::Withdraw { .. } => forgetting(truth, |event| matches!(event, Event::Claimed { .. })),
        _ => truth,
    });
}

#[test]
fn one_that_forgets_idempotency_keys() {
    found("CLAIM-RETRY", |command, truth| match command {
        Command::Claim { .. } => changing(truth, |event| {
            if let Event::Claimed { claim, .. } = event {
                claim.idempotency_key = None;
            }
        }),
        _ => truth,
    });
}

#[test]
fn one_that_grants_the_newest_first() {
    found("CLAIM-SELECTION", |command, truth| match command {
        Command::Claim { .. } => newest_first(truth),
        _ => truth,
    });
}

#[test]
fn one_that_prefers_the_last_resort() {
    found("LAST-ONLY-WHEN-EXHAUSTED: the last resort", |command, truth| match command {
        Command::Claim { .. } => {
            let mut with_last_resort = BTreeSet::new();
            let truth = published(truth, |all| {
                with_last_resort.extend(
                    all.iter().filter(|facts| facts.role == Role::LastResort).map(|facts| facts.signer.clone()),
                );
            });
            published(truth, |all| {
                all.retain(|facts| facts.role == Role::LastResort || !with_last_resort.contains(&facts.signer))
            })
        }
        _ => truth,
    });
}

#[test]
fn one_that_uses_up_the_last_resort() {
    found("LAST-KEPT", |command, truth| match command {
        Command::Claim { .. } => {
            let granted = granted(&truth.history);
            let used = |facts: &Facts| facts.role == Role::LastResort && granted.contains(&facts.reference);
            published(truth, |all| all.retain(|facts| !used(facts)))
        }
        _ => truth,
    });
}

#[test]
fn one_that_keeps_the_first_last_resort() {
    found("LAST-REPLACED-WHOLE", |command, truth| match command {
        Command::Claim { .. } => {
            let mut first = BTreeSet::new();
            published(truth, |all| {
                all.retain(|facts| facts.role == Role::Regular || first.insert((facts.suite, facts.signer.clone())));
            })
        }
        _ => truth,
    });
}

#[test]
fn one_that_calls_a_used_last_resort_unused() {
    found("NOTE-ZERO", |command, truth| match command {
        Command::Count { .. } => changing(truth, |event| {
            if let Event::Claimed { answers, .. } = event {
                answers.retain(|(_, granted)| !matches!(granted, Granted::KeyPackage { role: Role::LastResort, .. }));
            }
        }),
        _ => truth,
    });
}

#[test]
fn one_that_loses_a_notification() {
    found("NOTE-EVERY-GRANT", |command, mut truth| match command {
        Command::Read { by, .. } => {
            truth.history.push(Event::Acknowledged { at: truth.now, client: by.client_name(), through: 1 });
            truth
        }
        _ => truth,
    });
}

#[test]
fn one_that_tells_what_was_acknowledged() {
    found("NOTE-EVERY-GRANT", |command, truth| match command {
        Command::Read { .. } => forgetting(truth, |event| matches!(event, Event::Acknowledged { .. })),
        _ => truth,
    });
}

#[test]
fn one_that_takes_a_key_twice() {
    found("KEY-UNIQUE", |command, truth| match command {
        Command::AddKey { .. } => forgetting(truth, |event| matches!(event, Event::KeyRemoved { .. })),
        _ => truth,
    });
}

/// As if these had never happened.
fn forgetting(truth: Belief, mut what: impl FnMut(&Event) -> bool) -> Belief {
    Belief { history: truth.history.into_iter().filter(|event| !what(event)).collect(), ..truth }
}

fn changing(mut truth: Belief, change: impl FnMut(&mut Event)) -> Belief {
    truth.history.iter_mut().for_each(change);
    truth
}

/// As if something else had been published.
fn published(truth: Belief, mut change: impl FnMut(&mut Vec<Facts>)) -> Belief {
    changing(truth, |event| {
        if let Event::Published { key_packages, .. } = event {
            change(key_packages);
        }
    })
}

fn granted(history: &[Event]) -> BTreeSet<KeyPackageRef> {
    let answers = history.iter().filter_map(|event| match event {
        Event::Claimed { answers, .. } => Some(answers),
        _ => None,
    });
    let references = answers.flatten().filter_map(|(_, granted)| match granted {
        Granted::KeyPackage { reference, .. } => Some(*reference),
        _ => None,
    });
    references.collect()
}

/// As if each client had published all its regular packages at once, and in turned order.
fn newest_first(truth: Belief) -> Belief {
    let mut regular: BTreeMap<ClientName, Vec<Facts>> = BTreeMap::new();
    let truth = changing(truth, |event| {
        if let Event::Published { client, key_packages, .. } = event {
            let (taken, left) = key_packages.drain(..).partition(|facts| facts.role == Role::Regular);
            regular.entry(client.clone()).or_default().splice(0..0, taken);
            *key_packages = left;
        }
    });
    changing(truth, |event| {
        if let Event::Published { client, key_packages, .. } = event {
            key_packages.extend(regular.remove(client).unwrap_or_default());
        }
    })
}
