//! The worlds of one package alone: few operations speak of it, however long the history is.
//!
//! Of a legal history, what happened to one package, to the key that signed it and to the clock is legal by itself, as
//! far as rules are concerned that look at nothing else. Claims with a lost answer are left out: that such a claim took
//! the package, too, would not make any of these rules hold again.

use std::collections::BTreeMap;

use crate::{
    history::{Claim, Claimed, Event, Facts, Status},
    linearize::Operation,
    names::{Client, Key, Package},
    rules::{RULES, Rule},
    spec::{Op, Outcome, WithdrawnFate},
    view::{
        Seen,
        worlds::{self, Broken},
    },
};

/// The rules that are broken by what is certain of a single package.
pub(super) fn broken(seen: &Seen<'_>) -> Broken {
    let lost_claims = seen.operations.iter().any(|it| matches!(it.op, Op::Claim(_)) && it.outcome.is_none());
    let judged = |rule: &&Rule| OF_ONE_PACKAGE.contains(&rule.id) && !(lost_claims && rule.id == "LIFE-WITHDRAW-RACE");
    let rules: Vec<Rule> = RULES.iter().filter(judged).copied().collect();
    let index = Index::of(seen);
    let mut all = Broken::new();
    for package in index.packages.keys() {
        let Some(operations) = index.part(seen, *package) else { continue };
        let setup: Vec<_> = seen.setup.iter().filter_map(|event| index.before(*package, event)).collect();
        let part = Seen { setup: &setup, operations: &operations, ..seen.clone() };
        for (rule, how) in worlds::broken(&part, &rules, WORLDS_MAX).into_iter().flatten() {
            all.entry(rule).or_insert(how);
        }
    }
    all
}

/// Which operations speak of what.
#[derive(Default)]
struct Index<'a> {
    packages: BTreeMap<Package, Vec<usize>>,
    facts: BTreeMap<Package, &'a Facts>,
    keys: BTreeMap<Key, Vec<usize>>,
    clients: BTreeMap<Client, Vec<usize>>,
    /// When a claim with a key was first sent: a later answer to it may only repeat what was decided then.
    sent: BTreeMap<&'a Claim, u64>,
    /// The clock and the operator concern everything.
    everything: Vec<usize>,
}

impl<'a> Index<'a> {
    fn of(seen: &Seen<'a>) -> Self {
        let mut index = Self::default();
        let published = seen.setup.iter().filter_map(|event| match event {
            Event::Published(batch) => Some(batch),
            _ => None,
        });
        index.facts.extend(published.flatten().map(|facts| (facts.package, facts)));
        for (at, operation) in seen.operations.iter().enumerate() {
            index.note(at, operation);
        }
        index
    }

    fn note(&mut self, at: usize, operation: &'a Operation) {
        if let Op::Claim(claim) = &operation.op
            && claim.key.is_some()
        {
            let sent = self.sent.entry(claim).or_insert(u64::MAX);
            *sent = operation.invoked.min(*sent);
        }
        if matches!(operation.outcome, Some(Outcome::Refused(_) | Outcome::Limited { .. })) {
            return;
        }
        match (&operation.op, &operation.outcome) {
            (Op::Publish { packages, .. }, _) => self.note_published(at, packages),
            (Op::Replace { client, packages }, _) => {
                self.note_published(at, packages);
                self.clients.entry(*client).or_default().push(at);
            }
            (Op::Claim(_), Some(Outcome::Claimed(statuses))) => {
                for package in statuses.values().filter_map(Status::granted) {
                    self.packages.entry(package).or_default().push(at);
                }
            }
            (Op::Withdraw { packages, .. }, _) => {
                for package in packages {
                    self.packages.entry(*package).or_default().push(at);
                }
            }
            (Op::AddKey { key, .. } | Op::ExtendKey { key, .. } | Op::RemoveKey { key, .. }, _) => {
                self.keys.entry(*key).or_default().push(at);
            }
            (Op::RemoveClient { client }, _) => self.clients.entry(*client).or_default().push(at),
            (Op::Tick { .. } | Op::Fence, _) => self.everything.push(at),
            _ => {}
        }
    }

