//! Follows a vector through the model: every allowed answer at every step, as a set of branches without duplicates.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use kpd_model::{
    history::State,
    spec::{Label, Op, Outcome, Selection, Spec},
};
use serde_json::Value;

use crate::{
    prove::turn::{Turn, Why, all_outside, turn},
    recording::{KeySeen, Observed, Recorded, Seen},
    translation::Names,
    vector::{Capability, Step, Vector, expect::Reason},
};

/// More branches than this are a vector that asks too much at once; the largest race of the suite has 576.
pub(super) const BRANCHES_MAX: usize = 2_000;

/// A server may take a KeyPackage that begins a little later, since clocks differ, or may not: both are good servers.
const SKEWS: [u64; 2] = [0, 300];

/// Longer than any KeyPackage that must be accepted, and shorter than any that must not.
const LIFETIME_MAX: u64 = 366 * 24 * 60 * 60;

/// One way in which good servers can have answered up to here.
#[derive(Clone)]
pub(super) struct Branch {
    /// Which of the specifications the server keeps.
    pub(super) spec: usize,
    pub(super) state: State,
    pub(super) saved: BTreeMap<String, Value>,
    /// Every answer that was seen, by its step.
    pub(super) seen: BTreeMap<String, String>,
    /// The answers that led here, where there was a choice.
    pub(super) story: Vec<String>,
    /// The whole way, where the judge wants to see it.
    pub(super) recorded: Vec<Recorded>,
}

/// One allowed answer.
pub(super) struct Way {
    pub(super) observed: Observed,
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
    pub(super) specs: Vec<Spec>,
    pub(super) labels: BTreeSet<Label>,
    /// Why the model can say nothing about this vector.
    pub(super) outside: Option<Why>,
}

impl<'a> Replay<'a> {
    pub(super) fn of(vector: &'a Vector) -> Self {
        let needs = |capability| vector.needs.contains(&capability);
        let base = Spec {
            selection: if needs(Capability::FifoSelection) { Selection::Fifo } else { Selection::Any },
            lifetime_max: LIFETIME_MAX,
            ..Spec::default()
        };
        let limited =
            if needs(Capability::ReferenceLimits) { Spec { batch_max: 100, stock_max: 500, ..base } } else { base };
        let begins_later = vector.key_packages.values().any(|recipe| recipe.lifetime().0 > 0);
        let skews = if begins_later { &SKEWS[..] } else { &SKEWS[..1] };
        let specs = skews.iter().map(|skew| Spec { skew: *skew, ..limited.clone() }).collect();
        Self { vector, names: Names::of(vector), specs, labels: BTreeSet::new(), outside: all_outside(vector) }
    }

    /// Before the first step, for each kind of good server.
    pub(super) fn begin(&self) -> Vec<Branch> {
        let begin = |spec| Branch {
            spec,
            state: self.names.initial(),
            saved: BTreeMap::new(),
            seen: BTreeMap::new(),
            story: vec![],
            recorded: vec![],
        };
        (0..self.specs.len()).map(begin).collect()
    }

    /// Every allowed answer to a step.
    pub(super) fn ways(&mut self, step: &Step, branch: &Branch) -> Ways {
        let state = &branch.state;
        let same = |observed| Way { observed, after: state.clone() };
        let mut ways = Ways { all: vec![], op: None, why: None, outside: false, unsaved: None };
        let turn = match self.outside {
            Some(why) => Turn::Outside(why),
            None => turn(self.vector, &self.names, step, state, &branch.saved),
        };
        match turn {
            Turn::Asked { op, beside } => {
                ways.all = self.asked(step, branch, &op);
                (ways.op, ways.why) = (Some(op), beside);
            }
            Turn::Keys(user) => {
                let clients = state.clients_of(user).into_iter().filter_map(|client| self.names.client_named(client));
                let keys = clients
                    .map(|(user, client)| KeySeen { client: format!("{user}/{client}"), ..KeySeen::default() })
                    .collect();
                // A list of keys is in any order.
                ways.all = orders(keys).into_iter().map(|keys| same(Observed::Ok(Seen::Keys(keys)))).collect();
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
                    Some(op) => self.asked(step, branch, &op),
                    None => vec![same(observed.clone())],
                };
                ways.all = before.into_iter().map(|way| Way { observed: observed.clone(), ..way }).collect();
                ways.why = Some(why);
            }
            Turn::Outside(why) => {
                ways.all = vec![same(Observed::Lost)];
                (ways.why, ways.outside) = (Some(why), true);
            }
            Turn::Unsaved(name) => ways.unsaved = Some(name),
        }
        ways
    }

    fn asked(&mut self, step: &Step, branch: &Branch, op: &Op) -> Vec<Way> {
        let spec = &self.specs[branch.spec];
        let outcomes = spec.outcomes(&branch.state, op);
        self.labels.extend(outcomes.iter().map(|(outcome, _)| spec.label(&branch.state, op, outcome)));
        let way = |(outcome, after): (Outcome, State)| Way { observed: self.names.observed(step, &outcome), after };
        outcomes.into_iter().map(way).collect()
    }

    /// The branch after one answer. `choice`: whether other answers would have been allowed.
    pub(super) fn after(&self, path: &str, step: &Step, branch: &Branch, way: &Way, choice: bool) -> Branch {
        let mut after = Branch { state: way.after.clone(), ..branch.clone() };
        let recorded = recorded(path, step, &way.observed, &branch.saved);
        after.saved.clone_from(&recorded.saved);
        after.seen.insert(path.into(), in_words(&recorded.observed));
        if choice {
            after.story.push(format!("{path} {}", in_words(&way.observed)));
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
        distinct.entry((branch.spec, branch.state.clone(), saved, branch.seen.clone())).or_insert(branch);
    }
    distinct.into_values().collect()
}

/// A step as it would have been recorded, one millisecond after the other.
pub(super) fn recorded(path: &str, step: &Step, observed: &Observed, saved: &BTreeMap<String, Value>) -> Recorded {
    let observed = if step.lose.is_some() { Observed::Lost } else { observed.clone() };
    let mut recorded = Recorded {
        path: path.into(),
        says: step.operation().into(),
        sent: Duration::ZERO,
        answered: Duration::ZERO,
        observed,
        told: crate::recording::Told::default(),
        exchanges: vec![],
        saved: saved.clone(),
    };
    if let Some(view) = recorded.view() {
        let found = step
            .save
            .iter()
            .filter_map(|(name, path)| Some((name.clone(), view.pointer(&format!("/{path}"))?.clone())));
        recorded.saved.extend(found.collect::<Vec<_>>());
    }
    recorded
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
fn orders(items: Vec<KeySeen>) -> Vec<Vec<KeySeen>> {
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
