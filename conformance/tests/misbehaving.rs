//! The runner before servers that misbehave in the middle of a vector: it ends in time, with the right code, and says why.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

#[path = "support/faulty.rs"]
mod faulty;
#[allow(dead_code, reason = "each test uses its part of it")]
mod support;

use std::time::{Duration, Instant};

use faulty::{Fault, Faulty, UNASKED, Which};
use support::{Kpd, Serving};

/// Seconds that the runner waits for an answer.
const TIMEOUT: u64 = 1;

/// So many times as long as for one answer a run of one vector may take; a machine that is busy is slow, a run that hangs
/// takes for ever.
const PATIENCE: u64 = 45;

/// Waits longer than the runner does.
const TOO_LATE: Duration = Duration::from_secs(TIMEOUT * 3);

/// Whatever goes to one user's KeyPackages; the server is alive otherwise.
const CLAIMS: Which = |_, first| first.contains("/claims");
/// From the first claim on a server is as good as away; `number` counts also what makes users ready.
const LATER: Which = |number, _| number >= 5;

fn run_against(fault: Fault, which: Which, arguments: &[&str]) -> Kpd {
    run_patiently(fault, which, TIMEOUT, arguments)
}

fn run_patiently(fault: Fault, which: Which, seconds: u64, arguments: &[&str]) -> Kpd {
    let server = Serving::start(&[]);
    let faulty = Faulty::start(&server.url(), fault, which);
    let (url, timeout) = (faulty.url(), seconds.to_string());
    let mut all = vec!["run", "--target", &url, "--var", "operator_token=operator", "--timeout", &timeout];
    all.extend(["--seed", "7"]);
    all.extend(arguments);
    let begun = Instant::now();
    let ended = Kpd::run(&all);
    let took = begun.elapsed();
    assert!(faulty.spoilt() > 0, "{fault:?}: nothing was spoilt: {}", ended.all());
    assert!(took < Duration::from_secs(seconds * PATIENCE), "{fault:?}: {took:?}: {}", ended.all());
    assert!(!ended.all().contains("panicked"), "{fault:?}: {}", ended.all());
    ended
}

#[track_caller]
fn says(fault: Fault, ended: &Kpd, exit: i32, parts: &[&str]) {
    assert_eq!(ended.exit, exit, "{fault:?}: {}", ended.all());
    for part in parts {
        assert!(ended.out.contains(part), "{fault:?}: no {part:?} in {}", ended.all());
    }
}

/// Each fault, and the words by which the report tells it.
const SPOILT: [(Fault, &str); 11] = [
    (Fault::Hang, "timed out"),
    (Fault::CutBeforeHead, "connection closed before message completed"),
    (Fault::CutInHead, "connection closed before message completed"),
    (Fault::CutInBody, "end of file before message length reached"),
    (Fault::NotHttp, "invalid HTTP version parsed"),
    (Fault::LengthTooGreat, "timed out"),
    (Fault::EndlessHead, "message head is too large"),
    (Fault::Slow(Duration::from_millis(50)), "timed out"),
    (Fault::Late(TOO_LATE), "timed out"),
    (Fault::Deaf, "timed out"),
    (Fault::Die, "Connection refused"),
];

#[test]
fn a_server_that_is_alive_and_spoils_its_answers_fails_and_the_report_says_how() {
    // The last two take the whole server with them.
    for (fault, why) in &SPOILT[..9] {
        let ended = run_against(*fault, CLAIMS, &["claim/once"]);
        says(*fault, &ended, 1, &["FAIL  claim/once", "no answer, though it goes on: POST http://127.0.0.1", why]);
    }
    let ended = run_against(Fault::NotJson, CLAIMS, &["claim/once"]);
    says(Fault::NotJson, &ended, 1, &["FAIL  claim/once", "It works!"]);
}

#[test]
fn a_server_that_spoils_everything_from_some_request_on_is_gone() {
    for (fault, why) in SPOILT {
        let ended = run_against(fault, LATER, &["claim/once"]);
        // Of the first request that found the port closed the line was cut.
        let why = if fault == Fault::Die { "connection closed before message completed" } else { why };
        says(fault, &ended, 4, &["GONE  claim/once", why]);
    }
}

#[test]
fn a_body_without_end_is_not_read_on() {
    // Time enough: it is the length that ends it.
    let which: [(Which, i32); 2] = [(CLAIMS, 1), (LATER, 4)];
    for (which, exit) in which {
        let ended = run_patiently(Fault::EndlessBody, which, 60, &["claim/once"]);
        says(Fault::EndlessBody, &ended, exit, &["the body is longer than 16 MiB"]);
    }
}

#[test]
fn slow_answers_within_the_time_are_as_good_as_fast_ones() {
    for fault in [Fault::Slow(Duration::from_micros(100)), Fault::Late(Duration::from_millis(100))] {
        says(fault, &run_patiently(fault, |_, _| true, 20, &["claim/once"]), 0, &["PASS  claim/once"]);
    }
}

