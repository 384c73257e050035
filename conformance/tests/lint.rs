//! Each mistake that the lint finds in a vector, with the very words in which it is told.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

use kpd_conformance::{
    catalogue::Catalogue,
    vector::{Vector, lint::lint},
    yaml,
};

/// Alice with a phone, bob, and a package; `rest` is what is wrong, or not.
fn told(rest: &str) -> Vec<String> {
    told_of(rest, "key_packages: { a1: { client: phone } }\n")
}

fn told_of(rest: &str, packages: &str) -> Vec<String> {
    let catalogue = Catalogue::read("rules.yaml", include_str!("../../vectors/rules.yaml")).unwrap();
    let text = format!(
        "id: x\ntitle: t\nwhy: w\nrules: [CLAIM-ONCE]\nusers: {{ alice: {{ clients: [phone] }}, bob: {{}} }}\n\
         {packages}{rest}\n"
    );
    match yaml::read::<Vector>("x.yaml", &text) {
        Ok(vector) => lint("x.yaml", &text, &vector, &catalogue)
            .into_iter()
            .map(|error| format!("{} ({})", error.message, error.hint.unwrap_or_default()))
            .collect(),
        Err(error) => vec![format!("{} ({})", error.message, error.hint.unwrap_or_default())],
    }
}

#[track_caller]
fn wrong(rest: &str, message: &str) {
    assert_eq!(told(rest), [message], "{rest}");
}

#[track_caller]
fn right(rest: &str) {
    assert_eq!(told(rest), Vec::<String>::new(), "{rest}");
}

#[test]
fn what_a_vector_documents_is_said() {
    let steps = "steps: [ { recall: [] } ]";
    right(&format!("documents: a server that tells nothing\n{steps}"));
    wrong(
        &format!("documents: ' '\n{steps}"),
        "`documents` is empty (say in one sentence what it is there for, or leave it out)",
    );
}

#[test]
fn a_claim_is_repeated_with_a_bound_and_with_what_is_expected_of_the_last() {
    let claim = |until: &str, expect: &str| {
        format!("steps: [ {{ claim: {{ as: bob, of: alice, {until} }}, expect: {{ {expect} }} }} ]")
    };
    right(&claim("until: { refused: rate_limited, at_most: 200 }", "refused: rate_limited"));
    wrong(
        &claim("key: once, until: { refused: rate_limited, at_most: 200 }", "refused: rate_limited"),
        "steps[0] repeats a claim under an idempotency key (a repetition under one key is the same claim: leave out `key`)",
    );
    for at_most in [0, 1, 1001] {
        wrong(
            &claim(&format!("until: {{ refused: rate_limited, at_most: {at_most} }}"), "refused: rate_limited"),
            &format!("steps[0] repeats a claim at most {at_most} times (from 2 to 1000)"),
        );
    }
    for expect in ["ok: {}", "refused: [rate_limited, forbidden]", "refused: forbidden"] {
        wrong(
            &claim("until: { refused: rate_limited, at_most: 200 }", expect),
            "steps[0] repeats a claim until it is refused, and does not expect just that \
             (`expect: { refused: … }` with the same reason)",
        );
    }
    wrong(
        &claim("until: { refused: rate_limited }", "refused: rate_limited"),
        "steps[0].claim.until: missing field `at_most` ()",
    );
    wrong(
        &claim("until: { refused: rate_limited, at_mots: 3 }", "refused: rate_limited"),
        "steps[0].claim.until: unknown field `at_mots`, expected `refused` or `at_most` (did you mean `at_most`?)",
    );
}

