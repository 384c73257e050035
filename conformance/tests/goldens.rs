//! Every verdict in every format of the report, as it was last found good.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

#[path = "support/told.rs"]
mod told;

use std::{collections::BTreeSet, slice};

use kpd_conformance::report::{Report, WORDS, annotations, badge, html, json, junit, markdown, sarif, terminal};

/// All formats below one another.
fn formats(report: &Report<'_>) -> String {
    let pretty = |value: &serde_json::Value| serde_json::to_string_pretty(value).unwrap();
    let line = terminal::line(&report.judged[0]);
    let formats = [
        ("terminal", format!("{line}\n{}", terminal::end(report))),
        ("annotations", annotations::lines(report).join("\n")),
        ("junit.xml", junit::xml(report).unwrap()),
        ("summary.md", markdown::summary(report)),
        ("badge.json", pretty(&badge::of(report))),
        ("report.sarif", pretty(&sarif::of(report))),
        ("report.json", pretty(&serde_json::to_value(json::of(report)).unwrap())),
        ("report.html, the vectors", rows(&html::page(report).unwrap())),
    ];
    let told = formats.map(|(name, text)| format!("==== {name}\n{}\n", text.trim_end())).concat();
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
fn every_word_of_the_summaries_is_that_of_a_verdict_with_a_golden() {
    let words: BTreeSet<_> = told::verdicts().iter().map(|verdict| verdict.word()).collect();
    assert_eq!(words, BTreeSet::from(WORDS));
    let goldens = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots")).unwrap();
    let names = goldens.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<_> = names.filter(|name| name.starts_with("goldens__")).collect();
    let expected = WORDS.map(|word| format!("goldens__{}.snap", word.to_lowercase()));
    assert_eq!(names, BTreeSet::from(expected));
}
