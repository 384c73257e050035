//! What a user's history leads to.

mod client;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    blocks::Blocked,
    claim::Answered,
    event::{Claim, Event, Granted, Watched},
    limits::{Counted, Limited},
    memory::Memory,
    names::{ClientName, IdempotencyKey, Requester, SignatureKey, SignatureKeyId, UnixSeconds, UserId},
};

pub use client::Fate;
pub(crate) use client::{ClientState, Record};

/// Everything that decisions about one user depend on. Built by [`apply`](Self::apply) alone.
///
/// Its serialised form is a snapshot, which stands for the events that led to it: what is serialised here cannot be told
/// from the events any more once a store has dropped them, so a change of any field needs a reader of the old form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserState {
    /// `None` until the operator has let the user in.
    pub(crate) enrolment: Option<Enrolment>,
    /// Every signature key ever added.
    pub(crate) keys: BTreeMap<SignatureKeyId, ListedKey>,
    /// By client: there is one for each client that ever had a key; a removed one stays, for its sequence numbers and its
    /// memory of KeyPackages. Boxed, since a map makes room for eleven at once, and most users have one or two.
    pub(crate) clients: BTreeMap<ClientName, Box<ClientState>>,
    /// Answered claims that carried an idempotency key.
    pub(crate) claims: BTreeMap<(Requester, IdempotencyKey), AnsweredClaim>,
    /// Claims with an idempotency key that a limit refused. A requester can invent keys, so these are let go at the first
    /// event after their time.
    pub(crate) refusals: Memory<(Requester, IdempotencyKey), AnsweredClaim>,
    /// Answered claims that count against the limit of a requester, with all its clients, and this user.
    pub(crate) counted: BTreeMap<UserId, Counted>,
    /// From when on a KeyPackage may be valid that comes after the last fence, and after which number the feeds of new
    /// clients begin (`LIFE-RESTORE`).
    pub(crate) fence: Option<UnixSeconds>,
    pub(crate) sequences_from: u64,
    /// Who is shut out, and since when.
    pub(crate) blocks: BTreeMap<Blocked, UnixSeconds>,
}

/// How a user was let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Enrolment {
    pub(crate) user: UserId,
    pub(crate) token_digest: [u8; 32],
    pub(crate) not_after: UnixSeconds,
    pub(crate) spent: bool,
}

/// A signature key on a user's list, or formerly on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedKey {
    /// The key.
    pub key: SignatureKey,
    /// Whose of the user's clients.
    pub client: ClientName,
    /// Since when.
    pub added_at: UnixSeconds,
    /// Until when, if it ends by itself.
    pub expires_at: Option<UnixSeconds>,
    /// Until when, if it was removed; that is before `expires_at`, since what has ended is not removed.
    pub removed_at: Option<UnixSeconds>,
}

/// A claim that was answered, and how: with the bytes that it got, which outlive the KeyPackage's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AnsweredClaim {
    pub(crate) at: UnixSeconds,
    pub(crate) claim: Claim,
    pub(crate) answered: Answered,
}

