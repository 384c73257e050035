//! Follows a vector through the model: every allowed answer at every step, as a set of branches without duplicates.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use kpd_model::{
    history::State,
    spec::{Label, Op},
};
use serde_json::Value;

use crate::{
    prove::{
        servers::{Server, retry_after, servers},
        turn::{Turn, Why, all_outside, turn},
    },
    recording::{Observed, Recorded, Seen, Told},
    translation::Names,
    vector::{Claim, Step, Vector, expect::Reason},
};

/// More branches than this are a vector that asks too much at once; the largest race of the suite has 576.
pub(super) const BRANCHES_MAX: usize = 2_000;

/// One way in which good servers can have answered up to here.
#[derive(Clone)]
pub(super) struct Branch {
    /// Which kind of good server it is.
    pub(super) server: usize,
    pub(super) state: State,
    pub(super) saved: BTreeMap<String, Value>,
    /// Every answer that was seen, by its step.
    pub(super) seen: BTreeMap<String, String>,
    /// The answers that led here, where there was a choice.
    pub(super) story: Vec<String>,
    /// The whole way, where the judge wants to see it.
    pub(super) recorded: Vec<Recorded>,
}

/// An answer: what it means, and what a refusal says about when to ask again.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) observed: Observed,
    pub(super) retry_after: Option<u64>,
}

impl From<Observed> for Answer {
    fn from(observed: Observed) -> Self {
        Self { observed, retry_after: None }
    }
}

/// One allowed answer.
pub(super) struct Way {
    pub(super) answer: Answer,
    pub(super) after: State,
}

/// What a step brings in one branch.
pub(super) struct Ways {
    pub(super) all: Vec<Way>,
    /// What the step asks, where the model has an operation for it.
    pub(super) op: Option<Op>,
    /// What the model does not know of it.
    pub(super) why: Option<Why>,
    /// Whether the model knows nothing of the answer.
    pub(super) outside: bool,
    /// A saved value that this branch does not have.
    pub(super) unsaved: Option<String>,
}

pub(super) struct Replay<'a> {
    pub(super) vector: &'a Vector,
    pub(super) names: Names<'a>,
    pub(super) servers: Vec<Server>,
    pub(super) labels: BTreeSet<Label>,
    /// Why the model can say nothing about this vector.
    pub(super) outside: Option<Why>,
}

impl<'a> Replay<'a> {
    pub(super) fn of(vector: &'a Vector) -> Self {
        let (names, servers, outside) = (Names::of(vector), servers(vector), all_outside(vector));
        Self { vector, names, servers, labels: BTreeSet::new(), outside }
    }

    /// Before the first step, for each kind of good server.
    pub(super) fn begin(&self) -> Vec<Branch> {
        let begin = |server| Branch {
            server,
            state: self.names.initial(),
            saved: BTreeMap::new(),
            seen: BTreeMap::new(),
            story: vec![],
            recorded: vec![],
        };
        (0..self.servers.len()).map(begin).collect()
    }

