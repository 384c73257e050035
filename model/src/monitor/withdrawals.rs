//! Withdrawals: what became of each package tells whether its claim or the withdrawal was first.

use crate::{
    history::{Fate, Status},
    monitor::{
        known::{Empty, Halt, Known},
        limit::{BEFORE, Limit, NEVER, Rule},
    },
    names::{Client, Package},
    spec::{Op, Outcome, WithdrawnFate},
    words::word,
};

const RULE: &str = "LIFE-WITHDRAW-RACE";

impl Known<'_> {
    /// The latest moment of claims: before the withdrawals that came too late.
    pub(super) fn bound_by_withdrawals(&mut self) -> Result<(), Halt> {
        for at in self.withdrawals.clone() {
            let operation = &self.history[at];
            let Op::Withdraw { client, packages } = &operation.op else { continue };
            match &operation.outcome {
                Some(Outcome::Withdrawn(fates)) => {
                    for (package, fate) in fates {
                        self.read_fate(at, *client, *package, *fate)?;
                    }
                }
                _ => {
                    for package in packages {
                        let Some(item) = self.withdrawable(*client, *package)? else { continue };
                        let from = self.from(at);
                        self.items[item].gone_mut().withdrawal_lost.lower(from);
                    }
                }
            }
        }
        Ok(())
    }

    fn withdrawable(&self, client: Client, package: Package) -> Result<Option<usize>, Halt> {
        let item = self.item(package).filter(|item| self.items[*item].facts.client == client);
        match item {
            Some(item) if !self.items[item].is_regular() => Err(Halt::not_covered("a last resort is withdrawn")),
            item => Ok(item),
        }
    }

    fn read_fate(&mut self, at: usize, client: Client, package: Package, fate: WithdrawnFate) -> Result<(), Halt> {
        let untrue = |witness: Option<usize>| {
            let says = format!("{package} was withdrawn with the answer {}, which cannot be so", word(&fate));
            Err(Halt::illegal(RULE, says, [at].into_iter().chain(witness)))
        };
        let Some(index) = self.withdrawable(client, package)? else {
            return if fate == WithdrawnFate::Unknown { Ok(()) } else { untrue(None) };
        };
        let item = &self.items[index];
        match (item.fate, fate) {
            (Fate::Granted, WithdrawnFate::AlreadyGranted) | (Fate::Withdrawn, WithdrawnFate::Withdrawn) => {
                return Ok(());
            }
            (Fate::Granted | Fate::Withdrawn, _) => return untrue(None),
            (Fate::Available, _) => {}
        }
        if fate == WithdrawnFate::Unknown {
            return self.read_unknown(at, index);
        }
        if let Some(batch) = item.batch() {
            let batch = &self.batches[batch];
            if !batch.done && batch.lost.at < NEVER {
                return Err(Halt::not_covered("a package was withdrawn whose publication has no answer"));
            }
            if !batch.done {
                return untrue(None);
            }
            if batch.span.0.at > self.to(at).at {
                return untrue(batch.span.0.by());
            }
        }
        self.settled(index, at)?;
        let grant = self.items[index].grant();
        match (fate, grant) {
            (WithdrawnFate::AlreadyGranted, Some(ask)) => {
                let to = self.to(at).under(Rule::WithdrawRace);
                self.asks[ask].to.lower(to);
                Ok(())
            }
            (WithdrawnFate::AlreadyGranted, None) if self.may_be_taken(client) => {
                self.doubt("a withdrawal shows that a claim without an answer got a package");
                Ok(())
            }
            (_, Some(ask)) => untrue(Some(self.asks[ask].at)),
            (WithdrawnFate::AlreadyGranted, None) => untrue(None),
            _ => {
                let to = self.to(at);
                self.items[index].gone_mut().withdrawn.1.lower(to);
                Ok(())
            }
        }
    }

    /// The directory never had it: every publication of it comes later.
    fn read_unknown(&self, at: usize, item: usize) -> Result<(), Halt> {
        let item = &self.items[item];
        let batch = item.batch().map(|batch| &self.batches[batch]);
        let first = batch.map_or(Limit::BEFORE, |batch| if batch.done { batch.span.0 } else { batch.lost });
        let first_end = batch.map_or(Limit::BEFORE, |batch| batch.span.1);
        let happened = batch.is_none_or(|batch| batch.happened);
        if !happened || first.at > self.to(at).at {
            return Ok(());
        }
        if first_end.at < self.from(at).at || first_end.at == BEFORE {
            let says = format!("{} was published before, and is not known to the withdrawal", item.facts.package);
            return Err(Halt::illegal(RULE, says, [at].into_iter().chain(first_end.by())));
        }
        Err(Halt::not_covered("a withdrawal that knew nothing overlaps the publication"))
    }

    /// The earliest moment of withdrawals: after the claims that were before them.
    pub(super) fn bound_withdrawals(&mut self) {
        for at in &self.withdrawals {
            let Some(Outcome::Withdrawn(fates)) = &self.history[*at].outcome else { continue };
            let mut earliest = self.from(*at);
            let items = || fates.iter().filter_map(|(package, fate)| Some((self.item(*package)?, fate)));
            for (item, _) in items().filter(|(_, fate)| **fate == WithdrawnFate::AlreadyGranted) {
                if let Some(ask) = self.items[item].grant() {
                    earliest.raise(self.asks[ask].from);
                }
            }
            let taken: Vec<_> = items().filter(|(_, fate)| **fate == WithdrawnFate::Withdrawn).collect();
            for (item, _) in taken {
                self.items[item].gone_mut().withdrawn.0.lower(earliest.set_by(*at));
            }
        }
    }

    /// Each refusal that calls a package used needs a use before it.
    pub(super) fn explain_called_used(&mut self) -> Result<(), Halt> {
        for index in 0..self.called_used.len() {
            let refused = &self.called_used[index];
            let (client, until) = (self.items[refused.items[0]].facts.client, self.to(refused.at).at);
            let removal = self.vanishing.get(&client).and_then(|key| self.removals.get(key));
            if removal.is_some_and(|(begin, _)| begin.at <= until) {
                // Afterwards the client would have been called unknown.
                self.doubt("a publication was refused while the client's only key was removed");
            }
            let refused = &self.called_used[index];
            let used = |item: &usize| {
                let item = &self.items[*item];
                let claimed = item.grant().is_some_and(|ask| self.asks[ask].from.at <= until);
                let lost =
                    item.grant().is_none() && item.gone().withdrawal_lost.at.max(self.published(item).0.at) <= until;
                item.fate != Fate::Available || claimed || lost || item.gone().withdrawn.0.at <= until
            };
            if refused.items.iter().any(used) {
                continue;
            }
            if self.may_be_taken(client) || refused.items.iter().any(|item| !self.items[*item].is_regular()) {
                self.doubt("a refusal shows a use that no answer shows");
                continue;
            }
            return Err(Halt::illegal("PUB-RETRY", "called used, which none of the packages was", [refused.at]));
        }
        Ok(())
    }

    /// Whether a claim without an answer could have taken something of this client.
    fn may_be_taken(&self, client: Client) -> bool {
        self.takers.contains_key(&client)
    }

    /// The last resort that an answer shows.
    pub(super) fn last_resort(&self, empty: &Empty) -> Option<usize> {
        match empty.status {
            Status::LastResort(package) => self.item(package),
            _ => None,
        }
    }
}
