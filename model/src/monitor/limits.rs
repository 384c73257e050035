//! Full stocks (`PUB-LIMITS`): what was accepted though it certainly did not fit, or refused though it certainly did.

use std::collections::BTreeMap;

use crate::{
    history::Role,
    monitor::{
        known::{Halt, Known},
        limit::{Limit, NEVER},
        stock::{Grants, Times, before},
    },
    names::{Client, Suite},
    spec::Op,
};

impl Known<'_> {
    /// Whether each publication that was accepted can have fitted, and each one refused as too much can have not.
    pub(super) fn check_limits(
        &mut self,
        times: &BTreeMap<(Client, Suite), Times>,
        grants: &Grants,
    ) -> Result<(), Halt> {
        let max = self.spec.stock_max;
        let mut unsure = false;
        for batch in self.batches.iter().filter(|batch| batch.happened) {
            let latest = self.items[batch.first_item].certain.0;
            let earliest = batch.span.0.at.min(batch.lost.at);
            let mut added: BTreeMap<(Client, Suite), usize> = BTreeMap::new();
            for facts in batch.packages.iter().filter(|facts| facts.role == Role::Regular) {
                *added.entry((facts.client, facts.suite)).or_default() += 1;
            }
            for (pool, added) in added {
                let Some(times) = times.get(&pool) else { continue };
                let least = times.least(earliest, latest.at).saturating_sub(grants.takers(pool.0, latest.at));
                if least + added > max {
                    let says = format!("{added} of {} were added to at least {least}, where {max} can be", pool.1);
                    let shown = [batch.span.0, batch.span.1, latest].into_iter().filter_map(Limit::by);
                    return Err(Halt::illegal("PUB-LIMITS", says, shown));
                }
                unsure |= times.most(earliest, latest.at) > max;
            }
        }
        for at in &self.called_full {
            let Op::Publish { client, packages } = &self.history[*at].op else { continue };
            let (from, to) = (self.from(*at).at, self.to(*at).at);
            let fits = |suite: Suite| {
                let regular = packages.iter().filter(|facts| facts.suite == suite && facts.role == Role::Regular);
                let there = times.get(&(*client, suite)).map_or(0, |times| times.most(from, to));
                there + regular.count() <= max
            };
            if packages.iter().all(|facts| fits(facts.suite)) {
                return Err(Halt::illegal(
                    "PUB-LIMITS",
                    "refused as too much, and there was room for all of it",
                    [*at],
                ));
            }
        }
        if unsure {
            self.doubt("the stock could have been full");
        }
        Ok(())
    }

    /// Whether any stock can be full at all.
    pub(super) fn is_limited(&self) -> bool {
        self.items.len() > self.spec.stock_max || !self.called_full.is_empty()
    }
}

impl Times {
    /// How many are there for certain at any moment between two: appeared before, less all that may be gone by its end.
    pub(super) fn least(&self, from: u64, to: u64) -> usize {
        let gone = before(&self.gone_earliest, if to == NEVER { NEVER } else { to + 1 });
        before(&self.appears_latest, from).saturating_sub(gone)
    }

    /// How many can be there at most at any moment between two.
    pub(super) fn most(&self, from: u64, to: u64) -> usize {
        let appeared = before(&self.appears_earliest, if to == NEVER { NEVER } else { to + 1 });
        appeared.saturating_sub(before(&self.gone_latest, from))
    }
}
