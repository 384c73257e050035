//! The report for programs; its shape is `vectors/schema/report.schema.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    report::{Report, files},
    verdict::Failure,
};

/// The format that this version writes.
pub const FORMAT: &str = "kpd-report/1";

/// The whole report.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct JsonReport {
    /// `kpd-report/1`.
    pub format: String,
    /// The version of the suite.
    pub suite: String,
    /// The name of the binding, and where the server was.
    pub server: String,
    /// Makes the same keys, packages and order again.
    pub seed: u64,
    /// How it ended, as the exit code of `kpd` says it: passed, failed, inconclusive, unreachable, nothing, bug.
    pub exit: String,
    /// Milliseconds.
    pub took_ms: u64,
    /// How many vectors have each verdict; verdicts that none has are left out.
    pub counts: std::collections::BTreeMap<String, usize>,
    /// The identifiers of the rules that some vector checked.
    pub rules_checked: Vec<String>,
    /// Every selected vector, by id.
    pub vectors: Vec<JsonVector>,
}

/// One vector.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct JsonVector {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The rules that it checks.
    pub rules: Vec<String>,
    /// PASS, FAIL, WARN, XFAIL, XPASS, SKIP, BLOCKED, INCONCLUSIVE, GONE or ERROR.
    pub verdict: String,
    /// Why there is no verdict on the server, or why it is not what it seems.
    pub reason: Option<String>,
    /// What failed: rule, sentence, step, details, every step with its requests and answers.
    pub failure: Option<Failure>,
    /// What `kpd replay` runs again, beside this file.
    pub bundle: Option<String>,
    /// The requests as a shell script, beside this file.
    pub script: Option<String>,
    /// The vector's file, and the line of the step that failed.
    pub place: (String, usize),
    /// For a race: rounds that truly overlapped, and all rounds.
    pub contention: Option<(usize, usize)>,
    /// Milliseconds.
    pub took_ms: u64,
}

/// The report for programs.
#[must_use]
pub fn of(report: &Report<'_>) -> JsonReport {
    let counts = report.counts().into_iter().map(|(word, count)| (word.to_string(), count));
    let beside = |judged: &crate::verdict::Judged, name: fn(&str) -> String| {
        judged.verdict.failure().map(|_| name(&judged.vector.id))
    };
    let vector = |judged: &crate::verdict::Judged| JsonVector {
        id: judged.vector.id.clone(),
        title: judged.vector.title.clone(),
        rules: judged.vector.rules.clone(),
        verdict: judged.verdict.word().into(),
        reason: judged.verdict.reason().map(str::to_string),
        failure: judged.verdict.failure().cloned(),
        bundle: beside(judged, files::bundle_name),
        script: beside(judged, files::script_name),
        place: report.place(&judged.vector.id, judged.verdict.failure().map_or("", |failure| &failure.path)),
        contention: judged.contention,
        took_ms: u64::try_from(judged.took.as_millis()).unwrap_or(u64::MAX),
    };
    JsonReport {
        format: FORMAT.into(),
        suite: env!("CARGO_PKG_VERSION").into(),
        server: report.server.clone(),
        seed: report.begun.seed,
        exit: serde_json::to_value(report.exit)
            .ok()
            .and_then(|exit| exit.as_str().map(str::to_string))
            .unwrap_or_default(),
        took_ms: u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
        counts: counts.collect(),
        rules_checked: report.rules_checked().into_iter().map(str::to_string).collect(),
        vectors: report.judged.iter().map(vector).collect(),
    }
}
