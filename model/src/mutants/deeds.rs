//! What the mutants say and write that is not so, one function each.

use crate::{
    history::{Event, Facts, Role, State, Status},
    mutants::lies::{published, without},
    names::Requester,
    spec::{Op, Outcome, Reason, WithdrawnFate},
};

pub(super) fn refuse_what_changes_nothing(outcome: Outcome, events: &[Event]) -> Outcome {
    let nothing = outcome == Outcome::Done && events.is_empty();
    if nothing { Outcome::Refused(Reason::AlreadyUsed) } else { outcome }
}

pub(super) fn always_in_time(outcome: Outcome, _: &[Event]) -> Outcome {
    let Outcome::Withdrawn(fates) = outcome else { return outcome };
    let known = |fate| if fate == WithdrawnFate::AlreadyGranted { WithdrawnFate::Withdrawn } else { fate };
    Outcome::Withdrawn(fates.into_iter().map(|(package, fate)| (package, known(fate))).collect())
}

pub(super) fn newest_first(outcome: Outcome, _: &[Event]) -> Outcome {
    let Outcome::Notifications(mut feed) = outcome else { return outcome };
    feed.reverse();
    Outcome::Notifications(feed)
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

pub(super) fn note_one_client(_: &State, _: &Op, _: &Outcome, mut events: Vec<Event>) -> Vec<Event> {
    let mut notes = 0;
    events.retain(|event| {
        notes += u32::from(matches!(event, Event::Notified(_)));
        notes < 2
    });
    events
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

pub(super) fn waits_for_a_publication(state: &State, op: &Op) -> bool {
    matches!(op, Op::Notifications { client, .. } if state.sequences.contains_key(client))
}

pub(super) fn drop_a_second_last_resort(state: &State, _: &Op, _: &Outcome, mut events: Vec<Event>) -> Vec<Event> {
    let last_resorts = || state.packages.values().filter(|known| known.facts.role == Role::LastResort);
    for event in &mut events {
        if let Event::Published(batch) = event {
            batch.retain(|facts| facts.role == Role::Regular || last_resorts().next().is_none());
        }
    }
    without(events, |event| matches!(event, Event::Published(batch) if batch.is_empty()))
}

pub(super) fn store_as_regular(_: &State, _: &Op, _: &Outcome, events: Vec<Event>) -> Vec<Event> {
    published(events, |batch| batch.iter_mut().for_each(|facts| facts.role = Role::Regular))
}
