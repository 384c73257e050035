//! Steps and states in words, as stateright's Explorer and the counterexamples show them.

use std::fmt::{self, Debug, Display, Formatter};

use crate::{
    system::{Action, Replica, World},
    words::list,
};

impl Display for Action {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load { replica, request, version } => {
                write!(f, "replica {} loads the log at version {version} for {request}", replica + 1)
            }
            Self::Answer { replica, request, outcome, events, owed, .. } => {
                write!(f, "replica {} ", replica + 1)?;
                if !events.is_empty() {
                    write!(f, "appends [{}] and ", list(events))?;
                }
                write!(f, "answers {request}: {outcome}")?;
                if !owed.is_empty() {
                    write!(f, "; it still owes [{}]", list(owed))?;
                }
                Ok(())
            }
            Self::LoadAgain { replica, request, version } => {
                write!(f, "replica {} finds the version moved and loads again at {version} for {request}", replica + 1)
            }
            Self::Append { replica, events, .. } => {
                write!(f, "replica {} appends what it owed: [{}]", replica + 1, list(events))
            }
            Self::Crash { replica } => write!(f, "replica {} is killed and starts again", replica + 1),
            Self::Restore { version, events } => {
                write!(f, "the operator restores the log of version {version} and appends [{}]", list(events))
            }
            Self::Tick { to } => write!(f, "time passes to {to}"),
        }
    }
}

impl Display for World {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "log:")?;
        for (place, event) in self.history.log().iter().enumerate() {
            writeln!(f, "  {}. {event}", place + 1)?;
        }
        writeln!(f, "answers:")?;
        for (request, outcomes) in self.history.answers() {
            outcomes.iter().try_for_each(|outcome| writeln!(f, "  {request}: {outcome}"))?;
        }
        writeln!(f, "replicas:")?;
        for (place, replica) in self.replicas.iter().enumerate() {
            writeln!(f, "  {}. {replica}", place + 1)?;
        }
        match &self.refused {
            Some(refusal) => writeln!(f, "not allowed: {refusal}"),
            None => Ok(()),
        }
    }
}

impl Display for Replica {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => f.write_str("idle"),
            Self::Loaded { request, version } => write!(f, "has loaded version {version} for {request}"),
            Self::Owes { events, .. } => write!(f, "owes [{}]", list(events)),
        }
    }
}

/// In words too: the Explorer shows a state by its `Debug`.
impl Debug for World {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}
