//! Systems that break one rule each, so that we know the rule is really checked.
//!
//! A mutant is one lie of a replica: about what has happened, what was asked, what it writes or says, or whether the
//! version has moved. Everything else is the correct system.

mod classes;
mod deeds;
mod lies;
mod table;
#[cfg(test)]
mod tests;

pub use classes::{CLASSES, Class};
pub use table::{MUTANTS, STALLING};

use crate::{
    history::{Claim, Event, State},
    spec::{Op, Outcome, Reason},
};

/// A directory with one fault.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// Its name.
    pub name: &'static str,
    /// The rule that it breaks.
    pub breaks: &'static str,
    /// What it does wrong.
    pub says: &'static str,
    /// Public reports of directories that did the like.
    pub seen_in: &'static [&'static str],
    /// The family that shows it.
    pub family: &'static str,
    pub(crate) lie: Lie,
}

/// What a replica gets wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lie {
    /// It decides on another log than the one that it loaded.
    Believes(fn(&Op, Vec<Event>) -> Vec<Event>),
    /// The same, once a replica was killed: what it kept in memory is gone.
    AfterCrash(fn(&Op, Vec<Event>) -> Vec<Event>),
    /// It decides on another claim than the one that was asked.
    Hears(fn(&mut Claim)),
    /// It decides on another request than the one that was asked.
    Asks(fn(&State, Op) -> Op),
    /// It does what it should refuse for one of these reasons.
    Accepts(fn(&State, &Op, Reason) -> bool),
    /// It answers something else than it decided, given what it appends.
    Says(fn(&State, &Op, Outcome, &[Event]) -> Outcome),
    /// It appends something else than it decided.
    Writes(fn(&State, &Op, &Outcome, Vec<Event>) -> Vec<Event>),
    /// It appends these events in a step of their own, after the answer.
    WritesLater(fn(&Event) -> bool),
    /// It appends although the version has moved.
    Overrules(fn(&Op, &Outcome) -> bool),
    /// Where the version has moved since it was this one, it does not load again, but decides at once on this log.
    OnConflict(fn(&Op, usize, Vec<Event>) -> Vec<Event>),
    /// It decides on the log that it loaded, or on another one, as it happens.
    Wavers(fn(&Op, Vec<Event>) -> Vec<Event>),
    /// It never answers.
    Hangs(fn(&State, &Op) -> bool),
    /// After a restore the operator appends this instead of a fence.
    Restores(fn(&State) -> Vec<Event>),
}

impl Mutant {
    /// Whether it goes wrong only where two things happen at once, or something happens between an answer and what
    /// should have come before it.
    #[must_use]
    pub fn only_in_a_race(&self) -> bool {
        matches!(self.lie, Lie::Overrules(_) | Lie::OnConflict(_) | Lie::WritesLater(_))
    }
}

/// The mutant of this name.
#[must_use]
pub fn mutant(name: &str) -> Option<&'static Mutant> {
    MUTANTS.iter().find(|mutant| mutant.name == name)
}
