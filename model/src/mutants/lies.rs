//! What the mutants believe to have happened, one function each.

use std::collections::BTreeSet;

use crate::{
    history::{Account, Event, Facts, Fate, Notified, Role, State, Status},
    names::{Package, Server},
    spec::Op,
};

/// Changes the packages that a log says were published.
pub(super) fn published(log: Vec<Event>, change: impl Fn(&mut Vec<Facts>)) -> Vec<Event> {
    let alter = |mut event| {
        if let Event::Published(batch) = &mut event {
            change(batch);
        }
        event
    };
    log.into_iter().map(alter).collect()
}

pub(super) fn without(log: Vec<Event>, hidden: impl Fn(&Event) -> bool) -> Vec<Event> {
    log.into_iter().filter(|event| !hidden(event)).collect()
}

fn used(log: &[Event]) -> BTreeSet<Package> {
    let spent = |known: &crate::history::PackageState| known.fate != Fate::Available;
    State::of(log).packages.values().filter(|known| spent(known)).map(|known| known.facts.package).collect()
}

pub(super) fn without_used_packages(op: &Op, log: Vec<Event>) -> Vec<Event> {
    let used = used(&log);
    let publish = matches!(op, Op::Publish { .. });
    published(log, |batch| batch.retain(|facts| !publish || !used.contains(&facts.package)))
}

pub(super) fn without_used_packages_of_others(op: &Op, log: Vec<Event>) -> Vec<Event> {
    let Op::Publish { packages, .. } = op else { return log };
    let used = used(&log);
    published(log, |batch| batch.retain(|facts| !used.contains(&facts.package) || packages.contains(facts)))
}

pub(super) fn without_packages_of_others(op: &Op, log: Vec<Event>) -> Vec<Event> {
    let Op::Publish { packages, .. } = op else { return log };
    published(log, |batch| batch.retain(|facts| packages.contains(facts)))
}

pub(super) fn without_the_other_role(op: &Op, log: Vec<Event>) -> Vec<Event> {
    let Op::Publish { packages, .. } = op else { return log };
    published(log, |batch| batch.retain(|facts| packages.iter().any(|item| item.role == facts.role)))
}

pub(super) fn without_other_claims(op: &Op, log: Vec<Event>) -> Vec<Event> {
    let Op::Claim(asked) = op else { return log };
    without(log, |event| matches!(event, Event::Claimed(claimed) if claimed.claim != *asked))
}

pub(super) fn with_any_requesters_key(op: &Op, mut log: Vec<Event>) -> Vec<Event> {
    let Op::Claim(asked) = op else { return log };
    for event in &mut log {
        if let Event::Claimed(claimed) = event
            && claimed.claim.key == asked.key
        {
            claimed.claim = asked.clone();
        }
    }
    log
}

pub(super) fn with_one_pool(op: &Op, log: Vec<Event>) -> Vec<Event> {
    let first = log.iter().find_map(|event| match event {
        Event::KeyAdded { client, .. } => Some(*client),
        _ => None,
    });
    let (Op::Claim(_), Some(first)) = (op, first) else { return log };
    published(log, |batch| batch.iter_mut().for_each(|facts| facts.client = first))
}

pub(super) fn without_claim_keys(_: &Op, mut log: Vec<Event>) -> Vec<Event> {
    for event in &mut log {
        if let Event::Claimed(claimed) = event {
            claimed.claim.key = None;
        }
    }
    log
}

pub(super) fn without_keys_of_empty_answers(_: &Op, mut log: Vec<Event>) -> Vec<Event> {
    for event in &mut log {
        if let Event::Claimed(claimed) = event
            && claimed.statuses.values().all(|status| status.granted().is_none())
        {
            claimed.claim.key = None;
        }
    }
    log
}

pub(super) fn without_time(op: &Op, log: Vec<Event>) -> Vec<Event> {
    without(log, |event| matches!((op, event), (Op::Claim(_), Event::Ticked { .. })))
}

pub(super) fn with_the_first_client(op: &Op, log: Vec<Event>) -> Vec<Event> {
    let mut first = None;
    let mut hidden = |event: &Event| match (op, event) {
        (Op::Claim(_), Event::KeyAdded { client, .. }) => first.get_or_insert(*client) != client,
        _ => false,
    };
    log.into_iter().filter(|event| !hidden(event)).collect()
}

