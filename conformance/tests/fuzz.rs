//! Random stories: an honest server passes them, broken ones are found soon, and what is found is short and fails again.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

#[allow(dead_code, reason = "the runner's own tests use the rest")]
#[path = "support/faulty.rs"]
mod faulty;
#[allow(dead_code, reason = "the tests of the command line use the rest")]
mod support;

use faulty::{Fault, Faulty};
use support::{Kpd, Scratch, Serving};

#[test]
fn an_honest_server_passes_in_order_and_at_once() {
    for more in [&["--stories", "120"][..], &["--stories", "48", "--concurrent"]] {
        let ended = Kpd::run(&[&["fuzz", "--seed", "1"], more].concat());
        assert_eq!(ended.exit, 0, "{}", ended.all());
        assert!(ended.out.contains("none fails") && !ended.out.contains("undecided"), "{}", ended.out);
    }
}

#[test]
fn broken_servers_are_found_by_short_vectors_that_fail_again() {
    for (mutant, rule, longest) in [
        ("keeps-claimed", "CLAIM-ONCE", 4),
        ("revives-republished", "PUB-RETRY", 5),
        ("prefers-last-resort", "LAST-ONLY-WHEN-EXHAUSTED", 4),
        ("forgets-idempotency-key", "CLAIM-RETRY", 4),
    ] {
        found(mutant, rule, longest, &["--stories", "200"]);
    }
}

#[test]
fn racy_servers_are_found_where_things_happen_at_once() {
    // Which of its faults shows first is for chance to say: one that appends to whatever is there withdraws what is granted, too.
    for mutant in ["append-without-version", "contention-looks-exhausted"] {
        found(mutant, "rules: [", 5, &["--stories", "200", "--concurrent"]);
    }
}

/// What shows once is a failure all the same; and of what a limit hides, nothing is known.
#[test]
fn what_fails_once_is_told_and_what_cannot_be_judged_is_no_pass() {
    let server = Serving::start(&[]);
    let once = Faulty::start(&server.url(), Fault::NotJson, |number, first| first.contains("/claims") && number < 60);
    let (url, scratch) = (once.url(), Scratch::new("fuzz-once"));
    let target = |url: &str| ["--target", url, "--var", "operator_token=operator", "--seed", "1"].map(str::to_string);
    let fuzz = |url: &str, more: &[&str]| {
        let target = target(url);
        let target: Vec<&str> = target.iter().map(String::as_str).collect();
        Kpd::run(&[&["fuzz", "--jobs", "1", "--write", &scratch.path("stories")], &target[..], more].concat())
    };
    let ended = fuzz(&url, &["--stories", "12"]);
    assert_eq!((ended.exit, once.spoilt() > 0), (1, true), "{}", ended.all());
    ended.shows(&["it failed once, and not again", "one fails"]);
    assert!(scratch.read("stories/fuzz/found.yaml").contains("claim"));

    let strict = Serving::start(&["--requester-limit", "1/3600", "--pair-limit", "1/3600"]);
    for more in [&["--stories", "12"][..], &["--stories", "12", "--concurrent"]] {
        let ended = fuzz(&strict.url(), more);
        assert_eq!(ended.exit, 2, "{}", ended.all());
        ended.shows(&["none fails", "undecided: "]);
    }
}

/// A story is found that breaks this rule, and is this short; its vector fails the mutant again, and no honest server.
fn found(mutant: &str, rule: &str, longest: usize, more: &[&str]) {
    let scratch = Scratch::new(&format!("fuzz-{mutant}"));
    let directory = scratch.path("stories");
    let ended = Kpd::run(&[&["fuzz", "--seed", "3", "--mutant", mutant, "--write", &directory], more].concat());
    assert_eq!(ended.exit, 1, "{mutant}: {}", ended.all());
    // There is no bundle of it, and its file is not one of kpd's.
    assert!(!ended.out.contains("kpd replay") && ended.out.contains(&format!("at {directory}/fuzz/found.yaml")));
    let vector = scratch.read("stories/fuzz/found.yaml");
    assert!(vector.contains(rule), "{mutant}: {vector}");
    let operations = ["publish:", "claim:", "withdraw:", "stock:", "packages:", "notifications:", "block:", "keys:"];
    let asked: usize = operations.iter().map(|operation| vector.matches(&format!(" {operation} {{")).count()).sum();
    assert!((1..=longest).contains(&asked), "{mutant}: {vector}");
    let again = Serving::start(&["--mutant", mutant]).run(&["--vectors", &directory]);
    assert_eq!(again.exit, 1, "{mutant}: {}", again.all());
    let honest = Serving::start(&[]).run(&["--vectors", &directory]);
    assert_eq!(honest.exit, 0, "{mutant}: {}", honest.all());
}
