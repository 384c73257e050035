//! Whether what the clients of a real server saw can be explained by the specification, one operation after another.
//!
//! A search in the manner of Wing and Gong, with Lowe's memory: the operations that are done, together with the state,
//! are looked at once. Three things keep it small; none changes its verdict (a test compares it with all permutations):
//!
//! - What harms nobody by being earlier is done as soon as it is allowed: a read, a refusal, most claims.
//! - Where a read shows a notification, the claim that made it has no other place than that one.
//! - What no remaining operation can see, such as notifications that nobody reads any more, does not tell states apart.

mod early;
mod observed;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    history::State,
    linearize::observed::Observed,
    spec::{Op, Outcome, Refusal, Spec},
};

/// One operation as its client saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// What was asked.
    pub op: Op,
    /// The answer; `None` if it was lost, so that the operation may or may not have happened.
    pub outcome: Option<Outcome>,
    /// When it was sent.
    pub invoked: u64,
    /// When the answer came; `None` with a lost answer.
    pub returned: Option<u64>,
}

/// Whether a history has an explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has: the operations in this order, by position; those that never happened are left out.
    Linearizable {
        /// Positions in the history.
        order: Vec<usize>,
    },
    /// It has none.
    NotLinearizable {
        /// At the furthest point that an explanation reaches: why each operation that could be next is not possible.
        refusals: Vec<(usize, Refusal)>,
        /// The rule that says most about it: that of the operation whose answer came first.
        rule: &'static str,
    },
    /// The search took more steps than it was allowed.
    OutOfBudget,
}

/// Looks for an order of the operations, true to their times, in which the specification allows every answer.
///
/// An operation comes before another one if its answer came before the other was sent. `budget` is the most steps that
/// the search may take; a step is one look at one operation in one state.
#[must_use]
pub fn linearize(spec: &Spec, initial: &State, history: &[Operation], budget: usize) -> Verdict {
    let mut search = Search {
        spec,
        history,
        observed: Observed::of(spec, history),
        seen: BTreeSet::new(),
        steps: 0,
        deepest: Deepest::default(),
    };
    let mut path = vec![Frame { taken: None, left: search.next(&Done::default(), initial) }];
    let mut done = Done::default();
    while let Some(frame) = path.last_mut() {
        if search.steps > budget {
            return Verdict::OutOfBudget;
        }
        if search.complete(&done) {
            return Verdict::Linearizable { order: path.iter().filter_map(|frame| frame.taken).collect() };
        }
        if let Some((position, after)) = frame.left.pop() {
            done.insert(position);
            let left = if search.is_new(&done, &after) { search.next(&done, &after) } else { vec![] };
            path.push(Frame { taken: Some(position), left });
        } else if let Some(position) = path.pop().and_then(|frame| frame.taken) {
            done.remove(position);
        }
    }
    search.deepest.verdict()
}

/// A step of the search: the operation that was done last, and what can be done after it.
struct Frame {
    taken: Option<usize>,
    left: Vec<(usize, State)>,
}

struct Search<'a> {
    spec: &'a Spec,
    history: &'a [Operation],
    observed: Observed<'a>,
    seen: BTreeSet<(Done, State)>,
    steps: usize,
    deepest: Deepest,
}

impl<'a> Search<'a> {
    /// Every operation with a known answer has its place.
    fn complete(&self, done: &Done) -> bool {
        self.open(done).all(|(_, operation)| operation.outcome.is_none())
    }

    fn is_new(&mut self, done: &Done, state: &State) -> bool {
        let visible = self.observed.visible(state, self.open(done).map(|(_, operation)| operation));
        self.seen.insert((done.clone(), visible))
    }

