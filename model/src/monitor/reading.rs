//! Reads a history once: what was there from the start, and operations by their kinds.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    history::{Fate, PackageState, Role, State},
    linearize::Operation,
    monitor::{
        known::{Halt, Item, Known},
        limit::{Limit, NEVER, Rule},
        numbers::Numbers,
        parts::{Seen, Stored, What},
    },
    names::{Client, Key, Suite},
    spec::{Op, Outcome, Spec},
};

impl<'a> Known<'a> {
    pub(super) fn new(spec: &'a Spec, initial: &'a State, history: &'a [Operation]) -> Self {
        Self {
            spec,
            initial,
            history,
            settled: false,
            only: None,
            latest_tick: 0,
            latest_pool: None,
            alike: true,
            init_keys: vec![],
            keys: BTreeMap::new(),
            items: vec![],
            index: Numbers::up_to(initial.packages.len() + history.len()),
            before: 0,
            batches: vec![],
            called_used: vec![],
            called_full: vec![],
            asks: vec![],
            empties: vec![],
            withdrawals: vec![],
            removals: BTreeMap::new(),
            ticks: vec![],
            stocks: vec![],
            clients: BTreeMap::new(),
            vanishing: BTreeMap::new(),
            suites: BTreeMap::new(),
            stored: BTreeMap::new(),
            takers: BTreeMap::new(),
            ordered: BTreeSet::new(),
            doubt: None,
        }
    }

    /// Forgets the part before, but keeps the memory that it took.
    fn forget(&mut self) {
        self.before += self.items.len();
        (self.latest_pool, self.alike) = (None, true);
        self.init_keys.clear();
        self.keys.clear();
        self.items.clear();
        self.batches.clear();
        self.called_used.clear();
        self.called_full.clear();
        self.asks.clear();
        self.empties.clear();
        self.withdrawals.clear();
        self.removals.clear();
        self.ticks.clear();
        self.stocks.clear();
        self.clients.clear();
        self.vanishing.clear();
        self.suites.clear();
        self.stored.clear();
        self.takers.clear();
        self.ordered.clear();
        self.doubt = None;
    }

    pub(super) fn read(&mut self, part: &[(u32, Seen)], stored: &Stored<'a>) -> Result<(), Halt> {
        self.forget();
        self.only = stored.only;
        self.keys.extend(stored.keys.iter().copied());
        for key in self.keys.values().filter(|key| key.removed.is_none()) {
            self.clients.entry(key.user).or_default().insert(key.client);
        }
        if self.keys.values().any(|key| key.expires.is_some()) {
            return Err(Halt::not_covered("a signature key expires"));
        }
        self.read_initial(&stored.packages)?;
        let history = self.history;
        let mut claims = 0;
        for block in part.chunks(256) {
            self.look_at_publications(block)?;
            for (at, seen) in block {
                let at = *at as usize;
                if seen.from >= NEVER - 1 || seen.to < seen.from {
                    return Err(Halt::not_covered(format_args!("operation {at} has no sensible times")));
                }
                match seen.what {
                    What::Odd => {
                        return Err(Halt::not_covered(format_args!(
                            "operation {at} has an answer or an end, but not both"
                        )));
                    }
                    What::Plain(_) | What::Claim => claims += 1,
                    What::Other => self.read_other(at, &history[at])?,
                }
            }
        }
        self.asks.reserve(claims);
        self.check_init_keys()?;
        self.note_vanishing()?;
        self.read_claims(part)?;
        Ok(())
    }

    pub(super) fn add(&mut self, item: Item<'a>) -> Result<(), Halt> {
        let package = item.facts.package;
        if self.index.get(package.0).is_some() {
            return Err(Halt::Mingled(format!("{package} is of several clients")));
        }
        if item.dead.is_none() && item.facts.not_after <= self.latest_tick {
            return Err(Halt::Mingled(format!("{package} expires")));
        }
        self.index.insert(package.0, self.before + self.items.len());
        let (facts, stored) = (item.facts, item.batch().is_none());
        self.items.push(item);
        // Noted now, while the processor has it at hand.
        self.init_keys.push(u64::from(facts.client.0) << 32 | u64::from(facts.init_key.0));
        if self.latest_pool == Some((facts.client, facts.suite)) {
            return Ok(());
        }
        self.note_pool(facts.client, facts.suite, stored)
    }

    /// A suite that a client has or could have a package of.
    fn note_pool(&mut self, client: Client, suite: Suite, stored: bool) -> Result<(), Halt> {
        self.alike &= self.latest_pool.is_none() && self.only == Some(client);
        self.latest_pool = Some((client, suite));
        let suites = self.suites.entry(client).or_default();
        if !suites.contains(&suite) {
            suites.push(suite);
            if stored {
                // What was there from the start comes first, so its bits are the lowest.
                self.stored.insert(client, (1 << suites.len()) - 1);
            }
            if suites.len() > 60 {
                return Err(Halt::not_covered("a client has packages of more than 60 suites"));
            }
        }
        Ok(())
    }