    /// Every allowed answer to a step.
    pub(super) fn ways(&mut self, step: &Step, branch: &Branch) -> Ways {
        let state = &branch.state;
        let same = |observed: Observed| Way { answer: observed.into(), after: state.clone() };
        let mut ways = Ways { all: vec![], op: None, why: None, outside: false, unsaved: None };
        let turn = match self.outside {
            Some(why) => Turn::Outside(why),
            None => turn(self.vector, &self.names, step, state, &branch.saved),
        };
        match turn {
            Turn::Asked { op, beside } => {
                ways.all = match &step.claim {
                    Some(claim) if claim.until.is_some() => self.repeated(claim, step, branch, &op),
                    _ => self.asked(step, branch, state, &op),
                };
                (ways.op, ways.why) = (Some(op), beside);
            }
            Turn::KeyHistory(user) => {
                let keys = orders(self.names.key_history(user, state)).into_iter();
                ways.all = keys.map(|keys| same(Observed::Ok(Seen::Keys(keys)))).collect();
            }
            Turn::Blocks(user) => {
                let blocks = orders(self.names.blocks(user, state)).into_iter();
                ways.all = blocks.map(|blocks| same(Observed::Ok(Seen::Blocks(blocks)))).collect();
            }
            Turn::Recalled(names) => {
                let values: Option<_> = names.iter().map(|name| branch.saved.get(name).cloned()).collect();
                match values {
                    Some(values) => ways.all = vec![same(Observed::Ok(Seen::Recalled(values)))],
                    None => ways.unsaved = Some(names.join(", ")),
                }
            }
            Turn::Refused { why, first } => {
                // In the vector's own word: the model has none for it.
                let word = step.expect.as_ref().and_then(|expect| expect.refused.as_ref()?.all().first().copied());
                let observed = Observed::Refused(word.unwrap_or(Reason::Forbidden));
                let before = match first {
                    Some(op) => self.asked(step, branch, state, &op),
                    None => vec![same(observed.clone())],
                };
                let refused = |way: Way| Way { answer: observed.clone().into(), ..way };
                ways.all = before.into_iter().map(refused).collect();
                ways.why = Some(why);
            }
            Turn::Unchanged => ways.all = vec![same(Observed::Ok(Seen::Done {}))],
            Turn::Outside(why) => {
                ways.all = vec![same(Observed::Lost)];
                (ways.why, ways.outside) = (Some(why), true);
            }
            Turn::Unsaved(name) => ways.unsaved = Some(name),
        }
        ways
    }

    /// Whether an owner waits here for what is not there yet.
    pub(super) fn waits_on(&self, step: &Step, branch: &Branch) -> bool {
        let Branch { state, saved, .. } = branch;
        if !step.waits_to_be_told() {
            return false;
        }
        match turn(self.vector, &self.names, step, state, saved) {
            Turn::Asked { op: Op::Notifications { client, after }, .. } => {
                let told = state.notifications.get(&client).into_iter().flatten();
                told.into_iter().all(|notified| notified.sequence <= after)
            }
            _ => false,
        }
    }

    fn asked(&mut self, step: &Step, branch: &Branch, state: &State, op: &Op) -> Vec<Way> {
        let server = &self.servers[branch.server];
        let mut ways = vec![];
        for (outcome, after) in server.outcomes(state, op) {
            self.labels.insert(server.spec.label(state, op, &outcome));
            // A list of keys is in any order.
            let all = match self.names.observed(step, &outcome, &after) {
                Observed::Ok(Seen::Keys(keys)) => {
                    orders(keys).into_iter().map(|keys| Observed::Ok(Seen::Keys(keys))).collect()
                }
                observed => server.tells(state, op, observed),
            };
            let answer = |observed| Answer { observed, retry_after: retry_after(&outcome) };
            ways.extend(all.into_iter().map(|observed| Way { answer: answer(observed), after: after.clone() }));
        }
        ways
    }

    /// A claim that is made again and again until it does not succeed. Which of several copies of one recipe an earlier
    /// answer has had, nobody sees and nothing later depends on: one stands for all.
    fn repeated(&mut self, claim: &Claim, step: &Step, branch: &Branch, op: &Op) -> Vec<Way> {
        let at_most = claim.until.map_or(1, |until| until.at_most);
        let (mut last, mut states) = (vec![], BTreeSet::from([branch.state.clone()]));
        for time in 1..=at_most {
            let mut after = BTreeSet::new();
            for state in &states {
                let mut copies = BTreeSet::new();
                for way in self.asked(step, branch, state, op) {
                    match &way.answer.observed {
                        Observed::Ok(seen) if time < at_most => {
                            if copies.insert(recipes(seen)) {
                                after.insert(way.after);
                            }
                        }
                        _ => last.push(way),
                    }
                }
            }
            states = after;
        }
        last
    }

