//! Cuts a history into parts that have nothing to do with each other: one for each user.

use std::collections::BTreeSet;

use crate::{
    history::{Claim, Facts, KeyState, PackageState, State, Status},
    linearize::Operation,
    monitor::{
        limit::{Moment, NEVER, moment},
        numbers::Numbers,
    },
    names::{Client, Key, Time, User},
    spec::{Op, Outcome},
};

/// A history in parts. Each is small enough to stay in the caches of the processor while it is judged.
pub(super) struct Parts<'a> {
    /// All operations at a glance, in the order of the history.
    seen: Vec<Seen>,
    /// The positions of all operations, part by part, each in the order of the history.
    positions: Vec<u32>,
    /// Where each part begins in them, and where the last one ends.
    begins: Vec<usize>,
    stored: Vec<Stored<'a>>,
    /// Until when time passes, if the parts do not see it; `None` if there is only one.
    separate: Option<Time>,
}

/// An operation at a glance: most claims need no second look. Small, since there is one for each.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    pub(super) from: Moment,
    pub(super) to: Moment,
    pub(super) what: What,
}

#[derive(Clone, Copy)]
pub(super) enum What {
    /// A claim without key of the only client, for anything, and what it gave.
    Plain(Status),
    Claim,
    Other,
    /// An answer without an end, or an end without an answer.
    Odd,
}

/// What a part has at the start.
#[derive(Default)]
pub(super) struct Stored<'a> {
    /// The client that all its claims ask, if it is one.
    pub(super) only: Option<Client>,
    pub(super) keys: Vec<(Key, &'a KeyState)>,
    pub(super) packages: Vec<&'a PackageState>,
}

/// Where operations belong.
struct Places {
    of_user: Numbers,
    of_client: Numbers,
    /// For what concerns nobody who is known.
    strangers: usize,
}

impl<'a> Parts<'a> {
    /// `settled`: whether the keys that are added in the history are in the initial state already.
    pub(super) fn of(initial: &'a State, history: &[Operation], settled: bool) -> Self {
        let separate = Places::of(initial).and_then(|places| {
            let stored = places.stored(initial);
            let (parts, seen, latest) = places.look(initial, history, &stored, settled)?;
            Some((stored, parts, seen, latest))
        });
        match separate {
            Some((stored, parts, seen, latest)) => Self::sorted(stored, &parts, seen, Some(latest)),
            None => Self::whole(initial, history),
        }
    }

    /// All in one part.
    pub(super) fn whole(initial: &'a State, history: &[Operation]) -> Self {
        let all = Stored {
            only: None,
            keys: initial.keys.iter().map(|(key, state)| (*key, state)).collect(),
            packages: initial.packages.values().collect(),
        };
        let seen = history.iter().map(|operation| Seen::of(operation, None)).collect();
        Self::sorted(vec![all], &vec![0; history.len()], seen, None)
    }

    fn sorted(stored: Vec<Stored<'a>>, parts: &[u32], seen: Vec<Seen>, separate: Option<Time>) -> Self {
        let count = stored.len();
        let mut begins = vec![0; count + 1];
        parts.iter().for_each(|part| begins[*part as usize + 1] += 1);
        (0..count).for_each(|part| begins[part + 1] += begins[part]);
        let mut next = begins.clone();
        let mut positions = vec![0; parts.len()];
        for (at, part) in (0..).zip(parts) {
            let place = &mut next[*part as usize];
            positions[*place] = at;
            *place += 1;
        }
        Self { seen, positions, begins, stored, separate }
    }

    pub(super) fn are_separate(&self) -> bool {
        self.separate.is_some()
    }

    pub(super) fn latest_tick(&self) -> Time {
        self.separate.unwrap_or_default()
    }

    /// The parts that have operations.
    pub(super) fn all(&self) -> impl Iterator<Item = usize> {
        (0..self.stored.len()).filter(|part| self.begins[*part] < self.begins[part + 1])
    }

    /// What it has at the start, and its operations with their positions, put where `seen` is.
    pub(super) fn fetch(&self, part: usize, seen: &mut Vec<(u32, Seen)>) -> &Stored<'a> {
        let positions = &self.positions[self.begins[part]..self.begins[part + 1]];
        seen.clear();
        seen.extend(positions.iter().map(|at| (*at, self.seen[*at as usize])));
        &self.stored[part]
    }
}

