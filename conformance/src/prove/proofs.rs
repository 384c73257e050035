//! The file of proofs: what was proved of which text, so that a change of either is seen.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    library::{Library, PROOFS},
    prove::{Proved, Why},
    yaml::{self, FileError},
};

/// What is known of a vector's expectations, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Sound, tight and without dead branches, as far as the model knows its steps.
    Proved,
    /// Sound and without dead branches; it accepts more than is allowed, and says why.
    Loose,
    /// The model knows nothing of any answer that it looks at.
    Outside,
    /// Something is wrong with it.
    Wrong,
}

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The first 16 hexadecimal digits of the SHA-256 of the vector's file.
    pub digest: String,
    /// What was proved.
    pub verdict: Verdict,
    /// How many steps state a looseness.
    #[serde(default)]
    pub loose: usize,
    /// How many steps hold something that the model does not know.
    #[serde(default)]
    pub outside: BTreeMap<Why, usize>,
    /// In how many ways good servers can have answered in the end.
    pub branches: usize,
    /// The kinds of steps that it reaches.
    pub labels: Vec<String>,
}

impl Proof {
    fn of(proved: &Proved, text: &str) -> Self {
        let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes())[..8]);
        Self {
            digest,
            verdict: proved.verdict(),
            loose: proved.loose.len(),
            outside: proved.outside.clone(),
            branches: proved.branches,
            labels: proved.labels.iter().map(ToString::to_string).collect(),
        }
    }
}

/// A proof that is not that of the vector, or of the model, as they are now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stale {
    /// There is none.
    #[error("{0}.yaml has no proof")]
    Missing(String),
    /// There is no such vector.
    #[error("{0}.yaml is proved, and is not there")]
    Gone(String),
    /// The vector is another one.
    #[error("{0}.yaml was changed since it was proved")]
    Changed(String),
    /// The vector is the same, and what is proved of it differs: the model has changed, or the prover.
    #[error("{id}.yaml is as it was when it was proved, and the model is not: {what}")]
    #[expect(missing_docs, reason = "the message names both")]
    Otherwise { id: String, what: String },
}

/// Why the file of proofs cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ProofsError(#[from] pub Box<FileError>);

/// The proofs of a library's file; none where there is no file.
///
/// # Errors
///
/// A file that this version did not write.
pub fn read(text: &str) -> Result<BTreeMap<String, Proof>, ProofsError> {
    if text.trim().is_empty() {
        return Ok(BTreeMap::new());
    }
    Ok(yaml::read(PROOFS, text)?)
}

/// The file that belongs to what was proved: one line for each vector, in the order of their ids.
#[must_use]
pub fn render(library: &Library, proved: &[Proved]) -> String {
    let mut text =
        "# Made by `kpd prove vectors --write`: what is proved of which vector. Not for editing.\n".to_string();
    for (id, Proof { digest, verdict, loose, outside, branches, labels }) in proofs(library, proved) {
        let verdict = serde_json::to_value(verdict).unwrap_or_default();
        let _ = write!(text, "{id}: {{ digest: \"{digest}\", verdict: {}", verdict.as_str().unwrap_or_default());
        if loose > 0 {
            let _ = write!(text, ", loose: {loose}");
        }
        if !outside.is_empty() {
            let outside: Vec<_> = outside.iter().map(|(why, steps)| format!("{why}: {steps}")).collect();
            let _ = write!(text, ", outside: {{ {} }}", outside.join(", "));
        }
        let _ = writeln!(text, ", branches: {branches}, labels: [{}] }}", labels.join(", "));
    }
    text
}

/// Where the file and what was proved differ.
#[must_use]
pub fn stale(library: &Library, proved: &[Proved], kept: &BTreeMap<String, Proof>) -> Vec<Stale> {
    let now = proofs(library, proved);
    let gone = kept.keys().filter(|id| !now.contains_key(*id)).map(|id| Stale::Gone(id.clone()));
    let others = now.iter().filter_map(|(id, now)| {
        let id = id.clone();
        match kept.get(&id) {
            None => Some(Stale::Missing(id)),
            Some(kept) if kept.digest != now.digest => Some(Stale::Changed(id)),
            Some(kept) if kept != now => Some(Stale::Otherwise { id, what: difference(kept, now) }),
            Some(_) => None,
        }
    });
    others.chain(gone).collect()
}

fn proofs(library: &Library, proved: &[Proved]) -> BTreeMap<String, Proof> {
    let text = |id: &str| library.texts.get(id).map_or("", String::as_str);
    proved.iter().map(|proved| (proved.id.clone(), Proof::of(proved, text(&proved.id)))).collect()
}

fn difference(kept: &Proof, now: &Proof) -> String {
    if kept.verdict != now.verdict {
        return format!("{:?} then, {:?} now", kept.verdict, now.verdict).to_lowercase();
    }
    if kept.branches != now.branches {
        return format!("{} branches then, {} now", kept.branches, now.branches);
    }
    if kept.labels != now.labels {
        let only = |one: &Proof, other: &Proof| {
            let only = one.labels.iter().filter(|label| !other.labels.contains(label));
            only.cloned().collect::<Vec<_>>().join(", ")
        };
        return format!("it no longer reaches [{}], and now reaches [{}]", only(kept, now), only(now, kept));
    }
    format!(
        "{} loose steps and {} outside then, {} and {} now",
        kept.loose,
        kept.outside.values().sum::<usize>(),
        now.loose,
        now.outside.values().sum::<usize>()
    )
}