#[test]
fn an_answer_that_nobody_asked_for_is_not_taken_for_that_of_the_next_request() {
    let ended = run_against(Fault::Twice, |_, _| true, &["claim/once", "claim/race-n-for-n", "--rounds", "8"]);
    assert!(!ended.all().contains(UNASKED), "{}", ended.all());
    says(Fault::Twice, &ended, 0, &["PASS  claim/once", "PASS  claim/race-n-for-n"]);
}

#[test]
fn a_race_in_which_no_claim_is_answered_does_not_pass() {
    for fault in [Fault::Hang, Fault::CutBeforeHead, Fault::CutInBody, Fault::NotHttp, Fault::EndlessBody] {
        let ended = run_against(fault, CLAIMS, &["claim/race-n-for-n", "--rounds", "3"]);
        assert!([1, 2].contains(&ended.exit), "{fault:?}: {}", ended.all());
        assert!(!ended.out.contains("PASS"), "{fault:?}: {}", ended.all());
    }
}

/// Whoever loses a race has its line cut: the answers that come are right, and no later claim finds anything wrong.
#[test]
fn a_server_that_is_silent_under_contention_alone_fails_in_a_few_rounds() {
    let some: Which = |number, first| first.contains("/claims") && number % 3 == 0;
    for (fault, seconds, vector) in [
        (Fault::CutBeforeHead, 10, "claim/race-more-than-there-are"),
        (Fault::CutBeforeHead, 10, "claim/race-wide"),
        (Fault::Hang, 1, "model/contention-looks-exhausted"),
    ] {
        let ended = run_patiently(fault, some, seconds, &[vector]);
        says(fault, &ended, 1, &["FAIL", "an answer was owed, and the server goes on: (no answer: "]);
    }
}

/// Nobody waits for it once more with each vector.
#[test]
fn a_whole_run_ends_soon_where_the_server_hangs_for_good() {
    let ended = run_against(Fault::Deaf, |number, _| number >= 20, &["claim/", "publish/", "keys/"]);
    assert_eq!(ended.exit, 4, "{}", ended.all());
    let unasked = ended.out.matches("not asked, since the server had gone before").count();
    assert!(unasked > 50, "{unasked}: {}", ended.all());
}

#[test]
fn a_server_that_dies_or_hangs_in_a_race_is_gone() {
    for fault in [Fault::Die, Fault::Deaf] {
        let ended = run_against(fault, CLAIMS, &["claim/race-n-for-n", "--rounds", "3"]);
        says(fault, &ended, 4, &["GONE  claim/race-n-for-n"]);
    }
}

/// What was not done has no answer to lose: what comes next would be about nothing.
#[test]
fn a_publication_that_fails_is_not_taken_for_one_whose_answer_was_lost() {
    let publications: Which = |_, first| first.starts_with("POST") && first.contains("/key-packages");
    let ended = run_against(Fault::Fails, publications, &["publish/again-after-grant"]);
    says(Fault::Fails, &ended, 4, &["BLOCKED publish/again-after-grant", "steps[0] (phone publishes a1)"]);
}

/// What goes in order meets every replica.
#[test]
fn a_fault_of_the_second_replica_alone_is_found_in_order() {
    let server = Serving::start(&[]);
    let second = Faulty::start(&server.url(), Fault::Fails, CLAIMS);
    let (first, second) = (server.url(), second.url());
    for seed in ["1", "2", "3", "4"] {
        let run = |targets: &[&str]| {
            Kpd::run(&[&["run", "claim/once", "--seed", seed, "--var", "operator_token=operator"], targets].concat())
        };
        let ended = run(&["--target", &first, "--target", &second]);
        assert_eq!(ended.exit, 1, "seed {seed}: {}", ended.all());
    }
}

#[test]
fn a_server_that_says_yes_to_everything_passes_nothing() {
    let lies = ["", "{}", "[]", "null", r#"{"clients":[],"key_packages":[],"notifications":[],"accepted":1}"#];
    for lie in lies {
        let fault = Fault::Says(lie);
        // It is honest when people come, or nothing would be asked at all.
        let spoils: Which =
            |_, first| !["/healthz", "/v1/policy", "POST /v1/users "].iter().any(|at| first.contains(at));
        let ended = run_against(fault, spoils, &["claim/", "publish/", "--rounds", "2"]);
        assert!([1, 4].contains(&ended.exit), "{fault:?}: {}", ended.all());
        assert!(!ended.out.contains("PASS"), "{fault:?}: {}", ended.all());
        let ended = run_against(fault, |_, _| true, &["claim/once"]);
        assert!([1, 3, 4].contains(&ended.exit), "{fault:?}: {}", ended.all());
        assert!(!ended.out.contains("PASS"), "{fault:?}: {}", ended.all());
    }
}
