//! What a failing run leaves behind: every file of the report, and the commands that read them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

#[allow(dead_code, reason = "each test uses its part of it")]
mod support;

use std::process::Command;

use serde_json::Value;
use support::{Kpd, Scratch, Serving, have};

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
    assert!(scratch.read("known.yaml").contains("  rules: [LAST-ONLY-WHEN-EXHAUSTED]\n"));
    // What was written once stays as it is.
    let once = scratch.read("known.yaml");
    assert_eq!(Kpd::run(&["baseline", "--report", &report, "--out", &known]).exit, 0);
    assert_eq!(scratch.read("known.yaml"), once);
    // Another rule that it breaks is not known, until it is listed, too.
    scratch.write("other.yaml", &format!("- {{ id: {ID}, comment: of old, rules: [CLAIM-ONCE] }}\n"));
    let other = scratch.path("other.yaml");
    let ended = server.run(&[ID, "--known-failures", &other, "--report", &report]);
    assert_eq!(ended.exit, 1, "{}", ended.all());
    assert_eq!(Kpd::run(&["baseline", "--report", &report, "--out", &other]).exit, 0);
    let both = "  comment: \"of old\"\n  rules: [CLAIM-ONCE, LAST-ONLY-WHEN-EXHAUSTED]\n";
    assert!(scratch.read("other.yaml").contains(both), "{}", scratch.read("other.yaml"));
    assert_eq!(server.run(&[ID, "--known-failures", &other, "--report", &report]).exit, 0);
    scratch.write("no-rule.yaml", &format!("- {{ id: {ID}, comment: of old, rules: [NO-SUCH-RULE] }}\n"));
    let ended = server.run(&[ID, "--known-failures", &scratch.path("no-rule.yaml")]);
    assert!(ended.exit == 3 && ended.err.contains("there is no rule `NO-SUCH-RULE`"), "{}", ended.all());
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

/// Every file that a failing run leaves, with its text.
fn files_of(scratch: &Scratch, id: &str) -> Vec<(String, String)> {
    let files = ["report.html", "report.json", "summary.md", "report.sarif", "junit.xml"].map(str::to_string);
    let files = files.into_iter().chain([format!("failures/{id}.json"), format!("failures/{id}.sh")]);
    files.map(|name| (name.clone(), scratch.read(&format!("report/{name}")))).collect()
}

/// As it is, as a URL spells it, and in JSON. Where nothing is masked, nothing was there to be seen.
#[track_caller]
fn hidden(files: &[(String, String)], secrets: &[&str]) {
    for (name, text) in files {
        let shown = secrets.iter().find(|secret| text.contains(**secret));
        assert!(shown.is_none(), "{name} shows {shown:?}");
    }
    // The script asks for it instead.
    let whole = files.iter().filter(|(name, _)| name.ends_with(".html") || name.ends_with(".json"));
    let seen: Vec<_> = whole.filter(|(_, text)| text.contains("(masked)")).map(|(name, _)| name.as_str()).collect();
    assert_eq!(seen.len(), 3, "something is masked in {seen:?} alone");
}