impl UserState {
    /// The state after `events`, from nothing.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut state = Self::default();
        events.into_iter().for_each(|event| state.apply(event));
        state
    }

    /// Takes one event in. Total: a decision made the event, so there is nothing to refuse here.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Enrolled { user, token_digest, not_after, .. } => {
                let (user, token_digest, not_after) = (user.clone(), *token_digest, *not_after);
                self.enrolment = Some(Enrolment { user, token_digest, not_after, spent: false });
            }
            Event::KeyAdded { at: added_at, client, key, by_token, expires_at } => {
                let (added_at, expires_at, removed_at) = (*added_at, *expires_at, None);
                let listed = ListedKey { key: key.clone(), client: client.clone(), added_at, expires_at, removed_at };
                self.keys.insert(key.id(), listed);
                let sequence = self.sequences_from;
                let new = || Box::new(ClientState { sequence, ..ClientState::default() });
                self.clients.entry(client.clone()).or_insert_with(new);
                if let Some(enrolment) = self.enrolment.as_mut().filter(|_| *by_token) {
                    enrolment.spent = true;
                }
            }
            Event::KeyRemoved { at, key } => {
                if let Some(listed) = self.keys.get_mut(key) {
                    listed.removed_at = Some(*at);
                }
            }
            Event::KeyExtended { key, expires_at, .. } => {
                if let Some(listed) = self.keys.get_mut(key) {
                    listed.expires_at = Some(*expires_at);
                }
            }
            Event::Published { client, key_packages, .. } => {
                let client = self.clients.entry(client.clone()).or_default();
                key_packages.iter().for_each(|facts| client.publish(facts));
            }
            Event::Claimed { at, claim, answers, counts_until, watched } => {
                self.apply_claimed(*at, claim, answers, watched.as_ref());
                if let Some(until) = counts_until {
                    self.counted.entry(claim.requester.user.clone()).or_default().add(*at, *until);
                }
            }
            Event::ClaimLimited { at, until, claim, limited } => self.apply_limited(*at, *until, claim, *limited),
            Event::Withdrawn { client, references, .. } => {
                if let Some(client) = self.clients.get_mut(client) {
                    references.iter().for_each(|reference| client.leave(reference, Fate::Withdrawn));
                }
            }
            Event::ClientRemoved { at, client } => self.apply_client_removed(*at, client),
            Event::Collected { at, answers_through } => {
                self.clients.values_mut().for_each(|client| client.forget(*at));
                self.claims.retain(|_, answered| answers_through.is_none_or(|through| through < answered.at));
                self.refusals.forget(*at);
                self.counted.retain(|_, counted| counted.forget(*at));
            }
            Event::Fenced { at, from } => {
                let listed = self.listed_keys(*at);
                for client in self.clients.values_mut() {
                    client.withdraw_available(*at, &listed);
                    client.sequence += SEQUENCE_JUMP;
                }
                self.fence = Some(*from);
                self.sequences_from += SEQUENCE_JUMP;
            }
            Event::Blocked { at, blocked } => drop(self.blocks.insert(blocked.clone(), *at)),
            Event::Unblocked { blocked, .. } => drop(self.blocks.remove(blocked)),
            Event::Acknowledged { client, through, .. } => {
                if let Some(client) = self.clients.get_mut(client) {
                    client.notifications.retain(|notification| notification.sequence > *through);
                }
            }
        }
    }

    fn apply_claimed(
        &mut self,
        at: UnixSeconds,
        claim: &Claim,
        answers: &[(ClientName, Granted)],
        watched: Option<&Watched>,
    ) {
        let live_keys = self.listed_keys(at);
        for (name, granted) in answers {
            if let (Some(client), Granted::KeyPackage { reference, .. }) = (self.clients.get_mut(name), granted) {
                client.grant(at, reference, claim, &live_keys);
                if let Some(Watched { until, drains }) = watched {
                    client.watch(at, *until, drains.iter().find(|(drained, _)| drained == name).map(|(_, it)| *it));
                }
            }
        }
        self.refusals.forget(at);
        if let Some(key) = &claim.idempotency_key {
            let answered = Answered::Claimed(self.answer(answers));
            let answered = AnsweredClaim { at, claim: claim.clone(), answered };
            self.claims.insert((claim.requester.clone(), key.clone()), answered);
        }
    }

    fn apply_limited(&mut self, at: UnixSeconds, until: UnixSeconds, claim: &Claim, limited: Limited) {
        self.refusals.forget(at);
        if let Some(key) = &claim.idempotency_key {
            let key = (claim.requester.clone(), key.clone());
            self.claims.remove(&key);
            let answered = Answered::Limited(limited);
            self.refusals.insert(key, until, AnsweredClaim { at, claim: claim.clone(), answered });
        }
    }

    fn apply_client_removed(&mut self, at: UnixSeconds, name: &ClientName) {
        let listed = self.listed_keys(at);
        if let Some(client) = self.clients.get_mut(name) {
            client.withdraw_available(at, &listed);
            client.notifications.clear();
        }
        for listed in self.keys.values_mut().filter(|listed| listed.client == *name && listed.is_valid(at)) {
            listed.removed_at = Some(at);
        }
    }

    /// Whether the operator has let this user in.
    #[must_use]
    pub fn is_enrolled(&self) -> bool {
        self.enrolment.is_some()
    }

    /// The names of the signature keys that are valid now.
    pub(crate) fn listed_keys(&self, now: UnixSeconds) -> BTreeSet<SignatureKeyId> {
        self.keys.iter().filter(|(_, listed)| listed.is_valid(now)).map(|(id, _)| *id).collect()
    }

    /// A client that has a valid signature key; without one it is no client.
    pub(crate) fn client(&self, now: UnixSeconds, name: &ClientName) -> Option<&ClientState> {
        let listed = self.keys.values().any(|listed| listed.client == *name && listed.is_valid(now));
        self.clients.get(name).map(Box::as_ref).filter(|_| listed)
    }
}

/// More notifications than can have been lost with a part of the history, and little against the numbers that JSON keeps
/// exact (2^53).
const SEQUENCE_JUMP: u64 = 1 << 32;
