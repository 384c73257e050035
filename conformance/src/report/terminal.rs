//! The report that a person reads: a line for each vector, then each failure in full, then the sum.

use std::{cmp::Reverse, collections::BTreeMap, fmt::Write as _};

use console::style;

use crate::{
    library::count_of_vectors,
    recording::Exchange,
    report::{
        Report,
        line::{short, without_commands},
    },
    verdict::{Failure, Judged, Span, Verdict},
};

/// More of a body than this is cut.
const BODY_SHOWN: usize = 800;

/// A longer word in a body, which is key material in base64, is shown by its beginning.
const WORD_SHOWN: usize = 50;

/// More of a sentence than this is cut.
const SENTENCE_SHOWN: usize = 500;

/// One line for a vector.
#[must_use]
pub fn line(judged: &Judged) -> String {
    let word = judged.verdict.word();
    let word = format!("{word:<5}");
    let word = match &judged.verdict {
        Verdict::Pass => style(word).green(),
        Verdict::Fail(_) | Verdict::Xpass { .. } | Verdict::Error { .. } => style(word).red().bold(),
        Verdict::Skip { .. } | Verdict::Xfail { .. } => style(word).dim(),
        _ => style(word).yellow(),
    };
    let contention = judged
        .contention
        .map_or(String::new(), |(overlapping, rounds)| format!("  {overlapping} of {rounds} rounds overlapped"));
    let reason = judged.verdict.reason().map_or(String::new(), |reason| format!("  {}", short(reason, SENTENCE_SHOWN)));
    let took = judged.took.as_millis();
    without_commands(&format!("{word} {:<52} {took:>6} ms{contention}{}", judged.vector.id, style(reason).dim()))
}

/// Everything after the lines: the failures, then the sum.
#[must_use]
pub fn end(report: &Report<'_>) -> String {
    let mut text = String::new();
    for judged in report.judged {
        if let Some(failure) = judged.verdict.failure() {
            let _ = writeln!(text, "\n{}", told(report, judged, failure));
        }
    }
    text.push_str(&broken(report));
    let counts: Vec<_> =
        report.counts().into_iter().map(|(word, count)| format!("{count} {}", word.to_lowercase())).collect();
    let counts = if counts.is_empty() { "no vector was selected".into() } else { counts.join(", ") };
    let rules = report.rules_checked().len();
    let pending = report.catalogue.rules.iter().filter(|rule| rule.pending.is_some()).count();
    let all = report.catalogue.rules.len();
    let _ = writeln!(
        text,
        "\n{counts} in {:.1} s against {} (seed {})\n{rules} of {all} rules checked; {pending} are pending (kpd list --rules)",
        report.took.as_secs_f64(),
        report.server,
        report.begun.seed,
    );
    without_commands(&text)
}

/// Of several failures, which rules they are about: one fault shows in many vectors.
fn broken(report: &Report<'_>) -> String {
    let mut rules: BTreeMap<&str, usize> = BTreeMap::new();
    for judged in report.judged {
        if let Verdict::Fail(failure) = &judged.verdict {
            failure.all().for_each(|failure| *rules.entry(&failure.rule).or_default() += 1);
        }
    }
    if rules.values().sum::<usize>() < 2 {
        return String::new();
    }
    let mut rules: Vec<_> = rules.into_iter().collect();
    rules.sort_by_key(|(rule, vectors)| (Reverse(*vectors), *rule));
    let rules: Vec<_> =
        rules.iter().map(|(rule, vectors)| format!("{rule} in {}", count_of_vectors(*vectors))).collect();
    format!("\nbroken: {}\n", rules.join(", "))
}

/// What others say, as a part of a line.
#[must_use]
pub fn sentence(text: &str) -> String {
    without_commands(&short(text, SENTENCE_SHOWN))
}

