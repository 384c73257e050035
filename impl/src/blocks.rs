//! Blocks: an owner shuts out a requester, or all of a server.

use serde::{Deserialize, Serialize};

use crate::{
    Decision, Event,
    names::{ServerName, UnixSeconds, UserId},
    state::UserState,
};

/// Who is shut out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blocked {
    /// A user, with all its clients.
    Requester(UserId),
    /// All users of a server.
    Server(ServerName),
}

/// Why a block was neither set nor lifted. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// The operator has not let this user in.
    #[error("no such user")]
    UnknownUser,
}

impl UserState {
    /// Shuts somebody out: from this moment on its claims are refused as those of an unknown user's KeyPackages are
    /// (`BLOCK-REQUESTER`, `CLAIM-UNIFORM`). Blocking twice is harmless.
    ///
    /// # Errors
    ///
    /// `UnknownUser`.
    pub fn block(&self, now: UnixSeconds, blocked: &Blocked) -> Result<Decision<()>, BlockError> {
        let event = Event::Blocked { at: now, blocked: blocked.clone() };
        self.change_block(!self.blocks.contains_key(blocked), event)
    }

    /// Lets somebody in again. Lifting a block that is not there is harmless.
    ///
    /// # Errors
    ///
    /// `UnknownUser`.
    pub fn unblock(&self, now: UnixSeconds, blocked: &Blocked) -> Result<Decision<()>, BlockError> {
        let event = Event::Unblocked { at: now, blocked: blocked.clone() };
        self.change_block(self.blocks.contains_key(blocked), event)
    }

    fn change_block(&self, news: bool, event: Event) -> Result<Decision<()>, BlockError> {
        if !self.is_enrolled() {
            return Err(BlockError::UnknownUser);
        }
        Ok(Decision { events: if news { vec![event] } else { vec![] }, answer: () })
    }

    /// Who is shut out, and since when.
    pub fn blocks(&self) -> impl Iterator<Item = (&Blocked, UnixSeconds)> {
        self.blocks.iter().map(|(blocked, since)| (blocked, *since))
    }

    /// Whether this requester is shut out by this owner. An owner's own clients never are: whoever blocks the server that
    /// it lives on itself still adds its own devices to groups.
    pub(crate) fn is_blocked(&self, owner: &UserId, requester: &UserId) -> bool {
        let named = |blocked: &Blocked| match blocked {
            Blocked::Requester(user) => user == requester,
            Blocked::Server(server) => *server == requester.server(),
        };
        requester != owner && self.blocks.keys().any(named)
    }
}
