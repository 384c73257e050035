//! Judges races: first the rules that need no search, then whether the model can explain every answer.

use std::collections::{BTreeMap, BTreeSet};

use kpd_model::{
    linearize::{self, linearize},
    spec::Spec,
};

use crate::{
    judge::{
        difference::in_words,
        history::{self, Names},
        step_verdict,
    },
    recording::{ClientSeen, NotificationSeen, Observed, Recorded, Recording, Round, Seen},
    vector::{Judge, Step, Vector, expect::Reason},
    verdict::{Failure, Span, Verdict},
};

/// Steps of the search for an explanation of one round; far more than a legal round of the suite takes.
const BUDGET: usize = 2_000_000;

/// Fewer truly overlapping rounds than one in this many say nothing about races.
const CONTENTION_NEEDED: usize = 10;

/// The verdict on all rounds: the first that fails is told; whatever else there is, a failure is definite.
pub(super) fn judge(vector: &Vector, recording: &Recording) -> Verdict {
    let steps: BTreeMap<String, &Step> = vector.all_steps().collect();
    let judged: Vec<_> = recording.rounds.iter().map(|round| round_verdict(vector, &steps, round)).collect();
    let failed: Vec<usize> =
        (0..judged.len()).filter(|index| matches!(judged[*index], Some(Verdict::Fail(_)))).collect();
    let all = judged.len();
    let mut doubtful = None;
    for (index, verdict) in judged.into_iter().enumerate() {
        match verdict {
            Some(Verdict::Fail(failure)) => {
                return Verdict::Fail(Failure { rounds: Some((index + 1, failed.len(), all)), ..failure });
            }
            Some(other) => doubtful = doubtful.or(Some(other)),
            None => {}
        }
    }
    let (overlapping, rounds) = contention(recording);
    match doubtful {
        Some(verdict) => verdict,
        None if rounds == 0 || overlapping * CONTENTION_NEEDED < rounds => {
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
    let searched = match vector.race.as_ref().map(|race| race.judge) {
        Some(Judge::Rules) => None,
        _ => unexplained(vector, &pairs, round),
    };
    let (unexplained, undecided) = match searched {
        Some(undecided @ Verdict::Inconclusive { .. }) => (None, Some(undecided)),
        other => (other, None),
    };
    expected("before[")
        .or_else(|| meaningless(vector, &pairs, round))
        .or_else(|| granted_twice(&pairs, round))
        .or(unexplained)
        .or_else(|| not_told(vector, &pairs, round))
        .or_else(|| expected("race."))
        .or_else(|| expected("after["))
        .or(undecided)
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

/// `NOTE-EVERY-GRANT`: each owner's last reading of its whole feed against the grants that requesters saw.
fn not_told(vector: &Vector, pairs: &[(&Step, &Recorded)], round: &Round) -> Option<Verdict> {
    let mut readings = BTreeMap::new();
    for (step, recorded) in pairs {
        let Some(feed) = step.notifications.as_ref().filter(|feed| feed.after.is_none()) else { continue };
        let Some(owner) = vector.client(feed.of.as_ref().unwrap_or(&feed.by)) else { continue };
        if let Observed::Ok(Seen::Notifications(notifications)) = &recorded.observed {
            readings.insert(owner, (*recorded, notifications));
        }
    }
    readings.into_iter().find_map(|(owner, (reading, feed))| not_told_to(&owner, feed, reading, vector, pairs, round))
}

fn not_told_to(
    owner: &(String, String),
    feed: &[NotificationSeen],
    reading: &Recorded,
    vector: &Vector,
    pairs: &[(&Step, &Recorded)],
    round: &Round,
) -> Option<Verdict> {
    let mut untold: Vec<&NotificationSeen> = feed.iter().collect();
    let mut repeated = BTreeSet::new();
    // What was granted after the owner had asked cannot be in its answer.
    let before = pairs.iter().filter(|(_, recorded)| recorded.answered <= reading.sent).copied().collect::<Vec<_>>();
    for (step, recorded, client) in grants(&before) {
        let (Some(claim), Some(package)) = (&step.claim, &client.key_package) else { continue };
        let recipe = vector.key_packages.get(package);
        if recipe.and_then(|recipe| vector.client(&recipe.client)).as_ref() != Some(owner) {
            continue;
        }
        // The same claim again, under its idempotency key, is the same grant.
        if claim.key.is_some() && !repeated.insert((&claim.by, &claim.key, package)) {
            continue;
        }
        let Some((requester, _)) = vector.client(&claim.by) else { continue };
        let told = untold.iter().position(|notification| {
            let named = notification.requester.as_ref();
            notification.key_package == *package && named.is_none_or(|named| *named == requester)
        });
        match told {
            Some(index) => drop(untold.remove(index)),
            None => {
                let says = format!("{package} was granted to {requester}, and its owner was not told so");
                return Some(fail("NOTE-EVERY-GRANT", says, round, &[recorded, reading]));
            }
        }
    }
    let may_be_told = |(step, recorded): &&(&Step, &Recorded)| {
        let unseen = recorded.observed == Observed::Lost || recorded.answered > reading.sent;
        step.claim.is_some() && unseen && recorded.sent <= reading.answered
    };
    if untold.len() > pairs.iter().filter(may_be_told).count() {
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
