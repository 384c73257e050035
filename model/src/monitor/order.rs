//! The promise of an order (`CLAIM-SELECTION`): what was published first is granted first, within a batch any.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

use crate::{
    monitor::{
        known::{Halt, Item, Known, Lens},
        limit::{Limit, Moment, NEVER},
    },
    names::Client,
    spec::{Op, Outcome, Selection, WithdrawnFate},
};

/// A batch, as far as one kind of claim sees it.
struct Turn {
    /// Between these moments it appears; what was there from the start has its place in the order as both.
    appears: (Moment, Moment),
    /// The earliest of the latest moments of claims that got something of it.
    first: Limit,
    /// The latest of the earliest moments at which something of it is gone.
    last: Limit,
    /// What shows both: an item that was granted then, and one that was there until then.
    shown: (usize, usize),
}

/// What claims without an answer may have taken.
#[derive(Clone, Copy)]
enum Takes {
    /// Anything that was there after the first of them began: no order can be better.
    Anything,
    /// What appeared first, one after another: one of the orders that are possible.
    InTurn,
}

impl Known<'_> {
    /// Whether the batches of each client can be put into one order, in which they appeared and were granted.
    pub(super) fn check_order(&mut self) -> Result<(), Halt> {
        if self.spec.selection != Selection::Fifo {
            return Ok(());
        }
        let mut pools: BTreeMap<Client, Vec<usize>> = BTreeMap::new();
        for (index, item) in self.items.iter().enumerate() {
            if item.is_regular() && item.dead.is_none() && item.certain.0.at < NEVER {
                pools.entry(item.facts.client).or_default().push(index);
            }
        }
        let mut lenses: BTreeMap<Client, BTreeSet<Lens>> = BTreeMap::new();
        for empty in &self.empties {
            lenses.entry(empty.client).or_default().insert(empty.lens);
        }
        for item in &self.items {
            let Some(ask) = item.grant() else { continue };
            lenses.entry(item.facts.client).or_default().insert(self.lens(item.facts.client, &self.asks[ask]));
        }
        for (client, asks) in &self.takers {
            lenses.entry(*client).or_default().extend(asks.iter().map(|ask| self.lens(*client, &self.asks[*ask])));
        }
        for (client, pool) in pools {
            let Some(lenses) = lenses.get(&client) else { continue };
            let mut several = false;
            for lens in lenses {
                let turns = self.turns(client, *lens, &pool, Takes::Anything);
                several |= turns.len() > 1;
                if let Err(circle) = in_order(&turns) {
                    return Err(self.out_of_order(&circle));
                }
                if self.takers.contains_key(&client)
                    && in_order(&self.turns(client, *lens, &pool, Takes::InTurn)).is_err()
                {
                    self.doubt("the order depends on what claims without an answer took");
                }
            }
            if several {
                self.ordered.insert(client);
                self.doubt_order(client, lenses.len(), &pool);
            }
        }
        Ok(())
    }

    /// Where something else depends on how late a claim is, the order is not decided together with it.
    fn doubt_order(&mut self, client: Client, lenses: usize, pool: &[usize]) {
        if lenses > 1 {
            self.doubt("the directory promises an order, and claims of one client accept different suites");
        }
        let killed = |item: &Item<'_>| item.grant().is_none() && item.gone().killed.0.at < NEVER;
        if pool.iter().any(|item| killed(&self.items[*item])) && !self.vanishing.contains_key(&client) {
            self.doubt("the directory promises an order, and what was not granted is removed");
        }
        if self.called_used.iter().any(|refused| self.items[refused.items[0]].facts.client == client) {
            self.doubt("the directory promises an order, and a refusal shows when a package was used");
        }
        let mixed = self.withdrawals.iter().any(|at| match (&self.history[*at].op, &self.history[*at].outcome) {
            (Op::Withdraw { client: owner, .. }, Some(Outcome::Withdrawn(fates))) => {
                *owner == client
                    && fates.values().any(|fate| *fate == WithdrawnFate::Withdrawn)
                    && fates.values().any(|fate| *fate == WithdrawnFate::AlreadyGranted)
            }
            _ => false,
        });
        if mixed {
            self.doubt("the directory promises an order, and a withdrawal shows when a package was granted");
        }
    }

    /// The batches of a client, as far as this lens sees them.
    fn turns(&self, client: Client, lens: Lens, pool: &[usize], takes: Takes) -> Vec<Turn> {
        let takers = self.takers.get(&client).into_iter().flatten().map(|ask| &self.asks[*ask]);
        let mut takers: Vec<Limit> =
            takers.filter(|ask| self.lens(client, ask) & lens != 0).map(|ask| ask.from).collect();
        takers.sort_by_key(|taker| taker.at);
        let mut pool: Vec<usize> =
            pool.iter().copied().filter(|item| self.bit(self.items[*item].facts) & lens != 0).collect();
        pool.sort_by_key(|item| self.items[*item].certain.0.at);
        // By publication; those from before the history by their number, which come first.
        let mut turns: BTreeMap<(Option<usize>, u32), Turn> = BTreeMap::new();
        let mut open = 0;
        for index in pool {
            let item = &self.items[index];
            let batch = item.batch().map(|batch| &self.batches[batch]);
            let stored = self.initial.packages.get(&item.facts.package).filter(|_| batch.is_none());
            let key = (item.batch(), stored.map_or(0, |stored| stored.batch));
            let turn = turns.entry(key).or_insert_with(|| Turn {
                appears: (batch.map_or(0, |batch| batch.span.0.at.min(batch.lost.at)), item.certain.0.at),
                first: Limit::NEVER,
                last: Limit::BEFORE,
                shown: (index, index),
            });
            let mut gone = item.certain.1;
            if let Some(ask) = item.grant().map(|ask| &self.asks[ask]) {
                if self.lens(client, ask) & lens == lens && ask.to.at < turn.first.at {
                    (turn.first, turn.shown.0) = (ask.to, index);
                }
            } else if item.gone().withdrawn.0.at == NEVER {
                let taker = match takes {
                    Takes::Anything => takers.first(),
                    Takes::InTurn => takers.get(open).filter(|_| gone.at == NEVER),
                };
                open += usize::from(gone.at == NEVER);
                let mut taken = taker.copied().unwrap_or(Limit::NEVER);
                taken.raise(self.published(item).0);
                gone.lower(taken);
            }
            if gone.at > turn.last.at {
                (turn.last, turn.shown.1) = (gone, index);
            }
        }
        let before = turns.keys().filter(|(batch, _)| batch.is_none()).count() as u64;
        let mut turns: Vec<Turn> = turns.into_values().collect();
        for (place, turn) in (0..).zip(&mut turns) {
            let later = |moment: Moment| moment.saturating_add(before);
            turn.appears = if place < before { (place, place) } else { (later(turn.appears.0), later(turn.appears.1)) };
        }
        turns
    }

    fn out_of_order(&self, circle: &[&Turn]) -> Halt {
        let mut witness = vec![];
        for turn in circle {
            for item in [turn.shown.0, turn.shown.1] {
                let item = &self.items[item];
                witness.extend(self.published(item).0.by().into_iter().chain(item.certain.0.by()));
                if let Some(batch) = item.batch().map(|batch| &self.batches[batch]) {
                    let begun = [batch.span.0, batch.span.1, batch.lost];
                    witness.extend(begun.into_iter().filter_map(Limit::by));
                }
                witness.extend(item.certain.1.by());
                if let Some(ask) = item.grant().map(|ask| &self.asks[ask]) {
                    witness.push(ask.at);
                    witness.extend(ask.from.by().into_iter().chain(ask.to.by()));
                }
            }
            witness.extend(turn.first.by().into_iter().chain(turn.last.by()));
        }
        let names: Vec<_> = circle.iter().map(|turn| self.items[turn.shown.1].facts.package.to_string()).collect();
        let says = format!("no order of the batches of {} is that of all grants", names.join(", "));
        Halt::illegal("CLAIM-SELECTION", says, witness)
    }
}

