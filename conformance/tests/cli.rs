//! `kpd` as its users meet it: what it prints, and each exit code.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

#[allow(dead_code, reason = "each test uses its part of it")]
mod support;

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    time::Instant,
};

use support::{Kpd, Scratch, Serving};

/// Of each race: enough to see that a good server passes; how many find a bad one, `kpd mutants --power` tells.
const ROUNDS: &str = "8";

#[test]
fn the_whole_suite_passes_against_the_embedded_reference_and_leaves_reports() {
    let scratch = Scratch::new("whole");
    let ended = Kpd::run(&["run", "--seed", "7", "--rounds", ROUNDS, "--report", &scratch.path("report")]);
    assert_eq!(ended.exit, 0, "{}", ended.all());
    assert!(!ended.out.contains("FAIL"), "{}", ended.out);
    let json: serde_json::Value = serde_json::from_str(&scratch.read("report/report.json")).unwrap();
    assert_eq!(json["exit"], "passed");
    assert!(json["counts"]["PASS"].as_u64().unwrap() >= 90, "{}", json["counts"]);
    let schema = serde_json::from_str(include_str!("../../vectors/schema/report.schema.json")).unwrap();
    let errors: Vec<_> =
        jsonschema::validator_for(&schema).unwrap().iter_errors(&json).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let junit = quick_junit::Report::deserialize_from_str(&scratch.read("report/junit.xml")).unwrap();
    let cases: usize = junit.test_suites.iter().map(|suite| suite.test_cases.len()).sum();
    assert_eq!(cases, json["vectors"].as_array().unwrap().len());
}

#[test]
fn a_failure_is_told_with_rule_step_requests_and_reason_and_ends_with_1() {
    // One last resort and no choice: the same story each time.
    let server = Serving::start(&["--mutant", "prefers-last-resort"]);
    let ended = server.run(&["last-resort/only-when-exhausted", "--seed", "7"]);
    assert_eq!(ended.exit, 1, "{}", ended.all());
    let told = ended.masked(&server.url());
    insta::assert_snapshot!("failing_run", told);
}

#[test]
fn a_race_that_fails_shows_both_holders() {
    let server = Serving::start(&["--mutant", "append-without-version"]);
    let ended = server.run(&["claim/race-n-for-n", "--seed", "7", "--rounds", "25"]);
    assert_eq!(ended.exit, 1, "{}", ended.all());
    ended.shows(&["CLAIM-ONCE", "was granted twice", "round ", "►", "rounds overlapped"]);
    assert_eq!(ended.out.matches('►').count(), 2, "{}", ended.out);
}

#[test]
fn a_fifo_server_is_held_to_its_declaration() {
    let server = Serving::start(&["--selection", "fifo"]);
    let ended = server.run(&["claim/selection", "--seed", "7"]);
    assert_eq!(ended.exit, 0, "{}", ended.all());
    assert!(ended.out.contains("PASS  claim/selection-fifo"), "{}", ended.out);
    assert!(ended.out.contains("SKIP  claim/selection-random"), "{}", ended.out);
}

#[test]
fn a_race_without_contention_is_inconclusive_and_ends_with_2() {
    let scratch = Scratch::new("idle-race");
    // The second lane only looks at saved values, so no two requests can overlap.
    scratch.write(
        "vectors/idle.yaml",
        "id: idle\ntitle: t\nwhy: w\nrules: [CLAIM-ONCE]\nusers: { alice: { clients: [phone] }, bob: {} }\n\
         race:\n  rounds: 3\n  judge: linearizable\n  lanes:\n    one: [ { claim: { as: bob, of: alice } } ]\n\
         \x20   two: [ { recall: [] } ]\n",
    );
    let ended = Kpd::run(&["run", "--vectors", &scratch.path("vectors"), "--report", &scratch.path("report")]);
    assert_eq!(ended.exit, 2, "{}", ended.all());
    assert!(ended.out.contains("no contention: requests overlapped in 0 of 3 rounds only"), "{}", ended.out);
}

