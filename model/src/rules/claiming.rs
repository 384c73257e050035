//! Rules on claims: what is granted, to whom, and once.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    history::{Claim, Claimed, Event, Fate, PackageState, Role, State, Status},
    names::{ClaimKey, Client, Package, Requester, User},
    rules::{History, Request},
    spec::{Op, Outcome, Selection},
    words::list,
};

/// What makes a claim the same claim: its key, or else its own place among the claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Identity {
    Keyed(Requester, User, ClaimKey),
    Numbered(usize),
}

fn identity(claim: &Claim, number: usize) -> Identity {
    claim.key.map_or(Identity::Numbered(number), |key| Identity::Keyed(claim.requester, claim.user, key))
}

/// `CLAIM-ONCE`: a regular package in two claims, as recorded or as answered.
pub(super) fn granted_twice(history: &History) -> Option<String> {
    let recorded = history.recorded().map(|claimed| (&claimed.claim, &claimed.statuses));
    let answered = history.answered().map(|(_, claim, statuses)| (claim, statuses));
    given_twice(history, recorded).or_else(|| given_twice(history, answered))
}

fn given_twice<'a>(
    history: &History,
    claims: impl Iterator<Item = (&'a Claim, &'a BTreeMap<Client, Status>)>,
) -> Option<String> {
    let mut given: BTreeMap<Package, (Identity, &Claim)> = BTreeMap::new();
    for (number, (claim, statuses)) in claims.enumerate() {
        let this = identity(claim, number);
        for package in statuses.values().filter_map(Status::granted) {
            match given.get(&package) {
                Some((other, first)) if *other != this && !history.is_last_resort(package) => {
                    return Some(format!("{package} was granted to {first} and to {claim}"));
                }
                _ => given.insert(package, (this, claim)),
            };
        }
    }
    None
}

pub(super) fn claimed_after_grant(history: &History) -> bool {
    let regular = |claimed: &Claimed| claimed.statuses.values().any(|status| matches!(status, Status::Regular(_)));
    history.recorded().skip_while(|claimed| !regular(claimed)).count() >= 2 && history.answered().count() >= 2
}

/// `CLAIM-BYTES`: granted for a client that never published it.
pub(super) fn not_published(history: &History) -> Option<String> {
    history.find_new_status(|state, claim, client, status| {
        let package = status.granted()?;
        let owner = state.packages.get(&package).map(|known| known.facts.client);
        let whose = owner.map_or("nobody".into(), |owner| owner.to_string());
        (owner != Some(client)).then(|| format!("{claim} got {package} from {client}, but {whose} published it"))
    })
}

pub(super) fn two_clients_gave(history: &History) -> bool {
    history.recorded().any(|claimed| claimed.statuses.values().filter_map(Status::granted).count() >= 2)
}

/// `CLAIM-DURABLE`: an answer with a grant that the log does not hold.
pub(super) fn answered_unrecorded(history: &History) -> Option<String> {
    history.answered().find_map(|(_, claim, statuses)| {
        let same = |recorded: &Claimed| recorded.claim == *claim && recorded.statuses == *statuses;
        let unrecorded = grants(statuses) && !history.timelines().flat_map(History::recorded).any(same);
        unrecorded
            .then(|| format!("{claim} was answered with {}, which the log does not hold", list(statuses.values())))
    })
}

pub(super) fn granted(history: &History) -> bool {
    history.answered().any(|(_, _, statuses)| grants(statuses))
}

fn grants(statuses: &BTreeMap<Client, Status>) -> bool {
    statuses.values().any(|status| status.granted().is_some())
}

