//! The first face: every outcome that is allowed, with the events that it means.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    history::{Claim, Event, Fate as PackageFate, Role, State, Status},
    names::{Client, Key, Package, User},
    spec::{
        Op, Outcome, Reason, Spec, Stock, WithdrawnFate,
        claiming::{Allowed, count},
    },
};

impl Spec {
    /// Every allowed outcome of `op` in `state`, with the state after it. Never empty.
    #[must_use]
    pub fn outcomes(&self, state: &State, op: &Op) -> Vec<(Outcome, State)> {
        let decisions = self.decisions(state, op).into_iter();
        decisions.map(|(outcome, events)| (outcome, after(state, &events))).collect()
    }

    /// Every allowed outcome of `op` in `state`, with the events that a directory would append for it.
    #[must_use]
    pub fn decisions(&self, state: &State, op: &Op) -> Vec<(Outcome, Vec<Event>)> {
        match op {
            Op::AddKey { user, client, key } => vec![add_key(state, *user, *client, *key)],
            Op::RemoveKey { client, key } => vec![remove_key(state, *client, *key)],
            Op::Publish { client, packages } => {
                let faults = self.faults(state, *client, packages);
                if !faults.is_empty() {
                    return faults.reasons().map(refused).collect();
                }
                let fresh: Vec<_> = self.fresh(state, packages).cloned().collect();
                let events = if fresh.is_empty() { vec![] } else { vec![Event::Published(fresh)] };
                vec![(Outcome::Done, events)]
            }
            Op::Claim(claim) => self.claim(state, claim),
            Op::Withdraw { client, packages } => vec![withdraw(state, *client, packages)],
            Op::Stock { client } => vec![stock(state, *client)],
            Op::Notifications { client, after } => {
                let unread = state.notifications.get(client).into_iter().flatten();
                let unread = unread.filter(|notified| notified.sequence > *after).cloned().collect();
                vec![(Outcome::Notifications(unread), vec![])]
            }
            Op::Acknowledge { client, through } => {
                let unread = state.notifications.get(client).into_iter().flatten();
                let changes = unread.into_iter().any(|notified| notified.sequence <= *through);
                let event = Event::Acknowledged { client: *client, through: *through };
                vec![(Outcome::Done, if changes { vec![event] } else { vec![] })]
            }
            Op::Tick { to } => vec![(Outcome::Done, vec![Event::Ticked { to: *to }])],
        }
    }

    fn claim(&self, state: &State, claim: &Claim) -> Vec<(Outcome, Vec<Event>)> {
        match self.allowed(state, claim) {
            Allowed::Again(statuses) => vec![(Outcome::Claimed(statuses), vec![])],
            Allowed::Refused(reason) => vec![refused(reason)],
            Allowed::New(choices) => {
                let answers = combinations(&choices).into_iter();
                answers
                    .map(|statuses| {
                        let events = self.claim_events(state, claim, &statuses);
                        (Outcome::Claimed(statuses), events)
                    })
                    .collect()
            }
        }
    }
}

/// The state after `events`.
pub(super) fn after(state: &State, events: &[Event]) -> State {
    let mut after = state.clone();
    events.iter().for_each(|event| after.apply(event));
    after
}

fn refused(reason: Reason) -> (Outcome, Vec<Event>) {
    (Outcome::Refused(reason), vec![])
}

/// Each client chooses for itself.
fn combinations(choices: &BTreeMap<Client, BTreeSet<Status>>) -> Vec<BTreeMap<Client, Status>> {
    choices.iter().fold(vec![BTreeMap::new()], |answers, (client, allowed)| {
        let extend = |answer: &BTreeMap<Client, Status>| {
            let answer = answer.clone();
            allowed.iter().map(move |status| {
                let mut answer = answer.clone();
                answer.insert(*client, *status);
                answer
            })
        };
        answers.iter().flat_map(extend).collect()
    })
}

fn add_key(state: &State, user: User, client: Client, key: Key) -> (Outcome, Vec<Event>) {
    match state.keys.get(&key) {
        None => (Outcome::Done, vec![Event::KeyAdded { user, client, key }]),
        // Adding again what is there changes nothing: an answer may have been lost.
        Some(known) if known.client == client && known.user == user && !known.removed => (Outcome::Done, vec![]),
        Some(_) => refused(Reason::KeyTaken),
    }
}

fn remove_key(state: &State, client: Client, key: Key) -> (Outcome, Vec<Event>) {
    match state.keys.get(&key) {
        Some(known) if known.client == client && known.removed => (Outcome::Done, vec![]),
        Some(known) if known.client == client => (Outcome::Done, vec![Event::KeyRemoved { key }]),
        _ => refused(Reason::UnknownKey),
    }
}

fn withdraw(state: &State, client: Client, packages: &[Package]) -> (Outcome, Vec<Event>) {
    let mut fates = BTreeMap::new();
    let mut events = vec![];
    for package in packages.iter().collect::<BTreeSet<_>>() {
        let known = state.packages.get(package).filter(|known| known.facts.client == client);
        let fate = match known.map(|known| known.fate) {
            None => WithdrawnFate::Unknown,
            Some(PackageFate::Granted) => WithdrawnFate::AlreadyGranted,
            Some(PackageFate::Withdrawn) => WithdrawnFate::Withdrawn,
            Some(PackageFate::Available) => {
                events.push(Event::Withdrawn { client, package: *package });
                WithdrawnFate::Withdrawn
            }
        };
        fates.insert(*package, fate);
    }
    (Outcome::Withdrawn(fates), events)
}

fn stock(state: &State, client: Client) -> (Outcome, Vec<Event>) {
    let mut stock = Stock::default();
    let suites: BTreeSet<_> = state
        .packages
        .values()
        .filter(|package| package.facts.client == client)
        .map(|package| package.facts.suite)
        .collect();
    for suite in suites {
        let of_suite = || state.live(client).filter(move |package| package.facts.suite == suite);
        stock.regular.insert(suite, count(of_suite().filter(|package| package.facts.role == Role::Regular)));
        if let Some(last_resort) = of_suite().find(|package| package.facts.role == Role::LastResort) {
            stock.last_resort.insert(suite, last_resort.granted);
        }
    }
    (Outcome::Stock(stock), vec![])
}
