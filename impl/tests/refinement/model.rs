//! The model beside the core: follows each answer, or says why it cannot.

use std::collections::{BTreeMap, BTreeSet};

use kpd_directory::{
    Policy, UnixSeconds,
    blocks::Blocked,
    claim::ClaimError,
    feed::FeedError,
    keys::{AddKeyError, ExtendKeyError, RemoveKeyError},
    policy::{DrainAlert, Limit, Selection},
    publish::{ItemFault, PublishError},
    upkeep::RemoveClientError,
    withdraw::WithdrawError,
};
use kpd_model::{
    history::{Answer as Remembered, Notified, SEQUENCE_JUMP, State},
    names::{Client, Server},
    spec::{
        DrainAlert as ModelDrainAlert, Limit as ModelLimit, Limits as ModelLimits, Op, Outcome, Reason,
        Selection as ModelSelection, Spec,
    },
};

use crate::{
    answering::{count, outcome, past},
    asking::{names, op},
    feeds::Feeds,
    names::{client, facts, key, reason, requester, user, with_names},
    support::{
        answer::{Answer, Refusal},
        command::Command,
        make::START,
        world::{ASKERS, CLIENTS, STRANGERS, Who},
    },
};

#[derive(Clone)]
pub(crate) struct Model {
    spec: Spec,
    state: State,
    feeds: Feeds,
    /// Which blocks each owner has set: one of a server is many to the model, and of several one may be lifted.
    blocks: BTreeSet<(&'static str, Blocked)>,
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
            limits: ModelLimits {
                requester: limit(policy.limits.requester),
                server: limit(policy.limits.server),
                pair: limit(policy.limits.pair),
            },
            servers: STRANGERS.map(|stranger| (requester(stranger), Server(1))).into(),
            drain: policy.drain.map(|DrainAlert { percent, at_least, seconds }| ModelDrainAlert {
                percent: count(percent),
                at_least: count(at_least),
                seconds,
            }),
            low_water: u32::try_from(policy.low_water).expect("a small number"),
            claim_memory: policy.idempotency_seconds,
        };
        let state = State { now: START, ..State::default() };
        Self { spec, state, feeds: Feeds::new(), blocks: BTreeSet::new(), labels: BTreeSet::new() }
    }

    /// Requires that the model could have given this answer, and goes where it leads.
    pub(crate) fn follow(&mut self, now: UnixSeconds, command: &Command, answer: &Answer) -> Result<(), String> {
        for (op, outcome) in self.steps(now, command, answer)? {
            let accepted = self.spec.accepts(&self.state, &op, &outcome);
            let after = accepted.map_err(|refusal| with_names(refusal.to_string()))?;
            self.label(&op, &outcome, &after);
            match command {
                Command::Claim { by, .. } => self.feeds.claimed(&self.state, &after, *by),
                Command::Fence => self.feeds.fenced(&self.state, &after),
                _ => {}
            }
            self.state = after;
        }
        Ok(())
    }

    /// Question and answer in the model's words; nothing, where the model does not know the question and the answer is
    /// right.
    fn steps(&mut self, now: UnixSeconds, command: &Command, answer: &Answer) -> Result<Vec<(Op, Outcome)>, String> {
        let reason = match (command, answer) {
            (Command::Publish { by, items }, Answer::Refused(Refusal::Publish(PublishError::Items(faults)))) => {
                let names: Vec<_> = items.iter().map(|(name, _)| *name).collect();
                Some(self.item_faults(client(*by), &names, faults)?)
            }
            (Command::Replace { by, items }, Answer::Refused(Refusal::Publish(PublishError::Items(faults)))) => {
                Some(self.item_faults(client(*by), items, faults)?)
            }
            (_, Answer::Refused(refusal)) => self.refusal(command, refusal)?,
            (Command::Block { by, blocked }, _) => return Ok(self.shut_out(*by, blocked, true)),
            (Command::Unblock { by, blocked }, _) => return Ok(self.shut_out(*by, blocked, false)),
            (Command::History { user }, Answer::History(keys)) => return Ok(past(now, user, keys)),
            _ => {
                self.not_to_be_refused(command)?;
                let outcome = outcome(&self.feeds, speaker(command), command, answer)?;
                return Ok(vec![(op(&self.state, &self.feeds, now, command), outcome)]);
            }
        };
        let refused = |reason| (op(&self.state, &self.feeds, now, command), Outcome::Refused(reason));
        Ok(reason.map(refused).into_iter().collect())
    }

    /// To the model each user is shut out by itself; the owner never is.
    fn shut_out(&mut self, by: Who, blocked: &Blocked, block: bool) -> Vec<(Op, Outcome)> {
        let entry = (by.user, blocked.clone());
        if block {
            self.blocks.insert(entry)
        } else {
            self.blocks.remove(&entry)
        };
        let others = ASKERS.into_iter().filter(|asker| *asker != by.user && names(blocked, asker));
        let op = |asker| {
            let (user, requester) = (user(by.user), requester(asker));
            let still = self.blocks.iter().any(|(owner, other)| *owner == by.user && names(other, asker));
            if still { Op::Block { user, requester } } else { Op::Unblock { user, requester } }
        };
        others.map(|asker| (op(asker), Outcome::Done)).collect()
    }

    /// The model's label, and what it does not say: whether anything changed, and what a claim comes after.
    fn label(&mut self, op: &Op, outcome: &Outcome, after: &State) {
        let label = self.spec.label(&self.state, op, outcome);
        if *after != self.state {
            self.labels.insert(format!("changes: {label}"));
        }
        if let (Op::Claim(claim), Outcome::Claimed(_) | Outcome::Limited { .. }) = (op, outcome) {
            let before = claim.key.and_then(|key| self.state.claims.get(&(claim.requester, claim.user, key)));
            let forgotten = |at: UnixSeconds| at + self.spec.claim_memory <= self.state.now;
            self.labels.extend(before.map(|before| match before.answer {
                Remembered::Statuses(_) if forgotten(before.at) => format!("after a forgotten answer: {label}"),
                Remembered::Limited(_) if forgotten(before.at) => format!("after a forgotten refusal: {label}"),
                Remembered::Statuses(_) => format!("after an answer: {label}"),
                Remembered::Limited(_) => format!("after a refusal: {label}"),
            }));
        }
        if *after != self.state && self.state.fenced.is_some() {
            self.labels.insert(format!("changes after a fence: {label}"));
        }
        let told_after_fence = |feed: &[Notified]| feed.iter().any(|told| told.sequence > SEQUENCE_JUMP);
        if matches!(outcome, Outcome::Notifications(feed) if told_after_fence(feed)) {
            self.labels.insert(format!("told after a fence: {label}"));
        }
        self.labels.insert(label.to_string());
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
            Refusal::AddKey(AddKeyError::ExpiryPassed { .. }) => Ok(Some(Reason::ExpiryNotForward)),
            Refusal::ExtendKey(ExtendKeyError::UnknownKey) => Ok(Some(Reason::UnknownKey)),
            Refusal::ExtendKey(ExtendKeyError::KeyEnded { .. }) => Ok(Some(Reason::KeyEnded)),
            Refusal::ExtendKey(ExtendKeyError::ExpiryNotForward { .. }) => Ok(Some(Reason::ExpiryNotForward)),
            Refusal::RemoveKey(RemoveKeyError::UnknownKey) => Ok(Some(Reason::UnknownKey)),
            Refusal::RemoveClient(RemoveClientError::UnknownClient) => Ok(Some(Reason::UnknownClient)),
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
            Command::Withdraw { .. }
                | Command::Count { .. }
                | Command::Compare { .. }
                | Command::Read { .. }
                | Command::Acknowledge { .. }
        );
        if looks && !self.state.client_exists(client(speaker(command))) {
            return Err("NOTE-PRIVATE: answered a client without a key".into());
        }
        if self.not_yet(command) {
            return Err("NOTE-SURVIVES: acknowledged what was not yet there".into());
        }
        if let Command::AddKey { by, key: name, .. } = command
            && self.without_keys(*by)
            && self.state.keys.values().any(|known| known.user == user(by.user))
        {
            return Err(format!("KEY-PROOF: added {name} though nobody was left who may: {:?}", key(name)));
        }
        Ok(())
    }

    fn not_yet(&self, command: &Command) -> bool {
        let Command::Acknowledge { by, through } = command else { return false };
        self.feeds.sequence(client(*by), *through) >= self.state.next_sequence(client(*by))
    }

    /// Whoever removed the last key has no authority left to add one.
    fn without_keys(&self, who: Who) -> bool {
        let own = CLIENTS.iter().filter(|other| other.user == who.user);
        own.copied().all(|other| !self.state.client_exists(client(other)))
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
        Command::Keys { .. }
        | Command::History { .. }
        | Command::Verify { .. }
        | Command::Collect
        | Command::Fence
        | Command::Wait(_) => CLIENTS[0],
    }
}

fn limit(limit: Option<Limit>) -> Option<ModelLimit> {
    limit.map(|Limit { claims, seconds }| ModelLimit { claims, seconds })
}
