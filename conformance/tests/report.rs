//! What a failing run leaves behind: every file of the report, and the commands that read them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

#[allow(dead_code, reason = "each test uses its part of it")]
mod support;

use std::process::Command;

use serde_json::Value;
use support::{Kpd, Scratch, Serving};

const ID: &str = "last-resort/only-when-exhausted";

#[test]
fn a_failing_run_leaves_all_files_and_can_be_replayed_and_known() {
    let scratch = Scratch::new("files");
    let server = Serving::start(&["--mutant", "prefers-last-resort"]);
    let report = scratch.path("report");
    let ended = server.run(&[ID, "claim/once", "--seed", "7", "--report", &report, "--annotations"]);
    assert_eq!(ended.exit, 1, "{}", ended.all());
    let annotation = "::error file=vectors/last-resort/only-when-exhausted.yaml,line=";
    assert!(ended.out.contains(annotation), "{}", ended.out);

    let sarif: Value = serde_json::from_str(&scratch.read("report/report.sarif")).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let result = &sarif["runs"][0]["results"][0];
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(sarif["runs"][0]["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    assert!(result["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64().unwrap() > 1);
    let badge: Value = serde_json::from_str(&scratch.read("report/badge.json")).unwrap();
    assert_eq!((&badge["schemaVersion"], &badge["color"]), (&1.into(), &"red".into()));
    assert!(scratch.read("report/summary.md").contains("**FAIL** `last-resort/only-when-exhausted`"));

    let script = scratch.path(&format!("report/failures/{ID}.sh"));
    assert!(Command::new("sh").args(["-n", &script]).status().unwrap().success());
    let bundle = scratch.path(&format!("report/failures/{ID}.json"));
    let url = server.url();
    let again = Kpd::run(&["replay", &bundle, "--target", &url, "--var", "operator_token=operator"]);
    assert_eq!(again.exit, 1, "{}", again.all());
    assert!(again.out.contains("it fails again in the same way"), "{}", again.all());
    let whole = Serving::start(&[]);
    let elsewhere = Kpd::run(&["replay", &bundle, "--target", &whole.url(), "--var", "operator_token=operator"]);
    assert_eq!(elsewhere.exit, 0, "{}", elsewhere.all());
    assert!(elsewhere.out.contains("it does not fail again"), "{}", elsewhere.all());

    let known = scratch.path("known.yaml");
    assert_eq!(Kpd::run(&["baseline", "--report", &report, "--out", &known]).exit, 0);
    assert!(scratch.read("known.yaml").contains("LAST-ONLY-WHEN-EXHAUSTED: bob claims of alice"));
    let ended = server.run(&[ID, "claim/once", "--known-failures", &known, "--report", &report]);
    assert_eq!(ended.exit, 0, "{}", ended.all());
    assert!(ended.out.contains("XFAIL"), "{}", ended.out);
    // What was written once stays as it is.
    let once = scratch.read("known.yaml");
    assert_eq!(Kpd::run(&["baseline", "--report", &report, "--out", &known]).exit, 0);
    assert_eq!(scratch.read("known.yaml"), once);
    // What fails in some runs only is known to do so, also after one in which it passed.
    let sometimes = format!("- {{ id: {ID}, comment: one in ten, sometimes: true }}\n");
    scratch.write("known.yaml", &format!("{sometimes}- {{ id: claim/once, comment: one in two, sometimes: true }}\n"));
    assert_eq!(Kpd::run(&["baseline", "--report", &report, "--out", &known]).exit, 0);
    let kept = scratch.read("known.yaml");
    for (id, comment) in [(ID, "one in ten"), ("claim/once", "one in two")] {
        let entry = format!("- id: \"{id}\"\n  comment: \"{comment}\"\n  sometimes: true\n");
        assert!(kept.contains(&entry), "{kept}");
    }
}

#[test]
fn bundles_and_reports_that_are_none_end_with_3() {
    let scratch = Scratch::new("none");
    scratch.write("x.json", "{}");
    assert_eq!(Kpd::run(&["replay", &scratch.path("x.json")]).exit, 3);
    assert_eq!(Kpd::run(&["replay", &scratch.path("no.json")]).exit, 3);
    assert_eq!(Kpd::run(&["baseline", "--report", &scratch.path("no")]).exit, 3);
}

#[test]
fn no_file_of_a_report_holds_a_secret() {
    let scratch = Scratch::new("secrets");
    let server = Serving::start(&["--mutant", "prefers-last-resort"]);
    let report = scratch.path("report");
    let ended = server.run(&[ID, "auth/", "--seed", "7", "--report", &report, "--var", "operator_token=operator"]);
    assert_eq!(ended.exit, 1, "{}", ended.all());
    let files = ["report.html", "report.json", "summary.md", "report.sarif", "junit.xml"].map(str::to_string);
    for name in files.into_iter().chain([format!("failures/{ID}.json"), format!("failures/{ID}.sh")]) {
        let text = scratch.read(&format!("report/{name}"));
        assert!(!text.contains("Bearer operator"), "{name}");
        let tokens = text.split("enrolment_token").skip(1).filter(|rest| {
            let rest = rest.trim_start_matches(['\\', '"', ':', ' ', '&', 'q', 'u', 'o', 't', ';']);
            !rest.starts_with("(masked)") && rest.len() > 20 && rest[..20].chars().all(|c| c.is_ascii_alphanumeric())
        });
        assert_eq!(tokens.count(), 0, "{name}");
    }
}
