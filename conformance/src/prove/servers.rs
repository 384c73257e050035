//! The kinds of good servers that a vector must pass: what the rules leave to a server, in few and small numbers.
//!
//! No number of a server stands in a vector, so it is proved under two of each that lie apart. With a limit of a pair:
//! one claim in 1 s and three in 120 s, the longest that the suite waits for; beside the first, a requester may claim
//! five times more before a limit of its own refuses, beside the second as often as it likes. With a limit of a
//! requester: five claims in 60 s beside one in 1 s of each pair, and three in 120 s beside none. With a low-water mark:
//! 2 and 50. With a drain: more than 10 % of the
//! stock and at least two in a minute, and more than 99 % and at least five in a day. A server whose numbers lie beyond
//! those skips the vector.

use kpd_model::{
    history::{Claim, KeyState, State},
    names::Requester,
    spec::{DrainAlert, Limit, Limits, Op, Outcome, Selection, Spec},
};

use crate::{
    recording::{Observed, Seen},
    vector::{CLAIMS_BESIDE_A_LIMIT, Capability, Vector, expect::Reason},
};

/// One kind. Beside its numbers, what the rules leave to it at each answer.
pub(super) struct Server {
    pub(super) spec: Spec,
    /// `CLAIM-UNIFORM` is a SHOULD: where a vector does not check it, a requester that is shut out may be told so.
    tells_of_blocks: bool,
    /// That a stock is not low may be said or left out.
    tells_of_enough: bool,
    /// A new client of a name that was removed may have a stock of zero, or none.
    tells_of_nothing: bool,
    /// What has expired may be forgotten when its owner asks (`LIFE-TOMBSTONE`).
    forgets: bool,
}

/// Longer than any KeyPackage that must be accepted, and shorter than any that must not.
const LIFETIME_MAX: u64 = 366 * 24 * 60 * 60;

/// A server may take a KeyPackage that begins a little later, since clocks differ, or may not: both are good servers.
const SKEWS: [u64; 2] = [0, 300];

const LOW_WATERS: [u32; 2] = [2, 50];

const DRAINS: [Option<DrainAlert>; 2] = [
    Some(DrainAlert { percent: 10, at_least: 2, seconds: 60 }),
    Some(DrainAlert { percent: 99, at_least: 5, seconds: 24 * 60 * 60 }),
];

/// A vector's requesters are all of the directory that is asked, and so no limit of a server is there either.
const NO_LIMITS: Limits = Limits { requester: None, server: None, pair: None };

const OF_A_PAIR: [Limits; 2] = [
    Limits { requester: limit(1 + CLAIMS_BESIDE_A_LIMIT, 600), pair: limit(1, 1), ..NO_LIMITS },
    Limits { pair: limit(3, 120), ..NO_LIMITS },
];

const OF_A_REQUESTER: [Limits; 2] = [
    Limits { requester: limit(5, 60), pair: limit(1, 1), ..NO_LIMITS },
    Limits { requester: limit(3, 120), ..NO_LIMITS },
];

const fn limit(claims: usize, seconds: u64) -> Option<Limit> {
    Some(Limit { claims, seconds })
}

