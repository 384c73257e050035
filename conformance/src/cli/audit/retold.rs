//! A user's events, told to the model one by one: each as the question and the answer that led to it.

use std::collections::{BTreeMap, BTreeSet};

use kpd_directory::{
    Event, Policy, UnixSeconds, UserId, UserState,
    blocks::Blocked,
    event::{Claim, Granted},
    key_package::Role,
};
use kpd_model::{
    history::{Event as ModelEvent, Notified, State, Status},
    names::Client,
    spec::{Op, Outcome, Spec, WithdrawnFate},
};

use super::names::{Names, OWNER};

/// The model beside a history.
pub(super) struct Retold {
    spec: Spec,
    state: State,
    names: Names,
    /// What the directory's own core makes of the events: it numbers notifications otherwise.
    core: UserState,
    blocks: BTreeSet<Blocked>,
}

impl Retold {
    /// Everybody in the history has a name from the beginning: to the model a server that is blocked is all its users.
    pub(super) fn new(events: &[Event]) -> Self {
        let policy = Policy::default();
        let spec = Spec {
            lifetime_max: policy.lifetime_seconds_max,
            skew: policy.clock_skew_seconds,
            stock_max: policy.stock_max,
            batch_max: policy.batch_max,
            claim_memory: policy.idempotency_seconds,
            ..Spec::default()
        };
        let mut names = Names::default();
        let owner = events.iter().find_map(|event| match event {
            Event::Enrolled { user, .. } => Some(user),
            _ => None,
        });
        if let Some(owner) = owner {
            names.requester(owner);
        }
        for event in events {
            if let Event::Claimed { claim, .. } | Event::ClaimLimited { claim, .. } = event {
                names.requester(&claim.requester.user);
            }
        }
        Self { spec, state: State::default(), names, core: UserState::default(), blocks: BTreeSet::new() }
    }

    /// Whether the model could have done all of it; or at which event it could not, and why.
    pub(super) fn judge(mut self, events: &[Event]) -> Result<(), String> {
        for (place, event) in events.iter().enumerate() {
            self.take_in(event).map_err(|why| format!("event {place}: {}", self.names.told(why)))?;
        }
        Ok(())
    }

    fn take_in(&mut self, event: &Event) -> Result<(), String> {
        let now = at(event);
        if now > self.state.now {
            self.state.apply(&ModelEvent::Ticked { to: now });
        }
        for (op, outcome) in self.steps(event) {
            let after = self.spec.accepts(&self.state, &op, &outcome);
            self.state = after.map_err(|refusal| refusal.to_string())?;
        }
        if let Event::ClaimLimited { claim, limited, .. } = event {
            let claim = self.names.claim(claim);
            self.state.apply(&ModelEvent::Limited { claim, retry_after: limited.retry_after });
        }
        self.core.apply(event);
        self.compare_feeds(now, event)
    }

    /// The question and the answer that lead to an event; several, where the model has smaller ones.
    fn steps(&mut self, event: &Event) -> Vec<(Op, Outcome)> {
        let names = &mut self.names;
        let step = match event {
            // The model knows users by their keys, and it knows no clock that a directory follows.
            Event::Enrolled { .. } | Event::ClaimLimited { .. } => return vec![],
            Event::KeyAdded { client, key, expires_at, .. } => {
                let (client, key) = (names.client(client), names.key(&key.id()));
                (Op::AddKey { user: OWNER, client, key, expires: *expires_at }, Outcome::Done)
            }
            Event::KeyExtended { key, expires_at, .. } => {
                let key = names.key(key);
                let client = self.state.keys.get(&key).map_or(Client(u32::MAX), |known| known.client);
                (Op::ExtendKey { client, key, expires: *expires_at }, Outcome::Done)
            }
            Event::KeyRemoved { key, .. } => {
                let key = names.key(key);
                let client = self.state.keys.get(&key).map_or(Client(u32::MAX), |known| known.client);
                (Op::RemoveKey { client, key }, Outcome::Done)
            }
            Event::ClientRemoved { client, .. } => {
                let client = names.client(client);
                // How many were unread was told, and is not stored.
                let unread = self.state.notifications.get(&client).map_or(0, Vec::len);
                let unread = u32::try_from(unread).unwrap_or(u32::MAX);
                (Op::RemoveClient { client }, Outcome::ClientRemoved { unread })
            }
            Event::Published { client, key_packages, .. } => {
                let packages = key_packages.iter().map(|facts| names.facts(client, facts)).collect();
                (Op::Publish { client: names.client(client), packages }, Outcome::Done)
            }
            Event::Claimed { claim, answers, .. } => return vec![self.claimed(claim, answers)],
            Event::Withdrawn { client, references, .. } => {
                let packages: Vec<_> = references.iter().map(|reference| names.package(reference)).collect();
                let fates = packages.iter().map(|package| (*package, WithdrawnFate::Withdrawn)).collect();
                (Op::Withdraw { client: names.client(client), packages }, Outcome::Withdrawn(fates))
            }
            Event::Collected { .. } => (Op::Collect, Outcome::Done),
            Event::Fenced { .. } => (Op::Fence, Outcome::Done),
            Event::Blocked { blocked, .. } | Event::Unblocked { blocked, .. } => {
                return self.shut_out(blocked, matches!(event, Event::Blocked { .. }));
            }
            Event::Acknowledged { at, client, through } => {
                let told = self.core.notifications(*at, client, 0).unwrap_or_default();
                let read = told.iter().filter(|notification| notification.sequence <= *through).count();
                let client = names.client(client);
                let unread = self.state.notifications.get(&client).map_or(&[][..], Vec::as_slice);
                let last = read.checked_sub(1).and_then(|place| unread.get(place));
                (Op::Acknowledge { client, through: last.map_or(0, |last| last.sequence) }, Outcome::Done)
            }
        };
        vec![step]
    }

