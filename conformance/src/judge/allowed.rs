//! Whether each answer to a story in order is one that the specification allows, step by step, without an expectation.
//!
//! An answer tells most of what a server was free to choose, so there is hardly ever more than one state in which it can
//! be. Where none of the allowed answers is the one that was seen, the refusal of the specification names the rule.

use std::collections::BTreeSet;

use kpd_model::{
    history::State,
    names::Sequence,
    spec::{Label, Op, Outcome, Spec},
};

use crate::{
    judge::model_reason,
    recording::{Broken, KeySeen, NotificationSeen, Observed, Recorded, Recording, Seen},
    translation::Names,
    vector::{Step, Vector, expect::Reason},
    verdict::Failure,
};

/// What the specification says of a story.
#[derive(Debug)]
pub enum Judgement {
    /// All answers are allowed; these are the kinds of steps that were taken.
    Allowed(BTreeSet<Label>),
    /// This one is not.
    Forbidden(Box<Failure>),
    /// Nobody can tell, and why.
    Unknown(String),
}

/// Follows a story from its beginning.
#[must_use]
pub fn follow(vector: &Vector, recording: &Recording) -> Judgement {
    let names = Names::of(vector);
    let spec = Spec::default();
    let mut states = vec![names.initial()];
    let mut labels = BTreeSet::new();
    let recorded = recording.rounds.iter().flat_map(|round| &round.steps);
    for (step, recorded) in vector.steps.iter().zip(recorded) {
        let op = match asked(&names, vector, step) {
            Some(op) => op,
            None => return Judgement::Unknown(format!("the model does not know what `{}` asks", step.operation())),
        };
        if recorded.observed == Observed::Refused(Reason::RateLimited) {
            return Judgement::Unknown("the server limits how often the suite may ask".into());
        }
        let mut after = vec![];
        for state in &states {
            for (outcome, next) in spec.outcomes(state, &op) {
                if agrees(step, &names.observed(step, &outcome, &next), &recorded.observed) {
                    labels.insert(spec.label(state, &op, &outcome));
                    after.push(next);
                }
            }
        }
        after.sort();
        after.dedup();
        if after.is_empty() {
            return Judgement::Forbidden(Box::new(forbidden(&names, &spec, &states, step, &op, recorded)));
        }
        states = after;
    }
    match &recording.broken {
        None => Judgement::Allowed(labels),
        Some(Broken::Setup(why) | Broken::Gone(why) | Broken::Suite(why) | Broken::TooSlow(why)) => {
            Judgement::Unknown(why.clone())
        }
    }
}

/// What a step asks. The cursors of a story are called after their places in the feed.
fn asked(names: &Names<'_>, vector: &Vector, step: &Step) -> Option<Op> {
    let place = |cursor: &String| -> Option<Sequence> { cursor.strip_prefix("$cursor")?.parse().ok() };
    if let Some(feed) = &step.notifications {
        let after = feed.after.as_ref().map_or(Some(0), place)?;
        return Some(Op::Notifications { client: names.client(feed.of.as_ref().unwrap_or(&feed.by))?, after });
    }
    if let Some(acknowledge) = &step.acknowledge {
        vector.client(&acknowledge.by)?;
        return Some(Op::Acknowledge { client: names.client(&acknowledge.by)?, through: place(&acknowledge.through)? });
    }
    names.op(step)
}

/// Whether what was seen is this answer, as far as the server says anything.
fn agrees(step: &Step, allowed: &Observed, seen: &Observed) -> bool {
    match (allowed, seen) {
        // Who is shut out should not be told so (`CLAIM-UNIFORM`), which is a rule of its own.
        (Observed::Refused(Reason::UnknownUser), Observed::Refused(Reason::Forbidden)) => step.claim.is_some(),
        (Observed::Refused(allowed), Observed::Refused(seen)) => seen.serves(*allowed),
        (Observed::Ok(allowed), Observed::Ok(seen)) => same(allowed, seen),
        _ => false,
    }
}