/// Puts the batches one after another: none that appears later, or is granted later, before another one.
///
/// # Errors
///
/// Two or three batches, each of which has to be before the next one, and the last before the first.
fn in_order(turns: &[Turn]) -> Result<(), Vec<&Turn>> {
    let sorted = |key: &dyn Fn(&Turn) -> Moment| {
        let mut order: Vec<usize> = (0..turns.len()).collect();
        order.sort_by_key(|turn| key(&turns[*turn]));
        order
    };
    let (by_begin, by_end) = (sorted(&|turn| turn.appears.0), sorted(&|turn| turn.appears.1));
    let by_first = sorted(&|turn| turn.first.at);
    let mut done = vec![false; turns.len()];
    let mut begun = by_begin.into_iter().peekable();
    let mut ready = BinaryHeap::new();
    let (mut ends, mut firsts) = (0, 0);
    for _ in turns {
        let left = |from: usize, list: &[usize], done: &[bool]| (from..list.len()).find(|at| !done[list[*at]]);
        ends = left(ends, &by_end, &done).unwrap_or(ends);
        firsts = left(firsts, &by_first, &done).unwrap_or(firsts);
        let (end, one) = (by_end[ends], by_first[firsts]);
        let two = left(firsts + 1, &by_first, &done).map(|at| by_first[at]);
        while let Some(turn) = begun.next_if(|turn| turns[*turn].appears.0 <= turns[end].appears.1) {
            ready.push((Reverse(turns[turn].last.at), turn));
        }
        while ready.peek().is_some_and(|(_, turn)| done[*turn]) {
            ready.pop();
        }
        // The one that must come before this one, if any.
        let before = |turn: usize| {
            let granted = if turn == one { two } else { Some(one) };
            let granted = granted.filter(|other| turns[*other].first.at < turns[turn].last.at);
            if turns[end].appears.1 < turns[turn].appears.0 { Some(end) } else { granted }
        };
        let soonest = ready.peek().map_or(end, |(_, turn)| *turn);
        match [soonest, one].into_iter().find(|turn| before(*turn).is_none()) {
            Some(next) => done[next] = true,
            None => {
                // What must come before is always one of three, so three steps lead to where it has been before.
                let steps: Vec<usize> = std::iter::successors(Some(end), |turn| before(*turn)).take(7).collect();
                let circle: BTreeSet<usize> = steps[3..].iter().copied().collect();
                return Err(circle.into_iter().map(|turn| &turns[turn]).collect());
            }
        }
    }
    Ok(())
}
