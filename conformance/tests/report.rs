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

/// A vector of a report, as far as the commands read it.
fn vector(id: &str, verdict: &str) -> Value {
    let failure = serde_json::json!({
        "rule": "CLAIM-ONCE", "says": "twice", "path": "steps[1]", "details": [], "timeline": [], "exchanges": [],
        "rounds": null,
    });
    let failed = matches!(verdict, "FAIL" | "WARN" | "XFAIL").then_some(failure);
    serde_json::json!({
        "id": id, "title": id, "rules": ["CLAIM-ONCE"], "verdict": verdict, "reason": null, "failure": failed,
        "bundle": null, "script": null, "place": [format!("vectors/{id}.yaml"), 1], "contention": null, "took_ms": 1,
    })
}

fn write_report(scratch: &Scratch, exit: &str, vectors: &[Value]) {
    let run = serde_json::json!({
        "format": "kpd-report/1", "suite": "0.1.0", "server": "x", "seed": 1, "exit": exit, "took_ms": 1, "counts": {},
        "rules_checked": [], "vectors": vectors,
    });
    scratch.write("report/report.json", &run.to_string());
}

#[test]
fn a_baseline_keeps_what_a_run_says_nothing_of_and_drops_what_exists_no_more() {
    let scratch = Scratch::new("baseline");
    let known = scratch.path("known.yaml");
    let baseline = |more: &[&str]| {
        let report = scratch.path("report");
        let mut arguments = vec!["baseline", "--report", &report, "--out", &known];
        arguments.extend(more);
        let ended = Kpd::run(&arguments);
        assert_eq!(ended.exit, 0, "{}", ended.all());
        ended
    };
    let entry = |id: &str, more: &str| format!("- {{ id: {id}, comment: by hand{more} }}\n");
    let before = [
        entry("claim/bytes", ""),
        entry("claim/once", ""),
        entry("claim/suites", ""),
        entry("claim/usable", ""),
        entry("claim/no-longer-there", ", sometimes: true"),
    ];
    scratch.write("known.yaml", &before.concat());
    // The first was not asked, of the second nothing is known, the third fails, the fourth is mended, the fifth is gone.
    let vectors =
        [("claim/once", "BLOCKED"), ("claim/suites", "FAIL"), ("claim/usable", "PASS"), ("claim/opaque", "FAIL")];
    write_report(&scratch, "failed", &vectors.map(|(id, verdict)| vector(id, verdict)));
    baseline(&[]).shows(&["4 known failures", "(3 kept, 1 new, 2 dropped)"]);
    let kept = scratch.read("known.yaml");
    for id in ["claim/bytes", "claim/once", "claim/suites"] {
        assert!(kept.contains(&format!("- id: \"{id}\"\n  comment: \"by hand\"\n")), "{kept}");
    }
    assert!(kept.contains("claim/opaque") && !kept.contains("usable") && !kept.contains("no-longer"), "{kept}");
}

#[test]
fn a_baseline_of_a_strict_run_lists_warnings() {
    let scratch = Scratch::new("baseline-strict");
    let report = scratch.path("report");
    let baseline = |more: &[&str]| Kpd::run(&[&["baseline", "--report", &report], more].concat());
    write_report(&scratch, "passed", &[vector("claim/once", "WARN")]);
    assert!(!baseline(&[]).out.contains("claim/once"));
    assert!(baseline(&["--strict"]).out.contains("CLAIM-ONCE: twice"));
    // Nothing else can have failed it.
    write_report(&scratch, "failed", &[vector("claim/once", "WARN")]);
    assert!(baseline(&[]).out.contains("claim/once"));
    write_report(&scratch, "failed", &[vector("claim/once", "WARN"), vector("claim/bytes", "FAIL")]);
    let ended = baseline(&["--out", &scratch.path("known.yaml")]);
    ended.shows(&["1 known failures", "1 vector with a broken SHOULD not listed: --strict"]);
}

#[test]
fn a_bundle_is_replayed_elsewhere_with_another_binding_and_by_the_rules_of_its_run() {
    let scratch = Scratch::new("bundles");
    let server = Serving::start(&["--mutant", "prefers-last-resort"]);
    // Vectors with rules of their own: this one is only a warning there.
    let text = include_str!("../../vectors/last-resort/only-when-exhausted.yaml");
    scratch.write(&format!("mine/{ID}.yaml"), text);
    let rule = |text: &str| text.replace("\n    level: MUST\n", "\n    level: SHOULD\n");
    scratch.write("mine/rules.yaml", &rule(include_str!("../../vectors/rules.yaml")));
    let (mine, report) = (scratch.path("mine"), scratch.path("report"));
    let ended = server.run(&[ID, "--vectors", &mine, "--report", &report]);
    assert!(ended.exit == 0 && ended.out.contains("WARN"), "{}", ended.all());
    ended.shows(&[&format!("at {mine}/{ID}.yaml, line ")]);
    let bundle = scratch.path(&format!("report/failures/{ID}.json"));
    scratch.write("new/place.yaml", include_str!("../bindings/reference.yaml"));
    let binding = scratch.path("new/place.yaml");
    let again = Kpd::run(&["replay", &bundle, "--binding", &binding, "--var", "operator_token=operator"]);
    assert!(again.exit == 1 && again.out.contains("it fails again in the same way"), "{}", again.all());
    again.shows(&["WARN"]);
    // Without a server there is nobody to speak with.
    let nobody = Kpd::run(&["run", "claim/once", "--binding", &binding]);
    assert!(nobody.exit == 3 && nobody.err.contains("give its --target"), "{}", nobody.all());
}

#[test]
fn a_bundle_whose_target_is_masked_asks_for_it() {
    let scratch = Scratch::new("masked-target");
    let server = Serving::start(&["--mutant", "prefers-last-resort"]);
    let report = scratch.path("report");
    assert_eq!(server.run(&[ID, "--report", &report]).exit, 1);
    let name = format!("report/failures/{ID}.json");
    let masked = scratch.read(&name).replace(&format!("\"{}\"", server.url()), "\"http://(masked)@server\"");
    scratch.write(&name, &masked);
    let ended = Kpd::run(&["replay", &scratch.path(&name)]);
    assert_eq!(ended.exit, 3, "{}", ended.all());
    ended.complains(&["the recorded target http://(masked)@server", "give --target"]);
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
