//! What the owner is told: which KeyPackage went to whom, and how many are left.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Decision, Event,
    key_package::Role,
    names::{CipherSuite, ClientName, KeyPackageRef, Requester, ServerName, UnixSeconds},
    state::UserState,
};

/// One grant, told to the owner's client: exactly one for each (`NOTE-EVERY-GRANT`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Its place in the client's feed, from 1, without gaps but for those of a fence (`LIFE-RESTORE`).
    pub sequence: u64,
    /// When the grant was made.
    pub at: UnixSeconds,
    /// Which KeyPackage.
    pub reference: KeyPackageRef,
    /// Its suite.
    pub suite: CipherSuite,
    /// Its role.
    pub role: Role,
    /// Who got it, as authenticated (`NOTE-NAMES-REQUESTER`).
    pub requester: Requester,
    /// The server that vouched for the requester, where it was another one than this.
    pub vouched_by: Option<ServerName>,
    /// Whether it was granted for the first time: a last resort that is used for the first time asks to be replaced.
    pub first_use: bool,
    /// How many live regular KeyPackages of that suite were left.
    pub remaining: usize,
    /// Where this is the grant with which its requester has taken too much (`NOTE-DRAIN`).
    pub drain: Option<Drain>,
}

/// What one requester, a user with all its clients, has taken of a client's regular KeyPackages of one suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drain {
    /// How many, in a window that ends with this grant.
    pub taken: usize,
    /// Of so many: those that anybody got in the window, and those that are left.
    pub of: usize,
    /// The length of the window.
    pub seconds: u64,
}

/// What is left of one suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stock {
    /// Live regular KeyPackages; 0 is told as 0 (`NOTE-ZERO`).
    pub regular: usize,
    /// The live last resort, if there is one.
    pub last_resort: Option<LastResortState>,
}

/// A last resort as its owner sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastResortState {
    /// Which.
    pub reference: KeyPackageRef,
    /// Whether it was ever granted; publishing it again does not clear this (`LAST-USED-STICKS`).
    pub used: bool,
}

/// Why the owner was told nothing. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the sentence of a variant speaks of its fields")]
pub enum FeedError {
    /// The client has no signature key on the list.
    #[error("no such client")]
    UnknownClient,
    /// Acknowledging what was never delivered would lose what is to come.
    #[error("notification {through} is acknowledged, but the newest is {newest}")]
    NotYet { through: u64, newest: u64 },
}

impl UserState {
    /// What is left, for every suite that the client ever published; reading changes nothing (`CLAIM-UNSAFE`).
    ///
    /// # Errors
    ///
    /// `UnknownClient`.
    pub fn stock(&self, now: UnixSeconds, name: &ClientName) -> Result<BTreeMap<CipherSuite, Stock>, FeedError> {
        let client = self.client(now, name).ok_or(FeedError::UnknownClient)?;
        let listed = self.listed_keys(now);
        let of_suite = |suite: &CipherSuite| {
            let last_resort = client.live_last_resort(*suite, now, &listed);
            let last_resort =
                last_resort.map(|record| LastResortState { reference: record.facts.reference, used: record.granted });
            (*suite, Stock { regular: client.live_regular(*suite, now, &listed).count(), last_resort })
        };
        Ok(client.stock.keys().map(of_suite).collect())
    }

    /// The notifications after a place in the feed that were not acknowledged, oldest first; delivering them does not
    /// take them away (`NOTE-SURVIVES`).
    ///
    /// # Errors
    ///
    /// `UnknownClient`.
    pub fn notifications(&self, now: UnixSeconds, name: &ClientName, after: u64) -> Result<&[Notification], FeedError> {
        let client = self.client(now, name).ok_or(FeedError::UnknownClient)?;
        let from = client.notifications.partition_point(|notification| notification.sequence <= after);
        Ok(&client.notifications[from..])
    }

    /// Lets go of the notifications up to a place in the feed. Acknowledging twice is harmless.
    ///
    /// # Errors
    ///
    /// `UnknownClient`, `NotYet`.
    pub fn acknowledge(&self, now: UnixSeconds, name: &ClientName, through: u64) -> Result<Decision<()>, FeedError> {
        let client = self.client(now, name).ok_or(FeedError::UnknownClient)?;
        if through > client.sequence {
            return Err(FeedError::NotYet { through, newest: client.sequence });
        }
        let news = client.notifications.first().is_some_and(|first| first.sequence <= through);
        let event = Event::Acknowledged { at: now, client: name.clone(), through };
        Ok(Decision { events: if news { vec![event] } else { vec![] }, answer: () })
    }
}
