//! Counts: a stock must lie between what is certainly there and what is possibly there.

use std::collections::BTreeMap;

use crate::{
    history::Status,
    monitor::{
        known::{Halt, Item, Known},
        limit::{Moment, NEVER},
        slots::Slots,
    },
    names::{Client, Package, Suite},
    spec::{Op, Outcome, Stock},
};

/// The times of one client's packages of one suite, each list in order.
#[derive(Default)]
pub(super) struct Times {
    pub(super) appears_earliest: Vec<Moment>,
    pub(super) appears_latest: Vec<Moment>,
    pub(super) gone_earliest: Vec<Moment>,
    pub(super) gone_latest: Vec<Moment>,
    /// When the suite can be known, and when it is for certain.
    known: Option<(Moment, Moment)>,
}

/// What counts need to know of claims.
pub(super) struct Grants {
    /// The first end of a claim that got this last resort, and the first begin.
    last_resorts: BTreeMap<Package, (Moment, Moment)>,
    /// When the claims without an answer began, in order.
    takers: BTreeMap<Client, Vec<Moment>>,
}

/// How many of these moments are before another one.
pub(super) fn before(moments: &[Moment], limit: Moment) -> usize {
    moments.partition_point(|moment| *moment < limit)
}

impl Grants {
    /// How many claims without an answer may have taken something by then.
    pub(super) fn takers(&self, client: Client, to: Moment) -> usize {
        self.takers.get(&client).map_or(0, |begun| begun.partition_point(|begin| *begin <= to))
    }

    /// Whether a last resort was granted before: certainly, certainly not, or nobody knows.
    fn before(&self, item: &Item<'_>, from: Moment, to: Moment) -> Option<bool> {
        let first = self.last_resorts.get(&item.facts.package).copied();
        let (first_end, first_begin) = first.unwrap_or((NEVER, NEVER));
        if item.granted || first_end < from {
            return Some(true);
        }
        let possible = first_begin <= to || self.takers(item.facts.client, to) > 0;
        (!possible).then_some(false)
    }
}