#[test]
fn what_is_done_to_a_server_in_a_race_has_a_lane_of_its_own_and_few_rounds() {
    let race = |before: &str, rounds: u32, lanes: &str, after: &str| {
        let asks = "c1: [ { claim: { as: bob, of: alice } } ], c2: [ { claim: { as: bob, of: alice } } ]";
        format!(
            "before: [ {before} ]\nrace: {{ rounds: {rounds}, judge: linearizable, lanes: {{ {asks}, {lanes} }} }}\n\
             after: [ {after} ]"
        )
    };
    right(&race("", 20, "o: [ { kill: {} }, { start: {} }, { restart: {} } ]", ""));
    right(&race("{ snapshot: {} }", 2, "o: [ { restore: {} } ]", "{ stock: { as: phone } }"));
    right(&race("", 2, "o: [ { snapshot: {} }, { restore: {} } ]", ""));
    let race_of = |rounds: u32, lanes: &str| race("", rounds, lanes, "");
    wrong(
        &race_of(2, "o: [ { kill: {} } ]"),
        "the server is killed last, and stays so (`start: {}` must follow `kill: {}`)",
    );
    wrong(
        &race_of(2, "o: [ { start: {} } ]"),
        "race.lanes.o[0]: start of a server that was not killed (put it where it can be done)",
    );
    wrong(
        &race_of(2, "o: [ { restore: {} } ]"),
        "race.lanes.o[0]: restore without a copy from an earlier `snapshot: {}` (put it where it can be done)",
    );
    wrong(
        &race_of(2, "o: [ { restart: {} } ], p: [ { restart: {} } ]"),
        "two lanes do something to the server from outside (one lane does it all, one after the other)",
    );
    wrong(
        &race_of(2, "o: [ { restart: {} }, { stock: { as: phone } } ]"),
        "a lane asks the server, and does something to it from outside (what is done from outside has a lane of its own)",
    );
    wrong(
        &race_of(21, "o: [ { restart: {} } ]"),
        "a server is stopped and started in 21 rounds (20 at most: each takes its time)",
    );
    wrong(
        "race: { rounds: 1, judge: linearizable, lanes: { c: [ { stock: { as: phone } } ], o: [ { restart: {} } ] } }",
        "what is done from outside meets less than two lanes (a race needs two lanes that ask)",
    );
    wrong(
        &race("{ snapshot: {} }", 2, "o: [ { restore: {} } ]", "{ notifications: { as: phone } }"),
        "after[0]: notifications beside a race and a restore (a restore forgets more than the judge of races can follow: \
         publish, claim without a key, ask for the stock)",
    );
}

#[test]
fn a_block_names_one_of_requester_and_server() {
    let block = |what: &str| format!("steps: [ {{ block: {{ as: alice{what} }} }} ]");
    right(&block(", requester: bob"));
    right(&block(", server: elsewhere"));
    for what in ["", ", requester: bob, server: elsewhere"] {
        wrong(
            &block(what),
            "steps[0] does not name exactly one of requester and server (one user, or all of a server)",
        );
    }
    wrong(
        "steps: [ { unblock: { as: alice } } ]",
        "steps[0] does not name exactly one of requester and server (one user, or all of a server)",
    );
    wrong(&block(", requester: carol"), "there is no user `carol` (declare it under `users`)");
}

#[test]
fn what_is_waited_for_comes_from_an_earlier_step() {
    let expiry = "{ await_key_expiry: { client: alice/tablet } }";
    let says = "waits for an expiry that no earlier step gives the key of alice/tablet (add the key with `expires_in`)";
    wrong(&format!("steps: [ {expiry} ]"), &format!("steps[0] {says}"));
    wrong(
        &format!("steps: [ {{ add_key: {{ as: phone, client: alice/tablet }} }}, {expiry} ]"),
        &format!("steps[1] {says}"),
    );
    right(&format!("steps: [ {{ add_key: {{ as: phone, client: alice/tablet, expires_in: 4 }} }}, {expiry} ]"));
    right(&format!("steps: [ {{ extend_key: {{ as: phone, client: alice/tablet, expires_in: 4 }} }}, {expiry} ]"));
    wrong(
        "steps: [ { await_retry: { from: $wait } } ]",
        "`$wait` was not saved before steps[0] (save it in an earlier step: `save: { name: path }`)",
    );
    wrong(
        "steps: [ { await_retry: { from: wait } } ]",
        "steps[0] waits for `wait`, which is not a saved value \
         (save it where the claim is refused: `save: { wait: retry_after }`)",
    );
    right(
        "steps: [ { claim: { as: bob, of: alice }, save: { wait: retry_after } }, { await_retry: { from: $wait } } ]",
    );
}

#[test]
fn what_takes_months_needs_a_clock_and_a_clock_needs_something_to_wait_for() {
    let lasting =
        |seconds: i64, rest: &str| format!("key_packages: {{ a1: {{ client: phone, not_after: {seconds} }} }}\n{rest}");
    let waits = "steps: [ { await_expiry: { key_package: a1 } } ]";
    let told = |rest: &str| told_of(rest, "");
    assert_eq!(told(&lasting(60, waits)), Vec::<String>::new());
    assert_eq!(told(&lasting(61, waits)), ["steps[0] waits 61 s (60 at most, or `needs: [clock]`)"]);
    assert_eq!(told(&lasting(5_000_000, &format!("needs: [clock]\n{waits}"))), Vec::<String>::new());
    let ends = |first: u32, then: u32| {
        let extended = format!("{{ extend_key: {{ as: phone, client: alice/tablet, expires_in: {then} }} }}");
        format!(
            "steps: [ {{ add_key: {{ as: phone, client: alice/tablet, expires_in: {first} }} }}, {extended}, \
             {{ await_key_expiry: {{ client: alice/tablet }} }} ]"
        )
    };
    right(&ends(4, 60));
    wrong(&ends(4, 5_184_000), "steps[2] waits 5184000 s (60 at most, or `needs: [clock]`)");
    wrong(
        "needs: [clock]\nsteps: [ { recall: [] } ]",
        "it needs a clock that can be moved, and waits for no moment (`await_expiry`, `await_key_expiry`, or leave it out)",
    );
}