    /// The operations without a place so far.
    fn open<'b>(&self, done: &'b Done) -> impl Iterator<Item = (usize, &'a Operation)> + Clone + use<'a, 'b> {
        let history: &'a [Operation] = self.history;
        history.iter().enumerate().filter(|(position, _)| !done.contains(*position))
    }

    /// What can be done next, the most promising last.
    fn next(&mut self, done: &Done, state: &State) -> Vec<(usize, State)> {
        let mut known = vec![];
        let mut refusals = vec![];
        let candidates = self.candidates(done);
        for (position, operation) in &candidates {
            let Some(outcome) = &operation.outcome else { continue };
            self.steps += 1;
            let accepted = self.spec.accepts(state, &operation.op, outcome);
            match accepted.and_then(|after| self.observed.allows(state, &after).map(|()| after)) {
                Ok(after) if self.harms_nobody(done, *position, &operation.op, outcome, &after) => {
                    return vec![(*position, after)];
                }
                Ok(after) => known.push((*position, after)),
                Err(refusal) => refusals.push((*position, refusal)),
            }
        }
        if known.is_empty() {
            self.deepest.reached(self.history, done, refusals);
        }
        // The last one is tried first: the earliest of the known answers, and a lost one only after all of them.
        let lost = candidates.into_iter().filter(|(_, operation)| operation.outcome.is_none());
        let mut next: Vec<_> = lost.flat_map(|(position, _)| self.next_lost(done, state, position)).collect();
        next.extend(known.into_iter().rev());
        next
    }

    /// The states that an operation may have led to whose answer was lost.
    fn next_lost(&mut self, done: &Done, state: &State, position: usize) -> Vec<(usize, State)> {
        self.steps += 1;
        let op = &self.history[position].op;
        let others = || self.open(done).filter(|(other, _)| *other != position).map(|(_, operation)| operation);
        let before = self.observed.visible(state, others());
        let ways = self.spec.outcomes(state, op).into_iter();
        let ways = ways.filter(|(outcome, _)| self.observed.may_be_lost(op, outcome)).map(|(_, after)| after);
        let ways = ways.filter(|after| self.observed.allows(state, after).is_ok());
        // What no other operation can see need not have happened.
        ways.filter(|after| self.observed.visible(after, others()) != before).map(|after| (position, after)).collect()
    }

    /// The operations that no other operation must come before.
    fn candidates(&self, done: &Done) -> Vec<(usize, &'a Operation)> {
        let first_return = self.open(done).filter_map(|(_, operation)| operation.returned).min().unwrap_or(u64::MAX);
        self.open(done).filter(|(_, operation)| operation.invoked <= first_return).collect()
    }
}

/// A set of positions: all before `from`, and those in `beyond`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Done {
    from: usize,
    beyond: BTreeSet<usize>,
}

impl Done {
    fn contains(&self, position: usize) -> bool {
        position < self.from || self.beyond.contains(&position)
    }

    fn insert(&mut self, position: usize) {
        self.beyond.insert(position);
        while self.beyond.remove(&self.from) {
            self.from += 1;
        }
    }

    fn remove(&mut self, position: usize) {
        if position < self.from {
            self.beyond.extend(position + 1..self.from);
            self.from = position;
        } else {
            self.beyond.remove(&position);
        }
    }
}

/// The furthest point that was reached, and what stood in the way there.
#[derive(Default)]
struct Deepest {
    known: Option<usize>,
    refusals: Vec<(usize, Refusal)>,
    rule: &'static str,
}

impl Deepest {
    fn reached(&mut self, history: &[Operation], done: &Done, refusals: Vec<(usize, Refusal)>) {
        let known =
            history.iter().enumerate().filter(|(at, operation)| operation.outcome.is_some() && done.contains(*at));
        let known = known.count();
        let first = refusals.iter().min_by_key(|(position, _)| history[*position].returned);
        let Some((_, refusal)) = first else { return };
        // Of two equally far points, the one with fewer ways on says more; and that a grant comes before its publication
        // says least, where a publication whose answer was lost may have come first.
        let says_little = |rule: &str, refusals: &[(usize, Refusal)]| (rule == "CLAIM-BYTES", refusals.len());
        let says_more = says_little(refusal.rule, &refusals) < says_little(self.rule, &self.refusals);
        if self.known.is_none_or(|before| known > before || (known == before && says_more)) {
            *self = Self { known: Some(known), rule: refusal.rule, refusals };
        }
    }

    fn verdict(self) -> Verdict {
        Verdict::NotLinearizable { refusals: self.refusals, rule: self.rule }
    }
}