impl Known<'_> {
    fn grants(&self) -> Grants {
        let mut last_resorts = BTreeMap::new();
        for empty in &self.empties {
            if let Status::LastResort(package) = empty.status {
                let ask = &self.asks[empty.ask];
                let (end, begin) = last_resorts.entry(package).or_insert((NEVER, NEVER));
                (*end, *begin) = (ask.to.at.min(*end), ask.from.at.min(*begin));
            }
        }
        let begun = |asks: &Vec<usize>| {
            let mut begun: Vec<_> = asks.iter().map(|ask| self.asks[*ask].from.at).collect();
            begun.sort_unstable();
            begun
        };
        Grants { last_resorts, takers: self.takers.iter().map(|(client, asks)| (*client, begun(asks))).collect() }
    }

    pub(super) fn check_stocks(&mut self, slots: &Slots) -> Result<(), Halt> {
        if self.stocks.is_empty() && !self.is_limited() {
            return Ok(());
        }
        let (times, grants) = (self.times(), self.grants());
        self.check_limits(&times, &grants)?;
        let mut unsure = false;
        for at in &self.stocks {
            let (Op::Stock { client }, Some(Outcome::Stock(stock))) =
                (&self.history[*at].op, &self.history[*at].outcome)
            else {
                continue;
            };
            unsure |= !self.check_suites(*at, *client, stock, &times)?;
            unsure |= !self.check_counts(*at, *client, stock, &times, &grants)?;
            unsure |= !self.check_last_resort_of(*at, *client, stock, slots, &grants)?;
        }
        if unsure {
            self.doubt("a count lies between its bounds, and other operations overlap it");
        }
        Ok(())
    }

    fn times(&self) -> BTreeMap<(Client, Suite), Times> {
        let mut all: BTreeMap<(Client, Suite), Times> = BTreeMap::new();
        for item in &self.items {
            let batch = item.batch().map(|batch| &self.batches[batch]);
            let earliest = batch.map_or(0, |batch| batch.span.0.at.min(batch.lost.at));
            if earliest == NEVER {
                continue;
            }
            let times = all.entry((item.facts.client, item.facts.suite)).or_default();
            let known = times.known.get_or_insert((earliest, item.certain.0.at));
            *known = (known.0.min(earliest), known.1.min(item.certain.0.at));
            if !item.is_regular() || item.dead.is_some() {
                continue;
            }
            let gone_latest = match item.grant() {
                Some(ask) => self.asks[ask].to.at,
                None => item.gone().withdrawn.1.at.min(item.gone().killed.1.at).max(earliest),
            };
            let gone_earliest = item.certain.1.at.min(item.gone().killed.0.at);
            times.appears_earliest.push(earliest);
            times.gone_latest.push(gone_latest);
            if item.certain.0.at < gone_earliest {
                times.appears_latest.push(item.certain.0.at);
                times.gone_earliest.push(gone_earliest);
            }
        }
        for times in all.values_mut() {
            times.appears_earliest.sort_unstable();
            times.appears_latest.sort_unstable();
            times.gone_earliest.sort_unstable();
            times.gone_latest.sort_unstable();
        }
        all
    }

    /// A suite is in the answer once it had a package. Each check tells whether it is sure.
    fn check_suites(
        &self,
        at: usize,
        client: Client,
        stock: &Stock,
        times: &BTreeMap<(Client, Suite), Times>,
    ) -> Result<bool, Halt> {
        let (from, to) = (self.from(at).at, self.to(at).at);
        let known = |suite: Suite| times.get(&(client, suite)).and_then(|times| times.known).unwrap_or((NEVER, NEVER));
        let answered = stock.regular.keys().chain(stock.last_resort.keys());
        if let Some(suite) = answered.copied().find(|suite| known(*suite).0 > to) {
            return Err(Halt::illegal("NOTE-ZERO", format_args!("{suite} is counted, which {client} never had"), [at]));
        }
        let mut sure = true;
        for suite in self.suites.get(&client).into_iter().flatten() {
            let (possible, certain) = known(*suite);
            if certain < from && !stock.regular.contains_key(suite) {
                return Err(Halt::illegal("NOTE-ZERO", format_args!("{suite} of {client} is not counted"), [at]));
            }
            sure &= certain < from || possible > to;
        }
        Ok(sure)
    }

    fn check_counts(
        &self,
        at: usize,
        client: Client,
        stock: &Stock,
        times: &BTreeMap<(Client, Suite), Times>,
        grants: &Grants,
    ) -> Result<bool, Halt> {
        let (from, to) = (self.from(at).at, self.to(at).at);
        let takers = grants.takers(client, to);
        let mut sure = true;
        for (suite, count) in &stock.regular {
            let Some(times) = times.get(&(client, *suite)) else { continue };
            let least = times.least(from, to).saturating_sub(takers);
            let most = times.most(from, to);
            let count = usize::try_from(*count).unwrap_or(usize::MAX);
            if count < least || count > most {
                let says = format!("{count} of {suite} were counted, where from {least} to {most} can be");
                return Err(Halt::illegal("NOTE-ZERO", says, [at]));
            }
            sure &= least == most;
        }
        Ok(sure)
    }

    fn check_last_resort_of(
        &self,
        at: usize,
        client: Client,
        stock: &Stock,
        slots: &Slots,
        grants: &Grants,
    ) -> Result<bool, Halt> {
        let (from, to) = (self.from(at).at, self.to(at).at);
        let removal = self.vanishing.get(&client).and_then(|key| self.removals.get(key));
        if removal.is_some_and(|(begin, _)| begin.at <= to) {
            return Ok(false);
        }
        let mut sure = true;
        for ((_, suite), slot) in slots.range((client, Suite(0))..=(client, Suite(u32::MAX))) {
            let expected = match slot.there(from, to) {
                None => {
                    sure = false;
                    continue;
                }
                Some(None) => None,
                Some(Some(item)) => match grants.before(&self.items[item], from, to) {
                    None if stock.last_resort.contains_key(suite) => {
                        sure = false;
                        continue;
                    }
                    granted => Some(granted.unwrap_or_default()),
                },
            };
            if stock.last_resort.get(suite).copied() != expected {
                let told = match stock.last_resort.get(suite) {
                    None => "none",
                    Some(true) => "used",
                    Some(false) => "unused",
                };
                let says = format!("the last resort of {suite} is told as {told}, which cannot be so");
                return Err(Halt::illegal("LAST-KEPT", says, [at]));
            }
        }
        let strange = stock.last_resort.keys().find(|suite| !slots.contains_key(&(client, **suite)));
        match strange {
            Some(suite) => {
                Err(Halt::illegal("LAST-KEPT", format_args!("{client} has no last resort of {suite}"), [at]))
            }
            None => Ok(sure),
        }
    }
}