/// Every kind that differs in something that this vector can meet.
pub(super) fn servers(vector: &Vector) -> Vec<Server> {
    let needs = |capability| vector.needs.contains(&capability);
    let any = |found: &dyn Fn(&crate::vector::Step) -> bool| vector.all_steps().any(|(_, step)| found(step));
    let (batch_max, stock_max) = if needs(Capability::ReferenceLimits) { (100, 500) } else { (usize::MAX, usize::MAX) };
    let base = Spec {
        selection: if needs(Capability::FifoSelection) { Selection::Fifo } else { Selection::Any },
        lifetime_max: LIFETIME_MAX,
        batch_max,
        stock_max,
        ..Spec::default()
    };
    let begins_later = vector.key_packages.values().any(|recipe| recipe.lifetime().0 > 0);
    let skews = if begins_later { &SKEWS[..] } else { &SKEWS[..1] };
    let limits = match (needs(Capability::RequesterLimit), needs(Capability::PairLimit)) {
        (true, _) => &OF_A_REQUESTER[..],
        (false, true) => &OF_A_PAIR[..],
        (false, false) => &[NO_LIMITS][..],
    };
    let tells_of_enough = needs(Capability::LowWater);
    let low_waters = if tells_of_enough { &LOW_WATERS[..] } else { &[0][..] };
    let drains = if needs(Capability::Drain) { &DRAINS[..] } else { &[None][..] };
    let with = |(skew, limits, low_water, drain)| Server {
        spec: Spec { skew, limits, low_water, drain, ..base.clone() },
        tells_of_blocks: any(&|step| step.block.is_some()) && !vector.rules.iter().any(|rule| rule == "CLAIM-UNIFORM"),
        tells_of_enough,
        tells_of_nothing: any(&|step| step.remove_client.is_some()),
        forgets: any(&|step| step.packages.is_some()) && any(&|step| step.await_expiry.is_some()),
    };
    let numbers = skews.iter().flat_map(|skew| limits.iter().map(move |limits| (*skew, *limits)));
    let numbers = numbers.flat_map(|(skew, limits)| low_waters.iter().map(move |low| (skew, limits, *low)));
    let numbers = numbers.flat_map(|(skew, limits, low)| drains.iter().map(move |drain| (skew, limits, low, *drain)));
    numbers.map(with).collect()
}

impl Server {
    /// Every allowed outcome with the state after it.
    pub(super) fn outcomes(&self, state: &State, op: &Op) -> Vec<(Outcome, State)> {
        let mut all = self.spec.outcomes(state, op);
        if self.forgets && matches!(op, Op::Reconcile { .. }) {
            let collected = self.spec.outcomes(state, &Op::Collect);
            all.extend(collected.iter().flat_map(|(_, collected)| self.spec.outcomes(collected, op)));
            all.dedup();
        }
        all
    }

    /// All ways in which this answer can be given.
    pub(super) fn tells(&self, state: &State, op: &Op, answer: Observed) -> Vec<Observed> {
        let other = match (op, &answer) {
            (Op::Claim(claim), Observed::Refused(Reason::UnknownUser)) if self.tells_of_blocks => {
                let known = state.keys.values().any(|key| key.user == claim.user);
                known.then_some(Observed::Refused(Reason::Forbidden))
            }
            (_, Observed::Ok(Seen::Stock { regular, last_resort, low: Some(false) })) if self.tells_of_enough => {
                Some(Observed::Ok(Seen::Stock { regular: *regular, last_resort: *last_resort, low: None }))
            }
            (_, Observed::Ok(Seen::Notifications(feed))) if self.tells_of_enough => {
                let mut feed = feed.clone();
                feed.iter_mut().for_each(|item| item.low = item.low.filter(|low| *low));
                Some(Observed::Ok(Seen::Notifications(feed)))
            }
            (Op::Stock { client }, Observed::Ok(Seen::Stock { regular: Some(0), last_resort, .. })) => {
                let removed = |key: &KeyState| key.client == *client && key.removed.is_some();
                let anew = self.tells_of_nothing && state.keys.values().any(removed);
                let none = Seen::Stock { regular: None, last_resort: *last_resort, low: None };
                anew.then_some(Observed::Ok(none))
            }
            _ => None,
        };
        let other = other.filter(|other| *other != answer);
        std::iter::once(answer).chain(other).collect()
    }
}

/// After how many seconds a refusal says to ask again.
pub(super) fn retry_after(outcome: &Outcome) -> Option<u64> {
    match outcome {
        Outcome::Limited { retry_after } => Some(*retry_after),
        _ => None,
    }
}

/// A claim of a user of this server as the model has it: once the server is shut out, by the name of the server, unless
/// an answer is remembered under the user's own.
pub(super) fn by_server(state: &State, claim: Claim, server: Requester) -> Claim {
    let remembered = claim.key.is_some_and(|key| state.claims.contains_key(&(claim.requester, claim.user, key)));
    let shut_out = state.blocked.contains(&(claim.user, server));
    Claim { requester: if shut_out && !remembered { server } else { claim.requester }, ..claim }
}
