//! The report that a person reads: a line for each vector, then each failure in full, then the sum.

use std::fmt::Write as _;

use console::style;

use crate::{
    catalogue::Catalogue,
    recording::Exchange,
    report::Report,
    verdict::{Failure, Judged, Span, Verdict},
};

/// More of a body than this is cut.
const BODY_SHOWN: usize = 800;

/// A longer word in a body, which is key material in base64, is shown by its beginning.
const WORD_SHOWN: usize = 50;

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
    let reason = judged.verdict.reason().map_or(String::new(), |reason| format!("  {}", visible(reason)));
    let took = judged.took.as_millis();
    format!("{word} {:<52} {took:>6} ms{contention}{}", judged.vector.id, style(reason).dim())
}

/// Everything after the lines: the failures, then the sum.
#[must_use]
pub fn end(report: &Report<'_>) -> String {
    let mut text = String::new();
    for judged in report.judged {
        if let Some(failure) = judged.verdict.failure() {
            let _ = writeln!(text, "\n{}", told(judged, failure, report.catalogue));
        }
    }
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
    text
}

fn told(judged: &Judged, failure: &Failure, catalogue: &Catalogue) -> String {
    let mut text = String::new();
    let rounds = failure
        .rounds
        .map_or(String::new(), |(first, failed, all)| format!("   round {first} of {all} ({failed} failed)"));
    let _ = writeln!(text, "{} {}{rounds}", style(judged.verdict.word()).red().bold(), style(&judged.vector.id).bold());
    let rule = catalogue.rule(&failure.rule).map_or_else(|| failure.rule.clone(), |rule| rule.with_sources());
    let _ = writeln!(text, "  {rule}\n  {}", visible(&failure.says));
    for detail in &failure.details {
        let _ = writeln!(text, "    {}", visible(detail).replace('\n', "\n    "));
    }
    let _ = write!(text, "{}", if failure.rounds.is_some() { race(&failure.timeline) } else { String::new() });
    for exchange in &failure.exchanges {
        let _ = write!(text, "{}", wire(exchange));
    }
    let _ = writeln!(text, "  at vectors/{}.yaml, {}", judged.vector.id, failure.path);
    let _ = write!(text, "  why it matters: {}", judged.vector.why.trim());
    if !judged.vector.seen_in.is_empty() {
        let _ = write!(text, "\n  seen in: {}", judged.vector.seen_in.join(", "));
    }
    let _ = write!(text, "\n  again: kpd replay failures/{}.json (in the report's directory)", judged.vector.id);
    let _ = write!(text, "\n  more: kpd explain {}", failure.rule);
    text
}

/// The steps that prove it; the others are folded, unless nothing is proved by some of them alone.
fn race(timeline: &[Span]) -> String {
    let mut text = String::new();
    let proof = timeline.iter().any(|span| span.involved);
    for span in timeline.iter().filter(|span| span.involved || !proof) {
        let Span { says, observed, sent_ms, answered_ms, involved, .. } = span;
        let mark = if *involved { "►" } else { " " };
        let _ = writeln!(text, "    {mark} {sent_ms:>9.3} – {answered_ms:>9.3} ms  {says}  {}", cut(observed));
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
    let one_line = abbreviated(&visible(&body.replace('\n', " ")));
    let shown: String = one_line.chars().take(BODY_SHOWN).collect();
    let left = one_line.chars().count().saturating_sub(BODY_SHOWN);
    if left == 0 { shown } else { format!("{shown} … ({left} characters more; whole in report.json)") }
}

/// What a server says is text, and does not steer the terminal.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c }).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_does_not_steer_the_terminal() {
        assert_eq!(cut("a\u{1b}[2J\nb\u{7}"), "a\u{fffd}[2J b\u{fffd}");
    }
}
