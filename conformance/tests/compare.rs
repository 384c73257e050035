//! `kpd compare` and `kpd check-history`, run as commands.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

#[allow(dead_code, reason = "not every test file needs all of it")]
mod support;

use support::{Kpd, Scratch};

/// A report of a server that fails one rule, or of one that keeps it.
fn report(scratch: &Scratch, name: &str, broken: bool) -> String {
    let failure = serde_json::json!({
        "rule": "CLAIM-ONCE", "says": "a1 was granted <twice>", "path": "steps[1]", "details": [], "timeline": [],
        "exchanges": [], "rounds": null,
    });
    let vector = |id: &str,
                  rules: &[&str],
                  verdict: &str,
                  failure: Option<&serde_json::Value>,
                  reason: Option<&str>| {
        serde_json::json!({
            "id": id, "title": format!("title of {id}"), "rules": rules, "verdict": verdict, "reason": reason,
            "failure": failure, "bundle": null, "script": null, "place": ["x.yaml", 1], "contention": null, "took_ms": 1,
        })
    };
    let once = if broken {
        vector("claim/once", &["CLAIM-ONCE", "NOTE-EVERY-GRANT"], "FAIL", Some(&failure), None)
    } else {
        vector("claim/once", &["CLAIM-ONCE", "NOTE-EVERY-GRANT"], "PASS", None, None)
    };
    let run = serde_json::json!({
        "format": "kpd-report/1", "suite": "0.1.0", "server": format!("{name} at http://{name}"), "seed": 1,
        "exit": if broken { "failed" } else { "passed" }, "took_ms": 1, "counts": {}, "rules_checked": [],
        "vectors": [once, vector("keys/list", &["KEY-LIST"], "SKIP", None, Some("there is no list"))],
    });
    scratch.write(&format!("{name}/report.json"), &run.to_string());
    scratch.path(name)
}

#[test]
fn servers_are_compared_by_rules() {
    let scratch = Scratch::new("compare");
    let (good, bad) = (report(&scratch, "good", false), report(&scratch, "bad", true));
    let page = scratch.path("page.html");
    let kpd = Kpd::run(&["compare", &good, &format!("ours={bad}"), "--out", &page]);
    assert_eq!(kpd.exit, 0, "{}", kpd.all());
    let lines: Vec<Vec<&str>> = kpd.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["rules", "that", "differ", "good", "ours"]);
    assert_eq!(lines[1], ["CLAIM-ONCE", "PASS", "FAIL"]);
    // Of the vector's other rule a run that failed by the first says nothing.
    assert_eq!(kpd.out.lines().nth(2), Some("(of 1 more rules not every run says anything)"));
    assert!(kpd.out.contains("ours: failed, 0 rules kept, 1 broken (bad at http://bad)"), "{}", kpd.out);
    let page = scratch.read("page.html");
    assert!(page.contains(": a1 was granted &lt;twice&gt;"), "answers of servers are escaped");
    assert!(page.contains("there is no list") && page.contains("title of keys&#x2f;list"), "{page}");
}

/// A report of nothing but these: id, verdict, the rule that is broken.
fn of(scratch: &Scratch, name: &str, vectors: &[(&str, &str, Option<&str>)]) -> String {
    let vectors = vectors.iter().map(|(id, verdict, rule)| {
        let failure = rule.map(|rule| {
            serde_json::json!({
                "rule": rule, "says": format!("{id} says so"), "path": "steps[1]", "details": [], "timeline": [],
                "exchanges": [], "rounds": null,
            })
        });
        serde_json::json!({
            "id": id, "title": id, "rules": ["CLAIM-ONCE"], "verdict": verdict, "reason": "listed", "failure": failure,
            "bundle": null, "script": null, "place": ["x.yaml", 1], "contention": null, "took_ms": 1,
        })
    });
    let run = serde_json::json!({
        "format": "kpd-report/1", "suite": "0.1.0", "server": name, "seed": 1, "exit": "failed", "took_ms": 1,
        "counts": {}, "rules_checked": [], "vectors": vectors.collect::<Vec<_>>(),
    });
    scratch.write(&format!("{name}/report.json"), &run.to_string());
    scratch.path(name)
}

