//! A failing vector with all that it takes to run it again: `failures/ID.json`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    catalogue::{Level, Profile},
    report::Report,
    verdict::{Failure, Judged},
};

/// What `kpd replay` reads. Secrets are masked: those of the binding have to be given again.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Bundle {
    /// `kpd-bundle/1`.
    pub format: String,
    /// The version of the suite.
    pub suite: String,
    /// The id of the vector.
    pub id: String,
    /// The vector's file, whole.
    pub vector: String,
    /// What its rules weigh, by id: those of a directory of vectors are not inside kpd.
    #[serde(default)]
    pub rules: BTreeMap<String, Weight>,
    /// The name of the binding, and where the server was.
    pub server: String,
    /// The base URLs; none, where the reference was started for the occasion.
    pub endpoints: Vec<String>,
    /// The file of the binding; none, where it is that of the reference.
    pub binding: Option<String>,
    /// The seed of the run: makes the same keys and packages again.
    pub seed: u64,
    /// Rounds of the race, where that was said.
    pub rounds: Option<u32>,
    /// For a race: the first round that failed, from 1.
    pub round: Option<usize>,
    /// FAIL, WARN or XFAIL.
    pub verdict: String,
    /// What failed, with every step of it, requests and answers.
    pub failure: Failure,
}

/// How a verdict hangs on a rule.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Weight {
    /// Whether to break it is a failure, or a warning.
    pub level: Level,
    /// What a server may lack.
    pub profile: Profile,
}

/// The format of the bundles that this version writes and reads.
pub const FORMAT: &str = "kpd-bundle/1";

/// The bundle of a vector with a broken rule.
#[must_use]
pub fn of(report: &Report<'_>, judged: &Judged, failure: &Failure) -> Bundle {
    let broken = failure.all().map(|failure| &failure.rule);
    let rules = judged.vector.rules.iter().chain(broken).filter_map(|id| report.catalogue.rule(id));
    Bundle {
        rules: rules.map(|rule| (rule.id.clone(), Weight { level: rule.level, profile: rule.profile })).collect(),
        format: FORMAT.into(),
        suite: env!("CARGO_PKG_VERSION").into(),
        id: judged.vector.id.clone(),
        vector: report.texts.get(&judged.vector.id).cloned().unwrap_or_default(),
        server: report.server.clone(),
        endpoints: report.begun.endpoints.clone(),
        binding: report.begun.binding.clone(),
        seed: report.begun.seed,
        rounds: report.begun.rounds,
        round: failure.rounds.map(|(first, ..)| first),
        verdict: judged.verdict.word().into(),
        failure: failure.clone(),
    }
}
