//! How many claims are answered in which time (RATE- rules): sliding windows, exact to the second.

use serde::{Deserialize, Serialize};

use crate::{
    history::State,
    names::{Requester, Time, User},
    spec::Spec,
};

/// The limits that a directory declares. There is none for all requesters of a target together: that would let one of
/// them lock the target for the others (`RATE-ISOLATED`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    /// For the claims of one requester, whosever packages they ask for. What is refused later counts as well.
    pub requester: Option<Limit>,
    /// For the answered claims of one requester for one user.
    pub pair: Option<Limit>,
}

/// At most so many in any window of so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limit {
    /// How many.
    pub claims: usize,
    /// In which time, in seconds.
    pub seconds: Time,
}

impl Limit {
    /// For how many seconds the next claim has to wait, given when the earlier ones were counted, oldest first.
    #[must_use]
    pub fn wait(&self, counted: &[Time], now: Time) -> Option<Time> {
        let counts = |at: &&Time| now < at.saturating_add(self.seconds);
        let recent: Vec<_> = counted.iter().filter(counts).collect();
        // There is room again as soon as fewer than `claims` of them are left in the window.
        let leaves = recent.len().checked_sub(self.claims.max(1))?;
        recent.get(leaves).map(|at| at.saturating_add(self.seconds) - now)
    }
}

impl Spec {
    pub(super) fn requester_wait(&self, state: &State, requester: Requester) -> Option<Time> {
        wait(self.limits.requester, state, (requester, None))
    }

    pub(super) fn pair_wait(&self, state: &State, requester: Requester, user: User) -> Option<Time> {
        wait(self.limits.pair, state, (requester, Some(user)))
    }
}

fn wait(limit: Option<Limit>, state: &State, of: (Requester, Option<User>)) -> Option<Time> {
    limit?.wait(state.counted.get(&of).map_or(&[], Vec::as_slice), state.now)
}
