//! All mutants, in the order of the rules that they break: first those of KeyPackages, then those of people.

use super::{Mutant, stores};
use crate::{seams::Seams, views::Keeping};

/// The truth, with the histories at hand that it can be bent with.
const TRUTH: Seams = Seams { keeping: Keeping::Histories, ..Seams::HONEST };

/// Commands do not take turns, and the store takes its time: what breaks only when it is interrupted, breaks.
const HURRIED: Seams = Seams { keeping: Keeping::Nothing, store: stores::slow, ..Seams::HONEST };

macro_rules! mutants {
    ($(#[$doc:meta])* $visible:vis $list:ident: $($name:literal breaks $rule:literal: $says:literal, $base:ident with $($seam:ident: $lie:expr),+ $(; seen in $($seen:literal)+)? $(; by chance: $chance:literal)?;)*) => {
        $(#[$doc])*
        $visible const $list: &[Mutant] = &[$(Mutant {
            name: $name,
            breaks: $rule,
            says: $says,
            seen_in: &[$($($seen),+)?],
            chance: [$(Some($chance),)? None][0],
            seams: Seams { $($seam: $lie,)+ ..$base },
        }),*];
    };
}

mod packages;
mod people;

pub use people::UNSEEN_MUTANTS;

/// All mutants that the suite tells apart.
pub const MUTANTS: &[Mutant] = &joined::<{ packages::PACKAGES.len() + people::PEOPLE.len() }>();

const fn joined<const COUNT: usize>() -> [Mutant; COUNT] {
    let (first, second) = (packages::PACKAGES, people::PEOPLE);
    let mut all = [first[0]; COUNT];
    let mut at = 0;
    while at < COUNT {
        all[at] = if at < first.len() { first[at] } else { second[at - first.len()] };
        at += 1;
    }
    all
}
