//! Claims as they are judged: what was asked, between which moments, and what came of it.

use std::collections::BTreeMap;

use crate::{
    history::{Claim, Status},
    monitor::limit::Limit,
    names::{Client, Suite},
};

/// A claim with its repetitions under the same key, which are one.
pub(super) struct Ask<'a> {
    /// `None` if it asked the only client for anything.
    pub(super) claim: Option<&'a Claim>,
    /// The operation to show for it.
    pub(super) at: usize,
    pub(super) from: Limit,
    pub(super) to: Limit,
    pub(super) answer: Answer<'a>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer<'a> {
    /// Every answer was lost.
    Lost,
    /// That of the only client.
    Only(Client, Status),
    Told(&'a BTreeMap<Client, Status>),
}

impl<'a> Answer<'a> {
    pub(super) fn statuses(self) -> impl Iterator<Item = (Client, Status)> + use<'a> {
        let (only, told) = match self {
            Self::Lost => (None, None),
            Self::Only(client, status) => (Some((client, status)), None),
            Self::Told(statuses) => (None, Some(statuses)),
        };
        only.into_iter().chain(told.into_iter().flatten().map(|(client, status)| (*client, *status)))
    }
}

impl Ask<'_> {
    pub(super) fn accepts(&self, suite: &Suite) -> bool {
        self.claim.is_none_or(|claim| claim.accepts(suite))
    }

    pub(super) fn accepts_last_resort(&self) -> bool {
        self.claim.is_none_or(|claim| claim.last_resort_accepted)
    }
}