/// `CLAIM-RETRY`: one keyed claim with two answers, or recorded twice.
pub(super) fn answered_differently(history: &History) -> Option<String> {
    let mut recorded: BTreeMap<&Claim, &BTreeMap<Client, Status>> = BTreeMap::new();
    for Claimed { claim, statuses } in history.recorded().filter(|claimed| claimed.claim.key.is_some()) {
        if let Some(before) = recorded.insert(claim, statuses) {
            return Some(format!("{claim} got {} and again {}", list(before.values()), list(statuses.values())));
        }
    }
    // A restore takes the memory of answers away with the rest.
    if !history.lost().is_empty() {
        return None;
    }
    let limited = |claim: &Claim| {
        let same = |(request, outcome): (&Request, &Outcome)| {
            matches!(&request.op, Op::Claim(it) if it == claim) && matches!(outcome, Outcome::Limited { .. })
        };
        history.answered_with().any(same)
    };
    for (_, claim, statuses) in history.answered().filter(|(_, claim, _)| claim.key.is_some()) {
        if let Some(before) = recorded.insert(claim, statuses).filter(|before| *before != statuses) {
            let (before, now) = (list(before.values()), list(statuses.values()));
            return Some(format!("{claim} was answered with {before} and with {now}"));
        }
        if limited(claim) {
            return Some(format!(
                "{claim} was refused by a limit, and with the same key got {}",
                list(statuses.values())
            ));
        }
    }
    None
}

/// A keyed claim, answered, and another one after it: decided afresh, its repetition would be answered differently.
pub(super) fn keyed_then_another(history: &History) -> bool {
    let answered: BTreeSet<_> = history.answered().map(|(_, claim, _)| claim).collect();
    let keyed = |claimed: &Claimed| claimed.claim.key.is_some() && answered.contains(&claimed.claim);
    history.recorded().skip_while(|claimed| !keyed(claimed)).count() >= 2
}

/// `CLAIM-LIVE`: granted outside its lifetime.
pub(super) fn not_valid(history: &History) -> Option<String> {
    history.find_new_status(|state, claim, _, status| {
        let facts = &state.packages.get(&status.granted()?)?.facts;
        let (now, from, until) = (state.now, facts.not_before, facts.not_after);
        let outside = now < from || now >= until;
        outside.then(|| format!("{claim} got {status} at {now}, which is valid from {from} and before {until}"))
    })
}

pub(super) fn claimed_beside_expired(history: &History) -> bool {
    claimed_beside(history, |state, known| known.facts.not_after <= state.now)
}

/// A claim was answered while its user had a package that was never used and that it could not be given.
pub(super) fn claimed_beside(history: &History, excluded: impl Fn(&State, &PackageState) -> bool) -> bool {
    let beside = history.find(|state, event| match event {
        Event::Claimed(Claimed { statuses, .. }) => {
            let of_user = |known: &&PackageState| statuses.contains_key(&known.facts.client);
            let unused = |known: &PackageState| known.fate != Fate::Granted && excluded(state, known);
            state.packages.values().filter(of_user).any(unused).then_some(())
        }
        _ => None,
    });
    beside.is_some()
}

/// `CLAIM-COMPATIBLE`: granted in a suite that was not asked for or without a capability that was required, or the wrong
/// kind of nothing.
pub(super) fn wrong_kind(history: &History) -> Option<String> {
    history.find_new_status(|state, claim, client, status| {
        if let Some(package) = status.granted() {
            let facts = &state.packages.get(&package)?.facts;
            let with = if facts.offers.is_empty() { String::new() } else { format!(" with {}", list(&facts.offers)) };
            return (!claim.fits(facts)).then(|| format!("{claim} got {package}, which is of {}{with}", facts.suite));
        }
        let suits = |package: &PackageState| claim.fits(&package.facts);
        let wanted = |package: &PackageState| claim.last_resort_accepted || package.facts.role == Role::Regular;
        let knew = state.packages.values().any(|known| known.facts.client == client && suits(known));
        let mut live = state.live(client);
        let other = match status {
            Status::Incompatible => live.find(|package| suits(package) && wanted(package)),
            _ if knew => None,
            _ => live.find(|package| !suits(package)),
        }?;
        Some(format!("{claim} got {status} from {client}, while {} was left", other.facts.package))
    })
}

