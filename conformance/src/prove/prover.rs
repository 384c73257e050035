//! Proves one vector: each step, in each branch, against each allowed and each conceivable answer.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    judge::objection,
    prove::{
        Proved,
        alternatives::{alternatives, looks_at, taken},
        conceive::{OPTIONAL, conceivable},
        fault::{Fault, FaultKind},
        race,
        read::{is_allowed, looked_at},
        replay::{Answer, BRANCHES_MAX, Branch, Replay, Way, Ways, distinct, in_words, one_of_copies, recorded},
    },
    recording::{Observed, Recorded},
    vector::{Step, Vector},
};

/// What was found out about one vector so far.
pub(super) struct Prover<'a> {
    pub(super) vector: &'a Vector,
    pub(super) replay: Replay<'a>,
    users: Vec<String>,
    pub(super) proved: Proved,
    /// Alternatives that an allowed answer took, by step.
    taken: BTreeMap<String, BTreeSet<String>>,
    /// Steps that are loose in some branch.
    loose: BTreeSet<String>,
    /// Steps about whose answers the model says something.
    inside: BTreeSet<String>,
    /// Steps with what the model does not know of them.
    outside: BTreeSet<(String, crate::prove::turn::Why)>,
    /// Optional fields that were there, and not looked at.
    unread: BTreeSet<(String, &'static str)>,
}

pub(super) fn prove(vector: &Vector) -> Proved {
    let users = vector.users.keys().cloned().collect();
    let mut prover = Prover {
        vector,
        replay: Replay::of(vector),
        users,
        proved: Proved::of(vector),
        taken: BTreeMap::new(),
        loose: BTreeSet::new(),
        inside: BTreeSet::new(),
        outside: BTreeSet::new(),
        unread: BTreeSet::new(),
    };
    let last = prover.follow_all();
    prover.finish(last.unwrap_or_default())
}