#[test]
fn the_worst_of_a_rule_counts_and_what_passes_unexpectedly_is_kept() {
    let scratch = Scratch::new("compare-worst");
    let once = Some("CLAIM-ONCE");
    let runs = [
        of(&scratch, "new", &[("a", "XFAIL", once), ("b", "WARN", once), ("c", "FAIL", once)]),
        of(&scratch, "soft", &[("a", "XFAIL", once), ("b", "WARN", once)]),
        of(&scratch, "listed", &[("a", "XPASS", None)]),
        of(&scratch, "other", &[("a", "FAIL", Some("CLAIM-BYTES"))]),
        of(&scratch, "none", &[]),
    ];
    let page = scratch.path("page.html");
    let mut arguments = vec!["compare", "--out", &page];
    arguments.extend(runs.iter().map(String::as_str));
    let kpd = Kpd::run(&arguments);
    kpd.shows(&["new: failed, 0 rules kept, 1 broken", "listed: failed, 1 rules kept, 0 broken"]);
    let page = scratch.read("page.html");
    let row = page.split("id=\"CLAIM-ONCE\"").nth(1).unwrap().split("</tr>").next().unwrap();
    let cells = [("FAIL", "c: c says so"), ("WARN", "b: b says so"), ("PASS", "1 of 1 vectors: listed")];
    let silent = [("-", "its vectors failed by another rule"), ("-", "no vector speaks of it")];
    let mut rest = row;
    for (word, why) in cells.into_iter().chain(silent) {
        let cell = format!("<summary class=\"{word}\">{word}</summary><p>{why}</p>");
        rest = rest.split_once(&cell).unwrap_or_else(|| panic!("no {cell} in {rest}")).1;
    }
}

#[test]
fn what_is_no_report_is_named() {
    let scratch = Scratch::new("compare-nothing");
    let good = report(&scratch, "good", false);
    let kpd = Kpd::run(&["compare", &good, "nowhere/report.json"]);
    assert_eq!((kpd.exit, kpd.err.contains("nowhere/report.json: ")), (3, true), "{}", kpd.all());
    scratch.write("odd.json", &scratch.read("good/report.json").replace("report/1", "report/9"));
    let kpd = Kpd::run(&["compare", &good, &scratch.path("odd.json")]);
    assert!(kpd.exit == 3 && kpd.err.contains("kpd-report/9, and kpd-report/1 is read here"), "{}", kpd.all());
    assert_eq!(Kpd::run(&["compare", &good]).exit, 3, "one run is nothing to compare");
}

/// The example of the document.
fn example() -> String {
    let document = include_str!("../../model/docs/histories.md");
    document.split("```json").nth(1).unwrap().split("```").next().unwrap().to_string()
}

fn check(name: &str, text: &str) -> Kpd {
    let scratch = Scratch::new(&format!("history-{name}"));
    scratch.write("history.json", text);
    Kpd::run(&["check-history", &scratch.path("history.json")])
}

#[test]
fn a_history_is_judged_by_the_model() {
    let kpd = check("broken", &example());
    assert!(kpd.exit == 1 && kpd.out.contains("CLAIM-ONCE: "), "{}", kpd.all());
    // The second claim found nothing.
    let mut good: serde_json::Value = serde_json::from_str(&example()).unwrap();
    good["operations"][1]["outcome"]["Claimed"]["1"] = "exhausted".into();
    let kpd = check("good", &good.to_string());
    assert!(kpd.exit == 0 && kpd.out.contains("2 operations: some order explains every answer"), "{}", kpd.all());
    // The answer was lost.
    good["operations"][1].as_object_mut().unwrap().retain(|key, _| key == "op" || key == "invoked");
    assert_eq!(check("lost", &good.to_string()).exit, 0);
}

#[test]
fn what_is_no_history_is_named() {
    let kpd = check("typo", &example().replace("\"invoked\": 10", "\"invokd\": 10"));
    assert!(kpd.exit == 3 && kpd.err.contains("invokd") && kpd.err.contains("line"), "{}", kpd.all());
    let kpd = check("backwards", &example().replace("\"returned\": 13", "\"returned\": 1"));
    assert!(kpd.exit == 3 && kpd.err.contains("operations[1] was answered before it was sent"), "{}", kpd.all());
    let kpd = check("half", &example().replace(", \"returned\": 13", ""));
    assert!(kpd.exit == 3 && kpd.err.contains("operations[1]: outcome and returned"), "{}", kpd.all());
    let kpd = check("format", &example().replace("history/1", "history/9"));
    assert!(kpd.exit == 3 && kpd.err.contains("kpd-history/1 is read here"), "{}", kpd.all());
}
