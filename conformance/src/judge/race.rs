//! Judges races: the model's rules on what was said, then whether some order of the operations explains every answer.

use std::collections::BTreeMap;

use crate::{
    binding::Hook,
    judge::{
        difference::in_words,
        feed, history,
        proof::{BUDGET, Proved, Searched, Story},
        span, step_verdict,
    },
    recording::{Observed, Recorded, Recording, Round},
    vector::{Judge, Step, Vector, expect::Reason},
    verdict::{Failure, Verdict},
};

/// Fewer truly overlapping rounds than one in this many say nothing about races.
const CONTENTION_NEEDED: usize = 10;

/// The verdict on a race: what its rounds say, which is nothing if too few of them were one.
pub(super) fn judge(vector: &Vector, recording: &Recording) -> Verdict {
    let (overlapping, all) = contention(vector, recording);
    match rounds(vector, recording) {
        Verdict::Pass if all == 0 || overlapping * CONTENTION_NEEDED < all => {
            let reason = format!("no contention: requests overlapped in {overlapping} of {all} rounds only");
            Verdict::Inconclusive { reason }
        }
        verdict => verdict,
    }
}

/// What all rounds say: of each rule that is broken the first round is told; whatever else there is, a failure is definite.
pub(crate) fn rounds(vector: &Vector, recording: &Recording) -> Verdict {
    let steps: BTreeMap<String, &Step> = vector.all_steps().collect();
    let all = recording.rounds.len();
    let (mut told, mut doubtful) = (Told::default(), None);
    for (index, round) in recording.rounds.iter().enumerate() {
        let judged = |thorough| round_verdict(vector, &steps, round, thorough);
        match judged(false) {
            Some(Verdict::Fail(glance)) => told.add(glance, (index + 1, all), || judged(true)),
            Some(other) => doubtful = doubtful.or(Some(other)),
            None => {}
        }
    }
    let mut failures = told.failures.into_iter();
    match failures.next() {
        Some(first) => Verdict::Fail(Failure { also: failures.collect(), ..first }),
        None => doubtful.unwrap_or(Verdict::Pass),
    }
}

/// The rounds that failed: of each rule the first one with its proof, which takes a while; the others are counted.
#[derive(Default)]
struct Told {
    failures: Vec<Failure>,
    /// Which of them is meant by the name that a glance gives it.
    at_a_glance: BTreeMap<String, usize>,
}

impl Told {
    fn add(&mut self, glance: Failure, (number, all): (usize, usize), proved: impl Fn() -> Option<Verdict>) {
        let at = self.at_a_glance.get(&glance.rule).copied().unwrap_or_else(|| {
            let (name, failure) = match proved() {
                Some(Verdict::Fail(proved)) => (glance.rule, proved),
                _ => (glance.rule.clone(), glance),
            };
            let known = self.failures.iter().position(|other| other.rule == failure.rule);
            let at = known.unwrap_or(self.failures.len());
            if known.is_none() {
                self.failures.push(Failure { rounds: Some((number, 0, all)), ..failure });
            }
            self.at_a_glance.insert(name, at);
            at
        });
        if let Some((_, failed, _)) = self.failures.get_mut(at).and_then(|failure| failure.rounds.as_mut()) {
            *failed += 1;
        }
    }
}

/// In how many rounds the first requests of two lanes truly overlapped, and what was done to the server meanwhile, if
/// anything was, met some request; and how many rounds there were.
pub(super) fn contention(vector: &Vector, recording: &Recording) -> (usize, usize) {
    let steps: BTreeMap<String, &Step> = vector.all_steps().collect();
    let hook = |recorded: &Recorded| steps.get(&recorded.path)?.hook();
    let at_once = |one: &Recorded, other: &Recorded| one.sent < other.answered && other.sent < one.answered;
    let overlaps = |round: &&Round| {
        let racing = round.steps.iter().filter(|step| step.path.starts_with("race."));
        let (done, asked): (Vec<_>, Vec<_>) = racing.partition(|step| hook(step).is_some());
        let first: Vec<_> = asked.iter().filter(|step| step.path.ends_with("[0]")).collect();
        let pair = |(index, one): (usize, &&&Recorded)| first[index + 1..].iter().any(|other| at_once(one, other));
        // What the others lead up to. A kill takes a while to be sent: whoever got no answer met it, or the time after it.
        let deed = done.iter().rfind(|step| hook(step) != Some(Hook::Start));
        let over = done.iter().map(|step| step.answered).max().unwrap_or_default();
        let met = |deed: &Recorded, request: &Recorded| {
            let meanwhile = deed.sent < request.answered && request.sent < over;
            meanwhile && (hook(deed) != Some(Hook::Kill) || request.observed == Observed::Lost)
        };
        let meanwhile = deed.is_none_or(|deed| asked.iter().any(|request| met(deed, request)));
        meanwhile && first.iter().enumerate().any(pair)
    };
    (recording.rounds.iter().filter(overlaps).count(), recording.rounds.len())
}

