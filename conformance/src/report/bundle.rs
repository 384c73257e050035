//! A failing vector with all that it takes to run it again: `failures/ID.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
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

/// The format of the bundles that this version writes and reads.
pub const FORMAT: &str = "kpd-bundle/1";

/// The bundle of a vector with a broken rule.
#[must_use]
pub fn of(report: &Report<'_>, judged: &Judged, failure: &Failure) -> Bundle {
    Bundle {
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
