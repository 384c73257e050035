//! Whatever the core does, the model could have done: random stories, played on both.
//!
//! A story is played on the core step by step. After each step the question and the answer are translated into the
//! model's words, and [`kpd_model::spec::Spec::accepts`] has to agree; so it has for every client's stock, notifications
//! and list of packages. `broken.rs` shows that this property finds directories that break a rule.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
mod support;

mod story;

mod names;

mod feeds;

mod asking;

mod answering;

mod model;

mod broken;

mod restarts;

use std::{cell::RefCell, collections::BTreeSet, sync::LazyLock};

use kpd_directory::{
    CipherSuite, Policy,
    policy::{DrainAlert, Limit, Limits, Selection},
};
use model::Model;
use proptest::{
    prelude::*,
    test_runner::{Config, FileFailurePersistence, RngAlgorithm, TestRng, TestRunner},
};
use story::{Story, stories};
use support::{
    command::Command,
    directory::{Directory, deciding::Doctor, first_keys},
    world::CLIENTS,
};

/// Numbers that a short story can meet.
fn policy(selection: Selection, limits: Limits) -> Policy {
    Policy {
        selection,
        cipher_suites: vec![CipherSuite(1), CipherSuite(2)],
        stock_max: 2,
        batch_max: 4,
        clock_skew_seconds: 100,
        idempotency_seconds: 200,
        limits,
        low_water: 2,
        drain: Some(DrainAlert { percent: 40, at_least: 1, seconds: 150 }),
        ..Policy::default()
    }
}

/// The requester's limit is met by asking for several users, or over several windows of a pair; that of a server by two
/// requesters.
const LIMITED: Limits = Limits {
    requester: Some(Limit { claims: 3, seconds: 300 }),
    server: Some(Limit { claims: 3, seconds: 250 }),
    pair: Some(Limit { claims: 2, seconds: 100 }),
};

/// Core and model side by side.
#[derive(Clone)]
struct Pair {
    directory: Directory,
    model: Model,
}

/// After the first keys of everybody; made once, since it takes eight signatures.
static BEGINNINGS: LazyLock<[Pair; 4]> = LazyLock::new(|| {
    let (random, fifo) = (Selection::Random, Selection::Fifo);
    [(random, Limits::NONE), (fifo, Limits::NONE), (random, LIMITED), (fifo, LIMITED)].map(|(selection, limits)| {
        let policy = policy(selection, limits);
        let mut pair = Pair { model: Model::new(&policy), directory: Directory::enrolled(policy) };
        first_keys().for_each(|command| pair.step(&command).expect("the model adds keys, too"));
        pair
    })
});

impl Pair {
    fn begin(story: &Story, doctor: Option<Doctor>) -> Self {
        let Pair { directory, model } = BEGINNINGS[usize::from(story.fifo) + 2 * usize::from(story.limited)].clone();
        Pair { directory: directory.with_doctor(doctor), model }
    }

    /// One command, and then a look at what each client has and is told.
    fn step(&mut self, command: &Command) -> Result<(), String> {
        self.ask(command)?;
        for by in CLIENTS {
            self.ask(&Command::Count { by })?;
            self.ask(&Command::Read { by, after: 0 })?;
            self.ask(&Command::Compare { by })?;
        }
        Ok(())
    }

    fn ask(&mut self, command: &Command) -> Result<(), String> {
        let answer = self.directory.run(command);
        let judged = self.model.follow(self.directory.now, command, &answer);
        judged.map_err(|why| format!("{command} => {}\n{why}", answer.tell(command)))
    }
}

/// Plays a story; an error says at which step the model could not follow, and why.
fn play(story: &Story, doctor: Option<Doctor>) -> Result<Model, String> {
    let mut pair = Pair::begin(story, doctor);
    for (number, command) in (1..).zip(&story.commands) {
        pair.step(command).map_err(|why| format!("step {number}: {why}"))?;
    }
    Ok(pair.model)
}

proptest! {
    #![proptest_config(Config {
        cases: 512,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/refinement/regressions.txt"))),
        ..Config::default()
    })]

    #[test]
    fn whatever_the_core_does_the_model_could_have_done(story in stories()) {
        play(&story, None).map_err(TestCaseError::fail)?;
    }
}

