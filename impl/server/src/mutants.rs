//! Servers that break one rule each, so that we know the suite really checks it.
//!
//! A mutant is a lie at one of the seams of the service: about what happened, what was decided, what is answered, or
//! who asks. Everything else is the correct server, and its core knows nothing of mutants.

mod auth;
mod claims;
mod keys;
mod last_resort;
mod lies;
mod life;
mod limits;
mod list;
mod notes;
mod publish;
mod stores;
mod withdraw;

use crate::{seams::Seams, views::Keeping};

pub use list::{MUTANTS, UNSEEN_MUTANTS};

/// A server with one fault.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// Its name.
    pub name: &'static str,
    /// The rule that it breaks.
    pub breaks: &'static str,
    /// What it does wrong.
    pub says: &'static str,
    /// Public reports of servers that did the like.
    pub seen_in: &'static [&'static str],
    /// When it shows, if that is beyond who asks.
    pub chance: Option<&'static str>,
    pub(crate) seams: Seams,
}

impl Mutant {
    /// Whether it breaks its rule only where commands come in between one another.
    #[must_use]
    pub fn is_racy(&self) -> bool {
        self.seams.keeping == Keeping::Nothing
    }

    /// Whether a suite sees its fault with some probability alone, so that how often it looks matters.
    #[must_use]
    pub fn is_found_by_chance(&self) -> bool {
        self.chance.is_some() || self.is_racy()
    }

    /// The mutant of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        MUTANTS.iter().chain(UNSEEN_MUTANTS).find(|mutant| mutant.name == name).copied()
    }
}