    fn read_initial(&mut self, packages: &[&'a PackageState]) -> Result<(), Halt> {
        for stored in packages {
            let facts = &stored.facts;
            if facts.not_before > self.initial.now {
                return Err(Halt::not_covered(format_args!("{} is not valid yet at the start", facts.package)));
            }
            let listed = self.keys.get(&facts.signer).is_some_and(|key| key.removed.is_none());
            let mut item = Item::new(facts, None);
            item.fate = stored.fate;
            item.granted = stored.granted;
            item.certain.0 = Limit::BEFORE;
            item.dead = match stored.fate {
                Fate::Granted => Some(Rule::ClaimOnce),
                Fate::Withdrawn if facts.role == Role::LastResort => Some(Rule::LastReplaced),
                Fate::Withdrawn => Some(Rule::LifeTerminal),
                Fate::Available if facts.not_after <= self.initial.now => Some(Rule::ClaimLive),
                Fate::Available => (!listed).then_some(Rule::KeyCascade),
            };
            self.add(item)?;
        }
        Ok(())
    }

    fn read_other(&mut self, at: usize, operation: &'a Operation) -> Result<(), Halt> {
        match (&operation.op, &operation.outcome) {
            (Op::Publish { client, packages }, outcome) => {
                self.read_publication(at, *client, packages, outcome.as_ref())
            }
            (Op::Withdraw { packages, .. }, outcome) => self.read_withdrawal(at, packages, outcome.as_ref()),
            (Op::RemoveKey { client, key }, Some(Outcome::Done)) => self.read_removal(at, *client, *key),
            (Op::Tick { to }, outcome) if matches!(outcome, None | Some(Outcome::Done)) => {
                if *to > self.initial.now {
                    if outcome.is_none() {
                        return Err(Halt::not_covered("time passed, and nobody knows whether"));
                    }
                    self.ticks.push((*to, self.from(at), self.to(at)));
                }
                Ok(())
            }
            (Op::Stock { .. }, Some(Outcome::Stock(_))) => {
                self.stocks.push(at);
                Ok(())
            }
            (Op::Notifications { .. }, Some(Outcome::Notifications(_))) => {
                self.doubt("notifications were read: the order that they show is not looked at");
                Ok(())
            }
            // Without an answer a read says nothing, and what is acknowledged shows only where notifications are read.
            (Op::Stock { .. } | Op::Notifications { .. }, None)
            | (Op::Acknowledge { .. }, None | Some(Outcome::Done)) => Ok(()),
            (Op::RemoveKey { .. }, Some(Outcome::Refused(_))) => {
                self.doubt("the removal of a key was refused");
                Ok(())
            }
            (Op::RemoveKey { .. }, None) => Err(Halt::not_covered("the removal of a key has no answer")),
            (Op::AddKey { .. }, Some(Outcome::Done)) if self.settled => Ok(()),
            (Op::AddKey { .. }, _) => Err(Halt::not_covered("a key is added")),
            _ => Err(Halt::not_covered(format_args!("operation {at} was answered in a way that it cannot be"))),
        }
    }

    fn read_removal(&mut self, at: usize, client: Client, key: Key) -> Result<(), Halt> {
        match self.keys.get(&key).filter(|known| known.client == client) {
            None => Err(Halt::illegal("KEY-LIST", format_args!("{key} was removed, which {client} never had"), [at])),
            Some(known) if known.removed.is_some() => Ok(()),
            Some(_) => {
                // Removing again is harmless, so only the first one counts; it can be any that began before all ended.
                let (from, to) = (self.from(at).under(Rule::KeyCascade), self.to(at).under(Rule::KeyCascade));
                let span = self.removals.entry(key).or_insert((from, to));
                span.0.lower(from);
                span.1.lower(to);
                Ok(())
            }
        }
    }

    fn read_withdrawal(
        &mut self,
        at: usize,
        packages: &[crate::names::Package],
        outcome: Option<&'a Outcome>,
    ) -> Result<(), Halt> {
        match (outcome, packages) {
            (Some(Outcome::Withdrawn(fates)), _) => {
                if !fates.keys().eq(packages.iter().collect::<BTreeSet<_>>()) {
                    let says = "the answer is about other packages than those to withdraw";
                    return Err(Halt::illegal("LIFE-WITHDRAW-RACE", says, [at]));
                }
            }
            (None, [_] | []) => {}
            (None, _) => return Err(Halt::not_covered("a withdrawal of several packages has no answer")),
            _ => return Err(Halt::not_covered("a withdrawal was refused")),
        }
        self.withdrawals.push(at);
        Ok(())
    }

    fn note_vanishing(&mut self) -> Result<(), Halt> {
        let mut listed: BTreeMap<Client, Vec<Key>> = BTreeMap::new();
        for (key, state) in self.keys.iter().filter(|(_, state)| state.removed.is_none()) {
            listed.entry(state.client).or_default().push(*key);
        }
        for (client, keys) in listed {
            match keys[..] {
                [key] if self.removals.contains_key(&key) => drop(self.vanishing.insert(client, key)),
                _ if keys.iter().all(|key| self.removals.contains_key(key)) => {
                    return Err(Halt::not_covered(format_args!("all of several keys of {client} are removed")));
                }
                _ => {}
            }
        }
        Ok(())
    }
}
