//! What a round proves: the model's rules on what its clients saw, and the fewest answers that prove it.
//!
//! No rule is written here: [`kpd_model::view`] asks those of the model. To forget an answer makes a history say less, never
//! more, so whatever is still broken when the others are forgotten is proved by the answers that are left.

use std::collections::BTreeMap;

use kpd_model::{
    history::{Event, State},
    linearize::{self, Operation, linearize},
    monitor::{self, monitor},
    spec::{Outcome, Refusal, Spec},
    view::{self, Findings, Seen, setup_of},
};

use crate::{
    judge::{
        each::{Clients, setup_for},
        history::Names,
    },
    recording::{Observed, Recorded},
    vector::{Step, Vector},
};

/// Steps of the search for an explanation of one round; far more than a legal round of the suite takes.
pub(super) const BUDGET: usize = 100_000;

/// The same for one of the many smaller searches that look for the fewest answers.
const BUDGET_OF_FEWER: usize = 20_000;

/// The cursors of a feed are numbered anew here, so that nothing is said of them.
const NOT_SAID_HERE: [&str; 1] = ["NOTE-SURVIVES"];

/// A history in the terms of the model, with the steps that its operations were.
pub(super) struct Story<'a> {
    names: Names<'a>,
    spec: Spec,
    setup: Vec<Event>,
    operations: Vec<Operation>,
    recorded: Vec<&'a Recorded>,
}

/// A broken rule.
pub(super) struct Proved<'a> {
    pub(super) rule: &'static str,
    pub(super) says: String,
    /// The steps whose answers together prove it.
    pub(super) involved: Vec<&'a Recorded>,
}

/// What a search found.
pub(super) enum Searched<'a> {
    Explained,
    Broken(Proved<'a>),
    OutOfBudget,
}

