//! Whether a binding fits its server, told operation by operation before any rule is judged. Pure; [`crate::run::trial`]
//! asks the server.

mod declared;
mod diagnose;
mod hints;
mod never;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::{
    binding::{Operation, lint},
    run::trial::Met,
    vector::Vector,
    verdict::Exit,
    yaml,
};

pub use declared::{declarations, variables};
pub use diagnose::diagnose;
pub use never::Never;

/// How a part of a binding fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// It fits.
    Ok,
    /// Worth knowing, and no mistake.
    Note,
    /// Not tried, since something before it went wrong.
    Untried,
    /// The answer can be read, and is not what a good server answers: the binding reads the wrong thing, or the server
    /// errs.
    Doubt,
    /// The binding does not fit the server.
    Wrong,
}

impl Mark {
    /// As it is printed.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Untried => "untried",
            Self::Doubt => "doubt",
            Self::Wrong => "WRONG",
        }
    }
}

/// What is wrong, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What.
    pub what: String,
    /// How to mend it.
    pub mend: String,
}

/// What is said of one part of a binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it fares.
    pub mark: Mark,
    /// The part: an operation, mostly.
    pub part: String,
    /// What was done, in words.
    pub says: String,
    /// What was sent, what came, and what was read of it, each with its label.
    pub lines: Vec<(&'static str, String)>,
    /// What is wrong.
    pub messages: Vec<Message>,
}

impl Finding {
    /// A finding without messages.
    fn new(mark: Mark, part: impl Into<String>, says: impl Into<String>) -> Self {
        Self { mark, part: part.into(), says: says.into(), lines: vec![], messages: vec![] }
    }

    /// Something that is wrong, with its remedy.
    #[must_use]
    pub fn wrong(part: &str, says: &str, what: String, mend: impl Into<String>) -> Self {
        let messages = vec![Message { what, mend: mend.into() }];
        Self { messages, ..Self::new(Mark::Wrong, part, says) }
    }

    /// That something fits.
    #[must_use]
    pub fn well(part: &str, says: &str) -> Self {
        Self::new(Mark::Ok, part, says)
    }
}

/// The exit code that findings add up to.
#[must_use]
pub fn exit(findings: &[Finding]) -> Exit {
    match findings.iter().map(|finding| finding.mark).max() {
        Some(Mark::Wrong) => Exit::Usage,
        Some(Mark::Doubt | Mark::Untried) => Exit::Failed,
        _ => Exit::Passed,
    }
}

/// What the doctor asks.
///
/// # Errors
///
/// If it was built from a file with mistakes.
pub fn walk() -> Result<Arc<Vector>, Box<yaml::FileError>> {
    yaml::read("conformance/src/doctor/walk.yaml", include_str!("doctor/walk.yaml")).map(Arc::new)
}

/// That an operation was left out because of another.
#[must_use]
pub fn untried(met: &Met) -> Option<Finding> {
    let Met::Untried { operation, because } = met else { return None };
    let says = format!("not tried, since {} went wrong", lint::name(*because));
    Some(Finding::new(Mark::Untried, lint::name(*operation), says))
}

/// The place of an operation's exchange in a binding; its number where there are several.
fn part(operation: Operation, exchange: usize, of: usize) -> String {
    let name = lint::name(operation);
    if of > 1 { format!("{name}[{exchange}]") } else { name }
}
