//! What harms nobody by being earlier: every explanation that has it later stays one with it moved to the front.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    history::{Claim, State, Status},
    linearize::{Done, Operation, Search},
    names::{Client, Time},
    spec::{Limits, Op, Outcome, Reason},
};

impl Search<'_> {
    /// Whether an operation that can be next, and leads to the state `after`, may as well be next.
    ///
    /// What changes nothing may. A claim may, if nothing that can come before it is answered otherwise after it or makes
    /// another state together with it, and if its notification keeps its place in the feed, or nobody reads that any
    /// more.
    pub(super) fn harms_nobody(&self, done: &Done, position: usize, op: &Op, outcome: &Outcome, after: &State) -> bool {
        let (Op::Claim(claim), Outcome::Claimed(statuses)) = (op, outcome) else {
            return self.changes_nothing(op, outcome);
        };
        let others = || self.open(done).filter(|(other, _)| *other != position).map(|(_, operation)| operation);
        let returned = self.history[position].returned;
        let mut earlier = others().filter(|other| returned.is_none_or(|returned| other.invoked <= returned));
        earlier.all(|other| self.lets_pass(other, claim, statuses))
            && self.observed.is_placed(statuses, after, others())
    }

    /// Whether this operation can as well come after that claim as before it, where both orders are possible: its answer
    /// and the state after both are the same. The claim is possible now, so what it was granted is there already.
    fn lets_pass(&self, operation: &Operation, claim: &Claim, statuses: &BTreeMap<Client, Status>) -> bool {
        let limited = self.spec.limits != Limits::default();
        let granted: BTreeSet<_> = statuses.values().filter_map(Status::granted).collect();
        match (&operation.op, &operation.outcome) {
            // Under the same key it would be given this answer, even where it was refused for a block before.
            (Op::Claim(other), Some(answer)) if is_repeated(claim, other) => {
                matches!(answer, Outcome::Claimed(others) if others == statuses) && !limited
            }
            // A claim of any kind can only be left with less; but not with less of its allowance.
            (Op::Claim(other), _) => {
                let any = other.suites.is_empty() && other.requires.is_empty();
                any && !(limited && self.spec.share_an_allowance(other.requester, claim.requester))
            }
            // With a package that is granted meanwhile, it would be refused.
            (Op::Publish { packages, .. }, None | Some(Outcome::Done))
            | (Op::Replace { packages, .. }, None | Some(Outcome::Replaced { .. })) => {
                packages.iter().all(|facts| !granted.contains(&facts.package))
            }
            // It says how many notifications nobody has read.
            (Op::RemoveClient { client }, _) => statuses.get(client).and_then(Status::granted).is_none(),
            // When a claim was counted or answered tells for how long that is remembered.
            (Op::Tick { .. }, _) => !limited && (claim.key.is_none() || self.spec.claim_memory == Time::MAX),
            // These neither see what a claim changes, nor change what one sees that is possible before them.
            (
                Op::AddKey { .. }
                | Op::ExtendKey { .. }
                | Op::RemoveKey { .. }
                | Op::Keys { .. }
                | Op::Verify { .. }
                | Op::Block { .. }
                | Op::Unblock { .. },
                _,
            ) => true,
            // The others look at what is left or was told, or (a fence) at how far the feeds are.
            (
                Op::Publish { .. }
                | Op::Replace { .. }
                | Op::Withdraw { .. }
                | Op::Stock { .. }
                | Op::Reconcile { .. }
                | Op::Notifications { .. }
                | Op::Acknowledge { .. }
                | Op::Collect
                | Op::Fence,
                _,
            ) => false,
        }
    }

    /// Whether an operation with this answer leaves every state as it is. A refused claim does not always: it may count,
    /// and a refusal by a limit may be remembered.
    fn changes_nothing(&self, op: &Op, outcome: &Outcome) -> bool {
        match (op, outcome) {
            (Op::Claim(_), Outcome::Refused(Reason::IdempotencyMismatch)) => true,
            (Op::Claim(_), Outcome::Refused(_)) => self.spec.limits.requester.is_none(),
            (_, Outcome::Refused(_)) => true,
            (_, outcome) => matches!(
                outcome,
                Outcome::Stock(_)
                    | Outcome::Packages(_)
                    | Outcome::Notifications(_)
                    | Outcome::Keys(_)
                    | Outcome::Standing(_)
            ),
        }
    }
}

/// Whether two claims have one idempotency key.
fn is_repeated(claim: &Claim, other: &Claim) -> bool {
    claim.key.is_some() && (claim.requester, claim.user, claim.key) == (other.requester, other.user, other.key)
}