/// The property says nothing about what no story does.
#[test]
fn the_stories_reach_what_there_is_to_reach() {
    let reached = RefCell::new(BTreeSet::new());
    let config = Config { cases: 3072, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let played = runner.run(&stories(), |story| {
        reached.borrow_mut().extend(play(&story, None).map_err(TestCaseError::fail)?.labels);
        Ok(())
    });
    played.expect("a refinement");
    let reached = reached.into_inner();
    let missing: Vec<_> =
        REACHED.iter().filter(|kind| !reached.iter().any(|label| label.starts_with(**kind))).collect();
    assert!(missing.is_empty(), "not reached: {missing:#?}\nreached: {reached:#?}");
}

/// How labels begin, as [`kpd_model::spec::Spec::label`] and `Model::label` give them: what was before, operation, result,
/// what was special.
const REACHED: &[&str] = &[
    "publish/done/new",
    "publish/done/new_last_resort",
    "publish/done/again",
    "publish/done/used_last_resort",
    "publish/refused-alreadyused",
    "publish/refused-initkeyreused",
    "publish/refused-roleconflict",
    "publish/refused-expired",
    "publish/refused-notyetvalid",
    "publish/refused-lifetimetoolong",
    "publish/refused-signernotlisted",
    "publish/refused-twolastresorts",
    "publish/refused-stockfull",
    "publish/refused-batchtoolarge",
    "publish/refused-unknownclient",
    "publish/refused-beforefence",
    "changes after a fence: publish/done/new",
    "replace/replaced/new",
    "replace/replaced/new_last_resort",
    "replace/replaced/again",
    "replace/replaced-nothing",
    "replace/refused-alreadyused",
    "replace/refused-stockfull",
    "replace/refused-signernotlisted",
    "replace/refused-unknownclient",
    "replace/refused-beforefence",
    "claim/regular",
    "claim/last_resort",
    "claim/incompatible",
    "claim/exhausted/open",
    "claim/exhausted/last_resort_refused",
    "claim/exhausted+incompatible",
    "claim/exhausted+regular/again",
    "claim/exhausted+last_resort/again",
    "claim/refused-idempotencymismatch",
    "claim/refused-unknownuser",
    "claim/refused-unknownuser/blocked",
    "claim/limited/open",
    "claim/limited/own_user",
    "after a refusal: claim/limited",
    "after an answer: claim/exhausted+regular",
    "after a forgotten answer: claim/exhausted+regular",
    "after a forgotten refusal: claim",
    "withdraw/withdrawn",
    "withdraw/alreadygranted",
    "withdraw/unknown",
    "block/done/free",
    "block/done/blocked",
    "unblock/done/free",
    "unblock/done/blocked",
    "stock/zero",
    "stock/low",
    "stock/some",
    "packages/available",
    "packages/expired",
    "packages/granted",
    "packages/revoked",
    "packages/withdrawn",
    "notifications/empty",
    "notifications/some/from_cursor",
    "told after a fence",
    "acknowledge/done/unread",
    "changes after a fence: acknowledge/done/unread",
    "add_key/done/new",
    "add_key/done/known",
    "add_key/refused-keytaken",
    "add_key/refused-expirynotforward",
    "changes: extend_key/done/idle",
    "changes: extend_key/done/signs",
    "extend_key/refused-expirynotforward",
    "extend_key/refused-keyended",
    "extend_key/refused-unknownkey",
    "remove_key/done/signs",
    "remove_key/done/ended",
    "remove_key/refused-unknownkey",
    "keys/some",
    "verify/valid",
    "verify/notyet",
    "verify/expired",
    "verify/removed",
    "verify/unknown",
    "remove_client/removed/stocked",
    "remove_client/removed-unread",
    "remove_client/refused-unknownclient",
    "changes: collect",
    "fence/done",
    "tick/done",
];

/// What random stories found, kept as it was told; the seeds beside this file are worth less once the pool changes.
#[test]
fn stories_that_once_went_otherwise() {
    let told = [
        // The core said that the key belonged to another question.
        (false, "bob/phone claims alice in 2 1 key k1; bob/phone claims alice in 1 2 key k1"),
        // The core granted l1, since suite 1 comes before suite 2.
        (true, "alice/laptop publishes q1; alice/laptop publishes l1; carol/phone claims alice"),
        // To the model a requester has one set of idempotency keys, to the core each of its clients: see `claim_key`.
        (false, "alice/laptop claims alice key k2; alice/laptop claims bob key k2"),
    ];
    for (fifo, commands) in told {
        let story = Story { fifo, limited: false, commands: commands.split("; ").map(Command::parse).collect() };
        play(&story, None).unwrap_or_else(|why| panic!("{story}{why}"));
    }
}
