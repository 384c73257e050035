//! The script of a failing story: what it asks for, what it cannot send, and that a shell can read it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

#[allow(dead_code, reason = "each test uses its part of it")]
mod support;
#[allow(dead_code, reason = "each test uses its part of it")]
#[path = "support/told.rs"]
mod told;

use std::process::{Command, Output};

use kpd_conformance::{
    recording::Exchange,
    report::{bundle, curl},
    verdict::{Failure, Span, Verdict},
};
use support::Scratch;

fn exchange(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Exchange {
    Exchange {
        method: method.into(),
        url: url.into(),
        request_headers: headers.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string())).collect(),
        request_body: body.into(),
        status: 200,
        response_headers: [].into(),
        response_body: String::new(),
    }
}

fn script(steps: Vec<(&str, Exchange)>) -> String {
    let mut failure = told::race();
    failure.timeline = steps
        .into_iter()
        .enumerate()
        .map(|(number, (says, exchange))| Span {
            path: format!("steps[{number}]"),
            says: says.into(),
            observed: "ok".into(),
            sent_ms: 1.0,
            answered_ms: 2.0,
            involved: false,
            exchanges: vec![exchange],
        })
        .collect();
    told(failure)
}

fn told(failure: Failure) -> String {
    told::with_report(&[Verdict::Fail(failure)], |report| {
        let (judged, failure) = report.failures().next().unwrap();
        curl::script(&bundle::of(report, judged, failure))
    })
}

fn bash(name: &str, text: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let scratch = Scratch::new(name);
    scratch.write("story.sh", text);
    // Instead of asking a server, each request is printed.
    scratch.write("curl", "#!/bin/sh\nprintf '<%s>' \"$@\"; echo\n");
    assert!(Command::new("chmod").args(["+x", &scratch.path("curl")]).status().unwrap().success());
    let path = format!("{}:{}", scratch.path("."), std::env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    command.args(arguments).arg(scratch.path("story.sh")).env("PATH", path).envs(variables.iter().copied());
    command.output().unwrap()
}

#[track_caller]
fn can_be_read(name: &str, text: &str) {
    let read = bash(name, text, &["-n"], &[]);
    assert!(read.status.success(), "{}\n{text}", String::from_utf8_lossy(&read.stderr));
}

#[test]
fn each_actor_has_its_own_secrets_and_the_script_stops_where_one_is_missing() {
    let with = |secret: &str| exchange("GET", "http://server/a", &[("authorization", secret)], "");
    let text = script(vec![("alice-phone publishes a", with("(masked)")), ("bob claims of alice", with("(masked)"))]);
    can_be_read("script-actors", &text);
    let stopped = bash("script-stops", &text, &[], &[]);
    let why = String::from_utf8_lossy(&stopped.stderr).into_owned();
    assert!(!stopped.status.success() && stopped.stdout.is_empty(), "{why}");
    assert!(why.contains("AUTHORIZATION_ALICE_PHONE: is masked in this file, set it: authorization of alice-phone"));
    let both = [("AUTHORIZATION_ALICE_PHONE", "Bearer a"), ("AUTHORIZATION_BOB", "Bearer $b '")];
    let ran = bash("script-runs", &text, &[], &both);
    let out = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success() && out.contains("<authorization: Bearer a>"), "{out}");
    assert!(out.contains("<authorization: Bearer $b '>"), "{out}");
    assert!(text.contains("#   AUTHORIZATION_BOB  authorization of bob\n"), "{text}");
    assert!(text.contains("has to be fetched by hand"), "{text}");
}

#[test]
fn what_is_masked_within_a_url_a_body_or_a_header_is_asked_for_too() {
    let url = "http://server/of/(masked)?token=(masked)&x=it's";
    let headers = [("x-key", "v1 (masked), more")];
    let text = script(vec![("bob claims of alice", exchange("POST", url, &headers, "{\"api_key\":\"(masked)\"}"))]);
    can_be_read("script-within", &text);
    let variables = [("URL_BOB", "1"), ("TOKEN_BOB", "2"), ("X_KEY_BOB", "3"), ("API_KEY_BOB", "4")];
    let ran = bash("script-filled", &text, &[], &variables);
    let out = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(out.contains("<http://server/of/1?token=2&x=it's><--header><x-key: v1 3, more>"), "{out}\n{text}");
    assert!(out.contains("<--data-raw><{\"api_key\":\"4\"}>"), "{out}");
    let masked = text.lines().filter(|line| line.contains("(masked)"));
    assert_eq!(masked.count(), 0, "{text}");
}

#[test]
fn a_target_with_a_password_is_asked_for() {
    let text = script(vec![("bob claims of alice", exchange("GET", "http://(masked)@server/a", &[], ""))]);
    can_be_read("script-target", &text);
    let ran = bash("script-target-set", &text, &[], &[("TARGET", "http://a:b@server")]);
    assert!(String::from_utf8_lossy(&ran.stdout).contains("<http://a:b@server/a>"));
    assert!(!bash("script-target-unset", &text, &[], &[]).status.success());
}

#[test]
fn curl_sends_what_was_recorded_and_nothing_else() {
    let text = script(vec![
        ("bob looks", exchange("HEAD", "http://server/[a]", &[("x-empty", "")], "")),
        ("bob sends a text", exchange("PUT", "http://server", &[], "@/etc/passwd")),
        ("bob sends bytes", exchange("POST", "http://server/b", &[], "\u{1}\u{fffd}")),
        ("bob::\n::error::says\nrm -rf /", exchange("GET", "http://server/c", &[], "")),
    ]);
    can_be_read("script-literal", &text);
    let ran = bash("script-sends", &text, &[], &[]);
    let (out, err) = (String::from_utf8_lossy(&ran.stdout).into_owned(), String::from_utf8_lossy(&ran.stderr));
    assert!(out.contains("<--max-time><30><--head><http://server/[a]><--header><x-empty;>"), "{out}");
    assert!(
        out.contains("<--request><PUT><http://server><--header><content-type:><--data-raw><@/etc/passwd>"),
        "{out}"
    );
    assert!(err.contains("POST http://server/b: not sent: its body is not text"), "{err}");
    assert!(text.lines().all(|line| !line.starts_with("rm") && !line.starts_with("::")), "{text}");
}

#[test]
fn what_raced_is_sent_at_once_and_waited_for() {
    let text = told(told::race());
    can_be_read("script-race", &text);
    assert!(text.contains(" &\n") && text.contains("\nwait\n"), "{text}");
}
