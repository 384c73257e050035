//! Decides what a recording means. Pure: no clock, no network, tested with recordings written by hand.

pub mod allowed;
mod difference;
mod each;
mod feed;
mod history;
mod proof;
mod race;
#[cfg(test)]
mod tests;
mod told;

pub(crate) use difference::in_words;
pub(crate) use history::model_reason;
pub(crate) use race::{rounds, silence};

use std::collections::BTreeSet;

use crate::{
    binding::{Binding, Operation},
    catalogue::{Catalogue, Level, Profile},
    judge::{allowed::Judgement, difference::difference},
    recording::{Broken, Observed, Recorded, Recording},
    translation::answers::word,
    vector::{Capability, Place, Step, Vector, expect::Expect},
    verdict::{Failure, Span, Verdict},
};

/// Why a server need not run a vector; `None` if it must.
#[must_use]
pub fn skipped(vector: &Vector, binding: &Binding, catalogue: &Catalogue) -> Option<String> {
    let profiles = vector.rules.iter().filter_map(|rule| catalogue.rule(rule)).map(|rule| rule.profile);
    if let Some(missing) = profiles.into_iter().find(|profile| !binding.profiles.contains(profile)) {
        return Some(format!("the server does not offer the profile {missing}"));
    }
    if let Some(profile) = used_profiles(vector).find(|profile| !binding.profiles.contains(profile)) {
        return Some(format!("it uses what belongs to the profile {profile}, which the server does not offer"));
    }
    if let Some(missing) = used_operations(vector, binding).find(|operation| !binding.has(*operation)) {
        return Some(format!("the binding has no operation {}", word(&missing)));
    }
    if let Some(why) = binding.material.lacks(vector) {
        return Some(format!("{why}, and the server's key material is of another kind"));
    }
    let of_http =
        |step: &Step| step.expect.as_ref().is_some_and(|expect| expect.status.is_some() || !expect.headers.is_empty());
    if binding.adapter.is_some() && vector.all_steps().any(|(_, step)| of_http(step)) {
        return Some("it is about HTTP itself, and an adapter answers otherwise".into());
    }
    if binding.elsewhere.is_none() && vector.users.values().any(|user| user.server == Place::Elsewhere) {
        return Some("the binding names no other server, for whose users it vouches".into());
    }
    if vector.needs.contains(&Capability::SignedRequests)
        && binding.adapter.is_none()
        && binding.auth.http_message_signatures.is_none()
    {
        return Some("the server lacks signed_requests: the binding authenticates requests otherwise".into());
    }
    if asks_each_client(binding) && vector.all_steps().any(|(_, step)| vector.is_claim_of_nobody(step)) {
        return Some(
            "the binding asks each client of a user, and of one that does not exist there is none to ask".into(),
        );
    }
    if removes_in_a_race(vector) && leaves_out(binding) {
        let why = "an answer that leaves a client out does not tell whether it is gone or has nothing left";
        return Some(format!("in a race {why}"));
    }
    let needs = vector.needs.iter().copied().chain(vector.derived_needs());
    let lacking = |need: Capability| Some((need, binding.absent.get(&need)?));
    if let Some((need, reason)) = needs.into_iter().find_map(lacking) {
        return Some(format!("the server lacks {}: {reason}", word(&need)));
    }
    let (operation, field) = told::unread(vector, binding)?;
    Some(format!("the answer to {} does not tell {field}, by the binding", word(&operation)))
}

/// Whether a claim is one request for each client, by the binding.
fn asks_each_client(binding: &Binding) -> bool {
    let exchanges = binding.operations.get(&Operation::Claim);
    exchanges.is_some_and(|all| {
        !all.is_empty() && all.iter().all(|exchange| exchange.for_each.as_deref() == Some("clients"))
    })
}

fn removes_in_a_race(vector: &Vector) -> bool {
    let steps = vector.race.iter().flat_map(|race| race.lanes.values().flatten());
    steps.into_iter().any(|step| step.remove_client.is_some() || step.remove_key.is_some())
}

/// Whether an answer to a claim can leave out a client that is there, by the binding.
fn leaves_out(binding: &Binding) -> bool {
    let exchanges = binding.operations.get(&Operation::Claim).into_iter().flatten();
    exchanges
        .flat_map(|exchange| &exchange.outcomes)
        .any(|outcome| outcome.ok.as_ref().is_some_and(|ok| ok.others.is_some()))
}

/// Whether a step looks at a field that no outcome of the binding reads.
pub(crate) fn unread(step: &Step, vector: &Vector, binding: &Binding) -> bool {
    let (before, after, race) = Default::default();
    let alone = Vector { steps: vec![step.clone()], before, after, race, ..vector.clone() };
    told::unread(&alone, binding).is_some()
}

/// Profiles that a vector makes use of, whatever it checks.
fn used_profiles(vector: &Vector) -> impl Iterator<Item = Profile> {
    let last_resort = vector.key_packages.values().any(|recipe| recipe.last_resort);
    let feed = vector.all_steps().any(|(_, step)| step.notifications.is_some() || step.acknowledge.is_some());
    let used = [(Profile::LastResort, last_resort), (Profile::Notify, feed)];
    used.into_iter().filter(|(_, used)| *used).map(|(profile, _)| profile)
}

