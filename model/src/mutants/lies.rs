//! What the mutants get wrong, one function each.

use std::collections::BTreeSet;

use crate::{
    history::{Event, Facts, Fate, Role, State, Status},
    names::{Package, Requester},
    spec::{Op, Outcome, Reason, WithdrawnFate},
};

/// Changes the packages that a log says were published.
fn published(log: Vec<Event>, change: impl Fn(&mut Vec<Facts>)) -> Vec<Event> {
    let alter = |mut event| {
        if let Event::Published(batch) = &mut event {
            change(batch);
        }
        event
    };
    log.into_iter().map(alter).collect()
}

fn without(log: Vec<Event>, hidden: impl Fn(&Event) -> bool) -> Vec<Event> {
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

pub(super) fn without_regular_beside_last_resort(op: &Op, log: Vec<Event>) -> Vec<Event> {
    let state = State::of(&log);
    let last_resort = state.packages.values().any(|known| known.facts.role == Role::LastResort);
    if last_resort { without_regular(op, log) } else { log }
}

pub(super) fn without_regular(op: &Op, log: Vec<Event>) -> Vec<Event> {
    let claim = matches!(op, Op::Claim(_));
    published(log, |batch| batch.retain(|facts| !claim || facts.role == Role::LastResort))
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

pub(super) fn refuse_what_changes_nothing(outcome: Outcome, events: &[Event]) -> Outcome {
    let nothing = outcome == Outcome::Done && events.is_empty();
    if nothing { Outcome::Refused(Reason::AlreadyUsed) } else { outcome }
}

pub(super) fn always_in_time(outcome: Outcome, _: &[Event]) -> Outcome {
    let Outcome::Withdrawn(fates) = outcome else { return outcome };
    let known = |fate| if fate == WithdrawnFate::AlreadyGranted { WithdrawnFate::Withdrawn } else { fate };
    Outcome::Withdrawn(fates.into_iter().map(|(package, fate)| (package, known(fate))).collect())
}

pub(super) fn of_a_claim(event: &Event) -> bool {
    matches!(event, Event::Claimed(_) | Event::Notified(_))
}

pub(super) fn grants_no_regular(op: &Op, outcome: &Outcome) -> bool {
    let no_regular = |status: &Status| matches!(status, Status::LastResort(_));
    matches!((op, outcome), (Op::Claim(_), Outcome::Claimed(statuses)) if statuses.values().all(no_regular))
}

pub(super) fn store_what_is_new(state: &State, op: &Op, outcome: &Outcome, events: Vec<Event>) -> Vec<Event> {
    let (Op::Publish { packages, .. }, Outcome::Refused(_)) = (op, outcome) else { return events };
    let new = packages.iter().filter(|facts| !state.packages.contains_key(&facts.package));
    let new: Vec<_> = new.cloned().collect();
    if new.is_empty() { events } else { vec![Event::Published(new)] }
}

pub(super) fn store_last_resort_again(state: &State, op: &Op, outcome: &Outcome, mut events: Vec<Event>) -> Vec<Event> {
    if let (Op::Publish { packages, .. }, Outcome::Done) = (op, outcome) {
        let used = |facts: &&Facts| state.packages.get(&facts.package).is_some_and(|known| known.granted);
        let again: Vec<_> = packages.iter().filter(used).cloned().collect();
        if !again.is_empty() {
            events.push(Event::Published(again));
        }
    }
    events
}

pub(super) fn no_note_for_last_resort(_: &State, _: &Op, _: &Outcome, events: Vec<Event>) -> Vec<Event> {
    without(events, |event| matches!(event, Event::Notified(told) if told.role == Role::LastResort))
}

pub(super) fn note_again(state: &State, op: &Op, outcome: &Outcome, events: Vec<Event>) -> Vec<Event> {
    let (Op::Claim(_), Outcome::Claimed(statuses), true) = (op, outcome, events.is_empty()) else { return events };
    let told = state.notifications.values().flatten();
    let same = told.filter(|told| statuses.values().any(|status| status.granted() == Some(told.package)));
    same.cloned().map(Event::Notified).take(1).collect()
}

pub(super) fn name_nobody(_: &State, _: &Op, _: &Outcome, mut events: Vec<Event>) -> Vec<Event> {
    for event in &mut events {
        if let Event::Notified(told) = event {
            told.requester = Requester(0);
        }
    }
    events
}

fn last_of(state: &State, op: &Op) -> Option<Event> {
    let (Op::Notifications { client, .. } | Op::Acknowledge { client, .. }) = op else { return None };
    let last = state.notifications.get(client)?.last()?;
    Some(Event::Acknowledged { client: *client, through: last.sequence })
}

pub(super) fn acknowledge_by_reading(state: &State, op: &Op, _: &Outcome, mut events: Vec<Event>) -> Vec<Event> {
    if matches!(op, Op::Notifications { .. }) {
        events.extend(last_of(state, op));
    }
    events
}

pub(super) fn acknowledge_all(state: &State, op: &Op, _: &Outcome, events: Vec<Event>) -> Vec<Event> {
    if matches!(op, Op::Acknowledge { .. }) { last_of(state, op).into_iter().collect() } else { events }
}

pub(super) fn number_among_unread(state: &State, _: &Op, _: &Outcome, mut events: Vec<Event>) -> Vec<Event> {
    for event in &mut events {
        if let Event::Notified(told) = event {
            told.sequence = state.notifications.get(&told.client).map_or(0, |unread| unread.len() as u64) + 1;
        }
    }
    events
}
