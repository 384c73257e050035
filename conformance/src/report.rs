//! What a run tells: on the terminal, as pages, and for programs. All of it from the same list of judged vectors.

pub mod annotations;
pub mod badge;
pub mod bundle;
pub mod compare;
pub mod curl;
mod drawing;
pub mod files;
pub mod html;
pub mod json;
pub mod junit;
mod line;
pub mod markdown;
pub mod read;
pub mod sarif;
pub mod terminal;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    catalogue::Catalogue,
    verdict::{Exit, Failure, Judged, Verdict},
};

/// A whole run, ready to be told.
#[derive(Debug)]
pub struct Report<'a> {
    /// The name of the binding, and where the server was, without secrets.
    pub server: String,
    /// How the run was begun, so that a part of it can be begun again.
    pub begun: Begun,
    /// Every selected vector.
    pub judged: &'a [Judged],
    /// The rules.
    pub catalogue: &'a Catalogue,
    /// The text of each vector's file, by id.
    pub texts: &'a BTreeMap<String, String>,
    /// The directory of these files.
    pub directory: String,
    /// How long it all took.
    pub took: Duration,
    /// How it ended.
    pub exit: Exit,
    /// Whether a broken SHOULD fails the run.
    pub strict: bool,
    /// Whether each failure has a bundle, from which it can be run again.
    pub bundles: bool,
}

/// How a run was begun.
#[derive(Clone, Debug)]
pub struct Begun {
    /// Makes the same keys, packages and order again.
    pub seed: u64,
    /// Rounds of each race, where that was said.
    pub rounds: Option<u32>,
    /// The base URLs, without secrets; none, where the reference was started for the occasion.
    pub endpoints: Vec<String>,
    /// The file of the binding; none, where it is that of the reference.
    pub binding: Option<String>,
}

impl Report<'_> {
    /// How many vectors have this verdict.
    #[must_use]
    pub fn count(&self, word: &str) -> usize {
        self.judged.iter().filter(|judged| judged.verdict.word() == word).count()
    }

    /// How many vectors have each verdict, in the order of [`WORDS`]; verdicts that none has are left out.
    #[must_use]
    pub fn counts(&self) -> Vec<(&'static str, usize)> {
        WORDS.iter().map(|word| (*word, self.count(word))).filter(|(_, count)| *count > 0).collect()
    }

    /// The rules that some vector that ran checks; skipped vectors check nothing.
    #[must_use]
    pub fn rules_checked(&self) -> BTreeSet<&str> {
        let told =
            |verdict: &Verdict| matches!(verdict, Verdict::Pass | Verdict::Xpass { .. }) || verdict.failure().is_some();
        let ran = self.judged.iter().filter(|judged| told(&judged.verdict));
        ran.flat_map(|judged| &judged.vector.rules).map(String::as_str).collect()
    }

    /// Vectors with a broken rule, each with it; those that are known to fail, too.
    pub fn failures(&self) -> impl Iterator<Item = (&Judged, &Failure)> {
        self.judged.iter().filter_map(|judged| Some((judged, judged.verdict.failure()?)))
    }

    /// Why vectors were skipped, each reason with the vectors.
    #[must_use]
    pub fn skips(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut skips: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for judged in self.judged {
            if let Verdict::Skip { reason } = &judged.verdict {
                skips.entry(reason.as_str()).or_default().push(judged.vector.id.as_str());
            }
        }
        skips
    }

    /// The file of a vector, and the line of a step in it, from 1.
    #[must_use]
    pub fn place(&self, id: &str, path: &str) -> (String, usize) {
        let line = self.texts.get(id).and_then(|text| crate::vector::line_of(text, path)).unwrap_or(1);
        (format!("{}/{id}.yaml", self.directory.trim_end_matches('/')), line)
    }
}

/// Every word, in the order in which summaries have them.
pub const WORDS: [&str; 10] =
    ["PASS", "FAIL", "WARN", "XFAIL", "XPASS", "SKIP", "BLOCKED", "INCONCLUSIVE", "GONE", "ERROR"];
