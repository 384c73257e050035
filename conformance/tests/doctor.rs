//! `kpd doctor`: a binding that fits, and one mistake of each kind with the words in which it is told.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

#[allow(dead_code, reason = "other tests use the rest of it")]
mod support;

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
};

use support::{Kpd, Scratch, Serving};

const REFERENCE: &str = include_str!("../bindings/reference.yaml");

#[test]
fn the_reference_is_bound_as_it_should_be() {
    let ended = Kpd::run(&["doctor", "--seed", "7"]);
    assert_eq!(ended.exit, 0, "{}", ended.all());
    ended.shows(&[
        "ok      register             alice/phone is registered",
        "came back as it was published",
        "read  refused: unknown_user",
        "read  refused: unauthenticated",
        "0 wrong, 0 in doubt, 0 not tried",
        "kpd run will run",
    ]);
    assert!(!ended.out.contains("lacks restart"), "kpd run kills it: {}", ended.out);
    // Every operation of the binding has its line.
    for line in
        REFERENCE.lines().filter(|line| line.starts_with("  ") && line.ends_with(':') && !line.starts_with("   "))
    {
        let operation = line.trim().trim_end_matches(':');
        assert!(ended.out.contains(&format!("ok      {operation:<20} ")), "{operation} is missing: {}", ended.out);
    }
    let brief = Kpd::run(&["doctor", "--brief"]);
    assert_eq!(brief.exit, 0, "{}", brief.all());
    assert!(!brief.out.contains("sent  "), "{}", brief.out);
}

#[test]
fn nothing_that_is_printed_lets_a_reader_act_as_somebody_else() {
    let server = Serving::start(&[]);
    let ended = doctor(&server, &[]);
    assert_eq!(ended.exit, 0, "{}", ended.all());
    assert!(!ended.out.contains("Bearer") && ended.out.contains("\"enrolment_token\":\"(masked)\""), "{}", ended.out);
}

#[test]
fn a_server_that_is_not_there_ends_with_4() {
    let ended = Kpd::run(&["doctor", "--target", "http://127.0.0.1:1", "--var", "operator_token=x"]);
    assert_eq!(ended.exit, 4, "{}", ended.all());
    assert!(ended.err.contains("GET http://127.0.0.1:1/healthz"), "{}", ended.err);
}

#[test]
fn help_has_an_example_and_the_exit_codes() {
    let help = Kpd::run(&["doctor", "--help"]).out;
    assert!(help.contains("--binding mine.yaml") && help.contains("4 the server is unreachable"), "{help}");
    assert!(help.contains("3 the binding is wrong"), "{help}");
}

fn doctor(server: &Serving, arguments: &[&str]) -> Kpd {
    let url = server.url();
    let mut all = vec!["doctor", "--target", &url, "--var", "operator_token=operator"];
    all.extend(arguments);
    Kpd::run(&all)
}

/// The binding with something else in one operation, or in its head.
fn broken(operation: &str, from: &str, to: &str) -> String {
    let begin = if operation.is_empty() { 0 } else { REFERENCE.find(&format!("\n  {operation}:\n")).unwrap() };
    let at = REFERENCE[begin..].find(from).unwrap_or_else(|| panic!("no {from:?} in {operation}")) + begin;
    format!("{}{to}{}", &REFERENCE[..at], &REFERENCE[at + from.len()..])
}

/// What is wrong, without what differs from run to run.
fn told(ended: &Kpd, url: &str) -> String {
    let mut lines = vec![];
    let mut wanted = false;
    for line in ended.masked(url).lines() {
        let continued = line.starts_with("      ");
        wanted =
            if continued { wanted } else { ["WRONG", "doubt", "untried"].iter().any(|word| line.starts_with(word)) };
        let label = ["sent", "came", "read", "byte"].iter().any(|label| line.trim_start().starts_with(label));
        if wanted && !(continued && label) {
            // Where a text stops to be another encoding depends on the key.
            let line = line.split("invalid symbol").next().unwrap_or_default();
            lines.push(digits(line));
        }
    }
    lines.dedup();
    lines.join("\n")
}

/// Moments and random parts of names.
fn digits(line: &str) -> String {
    let mut shown = String::new();
    let mut run = String::new();
    for c in line.chars().chain(std::iter::once('\n')) {
        if c.is_ascii_digit() {
            run.push(c);
            continue;
        }
        shown.push_str(if run.len() >= 9 { "N" } else { &run });
        run.clear();
        if c != '\n' {
            shown.push(c);
        }
    }
    shown
}