#[test]
fn an_unknown_key_is_told_with_file_line_column_and_hint_and_ends_with_3() {
    let scratch = Scratch::new("unknown-key");
    scratch.write(
        "vectors/wrong.yaml",
        "id: wrong\ntitle: t\nwhy: w\nrules: [CLAIM-ONCE]\nusers: { alice: { clients: [phone] }, bob: {} }\n\
         steps:\n  - claim: { as: bob, off: alice }\n",
    );
    let ended = Kpd::run(&["run", "--vectors", &scratch.path("vectors")]);
    assert_eq!(ended.exit, 3, "{}", ended.all());
    ended.complains(&["wrong.yaml:7:23", "unknown field `off`", "did you mean `of`?"]);
}

#[test]
fn names_that_nobody_declared_and_duplicate_keys_are_mistakes_too() {
    let scratch = Scratch::new("lint");
    let head = "title: t\nwhy: w\nrules: [CLAIM-ONCE]\nusers: { alice: { clients: [phone] }, bob: {} }\n";
    let cases = [
        ("user", "steps: [ { claim: { as: bob, of: alicia } } ]", "there is no user `alicia`"),
        ("package", "steps: [ { publish: { as: phone, key_packages: [a1] } } ]", "there is no KeyPackage `a1`"),
        ("saved", "steps: [ { recall: [$first] } ]", "`$first` was not saved before steps[0]"),
        ("two", "steps: [ { recall: [], keys: { of: alice } } ]", "where one operation is needed"),
        ("nothing", "before: []", "no step"),
        ("twice", "title: again\nsteps: [ { recall: [] } ]", "duplicate field `title`"),
        ("rule", "seen_in: []\nsteps: [ { recall: [], expect: {} } ]", "does not expect exactly one thing"),
    ];
    for (name, rest, says) in cases {
        let directory = format!("{name}/{name}.yaml");
        scratch.write(&directory, &format!("id: {name}\n{head}{rest}\n"));
        let ended = Kpd::run(&["lint", &scratch.path(name)]);
        assert_eq!(ended.exit, 3, "{name}: {}", ended.all());
        assert!(ended.err.contains(says), "{name}: no {says:?} in {}", ended.err);
    }
}

#[test]
fn wrong_usage_ends_with_3_and_help_with_0() {
    assert_eq!(Kpd::run(&["run", "--no-such-flag"]).exit, 3);
    assert_eq!(Kpd::run(&["run", "--rounds", "0"]).exit, 3, "nothing run is never success");
    assert_eq!(Kpd::run(&["run", "--jobs", "0"]).exit, 3);
    assert_eq!(Kpd::run(&["explain", "NO-SUCH-RULE"]).exit, 3);
    assert_eq!(Kpd::run(&["serve", "--mutant", "no-such-mutant"]).exit, 3);
    assert_eq!(Kpd::run(&["run", "--known-failures", "no-such-file.yaml"]).exit, 3);
    assert_eq!(Kpd::run(&["run", "--target", "http://127.0.0.1:1", "--binding", "no-such-file.yaml"]).exit, 3);
    assert_eq!(Kpd::run(&["--help"]).exit, 0);
}

#[test]
fn a_server_that_is_not_there_ends_with_4_within_5_seconds_and_says_what_was_tried() {
    let begun = Instant::now();
    let ended = Kpd::run(&["run", "--target", "http://127.0.0.1:1"]);
    assert_eq!(ended.exit, 4, "{}", ended.all());
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    assert!(ended.err.contains("GET http://127.0.0.1:1/healthz"), "{}", ended.err);
}

#[test]
fn a_server_without_its_operators_token_blocks_and_ends_with_4() {
    let server = Serving::start(&[]);
    let ended = server.run(&["claim/once", "--var", "operator_token=wrong"]);
    assert_eq!(ended.exit, 4, "{}", ended.all());
    assert!(ended.out.contains("BLOCKED"), "{}", ended.out);
    assert!(ended.out.contains("operator"), "the answer is not shown: {}", ended.out);
}

