//! Rules on who may ask and how often: limits, blocks, and refusals that give nothing away.

use crate::{
    history::{Account, Claim, Claimed, Event, State},
    names::Time,
    rules::{History, Request},
    spec::{Limit, Op, Outcome, Reason},
    words::word,
};

/// When such claims were answered, as the log records it, up to and including the event at hand. What a directory counts
/// itself is not asked.
fn answered_times(history: &History, version: usize, counts: impl Fn(&Claim) -> bool) -> Vec<Time> {
    let times = history.steps().take(version).filter_map(|(state, event)| match event {
        Event::Claimed(Claimed { claim, .. }) if counts(claim) => Some(state.now),
        _ => None,
    });
    times.collect()
}

/// More claims of one such account were answered in one window than its limit allows.
fn too_many(history: &History, account: impl Fn(&Claim) -> Option<Account>) -> Option<String> {
    history.steps().enumerate().find_map(|(version, (state, event))| {
        let Event::Claimed(Claimed { claim, .. }) = event else { return None };
        let of = account(claim)?;
        let Limit { claims, seconds } = history.declared().limit(of)?;
        let times = answered_times(history, version + 1, |other| account(other) == Some(of));
        let recent = times.iter().filter(|at| state.now < at.saturating_add(seconds)).count();
        let whose = match of {
            Account::Requester(_) => String::new(),
            Account::Server(server) => format!(" for {server}"),
            Account::Pair(_, user) => format!(" for {user}"),
        };
        (recent > claims).then(|| {
            format!("{claim}{whose} was the {recent}th to be answered within {seconds} s, where {claims} are allowed")
        })
    })
}

/// `RATE-REQUESTER`: too many claims of one requester were answered.
pub(super) fn too_many_of_one(history: &History) -> Option<String> {
    too_many(history, |claim| Some(Account::Requester(claim.requester)))
}

/// `RATE-SERVER`: too many claims of all requesters of one other server were answered.
pub(super) fn too_many_of_a_server(history: &History) -> Option<String> {
    too_many(history, |claim| history.declared().vouching(claim.requester))
}

/// `RATE-PAIR`: too many claims of one requester for one user were answered.
pub(super) fn too_many_of_a_pair(history: &History) -> Option<String> {
    too_many(history, |claim| Some(Account::Pair(claim.requester, claim.user)))
}

/// Any limit was broken.
pub(super) fn any_limit_broken(history: &History) -> Option<String> {
    too_many_of_one(history).or_else(|| too_many_of_a_server(history)).or_else(|| too_many_of_a_pair(history))
}

fn limited(history: &History) -> impl Iterator<Item = (&Claim, Time)> {
    history.answered_with().filter_map(|(request, outcome)| match (&request.op, outcome) {
        (Op::Claim(claim), Outcome::Limited { retry_after }) => Some((claim, *retry_after)),
        _ => None,
    })
}

pub(super) fn limited_by_its_own(history: &History) -> bool {
    let users = |requester| {
        let of = history.recorded().filter(move |claimed| claimed.claim.requester == requester);
        of.map(|claimed| claimed.claim.user).collect::<std::collections::BTreeSet<_>>().len()
    };
    let declared = history.declared().limits.requester.is_some();
    declared && limited(history).any(|(claim, _)| users(claim.requester) >= 1)
}

/// One that nobody had answered yet was refused, since others of its server were.
pub(super) fn limited_by_the_server(history: &History) -> bool {
    let spec = history.declared();
    let answered = |claim: &Claim| history.recorded().any(|it| it.claim.requester == claim.requester);
    let of_its_server =
        |claim: &Claim| history.recorded().any(|it| spec.share_an_allowance(it.claim.requester, claim.requester));
    spec.limits.server.is_some() && limited(history).any(|(claim, _)| !answered(claim) && of_its_server(claim))
}

pub(super) fn limited_by_the_pair(history: &History) -> bool {
    let pair = |claim: &Claim| {
        history.recorded().any(|it| it.claim.requester == claim.requester && it.claim.user == claim.user)
    };
    history.declared().limits.pair.is_some() && limited(history).any(|(claim, _)| pair(claim))
}

/// The refusals by a limit that are still to be judged, with what the claim would have had to wait for in the states in
/// which it may have been refused.
fn refusals(history: &History) -> impl Iterator<Item = (&Claim, Time, Vec<Time>)> {
    let spec = history.declared();
    history.answers_to_judge().filter_map(move |(request, outcome, states)| {
        let (Op::Claim(claim), Outcome::Limited { retry_after }) = (&request.op, outcome) else { return None };
        let again = |state: &&&State| {
            claim.key.is_none_or(|key| !state.claims.contains_key(&(claim.requester, claim.user, key)))
        };
        let own = [Account::Requester(claim.requester), Account::Pair(claim.requester, claim.user)];
        let accounts: Vec<_> = own.into_iter().chain(spec.vouching(claim.requester)).collect();
        let waits = states.iter().filter(again);
        let waits = waits.flat_map(|state| accounts.iter().filter_map(|account| spec.wait(state, *account)));
        let waits: Vec<_> = waits.collect();
        // What is repeated from memory was judged when it was said first.
        states.iter().any(|state| again(&state)).then_some((claim, *retry_after, waits))
    })
}