fn same(allowed: &Seen, seen: &Seen) -> bool {
    fn said<T: PartialEq>(allowed: &Option<T>, seen: &Option<T>) -> bool {
        seen.is_none() || allowed == seen
    }
    match (allowed, seen) {
        // What was there before counts, or does not.
        (Seen::Published { accepted: Some(all) }, Seen::Published { accepted: seen }) => {
            seen.is_none_or(|seen| seen <= *all)
        }
        (Seen::Published { .. }, Seen::Published { .. }) => true,
        (
            Seen::Replaced { accepted, withdrawn },
            Seen::Replaced { accepted: seen_accepted, withdrawn: seen_withdrawn },
        ) => said(accepted, seen_accepted) && said(withdrawn, seen_withdrawn),
        (Seen::Stock { regular, last_resort, .. }, Seen::Stock { regular: seen, last_resort: seen_last, .. }) => {
            // Of a suite that there never was any of, a server says zero, or nothing.
            said(&regular.or(Some(0)), seen) && last_resort == seen_last
        }
        (Seen::Packages { key_packages, .. }, Seen::Packages { key_packages: seen, .. }) => key_packages == seen,
        (Seen::ClientRemoved { unread }, Seen::ClientRemoved { unread: seen }) => said(unread, seen),
        (Seen::Keys(keys), Seen::Keys(seen)) => {
            let sorted = |keys: &[KeySeen]| {
                let mut clients: Vec<_> = keys.iter().map(|key| key.client.clone()).collect();
                clients.sort();
                clients
            };
            sorted(keys) == sorted(seen)
        }
        (Seen::Notifications(feed), Seen::Notifications(seen)) => {
            let one = |(told, seen): (&NotificationSeen, &NotificationSeen)| {
                told.key_package == seen.key_package
                    && said(&told.kind, &seen.kind)
                    && said(&told.requester, &seen.requester)
                    && said(&told.first_use, &seen.first_use)
                    && said(&told.remaining, &seen.remaining)
            };
            feed.len() == seen.len() && feed.iter().zip(seen).all(one)
        }
        (allowed, seen) => allowed == seen,
    }
}

fn forbidden(names: &Names<'_>, spec: &Spec, states: &[State], step: &Step, op: &Op, recorded: &Recorded) -> Failure {
    let seen = match &recorded.observed {
        Observed::Ok(seen) => names.outcome(op, seen),
        Observed::Refused(reason) => model_reason(names.vector, step, *reason).map(Outcome::Refused),
        Observed::Unexpected(_) | Observed::Lost => None,
    };
    let refusal = states.iter().zip(seen.iter().cycle()).find_map(|(state, seen)| spec.accepts(state, op, seen).err());
    let mut allowed: Vec<_> = states.iter().flat_map(|state| spec.outcomes(state, op)).collect();
    allowed.dedup();
    let words = |(outcome, next): &(Outcome, State)| match names.observed(step, outcome, next) {
        Observed::Ok(seen) => serde_json::to_string(&seen).unwrap_or_default(),
        Observed::Refused(reason) => format!("refused: {reason:?}"),
        Observed::Unexpected(why) => why,
        Observed::Lost => "lost".into(),
    };
    let mut shown: Vec<_> = allowed.iter().map(words).collect();
    shown.dedup();
    let mut details: Vec<_> = shown.iter().take(SHOWN).map(|allowed| format!("allowed: {allowed}")).collect();
    if shown.len() > SHOWN {
        details.push(format!("and {} more", shown.len() - SHOWN));
    }
    let seen = recorded.view().map_or_else(|| format!("{:?}", recorded.observed), |view| view.to_string());
    details.push(format!("seen:    {seen}"));
    let rule = refusal.as_ref().map_or_else(|| rule_of(op), |refusal| refusal.rule);
    let why = refusal
        .map_or("no answer that the specification allows is this one".into(), |refusal| names.translate(&refusal.why));
    Failure {
        rule: rule.into(),
        says: format!("{}: {why}", recorded.says),
        path: recorded.path.clone(),
        details,
        timeline: vec![],
        exchanges: recorded.exchanges.clone(),
        rounds: None,
        also: vec![],
    }
}

/// More allowed answers than these are not shown.
const SHOWN: usize = 4;

/// The rule that a wrong answer breaks of which the specification has no refusal.
fn rule_of(op: &Op) -> &'static str {
    match op {
        Op::Notifications { .. } => "NOTE-EVERY-GRANT",
        Op::Acknowledge { .. } => "NOTE-SURVIVES",
        Op::Claim(_) => "CLAIM-ONCE",
        Op::Publish { .. } | Op::Replace { .. } => "PUB-ATOMIC",
        Op::Withdraw { .. } => "LIFE-WITHDRAW-RACE",
        Op::Stock { .. } => "NOTE-ZERO",
        Op::Reconcile { .. } => "NOTE-RECONCILE",
        Op::Block { .. } | Op::Unblock { .. } => "BLOCK-REQUESTER",
        Op::RemoveClient { .. } => "LIFE-REMOVE-CLIENT",
        Op::Verify { .. } => "KEY-VERIFY",
        Op::ExtendKey { .. } => "KEY-EXPIRY-FORWARD",
        _ => "KEY-LIST",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_before_counts_among_the_accepted_or_does_not() {
        let published = |accepted| Seen::Published { accepted };
        for (seen, right) in [(Some(2), true), (Some(0), true), (None, true), (Some(3), false)] {
            assert_eq!(same(&published(Some(2)), &published(seen)), right, "{seen:?}");
        }
    }
}