#[test]
fn a_server_that_goes_away_while_it_is_judged_ends_with_4() {
    // It says that it is ready, tells its policy, and is there no more.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming().take(2) {
            let mut connection = connection.unwrap();
            let mut request = [0; 512];
            let length = connection.read(&mut request).unwrap_or_default();
            let body = r#"{"selection":"random"}"#;
            if request[..length].starts_with(b"GET /healthz") || request[..length].starts_with(b"GET /v1/policy") {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                let _ = connection.write_all(format!("{head}{body}").as_bytes());
            }
        }
    });
    let ended = Kpd::run(&["run", "claim/once", "--target", &url, "--var", "operator_token=x"]);
    assert_eq!(ended.exit, 4, "{}", ended.all());
    assert!(ended.out.contains("GONE") && ended.out.contains("POST http://127.0.0.1"), "{}", ended.out);
}

#[test]
fn a_server_that_never_answers_ends_with_4_in_bounded_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let begun = Instant::now();
    let ended = Kpd::run(&["run", "--target", &url, "--timeout", "1"]);
    assert_eq!(ended.exit, 4, "{}", ended.all());
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
}

#[test]
fn a_broken_should_warns_and_fails_a_strict_run() {
    let scratch = Scratch::new("should");
    let rules = include_str!("../../vectors/rules.yaml");
    let once = rules.find("- id: CLAIM-ONCE").unwrap();
    let level = rules[once..].find("level: MUST").unwrap() + once;
    scratch.write(
        "vectors/rules.yaml",
        &format!("{}level: SHOULD{}", &rules[..level], &rules[level + "level: MUST".len()..]),
    );
    scratch.write("vectors/claim/once.yaml", include_str!("../../vectors/claim/once.yaml"));
    let server = Serving::start(&["--mutant", "keeps-claimed"]);
    let vectors = scratch.path("vectors");
    let lenient = server.run(&["--vectors", &vectors]);
    assert_eq!(lenient.exit, 0, "{}", lenient.all());
    assert!(lenient.out.contains("WARN  claim/once") && lenient.out.contains("1 warn"), "{}", lenient.out);
    assert_eq!(server.run(&["--vectors", &vectors, "--strict"]).exit, 1);
}

#[test]
fn a_filter_that_matches_nothing_ends_with_5() {
    let ended = Kpd::run(&["run", "no-such-vector"]);
    assert_eq!(ended.exit, 5, "{}", ended.all());
    assert!(ended.err.contains("no-such-vector"), "{}", ended.err);
}

#[test]
fn everything_skipped_ends_with_5_and_says_why() {
    let scratch = Scratch::new("skipped");
    let binding = include_str!("../bindings/reference.yaml")
        .replace("profiles: [core, last-resort, notify, as, abuse]", "profiles: [notify]");
    scratch.write("binding.yaml", &binding);
    let server = Serving::start(&[]);
    let ended = server.run(&["claim/once", "--binding", &scratch.path("binding.yaml")]);
    assert_eq!(ended.exit, 5, "{}", ended.all());
    assert!(ended.out.contains("does not offer the profile core"), "{}", ended.out);
}

#[test]
fn an_operation_that_a_binding_lacks_skips_what_needs_it() {
    let scratch = Scratch::new("lacks");
    let binding = include_str!("../bindings/reference.yaml");
    let begin = binding.find("  stock:\n").unwrap();
    let end = binding.find("  notifications:\n").unwrap();
    scratch.write("binding.yaml", &format!("{}{}", &binding[..begin], &binding[end..]));
    let server = Serving::start(&[]);
    let ended = server.run(&["claim/suites", "claim/once", "--binding", &scratch.path("binding.yaml")]);
    assert_eq!(ended.exit, 0, "{}", ended.all());
    assert!(ended.out.contains("the binding has no operation stock"), "{}", ended.out);
    assert!(ended.out.contains("PASS  claim/once"), "{}", ended.out);
}

#[test]
fn a_binding_that_uses_what_nobody_declares_ends_with_3() {
    let scratch = Scratch::new("undeclared");
    let binding = include_str!("../bindings/reference.yaml").replace("{operator_token}", "{no_such_token}");
    scratch.write("binding.yaml", &binding);
    let server = Serving::start(&[]);
    let ended = server.run(&["claim/once", "--binding", &scratch.path("binding.yaml")]);
    assert_eq!(ended.exit, 3, "{}", ended.all());
    ended.complains(&["register", "{no_such_token}", "binding.yaml:", "`operator_token` is", "declared"]);
}

