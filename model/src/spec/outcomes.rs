//! The first face: every outcome that is allowed, with the events that it means.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    history::{Answer, Claim, Event, Facts, PackageStanding, State, Status},
    names::{Client, Time},
    spec::{
        Op, Outcome, Reason, Spec,
        claiming::{Allowed, count},
        keys, owner,
    },
};

/// An outcome, and the events that a directory appends for it.
pub type Decision = (Outcome, Vec<Event>);

impl Spec {
    /// Every allowed outcome of `op` in `state`, with the state after it. Never empty.
    #[must_use]
    pub fn outcomes(&self, state: &State, op: &Op) -> Vec<(Outcome, State)> {
        let decisions = self.decisions(state, op).into_iter();
        decisions.map(|(outcome, events)| (outcome, after(state, &events))).collect()
    }

    /// Every allowed outcome of `op` in `state`, with the events that a directory would append for it.
    #[must_use]
    pub fn decisions(&self, state: &State, op: &Op) -> Vec<Decision> {
        let decision = match op {
            Op::Publish { client, packages } => return self.publish(state, *client, packages),
            Op::Replace { client, packages } => return self.replace(state, *client, packages),
            Op::Claim(claim) => return self.claim(state, claim),
            Op::AddKey { user, client, key, expires } => keys::add(state, *user, *client, *key, *expires),
            Op::ExtendKey { client, key, expires } => keys::extend(state, *client, *key, *expires),
            Op::RemoveKey { client, key } => keys::remove(state, *client, *key),
            Op::RemoveClient { client } => keys::remove_client(state, *client),
            Op::Keys { user } => keys::list(state, *user),
            Op::Verify { user, key, at } => keys::verify(state, *user, *key, *at),
            Op::Withdraw { client, packages } => owner::withdraw(state, *client, packages),
            Op::Block { user, requester } => {
                let event = Event::Blocked { user: *user, requester: *requester };
                done(!state.blocked.contains(&(*user, *requester)), event)
            }
            Op::Unblock { user, requester } => {
                let event = Event::Unblocked { user: *user, requester: *requester };
                done(state.blocked.contains(&(*user, *requester)), event)
            }
            Op::Stock { client } => owner::stock(self, state, *client),
            Op::Reconcile { client } => owner::reconcile(state, *client),
            Op::Notifications { client, after } => owner::notifications(state, *client, *after),
            Op::Acknowledge { client, through } => owner::acknowledge(state, *client, *through),
            Op::Collect => owner::collect(state),
            Op::Fence => done(true, Event::Fenced),
            Op::Tick { to } => done(true, Event::Ticked { to: *to }),
        };
        vec![decision]
    }

    fn publish(&self, state: &State, client: Client, packages: &[Facts]) -> Vec<Decision> {
        let faults = self.faults(state, client, packages);
        if !faults.is_empty() {
            return faults.reasons().map(refused).collect();
        }
        vec![(Outcome::Done, self.published(state, packages))]
    }

    /// Everything is looked at before anything is withdrawn (`PUB-ATOMIC`).
    fn replace(&self, state: &State, client: Client, packages: &[Facts]) -> Vec<Decision> {
        let (mut events, without) = self.without_replaced(state, client, packages);
        let faults = self.faults(&without, client, packages);
        if !faults.is_empty() {
            return faults.reasons().map(refused).collect();
        }
        let withdrawn = count(events.iter());
        events.extend(self.published(&without, packages));
        vec![(Outcome::Replaced { withdrawn }, events)]
    }

    /// What a replacement takes away, and the state without it.
    pub(super) fn without_replaced(&self, state: &State, client: Client, packages: &[Facts]) -> (Vec<Event>, State) {
        let available = state.packages.values().filter(|known| state.standing(known) == PackageStanding::Available);
        let replaced =
            available.map(|known| &known.facts).filter(|known| known.client == client && !packages.contains(known));
        let events: Vec<_> = replaced.map(|known| Event::Withdrawn { client, package: known.package }).collect();
        let without = after(state, &events);
        (events, without)
    }

    fn published(&self, state: &State, packages: &[Facts]) -> Vec<Event> {
        let fresh: Vec<_> = self.fresh(state, packages).cloned().collect();
        if fresh.is_empty() { vec![] } else { vec![Event::Published(fresh)] }
    }

    fn claim(&self, state: &State, claim: &Claim) -> Vec<Decision> {
        let asked = || self.counted(self.asking(claim));
        match self.allowed(state, claim) {
            Allowed::Again(Answer::Statuses(statuses)) => vec![(Outcome::Claimed(statuses), vec![])],
            Allowed::Again(Answer::Limited(retry_after)) => vec![(Outcome::Limited { retry_after }, vec![])],
            Allowed::Mismatch => vec![refused(Reason::IdempotencyMismatch)],
            Allowed::RequesterLimited(wait) => vec![limited(claim, wait, vec![])],
            Allowed::ServerLimited(wait) => vec![limited(claim, wait, self.counted(self.asking(claim).take(1)))],
            Allowed::Unknown | Allowed::Blocked => vec![(Outcome::Refused(Reason::UnknownUser), asked())],
            Allowed::PairLimited(wait) => vec![limited(claim, wait, asked())],
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

fn limited(claim: &Claim, retry_after: Time, mut events: Vec<Event>) -> Decision {
    if claim.key.is_some() {
        events.push(Event::Limited { claim: claim.clone(), retry_after });
    }
    (Outcome::Limited { retry_after }, events)
}

fn done(changes: bool, event: Event) -> Decision {
    (Outcome::Done, if changes { vec![event] } else { vec![] })
}

/// The state after `events`.
pub(super) fn after(state: &State, events: &[Event]) -> State {
    let mut after = state.clone();
    events.iter().for_each(|event| after.apply(event));
    after
}

pub(super) fn refused(reason: Reason) -> Decision {
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
