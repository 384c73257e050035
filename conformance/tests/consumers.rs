//! `junit.xml` and `report.sarif` as other people's programs read them; where they cannot be installed, the test says so.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

#[allow(dead_code, reason = "each test uses its part of it")]
mod support;
#[allow(dead_code, reason = "each test uses its part of it")]
#[path = "support/told.rs"]
mod told;

use std::{path::Path, process::Command};

use kpd_conformance::{
    report::files,
    verdict::{Judged, Verdict},
};
use serde_json::{Value, json};
use support::{Scratch, skip};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/consumers");

/// A Python with the consumers, below the target directory; none, and why, where it cannot be made.
fn python() -> Result<String, String> {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("consumers-python");
    let python = home.join("bin/python").display().to_string();
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
        let says = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(format!("{program} {arguments:?}: {says}")) }
    };
    run("python3", &["-m", "venv", &home.display().to_string()])?;
    run(
        &python,
        &[
            "-m",
            "pip",
            "install",
            "--quiet",
            "--retries",
            "1",
            "--timeout",
            "20",
            "--requirement",
            &format!("{HERE}/requirements.txt"),
        ],
    )?;
    Ok(python)
}

/// What a consumer has to find of a verdict: how the case ended, and its message.
fn expected(verdict: &Verdict) -> (&'static str, Option<String>) {
    match verdict {
        Verdict::Pass | Verdict::Warn(_) => ("passed", None),
        Verdict::Fail(failure) => ("failure", Some(failure.says.clone())),
        Verdict::Xpass { comment } => ("failure", Some(comment.clone())),
        Verdict::Skip { reason } => ("skipped", Some(format!("SKIP: {reason}"))),
        Verdict::Xfail { comment, .. } => ("skipped", Some(format!("XFAIL: {comment}"))),
        Verdict::Blocked { reason }
        | Verdict::Inconclusive { reason }
        | Verdict::Gone { reason }
        | Verdict::Error { reason } => ("error", Some(reason.clone())),
    }
}

fn check(judged: &Judged, parsed: &Value, shown: &Value) {
    let id = judged.vector.id.as_str();
    let (outcome, message) = expected(&judged.verdict);
    assert_eq!(parsed["outcome"], outcome, "{id}: {parsed}");
    assert_eq!(parsed["message"], json!(message), "{id}: {parsed}");
    let coarse = match outcome {
        "failure" | "error" => "failed",
        other => other,
    };
    assert_eq!(shown["outcome"], coarse, "{id}: {shown}");
    for case in [parsed, shown] {
        assert_eq!((&case["name"], &case["class"]), (&json!(id), &json!("claim")), "{case}");
        assert_eq!(case["time"], json!(judged.took.as_secs_f64()), "{case}");
    }
    if let Verdict::Fail(failure) = &judged.verdict {
        assert_eq!(parsed["type"], failure.rule.as_str(), "{parsed}");
        let text = parsed["text"].as_str().unwrap();
        assert!(failure.details.iter().all(|detail| text.contains(detail)), "{text}");
    }
    if let Verdict::Warn(failure) = &judged.verdict {
        let output = parsed["output"].as_str().unwrap();
        assert!(output.contains(&failure.rule) && output.contains(&failure.says), "{output}");
    }
}

#[test]
fn others_read_every_case_and_the_log_keeps_to_its_schema() {
    let python = match python() {
        Ok(python) => python,
        Err(why) => return skip(&format!("the consumers cannot be installed: {why}")),
    };
    let scratch = Scratch::new("consumers");
    let verdicts = told::verdicts();
    told::with_report(&verdicts, |report| {
        files::write(Path::new(&scratch.path("report")), report).unwrap();
        let output =
            Command::new(&python).args([&format!("{HERE}/read.py"), &scratch.path("report")]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let read: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(read["mistakes"], json!([]));
        assert_ne!(read["spoilt"], json!([]), "the schema finds nothing in a log without the name of its tool");

        let (parsed, shown) = (&read["parsed"], read["shown"].as_array().unwrap());
        let number = |outcome: &str| verdicts.iter().filter(|verdict| expected(verdict).0 == outcome).count();
        let counts = json!({
            "tests": verdicts.len(), "failures": number("failure"), "errors": number("error"), "skipped": number("skipped"),
        });
        assert_eq!(parsed["counts"], counts);
        assert_eq!(parsed["time"], json!(report.took.as_secs_f64()));
        let cases = parsed["cases"].as_array().unwrap();
        assert_eq!((cases.len(), shown.len()), (verdicts.len(), verdicts.len()));
        for judged in report.judged {
            let of = |cases: &[Value]| cases.iter().find(|case| case["name"] == judged.vector.id.as_str()).cloned();
            check(judged, &of(cases).unwrap(), &of(shown).unwrap());
        }
    });
}