#[test]
fn a_variable_that_nobody_gives_ends_with_3_and_says_what_it_is() {
    let server = Serving::start(&[]);
    let ended = Kpd::run(&["run", "claim/once", "--target", &server.url()]);
    assert_eq!(ended.exit, 3, "{}", ended.all());
    assert!(ended.err.contains("--var operator_token=") && ended.err.contains("kpd serve prints it"), "{}", ended.err);
}

#[test]
fn known_failures_are_run_all_the_same_and_one_that_passes_fails_the_run() {
    let scratch = Scratch::new("known");
    scratch.write(
        "known.yaml",
        "- { id: claim/once, comment: our issue 7 }\n- { id: claim/bytes, comment: our issue 8 }\n",
    );
    let server = Serving::start(&["--mutant", "keeps-claimed"]);
    let known = scratch.path("known.yaml");
    let ended = server.run(&["claim/once", "--known-failures", &known]);
    assert_eq!(ended.exit, 0, "{}", ended.all());
    assert!(ended.out.contains("XFAIL") && ended.out.contains("our issue 7"), "{}", ended.out);
    let ended = server.run(&["claim/bytes", "--known-failures", &known]);
    assert_eq!(ended.exit, 1, "{}", ended.all());
    assert!(ended.out.contains("XPASS"), "{}", ended.out);
    scratch.write("sometimes.yaml", "- { id: claim/bytes, comment: one run in ten, sometimes: true }\n");
    let ended = server.run(&["claim/bytes", "--known-failures", &scratch.path("sometimes.yaml")]);
    assert_eq!(ended.exit, 0, "{}", ended.all());
    let wrong = fs::write(scratch.path("wrong.yaml"), "- { id: no/such, comment: x }\n");
    wrong.unwrap();
    assert_eq!(server.run(&["claim/bytes", "--known-failures", &scratch.path("wrong.yaml")]).exit, 3);
}

#[test]
fn the_suite_passes_twice_on_one_server_that_deletes_nothing() {
    let server = Serving::start(&[]);
    for seed in ["11", "12"] {
        let ended = server.run(&["--seed", seed, "--jobs", "8", "--rounds", ROUNDS]);
        assert_eq!(ended.exit, 0, "{}", ended.all());
    }
}

#[test]
fn explain_and_list_tell_what_checks_a_rule() {
    let explained = Kpd::run(&["explain", "claim-once"]).out;
    for part in ["CLAIM-ONCE", "RFC 9420 §16.8 (SHOULD)", "claim/race-n-for-n", "keeps-claimed"] {
        assert!(explained.contains(part), "no {part:?} in {explained}");
    }
    let rules = Kpd::run(&["list", "--rules"]).out;
    let line = rules.lines().find(|line| line.starts_with("LIFE-RESTORE ")).unwrap();
    assert!(line.ends_with("2 vectors") && !rules.contains("pending"), "{rules}");
    assert!(Kpd::run(&["list", "--mutants"]).out.contains("append-without-version"));
    assert!(Kpd::run(&["list", "last-resort"]).out.contains("last-resort/kept"));
}

#[test]
fn the_model_is_checked_and_its_counterexamples_are_told() {
    let trace = Kpd::run(&["model", "trace", "keeps-claimed"]);
    assert_eq!(trace.exit, 0, "{}", trace.all());
    assert!(trace.out.contains("CLAIM-ONCE"), "{}", trace.out);
    assert_eq!(Kpd::run(&["model", "trace", "no-such-mutant"]).exit, 3);
}

