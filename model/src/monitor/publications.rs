//! Reads publications: which packages appear together, and what could never have been stored.

use crate::{
    history::{Facts, Role},
    linearize::Operation,
    monitor::{
        known::{Batch, CalledUsed, Halt, Item, Known},
        limit::Limit,
        parts::{Seen, What},
    },
    names::Client,
    spec::{Op, Outcome, Reason},
    words::word,
};

impl<'a> Known<'a> {
    /// Whether all publications are such as are decided. Looks at nothing else, so that the processor can fetch the next
    /// ones meanwhile: this is where they come from far away.
    pub(super) fn look_at_publications(&self, part: &[(u32, Seen)]) -> Result<(), Halt> {
        let strange = part.iter().filter(|(_, seen)| matches!(seen.what, What::Other)).any(|(at, _)| {
            let Operation { op: Op::Publish { client, packages }, outcome, .. } = &self.history[*at as usize] else {
                return false;
            };
            let refused = matches!(outcome, Some(Outcome::Refused(reason)) if *reason != Reason::AlreadyUsed);
            !refused && packages.iter().any(|facts| facts.client != *client || facts.not_before > self.initial.now)
        });
        if strange {
            return Err(Halt::not_covered("a publication has packages of another client, or not valid yet"));
        }
        Ok(())
    }

    pub(super) fn read_publication(
        &mut self,
        at: usize,
        client: Client,
        packages: &'a [Facts],
        outcome: Option<&Outcome>,
    ) -> Result<(), Halt> {
        if !matches!(outcome, None | Some(Outcome::Done | Outcome::Refused(_))) {
            return Err(Halt::not_covered(format_args!("operation {at} was answered in a way that it cannot be")));
        }
        if let Some(Outcome::Refused(reason)) = outcome
            && *reason != Reason::AlreadyUsed
        {
            if *reason == Reason::StockFull {
                self.called_full.push(at);
            }
            self.doubt("a publication was refused for another reason than used packages");
            return Ok(());
        }
        if packages.is_empty() {
            self.doubt("a publication is empty");
            return Ok(());
        }
        if let Some(reason) = self.fault(client, packages) {
            match outcome {
                Some(Outcome::Done) => {
                    return Err(Halt::illegal(
                        reason.rule(),
                        format_args!("accepted, although {}", word(&reason)),
                        [at],
                    ));
                }
                Some(_) => self.doubt("a publication with a fault was refused"),
                // Whatever came of it, it was not stored.
                None => {}
            }
            return Ok(());
        }
        let batch = self.batch(client, packages)?;
        self.note_publication(at, batch, packages, outcome);
        Ok(())
    }

    /// What is wrong with a publication at any time of this history.
    fn fault(&self, client: Client, packages: &[Facts]) -> Option<Reason> {
        let listed = |facts: &Facts| {
            self.keys.get(&facts.signer).is_some_and(|key| key.client == client && key.removed.is_none())
        };
        let last_resorts = || packages.iter().filter(|facts| facts.role == Role::LastResort);
        let mut suites: Vec<_> = last_resorts().map(|facts| facts.suite).collect();
        suites.sort_unstable();
        suites.dedup();
        if !self.clients.values().any(|clients| clients.contains(&client)) {
            Some(Reason::UnknownClient)
        } else if packages.len() > self.spec.batch_max {
            Some(Reason::BatchTooLarge)
        } else if !packages.iter().all(listed) {
            Some(Reason::SignerNotListed)
        } else if packages.iter().any(|facts| facts.not_after <= self.initial.now.max(facts.not_before)) {
            Some(Reason::Expired)
        } else if packages.iter().any(|facts| facts.not_after - facts.not_before > self.spec.lifetime_max) {
            Some(Reason::LifetimeTooLong)
        } else {
            (suites.len() < last_resorts().count()).then_some(Reason::TwoLastResorts)
        }
    }

    /// The batch of these packages; `None` if all of them were there from the start.
    fn batch(&mut self, client: Client, packages: &'a [Facts]) -> Result<Option<usize>, Halt> {
        let item = |facts: &Facts| self.item(facts.package);
        let first = packages.first().and_then(item);
        let same = match first.map(|first| self.items[first].batch()) {
            None => packages.iter().all(|facts| item(facts).is_none()),
            Some(Some(batch)) => self.batches[batch].packages == packages,
            Some(None) => packages.iter().all(|facts| {
                item(facts).is_some_and(|index| self.items[index].batch().is_none() && self.items[index].facts == facts)
            }),
        };
        if !same {
            return Err(Halt::not_covered("publications share some of their packages, but not all"));
        }
        if let Some(first) = first {
            return Ok(self.items[first].batch());
        }
        let (batch, first_item) = (self.batches.len(), self.items.len());
        for facts in packages {
            if self.item(facts.package).is_some() {
                return Err(Halt::not_covered(format_args!(
                    "{} is twice in one publication of {client}",
                    facts.package
                )));
            }
            self.add(Item::new(facts, Some(batch)))?;
        }
        self.batches.push(Batch {
            packages,
            first_item,
            done: false,
            happened: false,
            span: (Limit::NEVER, Limit::NEVER),
            lost: Limit::NEVER,
        });
        Ok(Some(batch))
    }

    fn note_publication(&mut self, at: usize, batch: Option<usize>, packages: &[Facts], outcome: Option<&Outcome>) {
        let (from, to) = (self.from(at), self.to(at));
        let items = |known: &Self| packages.iter().filter_map(|facts| known.item(facts.package)).collect::<Vec<_>>();
        match outcome {
            Some(Outcome::Done) => {
                if batch.is_none_or(|batch| self.batches[batch].done) {
                    for item in items(self) {
                        let mut latest = self.published(&self.items[item]);
                        latest.0.raise(from);
                        latest.1.raise(to);
                        self.items[item].gone_mut().published = Some(latest);
                    }
                }
                if let Some(batch) = batch {
                    let batch = &mut self.batches[batch];
                    batch.done = true;
                    batch.happened = true;
                    batch.span.0.lower(from);
                    batch.span.1.lower(to);
                }
            }
            Some(_) => self.called_used.push(CalledUsed { at, batch, items: items(self) }),
            None => {
                if let Some(batch) = batch {
                    self.batches[batch].lost.lower(from);
                }
            }
        }
    }

    /// Init keys that are used twice are forbidden by other rules.
    pub(super) fn check_init_keys(&mut self) -> Result<(), Halt> {
        self.init_keys.sort_unstable();
        if self.init_keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Halt::not_covered("two packages have one init key"));
        }
        Ok(())
    }
}
