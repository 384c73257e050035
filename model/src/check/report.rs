//! What a run of the checker found, in words.

use std::{
    fmt::{self, Display, Formatter},
    sync::Arc,
};

use crate::{rules::History, trace::Trace};

/// The result of exploring one scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The scenario.
    pub scenario: &'static str,
    /// What there was more in it than usual, if there was.
    pub more: Option<&'static str>,
    /// The fault that the system had, if any.
    pub mutant: Option<&'static str>,
    /// How many different states there are.
    pub unique_states: usize,
    /// The length of the longest of the shortest ways to a state, in states.
    pub depth: usize,
    /// Each property, and whether it holds.
    pub properties: Vec<PropertyResult>,
    /// Whether every state was seen. If not, nothing is verified.
    pub complete: bool,
    /// How long it took.
    pub seconds: f64,
}

/// Whether a property holds: a rule in every state, a witness in at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyResult {
    /// The rule, or the rule and `exercised`.
    pub name: &'static str,
    /// Whether it holds.
    pub holds: bool,
}

impl Report {
    /// Whether everything was seen and every property holds.
    #[must_use]
    pub fn verified(&self) -> bool {
        self.complete && self.properties.iter().all(|property| property.holds)
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let verdict = match (self.complete, self.verified()) {
            (_, true) => "verified",
            (true, false) => "broken",
            (false, false) => "incomplete, so nothing is verified",
        };
        let Self { scenario, unique_states, depth, seconds, .. } = self;
        write!(f, "{scenario}")?;
        if let Some(more) = self.more {
            write!(f, " and {more}")?;
        }
        if let Some(mutant) = self.mutant {
            write!(f, " with {mutant}")?;
        }
        let properties = self.properties.len();
        write!(f, ": {verdict}; {unique_states} states, depth {depth}, {properties} properties, {seconds:.1} s")?;
        for property in self.properties.iter().filter(|property| !property.holds) {
            write!(f, "\n  does not hold: {}", property.name)?;
        }
        Ok(())
    }
}

/// The shortest way in which a mutant breaks its rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterexample {
    /// The mutant.
    pub mutant: &'static str,
    /// Where it was found.
    pub scenario: &'static str,
    /// The rule.
    pub rule: &'static str,
    /// How it is broken: one sentence with both sides.
    pub broken: String,
    /// The steps, in words.
    pub story: Vec<String>,
    /// The history in the end, from the scenario's beginning.
    pub history: Arc<History>,
    /// The path, to be rendered in other formats.
    pub trace: Trace,
}

impl Display for Counterexample {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.trace.fmt(f)
    }
}
