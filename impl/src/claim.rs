//! Claiming: one KeyPackage of each of a user's clients, and never the same twice.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    Decision, Event,
    event::{Claim, Granted, LastResort, Watched},
    key_package::{Facts, Role},
    limits::Limited,
    names::{CipherSuite, ClientName, KeyPackageRef, SignatureKeyId, UnixSeconds, UserId},
    policy::{DrainAlert, Policy, Selection},
    state::{ClientState, Record, UserState},
};

/// The answer to a claim; the first one under an idempotency key is final, also when it is a refusal (`CLAIM-RETRY`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answered {
    /// It passed the limits, whether or not anything was left.
    Claimed(Claimed),
    /// It came too soon: nothing was consumed, and nobody told (`RATE-RETRY-AFTER`).
    Limited(Limited),
}

/// The answer to a claim that passed the limits: what each of the user's clients gave (`CLAIM-EACH-CLIENT`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimed {
    /// In the order of their names. The requester's own client is not among them (`CLAIM-NOT-SELF`).
    pub clients: Vec<(ClientName, ClientAnswer)>,
}

/// What one client gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientAnswer {
    /// This KeyPackage.
    KeyPackage {
        /// Its reference.
        reference: KeyPackageRef,
        /// Regular, or a last resort: the requester is told (`LAST-TOLD`).
        role: Role,
        /// Byte for byte what the client published, without a frame (`CLAIM-BYTES`).
        bytes: Arc<[u8]>,
    },
    /// Nothing is left.
    Exhausted,
    /// There is something, but nothing of a suite that will do with the capabilities that are required
    /// (`CLAIM-COMPATIBLE`).
    Incompatible,
}

/// Why a claim was refused. Nothing was consumed, and nobody told (`CLAIM-REFUSAL-FREE`); nor is it remembered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// No such user, as far as this requester is concerned: who is blocked is told the same (`CLAIM-UNIFORM`).
    #[error("no such user")]
    UnknownUser,
    /// `CLAIM-RETRY`: the requester used this key for another question.
    #[error("this idempotency key belongs to an earlier claim that asked for something else")]
    IdempotencyMismatch,
}

impl UserState {
    /// Claims one KeyPackage of each client.
    ///
    /// The order of decision is: the answer of before, then whether the user is unknown or the requester blocked, then the
    /// limit of the pair, then the choice. What the requester, and all of its server, may ask of all users comes after the
    /// first of these: see [`RequesterState::debit`](crate::limits::RequesterState::debit).
    ///
    /// `pick(n)` chooses one of `n` equally good KeyPackages, by an index below `n`; it is asked under
    /// [`Selection::Random`] only.
    ///
    /// # Errors
    ///
    /// See [`ClaimError`].
    pub fn claim(
        &self,
        policy: &Policy,
        now: UnixSeconds,
        user: &UserId,
        claim: &Claim,
        pick: &mut dyn FnMut(usize) -> usize,
    ) -> Result<Decision<Answered>, ClaimError> {
        if let Some(answered) = self.answered_before(policy, now, claim)? {
            return Ok(Decision::unchanged(answered.clone()));
        }
        if self.keys.is_empty() || self.is_blocked(user, &claim.requester.user) {
            return Err(ClaimError::UnknownUser);
        }
        let counts_until = match self.admit(policy, now, claim) {
            Ok(until) => until,
            Err(limited) => {
                let until = now.saturating_add(policy.idempotency_seconds);
                let event = Event::ClaimLimited { at: now, until, claim: claim.clone(), limited };
                let events = claim.idempotency_key.iter().map(|_| event.clone()).collect();
                return Ok(Decision { events, answer: Answered::Limited(limited) });
            }
        };
        let listed = self.listed_keys(now);
        let own = |name: &ClientName| claim.requester.user == *user && claim.requester.client == *name;
        let with_listed_key = |name: &ClientName| self.client(now, name).is_some();
        let clients = self.clients.iter().filter(|(name, _)| with_listed_key(name) && !own(name));
        let answers: Vec<_> =
            clients.map(|(name, client)| (name.clone(), client.choose(policy, now, &listed, claim, pick))).collect();
        let answer = Answered::Claimed(self.answer(&answers));
        let nothing = answers.iter().all(|(_, granted)| !matches!(granted, Granted::KeyPackage { .. }));
        if nothing && claim.idempotency_key.is_none() && counts_until.is_none() {
            return Ok(Decision::unchanged(answer));
        }
        let watched = policy.drain.map(|alert| self.watched(alert, now, &claim.requester.user, &answers));
        let event = Event::Claimed { at: now, claim: claim.clone(), answers, counts_until, watched };
        Ok(Decision { events: vec![event], answer })
    }

    /// The answer of before to the same requester's same key, for as long as keys are remembered.
    ///
    /// # Errors
    ///
    /// `IdempotencyMismatch`.
    pub fn answered_before(
        &self,
        policy: &Policy,
        now: UnixSeconds,
        claim: &Claim,
    ) -> Result<Option<&Answered>, ClaimError> {
        let Some(key) = &claim.idempotency_key else { return Ok(None) };
        let key = (claim.requester.clone(), key.clone());
        let refused = self.refusals.get(&key, now);
        let answered = || {
            let before = self.claims.get(&key);
            before.filter(|before| now < before.at.saturating_add(policy.idempotency_seconds))
        };
        let Some(before) = refused.or_else(answered) else { return Ok(None) };
        if before.claim.asks_like(claim) { Ok(Some(&before.answered)) } else { Err(ClaimError::IdempotencyMismatch) }
    }