#[test]
fn each_kind_of_mistake_is_told_with_its_remedy() {
    let server = Serving::start(&[]);
    let published = "{ when: { status: 201 }, ok: { fields: { accepted: { at: /accepted } } } }";
    let not_published = "{ when: { status: 202 }, ok: { fields: { accepted: { at: /accepted } } } }";
    let unknown = "        - { when: { status: 404 }, refused: unknown_user }\n";
    let cases = [
        ("a place", 3, broken("claim", "at: /key_package, ", "at: /package, ")),
        ("an encoding", 3, broken("claim", "decode: base64 }", "decode: base64url }")),
        ("a place of what a claim cannot do without", 3, broken("claim", "at: /status", "at: /kind")),
        ("other words", 3, broken("claim", "{ at: /status }", "{ at: /status, words: { regular: fresh } }")),
        ("another name", 3, broken("claim", "client: { at: /client }", "client: { is: handset }")),
        ("a list", 3, broken("claim", "each: /clients", "each: /users")),
        ("a success", 3, broken("publish", published, not_published)),
        ("a refusal", 3, broken("claim", unknown, "")),
        ("a path", 3, broken("claim", "/claims\"", "/claim\"")),
        ("a body", 3, broken("publish", "{ key_package: \"{key_package}\"", "{ package: \"{key_package}\"")),
        ("something to save", 3, broken("register", "save: { key_id: /id }", "save: { key_id: /key/id }")),
        ("credentials", 3, broken("", "{as_user}#{as_key_id}", "{as_user}")),
        ("a requester", 3, broken("notifications", "at: /requester/user", "at: /requester/client")),
        ("a default that hides", 3, broken("stock", "regular: { at: /regular }", "regular: { at: /stock, absent: 0 }")),
        ("another number", 1, broken("stock", "regular: { at: /regular }", "regular: { at: /cipher_suite }")),
        ("what nobody sends", 3, broken("claim", "Idempotency-Key: \"{idempotency_key}\"", "X-Nothing: x")),
        ("readiness", 3, broken("", "path: /healthz", "path: /health")),
    ];
    let scratch = Scratch::new("doctor");
    let mut all = String::new();
    for (number, (kind, exit, binding)) in cases.into_iter().enumerate() {
        scratch.write("binding.yaml", &binding);
        // Each has users of its own, and the same ones every time.
        let seed = (number + 1).to_string();
        let ended = doctor(&server, &["--binding", &scratch.path("binding.yaml"), "--seed", &seed]);
        assert_eq!(ended.exit, exit, "{kind}: {}", ended.all());
        all.push_str(&format!("## {kind}\n{}\n\n", told(&ended, &server.url())));
    }
    insta::assert_snapshot!("mistakes", all);
}

#[test]
fn variables_are_given_and_right() {
    let server = Serving::start(&[]);
    let url = server.url();
    let none = Kpd::run(&["doctor", "--target", &url]);
    assert_eq!(none.exit, 3, "{}", none.all());
    none.shows(&["operator_token has no value", "--var operator_token=…", "nothing was sent"]);
    let wrong = Kpd::run(&["doctor", "--target", &url, "--var", "operator_token=wrong"]);
    assert_eq!(wrong.exit, 3, "{}", wrong.all());
    wrong.shows(&["`register[0].outcomes` has none for 401", "look at `auth`, and at the variables"]);
}

/// A server that says the same to every request but that for its health, for so many connections.
fn says(answer: &'static str, connections: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming().take(connections) {
            let mut connection = connection.unwrap();
            let mut request = [0; 2048];
            let length = connection.read(&mut request).unwrap_or_default();
            let ready = request[..length].starts_with(b"GET /healthz");
            let status = if ready { "200 OK" } else { answer };
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}");
            let _ = connection.write_all(head.as_bytes());
        }
    });
    url
}

#[test]
fn a_server_that_goes_away_ends_with_4_and_one_that_fails_is_in_doubt() {
    // Ready, asked for its policy and for the same to declare it, and gone.
    let url = says("200 OK", 3);
    let gone = Kpd::run(&["doctor", "--target", &url, "--var", "operator_token=x"]);
    assert_eq!(gone.exit, 4, "{}", gone.all());
    assert!(gone.err.contains("the server went away: POST http://127.0.0.1"), "{}", gone.err);
    let url = says("500 Oh", 100);
    let fails = Kpd::run(&["doctor", "--target", &url, "--var", "operator_token=x"]);
    assert_eq!(fails.exit, 1, "{}", fails.all());
    assert!(fails.out.contains("doubt   register"), "{}", fails.out);
}
