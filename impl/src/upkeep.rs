//! The end of things: a client is removed, what is needed no longer is forgotten, and a restored history is fenced.

use crate::{
    Decision, Event,
    names::{ClientName, UnixSeconds},
    policy::Policy,
    state::UserState,
};

/// Why a client was not removed. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoveClientError {
    /// The client has no signature key on the list: there is none, or it was removed already.
    #[error("no such client")]
    UnknownClient,
}

/// How much was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// KeyPackages of which nothing is remembered any more.
    pub packages: usize,
    /// Answers under idempotency keys.
    pub answers: usize,
}

impl UserState {
    /// Removes a client in one act: its signature keys, its KeyPackages and its last resorts. Answers how many
    /// notifications it had not acknowledged; they are gone (`LIFE-REMOVE-CLIENT`).
    ///
    /// A later client of the same name goes on with the sequence numbers, and with the memory of KeyPackages.
    ///
    /// # Errors
    ///
    /// `UnknownClient`.
    pub fn remove_client(&self, now: UnixSeconds, name: &ClientName) -> Result<Decision<usize>, RemoveClientError> {
        let client = self.client(now, name).ok_or(RemoveClientError::UnknownClient)?;
        let event = Event::ClientRemoved { at: now, client: name.clone() };
        Ok(Decision { events: vec![event], answer: client.notifications.len() })
    }

    /// Forgets KeyPackages whose `not_after` has passed, since nobody can publish these again (`LIFE-TOMBSTONE`), and
    /// answers under idempotency keys after their time; and nothing else, whatever its age (`LIFE-NO-EARLY-GC`).
    #[must_use]
    pub fn collect(&self, policy: &Policy, now: UnixSeconds) -> Decision<Collected> {
        let answers_through = now.checked_sub(policy.idempotency_seconds);
        let packages = self.clients.values().flat_map(|client| client.packages.values());
        let packages = packages.filter(|record| record.facts.not_after <= now).count();
        let is_over = |at: UnixSeconds| answers_through.is_some_and(|through| at <= through);
        let answers = self.claims.values().filter(|answered| is_over(answered.at)).count() + self.refusals.over(now);
        let event = Event::Collected { at: now, answers_through };
        let events = if packages + answers == 0 { vec![] } else { vec![event] };
        Decision { events, answer: Collected { packages, answers } }
    }

    /// Fences a history that was restored from an older backup, before it is served: everything available is withdrawn,
    /// the feeds' sequence numbers jump ahead of all that can have been told, and from now on no KeyPackage is accepted
    /// that can have been accepted, and granted, before this moment: whose lifetime began by then, or so soon after it as
    /// a client's clock may run ahead (`LIFE-RESTORE`). Answers how many were withdrawn.
    #[must_use]
    pub fn fence(&self, policy: &Policy, now: UnixSeconds) -> Decision<usize> {
        let listed = self.listed_keys(now);
        let withdrawn = self.clients.values().map(|client| client.available(now, &listed).count()).sum();
        let from = now.saturating_add(policy.clock_skew_seconds).saturating_add(1);
        let events = if self.is_enrolled() { vec![Event::Fenced { at: now, from }] } else { vec![] };
        Decision { events, answer: withdrawn }
    }
}
