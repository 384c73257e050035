//! Whether what clients saw can be explained, decided in near-linear time: exact for most histories, honest about the rest.
//!
//! [`crate::linearize`] searches for an order of the operations, which takes long where many overlap. The packages of a
//! client are all different and the pool puts no order on them, so for most histories no search is needed: a package is
//! *certainly there* from the latest moment of its publication to the earliest moment of its removal, and an answer
//! that speaks of an empty pool is wrong exactly if such times cover it whole. `model/docs/monitor.md` has the theorem,
//! its proof, and the list of what is not covered; a test compares both checkers on 100,000 histories.

mod asked;
mod bounds;
mod claims;
mod cover;
mod drawn;
mod keys;
mod known;
mod limit;
mod limits;
mod numbers;
mod order;
mod parts;
mod publications;
mod rates;
mod reading;
mod slots;
mod smallest;
mod stock;
#[cfg(test)]
mod tests;
mod withdrawals;

pub use drawn::drawn;
pub use rates::{Per, Rate, rate_exceeded};

use std::collections::BTreeSet;

use crate::{
    history::State,
    linearize::Operation,
    monitor::{
        keys::{adds_keys, with_keys},
        known::{Answer, Halt, Item, Known},
        limit::NEVER,
        parts::{Parts, Seen, Stored},
    },
    names::Client,
    spec::{Op, Spec},
};

/// What is known of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has an explanation.
    Legal,
    /// It has none.
    Illegal {
        /// The rule that is broken, as in `vectors/rules.yaml`.
        rule: &'static str,
        /// What was answered and what is certain.
        says: String,
        /// Positions in the history, in order: the answer, and the operations that make it wrong.
        witness: Vec<usize>,
    },
    /// Nobody knows: ask [`crate::linearize`].
    NotCovered {
        /// What is in the history that this checker does not decide.
        why: String,
    },
}

/// Whether the specification allows every answer in some order that is true to the times of the operations.
///
/// `Legal` and `Illegal` are exact. Time grows as *n* log *n* with the operations, for each different list of suites
/// that claims ask for.
#[must_use]
pub fn monitor(spec: &Spec, initial: &State, history: &[Operation]) -> Verdict {
    match judge(spec, initial, history) {
        Ok(None) => Verdict::Legal,
        Ok(Some(why)) | Err(Halt::NotCovered(why) | Halt::Mingled(why)) => Verdict::NotCovered { why },
        Err(Halt::Illegal { rule, says, witness }) => Verdict::Illegal { rule, says, witness },
    }
}

/// What casts doubt on a history that is legal otherwise, if anything.
///
/// A history is legal exactly if each of its parts is. Of several faults the one with the smallest witness is told.
fn judge(spec: &Spec, initial: &State, history: &[Operation]) -> Result<Option<String>, Halt> {
    let mut settled = None;
    let mut parts = Parts::of(initial, history, false);
    // Known only to the parts: that they are several shows that no key is added.
    if !parts.are_separate() && adds_keys(history) {
        settled = Some(with_keys(spec, initial, history)?);
    }
    let initial = settled.as_ref().unwrap_or(initial);
    if settled.is_some() {
        parts = Parts::of(initial, history, true);
    }
    match judge_parts(spec, initial, history, &parts, settled.is_some()) {
        Err(Halt::Mingled(_)) if parts.are_separate() => {
            judge_parts(spec, initial, history, &Parts::whole(initial, history), settled.is_some())
        }
        verdict => verdict,
    }
}

fn judge_parts(
    spec: &Spec,
    initial: &State,
    history: &[Operation],
    parts: &Parts<'_>,
    settled: bool,
) -> Result<Option<String>, Halt> {
    let mut known = Known::new(spec, initial, history);
    (known.settled, known.latest_tick) = (settled, parts.latest_tick());
    let (mut doubt, mut fault) = (None, None);
    let mut seen = vec![];
    for part in parts.all() {
        let stored = parts.fetch(part, &mut seen);
        match known.judge(&seen, stored) {
            Ok(()) => doubt = doubt.or_else(|| known.doubt.take()),
            Err(Halt::NotCovered(why)) => doubt = Some(why),
            Err(Halt::Mingled(why)) => return Err(Halt::Mingled(why)),
            Err(found) => fault = fault.filter(|fault: &Halt| fault.size() <= found.size()).or(Some(found)),
        }
    }
    fault.map_or(Ok(doubt), Err)
}

impl<'a> Known<'a> {
    fn judge(&mut self, part: &[(u32, Seen)], stored: &Stored<'a>) -> Result<(), Halt> {
        self.read(part, stored)?;
        self.tighten()?;
        self.check_empties()?;
        let slots = self.slots()?;
        self.check_last_resorts(&slots)?;
        self.check_stocks(&slots)?;
        self.check_order()?;
        self.note_shared();
        Ok(())
    }

    /// A claim of several clients is one step of all. If at most one of them cares when it is, it can be then.
    fn note_shared(&mut self) {
        let answers = || {
            self.asks.iter().filter_map(|ask| match ask.answer {
                Answer::Told(statuses) if statuses.len() > 1 => Some(statuses),
                _ => None,
            })
        };
        if answers().next().is_none() {
            return;
        }
        let mut caring: BTreeSet<Client> = self.empties.iter().map(|empty| empty.client).collect();
        caring.extend(&self.ordered);
        let ends = |item: &&Item<'_>| {
            let gone = item.gone();
            gone.killed.0.at.min(gone.withdrawn.0.at).min(gone.withdrawal_lost.at) < NEVER
        };
        let moved = self.items.iter().filter(ends);
        caring.extend(moved.map(|item| item.facts.client));
        let asked = self.withdrawals.iter().chain(&self.stocks).map(|at| &self.history[*at].op);
        caring.extend(asked.filter_map(|op| match op {
            Op::Withdraw { client, .. } | Op::Stock { client } => Some(*client),
            _ => None,
        }));
        caring.extend(self.called_used.iter().map(|refused| self.items[refused.items[0]].facts.client));
        let cares = |client: &&Client| caring.contains(client);
        if answers().any(|statuses| statuses.keys().filter(cares).count() > 1) {
            self.doubt("a claim covers several clients that care when it was");
        }
    }
}