impl<'a> Story<'a> {
    /// What the model can order: everything but notifications, whose cursors are the server's own.
    pub(super) fn of(vector: &'a Vector, pairs: &[(&Step, &'a Recorded)]) -> Self {
        Self::with(vector, pairs, |names, step, recorded| names.operation(step, recorded, pairs))
    }

    /// What was said: grants, and each owner's last reading of its whole feed. Refusals may have any reason here.
    pub(super) fn said(vector: &'a Vector, pairs: &[(&Step, &'a Recorded)]) -> Self {
        let mut last: BTreeMap<_, &str> = BTreeMap::new();
        for (step, recorded) in pairs {
            let whole = step.notifications.as_ref().filter(|feed| feed.after.is_none());
            if let (Some(feed), Observed::Ok(_)) = (whole, &recorded.observed) {
                last.insert(vector.client(feed.of.as_ref().unwrap_or(&feed.by)), &recorded.path);
            }
        }
        let last: Vec<&str> = last.into_values().collect();
        let mut takers = crate::judge::history::Takers::of(vector, pairs);
        Self::with(vector, pairs, |names, step, recorded| match &step.notifications {
            Some(_) if !last.contains(&recorded.path.as_str()) => None,
            Some(_) => names.reading(step, recorded, &mut takers),
            None => names.letting_go(step, recorded).or_else(|| {
                let mut operation = names.operation(step, recorded, pairs)?;
                if matches!(operation.outcome, Some(Outcome::Refused(_))) {
                    (operation.outcome, operation.returned) = (None, None);
                }
                Some(operation)
            }),
        })
    }

    fn with(
        vector: &'a Vector,
        pairs: &[(&Step, &'a Recorded)],
        mut operation: impl FnMut(&Names<'a>, &Step, &Recorded) -> Option<Operation>,
    ) -> Self {
        let names = Names::of(vector);
        let setup = setup_of(&names.initial());
        let told = pairs.iter().filter_map(|(step, recorded)| Some((operation(&names, step, recorded)?, *recorded)));
        let (operations, recorded) = told.unzip();
        Self { names, spec: Spec::default(), setup, operations, recorded }
    }

    /// Whether some order of the operations explains every answer, be it for each client alone; if not, which rule that
    /// proves broken. A look that is not `thorough` says only that it is so.
    pub(super) fn search(&self, thorough: bool) -> Searched<'a> {
        let whole = self.search_whole(thorough);
        if matches!(whole, Searched::Explained) {
            return whole;
        }
        let each = self.for_each_client();
        if each.is_empty() {
            return whole;
        }
        let mut doubtful = None;
        for one in each {
            match one.search_whole(thorough) {
                Searched::Explained => {}
                Searched::OutOfBudget => doubtful = Some(Searched::OutOfBudget),
                broken @ Searched::Broken(_) => return broken,
            }
        }
        doubtful.unwrap_or(Searched::Explained)
    }

    /// What there is for each client alone, where clients share an answer.
    fn for_each_client(&self) -> Vec<Self> {
        let clients = Clients::of(&self.setup, &self.operations);
        let only = |client| {
            let told = self.operations.iter().zip(&self.recorded);
            let concerned =
                told.filter_map(|(operation, recorded)| Some((clients.only(client, operation)?, *recorded)));
            let (operations, recorded) = concerned.unzip();
            let (names, setup) = (Names::of(self.names.vector), setup_for(client, &self.setup));
            Self { names, spec: self.spec.clone(), setup, operations, recorded }
        };
        clients.sharing(&self.operations).into_iter().map(only).collect()
    }

    fn search_whole(&self, thorough: bool) -> Searched<'a> {
        let initial = State::of(&self.setup);
        let named = || self.proved(&view::certain).or_else(|| self.proved(&view::judge));
        match monitor(&self.spec, &initial, &self.operations) {
            monitor::Verdict::Legal => return Searched::Explained,
            monitor::Verdict::Illegal { rule, says, .. } => {
                let short = || Proved { rule, says: self.names.translate(&says), involved: vec![] };
                return Searched::Broken(thorough.then(named).flatten().unwrap_or_else(short));
            }
            monitor::Verdict::NotCovered { .. } => {}
        }
        match linearize(&self.spec, &initial, &self.operations, BUDGET) {
            linearize::Verdict::Linearizable { .. } => Searched::Explained,
            linearize::Verdict::OutOfBudget => named().map_or(Searched::OutOfBudget, Searched::Broken),
            unexplained @ linearize::Verdict::NotLinearizable { .. } if !thorough => {
                Searched::Broken(self.refused(&unexplained, &[]))
            }
            unexplained @ linearize::Verdict::NotLinearizable { .. } => {
                Searched::Broken(named().unwrap_or_else(|| self.unexplained(unexplained)))
            }
        }
    }

    /// What was said, whatever else there was that the model does not know.
    pub(super) fn contradiction(&self) -> Option<Proved<'a>> {
        let whole = self.proved(&view::certain)?;
        let each = self.for_each_client();
        if each.is_empty() { Some(whole) } else { each.iter().find_map(|one| one.proved(&view::certain)) }
    }

    fn judged(&self, judge: Judge<'_>, operations: &[Operation]) -> Findings {
        judge(&Seen { spec: &self.spec, setup: &self.setup, operations, killed: None })
    }

    /// A rule that is broken, with the fewest answers that prove it: the vector's own rules are told before others.
    fn proved(&self, judge: Judge<'_>) -> Option<Proved<'a>> {
        let findings = self.judged(judge, &self.operations);
        let named: Vec<&'static str> = view::named(&findings).map(|(rule, _)| rule).collect();
        let of_vector = self.names.vector.rules.iter().map(String::as_str).chain(["CLAIM-ONCE"]);
        let first = of_vector.filter_map(|rule| named.iter().find(|named| **named == rule)).next();
        let rule = *first.or_else(|| named.iter().find(|rule| !NOT_SAID_HERE.contains(rule)))?;
        self.prove(rule, judge)
    }

    fn prove(&self, rule: &'static str, judge: Judge<'_>) -> Option<Proved<'a>> {
        let how = |operations: &[Operation]| {
            let findings = self.judged(judge, operations);
            view::named(&findings).find(|(named, _)| *named == rule).map(|(_, how)| how.to_string())
        };
        let whole = how(&self.operations)?;
        let (left, kept) = self.fewest(|operations| how(operations).is_some());
        // The monitor's sentence is about this answer; a rule's is about all worlds. What it counts is all that there was,
        // of the same package: what was forgotten has happened all the same.
        let says = match monitor(&self.spec, &State::of(&self.setup), &left) {
            monitor::Verdict::Illegal { rule: told, says, .. } if told == rule => says,
            _ => {
                let few = how(&left).unwrap_or_default();
                let about = |says: &str| says.split(' ').next().map(str::to_string);
                if about(&few) == about(&whole) { whole } else { few }
            }
        };
        // When each was is shown beside it.
        let says = view::without_times(&says);
        let involved: Vec<_> = kept.iter().map(|at| self.recorded[*at]).collect();
        Some(Proved { rule, says: self.told(says, &involved), involved })
    }

    /// No rule can be named: the fewest answers that no order explains.
    fn unexplained(&self, whole: linearize::Verdict) -> Proved<'a> {
        let initial = State::of(&self.setup);
        let search = |operations: &[Operation]| linearize(&self.spec, &initial, operations, BUDGET_OF_FEWER);
        let never = |operations: &[Operation]| matches!(search(operations), linearize::Verdict::NotLinearizable { .. });
        let (left, kept) = self.fewest(never);
        match search(&left) {
            told @ linearize::Verdict::NotLinearizable { .. } => self.refused(&told, &kept),
            _ => self.refused(&whole, &[]),
        }
    }

    /// What the search says where it comes to its end.
    fn refused(&self, verdict: &linearize::Verdict, kept: &[usize]) -> Proved<'a> {
        let nothing = || Proved { rule: "CLAIM-ONCE", says: String::new(), involved: vec![] };
        let linearize::Verdict::NotLinearizable { refusals, rule } = verdict else { return nothing() };
        // That a grant comes before its publication says that the search had not placed the publication yet: where the
        // package was never published at all, that is definite and was told already. Another refusal says more.
        // What is told decides the level of the verdict, too: a SHOULD does not take the place of a MUST.
        let tells = |(_, refusal): &&(usize, Refusal)| !["CLAIM-BYTES", "NOTE-LOW-WATER"].contains(&refusal.rule);
        let of_rule = |(_, refusal): &&(usize, Refusal)| refusal.rule == *rule;
        let telling = refusals.iter().filter(tells).find(of_rule).or_else(|| refusals.iter().find(tells));
        let Some((at, refusal)) = telling.or(refusals.first()) else {
            let says = "no order of the operations explains the answers".into();
            return Proved { rule, says, involved: vec![] };
        };
        let rule = refusal.rule;
        let says = format!("{}: {}", self.recorded[*at].says, self.names.translate(&refusal.why));
        let others = kept.iter().filter(|other| *other != at).map(|other| self.recorded[*other]);
        let involved = others.chain([self.recorded[*at]]).collect();
        Proved { rule, says, involved }
    }

    /// The sentence in the words of the vector, and who it is about.
    fn told(&self, says: &str, involved: &[&Recorded]) -> String {
        let says = self.names.translate(says);
        let who: Vec<&str> = involved.iter().map(|recorded| recorded.says.as_str()).collect();
        match who.len() {
            0 => says,
            1..=NAMED_MAX => format!("{says}: {}", who.join(", and ")),
            many => format!("{says}: the answers to {many} requests together prove it"),
        }
    }

    /// The history with as many answers forgotten as can be, and the places of those that are left. What was done before
    /// the race is known to all, and stays.
    fn fewest(&self, breaks: impl Fn(&[Operation]) -> bool) -> (Vec<Operation>, Vec<usize>) {
        let mut left = self.operations.clone();
        let forgettable = |at: &usize| !self.recorded[*at].path.starts_with("before[");
        if left.len() <= FORGOTTEN_MAX {
            for at in (0..left.len()).rev().filter(forgettable) {
                if left[at].outcome.is_none() {
                    continue;
                }
                let answered = left[at].clone();
                (left[at].outcome, left[at].returned) = (None, None);
                if !breaks(&left) {
                    left[at] = answered;
                }
            }
        } else if let monitor::Verdict::Illegal { witness, .. } = monitor(&self.spec, &State::of(&self.setup), &left) {
            // Too many to try: those that the monitor names.
            let kept = witness.into_iter().filter(forgettable).collect();
            return (left, kept);
        }
        let kept = (0..left.len()).filter(forgettable).filter(|at| left[*at].outcome.is_some()).collect();
        (left, kept)
    }
}

