//! Reads claims: repetitions under one key become one, and each answer becomes grants and empty hands.

use std::collections::HashMap;

use crate::{
    history::{Claim, Status},
    monitor::known::{Ask, Empty, Halt, Known},
    names::Client,
    spec::Outcome,
};

impl<'a> Known<'a> {
    pub(super) fn read_claims(&mut self, claims: &[(usize, &'a Claim)]) -> Result<(), Halt> {
        let mut repeated = HashMap::new();
        self.asks.reserve(claims.len());
        for (at, claim) in claims {
            let answer = match &self.history[*at].outcome {
                None => None,
                Some(Outcome::Claimed(statuses)) => Some(statuses),
                Some(Outcome::Refused(_)) => {
                    self.doubt("a claim was refused");
                    continue;
                }
                Some(_) => return Err(Halt::not_covered("a claim was answered in a way that it cannot be")),
            };
            let ask = Ask { claim, at: *at, from: self.from(*at), to: self.to(*at), answer };
            let Some(key) = claim.key else {
                self.asks.push(ask);
                continue;
            };
            if self.initial.claims.contains_key(&(claim.requester, key)) {
                return Err(Halt::not_covered("a claim repeats one from before the history"));
            }
            match repeated.get(&(claim.requester, key)) {
                None => {
                    repeated.insert((claim.requester, key), self.asks.len());
                    self.asks.push(ask);
                }
                Some(first) => self.read_repetition(*first, ask)?,
            }
        }
        for ask in 0..self.asks.len() {
            self.read_answer(ask)?;
        }
        Ok(())
    }

    /// The one that counts can be any that began before all answers were there: the others only repeat its answer.
    fn read_repetition(&mut self, first: usize, ask: Ask<'a>) -> Result<(), Halt> {
        let first = &mut self.asks[first];
        if first.claim != ask.claim {
            return Err(Halt::not_covered("one idempotency key has two questions"));
        }
        first.from.lower(ask.from);
        first.to.lower(ask.to);
        match (first.answer, ask.answer) {
            (Some(one), Some(other)) if one != other => {
                let says = format!("one claim was answered {one:?} and {other:?}");
                return Err(Halt::illegal("CLAIM-RETRY", says, [first.at, ask.at]));
            }
            (None, Some(_)) => (first.answer, first.at) = (ask.answer, ask.at),
            _ => {}
        }
        Ok(())
    }

    fn read_answer(&mut self, ask: usize) -> Result<(), Halt> {
        let Ask { claim, at, answer: Some(statuses), .. } = self.asks[ask] else {
            self.note_taker(ask);
            return Ok(());
        };
        let clients = self.clients.get(&claim.user);
        let own = claim.requester_client;
        if let Some(own) = own.filter(|own| statuses.contains_key(own)) {
            return Err(Halt::illegal(
                "CLAIM-NOT-SELF",
                format_args!("the requester's own {own} was claimed from"),
                [at],
            ));
        }
        let known = |client: &&Client| clients.is_some_and(|clients| clients.contains(client));
        let missing = |client: &&&Client| !statuses.contains_key(client) && !self.vanishing.contains_key(client);
        let others = || clients.into_iter().flatten().filter(|client| Some(**client) != own);
        if let Some(stranger) = statuses.keys().find(|client| !known(client)) {
            let says = format!("{stranger} is not a client of {}", claim.user);
            return Err(Halt::illegal("CLAIM-EACH-CLIENT", says, [at]));
        }
        if let Some(missing) = others().find(|client| missing(&client)) {
            return Err(Halt::illegal(
                "CLAIM-EACH-CLIENT",
                format_args!("{missing} has no status in the answer"),
                [at],
            ));
        }
        if clients.is_none() && !self.keys.values().any(|key| key.user == claim.user) {
            return Err(Halt::illegal("CLAIM-EACH-CLIENT", format_args!("{} is unknown", claim.user), [at]));
        }
        if !statuses.is_empty() && others().any(|client| !statuses.contains_key(client)) {
            self.doubt("a claim covers a client of whose sibling the key was removed");
        }
        statuses.iter().try_for_each(|(client, status)| self.read_status(ask, *client, *status))
    }

    fn note_taker(&mut self, ask: usize) {
        let claim = self.asks[ask].claim;
        let clients = self.clients.get(&claim.user).into_iter().flatten();
        let clients: Vec<_> = clients.filter(|client| Some(**client) != claim.requester_client).collect();
        let several = clients.len() > 1;
        clients.into_iter().for_each(|client| self.takers.entry(*client).or_default().push(ask));
        if several {
            self.doubt("a claim without an answer covers several clients");
        }
    }

    fn read_status(&mut self, ask: usize, client: Client, status: Status) -> Result<(), Halt> {
        let (claim, at) = (self.asks[ask].claim, self.asks[ask].at);
        let lens = self.lens(client, claim);
        if let Some(package) = status.granted() {
            let found = self.item(package).filter(|item| self.items[*item].facts.client == client);
            let Some(found) = found else {
                let says = format!("{package} was never published by {client}");
                return Err(Halt::illegal("CLAIM-BYTES", says, [at]));
            };
            let item = &self.items[found];
            let regular = matches!(status, Status::Regular(_));
            let rule = if let Some(rule) = item.dead {
                rule
            } else if !claim.accepts(&item.facts.suite) {
                "CLAIM-COMPATIBLE"
            } else if regular != item.is_regular() || (!regular && !claim.last_resort_accepted) {
                "LAST-TOLD"
            } else if let Some(before) = item.grant {
                let says = format!("{package} was granted twice");
                return Err(Halt::illegal("CLAIM-ONCE", says, [self.asks[before].at, at]));
            } else {
                if regular {
                    self.items[found].grant = Some(ask);
                } else {
                    self.empties.push(Empty { ask, client, status, lens });
                }
                return Ok(());
            };
            return Err(Halt::illegal(rule, format_args!("{package} could not be granted as {status:?}"), [at]));
        }
        self.note_nothing(client, status, lens, at)?;
        self.empties.push(Empty { ask, client, status, lens });
        Ok(())
    }

    /// Of the two words for nothing, which one is right depends on what else is and was there.
    fn note_nothing(&mut self, client: Client, status: Status, lens: u64, at: usize) -> Result<(), Halt> {
        let all = self.suites.get(&client).map_or(0, |suites| (1 << suites.len()) - 1);
        if lens == all {
            if status == Status::Incompatible {
                let says = format!("{client} has nothing of a suite that was not asked for");
                return Err(Halt::illegal("CLAIM-COMPATIBLE", says, [at]));
            }
            return Ok(());
        }
        let knew = self.stored.get(&client).is_some_and(|stored| stored & lens != 0);
        if status == Status::Incompatible || !knew {
            self.doubt("whether a client has something of another suite matters");
        }
        Ok(())
    }
}
