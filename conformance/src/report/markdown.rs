//! The summary for a pull request or a job: `summary.md`.

use std::fmt::Write as _;

use crate::{
    library::count_of_vectors,
    report::{Report, line::short},
    verdict::Verdict,
};

/// More failures are only counted: a job's summary has a limit.
const FAILURES_SHOWN: usize = 50;

/// So of what has no verdict, and of the reasons why something was skipped.
const OTHERS_SHOWN: usize = 50;

/// More of a sentence than this is cut.
const SENTENCE_SHOWN: usize = 400;

/// The summary.
#[must_use]
pub fn summary(report: &Report<'_>) -> String {
    let mut text = format!("## {}: {}\n\n", report.exit.says(), escaped(&report.server));
    let _ = writeln!(text, "| verdict | vectors |\n|---|---:|");
    for (word, count) in report.counts() {
        let _ = writeln!(text, "| {word} | {count} |");
    }
    let (checked, all) = (report.rules_checked().len(), report.catalogue.rules.len());
    let _ = writeln!(text, "\n{checked} of {all} rules checked · seed `{}`", report.begun.seed);
    let failures: Vec<_> = report.failures().collect();
    if !failures.is_empty() {
        let _ = writeln!(text, "\n### Broken rules\n");
    }
    for (judged, failure) in failures.iter().take(FAILURES_SHOWN) {
        let (file, line) = report.place(&judged.vector.id, &failure.path);
        let (word, id) = (judged.verdict.word(), &judged.vector.id);
        let _ = writeln!(text, "- **{word}** `{id}`: `{}` {}", failure.rule, escaped(&failure.says));
        for also in &failure.also {
            let _ = writeln!(text, "  <br>also `{}`: {}", also.rule, escaped(&also.says));
        }
        let known =
            judged.verdict.reason().map_or_else(String::new, |comment| format!("known: {} · ", escaped(comment)));
        let _ = writeln!(text, "  <br>{known}{file}, line {line} · `kpd replay failures/{id}.json`");
    }
    more(&mut text, failures.len(), FAILURES_SHOWN);
    let others = report.judged.iter().filter(|judged| {
        judged.verdict.failure().is_none() && !matches!(judged.verdict, Verdict::Pass | Verdict::Skip { .. })
    });
    let others: Vec<_> = others.collect();
    if !others.is_empty() {
        let _ = writeln!(text, "\n### Without a verdict, or not as listed\n");
    }
    for judged in others.iter().take(OTHERS_SHOWN) {
        let reason = judged.verdict.reason().unwrap_or_default();
        let _ = writeln!(text, "- **{}** `{}`: {}", judged.verdict.word(), judged.vector.id, escaped(reason));
    }
    more(&mut text, others.len(), OTHERS_SHOWN);
    let skips = report.skips();
    if !skips.is_empty() {
        let _ = writeln!(text, "\n### Skipped\n");
    }
    for (reason, vectors) in skips.iter().take(OTHERS_SHOWN) {
        let vectors = count_of_vectors(vectors.len());
        let _ = writeln!(text, "- {vectors}: {}", escaped(reason));
    }
    more(&mut text, skips.len(), OTHERS_SHOWN);
    text
}

fn more(text: &mut String, all: usize, shown: usize) {
    if all > shown {
        let _ = writeln!(text, "- and {} more, in report.html", all - shown);
    }
}

/// What a server says is text, not Markdown and not HTML, and stays on its line.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in short(text, SENTENCE_SHOWN).chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' => escaped.extend(['\\', c]),
            _ => escaped.push(c),
        }
    }
    escaped
}
