//! What a run tells: on the terminal, as JUnit XML, JSON and HTML. All of it from the same list of judged vectors.

pub mod html;
pub mod json;
pub mod junit;
pub mod terminal;

use std::{collections::BTreeSet, time::Duration};

use crate::{
    catalogue::Catalogue,
    verdict::{Exit, Judged, Verdict},
};

/// A whole run, ready to be told.
#[derive(Debug)]
pub struct Report<'a> {
    /// The name of the binding, and where the server was.
    pub server: String,
    /// Makes the same keys, packages and order again.
    pub seed: u64,
    /// Every selected vector.
    pub judged: &'a [Judged],
    /// The rules.
    pub catalogue: &'a Catalogue,
    /// How long it all took.
    pub took: Duration,
    /// How it ended.
    pub exit: Exit,
}

impl Report<'_> {
    /// How many vectors have this verdict.
    #[must_use]
    pub fn count(&self, word: &str) -> usize {
        self.judged.iter().filter(|judged| judged.verdict.word() == word).count()
    }

    /// The rules that some vector that ran checks; skipped vectors check nothing.
    #[must_use]
    pub fn rules_checked(&self) -> BTreeSet<&str> {
        let ran = self
            .judged
            .iter()
            .filter(|judged| matches!(judged.verdict, Verdict::Pass | Verdict::Fail(_) | Verdict::Warn(_)));
        ran.flat_map(|judged| &judged.vector.rules).map(String::as_str).collect()
    }
}

/// Every word, in the order in which summaries have them.
pub const WORDS: [&str; 10] =
    ["PASS", "FAIL", "WARN", "XFAIL", "XPASS", "SKIP", "BLOCKED", "INCONCLUSIVE", "GONE", "ERROR"];