    /// The branch after one answer. `choice`: whether other answers would have been allowed.
    pub(super) fn after(&self, path: &str, step: &Step, branch: &Branch, way: &Way, choice: bool) -> Branch {
        let mut after = Branch { state: way.after.clone(), ..branch.clone() };
        let recorded = recorded(path, step, &way.answer, &branch.saved);
        after.saved.clone_from(&recorded.saved);
        after.seen.insert(path.into(), in_words(&recorded.observed));
        if choice {
            after.story.push(format!("{path} {}", in_words(&way.answer.observed)));
        }
        if self.vector.race.is_some() {
            after.recorded.push(recorded);
        }
        after
    }
}

/// Branches that differ in nothing, but in the order of what happened at once, are one.
pub(super) fn distinct(branches: Vec<Branch>) -> Vec<Branch> {
    let mut distinct = BTreeMap::new();
    for branch in branches {
        let saved = serde_json::to_string(&branch.saved).unwrap_or_default();
        distinct.entry((branch.server, branch.state.clone(), saved, branch.seen.clone())).or_insert(branch);
    }
    distinct.into_values().collect()
}

/// A step as it would have been recorded, one millisecond after the other.
pub(super) fn recorded(path: &str, step: &Step, answer: &Answer, saved: &BTreeMap<String, Value>) -> Recorded {
    let observed = if step.lose.is_some() { Observed::Lost } else { answer.observed.clone() };
    let mut recorded = Recorded {
        path: path.into(),
        says: step.operation().into(),
        sent: Duration::ZERO,
        answered: Duration::ZERO,
        observed,
        exchanges: vec![],
        told: Told { retry_after: answer.retry_after, answer: None },
        saved: saved.clone(),
    };
    if let Some(view) = recorded.to_save() {
        let found = step
            .save
            .iter()
            .filter_map(|(name, path)| Some((name.clone(), view.pointer(&format!("/{path}"))?.clone())));
        recorded.saved.extend(found.collect::<Vec<_>>());
    }
    recorded
}

/// The answers from which to go on. Which of several copies of one recipe a claim got, where the answer is not kept,
/// nothing later depends on: one stands for all.
pub(super) fn one_of_copies<'w>(step: &Step, ways: &'w Ways) -> impl Iterator<Item = &'w Way> {
    let kept = step.claim.is_none() || !step.save.is_empty();
    let mut given = BTreeSet::new();
    ways.all.iter().filter(move |way| match &way.answer.observed {
        Observed::Ok(seen) if !kept => given.insert(recipes(seen)),
        _ => true,
    })
}

/// What was granted, by its recipe and without the number of a copy.
fn recipes(seen: &Seen) -> String {
    let Seen::Claimed(clients) = seen else { return String::new() };
    let recipe = |name: &Option<String>| name.as_ref().and_then(|name| name.split('#').next()).map(str::to_string);
    let given: Vec<_> =
        clients.iter().map(|(client, given)| (client, &given.kind, recipe(&given.key_package))).collect();
    format!("{given:?}")
}

/// An answer as it is shown to whoever wrote the vector.
pub(super) fn in_words(observed: &Observed) -> String {
    match observed {
        Observed::Ok(Seen::Done {}) => "success".into(),
        Observed::Ok(seen) => serde_json::to_string(seen).unwrap_or_default(),
        Observed::Refused(reason) => {
            let name = serde_json::to_value(reason).unwrap_or_default();
            format!("refused: {}", name.as_str().unwrap_or_default())
        }
        Observed::Unexpected(why) => why.clone(),
        Observed::Lost => "an answer that the model does not know".into(),
    }
}

/// Every order of a short list; of a long one, the order that it has.
fn orders<T: Clone>(items: Vec<T>) -> Vec<Vec<T>> {
    if items.len() <= 1 || items.len() > 4 {
        return vec![items];
    }
    let with_first = |first: usize| {
        let mut rest = items.clone();
        let item = rest.remove(first);
        orders(rest).into_iter().map(move |rest| [std::slice::from_ref(&item), &rest].concat()).collect::<Vec<_>>()
    };
    (0..items.len()).flat_map(with_first).collect()
}