impl Seen {
    fn of(operation: &Operation, only: Option<Client>) -> Self {
        let Operation { op, outcome, invoked, returned } = operation;
        let what = match (op, outcome) {
            _ if outcome.is_none() != returned.is_none() => What::Odd,
            (Op::Claim(claim), Some(Outcome::Claimed(statuses))) => match statuses.first_key_value() {
                Some((client, status)) if statuses.len() == 1 && only == Some(*client) && takes_anything(claim) => {
                    What::Plain(*status)
                }
                _ => What::Claim,
            },
            (Op::Claim(_), _) => What::Claim,
            _ => What::Other,
        };
        Self { from: moment(*invoked), to: returned.map_or(NEVER, moment), what }
    }
}

fn takes_anything(claim: &Claim) -> bool {
    let any = claim.suites.is_empty() && claim.requires.is_empty() && claim.last_resort_accepted;
    any && claim.key.is_none() && claim.requester_client.is_none()
}

impl Places {
    /// `None` if a client belongs to two users, or has packages that another user signed.
    fn of(initial: &State) -> Option<Self> {
        let users: BTreeSet<User> = initial.keys.values().map(|key| key.user).collect();
        let most = 4 * initial.keys.len();
        let (mut of_user, mut of_client) = (Numbers::up_to(most), Numbers::up_to(most));
        for (part, user) in users.iter().enumerate() {
            of_user.insert(user.0, part);
        }
        for key in initial.keys.values() {
            let part = of_user.get(key.user.0)?;
            match of_client.get(key.client.0) {
                Some(known) if known != part => return None,
                Some(_) => {}
                None => of_client.insert(key.client.0, part),
            }
        }
        let places = Self { of_user, of_client, strangers: users.len() };
        let signed_within = |facts: &Facts| {
            let signer = initial.keys.get(&facts.signer);
            signer.is_none_or(|key| places.client(key.client) == places.client(facts.client))
        };
        initial.packages.values().all(|stored| signed_within(&stored.facts)).then_some(places)
    }

    fn user(&self, user: User) -> usize {
        self.of_user.get(user.0).unwrap_or(self.strangers)
    }

    fn client(&self, client: Client) -> usize {
        self.of_client.get(client.0).unwrap_or(self.strangers)
    }

    fn stored<'a>(&self, initial: &'a State) -> Vec<Stored<'a>> {
        let mut stored: Vec<Stored<'a>> = (0..=self.strangers).map(|_| Stored::default()).collect();
        for (key, state) in &initial.keys {
            stored[self.user(state.user)].keys.push((*key, state));
        }
        for state in initial.packages.values() {
            stored[self.client(state.facts.client)].packages.push(state);
        }
        for part in &mut stored {
            let mut listed = part.keys.iter().filter(|(_, key)| key.removed.is_none()).map(|(_, key)| key.client);
            part.only = listed.next().filter(|first| listed.all(|other| other == *first));
        }
        stored
    }

    /// The part of each operation, the operations at a glance, and until when time passes; `None` if some operation concerns
    /// several parts.
    fn look(
        &self,
        initial: &State,
        history: &[Operation],
        stored: &[Stored<'_>],
        settled: bool,
    ) -> Option<(Vec<u32>, Vec<Seen>, Time)> {
        let (mut parts, mut seen) = (Vec::with_capacity(history.len()), Vec::with_capacity(history.len()));
        let mut latest = 0;
        for operation in history {
            let part = match &operation.op {
                Op::Claim(claim) => self.user(claim.user),
                Op::Publish { client, .. }
                | Op::RemoveKey { client, .. }
                | Op::Withdraw { client, .. }
                | Op::Stock { client }
                | Op::Notifications { client, .. }
                | Op::Acknowledge { client, .. } => self.client(*client),
                Op::AddKey { user, .. } if settled => self.user(*user),
                Op::Tick { to } => {
                    latest = latest.max(if *to > initial.now { *to } else { 0 });
                    self.strangers
                }
                _ => return None,
            };
            parts.push(u32::try_from(part).unwrap_or(u32::MAX));
            seen.push(Seen::of(operation, stored[part].only));
        }
        Some((parts, seen, latest))
    }
}
