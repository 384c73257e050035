//! How many claims are answered in which time (RATE- rules): sliding windows, exact to the second.

use serde::{Deserialize, Serialize};

use crate::{
    history::{Account, Claim, Event, State},
    names::{Requester, Time},
    spec::Spec,
};

/// The limits that a directory declares. There is none for all requesters of a target together, nor for all of the
/// directory's own: that would let one of them lock out the others (`RATE-ISOLATED`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    /// For the claims of one requester, whosever packages they ask for. What is refused later counts as well.
    pub requester: Option<Limit>,
    /// For the claims of all requesters together that one other server vouches for, as far as their own limits let them
    /// pass. What is refused later counts as well.
    pub server: Option<Limit>,
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
    /// What each claim is counted for before its user is looked at, in the order in which the limits are asked.
    pub(super) fn asking(&self, claim: &Claim) -> impl Iterator<Item = Account> + use<> {
        std::iter::once(Account::Requester(claim.requester)).chain(self.vouching(claim.requester))
    }

    /// The account of the server that vouches for a requester, where it is another one than the directory's.
    pub(crate) fn vouching(&self, requester: Requester) -> Option<Account> {
        self.servers.get(&requester).copied().map(Account::Server)
    }

    /// Whether what one of two requesters claims can leave less to the other: they are one, or of one other server.
    #[must_use]
    pub fn share_an_allowance(&self, one: Requester, other: Requester) -> bool {
        one == other || self.vouching(one).is_some_and(|server| self.vouching(other) == Some(server))
    }

    /// The limit that an account has.
    #[must_use]
    pub fn limit(&self, account: Account) -> Option<Limit> {
        match account {
            Account::Requester(_) => self.limits.requester,
            Account::Server(_) => self.limits.server,
            Account::Pair(..) => self.limits.pair,
        }
    }

    /// For how many seconds the next claim of an account has to wait.
    pub(crate) fn wait(&self, state: &State, account: Account) -> Option<Time> {
        self.limit(account)?.wait(state.counted.get(&account).map_or(&[], Vec::as_slice), state.now)
    }

    /// A claim is counted for these, as far as they have a limit.
    pub(super) fn counted(&self, accounts: impl Iterator<Item = Account>) -> Vec<Event> {
        accounts.filter(|account| self.limit(*account).is_some()).map(Event::Counted).collect()
    }
}
