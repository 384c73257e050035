//! Reads claims: repetitions under one key become one, and each answer becomes grants and empty hands.

use std::collections::{HashMap, hash_map::Entry};

use crate::{
    history::Status,
    monitor::{
        known::{Answer, Ask, Empty, Halt, Item, Known},
        limit::Limit,
        parts::{Seen, What},
    },
    names::Client,
    spec::{Op, Outcome},
    words::in_words,
};

impl<'a> Known<'a> {
    pub(super) fn read_claims(&mut self, part: &[(u32, Seen)]) -> Result<(), Halt> {
        let mut repeated = HashMap::new();
        for (at, seen) in part {
            let at = *at as usize;
            let (from, to) = (Limit::of(seen.from, at), Limit::of(seen.to, at));
            match (seen.what, self.only) {
                (What::Plain(status), Some(client)) => {
                    self.asks.push(Ask { claim: None, at, from, to, answer: Answer::Only(client, status) });
                }
                (What::Plain(_) | What::Claim, _) => {
                    let (claim, answer) = match (&self.history[at].op, &self.history[at].outcome) {
                        (Op::Claim(claim), None) => (claim, Answer::Lost),
                        (Op::Claim(claim), Some(Outcome::Claimed(statuses))) => (claim, Answer::Told(statuses)),
                        (_, Some(Outcome::Refused(_))) => {
                            self.doubt("a claim was refused");
                            continue;
                        }
                        _ => return Err(Halt::not_covered("a claim was answered in a way that it cannot be")),
                    };
                    if !claim.requires.is_empty() {
                        return Err(Halt::not_covered("a claim requires capabilities"));
                    }
                    let ask = Ask { claim: Some(claim), at, from, to, answer };
                    let Some(key) = claim.key else {
                        self.asks.push(ask);
                        continue;
                    };
                    if self.initial.claims.contains_key(&(claim.requester, claim.user, key)) {
                        return Err(Halt::not_covered("a claim repeats one from before the history"));
                    }
                    match repeated.entry((claim.requester, claim.user, key)) {
                        Entry::Vacant(new) => {
                            new.insert(self.asks.len());
                            self.asks.push(ask);
                        }
                        Entry::Occupied(first) => self.read_repetition(*first.get(), ask)?,
                    }
                }
                (What::Other | What::Odd, _) => {}
            }
        }
        (0..self.asks.len()).try_for_each(|ask| self.read_answer(ask))
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
            (Answer::Told(one), Answer::Told(other)) if one != other => {
                let says = format!("one claim was answered twice: {}; and {}", in_words(one), in_words(other));
                return Err(Halt::illegal("CLAIM-RETRY", says, [first.at, ask.at]));
            }
            (Answer::Lost, Answer::Told(_)) => (first.answer, first.at) = (ask.answer, ask.at),
            _ => {}
        }
        Ok(())
    }

    fn read_answer(&mut self, ask: usize) -> Result<(), Halt> {
        let (claim, at, statuses) = match self.asks[ask] {
            Ask { answer: Answer::Only(client, status), .. } => return self.read_status(ask, client, status),
            Ask { claim: Some(claim), at, answer: Answer::Told(statuses), .. } => (claim, at, statuses),
            _ => {
                self.note_taker(ask);
                return Ok(());
            }
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
        let Some(claim) = self.asks[ask].claim else { return };
        let clients = self.clients.get(&claim.user).into_iter().flatten();
        let clients: Vec<_> = clients.filter(|client| Some(**client) != claim.requester_client).collect();
        let several = clients.len() > 1;
        clients.into_iter().for_each(|client| self.takers.entry(*client).or_default().push(ask));
        if several {
            self.doubt("a claim without an answer covers several clients");
        }
    }

    fn read_status(&mut self, ask: usize, client: Client, status: Status) -> Result<(), Halt> {
        let at = self.asks[ask].at;
        if let Some(package) = status.granted() {
            let found = self.item(package).map(|found| (found, &self.items[found]));
            let ours = |item: &Item<'_>| self.alike && self.only == Some(client) || item.facts.client == client;
            let Some((found, item)) = found.filter(|(_, item)| ours(item)) else {
                let says = format!("{package} was never published by {client}");
                return Err(Halt::illegal("CLAIM-BYTES", says, [at]));
            };
            let asked = &self.asks[ask];
            let regular = matches!(status, Status::Regular(_));
            let rule = if let Some(rule) = item.dead {
                rule.name()
            } else if !asked.accepts(&item.facts.suite) {
                "CLAIM-COMPATIBLE"
            } else if regular != item.is_regular() || (!regular && !asked.accepts_last_resort()) {
                "LAST-TOLD"
            } else if let Some(before) = item.grant() {
                let says = format!("{package} was granted twice");
                return Err(Halt::illegal("CLAIM-ONCE", says, [self.asks[before].at, at]));
            } else {
                if regular {
                    self.items[found].grant_to(ask);
                } else {
                    let lens = self.lens(client, asked);
                    self.empties.push(Empty { ask, client, status, lens });
                }
                return Ok(());
            };
            return Err(Halt::illegal(rule, format_args!("{status} could not be granted"), [at]));
        }
        let lens = self.lens(client, &self.asks[ask]);
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