#[test]
fn an_answer_as_a_whole_is_compared_with_one_that_was_kept() {
    let twice = |kept: &str, same: &str| {
        let claim = "claim: { as: bob, of: alice }";
        format!("steps: [ {{ {claim}{kept} }}, {{ {claim}, expect: {{ ok: {{}}, same_as: {same} }} }} ]")
    };
    right(&twice(", save_answer: first", "$first"));
    wrong(
        &twice("", "$first"),
        "`$first` was not saved before steps[1] (save it in an earlier step: `save: { name: path }`)",
    );
    wrong(
        &twice("", "first"),
        "steps[1] compares with `first`, which is not a saved answer \
         (keep one with `save_answer: name`, and write `same_as: $name`)",
    );
    wrong(
        "steps: [ { claim: { as: bob, of: alice }, expect: { ok: {}, retry_after: { gte: 1 } } } ]",
        "steps[0] expects `retry_after` of a success (it belongs to `refused`)",
    );
    wrong(
        "steps: [ { claim: { as: bob, of: alice }, expect: { status: 200 } } ]",
        "steps[0] does not expect exactly one thing (expect one of `ok`, `refused`, `anything: true`)",
    );
}

#[test]
fn a_race_with_what_the_model_does_not_know_is_judged_by_the_rules() {
    let race = |step: &str, judge: &str| {
        let other = "b: [ { claim: { as: bob, of: alice } } ]";
        format!("race: {{ rounds: 2, judge: {judge}, lanes: {{ a: [ {{ {step} }} ], {other} }} }}")
    };
    for step in [
        "block: { as: alice, requester: bob }",
        "unblock: { as: alice, requester: bob }",
        "remove_client: { as: phone, client: phone }",
        "publish: { as: phone, key_packages: [a1], replace: true }",
    ] {
        right(&race(step, "rules"));
        right(&race(step, "linearizable"));
    }
    let server = "block: { as: alice, server: elsewhere }";
    right(&race(server, "rules"));
    wrong(
        &race(server, "linearizable"),
        "race.lanes.a[0] shuts out a whole server, or lets it in, which the model does not know in a race (write \
         `judge: rules`, or name a requester)",
    );
    wrong(
        &race("claim: { as: bob, of: alice }, save_answer: first", "rules"),
        "race.lanes.a[0] adds a key, or saves (do that under `before` or `after`)",
    );
    wrong(
        &race(
            "claim: { as: bob, of: alice, until: { refused: rate_limited, at_most: 9 } }, expect: { refused: rate_limited }",
            "rules",
        ),
        "race.lanes.a[0] repeats a claim in a race (write one claim, or do that under `before`)",
    );
}

#[test]
fn names_in_the_new_steps_are_names_that_were_declared() {
    for step in [
        "packages: { as: nobody }",
        "blocks: { as: nobody }",
        "extend_key: { as: phone, client: nobody, expires_in: 9 }",
        "remove_client: { as: phone, client: nobody }",
        "verify: { of: alice, client: nobody }",
    ] {
        wrong(
            &format!("steps: [ {{ {step} }} ]"),
            "nobody is called `nobody` (declare it under `users`; write `user/client` where two users have a client of \
             that name)",
        );
    }
    wrong("steps: [ { verify: { of: carol, client: phone } } ]", "there is no user `carol` (declare it under `users`)");
    wrong(
        "steps: [ { keys: { of: alice, hystory: true } } ]",
        "steps[0].keys: unknown field `hystory`, expected `of` or `history` (did you mean `history`?)",
    );
}

#[test]
fn nobody_waits_for_no_time_or_for_too_long() {
    let wait = |seconds: u32, within: u32| {
        let feed = format!("notifications: {{ as: phone, wait: {seconds} }}");
        format!("steps: [ {{ {feed}, expect: {{ ok: {{ length: 0 }}, within: {within} }} }} ]")
    };
    right(&wait(1, 1));
    right(&wait(30, 60));
    for seconds in [0, 31] {
        wrong(&wait(seconds, 1), &format!("steps[0] waits {seconds} s for what an owner is told (from 1 to 30)"));
    }
    wrong(
        &wait(1, 0),
        "steps[0] expects an answer within no time (at least one second: a busy machine is slow, and answers all the same)",
    );
}
