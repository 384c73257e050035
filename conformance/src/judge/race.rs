//! Judges races: first the rules that need no search, then whether the model can explain every answer.

use std::collections::{BTreeMap, BTreeSet};

use kpd_model::{
    linearize::{self, linearize},
    spec::Spec,
};

use crate::{
    judge::{history::Names, in_words, step_verdict},
    recording::{ClientSeen, NotificationSeen, Observed, Recorded, Recording, Round, Seen},
    vector::{Step, Vector},
    verdict::{Failure, Span, Verdict},
};

/// Steps of the search for an explanation of one round; far more than a legal round of the suite takes.
const BUDGET: usize = 2_000_000;

/// Fewer truly overlapping rounds than one in this many say nothing about races.
const CONTENTION_NEEDED: usize = 10;

/// The verdict on all rounds: the first that fails is told.
pub(super) fn judge(vector: &Vector, recording: &Recording) -> Verdict {
    let steps: BTreeMap<String, &Step> = vector.all_steps().collect();
    let judged: Vec<_> = recording.rounds.iter().map(|round| round_verdict(vector, &steps, round)).collect();
    let failed: Vec<usize> =
        (0..judged.len()).filter(|index| matches!(judged[*index], Some(Verdict::Fail(_)))).collect();
    let all = judged.len();
    let mut inconclusive = None;
    for (index, verdict) in judged.into_iter().enumerate() {
        match verdict {
            Some(Verdict::Fail(failure)) => {
                return Verdict::Fail(Failure { rounds: Some((index + 1, failed.len(), all)), ..failure });
            }
            Some(blocked @ Verdict::Blocked { .. }) => return blocked,
            Some(other) => inconclusive = Some(other),
            None => {}
        }
    }
    let (overlapping, rounds) = contention(recording);
    match inconclusive {
        Some(verdict) => verdict,
        None if overlapping * CONTENTION_NEEDED < rounds => {
            let reason = format!("no contention: requests overlapped in {overlapping} of {rounds} rounds only");
            Verdict::Inconclusive { reason }
        }
        None => Verdict::Pass,
    }
}

/// In how many rounds the first requests of two lanes truly overlapped, and how many rounds there were.
pub(super) fn contention(recording: &Recording) -> (usize, usize) {
    let overlaps = |round: &&Round| {
        let first: Vec<_> =
            round.steps.iter().filter(|step| step.path.starts_with("race.") && step.path.ends_with("[0]")).collect();
        let pair = |(index, one): (usize, &&Recorded)| {
            first[index + 1..].iter().any(|other| one.sent < other.answered && other.sent < one.answered)
        };
        first.iter().enumerate().any(pair)
    };
    (recording.rounds.iter().filter(overlaps).count(), recording.rounds.len())
}

/// What a round says against the server; `None` if nothing. What is definite and needs no search comes first, and what
/// a vector expects afterwards comes last, since it says least about how it came to be.
fn round_verdict(vector: &Vector, steps: &BTreeMap<String, &Step>, round: &Round) -> Option<Verdict> {
    let pairs: Vec<(&Step, &Recorded)> =
        round.steps.iter().filter_map(|recorded| Some((*steps.get(&recorded.path)?, recorded))).collect();
    let expected = |part: &str| {
        // In a lane, a step without an expectation is for the model alone to judge.
        let of_part = pairs
            .iter()
            .filter(|(step, recorded)| recorded.path.starts_with(part) && (step.expect.is_some() || part != "race."));
        of_part.filter_map(|(step, recorded)| step_verdict(vector, step, recorded)).next()
    };
    expected("before[")
        .or_else(|| meaningless(vector, &pairs, round))
        .or_else(|| granted_twice(&pairs, round))
        .or_else(|| unexplained(vector, &pairs, round))
        .or_else(|| not_told(vector, &pairs, round))
        .or_else(|| expected("race."))
        .or_else(|| expected("after["))
}

/// An answer that the binding has no word for, such as an error under load.
fn meaningless(vector: &Vector, pairs: &[(&Step, &Recorded)], round: &Round) -> Option<Verdict> {
    let (_, recorded) = pairs.iter().find(|(_, recorded)| matches!(recorded.observed, Observed::Unexpected(_)))?;
    let rule = vector.rules.first().cloned().unwrap_or_default();
    Some(fail(&rule, format!("{}: {}", recorded.says, in_words(&recorded.observed)), round, &[recorded]))
}

/// `CLAIM-ONCE` and `CLAIM-RETRY`, in linear time and with both holders named.
fn granted_twice(pairs: &[(&Step, &Recorded)], round: &Round) -> Option<Verdict> {
    let mut holders: BTreeMap<&str, (&Step, &Recorded)> = BTreeMap::new();
    for (step, recorded, client) in grants(pairs) {
        let Some(package) = client.key_package.as_deref().filter(|_| client.kind == "regular") else { continue };
        if let Some((first_step, first)) = holders.insert(package, (step, recorded)) {
            let same_claim = step.claim.as_ref().zip(first_step.claim.as_ref());
            if same_claim.is_some_and(|(one, other)| one.key.is_some() && one.key == other.key && one.by == other.by) {
                continue;
            }
            let says = format!("{package} was granted twice: {}, and {}", first.says, recorded.says);
            return Some(fail("CLAIM-ONCE", says, round, &[first, recorded]));
        }
    }
    None
}