    fn note_published(&mut self, at: usize, packages: &'a [Facts]) {
        for facts in packages {
            self.facts.insert(facts.package, facts);
            self.packages.entry(facts.package).or_default().push(at);
        }
    }

    /// The operations that concern this package, told as if there were no other one; none if they are too many.
    fn part(&self, seen: &Seen<'_>, package: Package) -> Option<Vec<Operation>> {
        let facts = self.facts.get(&package);
        let of_key = facts.and_then(|facts| self.keys.get(&facts.signer));
        let of_client = facts.and_then(|facts| self.clients.get(&facts.client));
        let own = self.packages.get(&package);
        let lists = [own, of_key, of_client, Some(&self.everything)];
        let mut places: Vec<usize> = lists.into_iter().flatten().flatten().copied().collect();
        places.sort_unstable();
        places.dedup();
        let few = places.len() <= PART_MAX;
        few.then(|| places.into_iter().map(|at| self.narrowed(&seen.operations[at], package)).collect())
    }

    fn narrowed(&self, operation: &Operation, package: Package) -> Operation {
        let mut part = narrowed(operation, package);
        if let Op::Claim(claim) = &operation.op {
            part.invoked = self.sent.get(claim).copied().unwrap_or(part.invoked);
        }
        part
    }

    /// What an event of before has to do with this package.
    fn before(&self, package: Package, event: &Event) -> Option<Event> {
        let facts = self.facts.get(&package)?;
        let concerns = match event {
            Event::Published(batch) => {
                let own = batch.iter().find(|facts| facts.package == package)?;
                return Some(Event::Published(vec![own.clone()]));
            }
            Event::Claimed(Claimed { claim, statuses }) => {
                let own = statuses.iter().find(|(_, status)| status.granted() == Some(package))?;
                let statuses = [(*own.0, *own.1)].into();
                return Some(Event::Claimed(Claimed { claim: claim.clone(), statuses }));
            }
            Event::KeyAdded { key, .. } | Event::KeyExtended { key, .. } | Event::KeyRemoved { key } => {
                *key == facts.signer
            }
            Event::ClientRemoved { client } => *client == facts.client,
            Event::Withdrawn { package: of, .. } => *of == package,
            Event::Fenced | Event::Ticked { .. } => true,
            _ => false,
        };
        concerns.then(|| event.clone())
    }
}

/// The operation as if there were no other package.
fn narrowed(operation: &Operation, package: Package) -> Operation {
    let mut part = operation.clone();
    match &mut part.op {
        Op::Publish { packages, .. } | Op::Replace { packages, .. } => {
            packages.retain(|facts| facts.package == package);
        }
        Op::Withdraw { packages, .. } => packages.retain(|other| *other == package),
        _ => {}
    }
    match &mut part.outcome {
        Some(Outcome::Claimed(statuses)) => statuses.retain(|_, status| status.granted() == Some(package)),
        Some(Outcome::Withdrawn(fates)) => {
            fates.retain(|other, fate| *other == package && *fate != WithdrawnFate::Unknown);
        }
        _ => {}
    }
    part
}

const OF_ONE_PACKAGE: &[&str] = &[
    "CLAIM-ONCE",
    "CLAIM-BYTES",
    "CLAIM-LIVE",
    "CLAIM-COMPATIBLE",
    "CLAIM-NOT-SELF",
    "LAST-TOLD",
    "LAST-SAME-CHECKS",
    "KEY-CASCADE",
    "LIFE-TERMINAL",
    "LIFE-WITHDRAW-RACE",
];

const PART_MAX: usize = 10;
const WORLDS_MAX: usize = 2_000;
