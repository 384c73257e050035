//! A history as each client of its owner has it.
//!
//! A claim of a user takes from each of its clients, and no rule says that it does so at one moment: a server may ask one
//! client after another. So it is enough that what is left of the history for each client alone is explained
//! (linearizability is local: Herlihy and Wing 1990, theorem 1).

use std::collections::{BTreeMap, BTreeSet};

use kpd_model::{
    history::{Event, Status},
    linearize::Operation,
    names::{Client, User},
    spec::{Op, Outcome},
};

/// Whose clients these are: those that there were at first, and those that came later.
pub(super) struct Clients {
    at_first: BTreeMap<Client, User>,
    all: BTreeMap<Client, User>,
}

impl Clients {
    pub(super) fn of(setup: &[Event], operations: &[Operation]) -> Self {
        let at_first: BTreeMap<_, _> = setup
            .iter()
            .filter_map(|event| match event {
                Event::KeyAdded { user, client, .. } => Some((*client, *user)),
                _ => None,
            })
            .collect();
        let later = operations.iter().filter_map(|operation| match &operation.op {
            Op::AddKey { user, client, .. } => Some((*client, *user)),
            _ => None,
        });
        let all = later.chain(at_first.clone()).collect();
        Self { at_first, all }
    }

    /// Those that share some answer; none, if each answer is about one client.
    pub(super) fn sharing(&self, operations: &[Operation]) -> BTreeSet<Client> {
        let shared = operations.iter().filter_map(|operation| match (&operation.op, &operation.outcome) {
            (Op::Claim(claim), Some(Outcome::Claimed(statuses))) if statuses.len() > 1 => Some((claim.user, statuses)),
            _ => None,
        });
        shared
            .flat_map(|(user, statuses)| {
                let of_user = self.all.iter().filter(move |(_, of)| **of == user).map(|(client, _)| *client);
                of_user.chain(statuses.keys().copied())
            })
            .collect()
    }

    /// An operation as far as it concerns one client; `None` if it does not. Other clients have nothing, and stay.
    pub(super) fn only(&self, client: Client, operation: &Operation) -> Option<Operation> {
        let mut only = operation.clone();
        match &operation.op {
            Op::Claim(claim) => {
                let user = claim.user;
                let of_user = self.all.get(&client) == Some(&user);
                let Some(Outcome::Claimed(statuses)) = &mut only.outcome else { return of_user.then_some(only) };
                if !of_user && !statuses.contains_key(&client) {
                    return None;
                }
                let others = self.at_first.iter().filter(|(other, of)| **other != client && **of == user);
                let others = others.filter(|(other, _)| Some(**other) != claim.requester_client);
                statuses.retain(|other, _| *other == client);
                statuses.extend(others.map(|(other, _)| (*other, Status::Exhausted)));
                Some(only)
            }
            op => concerns(op, client).then_some(only),
        }
    }
}

/// What a setup says of one client, and who else there is.
pub(super) fn setup_for(client: Client, setup: &[Event]) -> Vec<Event> {
    let concerns = |event: &&Event| match event {
        Event::Published(batch) => batch.iter().all(|facts| facts.client == client),
        _ => true,
    };
    setup.iter().filter(concerns).cloned().collect()
}

fn concerns(op: &Op, client: Client) -> bool {
    match op {
        Op::AddKey { client: of, .. }
        | Op::ExtendKey { client: of, .. }
        | Op::RemoveKey { client: of, .. }
        | Op::RemoveClient { client: of }
        | Op::Publish { client: of, .. }
        | Op::Replace { client: of, .. }
        | Op::Withdraw { client: of, .. }
        | Op::Stock { client: of }
        | Op::Reconcile { client: of }
        | Op::Notifications { client: of, .. }
        | Op::Acknowledge { client: of, .. } => *of == client,
        // They tell of all clients at once.
        Op::Keys { .. } | Op::Verify { .. } => false,
        Op::Claim(_) | Op::Block { .. } | Op::Unblock { .. } | Op::Collect | Op::Fence | Op::Tick { .. } => true,
    }
}