fn told(report: &Report<'_>, judged: &Judged, failure: &Failure) -> String {
    let id = &judged.vector.id;
    let mut text = String::new();
    let rounds = failure.rounds.map_or(String::new(), |rounds| format!("   {}", in_rounds(rounds)));
    let _ = writeln!(text, "{} {}{rounds}", style(judged.verdict.word()).red().bold(), style(id).bold());
    let rule = report.catalogue.rule(&failure.rule).map_or_else(|| failure.rule.clone(), |rule| rule.with_sources());
    let _ = writeln!(text, "  {rule}\n  {}", short(&failure.says, SENTENCE_SHOWN));
    for detail in &failure.details {
        let shown: Vec<_> = detail.lines().map(|line| short(line, BODY_SHOWN)).collect();
        let _ = writeln!(text, "    {}", shown.join("\n    "));
    }
    let _ = write!(text, "{}", if failure.rounds.is_some() { race(&failure.timeline) } else { String::new() });
    for exchange in &failure.exchanges {
        let _ = write!(text, "{}", wire(exchange));
    }
    for Failure { rule, says, rounds, .. } in &failure.also {
        let rounds = rounds.map(in_rounds).unwrap_or_default();
        let _ = writeln!(text, "  also {rule}, {rounds}: {}", short(says, SENTENCE_SHOWN));
    }
    let (file, line) = report.place(id, &failure.path);
    let line = if report.texts.contains_key(id) { format!(", line {line}") } else { String::new() };
    let _ = writeln!(text, "  at {file}{line}, {}", failure.path);
    let _ = write!(text, "  why it matters: {}", judged.vector.why.trim());
    if !judged.vector.seen_in.is_empty() {
        let _ = write!(text, "\n  seen in: {}", judged.vector.seen_in.join(", "));
    }
    if report.bundles {
        let _ = write!(text, "\n  again: kpd replay failures/{id}.json (in the report's directory)");
    }
    let _ = write!(text, "\n  more: kpd explain {}", failure.rule);
    text
}

fn in_rounds((first, failed, all): (usize, usize, usize)) -> String {
    format!("round {first} of {all} ({failed} failed)")
}

/// The steps that prove it; the others are folded, unless nothing is proved by some of them alone.
fn race(timeline: &[Span]) -> String {
    let mut text = String::new();
    let proof = timeline.iter().any(|span| span.involved);
    for span in timeline.iter().filter(|span| span.involved || !proof) {
        let Span { says, observed, sent_ms, answered_ms, involved, .. } = span;
        let mark = if *involved { "►" } else { " " };
        let _ = writeln!(
            text,
            "    {mark} {sent_ms:>9.3} – {answered_ms:>9.3} ms  {}  {}",
            short(says, SENTENCE_SHOWN),
            cut(observed)
        );
    }
    match timeline.iter().filter(|span| !span.involved).count() {
        others if others > 0 && proof => {
            let _ = writeln!(text, "      and {others} more steps in that round, which the report shows");
        }
        _ => {}
    }
    text
}

fn wire(exchange: &Exchange) -> String {
    let mut text = format!("    → {} {}\n", exchange.method, exchange.url);
    if !exchange.request_body.is_empty() {
        let _ = writeln!(text, "      {}", cut(&exchange.request_body));
    }
    let _ = writeln!(text, "    ← {} {}", exchange.status, cut(&exchange.response_body));
    text
}

fn cut(body: &str) -> String {
    short(&abbreviated(body), BODY_SHOWN)
}

fn abbreviated(body: &str) -> String {
    let part = |c: char| c.is_ascii_alphanumeric() || "+/=_-".contains(c);
    let mut text = String::new();
    let mut rest = body;
    while !rest.is_empty() {
        let end = rest.find(|c| !part(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.len() > WORD_SHOWN {
            let _ = write!(text, "{}…", &word[..12]);
        } else {
            text.push_str(word);
        }
        let separators = after.find(part).unwrap_or(after.len());
        text.push_str(&after[..separators]);
        rest = &after[separators..];
    }
    text
}