#[test]
fn no_file_of_a_report_holds_a_secret() {
    let scratch = Scratch::new("secrets");
    let binding = include_str!("../bindings/reference.yaml");
    let claims = "path: \"/v1/users/{user}/claims\"";
    assert!(binding.contains(claims) && binding.contains("variables: {"));
    let binding = binding.replace(claims, "path: \"/v1/users/{user}/claims?key={api_key}\"");
    let binding =
        binding.replace("variables: {", "variables: { api_key: { says: k }, note: { says: n, public: true },");
    let noted = "  claim:\n    - request:\n";
    assert!(binding.contains(noted));
    let header = "        headers: { X-Note: '{as_user} has {api_key}, {note}' }\n";
    let with_headers = binding.replace("        headers: { Idempotency-Key: \"{idempotency_key}\" }\n", header);
    assert_ne!(with_headers, binding, "the claim has other headers");
    scratch.write("binding.yaml", &with_headers);
    let (binding, report) = (scratch.path("binding.yaml"), scratch.path("report"));
    let server = Serving::start(&["--mutant", "prefers-last-resort"]);
    let ended = server.run(&[
        ID,
        "--seed",
        "7",
        "--report",
        &report,
        "--binding",
        &binding,
        "--var",
        "operator_token=operator",
        "--var",
        "api_key=ab+/c d\"==Q",
        "--var",
        "note=seen-by-all",
    ]);
    assert_eq!(ended.exit, 1, "{}", ended.all());
    let files = files_of(&scratch, ID);
    hidden(&files, &["ab+/c d\"==Q", "ab%2B%2Fc%20d%22%3D%3DQ", "ab+/c d\\\"==Q"]);
    let (_, bundle) = files.iter().find(|(name, _)| name.starts_with("failures/") && name.ends_with(".json")).unwrap();
    // Who asks can be said in a request, too; what is public is seen.
    assert!(bundle.contains("acct:bob") && bundle.contains("has (masked), seen-by-all"), "{bundle}");
    assert!(!ended.all().contains("ab+/c"), "{}", ended.all());
}

#[test]
fn a_token_in_a_body_is_masked_by_its_name() {
    let scratch = Scratch::new("token");
    let server = Serving::start(&["--mutant", "accepts-any-token"]);
    let ended = server.run(&["keys/token", "--seed", "7", "--report", &scratch.path("report")]);
    assert_eq!(ended.exit, 1, "{}", ended.all());
    let mut seen = 0;
    for (name, text) in files_of(&scratch, "keys/token") {
        let text = text.replace(['\\', '"'], "").replace("&#34;", "").replace("&quot;", "");
        for token in text.split("enrolment_token:").skip(1) {
            let token = token.trim_start();
            assert!(token.starts_with("(masked)") || token.starts_with("'${"), "{name}: {}", &token[..40]);
            seen += 1;
        }
    }
    assert!(seen >= 3, "{seen}");
}

/// An adapter is given every variable, and keeps what it likes.
#[test]
fn an_adapter_is_asked_for_the_policy_and_its_secrets_are_masked() {
    if !have("python3", "the adapter is written in Python") {
        return;
    }
    let scratch = Scratch::new("adapter-secrets");
    scratch.write("adapter.py", ADAPTER);
    scratch.write("binding.yaml", ADAPTERS_BINDING);
    let (binding, report) = (scratch.path("binding.yaml"), scratch.path("report"));
    let ended = Kpd::run(&[
        "run",
        "claim/once",
        "claim/selection",
        "--target",
        "http://localhost",
        "--binding",
        &binding,
        "--seed",
        "7",
        "--report",
        &report,
        "--var",
        "admin_key=hunter2-and-more",
    ]);
    assert_eq!(ended.exit, 1, "{}", ended.all());
    hidden(&files_of(&scratch, "claim/once"), &["hunter2-and-more", "s3ss10n-of-somebody"]);
    ended.shows(&["FAIL  claim/once", "it declares its selection as fifo"]);
    assert!(!ended.out.contains("it declares its selection as nothing"), "{}", ended.out);
}

const ADAPTERS_BINDING: &str = "format: kpd-binding/1
name: sealed
profiles: [core]
user: '{name}'
material: { kind: opaque }
variables: { admin_key: { says: what opens everything } }
adapter:
  command: [python3, adapter.py]
  environment: { ADMIN_KEY: '{admin_key}' }
  operations: [policy, register, add_client, publish, claim, stock]
";

const ADAPTER: &str = r#"import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    answer = {"id": asked["id"], "ok": []}
    if asked["operation"] == "policy":
        answer["ok"] = [{"selection": "fifo"}]
    if asked["operation"] == "register":
        answer["save"] = {"session": "s3ss10n-of-somebody"}
    if asked["operation"] == "claim":
        answer = {"id": asked["id"], "unexpected": "it has %s" % asked["by"]["saved"]["session"]}
    print(json.dumps(answer), flush=True)
"#;
