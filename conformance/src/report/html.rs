//! The report as one self-contained page: no network, light and dark, wide and narrow.

use std::collections::BTreeMap;

use minijinja::{Environment, context, value::Serde};
use serde::Serialize;

use crate::{
    report::{Report, WORDS, json},
    verdict::{Failure, Judged},
};

static TEMPLATE: &str = include_str!("report.html");

/// The page.
///
/// # Errors
///
/// If the template and what it is given do not fit.
pub fn page(report: &Report<'_>) -> Result<String, String> {
    let mut environment = Environment::new();
    // The ending of the name makes it escape what is put in: answers of servers are not trusted.
    environment.add_template("report.html", TEMPLATE).map_err(|error| error.to_string())?;
    let template = environment.get_template("report.html").map_err(|error| error.to_string())?;
    let rules: Vec<RuleRow> = report.catalogue.rules.iter().map(|rule| RuleRow::of(report, rule)).collect();
    let mut vectors: Vec<VectorRow> = report.judged.iter().map(|judged| VectorRow::of(report, judged)).collect();
    // What asks for attention comes first.
    vectors.sort_by_key(|vector| (matches!(vector.word, "PASS" | "SKIP" | "XFAIL"), vector.failure.is_none()));
    let page = template.render(context! {
        report => Serde(&json::of(report)),
        words => Serde(&WORDS),
        rules => Serde(&rules),
        vectors => Serde(&vectors),
    });
    page.map_err(|error| format!("{error:#}"))
}

#[derive(Serialize)]
struct RuleRow {
    id: String,
    says: String,
    level: String,
    profile: String,
    sources: String,
    pending: Option<String>,
    /// How many vectors of each verdict check it.
    verdicts: BTreeMap<&'static str, usize>,
}

impl RuleRow {
    fn of(report: &Report<'_>, rule: &crate::catalogue::Rule) -> Self {
        let mut verdicts = BTreeMap::new();
        for judged in report.judged.iter().filter(|judged| judged.vector.rules.contains(&rule.id)) {
            *verdicts.entry(judged.verdict.word()).or_default() += 1;
        }
        Self {
            id: rule.id.clone(),
            says: rule.says.clone(),
            level: format!("{:?}", rule.level).to_uppercase(),
            profile: rule.profile.to_string(),
            sources: rule.with_sources(),
            pending: rule.pending.clone(),
            verdicts,
        }
    }
}

#[derive(Serialize)]
struct VectorRow {
    id: String,
    title: String,
    why: String,
    rules: Vec<String>,
    seen_in: Vec<String>,
    word: &'static str,
    reason: Option<String>,
    took_ms: u128,
    contention: Option<(usize, usize)>,
    failure: Option<Failure>,
    rule_with_sources: Option<String>,
    bars: Vec<Bar>,
}

/// A step of a failing race, placed on a line of 100 units.
#[derive(Serialize)]
struct Bar {
    says: String,
    observed: String,
    from: f64,
    width: f64,
    label: String,
    involved: bool,
}

impl VectorRow {
    fn of(report: &Report<'_>, judged: &Judged) -> Self {
        let failure = judged.verdict.failure();
        let sources = |failure: &Failure| report.catalogue.rule(&failure.rule).map(|rule| rule.with_sources());
        Self {
            id: judged.vector.id.clone(),
            title: judged.vector.title.clone(),
            why: judged.vector.why.clone(),
            rules: judged.vector.rules.clone(),
            seen_in: judged.vector.seen_in.clone(),
            word: judged.verdict.word(),
            reason: judged.verdict.reason().map(str::to_string),
            took_ms: judged.took.as_millis(),
            contention: judged.contention,
            failure: failure.cloned(),
            rule_with_sources: failure.and_then(sources),
            bars: failure.map(bars).unwrap_or_default(),
        }
    }
}

fn bars(failure: &Failure) -> Vec<Bar> {
    let begin = failure.timeline.iter().map(|span| span.sent_ms).fold(f64::INFINITY, f64::min);
    let end = failure.timeline.iter().map(|span| span.answered_ms).fold(begin, f64::max);
    let scale = if end > begin { 100.0 / (end - begin) } else { 0.0 };
    let bar = |span: &crate::verdict::Span| Bar {
        says: span.says.clone(),
        observed: span.observed.clone(),
        from: (span.sent_ms - begin) * scale,
        // A step that took no time is still to be seen.
        width: ((span.answered_ms - span.sent_ms) * scale).max(0.6),
        label: format!("{:.3} – {:.3} ms", span.sent_ms, span.answered_ms),
        involved: span.involved,
    };
    failure.timeline.iter().map(bar).collect()
}
