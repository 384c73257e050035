//! How a decision is made and kept: on the truth, or on what a broken directory takes for it.

use std::convert::Infallible;

use kpd_directory::{
    Decision, Event, Policy, SignatureKeyId, UnixSeconds, UserId, UserState,
    claim::ClaimError,
    event::Claim,
    keys::{AddKey, AddKeyError, reserve},
    limits::{Account, Limited, RequesterEvent, RequesterState},
};

use super::Directory;
use crate::support::{
    command::Command,
    world::{USERS, user_id},
};

/// What the core believes when it decides.
pub(crate) struct Belief {
    /// Of the user.
    pub(crate) history: Vec<Event>,
    /// Of the requester, or of its server, where that is asked.
    pub(crate) requester: Vec<RequesterEvent>,
    pub(crate) policy: Policy,
    pub(crate) now: UnixSeconds,
    /// What happens to the user before anything is decided. The core never does that; its decision does not know of it.
    pub(crate) rashly: Vec<Event>,
}

/// Makes the core believe something else than what is: that is how a broken directory is played.
pub(crate) type Doctor = fn(&Command, Belief) -> Belief;

impl Directory {
    pub(super) fn of_everybody(
        &mut self,
        command: &Command,
        decision: impl Fn(&UserState, &Policy, UnixSeconds) -> Decision<()>,
    ) {
        for user in USERS {
            let done: Result<(), Infallible> =
                self.decide(command, &user_id(user), |state, policy, now| Ok(decision(state, policy, now)));
            done.expect("it cannot be refused");
        }
    }

    /// Adds a key, after its reservation among all users; of the two, a refusal leaves neither behind.
    pub(super) fn add_by(
        &mut self,
        command: &Command,
        user: &str,
        add: &AddKey,
    ) -> Result<SignatureKeyId, AddKeyError> {
        let user = user_id(user);
        let reserved = self.reserved.entry(add.key.id()).or_default();
        let reservation = reserve(reserved, &user, &add.client)?;
        let id = self.decide(command, &user, |state, _, now| state.add_key(now, add))?.id;
        self.reserved.entry(id).or_default().extend(reservation);
        Ok(id)
    }

    /// What the history of the requester says first, and then that of its server, unless one of these or the user's answers
    /// from memory.
    pub(super) fn debit(
        &mut self,
        command: &Command,
        user: &UserId,
        claim: &Claim,
    ) -> Result<Result<(), Limited>, ClaimError> {
        let belief = self.belief(command, user, None);
        let known = self.doctor.map(|_| UserState::of(&belief.history));
        let known = known.as_ref().or(self.users.get(user).map(|user| &user.state));
        if let Some(state) = known
            && state.answered_before(&belief.policy, belief.now, claim)?.is_some()
        {
            return Ok(Ok(()));
        }
        let accounts = Account::of(&belief.policy.limits, claim);
        for account in accounts.iter().skip(1) {
            let Belief { requester, now, .. } = self.belief(command, user, Some(account));
            if let Some(limited) = RequesterState::of(&requester).refused_before(now, user, claim)? {
                return Ok(Err(limited));
            }
        }
        for account in accounts {
            let Belief { requester, policy, now, .. } = self.belief(command, user, Some(&account));
            let decision = RequesterState::of(&requester).debit(&account, &policy, now, user, claim)?;
            self.accounts.entry(account).or_default().extend(decision.events);
            if let Err(limited) = decision.answer {
                return Ok(Err(limited));
            }
        }
        Ok(Ok(()))
    }

    /// What is taken for the truth about an account; and about a user, where there is a doctor: its history is long.
    fn belief(&self, command: &Command, user: &UserId, account: Option<&Account>) -> Belief {
        let requester = account.and_then(|account| self.accounts.get(account)).cloned().unwrap_or_default();
        let truth = Belief { history: vec![], requester, policy: self.policy.clone(), now: self.now, rashly: vec![] };
        match self.doctor {
            Some(doctor) => doctor(command, Belief { history: self.history_of(user), ..truth }),
            None => truth,
        }
    }

    pub(super) fn history_of(&self, user: &UserId) -> Vec<Event> {
        self.users.get(user).map(|user| user.history.clone()).unwrap_or_default()
    }

    /// Lets the core decide on its belief, and appends what it decided to the truth.
    pub(super) fn decide<A, E>(
        &mut self,
        command: &Command,
        user: &UserId,
        decision: impl FnOnce(&UserState, &Policy, UnixSeconds) -> Result<Decision<A>, E>,
    ) -> Result<A, E> {
        let user = self.users.entry(user.clone()).or_default();
        let (decision, rashly) = match self.doctor {
            None => (decision(&user.state, &self.policy, self.now), vec![]),
            Some(doctor) => {
                let (history, requester) = (user.history.clone(), vec![]);
                let (policy, now) = (self.policy.clone(), self.now);
                let belief = doctor(command, Belief { history, requester, policy, now, rashly: vec![] });
                // Most beliefs about the history are true, and to read it again takes time.
                let other = (belief.history != user.history).then(|| UserState::of(&belief.history));
                let state = other.as_ref().unwrap_or(&user.state);
                (decision(state, &belief.policy, belief.now), belief.rashly)
            }
        };
        let (decided, outcome) = match decision {
            Ok(decision) => (decision.events, Ok(decision.answer)),
            Err(refusal) => (vec![], Err(refusal)),
        };
        let events: Vec<_> = rashly.into_iter().chain(decided).collect();
        if !events.is_empty() {
            events.iter().for_each(|event| user.state.apply(event));
            user.history.extend(events);
            assert_eq!(user.state, UserState::of(&user.history), "the history says something else than the state");
        }
        outcome
    }
}
