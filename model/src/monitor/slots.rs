//! Last resorts: which one was in a client's place for it, where the operations that change the place overlap nothing.

use std::collections::BTreeMap;

use crate::{
    history::Role,
    monitor::{
        known::{Halt, Known},
        limit::{Limit, Moment, NEVER},
    },
    names::{Client, Suite},
};

/// What puts a last resort into its place or takes it away.
struct Change {
    from: Limit,
    to: Limit,
    item: usize,
    puts: bool,
}

/// One client's place for the last resort of one suite.
pub(super) struct Slot {
    changes: Vec<Change>,
    /// What is there before the first change, and after each.
    there: Vec<Option<usize>>,
    /// Whether the changes are clearly one after another.
    pub(super) clear: bool,
}

pub(super) type Slots = BTreeMap<(Client, Suite), Slot>;

impl Known<'_> {
    pub(super) fn slots(&mut self) -> Result<Slots, Halt> {
        let mut slots = Slots::new();
        for (index, item) in self.items.iter().enumerate().filter(|(_, item)| item.facts.role == Role::LastResort) {
            let slot = slots.entry((item.facts.client, item.facts.suite)).or_insert_with(|| Slot {
                changes: vec![],
                there: vec![None],
                clear: true,
            });
            match item.batch().map(|batch| &self.batches[batch]) {
                None if item.dead.is_some() => continue,
                None => slot.clear &= slot.there[0].replace(index).is_none(),
                Some(batch) if batch.done => {
                    // The first one without an answer may have been the one that counts.
                    let mut from = batch.span.0;
                    from.lower(batch.lost);
                    slot.changes.push(Change { from, to: batch.span.1, item: index, puts: true });
                }
                Some(batch) if batch.lost.at < NEVER => {
                    slot.changes.push(Change { from: batch.lost, to: Limit::NEVER, item: index, puts: true });
                }
                Some(_) => continue,
            }
            let killed = item.gone().killed;
            if killed.0.at < NEVER {
                slot.changes.push(Change { from: killed.0, to: killed.1, item: index, puts: false });
            }
        }
        for slot in slots.values_mut() {
            slot.sort();
            self.check_republished(slot)?;
        }
        if slots.values().any(|slot| !slot.clear) {
            self.doubt("changes of a last resort overlap");
        }
        Ok(slots)
    }

    /// Publishing again is allowed only while the last resort was not replaced.
    fn check_republished(&self, slot: &mut Slot) -> Result<(), Halt> {
        // A replacement takes away, for good, whatever was put before; what is put last stays.
        let mut replaced = Limit::NEVER;
        let mut surely = Limit::NEVER;
        for change in slot.changes.iter().rev().filter(|change| change.puts) {
            let (latest_begin, latest_end) = self.published(&self.items[change.item]);
            if latest_begin.at > surely.at && slot.clear {
                let says =
                    format!("{} was published again after it was replaced", self.items[change.item].facts.package);
                return Err(Halt::illegal("PUB-RETRY", says, latest_begin.by().into_iter().chain(surely.by())));
            }
            slot.clear &= latest_end.at < replaced.at;
            replaced.lower(change.from);
            surely.lower(change.to);
        }
        if let Some(first) = slot.there[0] {
            let (latest_begin, latest_end) = self.published(&self.items[first]);
            if latest_begin.at > surely.at && slot.clear {
                let says = format!("{} was published again after it was replaced", self.items[first].facts.package);
                return Err(Halt::illegal("PUB-RETRY", says, latest_begin.by().into_iter().chain(surely.by())));
            }
            slot.clear &= latest_end.at < replaced.at;
        }
        Ok(())
    }

    /// Each last resort was the one in its place; where nothing was given, none was.
    pub(super) fn check_last_resorts(&mut self, slots: &Slots) -> Result<(), Halt> {
        let mut unclear = false;
        for empty in &self.empties {
            let ask = &self.asks[empty.ask];
            let shown = self.last_resort(empty);
            if shown.is_none() && !ask.accepts_last_resort() {
                continue;
            }
            let suites = self.suites.get(&empty.client).into_iter().flatten();
            for suite in suites.filter(|suite| ask.accepts(suite)) {
                let here = shown.filter(|shown| self.items[*shown].facts.suite == *suite);
                if shown.is_some() && here.is_none() {
                    continue;
                }
                let Some(slot) = slots.get(&(empty.client, *suite)) else { continue };
                let Some((there, change)) = slot.at(ask.from.at, ask.to.at) else {
                    unclear = true;
                    continue;
                };
                if there == here {
                    continue;
                }
                let witness = [ask.at].into_iter().chain(change.and_then(|change| change.to.by()));
                let package = |item: usize| self.items[item].facts.package;
                let (rule, says) = match (there, here) {
                    (Some(there), None) => {
                        ("LAST-KEPT", format!("{} while the last resort {} is there", empty.status, package(there)))
                    }
                    (_, Some(here)) if slot.put_later(here, ask.to.at) => {
                        ("CLAIM-BYTES", format!("{} was granted before it was published", package(here)))
                    }
                    (_, here) => {
                        let killed = here.map(|here| self.items[here].gone().killed.1).filter(|to| to.at < ask.from.at);
                        let rule = killed.map_or("LAST-REPLACED-WHOLE", |to| to.rule.name());
                        (rule, format!("{}, which is no longer in its place", empty.status))
                    }
                };
                return Err(Halt::illegal(rule, says, witness));
            }
        }
        if unclear {
            self.doubt("a claim overlaps a change of the last resort");
        }
        Ok(())
    }
}

impl Slot {
    fn sort(&mut self) {
        self.changes.sort_by_key(|change| change.from.at);
        self.clear &= self.changes.windows(2).all(|pair| pair[0].to.at < pair[1].from.at);
        let mut there = self.there[0];
        for change in &self.changes {
            if change.puts {
                there = Some(change.item);
            } else if there == Some(change.item) {
                there = None;
            }
            self.there.push(there);
        }
    }

    /// What is there from one moment to another, and the change that made it so; `None` where a change overlaps.
    fn at(&self, from: Moment, to: Moment) -> Option<(Option<usize>, Option<&Change>)> {
        let next = self.changes.partition_point(|change| change.from.at <= to);
        let last = next.checked_sub(1).map(|last| &self.changes[last]);
        (self.clear && last.is_none_or(|last| last.to.at < from)).then_some((self.there[next], last))
    }

    pub(super) fn there(&self, from: Moment, to: Moment) -> Option<Option<usize>> {
        self.at(from, to).map(|(there, _)| there)
    }

    fn put_later(&self, item: usize, than: Moment) -> bool {
        self.changes.iter().any(|change| change.puts && change.item == item && change.from.at > than)
    }
}
