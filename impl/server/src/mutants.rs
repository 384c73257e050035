//! Servers that break one rule each, so that we know the suite really checks it.
//!
//! A mutant is a lie at one of the seams of the service: about what happened, what was decided, what is answered, or
//! who asks. Everything else is the correct server, and its core knows nothing of mutants.

macro_rules! mutants {
    ($(#[$doc:meta])* $list:ident: $($name:literal breaks $rule:literal: $says:literal, $base:ident with $($seam:ident: $lie:expr),+ $(; seen in $($seen:literal)+)?;)*) => {
        $(#[$doc])*
        pub const $list: &[Mutant] = &[$(Mutant {
            name: $name,
            breaks: $rule,
            says: $says,
            seen_in: &[$($($seen),+)?],
            seams: Seams { $($seam: $lie,)+ ..$base },
        }),*];
    };
}

mod auth;
mod claims;
mod feeds;
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

use crate::seams::Seams;

pub use feeds::FEED_MUTANTS;
pub use list::MUTANTS;

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
    pub(crate) seams: Seams,
}

impl Mutant {
    /// The mutant of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        MUTANTS.iter().chain(FEED_MUTANTS).find(|mutant| mutant.name == name).copied()
    }
}