/// `RATE-ISOLATED`: refused by a limit that neither its requester nor the requesters of its server had reached.
pub(super) fn limited_by_others(history: &History) -> Option<String> {
    let (claim, ..) = refusals(history).find(|(_, _, waits)| waits.is_empty())?;
    Some(format!("{claim} was refused by a limit, which {} had not reached", claim.requester))
}

/// One requester was refused by a limit, and another one was answered that shares none with it.
pub(super) fn limited_beside_another(history: &History) -> bool {
    let apart = |one: &Claim, other: &Claim| !history.declared().share_an_allowance(one.requester, other.requester);
    limited(history).any(|(claim, _)| history.recorded().any(|other| apart(claim, &other.claim)))
}

/// `RATE-RETRY-AFTER`: told to wait for another time than it takes.
pub(super) fn told_a_wrong_time(history: &History) -> Option<String> {
    let (claim, told, _) = refusals(history).find(|(_, told, waits)| !waits.is_empty() && !waits.contains(told))?;
    Some(format!("{claim} was told to wait for {told} s, which was not so"))
}

/// A requester was refused by a limit, time passed, and a claim of it was answered.
pub(super) fn answered_after_the_wait(history: &History) -> bool {
    limited(history).any(|(claim, told)| {
        let times = answered_times(history, history.log().len(), |other| other.requester == claim.requester);
        times.first().is_some_and(|first| times.iter().any(|later| *later >= first + told && later > first))
    })
}

/// `CLAIM-REFUSAL-FREE`: a claim that was refused, and for which something was spent all the same.
pub(super) fn refused_and_recorded(history: &History) -> Option<String> {
    let refusals = history.answers().iter().filter_map(|(request, outcomes)| match &request.op {
        Op::Claim(claim) if !outcomes.iter().any(|outcome| matches!(outcome, Outcome::Claimed(_))) => Some(claim),
        _ => None,
    });
    refusals.into_iter().find_map(|claim| {
        let spent = history.recorded().any(|claimed| claimed.claim == *claim);
        (spent && claim.key.is_some()).then(|| format!("{claim} was refused, but the log records it as answered"))
    })
}

/// A claim was refused while its user had something to give.
pub(super) fn refused_beside_stock(history: &History) -> bool {
    history.answered_with().any(|(request, outcome)| {
        let Op::Claim(claim) = &request.op else { return false };
        let refused = matches!(outcome, Outcome::Refused(_) | Outcome::Limited { .. });
        let clients = history.state().clients_of(claim.user);
        refused && clients.into_iter().any(|client| history.state().regular(client).next().is_some())
    })
}

/// `CLAIM-UNIFORM`: a refusal that tells a blocked requester from one that asks for nobody.
pub(super) fn told_apart(history: &History) -> Option<String> {
    history.answered_with().find_map(|(request, outcome)| {
        let (Op::Claim(claim), Outcome::Refused(reason)) = (&request.op, outcome) else { return None };
        let apart = !matches!(reason, Reason::UnknownUser | Reason::IdempotencyMismatch);
        apart.then(|| {
            format!("{claim} was refused as {}, which tells more than that there is no such user", word(reason))
        })
    })
}

/// A claim for nobody was refused, and one of a blocked requester.
pub(super) fn unknown_and_blocked(history: &History) -> bool {
    let refused = |known: bool| {
        history.answered_with().any(|(request, outcome)| {
            let (Op::Claim(claim), Outcome::Refused(Reason::UnknownUser)) = (&request.op, outcome) else {
                return false;
            };
            history.state().keys.values().any(|key| key.user == claim.user) == known
        })
    };
    refused(true) && refused(false)
}

/// `BLOCK-REQUESTER`: answered, while the owner had shut the requester out.
pub(super) fn blocked_got_something(history: &History) -> Option<String> {
    history.find_new(|state, event| {
        let Event::Claimed(Claimed { claim, .. }) = event else { return None };
        let blocked = state.blocked.contains(&(claim.user, claim.requester));
        blocked.then(|| format!("{claim} was answered, though {} had shut {} out", claim.user, claim.requester))
    })
}

/// A claim was refused while its requester was shut out, and answered before or after.
pub(super) fn blocked_beside_stock(history: &History) -> bool {
    let blocked = |(request, outcome): (&Request, &Outcome)| match (&request.op, outcome) {
        (Op::Claim(claim), Outcome::Refused(Reason::UnknownUser)) => {
            history.state().keys.values().any(|key| key.user == claim.user)
        }
        _ => false,
    };
    history.answered_with().any(blocked) && history.recorded().next().is_some()
}
