//! A path through the system as something to read: a story, a diagram, a trace for other tools, a vector to run.

mod itf;
mod mermaid;
#[cfg(test)]
mod tests;
mod vector;

use std::fmt::{self, Display, Formatter};

use stateright::Model;

use crate::{
    check::Counterexample,
    mutants::{Mutant, mutant},
    spec::Op,
    system::{Action, Scenario, System, World},
};

pub use vector::NoVector;
pub(crate) use vector::{Head, Parts, sequence, told};

/// A path, with every state on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Who asked what.
    pub scenario: Scenario,
    /// The fault of the directory, if it had one.
    pub mutant: Option<&'static str>,
    /// The state at the beginning.
    pub first: World,
    /// Each step, and the state after it.
    pub steps: Vec<(Action, World)>,
    /// The rule that is broken in the end, and how.
    pub broken: Option<(&'static str, String)>,
}

/// What a trace can be rendered as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Numbered sentences.
    Story,
    /// A sequence diagram in Mermaid's language, which GitHub draws in a Markdown file.
    Mermaid,
    /// The Informal Trace Format (Apalache's ADR 015), which Apalache, Quint and their viewers read.
    Itf,
    /// A vector as under `vectors/`: the requests in the order of their answers, with the answers that are right.
    Vector,
}

impl Trace {
    /// The path that these actions make; none, if they are not possible one after the other.
    #[must_use]
    pub fn new(system: &System, actions: Vec<Action>) -> Option<Self> {
        let first = system.init_states().into_iter().next()?;
        let mut world = first.clone();
        let mut steps = vec![];
        for action in actions {
            world = system.next_state(&world, action.clone())?;
            steps.push((action, world.clone()));
        }
        let mutant = system.mutant.map(|mutant| mutant.name);
        Some(Self { scenario: system.scenario.clone(), mutant, first, steps, broken: None })
    }

    /// The trace in a format. Not every trace can be a vector; one that cannot says why, in a comment.
    #[must_use]
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Story => self.to_string(),
            Format::Mermaid => mermaid::render(self),
            Format::Itf => itf::render(self),
            Format::Vector => self.vector().unwrap_or_else(|reason| format!("# {reason}\n")),
        }
    }

    /// The trace as a vector.
    ///
    /// # Errors
    ///
    /// Something in it has no words in a vector.
    pub fn vector(&self) -> Result<String, NoVector> {
        vector::render(self)
    }

    /// The state in the end.
    #[must_use]
    pub fn last(&self) -> &World {
        self.steps.last().map_or(&self.first, |(_, world)| world)
    }

    fn known_mutant(&self) -> Option<&'static Mutant> {
        self.mutant.and_then(mutant)
    }
}

impl Counterexample {
    /// The counterexample in a format.
    #[must_use]
    pub fn render(&self, format: Format) -> String {
        self.trace.render(format)
    }
}

impl Display for Trace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let (Some(mutant), Some((rule, _))) = (self.mutant, &self.broken) {
            writeln!(f, "{mutant} breaks {rule} in the scenario {:?}:", self.scenario.name)?;
        }
        for (place, (step, _)) in self.steps.iter().enumerate() {
            writeln!(f, "{:>3}. {step}", place + 1)?;
        }
        match &self.broken {
            Some((rule, how)) => write!(f, "{rule}: {how}"),
            None => Ok(()),
        }
    }
}

/// Who asks.
fn asker(op: &Op) -> String {
    match op {
        Op::Claim(claim) => claim.requester.to_string(),
        Op::Tick { .. } => "clock".into(),
        Op::Collect | Op::Fence => "operator".into(),
        Op::Keys { .. } | Op::Verify { .. } => "anyone".into(),
        Op::Block { user, .. } | Op::Unblock { user, .. } => user.to_string(),
        Op::AddKey { client, .. }
        | Op::ExtendKey { client, .. }
        | Op::RemoveKey { client, .. }
        | Op::RemoveClient { client }
        | Op::Publish { client, .. }
        | Op::Replace { client, .. }
        | Op::Withdraw { client, .. }
        | Op::Stock { client }
        | Op::Reconcile { client }
        | Op::Notifications { client, .. }
        | Op::Acknowledge { client, .. } => client.to_string(),
    }
}
