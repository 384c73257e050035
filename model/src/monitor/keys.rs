//! Keys that are added in the history: where that was before all else of their user, they may as well have been there.

use std::collections::BTreeMap;

use crate::{
    history::State,
    linearize::Operation,
    monitor::known::Halt,
    names::{Client, User},
    spec::{Op, Outcome, Spec},
};

/// Whether some key is added, so that [`with_keys`] is needed.
pub(super) fn adds_keys(history: &[Operation]) -> bool {
    history.iter().any(|operation| matches!(operation.op, Op::AddKey { .. }))
}

/// The initial state with all keys that are added.
///
/// A key is never free again, so the order of additions does not matter, and none can be refused in another order.
pub(super) fn with_keys(spec: &Spec, initial: &State, history: &[Operation]) -> Result<State, Halt> {
    let mut state = initial.clone();
    let mut added: BTreeMap<User, u64> = BTreeMap::new();
    for (at, operation) in history.iter().enumerate() {
        let Op::AddKey { user, .. } = &operation.op else { continue };
        let (Some(Outcome::Done), Some(end)) = (&operation.outcome, operation.returned) else {
            return Err(Halt::Mingled("the addition of a key was refused, or has no answer".into()));
        };
        let outcomes = spec.outcomes(&state, &operation.op);
        let Some((_, after)) = outcomes.into_iter().find(|(outcome, _)| *outcome == Outcome::Done) else {
            return Err(Halt::illegal(
                "KEY-UNIQUE",
                "added, although it is, or was, on another list, or removed",
                [at],
            ));
        };
        state = after;
        let latest = added.entry(*user).or_default();
        *latest = end.max(*latest);
    }
    let users: BTreeMap<Client, User> = state.keys.values().map(|key| (key.client, key.user)).collect();
    for operation in history {
        let user = match &operation.op {
            Op::Claim(claim) => Some(claim.user),
            Op::Publish { client, .. }
            | Op::RemoveKey { client, .. }
            | Op::Withdraw { client, .. }
            | Op::Stock { client }
            | Op::Notifications { client, .. }
            | Op::Acknowledge { client, .. } => users.get(client).copied(),
            _ => None,
        };
        let added = user.and_then(|user| added.get(&user));
        if added.is_some_and(|added| operation.invoked <= *added) {
            return Err(Halt::Mingled("a key is added while something else happens to its user".into()));
        }
    }
    Ok(state)
}
