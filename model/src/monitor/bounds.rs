//! Tightens the times: claims as early as they can be, publications as late, removals as early.

use std::collections::BTreeMap;

use crate::{
    monitor::{
        known::{Answer, Halt, Known},
        limit::{BEFORE, Limit, NEVER, Rule},
    },
    names::{Client, Key},
};

impl Known<'_> {
    /// From the latest moments of the claims over the earliest ones to the moments of appearance and removal.
    pub(super) fn tighten(&mut self) -> Result<(), Halt> {
        self.note_happened();
        self.bound_by_kills()?;
        self.bound_by_withdrawals()?;
        self.bound_by_vanishing()?;
        self.bound_claims()?;
        self.bound_appearances()?;
        self.bound_withdrawals();
        self.bound_ends();
        self.explain_called_used()
    }

    /// Publications without an answer whose packages were seen did happen.
    fn note_happened(&mut self) {
        if self.batches.iter().all(|batch| batch.happened) {
            return;
        }
        let granted = self.items.iter().filter(|item| item.grant().is_some()).filter_map(|item| item.batch());
        let last_resorts = self.empties.iter().filter_map(|empty| self.items[self.last_resort(empty)?].batch());
        let called_used = self.called_used.iter().filter_map(|refused| refused.batch);
        for batch in granted.chain(last_resorts).chain(called_used).collect::<Vec<_>>() {
            self.batches[batch].happened = true;
        }
    }

    /// The latest moment of claims: not after the removal of the signer or the expiry of what they got.
    fn bound_by_kills(&mut self) -> Result<(), Halt> {
        if self.removals.is_empty() && self.ticks.is_empty() {
            return Ok(());
        }
        self.ticks.sort_by_key(|(to, _, _)| *to);
        let ticks = least_from_here(
            self.ticks.iter().map(|(_, from, to)| (from.under(Rule::ClaimLive), to.under(Rule::ClaimLive))),
        );
        for index in 0..self.items.len() {
            let item = &self.items[index];
            if item.dead.is_some() {
                continue;
            }
            let (mut from, mut to) = (Limit::NEVER, Limit::NEVER);
            let removal = self.removals.get(&item.facts.signer);
            let expiry = ticks.get(self.ticks.partition_point(|(to, _, _)| *to < item.facts.not_after));
            for (begin, end) in removal.into_iter().chain(expiry) {
                from.lower(*begin);
                to.lower(*end);
            }
            if from.at == NEVER {
                continue;
            }
            let rule = if to.rule == Rule::ClaimLive { Rule::PubLifetime } else { Rule::PubSigner };
            self.published_before(index, from, to.under(rule))?;
            self.items[index].gone_mut().killed = (from, to);
            if let Some(ask) = self.items[index].grant() {
                self.asks[ask].to.lower(to);
            }
        }
        Ok(())
    }

    /// Publications and removals of one package must not overlap: both would pull at moments that others share.
    fn published_before(&self, item: usize, from: Limit, to: Limit) -> Result<(), Halt> {
        let item = &self.items[item];
        let batch = item.batch().map(|batch| &self.batches[batch]);
        if batch.is_some_and(|batch| batch.happened && !batch.done) {
            return Err(Halt::not_covered("a publication without an answer may overlap a removal of its packages"));
        }
        let (latest_begin, latest_end) = self.published(item);
        if latest_end.at == BEFORE || latest_end.at < from.at {
            Ok(())
        } else if latest_begin.at > to.at {
            let says = format!("{} was published after it had been removed", item.facts.package);
            Err(Halt::illegal(to.rule.name(), says, latest_begin.by().into_iter().chain(to.by())))
        } else {
            Err(Halt::not_covered("a publication overlaps a removal of one of its packages"))
        }
    }

    pub(super) fn settled(&self, item: usize, at: usize) -> Result<(), Halt> {
        self.published_before(item, self.from(at), self.to(at).under(Rule::PubRetry))
    }

    /// A client whose only key is removed is in every answer before and in none after; later is better for all.
    fn bound_by_vanishing(&mut self) -> Result<(), Halt> {
        if self.vanishing.is_empty() {
            return Ok(());
        }
        let span = |key: &Key| self.removals.get(key).copied().unwrap_or((Limit::NEVER, Limit::NEVER));
        let mut vanish: BTreeMap<Client, Limit> =
            self.vanishing.iter().map(|(client, key)| (*client, span(key).1)).collect();
        for ask in &self.asks {
            let (Some(claim), Answer::Told(statuses)) = (ask.claim, ask.answer) else { continue };
            for client in self.clients.get(&claim.user).into_iter().flatten() {
                let Some(latest) = vanish.get_mut(client) else { continue };
                if claim.requester_client != Some(*client) && !statuses.contains_key(client) {
                    latest.lower(ask.to);
                    let begin = self.vanishing.get(client).map_or(Limit::NEVER, |key| span(key).0);
                    if ask.to.at < begin.at {
                        let says = format!("{client} has no status in the answer, and its key was still listed");
                        let witness = [ask.at].into_iter().chain(begin.by());
                        return Err(Halt::illegal("CLAIM-EACH-CLIENT", says, witness));
                    }
                }
            }
        }
        for ask in &mut self.asks {
            for (client, _) in ask.answer.statuses() {
                if let Some(latest) = vanish.get(&client) {
                    ask.to.lower(latest.under(Rule::KeyCascade));
                }
            }
        }
        Ok(())
    }

    /// The earliest moment of claims: after every publication of what they got.
    fn bound_claims(&mut self) -> Result<(), Halt> {
        for item in &self.items {
            let Some(ask) = item.grant() else { continue };
            let mut from = self.asks[ask].from;
            if let Some(batch) = item.batch().map(|batch| &self.batches[batch]) {
                let appears = if batch.done { batch.span.0 } else { batch.lost };
                from.raise(appears.under(Rule::ClaimBytes));
            }
            from.raise(self.published(item).0.under(Rule::PubRetry));
            self.asks[ask].from = from;
        }
        for ask in &self.asks {
            if ask.from.at > ask.to.at {
                let rule = if ask.from.rule == Rule::Own { ask.to.rule } else { ask.from.rule };
                let witness = [ask.at].into_iter().chain(ask.from.by()).chain(ask.to.by());
                let says = "the claim would have to be before what it has to follow";
                return Err(Halt::illegal(rule.name(), says, witness));
            }
        }
        Ok(())
    }

    /// The latest moment of publications: before every claim of what they brought, however late that is.
    fn bound_appearances(&mut self) -> Result<(), Halt> {
        let mut latest: Vec<Limit> =
            self.batches.iter().map(|batch| if batch.done { batch.span.1 } else { Limit::NEVER }).collect();
        for item in &self.items {
            if let Some((batch, ask)) = item.batch().zip(item.grant()) {
                latest[batch].lower(self.asks[ask].to);
            }
        }
        for refused in &self.called_used {
            if let Some(batch) = refused.batch {
                latest[batch].lower(self.to(refused.at));
            }
        }
        for (batch, latest) in self.batches.iter().zip(latest) {
            let earliest = if batch.done { batch.span.0 } else { batch.lost };
            if batch.happened && (latest.at < earliest.at || earliest.at == NEVER) {
                let says = "called used before it was published";
                return Err(Halt::illegal("PUB-RETRY", says, latest.by().into_iter().chain(earliest.by())));
            }
            if batch.happened {
                self.items[batch.items()].iter_mut().for_each(|item| item.certain.0 = latest);
            }
        }
        Ok(())
    }

    /// The earliest moment at which each package is gone for certain: removals follow the claims they must follow.
    fn bound_ends(&mut self) {
        let mut removals: BTreeMap<Key, Limit> = self.removals.iter().map(|(key, (from, _))| (*key, *from)).collect();
        for key in self.vanishing.values() {
            // After the removal nobody can see that the packages are gone: the client is gone as well.
            removals.remove(key);
        }
        let removed = !removals.is_empty() || !self.ticks.is_empty();
        let granted = self.items.iter().filter(|_| removed);
        let mut granted: Vec<_> = granted.filter_map(|item| Some((item, self.asks[item.grant()?].from))).collect();
        for (item, from) in &granted {
            if let Some(removal) = removals.get_mut(&item.facts.signer) {
                removal.raise(*from);
            }
        }
        let ticks = if self.ticks.is_empty() {
            vec![]
        } else {
            granted.sort_by_key(|(item, _)| item.facts.not_after);
            let mut granted = granted.into_iter().peekable();
            let mut latest = Limit::BEFORE;
            least_from_here(
                self.ticks
                    .iter()
                    .map(|(to, from, _)| {
                        while let Some((_, claimed)) = granted.next_if(|(item, _)| item.facts.not_after <= *to) {
                            latest.raise(claimed);
                        }
                        let mut from = *from;
                        from.raise(latest);
                        (from, from)
                    })
                    .collect::<Vec<_>>()
                    .into_iter(),
            )
        };
        for index in 0..self.items.len() {
            let item = &self.items[index];
            let end = match item.grant() {
                Some(ask) => self.asks[ask].from,
                None => {
                    let gone = item.gone();
                    let mut end = gone.withdrawn.0;
                    if gone.withdrawal_lost.at < NEVER {
                        let mut withdrawn = gone.withdrawal_lost;
                        withdrawn.raise(self.published(item).0);
                        end.lower(withdrawn);
                    }
                    let removal = removals.get(&item.facts.signer);
                    removal.into_iter().for_each(|removal| end.lower(*removal));
                    let expiry = ticks.get(self.ticks.partition_point(|(to, _, _)| *to < item.facts.not_after));
                    expiry.into_iter().for_each(|(expiry, _)| end.lower(*expiry));
                    end
                }
            };
            self.items[index].certain.1 = end;
        }
    }
}

/// For each place the least of both limits from there to the end.
fn least_from_here(spans: impl DoubleEndedIterator<Item = (Limit, Limit)>) -> Vec<(Limit, Limit)> {
    let mut least = (Limit::NEVER, Limit::NEVER);
    let mut all: Vec<_> = spans
        .rev()
        .map(|(from, to)| {
            least.0.lower(from);
            least.1.lower(to);
            least
        })
        .collect();
    all.reverse();
    all
}
