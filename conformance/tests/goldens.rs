//! Every verdict in every format of the report, as it was last found good.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

#[path = "support/told.rs"]
mod told;

use std::{collections::BTreeSet, slice};

use kpd_conformance::{
    report::{Report, WORDS, annotations, badge, bundle, curl, html, json, junit, markdown, sarif, terminal},
    verdict::{Failure, Verdict},
};

/// All formats below one another.
fn formats(report: &Report<'_>) -> String {
    let pretty = |value: &serde_json::Value| serde_json::to_string_pretty(value).unwrap();
    let line = terminal::line(&report.judged[0]);
    let script = report.failures().map(|(judged, failure)| curl::script(&bundle::of(report, judged, failure)));
    let formats = [
        ("terminal", format!("{line}\n{}", terminal::end(report))),
        ("annotations", annotations::lines(report).join("\n")),
        ("junit.xml", junit::xml(report).unwrap()),
        ("summary.md", markdown::summary(report)),
        ("badge.json", pretty(&badge::of(report))),
        ("report.sarif", pretty(&sarif::of(report))),
        ("report.json", pretty(&serde_json::to_value(json::of(report)).unwrap())),
        ("failures/ID.sh", script.collect()),
        ("report.html, the vectors", rows(&html::page(report).unwrap())),
    ];
    // Only a failure has a script.
    let formats = formats.into_iter().filter(|(name, text)| !name.ends_with(".sh") || !text.is_empty());
    let told: String = formats.map(|(name, text)| format!("==== {name}\n{}\n", text.trim_end())).collect();
    told.replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

/// Of the page what is there for each vector, without empty lines.
fn rows(page: &str) -> String {
    let from = page.find("id=\"vectors\"").unwrap();
    let to = page[from..].find("<script>").unwrap_or(page.len() - from);
    let lines = page[from..from + to].lines().map(str::trim_end).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_verdict_is_told_in_every_format() {
    console::set_colors_enabled(false);
    for verdict in told::verdicts() {
        let all = told::with_report(slice::from_ref(&verdict), formats);
        insta::assert_snapshot!(verdict.word().to_lowercase(), all);
    }
}

#[test]
fn a_race_is_told_in_every_format() {
    console::set_colors_enabled(false);
    let all = told::with_report(&[Verdict::Fail(told::race())], formats);
    // Both that hold it are the proof; the third is folded.
    assert_eq!((all.matches('►').count(), all.matches("◆ bob").count(), all.matches("◆ carol").count()), (2, 1, 1));
    insta::assert_snapshot!("race", all);
}

#[test]
fn a_server_that_says_much_or_in_many_lines_stays_on_its_line() {
    console::set_colors_enabled(false);
    let hostile = format!("a\n::error::b\r\n::add-mask::c\n{}", "long ".repeat(400_000));
    let failure = Failure { says: hostile.clone(), details: vec![hostile.clone()], ..told::race() };
    let verdicts = [Verdict::Blocked { reason: hostile.clone() }, Verdict::Fail(failure)];
    told::with_report(&verdicts, |report| {
        let lines: Vec<_> = report.judged.iter().map(terminal::line).collect();
        assert!(lines.iter().all(|line| !line.contains('\n') && line.len() < 1000), "{lines:?}");
        let end = terminal::end(report);
        assert!(end.lines().all(|line| !line.trim_start().starts_with("::") && line.len() < 2000), "{end}");
        let summary = markdown::summary(report);
        assert!(summary.len() < 5000 && summary.lines().all(|line| !line.starts_with("::")), "{summary}");
    });
}

#[test]
fn a_summary_fits_into_what_github_takes() {
    let verdicts = vec![Verdict::Blocked { reason: "no answer ".repeat(100) }; 500];
    let summary = told::with_report(&verdicts, markdown::summary);
    assert!(summary.len() < 100_000 && summary.contains("- and 450 more, in report.html"), "{}", summary.len());
}

#[test]
fn where_there_is_no_bundle_none_is_named() {
    let verdict = [Verdict::Fail(told::race())];
    told::with_report(&verdict, |report| {
        assert!(terminal::end(report).contains("again: kpd replay failures/claim/fail.json"));
        let report = Report { bundles: false, directory: "mine".into(), ..copy(report) };
        let end = terminal::end(&report);
        assert!(!end.contains("kpd replay") && end.contains("  at mine/claim/fail.yaml, line "), "{end}");
    });
}

#[test]
fn a_badge_counts_what_failed_a_strict_run() {
    let warn = || Verdict::Warn(told::race());
    told::with_report(&[warn(), warn(), Verdict::Fail(told::race())], |report| {
        assert_eq!(badge::of(report)["message"], "1 of 3 failed");
        assert_eq!(badge::of(&Report { strict: true, ..copy(report) })["message"], "3 of 3 failed");
    });
}

/// The same report once more.
fn copy<'a>(report: &Report<'a>) -> Report<'a> {
    Report {
        server: report.server.clone(),
        begun: report.begun.clone(),
        directory: report.directory.clone(),
        ..*report
    }
}

#[test]
fn every_word_of_the_summaries_is_that_of_a_verdict_with_a_golden() {
    let words: BTreeSet<_> = told::verdicts().iter().map(|verdict| verdict.word()).collect();
    assert_eq!(words, BTreeSet::from(WORDS));
    let goldens = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots")).unwrap();
    let names = goldens.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<_> = names.filter(|name| name.starts_with("goldens__")).collect();
    let expected = WORDS.map(str::to_lowercase).into_iter().chain(["race".into()]);
    assert_eq!(names, expected.map(|name| format!("goldens__{name}.snap")).collect());
}