/// Operations that a vector cannot do without.
fn used_operations(vector: &Vector, binding: &Binding) -> impl Iterator<Item = Operation> {
    let further_clients = vector.users.values().any(|user| user.clients.len() > 1);
    let of_steps = vector.all_steps().filter_map(|(_, step)| step.bound_operation()).collect::<BTreeSet<_>>();
    let adds = if binding.has(Operation::AddClient) { Operation::AddClient } else { Operation::AddKey };
    let added = further_clients.then_some(adds);
    std::iter::once(Operation::Register).chain(added).chain(of_steps)
}

/// The verdict on a vector, with the contention of a race: rounds that truly overlapped, and all rounds.
#[must_use]
pub fn judge(vector: &Vector, recording: &Recording, catalogue: &Catalogue) -> (Verdict, Option<(usize, usize)>) {
    let contention = vector.race.as_ref().map(|_| race::contention(vector, recording));
    let verdict = match &vector.race {
        None => sequential(vector, recording),
        Some(_) => race::judge(vector, recording),
    };
    let verdict = match (verdict, &recording.broken) {
        // What was seen before the end counts all the same.
        (failed @ (Verdict::Fail(_) | Verdict::Blocked { .. }), _) => failed,
        (_, Some(Broken::Setup(why))) => Verdict::Blocked { reason: why.clone() },
        (_, Some(Broken::Gone(why))) => Verdict::Gone { reason: why.clone() },
        (_, Some(Broken::TooSlow(why))) => Verdict::Inconclusive { reason: why.clone() },
        (_, Some(Broken::Suite(why))) => Verdict::Error { reason: why.clone() },
        (verdict, None) => verdict,
    };
    (soften(verdict, catalogue), contention)
}

/// What an expectation says against an answer of the model, which has no headers; `None` if nothing.
pub(crate) fn objection(expect: &Expect, recorded: &Recorded) -> Option<String> {
    let (headers, status, same_as) = Default::default();
    let expect = Expect { headers, status, same_as, ..expect.clone() };
    difference(&expect, recorded).map(|difference| difference.sentence)
}

/// A broken SHOULD is a warning, where no MUST is broken beside it, which is told before it.
fn soften(verdict: Verdict, catalogue: &Catalogue) -> Verdict {
    let must = |rule: &str| catalogue.rule(rule).is_none_or(|rule| rule.level != Level::Should);
    match verdict {
        Verdict::Fail(failure) if !failure.all().any(|failure| must(&failure.rule)) => Verdict::Warn(failure),
        Verdict::Fail(failure) => Verdict::Fail(failure.told_by(must)),
        other => other,
    }
}

fn sequential(vector: &Vector, recording: &Recording) -> Verdict {
    let recorded: Vec<&Recorded> = recording.rounds.iter().flat_map(|round| &round.steps).collect();
    for (index, (step, here)) in vector.steps.iter().zip(&recorded).enumerate() {
        match step_verdict(vector, step, here) {
            Some(Verdict::Fail(failure)) => {
                let told = recorded.iter().take(index + 1);
                let timeline = told.map(|recorded| span(recorded, recorded.path == here.path)).collect();
                let details = failure.details.into_iter().chain(by_the_model(vector, recording, here)).collect();
                return Verdict::Fail(Failure { timeline, details, ..failure });
            }
            Some(other) => return other,
            None => {}
        }
    }
    Verdict::Pass
}

/// Which rule the model says is broken by this answer, where the vector is about another one: a step that leads up to what
/// a vector is about can go wrong, too.
fn by_the_model(vector: &Vector, recording: &Recording, here: &Recorded) -> Option<String> {
    let Judgement::Forbidden(failure) = allowed::follow(vector, recording) else { return None };
    let new = failure.path == here.path && !vector.rules.contains(&failure.rule);
    new.then(|| format!("by the model  {}: {}", failure.rule, failure.says))
}

/// What was done and seen, to be shown beside a verdict that needs no proof: of a race, its first round.
#[must_use]
pub fn story(recording: &Recording) -> Vec<Span> {
    recording.rounds.first().map(|round| round.steps.iter().map(|step| span(step, false)).collect()).unwrap_or_default()
}

fn span(recorded: &Recorded, involved: bool) -> Span {
    Span {
        path: recorded.path.clone(),
        says: recorded.says.clone(),
        observed: recorded.view().map_or_else(|| in_words(&recorded.observed), |view| view.to_string()),
        sent_ms: recorded.sent.as_secs_f64() * 1000.0,
        answered_ms: recorded.answered.as_secs_f64() * 1000.0,
        involved,
        exchanges: recorded.exchanges.clone(),
    }
}

/// What a step says against the server; `None` if nothing.
fn step_verdict(vector: &Vector, step: &Step, recorded: &Recorded) -> Option<Verdict> {
    let difference = match &step.expect {
        Some(expect) => difference(expect, recorded)?,
        None => match &recorded.observed {
            Observed::Ok(_) | Observed::Lost => return None,
            other => {
                let reason = format!("{} ({}): {}{}", recorded.path, recorded.says, in_words(other), answers(recorded));
                return Some(Verdict::Blocked { reason });
            }
        },
    };
    let rule = vector.rules.first().cloned().unwrap_or_default();
    Some(Verdict::Fail(Failure {
        rule,
        says: format!("{}: {}", recorded.says, difference.sentence),
        path: recorded.path.clone(),
        details: difference.details,
        timeline: vec![],
        exchanges: recorded.exchanges.clone(),
        rounds: None,
        also: vec![],
    }))
}

fn answers(recorded: &Recorded) -> String {
    let answer = recorded.exchanges.last();
    answer.map_or_else(String::new, |exchange| format!(": {} {}", exchange.status, exchange.response_body))
}