pub(super) fn claimed_beside_other_kind(history: &History) -> bool {
    let beside = history.find_status(|state, claim, client, _| {
        state.live(client).any(|package| !claim.fits(&package.facts)).then_some(())
    });
    beside.is_some()
}

/// `CLAIM-EACH-CLIENT`: a client of the user without a status, or a status of somebody else's client.
pub(super) fn wrong_clients(history: &History) -> Option<String> {
    history.find_new(|state, event| match event {
        Event::Claimed(Claimed { claim, statuses }) => {
            let not_own = |client: &Client| Some(*client) != claim.requester_client;
            let expected: BTreeSet<_> = state.clients_of(claim.user).into_iter().filter(not_own).collect();
            let answered: BTreeSet<_> = statuses.keys().copied().filter(not_own).collect();
            let (user, has, got) = (claim.user, list(&expected), list(&answered));
            (expected != answered).then(|| format!("{claim} was answered for {got}, but {user} has {has}"))
        }
        _ => None,
    })
}

pub(super) fn two_clients_answered(history: &History) -> bool {
    history.recorded().any(|claimed| claimed.statuses.len() >= 2)
}

/// `CLAIM-NOT-SELF`: the requester's own client gave a package.
pub(super) fn own_touched(history: &History) -> Option<String> {
    history.find_new_status(|_, claim, client, status| {
        (claim.requester_client == Some(client)).then(|| format!("{claim} got {status} from its own {client}"))
    })
}

pub(super) fn claimed_by_own_client(history: &History) -> bool {
    let own = history.find(|state, event| match event {
        Event::Claimed(Claimed { claim, .. }) => {
            claim.requester_client.and_then(|own| state.live(own).next()).map(|_| ())
        }
        _ => None,
    });
    own.is_some()
}

/// `CLAIM-MINIMUM`: consumed for a claim, and in no answer to it.
pub(super) fn more_than_answered(history: &History) -> Option<String> {
    history.find_new_status(|_, claim, _, status| {
        let package = status.granted()?;
        let mut answers = history.answered().filter(|(_, asked, _)| *asked == claim).map(|(.., it)| it).peekable();
        answers.peek()?;
        let answered = answers.any(|statuses| statuses.values().any(|given| given.granted() == Some(package)));
        (!answered).then(|| format!("{package} was spent on {claim}, whose answer does not have it"))
    })
}

/// A regular package was granted while its client had another one that would have done.
pub(super) fn granted_beside_another(history: &History) -> bool {
    let found = history.find_status(|state, claim, client, status| {
        let suits = |known: &&PackageState| claim.fits(&known.facts);
        (status.granted().is_some() && state.regular(client).filter(suits).count() >= 2).then_some(())
    });
    found.is_some()
}

/// `CLAIM-SELECTION`: a package of a later batch before one of an earlier, where the order of upload is declared.
pub(super) fn out_of_order(history: &History) -> Option<String> {
    let fifo = history.declared().selection == Selection::Fifo;
    history.find_new_status(|state, claim, client, status| {
        let granted = state.packages.get(&status.granted().filter(|_| fifo)?)?;
        let suits = |known: &&PackageState| claim.fits(&known.facts);
        let earlier = state.regular(client).filter(suits).find(|known| known.batch < granted.batch)?;
        let regular = matches!(status, Status::Regular(_));
        regular.then(|| format!("{claim} got {status} from {client} before {}", earlier.facts.package))
    })
}

pub(super) fn granted_beside_a_later_one(history: &History) -> bool {
    let fifo = history.declared().selection == Selection::Fifo;
    let found = history.find_status(|state, claim, client, status| {
        let granted = state.packages.get(&status.granted().filter(|_| fifo)?)?;
        let suits = |known: &&PackageState| claim.fits(&known.facts);
        state.regular(client).filter(suits).any(|known| known.batch > granted.batch).then_some(())
    });
    found.is_some()
}
