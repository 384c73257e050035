//! The times at which some package is certainly there, and the fewest packages that show it.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    rc::Rc,
};

use crate::{
    monitor::{
        known::{Empty, Halt, Item, Known, Lens},
        limit::{Limit, Moment, NEVER},
        smallest::Steps,
    },
    names::Client,
};

/// Of how many wrong answers that equally few packages show, the operations are counted.
const TRIES: usize = 16;

/// A package is certainly there after `from` and before `to`, both excluded.
#[derive(Clone, Copy)]
pub(super) struct Stretch {
    pub(super) from: Limit,
    pub(super) to: Limit,
    item: u32,
    /// For packages that claims without an answer could take: how many of them appeared before this one.
    rank: u32,
}

/// No claim without an answer could take it.
const UNRANKED: u32 = u32::MAX;

/// All stretches of a client's packages that one kind of claim accepts, and their union.
struct Cover {
    stretches: Vec<Stretch>,
    /// Disjoint, in order: between two of them is at least a moment without any certain package.
    union: Vec<(Moment, Moment)>,
    /// What claims without an answer could take, in the order in which it must be gone.
    open: Vec<u32>,
    /// When each claim without an answer began, in order.
    takers: Vec<Limit>,
}

impl Known<'_> {
    /// Each answer that speaks of an empty pool needs a moment at which the pool can be empty.
    pub(super) fn check_empties(&self) -> Result<(), Halt> {
        // Clients and items, by the clients.
        let mut pools: Vec<(Client, u32)> = vec![];
        let only = self.only.filter(|_| self.alike);
        for (index, item) in (0..).zip(&self.items) {
            // Most packages are never there for certain: their claims overlap their publications.
            let matters = item.certain.0.at < item.certain.1.at || !taken(item);
            if matters && item.certain.0.at < NEVER && item.dead.is_none() && item.is_regular() {
                // The facts are far away.
                let client = match only {
                    Some(client) => client,
                    None => item.facts.client,
                };
                pools.push((client, index));
            }
        }
        pools.sort_by_key(|(client, _)| *client);
        let mut covers: BTreeMap<(Client, Lens), Cover> = BTreeMap::new();
        let mut wrong: BTreeMap<(Client, Lens), Vec<&Empty>> = BTreeMap::new();
        for empty in &self.empties {
            let cover = match covers.entry((empty.client, empty.lens)) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let begin = pools.partition_point(|(client, _)| *client < empty.client);
                    let end = pools.partition_point(|(client, _)| *client <= empty.client);
                    new.insert(self.cover(empty.client, empty.lens, &pools[begin..end])?)
                }
            };
            let ask = &self.asks[empty.ask];
            if cover.covers(ask.from.at, ask.to.at) {
                wrong.entry((empty.client, empty.lens)).or_default().push(empty);
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(self.smallest(&covers, &wrong)) }
    }

    /// The wrong answer that the fewest packages show; of the first ones that are equal, by the fewest operations.
    fn smallest(
        &self,
        covers: &BTreeMap<(Client, Lens), Cover>,
        wrong: &BTreeMap<(Client, Lens), Vec<&Empty>>,
    ) -> Halt {
        let mut counted = vec![];
        for (pool, empties) in wrong {
            let Some(cover) = covers.get(pool) else { continue };
            let steps = Rc::new(Steps::of(&cover.stretches));
            let span = |empty: &Empty| (self.asks[empty.ask].from.at, self.asks[empty.ask].to.at);
            counted.extend(empties.iter().map(|empty| {
                let (from, to) = span(empty);
                (steps.count(from, to), cover, Rc::clone(&steps), *empty)
            }));
        }
        let least = counted.iter().map(|(count, ..)| *count).min();
        let equal = counted.iter().filter(|(count, ..)| Some(*count) == least).take(TRIES);
        let shown = equal.map(|(_, cover, steps, empty)| self.witness(cover, steps, empty));
        let (items, witness) = shown.min_by_key(|(_, witness)| witness.len()).unwrap_or_default();
        let names: Vec<_> = items.iter().map(|item| self.items[*item].facts.package.to_string()).collect();
        let says = format!("nothing regular was said to be left, and always one of {} was", names.join(", "));
        Halt::illegal("LAST-ONLY-WHEN-EXHAUSTED", says, witness)
    }

    fn cover(&self, client: Client, lens: Lens, pool: &[(Client, u32)]) -> Result<Cover, Halt> {
        let mut takers = vec![];
        for ask in self.takers.get(&client).into_iter().flatten().map(|ask| &self.asks[*ask]) {
            let accepts = self.lens(client, ask);
            if accepts == lens {
                takers.push(ask.from);
            } else if accepts & lens != 0 {
                return Err(Halt::not_covered(
                    "a claim without an answer accepts some suites of another claim, not all",
                ));
            }
        }
        takers.sort_by_key(|taker| taker.at);
        let (mut stretches, mut open) = (vec![], vec![]);
        for (_, index) in pool {
            let item = &self.items[*index as usize];
            if self.bit(item.facts) & lens == 0 {
                continue;
            }
            let again = self.published(item).0;
            let stretch = Stretch { from: item.certain.0, to: item.certain.1, item: *index, rank: UNRANKED };
            if stretch.to.at < NEVER {
                if !takers.is_empty() && !taken(item) {
                    return Err(Halt::not_covered("what claims without an answer could take is removed otherwise"));
                }
                stretches.push(stretch);
            } else if again.at > stretch.from.at {
                // Published once more, so it was there until then, and can be taken only from that moment on.
                stretches.push(Stretch { to: again, ..stretch });
                open.push((again.just_before(), stretch.item));
            } else {
                open.push((stretch.from, stretch.item));
            }
        }
        open.sort_by_key(|(from, _)| from.at);
        for (rank, (from, item)) in (0..).zip(open.iter().copied()) {
            // The lost-answer rule: the first claim takes what appeared first, and so on.
            let to = takers.get(rank as usize).copied().unwrap_or(Limit::NEVER);
            stretches.push(Stretch { from, to, item, rank });
        }
        stretches.retain(|stretch| stretch.from.at < stretch.to.at);
        stretches.sort_by_key(|stretch| stretch.from.at);
        let mut union: Vec<(Moment, Moment)> = vec![];
        for stretch in &stretches {
            match union.last_mut() {
                // Both ends are excluded: where one ends and the next one begins there is a moment between them.
                Some((_, to)) if stretch.from.at < *to => *to = stretch.to.at.max(*to),
                _ => union.push((stretch.from.at, stretch.to.at)),
            }
        }
        Ok(Cover { stretches, union, open: open.into_iter().map(|(_, item)| item).collect(), takers })
    }

    /// The fewest packages of which always one is certainly there, and the operations that show this.
    fn witness(&self, cover: &Cover, steps: &Steps, empty: &Empty) -> (Vec<usize>, Vec<usize>) {
        let ask = &self.asks[empty.ask];
        let chosen = steps.list(ask.from.at, ask.to.at);
        let mut witness = vec![ask.at];
        witness.extend(ask.from.by().into_iter().chain(ask.to.by()));
        for stretch in &chosen {
            witness.extend(self.shows(stretch.item));
            if stretch.rank != UNRANKED {
                let rank = stretch.rank as usize;
                // More had appeared than claims without an answer had begun.
                witness.extend(cover.open.iter().take(rank).flat_map(|item| self.shows(*item)));
                witness.extend(cover.takers.iter().take(rank + 1).filter_map(|taker| taker.by()));
            }
        }
        witness.sort_unstable();
        witness.dedup();
        (chosen.iter().map(|stretch| stretch.item as usize).collect(), witness)
    }

    /// The operations that say between which moments a package was there.
    fn shows(&self, item: u32) -> impl Iterator<Item = usize> {
        let item = &self.items[item as usize];
        let batch = item.batch().map(|batch| &self.batches[batch]);
        let published = batch.and_then(|batch| if batch.done { batch.span.1.by() } else { batch.lost.by() });
        let claimed = item.grant().map(|ask| self.asks[ask].at);
        let latest = item.certain.0.by();
        published.into_iter().chain(latest).chain(item.certain.1.by()).chain(claimed)
    }
}

/// Whether it is known what became of it, so that no claim without an answer got it.
fn taken(item: &Item<'_>) -> bool {
    item.grant().is_some() || item.gone().withdrawn.0.at < NEVER
}

impl Cover {
    /// Whether every moment from one to the other is covered.
    fn covers(&self, from: Moment, to: Moment) -> bool {
        let next = self.union.partition_point(|(begin, _)| *begin < from);
        next.checked_sub(1).is_some_and(|at| self.union[at].1 > to)
    }
}