fn grants<'a>(pairs: &'a [(&'a Step, &'a Recorded)]) -> impl Iterator<Item = (&'a Step, &'a Recorded, &'a ClientSeen)> {
    pairs.iter().flat_map(|(step, recorded)| {
        let clients = match &recorded.observed {
            Observed::Ok(Seen::Claimed(clients)) => Some(clients.values()),
            _ => None,
        };
        clients.into_iter().flatten().map(|client| (*step, *recorded, client))
    })
}

fn unexplained(vector: &Vector, pairs: &[(&Step, &Recorded)], round: &Round) -> Option<Verdict> {
    let names = Names::of(vector);
    let mut history = vec![];
    let mut recorded_of = vec![];
    for (step, recorded) in pairs {
        if let Some(operation) = names.operation(step, recorded) {
            history.push(operation);
            recorded_of.push(*recorded);
        }
    }
    match linearize(&Spec::default(), &names.initial(), &history, BUDGET) {
        linearize::Verdict::Linearizable { .. } => None,
        linearize::Verdict::OutOfBudget => {
            Some(Verdict::Inconclusive { reason: format!("no explanation found within {BUDGET} steps of the search") })
        }
        linearize::Verdict::NotLinearizable { refusals, rule } => {
            let telling = refusals.iter().find(|(_, refusal)| refusal.rule == rule).or(refusals.first());
            let (says, involved): (String, Vec<&Recorded>) = match telling {
                Some((index, refusal)) => {
                    let recorded = recorded_of[*index];
                    (format!("{}: {}", recorded.says, names.translate(&refusal.why)), vec![recorded])
                }
                None => ("no order of the operations explains the answers".into(), vec![]),
            };
            Some(fail(rule, says, round, &involved))
        }
    }
}

/// `NOTE-EVERY-GRANT`: the owner's last reading of its whole feed against the grants that requesters saw.
fn not_told(vector: &Vector, pairs: &[(&Step, &Recorded)], round: &Round) -> Option<Verdict> {
    let (step, reading) = pairs.iter().rfind(|(step, recorded)| {
        step.notifications.as_ref().is_some_and(|feed| feed.after.is_none())
            && matches!(recorded.observed, Observed::Ok(Seen::Notifications(_)))
    })?;
    let Observed::Ok(Seen::Notifications(feed)) = &reading.observed else { return None };
    let feed_of = step.notifications.as_ref()?;
    let owner = vector.client(feed_of.of.as_ref().unwrap_or(&feed_of.by))?;
    let mut untold: Vec<&NotificationSeen> = feed.iter().collect();
    let mut repeated = BTreeSet::new();
    for (step, recorded, client) in grants(pairs) {
        let (Some(claim), Some(package)) = (&step.claim, &client.key_package) else { continue };
        let recipe = vector.key_packages.get(package)?;
        if vector.client(&recipe.client)? != owner {
            continue;
        }
        // The same claim again, under its idempotency key, is the same grant.
        if claim.key.is_some() && !repeated.insert((&claim.by, &claim.key, package)) {
            continue;
        }
        let (requester, _) = vector.client(&claim.by)?;
        let told = untold.iter().position(|notification| {
            notification.key_package == *package
                && notification.requester.as_ref().is_none_or(|named| *named == requester)
        });
        match told {
            Some(index) => drop(untold.remove(index)),
            None => {
                let says = format!("{package} was granted to {requester}, and its owner was not told so");
                return Some(fail("NOTE-EVERY-GRANT", says, round, &[recorded, reading]));
            }
        }
    }
    let lost =
        pairs.iter().filter(|(step, recorded)| step.claim.is_some() && recorded.observed == Observed::Lost).count();
    if untold.len() > lost {
        let says = format!("the owner was told of a grant of {} that nobody got", untold[0].key_package);
        return Some(fail("NOTE-EVERY-GRANT", says, round, &[reading]));
    }
    None
}

/// A failure with all steps of the round in their order, and the answers of those involved.
fn fail(rule: &str, says: String, round: &Round, involved: &[&Recorded]) -> Verdict {
    let span = |recorded: &Recorded| Span {
        says: recorded.says.clone(),
        observed: recorded.view().map_or_else(|| in_words(&recorded.observed), |view| view.to_string()),
        sent_ms: recorded.sent.as_secs_f64() * 1000.0,
        answered_ms: recorded.answered.as_secs_f64() * 1000.0,
        involved: involved.iter().any(|other| other.path == recorded.path),
    };
    Verdict::Fail(Failure {
        rule: rule.into(),
        says,
        path: involved.last().map_or_else(|| "race".into(), |recorded| recorded.path.clone()),
        details: vec![],
        timeline: round.steps.iter().map(span).collect(),
        exchanges: involved.iter().flat_map(|recorded| recorded.exchanges.clone()).collect(),
        rounds: None,
    })
}
