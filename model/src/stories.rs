//! Random stories: what clients ask of a directory in an order of chance, one after the other or at once.
//!
//! A story is made of operations that clients outside can ask for, and is a vector like a tour ([`crate::cover`]). Where
//! the numbers come from is the caller's matter, so that a story can be had again from its seed. Nothing in a story
//! waits: what takes time is for the vectors that were written for it.

mod random;
mod smaller;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::{
    history::Event,
    rules,
    spec::Op,
    trace::{Head, NoVector, Parts, told},
};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Who is there in the beginning: signature keys that were added.
    pub setup: Vec<Event>,
    /// One after the other.
    pub before: Vec<Op>,
    /// At once; none in a story in which all comes in order.
    pub lanes: Vec<Vec<Op>>,
    /// One after the other again.
    pub after: Vec<Op>,
}

/// A kind of operation.
#[expect(missing_docs, reason = "as in `Op`")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Publish,
    Replace,
    Claim,
    Withdraw,
    Stock,
    Reconcile,
    Notifications,
    Acknowledge,
    AddKey,
    ExtendKey,
    RemoveKey,
    RemoveClient,
    Keys,
    Verify,
    Block,
    Unblock,
}

/// What a server can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alphabet {
    /// The operations.
    pub kinds: BTreeSet<Kind>,
    /// Whether it knows last resorts.
    pub last_resorts: bool,
    /// Whether a claim can refuse them.
    pub refuses_last_resorts: bool,
    /// Whether claims can have idempotency keys.
    pub claim_keys: bool,
    /// Whether there is more than one suite, and claims name those that will do.
    pub suites: bool,
    /// Whether signature keys can expire.
    pub expiring_keys: bool,
}

/// A number below the one given, which is 1 at least.
pub type Chance<'a> = &'a mut dyn FnMut(usize) -> usize;

impl Kind {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Publish,
        Self::Replace,
        Self::Claim,
        Self::Withdraw,
        Self::Stock,
        Self::Reconcile,
        Self::Notifications,
        Self::Acknowledge,
        Self::AddKey,
        Self::ExtendKey,
        Self::RemoveKey,
        Self::RemoveClient,
        Self::Keys,
        Self::Verify,
        Self::Block,
        Self::Unblock,
    ];
}

impl Story {
    /// A story in which all comes in order.
    #[must_use]
    pub fn in_order(alphabet: &Alphabet, chance: Chance<'_>) -> Self {
        random::in_order(alphabet, chance)
    }

    /// A story in which some things come at once.
    #[must_use]
    pub fn at_once(alphabet: &Alphabet, chance: Chance<'_>) -> Self {
        random::at_once(alphabet, chance)
    }

    /// How many operations are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.before.len() + self.lanes.iter().map(Vec::len).sum::<usize>() + self.after.len()
    }

    /// Whether nothing is asked in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The story as a vector that checks this rule. `expecting` the answers that the specification allows at each step;
    /// or else whatever they are, for a judge who follows the story by itself.
    ///
    /// # Errors
    ///
    /// Something in it has no words in a vector, or there are too many ways in which it can go to expect anything.
    pub fn vector(&self, id: &str, rule: &str, expecting: bool) -> Result<String, NoVector> {
        let rule = rules::named().into_iter().find(|known| *known == rule);
        let rule = rule.ok_or_else(|| NoVector("it is about a rule that the model does not know".into()))?;
        let head = Head {
            id: id.into(),
            title: format!("A story of chance, made as short as it still fails: {rule}"),
            why: "A server was asked this, and gave an answer that the specification does not allow.".into(),
            seen_in: vec![],
            rules: vec![rule],
        };
        let Self { setup, before, lanes, after } = self;
        told(&head, &Parts { setup, before, lanes, after }, expecting)
    }
}