pub(super) fn without_clients_without_stock(op: &Op, log: Vec<Event>) -> Vec<Event> {
    let state = State::of(&log);
    let empty = |client| matches!(op, Op::Claim(_)) && state.regular(client).next().is_none();
    without(log, |event| matches!(event, Event::KeyAdded { client, .. } if empty(*client)))
}

pub(super) fn without_regular_beside_last_resort(op: &Op, log: Vec<Event>) -> Vec<Event> {
    let state = State::of(&log);
    let last_resort = state.packages.values().any(|known| known.facts.role == Role::LastResort);
    if last_resort { without_regular(op, log) } else { log }
}

pub(super) fn without_regular(op: &Op, log: Vec<Event>) -> Vec<Event> {
    let claim = matches!(op, Op::Claim(_));
    published(log, |batch| batch.retain(|facts| !claim || facts.role == Role::LastResort))
}

pub(super) fn without_regular_after_last_resort(op: &Op, log: Vec<Event>) -> Vec<Event> {
    let last_resort = |status: &Status| matches!(status, Status::LastResort(_));
    let used = |event: &Event| matches!(event, Event::Claimed(it) if it.statuses.values().any(last_resort));
    if log.iter().any(used) { without_regular(op, log) } else { log }
}

pub(super) fn without_any_package(op: &Op, log: Vec<Event>) -> Vec<Event> {
    published(log, |batch| batch.retain(|_| !matches!(op, Op::Claim(_))))
}

pub(super) fn without_marks(op: &Op, log: Vec<Event>) -> Vec<Event> {
    let unmark = |facts: &mut Facts| facts.role = if matches!(op, Op::Claim(_)) { Role::Regular } else { facts.role };
    published(log, |batch| batch.iter_mut().for_each(unmark))
}

pub(super) fn with_last_resort_consumed(op: &Op, log: Vec<Event>) -> Vec<Event> {
    if !matches!(op, Op::Claim(_)) {
        return log;
    }
    let mut believed = vec![];
    for event in log {
        let granted = if let Event::Claimed(claimed) = &event { claimed.statuses.clone() } else { Default::default() };
        believed.push(event);
        believed.extend(granted.into_iter().filter_map(|(client, status)| match status {
            Status::LastResort(package) => Some(Event::Withdrawn { client, package }),
            _ => None,
        }));
    }
    believed
}

pub(super) fn with_the_first_last_resort(op: &Op, mut log: Vec<Event>) -> Vec<Event> {
    let mut seen = BTreeSet::new();
    for event in &mut log {
        if let (Op::Claim(_), Event::Published(batch)) = (op, event) {
            batch.retain(|facts| facts.role == Role::Regular || seen.insert((facts.client, facts.suite)));
        }
    }
    log
}

pub(super) fn without_removals(op: &Op, log: Vec<Event>) -> Vec<Event> {
    without(log, |event| matches!((op, event), (Op::Claim(_), Event::KeyRemoved { .. })))
}

pub(super) fn without_withdrawals(op: &Op, log: Vec<Event>) -> Vec<Event> {
    without(log, |event| matches!((op, event), (Op::Claim(_), Event::Withdrawn { .. })))
}

pub(super) fn before_the_first_notification(op: &Op, log: Vec<Event>) -> Vec<Event> {
    without(log, |event| matches!((op, event), (Op::Notifications { .. }, Event::Notified(_))))
}

pub(super) fn without_claims_for_publications(op: &Op, log: Vec<Event>) -> Vec<Event> {
    without(log, |event| matches!((op, event), (Op::Publish { .. }, Event::Claimed(_))))
}

/// All that was published came at once, as far as claims can see.
pub(super) fn with_one_batch(op: &Op, log: Vec<Event>) -> Vec<Event> {
    let Op::Claim(_) = op else { return log };
    let mut all = vec![];
    let mut place = None;
    let mut others = vec![];
    for event in log {
        if let Event::Published(batch) = event {
            place.get_or_insert(others.len());
            all.extend(batch);
        } else {
            others.push(event);
        }
    }
    if let Some(place) = place {
        others.insert(place, Event::Published(all));
    }
    others
}

pub(super) fn without_counts_of_requesters(_: &Op, log: Vec<Event>) -> Vec<Event> {
    without(log, |event| matches!(event, Event::Counted(Account::Requester(_))))
}

pub(super) fn without_counts_of_servers(_: &Op, log: Vec<Event>) -> Vec<Event> {
    without(log, |event| matches!(event, Event::Counted(Account::Server(_))))
}

