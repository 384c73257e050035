//! The third face: which kind of step this was, for coverage.

use std::fmt;

use crate::{
    history::{Claim, Facts, Fate, PackageState, Role, State, Status},
    names::{Key, Requester, User},
    spec::{Op, Outcome, Reason, Spec},
};

/// Operation, result and guard class of a step, such as `claim/regular/new`. Two steps with the same label exercise
/// the same part of the specification.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(pub String);

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Spec {
    /// The label of a step that is allowed.
    #[must_use]
    pub fn label(&self, state: &State, op: &Op, outcome: &Outcome) -> Label {
        let result = match outcome {
            Outcome::Refused(reason) => format!("refused-{reason:?}").to_lowercase(),
            Outcome::Claimed(statuses) => {
                let kinds: std::collections::BTreeSet<_> = statuses.values().map(|status| kind(*status)).collect();
                if kinds.is_empty() { "nobody".into() } else { kinds.into_iter().collect::<Vec<_>>().join("+") }
            }
            Outcome::Withdrawn(fates) => {
                let kinds: std::collections::BTreeSet<_> = fates.values().map(|fate| format!("{fate:?}")).collect();
                kinds.into_iter().collect::<Vec<_>>().join("+").to_lowercase()
            }
            Outcome::Limited { .. } => "limited".into(),
            Outcome::Stock(stock) if stock.regular.values().all(|left| *left == 0) => "zero".into(),
            Outcome::Stock(stock) if !stock.low.is_empty() => "low".into(),
            Outcome::Notifications(feed) if feed.is_empty() => "empty".into(),
            Outcome::Stock(_) | Outcome::Notifications(_) => "some".into(),
            Outcome::Replaced { withdrawn: 0 } => "replaced-nothing".into(),
            Outcome::Replaced { .. } => "replaced".into(),
            Outcome::ClientRemoved { unread: 0 } => "removed".into(),
            Outcome::ClientRemoved { .. } => "removed-unread".into(),
            Outcome::Keys(keys) => if keys.is_empty() { "none" } else { "some" }.into(),
            Outcome::Standing(standing) => format!("{standing:?}").to_lowercase(),
            Outcome::Packages(packages) => {
                let kinds: std::collections::BTreeSet<_> = packages.values().map(|it| format!("{it:?}")).collect();
                kinds.into_iter().collect::<Vec<_>>().join("+").to_lowercase()
            }
            Outcome::Done => "done".into(),
        };
        let (operation, mut guard) = guard(state, op);
        // What else is in a batch that is refused does not matter, unless it is refused for having been there.
        if matches!(op, Op::Publish { .. } | Op::Replace { .. })
            && matches!(outcome, Outcome::Refused(reason) if *reason != Reason::AlreadyUsed)
        {
            guard = "any";
        }
        Label(format!("{operation}/{result}/{guard}"))
    }
}

fn kind(status: Status) -> &'static str {
    match status {
        Status::Regular(_) => "regular",
        Status::LastResort(_) => "last_resort",
        Status::Exhausted => "exhausted",
        Status::Incompatible => "incompatible",
    }
}

fn guard(state: &State, op: &Op) -> (&'static str, &'static str) {
    match op {
        Op::AddKey { key, .. } => ("add_key", if state.keys.contains_key(key) { "known" } else { "new" }),
        Op::ExtendKey { key, .. } => ("extend_key", key_guard(state, *key)),
        Op::RemoveKey { key, .. } => ("remove_key", key_guard(state, *key)),
        Op::RemoveClient { client } => {
            let available = |known: &PackageState| known.facts.client == *client && known.fate == Fate::Available;
            ("remove_client", if state.packages.values().any(available) { "stocked" } else { "bare" })
        }
        Op::Keys { .. } => ("keys", "any"),
        Op::Verify { .. } => ("verify", "any"),
        Op::Publish { packages, .. } => ("publish", batch_guard(state, packages)),
        Op::Replace { packages, .. } => ("replace", batch_guard(state, packages)),
        Op::Claim(claim) => ("claim", claim_guard(state, claim)),
        Op::Withdraw { .. } => ("withdraw", "any"),
        Op::Block { user, requester } => ("block", blocked_guard(state, *user, *requester)),
        Op::Unblock { user, requester } => ("unblock", blocked_guard(state, *user, *requester)),
        Op::Stock { .. } => ("stock", "any"),
        Op::Reconcile { .. } => ("packages", "any"),
        Op::Notifications { after, .. } => ("notifications", if *after > 0 { "from_cursor" } else { "from_start" }),
        Op::Acknowledge { client, .. } => {
            let unread = state.notifications.get(client).is_some_and(|unread| !unread.is_empty());
            ("acknowledge", if unread { "unread" } else { "read" })
        }
        Op::Collect => ("collect", "any"),
        Op::Fence => ("fence", "any"),
        Op::Tick { .. } => ("tick", "any"),
    }
}

fn batch_guard(state: &State, packages: &[Facts]) -> &'static str {
    let known: Vec<_> = packages.iter().filter_map(|facts| state.packages.get(&facts.package)).collect();
    if known.iter().any(|package| package.fate != Fate::Available) {
        "spent"
    } else if known.iter().any(|package| package.granted) {
        "used_last_resort"
    } else if !known.is_empty() {
        "again"
    } else if packages.iter().any(|facts| facts.role == Role::LastResort) {
        "new_last_resort"
    } else {
        "new"
    }
}

fn key_guard(state: &State, key: Key) -> &'static str {
    let signs = |known: &PackageState| known.facts.signer == key && known.fate == Fate::Available;
    if !state.is_valid_key(key) {
        "ended"
    } else if state.packages.values().any(signs) {
        "signs"
    } else {
        "idle"
    }
}

fn blocked_guard(state: &State, user: User, requester: Requester) -> &'static str {
    if state.blocked.contains(&(user, requester)) { "blocked" } else { "free" }
}

fn claim_guard(state: &State, claim: &Claim) -> &'static str {
    let clients = state.clients_of(claim.user);
    let again = claim.key.is_some_and(|key| state.claims.contains_key(&(claim.requester, claim.user, key)));
    if again {
        "again"
    } else if state.blocked.contains(&(claim.user, claim.requester)) {
        "blocked"
    } else if claim.requester_client.is_some_and(|own| clients.contains(&own)) {
        "own_user"
    } else if !claim.last_resort_accepted {
        "last_resort_refused"
    } else if state.kinds.iter().any(|(client, suite, offers)| clients.contains(client) && !claim.takes(*suite, offers))
    {
        "narrow"
    } else {
        "open"
    }
}
