//! Proves what vectors expect: a good server passes them, and only what they say they leave open passes beside it.
//!
//! Each vector is replayed in the model, along every answer that the specification allows at every step (branches). In
//! each branch
//!
//! - *sound*: every allowed answer is as good as expected;
//! - *tight*: no conceivable answer that is not allowed is, or the step states its looseness. Conceivable is what
//!   differs from an allowed answer in one place (`prove/conceive.rs`). What one step lets pass and a later one finds out is
//!   rejected by the vector as a whole;
//! - *no dead branch*: each alternative of an expectation is taken by an allowed answer in some branch.
//!
//! That is proved for each kind of good server that a vector can meet (`prove/servers.rs`): for small limits that lie
//! apart, and for those that do not keep a SHOULD which the vector does not check.
//!
//! Steps without `expect` prepare: they must succeed, and nothing else is asked of their answers. What the model does
//! not know of a step is *outside*, for one of the reasons of [`Why`], found by looking at the step. Where a race
//! makes the branches, they are all interleavings of its lanes; the judge of races must pass each of them, and where
//! the race kills the server, each with the last answer of each lane lost.

mod alternatives;
mod conceive;
mod fault;
mod proofs;
mod prover;
mod race;
mod read;
mod replay;
mod servers;
mod stated;
#[cfg(test)]
mod tests;
mod turn;

use std::collections::{BTreeMap, BTreeSet};

use kpd_model::spec::Label;

use crate::{library::Library, vector::Vector};

pub use fault::{Fault, FaultKind};
pub use proofs::{Proof, ProofsError, Stale, Verdict, read, render, stale};
pub use stated::with_looseness_stated;
pub use turn::Why;

/// What was found out about one vector.
#[derive(Clone, Debug)]
pub struct Proved {
    /// The vector's id.
    pub id: String,
    /// What is wrong with it; nothing is proved as long as there is something.
    pub faults: Vec<Fault>,
    /// Steps that accept more than is allowed, each with the reason that the vector states.
    pub loose: Vec<(String, String)>,
    /// How many steps hold something that the model does not know, by what it is.
    pub outside: BTreeMap<Why, usize>,
    /// Whether the model says nothing about any answer that the vector looks at.
    pub nothing_inside: bool,
    /// How often an optional field was in an answer that the step did not look at.
    pub unread: usize,
    /// In how many ways good servers can have answered in the end.
    pub branches: usize,
    /// The kinds of steps that the vector reaches in some branch.
    pub labels: BTreeSet<Label>,
}

impl Proved {
    fn of(vector: &Vector) -> Self {
        Self {
            id: vector.id.clone(),
            faults: vec![],
            loose: vec![],
            outside: BTreeMap::new(),
            nothing_inside: true,
            unread: 0,
            branches: 0,
            labels: BTreeSet::new(),
        }
    }

    /// In one word.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            _ if !self.faults.is_empty() => Verdict::Wrong,
            _ if self.nothing_inside => Verdict::Outside,
            _ if !self.loose.is_empty() => Verdict::Loose,
            _ => Verdict::Proved,
        }
    }
}

/// Every vector of a library, proved as far as it can be.
#[must_use]
pub fn prove_all(library: &Library) -> Vec<Proved> {
    library.vectors.iter().map(|vector| prove(vector)).collect()
}

/// One vector, proved as far as it can be.
#[must_use]
pub fn prove(vector: &Vector) -> Proved {
    prover::prove(vector)
}

/// The kinds of steps that the vectors of a library reach together, each with the vectors that reach it.
#[must_use]
pub fn labels_of_vectors(library: &Library) -> BTreeMap<Label, BTreeSet<String>> {
    labels_of(&prove_all(library))
}

/// The same of what is proved already.
#[must_use]
pub fn labels_of(proved: &[Proved]) -> BTreeMap<Label, BTreeSet<String>> {
    let mut labels: BTreeMap<Label, BTreeSet<String>> = BTreeMap::new();
    for vector in proved {
        for label in &vector.labels {
            labels.entry(label.clone()).or_default().insert(vector.id.clone());
        }
    }
    labels
}
