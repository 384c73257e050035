//! What a history shows elsewhere: it rules out ways of the search early, and tells which differences can matter.

use std::collections::BTreeMap;

use crate::{
    history::{Claim, Notified, State, Status},
    linearize::Operation,
    names::{Client, Package, Sequence, Time},
    spec::{Op, Outcome, Refusal, Selection, Spec},
};

/// Facts about a whole history.
pub(super) struct Observed<'a> {
    /// The notifications that some read shows.
    shown: BTreeMap<(Client, Sequence), &'a Notified>,
    /// The claims that were answered with a regular package.
    takers: BTreeMap<Package, Vec<&'a Claim>>,
    /// The answers of claims with a key.
    answers: BTreeMap<&'a Claim, &'a BTreeMap<Client, Status>>,
    /// Whether the order of publications matters to a claim.
    fifo: bool,
    /// Whether a key can have two answers, one after the other.
    forgets: bool,
}

impl<'a> Observed<'a> {
    pub(super) fn of(spec: &Spec, history: &'a [Operation]) -> Self {
        let fifo = spec.selection == Selection::Fifo;
        let forgets = spec.claim_memory != Time::MAX;
        let (shown, takers, answers) = Default::default();
        let mut observed = Self { shown, takers, answers, fifo, forgets };
        for operation in history {
            match (&operation.op, &operation.outcome) {
                (Op::Notifications { client, .. }, Some(Outcome::Notifications(feed))) => {
                    observed.shown.extend(feed.iter().map(|notified| ((*client, notified.sequence), notified)));
                }
                (Op::Claim(claim), Some(Outcome::Claimed(statuses))) => observed.answered(claim, statuses),
                _ => {}
            }
        }
        observed
    }

    fn answered(&mut self, claim: &'a Claim, statuses: &'a BTreeMap<Client, Status>) {
        if claim.key.is_some() {
            self.answers.insert(claim, statuses);
        }
        for status in statuses.values() {
            if let Status::Regular(package) = status {
                self.takers.entry(*package).or_default().push(claim);
            }
        }
    }

    /// Whether the notifications that a step makes are those that were read. They are numbered, so this place in the
    /// feed is the only one that each has.
    pub(super) fn allows(&self, before: &State, after: &State) -> Result<(), Refusal> {
        for (client, feed) in &after.notifications {
            let last = before.sequences.get(client).copied().unwrap_or_default();
            for made in feed.iter().rev().take_while(|notified| notified.sequence > last) {
                if let Some(read) = self.shown.get(&(*client, made.sequence)).filter(|read| **read != made) {
                    let why = format_args!("this makes notification {made} of {client}, but it was read as {read}");
                    return Err(Refusal::new("NOTE-EVERY-GRANT", why));
                }
            }
        }
        Ok(())
    }

    /// Whether a lost answer can have been this one: not if another claim got the package, nor if the same claim got
    /// another answer.
    pub(super) fn may_be_lost(&self, op: &Op, outcome: &Outcome) -> bool {
        let (Op::Claim(claim), Outcome::Claimed(statuses)) = (op, outcome) else { return true };
        let same = |other: &&Claim| claim.key.is_some() && *other == claim;
        let taken = |status: &Status| match status {
            Status::Regular(package) => self.takers.get(package).is_some_and(|takers| !takers.iter().all(same)),
            _ => false,
        };
        let answered_so = self.forgets || self.answers.get(claim).is_none_or(|answered| *answered == statuses);
        answered_so && !statuses.values().any(taken)
    }

    /// Whether a claim that has just led to this state could have no other place in the feeds, or none of these
    /// operations reads them. A last resort could: two grants of it to one requester look alike.
    pub(super) fn is_placed<'b>(
        &self,
        statuses: &BTreeMap<Client, Status>,
        after: &State,
        left: impl Iterator<Item = &'b Operation> + Clone,
    ) -> bool {
        let read = |client: &Client| {
            left.clone().any(|other| matches!(&other.op, Op::Notifications { client: reader, .. } if reader == client))
        };
        statuses.iter().all(|(client, status)| match status {
            Status::Regular(_) => {
                let last = after.sequences.get(client).copied().unwrap_or_default();
                self.shown.contains_key(&(*client, last)) || !read(client)
            }
            Status::LastResort(_) => !read(client),
            Status::Exhausted | Status::Incompatible => true,
        })
    }

    /// The state without what none of the remaining operations can see.
    pub(super) fn visible<'b>(&self, state: &State, left: impl Iterator<Item = &'b Operation> + Clone) -> State {
        let mut visible = state.clone();
        let mut cursors: BTreeMap<Client, Sequence> = BTreeMap::new();
        for operation in left.clone().filter(|operation| operation.outcome.is_some()) {
            let (client, after) = match operation.op {
                Op::Notifications { client, after } => (client, after),
                // It says how many there are.
                Op::RemoveClient { client } => (client, 0),
                _ => continue,
            };
            cursors.entry(client).and_modify(|cursor| *cursor = after.min(*cursor)).or_insert(after);
        }
        visible.sequences.retain(|client, _| cursors.contains_key(client));
        visible.notifications.retain(|client, _| cursors.contains_key(client));
        for (client, feed) in &mut visible.notifications {
            feed.retain(|notified| cursors.get(client).is_some_and(|cursor| notified.sequence > *cursor));
        }
        visible.claims.retain(|(requester, _, key), _| {
            let asks = |claim: &Claim| claim.requester == *requester && claim.key == Some(*key);
            left.clone().any(|operation| matches!(&operation.op, Op::Claim(claim) if asks(claim)))
        });
        if !self.fifo {
            visible.publications = 0;
            visible.packages.values_mut().for_each(|package| package.batch = 0);
        }
        visible
    }
}