    fn claimed(&mut self, claim: &Claim, answers: &[(kpd_directory::ClientName, Granted)]) -> (Op, Outcome) {
        let names = &mut self.names;
        let statuses: BTreeMap<_, _> = answers
            .iter()
            .map(|(client, granted)| {
                let status = match granted {
                    Granted::KeyPackage { reference, role: Role::Regular } => Status::Regular(names.package(reference)),
                    Granted::KeyPackage { reference, role: Role::LastResort } => {
                        Status::LastResort(names.package(reference))
                    }
                    Granted::Exhausted => Status::Exhausted,
                    Granted::Incompatible => Status::Incompatible,
                };
                (names.client(client), status)
            })
            .collect();
        (Op::Claim(names.claim(claim)), Outcome::Claimed(statuses))
    }

    /// To the model each user is shut out by itself; the owner never is.
    fn shut_out(&mut self, blocked: &Blocked, block: bool) -> Vec<(Op, Outcome)> {
        if let Blocked::Requester(user) = blocked {
            self.names.requester(user);
        }
        if block {
            self.blocks.insert(blocked.clone());
        } else {
            self.blocks.remove(blocked);
        }
        let meant = |blocked: &Blocked, user: &UserId| match blocked {
            Blocked::Requester(requester) => requester == user,
            Blocked::Server(server) => *server == user.server(),
        };
        let others = self.names.users.names().filter(|(user, number)| *number != OWNER.0 && meant(blocked, user));
        let op = |(name, number): (&UserId, u32)| {
            let (user, requester) = (OWNER, kpd_model::names::Requester(number));
            let still = self.blocks.iter().any(|blocked| meant(blocked, name));
            if still { Op::Block { user, requester } } else { Op::Unblock { user, requester } }
        };
        others.map(|other| (op(other), Outcome::Done)).collect()
    }

    /// `NOTE-EVERY-GRANT`: what the directory tells its owner is what the model would.
    fn compare_feeds(&mut self, now: UnixSeconds, event: &Event) -> Result<(), String> {
        let clients: Vec<_> = match event {
            Event::Claimed { answers, .. } => answers.iter().map(|(client, _)| client).collect(),
            Event::Acknowledged { client, .. } => vec![client],
            _ => vec![],
        };
        for name in clients {
            let client = self.names.client(name);
            let told = self.core.notifications(now, name, 0).unwrap_or_default();
            let due: &[Notified] = self.state.notifications.get(&client).map_or(&[], Vec::as_slice);
            let told: Vec<_> = told
                .iter()
                .map(|it| (self.names.package(&it.reference), self.names.requester(&it.requester.user), it.remaining))
                .collect();
            let due: Vec<_> = due.iter().map(|it| (it.package, it.requester, it.remaining as usize)).collect();
            if told != due {
                return Err(format!("NOTE-EVERY-GRANT: {client} is told {told:?}, where {due:?} is due"));
            }
        }
        Ok(())
    }
}

/// When it happened.
fn at(event: &Event) -> UnixSeconds {
    match event {
        Event::Enrolled { at, .. }
        | Event::KeyAdded { at, .. }
        | Event::KeyExtended { at, .. }
        | Event::KeyRemoved { at, .. }
        | Event::Published { at, .. }
        | Event::Claimed { at, .. }
        | Event::ClaimLimited { at, .. }
        | Event::Withdrawn { at, .. }
        | Event::ClientRemoved { at, .. }
        | Event::Collected { at, .. }
        | Event::Fenced { at, .. }
        | Event::Blocked { at, .. }
        | Event::Unblocked { at, .. }
        | Event::Acknowledged { at, .. } => *at,
    }
}