/// Each of the two servers that a family has at most is counted for by both.
pub(super) fn with_counts_of_all_servers(_: &Op, log: Vec<Event>) -> Vec<Event> {
    let counts = |event| match event {
        Event::Counted(Account::Server(_)) => [1, 2].map(|one| Event::Counted(Account::Server(Server(one)))).into(),
        other => vec![other],
    };
    log.into_iter().flat_map(counts).collect()
}

pub(super) fn without_counts_of_pairs(_: &Op, log: Vec<Event>) -> Vec<Event> {
    without(log, |event| matches!(event, Event::Counted(Account::Pair(..))))
}

pub(super) fn without_counts(_: &Op, log: Vec<Event>) -> Vec<Event> {
    without(log, |event| matches!(event, Event::Counted(_)))
}

/// Counts that came after the log was loaded are not seen.
pub(super) fn with_counts_as_loaded(_: &Op, loaded: usize, log: Vec<Event>) -> Vec<Event> {
    let late = |(place, event): &(usize, Event)| *place >= loaded && matches!(event, Event::Counted(_));
    log.into_iter().enumerate().filter(|item| !late(item)).map(|(_, event)| event).collect()
}

pub(super) fn with_counts_of_all(op: &Op, mut log: Vec<Event>) -> Vec<Event> {
    let Op::Claim(asked) = op else { return log };
    for event in &mut log {
        if let Event::Counted(Account::Pair(requester, _)) = event {
            *requester = asked.requester;
        }
    }
    log
}

fn notified(mut log: Vec<Event>, change: impl Fn(&mut Notified)) -> Vec<Event> {
    for event in &mut log {
        if let Event::Notified(notified) = event {
            change(notified);
        }
    }
    log
}

pub(super) fn without_told_drains(op: &Op, log: Vec<Event>) -> Vec<Event> {
    let Op::Claim(_) = op else { return log };
    notified(log, |notified| notified.drain = None)
}

pub(super) fn with_grants_to_one(op: &Op, log: Vec<Event>) -> Vec<Event> {
    let Op::Claim(asked) = op else { return log };
    notified(log, |notified| notified.requester = asked.requester)
}

/// Time had passed before anything was granted, as far as claims can see.
pub(super) fn with_grants_just_now(op: &Op, log: Vec<Event>) -> Vec<Event> {
    let Op::Claim(_) = op else { return log };
    let (mut ticks, others): (Vec<_>, Vec<_>) =
        log.into_iter().partition(|event| matches!(event, Event::Ticked { .. }));
    ticks.extend(others);
    ticks
}

pub(super) fn without_blocks(op: &Op, log: Vec<Event>) -> Vec<Event> {
    without(log, |event| matches!((op, event), (Op::Claim(_), Event::Blocked { .. })))
}

pub(super) fn without_expiry_of_keys(op: &Op, mut log: Vec<Event>) -> Vec<Event> {
    for event in &mut log {
        if let (Op::Claim(_), Event::KeyAdded { expires, .. }) = (op, event) {
            *expires = None;
        }
    }
    log
}

/// Last resorts are signed by a key that never ends, as far as claims can see.
pub(super) fn with_last_resorts_for_ever(op: &Op, log: Vec<Event>) -> Vec<Event> {
    let Op::Claim(_) = op else { return log };
    let signers: BTreeSet<_> = log
        .iter()
        .flat_map(|event| if let Event::Published(batch) = event { batch.as_slice() } else { &[] })
        .filter(|facts| facts.role == Role::LastResort)
        .map(|facts| facts.signer)
        .collect();
    without(
        without_expiry_of_keys(op, log),
        |event| matches!(event, Event::KeyRemoved { key } if signers.contains(key)),
    )
}

pub(super) fn without_fence(op: &Op, log: Vec<Event>) -> Vec<Event> {
    without(log, |event| matches!((op, event), (Op::Publish { .. }, Event::Fenced)))
}

pub(super) fn with_last_resort_given_once(op: &Op, log: Vec<Event>) -> Vec<Event> {
    let Op::Claim(asked) = op else { return log };
    let last_resort = |status: &Status| matches!(status, Status::LastResort(_));
    let got = |event: &Event| match event {
        Event::Claimed(it) => it.claim.requester == asked.requester && it.statuses.values().any(last_resort),
        _ => false,
    };
    if log.iter().any(got) { published(log, |batch| batch.retain(|facts| facts.role == Role::Regular)) } else { log }
}
