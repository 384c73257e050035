//! Cuts a history into parts that have nothing to do with each other: one for each user.

use std::collections::{BTreeSet, HashMap};

use crate::{
    history::{Facts, KeyState, PackageState, State},
    linearize::Operation,
    monitor::numbers::Numbers,
    names::{Client, Key, User},
    spec::Op,
};

/// A history in parts. Each is small enough to stay in the caches of the processor while it is judged.
pub(super) struct Parts<'a> {
    /// The positions of all operations, part by part, each in the order of the history.
    positions: Vec<u32>,
    /// Where each part begins in them, and where the last one ends.
    begins: Vec<usize>,
    stored: Vec<Stored<'a>>,
}

/// What a part has at the start.
#[derive(Default)]
pub(super) struct Stored<'a> {
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
        let mut positions = vec![0; history.len()];
        for (at, part) in (0..).zip(&parts) {
            let place = &mut next[*part as usize];
            positions[*place] = at;
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
        Self { positions, begins, stored }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u32], &Stored<'a>)> {
        let spans = self.begins.windows(2).map(|span| &self.positions[span[0]..span[1]]);
        spans.zip(&self.stored).filter(|(positions, _)| !positions.is_empty())
    }
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