type Judge<'a> = &'a dyn Fn(&Seen<'_>) -> Findings;

/// More are not named in one sentence.
const NAMED_MAX: usize = 3;

/// Of more operations than these, not each answer is tried.
const FORGOTTEN_MAX: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    #[test]
    fn a_grant_before_its_publication_is_told_where_nothing_else_is() {
        let text = "{ id: x, title: t, why: w, rules: [], users: { alice: {} }, key_packages: {} }";
        let vector: Vector = yaml::read("x.yaml", text).unwrap();
        let told = |rules: &[&'static str]| {
            let refusals = rules.iter().map(|rule| (0, Refusal { rule, why: String::new() })).collect();
            linearize::Verdict::NotLinearizable { refusals, rule: "CLAIM-BYTES" }
        };
        let recorded = Recorded {
            path: "race.lanes.c[0]".into(),
            says: "a claim".into(),
            sent: Default::default(),
            answered: Default::default(),
            observed: Observed::Lost,
            told: Default::default(),
            exchanges: vec![],
            saved: BTreeMap::new(),
        };
        let story = Story { recorded: vec![&recorded], ..Story::of(&vector, &[]) };
        assert_eq!(story.refused(&told(&["CLAIM-BYTES", "LAST-REPLACED-WHOLE"]), &[]).rule, "LAST-REPLACED-WHOLE");
        assert_eq!(story.refused(&told(&["CLAIM-BYTES"]), &[]).rule, "CLAIM-BYTES");
    }
}