    /// Until when this claim counts against the limit of requester and user, where there is one.
    fn admit(&self, policy: &Policy, now: UnixSeconds, claim: &Claim) -> Result<Option<UnixSeconds>, Limited> {
        let Some(limit) = policy.limits.pair else { return Ok(None) };
        let counted = self.counted.get(&claim.requester.user).cloned().unwrap_or_default();
        counted.admit(limit, now).map(Some)
    }

    /// What is remembered of these grants, and which of them are drains.
    fn watched(
        &self,
        alert: DrainAlert,
        now: UnixSeconds,
        user: &UserId,
        answers: &[(ClientName, Granted)],
    ) -> Watched {
        let listed = self.listed_keys(now);
        let drain = |(name, granted): &(ClientName, Granted)| {
            let Granted::KeyPackage { reference, role: Role::Regular } = granted else { return None };
            let client = self.clients.get(name)?;
            let suite = client.packages.get(reference)?.facts.suite;
            Some((name.clone(), client.drain(alert, now, &listed, suite, user)?))
        };
        Watched { until: now.saturating_add(alert.seconds.max(1)), drains: answers.iter().filter_map(drain).collect() }
    }

    /// What these grants are in an answer; to be asked while the KeyPackages are remembered.
    pub(crate) fn answer(&self, answers: &[(ClientName, Granted)]) -> Claimed {
        let clients = answers.iter().map(|(name, granted)| {
            let record = |reference| self.clients.get(name).and_then(|client| client.packages.get(reference));
            let answer = match granted {
                Granted::KeyPackage { reference, role } => match record(reference) {
                    Some(record) => {
                        ClientAnswer::KeyPackage { reference: *reference, role: *role, bytes: record.bytes() }
                    }
                    None => ClientAnswer::Exhausted,
                },
                Granted::Exhausted => ClientAnswer::Exhausted,
                Granted::Incompatible => ClientAnswer::Incompatible,
            };
            (name.clone(), answer)
        });
        Claimed { clients: clients.collect() }
    }
}

impl ClientState {
    fn choose(
        &self,
        policy: &Policy,
        now: UnixSeconds,
        listed: &BTreeSet<SignatureKeyId>,
        claim: &Claim,
        pick: &mut dyn FnMut(usize) -> usize,
    ) -> Granted {
        let suites: Vec<CipherSuite> = self.stock.keys().filter(|suite| claim.will_do(**suite)).copied().collect();
        let fits = |record: &&Record| record.facts.capabilities.hold(&claim.required_capabilities);
        let regular = suites.iter().flat_map(|suite| self.live_regular(*suite, now, listed));
        let regular: Vec<&Record> = regular.filter(fits).collect();
        let chosen = match policy.selection {
            _ if regular.is_empty() => None,
            Selection::Fifo => regular.iter().min_by_key(|record| record.place),
            Selection::Random => regular.get(pick(regular.len()) % regular.len()),
        };
        let last_resort = || {
            let mut acceptable = suites.iter().filter(|_| claim.last_resort == LastResort::Accept);
            acceptable.find_map(|suite| self.live_last_resort(*suite, now, listed).filter(fits))
        };
        match chosen.copied().or_else(last_resort) {
            Some(record) => Granted::KeyPackage { reference: record.facts.reference, role: record.facts.role },
            None if suites.is_empty() && !self.stock.is_empty() => Granted::Incompatible,
            // Whoever requires something learns that there is another one, which a refill alone would not mend.
            None if !claim.required_capabilities.is_empty() && self.has_unfit(now, listed, claim) => {
                Granted::Incompatible
            }
            None => Granted::Exhausted,
        }
    }

    /// Whether there is something live that this claim cannot use.
    fn has_unfit(&self, now: UnixSeconds, listed: &BTreeSet<SignatureKeyId>, claim: &Claim) -> bool {
        let unfit = |record: &Record| !claim.fits(&record.facts);
        self.stock.keys().any(|suite| {
            self.live_regular(*suite, now, listed).any(unfit)
                || self.live_last_resort(*suite, now, listed).is_some_and(unfit)
        })
    }
}

impl Claim {
    fn fits(&self, facts: &Facts) -> bool {
        self.will_do(facts.suite) && facts.capabilities.hold(&self.required_capabilities)
    }

    fn will_do(&self, suite: CipherSuite) -> bool {
        self.cipher_suites.is_empty() || self.cipher_suites.contains(&suite)
    }

    /// Whether this is the same question, from the same requester: a client that repeats itself may list its suites in
    /// another order, and what it requires.
    pub(crate) fn asks_like(&self, other: &Self) -> bool {
        let suites = |claim: &Self| claim.cipher_suites.iter().copied().collect::<BTreeSet<_>>();
        let required = self.required_capabilities == other.required_capabilities;
        suites(self) == suites(other) && required && self.last_resort == other.last_resort
    }
}