/// What a round says against the server; `None` if nothing. What is definite and needs no search comes first, and what
/// a vector expects afterwards comes last, since it says least about how it came to be.
fn round_verdict(vector: &Vector, steps: &BTreeMap<String, &Step>, round: &Round, thorough: bool) -> Option<Verdict> {
    let pairs: Vec<(&Step, &Recorded)> =
        round.steps.iter().filter_map(|recorded| Some((*steps.get(&recorded.path)?, recorded))).collect();
    let expected = |part: &str| {
        // In a lane, a step without an expectation is for the model alone to judge.
        let of_part = pairs
            .iter()
            .filter(|(step, recorded)| recorded.path.starts_with(part) && (step.expect.is_some() || part != "race."));
        of_part.filter_map(|(step, recorded)| step_verdict(vector, step, recorded)).next()
    };
    let at_first = expected("before[").or_else(|| meaningless(vector, &pairs, round));
    if at_first.is_some() {
        return at_first;
    }
    let asked: usize = vector.race.iter().flat_map(|race| race.lanes.values()).map(Vec::len).sum();
    let racing = pairs.iter().filter(|(_, recorded)| recorded.path.starts_with("race.")).count();
    let searched = match vector.race.as_ref().map(|race| race.judge) {
        Some(Judge::Rules) => None,
        // A lane broke off: what it did last is not in the history, and would have to explain the answers of others.
        _ if racing < asked => None,
        _ => searched(vector, &pairs, round, thorough),
    };
    let (unexplained, undecided) = match searched {
        Some(undecided @ Verdict::Inconclusive { .. }) => (None, Some(undecided)),
        other => (other, None),
    };
    let contradiction = || Story::said(vector, &pairs).contradiction().map(|proved| broken(&proved, round));
    let seen = unexplained.or_else(contradiction).or_else(|| expected("race."));
    let told = || {
        let feed::Contradiction { rule, says, read } = feed::contradiction(vector, &pairs)?;
        Some(fail(rule, says, round, &[read]))
    };
    seen.or_else(|| unanswered(vector, round)).or_else(told).or_else(|| expected("after[")).or(undecided)
}

/// A request of a race that got no answer, where neither a kill nor the vector itself is the reason.
pub(crate) fn silence<'a>(vector: &Vector, round: &'a Round) -> Option<&'a Recorded> {
    vector.race.as_ref().filter(|race| !race.is_interrupted())?;
    let steps: BTreeMap<String, &Step> = vector.all_steps().collect();
    let owed = |recorded: &&Recorded| steps.get(&recorded.path).is_some_and(|step| step.lose.is_none());
    let racing = round.steps.iter().filter(|recorded| recorded.path.starts_with("race."));
    racing.filter(owed).find(|recorded| recorded.observed == Observed::Lost)
}

/// Contention must not look like a server that is away, either.
fn unanswered(vector: &Vector, round: &Round) -> Option<Verdict> {
    let silent = silence(vector, round)?;
    let exchange = silent.exchanges.last().filter(|exchange| exchange.status == 0);
    let shown = exchange.map_or("(no answer)", |exchange| exchange.response_body.as_str());
    let rule = vector.rules.first().cloned().unwrap_or_default();
    Some(fail(&rule, format!("{}: an answer was owed, and the server goes on: {shown}", silent.says), round, &[silent]))
}

/// An answer under load that says nothing of what was asked: one that the binding has no word for, or a refusal that
/// has nothing to do with the state of the directory. Contention must not look like an error.
fn meaningless(vector: &Vector, pairs: &[(&Step, &Recorded)], round: &Round) -> Option<Verdict> {
    let rule = vector.rules.first().cloned().unwrap_or_default();
    let racing = pairs.iter().filter(|(step, recorded)| recorded.path.starts_with("race.") && step.expect.is_none());
    let mut limited = None;
    for (step, recorded) in racing {
        let says = || format!("{}: {}", recorded.says, in_words(&recorded.observed));
        match recorded.observed {
            Observed::Unexpected(_) => return Some(fail(&rule, says(), round, &[recorded])),
            Observed::Refused(Reason::RateLimited) => {
                let reason = format!("{}: the server limits how often the suite may ask", recorded.says);
                limited = Some(Verdict::Inconclusive { reason });
            }
            Observed::Refused(reason) if history::model_reason(vector, step, reason).is_none() => {
                return Some(fail(&rule, says(), round, &[recorded]));
            }
            _ => {}
        }
    }
    limited
}

/// What some order of the operations must explain.
fn searched(vector: &Vector, pairs: &[(&Step, &Recorded)], round: &Round, thorough: bool) -> Option<Verdict> {
    match Story::of(vector, pairs).search(thorough) {
        Searched::Explained => None,
        Searched::Broken(proved) => Some(broken(&proved, round)),
        Searched::OutOfBudget => {
            Some(Verdict::Inconclusive { reason: format!("no explanation found within {BUDGET} steps of the search") })
        }
    }
}

fn broken(proved: &Proved<'_>, round: &Round) -> Verdict {
    fail(proved.rule, proved.says.clone(), round, &proved.involved)
}

/// A failure with all steps of the round in their order, and the answers of those involved.
fn fail(rule: &str, says: String, round: &Round, involved: &[&Recorded]) -> Verdict {
    let is_involved = |recorded: &Recorded| involved.iter().any(|other| other.path == recorded.path);
    Verdict::Fail(Failure {
        rule: rule.into(),
        says,
        path: involved.last().map_or_else(|| "race".into(), |recorded| recorded.path.clone()),
        details: vec![],
        timeline: round.steps.iter().map(|recorded| span(recorded, is_involved(recorded))).collect(),
        exchanges: involved.iter().flat_map(|recorded| recorded.exchanges.clone()).collect(),
        rounds: None,
        also: vec![],
    })
}
