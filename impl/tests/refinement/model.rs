//! The model beside the core: follows each answer, or says why it cannot.

use std::collections::{BTreeMap, BTreeSet};

use kpd_directory::{
    Policy, UnixSeconds,
    claim::ClaimError,
    feed::FeedError,
    keys::{AddKeyError, RemoveKeyError},
    policy::Selection,
    publish::{ItemFault, PublishError},
    withdraw::WithdrawError,
};
use kpd_model::{
    history::State,
    names::Client,
    spec::{Outcome, Reason, Selection as ModelSelection, Spec},
};

use crate::{
    names::{claimed, client, facts, op, outcome, reason, with_names},
    support::{
        answer::{Answer, Refusal},
        command::Command,
        world::Who,
    },
};

#[derive(Clone)]
pub(crate) struct Model {
    spec: Spec,
    state: State,
    /// The kinds of steps that it followed.
    pub(crate) labels: BTreeSet<String>,
}

impl Model {
    pub(crate) fn new(policy: &Policy) -> Self {
        let spec = Spec {
            selection: match policy.selection {
                Selection::Random => ModelSelection::Any,
                Selection::Fifo => ModelSelection::Fifo,
            },
            lifetime_max: policy.lifetime_seconds_max,
            skew: policy.clock_skew_seconds,
            stock_max: policy.stock_max,
            batch_max: policy.batch_max,
            ..Spec::default()
        };
        Self { spec, state: State { now: crate::support::make::START, ..State::default() }, labels: BTreeSet::new() }
    }

    /// Requires that the model could have given this answer, and goes where it leads.
    pub(crate) fn follow(&mut self, now: UnixSeconds, command: &Command, answer: &Answer) -> Result<(), String> {
        let op = op(&self.state, now, command);
        let outcome = match (command, answer) {
            (Command::Publish { by, items }, Answer::Refused(Refusal::Publish(PublishError::Items(faults)))) => {
                let names: Vec<_> = items.iter().map(|(name, _)| *name).collect();
                Some(Outcome::Refused(self.item_faults(client(*by), &names, faults)?))
            }
            (_, Answer::Refused(refusal)) => self.refusal(command, refusal)?.map(Outcome::Refused),
            (Command::Claim { claim, .. }, Answer::Claimed(clients)) => Some(claimed(claim, clients)),
            _ => {
                self.not_to_be_refused(command)?;
                Some(outcome(speaker(command), answer))
            }
        };
        let Some(outcome) = outcome else { return Ok(()) };
        let label = self.spec.label(&self.state, &op, &outcome);
        self.state =
            self.spec.accepts(&self.state, &op, &outcome).map_err(|refusal| with_names(refusal.to_string()))?;
        self.labels.insert(label.to_string());
        Ok(())
    }

    /// The model's word for a refusal; `None` for one that the model does not know, but that is justified.
    fn refusal(&self, command: &Command, refusal: &Refusal) -> Result<Option<Reason>, String> {
        let no_client = !self.state.client_exists(client(speaker(command)));
        match refusal {
            Refusal::Publish(PublishError::UnknownClient) => Ok(Some(Reason::UnknownClient)),
            Refusal::Publish(PublishError::BatchTooLarge { .. }) => Ok(Some(Reason::BatchTooLarge)),
            Refusal::Publish(PublishError::StockFull { .. }) => Ok(Some(Reason::StockFull)),
            Refusal::Claim(ClaimError::UnknownUser) => Ok(Some(Reason::UnknownUser)),
            Refusal::Claim(ClaimError::IdempotencyMismatch) => Ok(Some(Reason::IdempotencyMismatch)),
            Refusal::AddKey(AddKeyError::KeyTaken) => Ok(Some(Reason::KeyTaken)),
            Refusal::RemoveKey(RemoveKeyError::UnknownKey) => Ok(Some(Reason::UnknownKey)),
            Refusal::Feed(FeedError::UnknownClient) | Refusal::Withdraw(WithdrawError::UnknownClient) if no_client => {
                Ok(None)
            }
            Refusal::Feed(FeedError::NotYet { .. }) if self.not_yet(command) => Ok(None),
            Refusal::AddKey(AddKeyError::InvalidToken) if self.without_keys(speaker(command)) => Ok(None),
            other => Err(format!("refused without reason: {other}")),
        }
    }

    /// What the model would let pass, and the core has to refuse: see `refusal`.
    fn not_to_be_refused(&self, command: &Command) -> Result<(), String> {
        let looks = matches!(
            command,
            Command::Withdraw { .. } | Command::Count { .. } | Command::Read { .. } | Command::Acknowledge { .. }
        );
        if looks && !self.state.client_exists(client(speaker(command))) {
            return Err("NOTE-PRIVATE: answered a client without a key".into());
        }
        if self.not_yet(command) {
            return Err("NOTE-SURVIVES: acknowledged what was not yet there".into());
        }
        Ok(())
    }

    fn not_yet(&self, command: &Command) -> bool {
        let Command::Acknowledge { by, through } = command else { return false };
        *through > self.state.sequences.get(&client(*by)).copied().unwrap_or_default()
    }

    /// Whoever removed the last key has no authority left to add one.
    fn without_keys(&self, who: Who) -> bool {
        crate::support::world::CLIENTS
            .iter()
            .filter(|other| other.user == who.user)
            .all(|other| !self.state.client_exists(client(*other)))
    }

    /// Compares the named items with the model's faults (`PUB-ATOMIC`), and gives a reason that stands for them.
    ///
    /// A fault of an item can lie in another item of the batch, and that one may itself be faulty and not count. So
    /// what is named has to be a fault when all items count, and what is a fault when only the good ones count has to
    /// be named.
    fn item_faults(
        &self,
        client: Client,
        names: &[&str],
        faults: &BTreeMap<usize, ItemFault>,
    ) -> Result<Reason, String> {
        let all: Vec<_> = names.iter().map(|name| facts(name)).collect();
        let allowed = self.spec.faults(&self.state, client, &all).items;
        let mut good = vec![];
        for (position, facts) in all.into_iter().enumerate() {
            good.push(facts);
            let required = self.spec.faults(&self.state, client, &good).items.remove(&(good.len() - 1));
            let name = names[position];
            match faults.get(&position) {
                Some(fault) => {
                    if !allowed.get(&position).is_some_and(|reasons| reasons.contains(&reason(fault))) {
                        return Err(format!("PUB-ATOMIC: {name} is called {:?}, which is not so", reason(fault)));
                    }
                    good.pop();
                }
                None if required.is_some() => {
                    return Err(format!("PUB-ATOMIC: {name} is not named, although {required:?}"));
                }
                None => {}
            }
        }
        let first = faults.values().next().ok_or("PUB-ATOMIC: refused without a faulty item")?;
        Ok(reason(first))
    }
}

fn speaker(command: &Command) -> Who {
    match command {
        Command::Publish { by, .. }
        | Command::Claim { by, .. }
        | Command::Withdraw { by, .. }
        | Command::Count { by }
        | Command::Read { by, .. }
        | Command::Acknowledge { by, .. }
        | Command::AddKey { by, .. }
        | Command::ExtendKey { by, .. }
        | Command::RemoveKey { by, .. }
        | Command::Block { by, .. }
        | Command::Replace { by, .. }
        | Command::Compare { by }
        | Command::RemoveClient { by, .. }
        | Command::Unblock { by, .. } => *by,
        Command::Collect | Command::Fence | Command::Wait(_) => crate::support::world::CLIENTS[0],
    }
}