impl Prover<'_> {
    /// All steps in their order; the branches that are left in the end, or nothing if there are too many.
    fn follow_all(&mut self) -> Option<Vec<Branch>> {
        let vector = self.vector;
        let branches = self.replay.begin();
        let Some(race) = &vector.race else { return self.in_order("steps", &vector.steps, branches) };
        let branches = self.in_order("before", &vector.before, branches)?;
        if self.replay.outside.is_some() {
            // Nothing is known of any order, so none is followed.
            return self.in_order("after", &vector.after, branches);
        }
        let branches = race::interleave(self, race, branches)?;
        race::judged(self, &branches);
        self.in_order("after", &vector.after, branches)
    }

    fn in_order(&mut self, part: &str, steps: &[Step], mut branches: Vec<Branch>) -> Option<Vec<Branch>> {
        for (index, step) in steps.iter().enumerate() {
            let path = format!("{part}[{index}]");
            let (mut ways, mut answers) = (vec![], 0);
            for branch in &branches {
                ways.push(self.allowed(&path, step, branch));
                answers += ways.last().map_or(0, |ways| ways.all.len());
                self.few_enough(&path, step, answers)?;
            }
            // Whoever saw the same answers cannot tell two branches apart: what either allows may be answered.
            let mut allowed: BTreeMap<_, Vec<Answer>> = BTreeMap::new();
            for (branch, ways) in branches.iter().zip(&ways) {
                let group = allowed.entry(&branch.seen).or_default();
                group.extend(ways.all.iter().map(|way| way.answer.clone()));
            }
            for (branch, ways) in branches.iter().zip(&ways) {
                let allowed = allowed.get(&branch.seen).map_or(&[][..], Vec::as_slice);
                self.tight(&path, step, &steps[index + 1..], branch, ways, allowed);
            }
            let mut after = vec![];
            for (branch, ways) in branches.iter().zip(&ways) {
                let choice = ways.all.len() > 1;
                after.extend(one_of_copies(step, ways).map(|way| self.replay.after(&path, step, branch, way, choice)));
            }
            branches = distinct(after);
        }
        Some(branches)
    }

    /// Nothing if there are too many branches; each holds a whole state, so that is seen before they are made.
    pub(super) fn few_enough(&mut self, path: &str, step: &Step, branches: usize) -> Option<()> {
        if branches > BRANCHES_MAX {
            self.fault(path, step, FaultKind::TooMany, &[]);
            return None;
        }
        Some(())
    }

    /// Every allowed answer to a step, each of which must be as good as expected.
    pub(super) fn allowed(&mut self, path: &str, step: &Step, branch: &Branch) -> Ways {
        let ways = self.replay.ways(step, branch);
        if let Some(name) = &ways.unsaved {
            self.fault(path, step, FaultKind::Unsaved { name: name.clone() }, &branch.story);
        }
        self.outside.extend(ways.why.map(|why| (path.to_string(), why)));
        if !ways.outside && step.expect.is_some() {
            self.inside.insert(path.to_string());
        }
        for way in &ways.all {
            let observed = &way.answer.observed;
            let recorded = recorded(path, step, &way.answer, &branch.saved);
            if let Some(expected) = objects(step, &recorded) {
                let allowed = match ways.why.filter(|_| ways.op.is_none()) {
                    Some(why) => format!("refused, for what the model does not know: {why}"),
                    None => in_words(observed),
                };
                self.fault(path, step, FaultKind::Unsound { allowed, expected }, &branch.story);
            }
            if let Some(expect) = &step.expect {
                let view = recorded.view();
                let lost = recorded.observed == Observed::Lost;
                let taken = if lost || (ways.op.is_none() && is_refusal(observed)) {
                    // What nobody sees may have been anything; in which words it is refused, the model does not know.
                    alternatives(expect)
                } else {
                    taken(expect, &recorded.observed, view.as_ref(), &recorded.saved)
                };
                self.taken.entry(path.to_string()).or_default().extend(taken);
                let there = |field: &&str| view.as_ref().is_some_and(|view| holds(view, field));
                let unread = OPTIONAL.into_iter().filter(there).filter(|field| !looks_at(expect, field, None));
                let claim = step.claim.is_some();
                self.unread.extend(unread.filter(|_| !claim).map(|field| (path.to_string(), field)));
            }
        }
        ways
    }

    /// Every conceivable answer that is not allowed must be rejected: by this step, or by a later one that finds out.
    fn tight(&mut self, path: &str, step: &Step, rest: &[Step], branch: &Branch, ways: &Ways, allowed: &[Answer]) {
        let Some(expect) = step.expect.as_ref().filter(|_| !ways.outside && step.lose.is_none()) else { return };
        if self.loose.contains(path) {
            return;
        }
        let read: Vec<_> = allowed.iter().map(|allowed| looked_at(expect, allowed)).collect();
        for way in &ways.all {
            for answer in conceivable(&self.replay.names, &self.users, step, &branch.saved, &way.answer) {
                let observed = &answer.observed;
                // In which words it is refused, the model does not know.
                let unknown_word = ways.op.is_none() && is_refusal(observed);
                let lie = recorded(path, step, &answer, &branch.saved);
                if objection(expect, &lie).is_some()
                    || is_allowed(expect, &answer, &read)
                    || (unknown_word && read.iter().any(|read| is_refusal(&read.observed)))
                    || self.comes_out(path, step, rest, branch, way, &lie)
                {
                    continue;
                }
                self.loose.insert(path.to_string());
                if expect.loose.is_none() {
                    let broken = self.broken(branch, ways, observed);
                    let allowed = allowed.iter().take(SHOWN).map(|allowed| in_words(&allowed.observed)).collect();
                    let kind = FaultKind::Loose { accepted: in_words(observed), broken, allowed };
                    self.fault(path, step, kind, &branch.story);
                }
                return;
            }
        }
    }

    /// Whether a later step finds out that an answer was a lie: the directory did what it was allowed to, and told
    /// something else; if from there on each way of going on honestly ends at a step that rejects it, the vector as a
    /// whole rejects the lie. That happens where the lie was saved, and is compared with what comes later. In a race,
    /// the judge looks at all answers together, and finds out at once.
    fn comes_out(
        &mut self,
        path: &str,
        step: &Step,
        rest: &[Step],
        branch: &Branch,
        way: &Way,
        lie: &Recorded,
    ) -> bool {
        if self.vector.race.is_some() {
            return race::rejected(self.vector, branch, lie);
        }
        let honest = recorded(path, step, &way.answer, &branch.saved);
        if honest.saved == lie.saved {
            return false;
        }
        let mut branches = vec![Branch { state: way.after.clone(), saved: lie.saved.clone(), ..branch.clone() }];
        for (index, step) in rest.iter().enumerate() {
            let path = format!("later[{index}]");
            let mut after = vec![];
            for branch in &branches {
                for way in &self.replay.ways(step, branch).all {
                    let recorded = recorded(&path, step, &way.answer, &branch.saved);
                    if objects(step, &recorded).is_none() {
                        after.push(self.replay.after(&path, step, branch, way, false));
                    }
                }
            }
            branches = distinct(after);
            if branches.is_empty() {
                return true;
            }
            if branches.len() > BRANCHES_MAX {
                return false;
            }
        }
        false
    }

    /// The rule that an answer breaks, in the vector's own names.
    fn broken(&self, branch: &Branch, ways: &Ways, observed: &Observed) -> Option<String> {
        let (op, Observed::Ok(seen)) = (ways.op.as_ref()?, observed) else { return None };
        let outcome = self.replay.names.outcome(op, seen)?;
        let refusal = self.replay.servers[branch.server].spec.accepts(&branch.state, op, &outcome).err()?;
        Some(format!("{}: {}", refusal.rule, self.replay.names.translate(&refusal.why)))
    }

    /// One of a kind for each step: the first branch tells enough.
    pub(super) fn fault(&mut self, path: &str, step: &Step, kind: FaultKind, after: &[String]) {
        let same =
            |fault: &Fault| fault.path == path && std::mem::discriminant(&fault.kind) == std::mem::discriminant(&kind);
        if !self.proved.faults.iter().any(same) {
            let (path, operation) = (path.to_string(), step.operation().to_string());
            self.proved.faults.push(Fault { path, operation, kind, after: after.to_vec() });
        }
    }

    fn finish(mut self, last: Vec<Branch>) -> Proved {
        let whole = !self.proved.faults.iter().any(|fault| fault.kind == FaultKind::TooMany);
        for (path, step) in self.vector.all_steps().filter(|_| whole) {
            let Some(expect) = &step.expect else { continue };
            let taken = self.taken.remove(&path).unwrap_or_default();
            for alternative in alternatives(expect).difference(&taken) {
                let kind = FaultKind::Dead { alternative: alternative.clone() };
                let operation = step.operation().to_string();
                self.proved.faults.push(Fault { path: path.clone(), operation, kind, after: vec![] });
            }
            match (&expect.loose, self.loose.contains(&path)) {
                (Some(stated), false) => {
                    self.fault(&path, step, FaultKind::NotLoose { stated: stated.clone() }, &[]);
                }
                (Some(stated), true) => self.proved.loose.push((path, stated.clone())),
                (None, _) => {}
            }
        }
        for (_, why) in self.outside {
            *self.proved.outside.entry(why).or_default() += 1;
        }
        self.proved.unread = self.unread.len();
        self.proved.branches = last.len();
        let judged = self.vector.race.is_some() && self.replay.outside.is_none();
        self.proved.nothing_inside = self.inside.is_empty() && !judged;
        self.proved.labels = self.replay.labels;
        self.proved
    }
}

const SHOWN: usize = 3;

/// What a step says against an answer. Without an expectation it prepares, and must succeed.
pub(super) fn objects(step: &Step, recorded: &Recorded) -> Option<String> {
    match (&step.expect, &recorded.observed) {
        (Some(expect), _) => objection(expect, recorded),
        // In a lane it is for the judge alone.
        (None, _) if recorded.path.starts_with("race.") => None,
        (None, Observed::Ok(_) | Observed::Lost) => None,
        (None, _) => Some("success, since without `expect` the step prepares".into()),
    }
}

fn is_refusal(observed: &Observed) -> bool {
    matches!(observed, Observed::Refused(_))
}

/// Whether an answer has a field of this name, with a value.
fn holds(view: &serde_json::Value, field: &str) -> bool {
    match view {
        serde_json::Value::Object(entries) => entries.get(field).is_some_and(|value| !value.is_null()),
        serde_json::Value::Array(items) => items.iter().any(|item| holds(item, field)),
        _ => false,
    }
}
