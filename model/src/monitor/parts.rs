//! Cuts a history into parts that have nothing to do with each other: one for each user.

use std::collections::{BTreeSet, HashMap};

use crate::{
    history::{Claim, Facts, KeyState, PackageState, State, Status},
    linearize::Operation,
    monitor::{
        limit::{Moment, NEVER, moment},
        numbers::Numbers,
    },
    names::{Client, Key, User},
    spec::{Op, Outcome},
};

/// A history in parts. Each is small enough to stay in the caches of the processor while it is judged.
pub(super) struct Parts<'a> {
    /// All operations, part by part, each in the order of the history.
    seen: Vec<Seen>,
    /// Where each part begins in them, and where the last one ends.
    begins: Vec<usize>,
    stored: Vec<Stored<'a>>,
}

/// An operation at a glance: most claims need no second look.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    pub(super) from: Moment,
    pub(super) to: Moment,
    pub(super) at: u32,
    pub(super) what: What,
}

#[derive(Clone, Copy)]
pub(super) enum What {
    /// A claim without key that takes anything, and what one client gave.
    Plain(Client, Status),
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
    pub(super) fn of(initial: &'a State, history: &[Operation]) -> Self {
        let places = Places::of(initial);
        let mut parts = vec![];
        let places = if places.as_ref().is_some_and(|places| places.separate(initial, history, &mut parts)) {
            places
        } else {
            parts = vec![0; history.len()];
            None
        };
        let count = places.as_ref().map_or(1, |places| places.strangers + 1);
        let mut begins = vec![0; count + 1];
        parts.iter().for_each(|part| begins[*part as usize + 1] += 1);
        (0..count).for_each(|part| begins[part + 1] += begins[part]);
        let mut next = begins.clone();
        let mut seen = vec![Seen { from: 0, to: 0, at: 0, what: What::Other }; history.len()];
        for ((at, operation), part) in (0..).zip(history).zip(&parts) {
            let place = &mut next[*part as usize];
            seen[*place] = Seen::of(at, operation);
            *place += 1;
        }
        let mut stored: Vec<Stored<'a>> = (0..count).map(|_| Stored::default()).collect();
        let user = |user: User| places.as_ref().map_or(0, |places| places.user(user));
        for (key, state) in &initial.keys {
            stored[user(state.user)].keys.push((*key, state));
        }
        for state in initial.packages.values() {
            let part = places.as_ref().map_or(0, |places| places.client(state.facts.client));
            stored[part].packages.push(state);
        }
        for part in stored.iter_mut().filter(|_| places.is_some()) {
            let listed: BTreeSet<_> =
                part.keys.iter().filter(|(_, key)| !key.removed).map(|(_, key)| key.client).collect();
            part.only = listed.first().copied().filter(|_| listed.len() == 1);
        }
        Self { seen, begins, stored }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&[Seen], &Stored<'a>)> {
        let spans = self.begins.windows(2).map(|span| &self.seen[span[0]..span[1]]);
        spans.zip(&self.stored).filter(|(seen, _)| !seen.is_empty())
    }
}

impl Seen {
    fn of(at: u32, operation: &Operation) -> Self {
        let Operation { op, outcome, invoked, returned } = operation;
        let what = match (op, outcome) {
            _ if outcome.is_none() != returned.is_none() => What::Odd,
            (Op::Claim(claim), Some(Outcome::Claimed(statuses))) => match statuses.first_key_value() {
                Some((client, status)) if statuses.len() == 1 && takes_anything(claim) => What::Plain(*client, *status),
                _ => What::Claim,
            },
            (Op::Claim(_), _) => What::Claim,
            _ => What::Other,
        };
        Self { from: moment(*invoked), to: returned.map_or(NEVER, moment), at, what }
    }
}

fn takes_anything(claim: &Claim) -> bool {
    claim.key.is_none() && claim.requester_client.is_none() && claim.suites.is_empty() && claim.last_resort_accepted
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

    /// The part of each operation; false if some operation concerns several.
    fn separate(&self, initial: &State, history: &[Operation], parts: &mut Vec<u32>) -> bool {
        parts.reserve(history.len());
        let mut asked = HashMap::new();
        for operation in history {
            let part = match &operation.op {
                Op::Claim(claim) => {
                    let part = self.user(claim.user);
                    if let Some(key) = claim.key
                        && *asked.entry((claim.requester, key)).or_insert(part) != part
                    {
                        return false;
                    }
                    part
                }
                Op::Publish { client, .. }
                | Op::RemoveKey { client, .. }
                | Op::Withdraw { client, .. }
                | Op::Stock { client }
                | Op::Notifications { client, .. }
                | Op::Acknowledge { client, .. } => self.client(*client),
                Op::Tick { to } if *to <= initial.now => self.strangers,
                _ => return false,
            };
            parts.push(u32::try_from(part).unwrap_or(u32::MAX));
        }
        true
    }
}
