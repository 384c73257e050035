//! The GitHub Action: what its script makes of its inputs.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]
#![allow(dead_code, reason = "other tests use the rest of what they share")]

mod support;

use std::process::Command;

use support::{Scratch, Serving};

#[test]
fn the_github_action_hands_its_inputs_on_and_ends_as_kpd_does() {
    let scratch = Scratch::new("action");
    let server = Serving::start(&["--mutant", "prefers-last-resort"]);
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_kpd")).parent().unwrap().display().to_string();
    let action = |filter: &str| {
        let output = Command::new("bash")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../.ci/action"))
            .env("PATH", format!("{bin}:{}", std::env::var("PATH").unwrap()))
            .env("GITHUB_OUTPUT", scratch.path("output"))
            .env("KPD_ACTION_TARGET", server.url())
            .env("KPD_ACTION_VARIABLES", "operator_token=operator\n")
            .env("KPD_ACTION_ARGUMENTS", "--seed\n7\n")
            .env("KPD_ACTION_REPORT", scratch.path("a report"))
            .env("KPD_ACTION_FILTER", filter)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (exit, out) = action("claim/once claim/retry-same-key\nclaim/suites\n");
    assert_eq!(exit, Some(0), "{out}");
    for id in ["claim/once", "claim/retry-same-key", "claim/suites"] {
        assert!(out.contains(&format!("PASS  {id}")), "no {id} in {out}");
    }
    let (exit, out) = action("last-resort/only-when-exhausted");
    assert_eq!(exit, Some(1), "{out}");
    assert_eq!(scratch.read("output"), "exit-code=0\nexit-code=1\n");
    let report = scratch.read("a report/report.json");
    assert!(report.contains("last-resort/only-when-exhausted"));
    // The inputs are no variables of a binding: their values are not masked.
    assert!(report.contains(&format!("\"url\": \"{}/v1/users/", server.url())), "the target is not in an exchange");
}
