//! The report as one self-contained page: no network, light and dark, wide and narrow.

use std::collections::BTreeMap;

use minijinja::{Environment, context, value::Serde};
use serde::Serialize;

use crate::{
    catalogue::Profile,
    report::{
        Report, WORDS,
        drawing::{Timeline, sequence},
        json,
    },
    verdict::{Failure, Judged, Span},
};

static TEMPLATE: &str = include_str!("report.html");
static STYLE: &str = include_str!("report.css");
static SCRIPT: &str = include_str!("report.js");

/// Of a body beside a verdict that nobody asks about, no more is shown.
const BODY_OF_PASSED: usize = 600;

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
    let profiles: Vec<ProfileRow> = PROFILES.iter().map(|profile| ProfileRow::of(report, *profile)).collect();
    let page = template.render(context! {
        style => STYLE,
        script => SCRIPT,
        profiles => Serde(&profiles),
        skips => Serde(&report.skips()),
        report => Serde(&Head::of(report)),
        words => Serde(&WORDS),
        rules => Serde(&rules),
        vectors => Serde(&vectors),
    });
    page.map_err(|error| format!("{error:#}"))
}

/// The report without its vectors, which have rows of their own.
#[derive(Serialize)]
struct Head {
    suite: String,
    server: String,
    seed: u64,
    exit: String,
    took_ms: u64,
    counts: BTreeMap<String, usize>,
    rules_checked: usize,
}

impl Head {
    fn of(report: &Report<'_>) -> Self {
        let json = json::of(report);
        Self {
            suite: json.suite,
            server: json.server,
            seed: json.seed,
            exit: json.exit,
            took_ms: json.took_ms,
            counts: json.counts,
            rules_checked: json.rules_checked.len(),
        }
    }
}

const PROFILES: [Profile; 5] = [Profile::Core, Profile::LastResort, Profile::Notify, Profile::As, Profile::Abuse];

/// A profile: how many of its rules were checked, and the verdicts of the vectors whose first rule is one of them.
#[derive(Serialize)]
struct ProfileRow {
    name: String,
    checked: usize,
    rules: usize,
    verdicts: Vec<(&'static str, usize)>,
}

impl ProfileRow {
    fn of(report: &Report<'_>, profile: Profile) -> Self {
        let rules: Vec<&str> =
            report.catalogue.rules.iter().filter(|rule| rule.profile == profile).map(|rule| rule.id.as_str()).collect();
        let checked = report.rules_checked();
        let of_profile =
            |judged: &&Judged| judged.vector.rules.first().is_some_and(|rule| rules.contains(&rule.as_str()));
        let count =
            |word: &str| report.judged.iter().filter(of_profile).filter(|judged| judged.verdict.word() == word).count();
        Self {
            name: profile.to_string(),
            checked: rules.iter().filter(|rule| checked.contains(*rule)).count(),
            rules: rules.len(),
            verdicts: WORDS.iter().map(|word| (*word, count(word))).filter(|(_, count)| *count > 0).collect(),
        }
    }
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
    documents: Option<String>,
    rules: Vec<String>,
    seen_in: Vec<String>,
    word: &'static str,
    reason: Option<String>,
    took_ms: u128,
    contention: Option<(usize, usize)>,
    failure: Option<Failure>,
    rule_with_sources: Option<String>,
    place: (String, usize),
    timeline: Option<Timeline>,
    sequence: Option<String>,
    steps: Vec<Span>,
}

impl VectorRow {
    fn of(report: &Report<'_>, judged: &Judged) -> Self {
        let failure = judged.verdict.failure();
        let sources = |failure: &Failure| report.catalogue.rule(&failure.rule).map(|rule| rule.with_sources());
        Self {
            id: judged.vector.id.clone(),
            title: judged.vector.title.clone(),
            why: judged.vector.why.clone(),
            documents: judged.vector.documents.clone(),
            rules: judged.vector.rules.clone(),
            seen_in: judged.vector.seen_in.clone(),
            word: judged.verdict.word(),
            reason: judged.verdict.reason().map(str::to_string),
            took_ms: judged.took.as_millis(),
            contention: judged.contention,
            failure: failure.cloned(),
            rule_with_sources: failure.and_then(sources),
            place: report.place(&judged.vector.id, failure.map_or("", |failure| &failure.path)),
            timeline: failure.filter(|failure| failure.rounds.is_some()).map(|failure| Timeline::of(&failure.timeline)),
            sequence: failure
                .filter(|failure| failure.rounds.is_none())
                .map(|failure| sequence(&judged.vector, &failure.timeline)),
            steps: judged.steps().iter().map(|span| shown(span, failure.is_some())).collect(),
        }
    }
}

/// A step with its bodies: whole where something failed.
fn shown(span: &Span, whole: bool) -> Span {
    let mut span = span.clone();
    if !whole {
        let bodies = span.exchanges.iter_mut().flat_map(|of| [&mut of.request_body, &mut of.response_body]);
        for body in bodies.filter(|body| body.chars().count() > BODY_OF_PASSED) {
            *body = body.chars().take(BODY_OF_PASSED).chain([' ', '…']).collect();
        }
    }
    span
}
