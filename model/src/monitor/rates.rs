//! Limits on claims: a window of time in which, whatever the order was, too many were answered.

use std::collections::{BTreeMap, BinaryHeap, HashMap};

use crate::{
    history::{Account, Claim},
    linearize::Operation,
    monitor::Verdict,
    names::{Requester, Server},
    spec::{Op, Outcome},
};

/// At most `claims` claims in any `length` units of the history's times: two claims are in one window if less than
/// `length` lies between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The most claims.
    pub claims: usize,
    /// The length of the window.
    pub length: u64,
}

/// Whose claims are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per<'a> {
    /// Those of one requester (`RATE-REQUESTER`).
    Requester,
    /// Those of all requesters that one other server vouches for (`RATE-SERVER`); of those that are in no server here,
    /// none count.
    Server(&'a BTreeMap<Requester, Server>),
    /// Those of one requester for one user (`RATE-PAIR`).
    Pair,
}

impl Per<'_> {
    fn account(self, claim: &Claim) -> Option<Account> {
        match self {
            Self::Requester => Some(Account::Requester(claim.requester)),
            Self::Server(servers) => servers.get(&claim.requester).copied().map(Account::Server),
            Self::Pair => Some(Account::Pair(claim.requester, claim.user)),
        }
    }

    fn rule(self) -> &'static str {
        match self {
            Self::Requester => "RATE-REQUESTER",
            Self::Server(_) => "RATE-SERVER",
            Self::Pair => "RATE-PAIR",
        }
    }
}

/// Begin, end, position.
type Answered = (u64, u64, usize);

/// Looks for answered claims that certainly are too many: each was sent and answered within one window.
///
/// Exact in this sense: if there is none, the directory can have decided on the claims at moments within their times
/// that keep the limit, unless several windows compete for them. A claim repeated under its key counts once; a lost
/// answer does not count, since it may not have happened. The witness has one claim more than are allowed.
#[must_use]
pub fn rate_exceeded(rate: Rate, per: Per<'_>, history: &[Operation]) -> Option<Verdict> {
    let mut groups: BTreeMap<Account, Vec<Answered>> = BTreeMap::new();
    let mut keyed = HashMap::new();
    for (at, operation) in history.iter().enumerate() {
        let (Op::Claim(claim), Some(Outcome::Claimed(_)), Some(end)) =
            (&operation.op, &operation.outcome, operation.returned)
        else {
            continue;
        };
        let Some(account) = per.account(claim) else { continue };
        let group = groups.entry(account).or_default();
        let counted = (operation.invoked, end, at);
        match claim.key.map(|key| keyed.entry((claim.requester, claim.user, key)).or_insert(group.len())) {
            // The one that counts was sent before the first answer came, which may be the answer to another one.
            Some(first) if *first < group.len() => {
                let known = &mut group[*first];
                *known = (known.0.min(counted.0), known.1.min(counted.1), known.2);
            }
            _ => group.push(counted),
        }
    }
    let found = groups.into_values().find_map(|group| crowded(rate, group));
    found.map(|mut witness| {
        witness.sort_unstable();
        let says =
            format!("{} claims were answered within {}, where {} can be", witness.len(), rate.length, rate.claims);
        Verdict::Illegal { rule: per.rule(), says, witness }
    })
}

/// From the last begin to the first: the claims that began since then and ended soonest, one more than are allowed.
fn crowded(rate: Rate, mut group: Vec<Answered>) -> Option<Vec<usize>> {
    group.sort_unstable();
    let mut soonest = BinaryHeap::new();
    for (begin, end, at) in group.into_iter().rev() {
        soonest.push((end, at));
        if soonest.len() > rate.claims + 1 {
            soonest.pop();
        }
        let (last, _) = soonest.peek()?;
        if soonest.len() > rate.claims && last.saturating_sub(begin) < rate.length {
            return Some(soonest.into_iter().map(|(_, at)| at).collect());
        }
    }
    None
}
