//! Limits on claims: counting over a window that slides, and what claims cost their requester, and the server that vouches
//! for it, over all users.
//!
//! A requester has a history of its own, and so has another server, whose requesters count as one there. They are written
//! before that of the user who is claimed from: no transaction over several histories is needed, and what fails in between
//! has cost the requester a claim and nobody a KeyPackage.
//!
//! A refusal is remembered under its idempotency key, and whoever is over its limit can invent keys. What bounds that is
//! time: each refusal is let go `idempotency_seconds` after it was made, at the next event of the same history. So a
//! requester's own history holds no more of them than a server has answered it in that time, and the history of a server
//! or of a user no more than its requesters' own limits, where there are any, let through: those come first.

use serde::{Deserialize, Serialize};

use crate::{
    Decision,
    claim::ClaimError,
    event::Claim,
    memory::Memory,
    names::{IdempotencyKey, Requester, ServerName, UnixSeconds, UserId},
    policy::{Limit, Limits, Policy},
};

/// A claim that came too soon. It consumed nothing and told nobody (`RATE-RETRY-AFTER`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("at most {} claims are answered in {} seconds, and the next one in {retry_after}", limit.claims, limit.seconds)]
pub struct Limited {
    /// The limit that was reached.
    pub limit: Limit,
    /// Seconds, at least 1; after these the limit does not refuse, if nothing else was asked meanwhile.
    pub retry_after: u64,
}

/// Whose claims are counted together over all users, in a history of their own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// Those of a requester, with all its clients (`RATE-REQUESTER`).
    Requester(UserId),
    /// Those of all requesters that another server vouches for (`RATE-SERVER`).
    Server(ServerName),
}

impl Account {
    /// Those that have a limit and that a claim is counted on, in the order in which they are debited: what a requester
    /// asks beyond its own limit takes nothing from the others of its server.
    pub fn of(limits: &Limits, claim: &Claim) -> Vec<Self> {
        let server = claim.vouched_by.clone().map(Self::Server);
        let all = [Some(Self::Requester(claim.requester.user.clone())), server].into_iter().flatten();
        all.filter(|account| account.limit(limits).is_some()).collect()
    }

    fn limit(&self, limits: &Limits) -> Option<Limit> {
        match self {
            Self::Requester(_) => limits.requester,
            Self::Server(_) => limits.server,
        }
    }
}

/// Something that happened to a requester, or to a server whose requesters count as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the sentence of a variant speaks of its fields")]
pub enum RequesterEvent {
    /// A claim passed the limit, whatever became of it; it counts until then.
    Debited { at: UnixSeconds, until: UnixSeconds },
    /// A claim of this user's KeyPackages was refused, which is final under its idempotency key until then.
    Refused { at: UnixSeconds, until: UnixSeconds, user: UserId, claim: Box<Claim>, limited: Limited },
}

/// What the history of a requester, or of a server, leads to. Built by [`apply`](Self::apply) alone; serialised it is a snapshot, as
/// [`UserState`](crate::UserState) is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequesterState {
    counted: Counted,
    /// By target, asking client and key.
    refused: Memory<(UserId, Requester, IdempotencyKey), Refusal>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Refusal {
    claim: Claim,
    limited: Limited,
}

impl RequesterState {
    /// The state after `events`, from nothing.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a RequesterEvent>) -> Self {
        let mut state = Self::default();
        events.into_iter().for_each(|event| state.apply(event));
        state
    }

    /// Takes one event in.
    pub fn apply(&mut self, event: &RequesterEvent) {
        let (RequesterEvent::Debited { at, .. } | RequesterEvent::Refused { at, .. }) = event;
        self.refused.forget(*at);
        match event {
            RequesterEvent::Debited { until, .. } => self.counted.add(*at, *until),
            RequesterEvent::Refused { until, user, claim, limited, .. } => {
                let Some(key) = claim.idempotency_key.clone() else { return };
                let refusal = Refusal { claim: Claim::clone(claim), limited: *limited };
                self.refused.insert((user.clone(), claim.requester.clone(), key), *until, refusal);
            }
        }
    }

    /// The refusal of before to the same requester's same key, for as long as keys are remembered. To be asked of all
    /// accounts of a claim before the first of them is debited: a repetition costs nothing.
    ///
    /// # Errors
    ///
    /// `IdempotencyMismatch`.
    pub fn refused_before(
        &self,
        now: UnixSeconds,
        user: &UserId,
        claim: &Claim,
    ) -> Result<Option<Limited>, ClaimError> {
        let Some(key) = claim.idempotency_key.clone() else { return Ok(None) };
        let Some(before) = self.refused.get(&(user.clone(), claim.requester.clone(), key), now) else {
            return Ok(None);
        };
        before.claim.asks_like(claim).then_some(Some(before.limited)).ok_or(ClaimError::IdempotencyMismatch)
    }

    /// Lets a claim of a user's KeyPackages pass, or not, as far as this account's limit goes. To be asked only where the
    /// user's own history does not answer from memory
    /// ([`UserState::answered_before`](crate::UserState::answered_before)): a repetition costs nothing.
    ///
    /// Of two repetitions at the same moment both may be counted: too much then, never too little.
    ///
    /// # Errors
    ///
    /// `IdempotencyMismatch`.
    pub fn debit(
        &self,
        account: &Account,
        policy: &Policy,
        now: UnixSeconds,
        user: &UserId,
        claim: &Claim,
    ) -> Result<Decision<Result<(), Limited>, RequesterEvent>, ClaimError> {
        let Some(limit) = account.limit(&policy.limits) else { return Ok(Decision::unchanged(Ok(()))) };
        if let Some(limited) = self.refused_before(now, user, claim)? {
            return Ok(Decision::unchanged(Err(limited)));
        }
        Ok(match self.counted.admit(limit, now) {
            Ok(until) => Decision { events: vec![RequesterEvent::Debited { at: now, until }], answer: Ok(()) },
            Err(limited) => {
                let (user, claim) = (user.clone(), Box::new(claim.clone()));
                let until = now.saturating_add(policy.idempotency_seconds);
                let keyed = claim.idempotency_key.is_some();
                let event = keyed.then_some(RequesterEvent::Refused { at: now, until, user, claim, limited });
                Decision { events: event.into_iter().collect(), answer: Err(limited) }
            }
        })
    }
}

/// Claims that count against a limit: until when each of them does.
///
/// Each has its end from the limit of its time, so that a history can be read without knowing the limit of today.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counted(Vec<UnixSeconds>);

impl Counted {
    pub(crate) fn add(&mut self, now: UnixSeconds, until: UnixSeconds) {
        self.forget(now);
        self.0.push(until);
    }

    /// Lets go of what counts no longer; whether anything is left.
    pub(crate) fn forget(&mut self, now: UnixSeconds) -> bool {
        self.0.retain(|until| now < *until);
        !self.0.is_empty()
    }

    /// Until when one more will count, or how long it has to wait.
    pub(crate) fn admit(&self, limit: Limit, now: UnixSeconds) -> Result<UnixSeconds, Limited> {
        let mut counting: Vec<_> = self.0.iter().copied().filter(|until| now < *until).collect();
        counting.sort_unstable();
        // Once this one is over, fewer are left than the limit allows.
        let last_of_too_many = counting.len().checked_sub(limit.claims.max(1)).and_then(|place| counting.get(place));
        match last_of_too_many {
            None => Ok(now.saturating_add(limit.seconds.max(1))),
            Some(until) => Err(Limited { limit, retry_after: until - now }),
        }
    }
}