#[test]
fn the_page_is_whole_by_itself_and_escapes_what_servers_answer() {
    let scratch = Scratch::new("page");
    let server = Serving::start(&["--mutant", "append-without-version"]);
    let ended = server.run(&["claim/race-n-for-n", "claim/once", "--seed", "7", "--report", &scratch.path("report")]);
    assert_eq!(ended.exit, 1, "{}", ended.all());
    let page = scratch.read("report/report.html");
    for part in ["race-n-for-n", "class=\"timeline\"", "was granted twice", "CLAIM-ONCE", "FAIL", "PASS"] {
        assert!(page.contains(part), "no {part:?}");
    }
    let loads = ["src=\"http", "href=\"http", "@import", "url("];
    let found: Vec<_> = loads.iter().filter(|load| page.contains(*load)).collect();
    assert!(found.is_empty(), "the page needs the network for {found:?}");
    // A quotation mark of a server's JSON, unescaped, could end an attribute.
    assert!(page.contains("&quot;status&quot;") && !page.contains("{\"clients\""));
}

#[test]
fn the_vectors_of_the_model_are_those_of_its_counterexamples_and_tours() {
    made_again("vectors", "model", 40..);
    made_again("tours", "generated", 15..41);
}

#[test]
fn every_kind_of_step_of_the_model_is_in_some_vector() {
    let coverage = Kpd::run(&["model", "coverage"]);
    assert_eq!(coverage.exit, 0, "{}", coverage.all());
    assert!(coverage.out.contains("beyond vectors: collect/"), "{}", coverage.out);
}

/// A command writes vectors, and they are those of a folder of the project.
fn made_again(command: &str, folder: &str, number: impl std::ops::RangeBounds<usize>) {
    let scratch = Scratch::new(folder);
    assert_eq!(Kpd::run(&["model", command, &scratch.path(folder)]).exit, 0);
    let read = |directory: &std::path::Path| -> BTreeMap<_, _> {
        let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        files.map(|path| (path.file_name().unwrap().to_owned(), fs::read_to_string(path).unwrap())).collect()
    };
    let kept = read(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors").join(folder));
    let made = read(std::path::Path::new(&scratch.path(folder)));
    assert!(number.contains(&kept.len()), "{} vectors", kept.len());
    let differing: Vec<_> = made.keys().chain(kept.keys()).filter(|name| made.get(*name) != kept.get(*name)).collect();
    assert!(
        differing.is_empty(),
        "{differing:?} are out of date: cargo run --release -- model {command} vectors/{folder}"
    );
}

#[test]
fn a_reader_that_stops_in_the_middle_is_no_error() {
    use std::process::{Command, Stdio};
    let mut command = Command::new(env!("CARGO_BIN_EXE_kpd"));
    let mut child = command.arg("list").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert!(child.wait().unwrap().success() && told.is_empty(), "{told}");
}

#[test]
fn a_server_with_other_limits_is_judged_by_them_or_skips_with_both_numbers() {
    let server = Serving::start(&["--pair-limit", "3/2", "--requester-limit", "8/60"]);
    let ended = server.run(&["limits/pair", "limits/requester", "limits/retry-after", "--seed", "7"]);
    assert_eq!(ended.exit, 0, "{}", ended.all());
    assert!(
        ended.out.contains("PASS  limits/requester") && ended.out.contains("PASS  limits/retry-after"),
        "{}",
        ended.out
    );
    let server = Serving::start(&["--pair-limit", "20/3600", "--requester-limit", "none"]);
    let ended = server.run(&["limits/pair", "limits/requester", "limits/retry-after", "--seed", "7"]);
    assert_eq!(ended.exit, 0, "{}", ended.all());
    ended.shows(&["it declares no such limit", "it limits for 3600 s, and the suite waits 120 s at most"]);
    assert_eq!(Kpd::run(&["serve", "--pair-limit", "0/3"]).exit, 3);
    assert_eq!(Kpd::run(&["serve", "--pair-limit", "often"]).exit, 3);
}

/// A server takes its time to start.
#[test]
fn a_race_with_a_kill_has_no_more_rounds_than_it_says_and_may_have_fewer() {
    for (rounds, kept) in [("20", "of 8 rounds overlapped"), ("2", "of 2 rounds overlapped")] {
        let ended = Kpd::run(&["run", "crash/race-publication-with-kill", "--seed", "7", "--rounds", rounds]);
        assert!(ended.out.contains(kept), "{}", ended.all());
    }
}
