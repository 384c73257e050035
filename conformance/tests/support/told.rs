//! A report of each verdict, made of fixed data: no server, no clock, no port.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use kpd_conformance::{
    catalogue::Catalogue,
    recording::Exchange,
    report::{Begun, Report},
    vector::Vector,
    verdict::{Exit, Failure, Judged, KnownFailure, Span, Verdict},
    yaml,
};

const TEXT: &str = "id: claim/golden\ntitle: A package is granted once\nwhy: Twice is once too often.\n\
                    rules: [CLAIM-ONCE]\nusers: { alice: { clients: [phone] }, bob: {} }\n\
                    steps:\n  - recall: []\n  - claim: { as: bob, of: alice }\n    expect: { ok: {} }\n";

/// The verdict after another one: the compiler asks here for a new one. None before the first, and after the last.
pub(crate) fn next(verdict: Option<&Verdict>) -> Option<Verdict> {
    let reason = |text: &str| format!("{text} <&> \"100 %\"");
    Some(match verdict {
        None => Verdict::Pass,
        Some(Verdict::Pass) => Verdict::Fail(failure()),
        Some(Verdict::Fail(_)) => Verdict::Warn(failure()),
        Some(Verdict::Warn(_)) => Verdict::Xfail { comment: reason("our issue 7"), failure: failure() },
        Some(Verdict::Xfail { .. }) => Verdict::Pass.known(Some(&known(reason("our issue 7")))),
        Some(Verdict::Xpass { .. }) => Verdict::Skip { reason: reason("it does not offer this") },
        Some(Verdict::Skip { .. }) => Verdict::Blocked { reason: reason("nobody can register") },
        Some(Verdict::Blocked { .. }) => Verdict::Inconclusive { reason: reason("no contention") },
        Some(Verdict::Inconclusive { .. }) => Verdict::Gone { reason: reason("no answer") },
        Some(Verdict::Gone { .. }) => Verdict::Error { reason: reason("the binding does not fit") },
        Some(Verdict::Error { .. }) => return None,
    })
}

fn known(comment: String) -> KnownFailure {
    KnownFailure { id: "claim/once".into(), comment, rules: vec![], sometimes: false }
}

/// All of them.
pub(crate) fn verdicts() -> Vec<Verdict> {
    let mut all: Vec<Verdict> = vec![];
    while let Some(verdict) = next(all.last()) {
        all.push(verdict);
    }
    all
}

/// A sequential one, with all that can be hard to write: markup, quotes, a line break, no ASCII.
fn failure() -> Failure {
    let exchange = Exchange {
        method: "POST".into(),
        url: "http://server/v1/users/alice/claims".into(),
        request_headers: BTreeMap::from([("authorization".into(), "(masked)".into())]),
        request_body: r#"{"cipher_suites":[1]}"#.into(),
        status: 200,
        response_headers: BTreeMap::from([("content-type".into(), "application/json".into())]),
        response_body: "{\"clients\":[\"<script>\"]}".into(),
    };
    let span = Span {
        path: "steps[1]".into(),
        says: "bob claims of alice".into(),
        observed: "ok: a1".into(),
        sent_ms: 1.25,
        answered_ms: 2.5,
        involved: true,
        exchanges: vec![exchange.clone()],
    };
    Failure {
        rule: "CLAIM-ONCE".into(),
        says: "a1 was granted twice: “<b>” & ]]>".into(),
        path: "steps[1]".into(),
        details: vec!["expected: nothing".into(), "observed: a1\nand a1".into()],
        timeline: vec![span],
        exchanges: vec![exchange],
        rounds: None,
        also: vec![],
    }
}

/// A race: two hold what only one can, and one was shown that this is not so.
pub(crate) fn race() -> Failure {
    let Failure { exchanges, timeline, .. } = failure();
    let span = |lane: &str, who: &str, what: &str, (sent_ms, answered_ms): (f64, f64), involved| Span {
        path: format!("race.lanes.{lane}[0]"),
        says: format!("{who} claims of alice"),
        observed: format!("ok: {what}"),
        sent_ms,
        answered_ms,
        involved,
        exchanges: exchanges.clone(),
    };
    let before =
        Span { path: "steps[0]".into(), involved: false, sent_ms: 0.0, answered_ms: 1.0, ..timeline[0].clone() };
    Failure {
        says: "a1 was granted twice: bob claims of alice, and carol claims of alice".into(),
        path: "race".into(),
        details: vec![],
        timeline: vec![
            before,
            span("c1", "bob", "a1", (2.0, 4.5), true),
            span("c2", "carol", "a1", (2.25, 4.0), true),
            span("c3", "dave", "a2", (2.5, 6.0), false),
        ],
        rounds: Some((3, 2, 20)),
        also: vec![Failure {
            rule: "LAST-ONLY-WHEN-EXHAUSTED".into(),
            says: "carol was granted “z” & a2 was left".into(),
            rounds: Some((7, 1, 20)),
            ..failure()
        }],
        ..failure()
    }
}

/// One vector for each verdict given, as a run reports them.
pub(crate) fn with_report<T>(verdicts: &[Verdict], tell: impl FnOnce(&Report<'_>) -> T) -> T {
    let rules = include_str!("../../../vectors/rules.yaml");
    let mut catalogue = Catalogue::read("rules.yaml", rules).unwrap();
    catalogue.rules.retain(|rule| rule.id == "CLAIM-ONCE");
    let mut texts = BTreeMap::new();
    let mut judged = vec![];
    for verdict in verdicts {
        let id = format!("claim/{}", verdict.word().to_lowercase());
        let text = TEXT.replace("claim/golden", &id);
        let vector: Vector = yaml::read("golden.yaml", &text).unwrap();
        let took = Duration::from_millis(if matches!(verdict, Verdict::Skip { .. }) { 0 } else { 1250 });
        let contention = verdict.failure().and_then(|failure| failure.rounds).map(|(.., all)| (all - 1, all));
        judged.push(Judged { vector: Arc::new(vector), verdict: verdict.clone(), took, contention, story: vec![] });
        texts.insert(id, text);
    }
    let begun = Begun { seed: 7, rounds: None, endpoints: vec!["http://server".into()], binding: None };
    tell(&Report {
        server: "reference at http://server".into(),
        begun,
        judged: &judged,
        catalogue: &catalogue,
        texts: &texts,
        directory: "vectors".into(),
        took: Duration::from_millis(2500),
        exit: Exit::of(verdicts, false),
        strict: false,
        bundles: true,
    })
}
