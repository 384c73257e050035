//! What is wrong with a vector's expectations, told so that its author can mend it.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The step, such as `steps[2]`.
    pub path: String,
    /// Its operation.
    pub operation: String,
    /// What is wrong with it.
    pub kind: FaultKind,
    /// The answers that lead there, where a server has a choice.
    pub after: Vec<String>,
}

/// What can be wrong.
#[expect(missing_docs, reason = "the sentence of a variant speaks of its fields")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// An allowed answer is not what is expected: a good server would fail.
    Unsound { allowed: String, expected: String },
    /// An answer that is not allowed is as good as expected, and the vector does not say why.
    Loose { accepted: String, broken: Option<String>, allowed: Vec<String> },
    /// A looseness is stated where there is none.
    NotLoose { stated: String },
    /// An alternative that no good server ever takes.
    Dead { alternative: String },
    /// The step needs a saved value that an allowed answer did not have.
    Unsaved { name: String },
    /// There are too many ways through the vector.
    TooMany,
    /// The judge does not pass a race that the model allows.
    Misjudged { verdict: String },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, operation, kind, after } = self;
        let (what, lines) = match kind {
            FaultKind::Unsound { allowed, expected } => (
                "is not sound: a good server fails it",
                vec![("allowed", allowed.clone()), ("expected", expected.clone())],
            ),
            FaultKind::Loose { accepted, broken, allowed } => {
                let broken = broken.iter().map(|broken| ("breaks", broken.clone()));
                let accepted = std::iter::once(("accepted", accepted.clone())).chain(broken);
                let lines = accepted.chain(allowed.iter().map(|allowed| ("allowed", allowed.clone()))).collect();
                ("is loose, and does not say why (`loose: …`): it accepts what is not allowed", lines)
            }
            FaultKind::NotLoose { stated } => {
                ("states a looseness that it does not have", vec![("stated", stated.clone())])
            }
            FaultKind::Dead { alternative } => {
                ("has a dead branch: no allowed answer takes this alternative", vec![("dead", alternative.clone())])
            }
            FaultKind::Unsaved { name } => {
                ("needs what an allowed answer does not have", vec![("needs", name.clone())])
            }
            FaultKind::TooMany => ("has too many ways through the model: make the vector smaller", vec![]),
            FaultKind::Misjudged { verdict } => {
                ("is allowed, and the judge does not pass it", vec![("verdict", verdict.clone())])
            }
        };
        write!(f, "{path} ({operation}) {what}")?;
        let after = after.iter().map(|answer| ("after", answer.clone()));
        for (name, text) in lines.into_iter().chain(after) {
            write!(f, "\n    {name:<9} {text}")?;
        }
        Ok(())
    }
}
