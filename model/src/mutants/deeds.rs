//! What the mutants say and write that is not so, one function each.

use std::collections::BTreeSet;

use crate::{
    history::{Event, Facts, Fate, PackageStanding, PackageState, Role, Standing, State, Status},
    mutants::lies::{published, without},
    names::{Client, Requester},
    spec::{Op, Outcome, Reason, Spec, WithdrawnFate},
};

pub(super) fn refuse_what_changes_nothing(_: &State, op: &Op, outcome: Outcome, events: &[Event]) -> Outcome {
    let nothing = matches!(op, Op::Publish { .. }) && outcome == Outcome::Done && events.is_empty();
    if nothing { Outcome::Refused(Reason::AlreadyUsed) } else { outcome }
}

pub(super) fn always_in_time(_: &State, _: &Op, outcome: Outcome, _: &[Event]) -> Outcome {
    let Outcome::Withdrawn(fates) = outcome else { return outcome };
    let known = |fate| if fate == WithdrawnFate::AlreadyGranted { WithdrawnFate::Withdrawn } else { fate };
    Outcome::Withdrawn(fates.into_iter().map(|(package, fate)| (package, known(fate))).collect())
}

pub(super) fn newest_first(_: &State, _: &Op, outcome: Outcome, _: &[Event]) -> Outcome {
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

pub(super) fn withdraw_before_validating(state: &State, op: &Op, outcome: &Outcome, events: Vec<Event>) -> Vec<Event> {
    let (Op::Replace { client, .. }, Outcome::Refused(_)) = (op, outcome) else { return events };
    let available = state.packages.values().filter(|known| known.fate == Fate::Available);
    let own = available.filter(|known| known.facts.client == *client);
    own.map(|known| Event::Withdrawn { client: *client, package: known.facts.package }).collect()
}

/// Another package of the same client is spent under the same claim.
pub(super) fn take_one_more(state: &State, op: &Op, _: &Outcome, mut events: Vec<Event>) -> Vec<Event> {
    let Op::Claim(_) = op else { return events };
    let mut after = state.clone();
    events.iter().for_each(|event| after.apply(event));
    let claimed = events.iter().find_map(|event| if let Event::Claimed(it) = event { Some(it.clone()) } else { None });
    let more = claimed.and_then(|mut claimed| {
        let left = |client: &Client| Some((*client, after.regular(*client).next()?.facts.package));
        let (client, package) = claimed.statuses.keys().find_map(left)?;
        claimed.statuses = [(client, Status::Regular(package))].into();
        Some(Event::Claimed(claimed))
    });
    events.extend(more);
    events
}

pub(super) fn spend_before_refusing(state: &State, op: &Op, outcome: &Outcome, events: Vec<Event>) -> Vec<Event> {
    let (Op::Claim(claim), Outcome::Limited { .. }, false) = (op, outcome, events.is_empty()) else { return events };
    let unlimited = Spec::default().decisions(state, &Op::Claim(claim.clone()));
    let spent = unlimited.into_iter().next().map(|(_, spent)| spent).unwrap_or_default();
    [spent, events].concat()
}

pub(super) fn purge_on_count(state: &State, op: &Op, _: &Outcome, mut events: Vec<Event>) -> Vec<Event> {
    if let Op::Stock { client } = op {
        let oldest = state.regular(*client).next();
        events.extend(oldest.map(|known| Event::Withdrawn { client: *client, package: known.facts.package }));
    }
    events
}

pub(super) fn tell_blocked_apart(state: &State, op: &Op, outcome: Outcome, _: &[Event]) -> Outcome {
    match op {
        Op::Claim(claim) if state.blocked.contains(&(claim.user, claim.requester)) => {
            Outcome::Refused(Reason::UnknownClient)
        }
        _ => outcome,
    }
}

/// What is not a fence: everything is withdrawn, but numbers are given again.
pub(super) fn withdraw_all(state: &State) -> Vec<Event> {
    let available = state.packages.values().filter(|known| known.fate == Fate::Available);
    available.map(|known| Event::Withdrawn { client: known.facts.client, package: known.facts.package }).collect()
}

pub(super) fn leave_out_zero(_: &State, _: &Op, outcome: Outcome, _: &[Event]) -> Outcome {
    let Outcome::Stock(mut stock) = outcome else { return outcome };
    stock.regular.retain(|_, left| *left > 0);
    Outcome::Stock(stock)
}

pub(super) fn count_one_more(_: &State, _: &Op, outcome: Outcome, _: &[Event]) -> Outcome {
    let Outcome::Stock(mut stock) = outcome else { return outcome };
    stock.regular.values_mut().for_each(|left| *left += 1);
    Outcome::Stock(stock)
}

pub(super) fn report_available(_: &State, _: &Op, outcome: Outcome, _: &[Event]) -> Outcome {
    let Outcome::Packages(mut packages) = outcome else { return outcome };
    packages.values_mut().for_each(|standing| *standing = PackageStanding::Available);
    Outcome::Packages(packages)
}

pub(super) fn never_low(_: &State, _: &Op, _: &Outcome, mut events: Vec<Event>) -> Vec<Event> {
    for event in &mut events {
        if let Event::Notified(told) = event {
            told.low = false;
        }
    }
    events
}

pub(super) fn never_drained(_: &State, _: &Op, _: &Outcome, mut events: Vec<Event>) -> Vec<Event> {
    for event in &mut events {
        if let Event::Notified(told) = event {
            told.drain = None;
        }
    }
    events
}

pub(super) fn tell_no_time(_: &State, _: &Op, outcome: Outcome, _: &[Event]) -> Outcome {
    if matches!(outcome, Outcome::Limited { .. }) { Outcome::Limited { retry_after: 0 } } else { outcome }
}

pub(super) fn list_ended_keys(state: &State, op: &Op, outcome: Outcome, _: &[Event]) -> Outcome {
    let (Op::Keys { user }, Outcome::Keys(_)) = (op, &outcome) else { return outcome };
    let listed = state.keys.iter().filter(|(_, known)| known.user == *user && known.removed.is_none());
    Outcome::Keys(listed.map(|(key, _)| *key).collect())
}

pub(super) fn call_removed(_: &State, _: &Op, outcome: Outcome, _: &[Event]) -> Outcome {
    if outcome == Outcome::Standing(Standing::Expired) { Outcome::Standing(Standing::Removed) } else { outcome }
}

pub(super) fn about_now(state: &State, op: Op) -> Op {
    if let Op::Verify { user, key, .. } = op { Op::Verify { user, key, at: state.now } } else { op }
}

pub(super) fn forget_used(state: &State, op: &Op, _: &Outcome, events: Vec<Event>) -> Vec<Event> {
    forget(state, op, events, |known| known.fate == Fate::Granted)
}

pub(super) fn forget_old(state: &State, op: &Op, _: &Outcome, events: Vec<Event>) -> Vec<Event> {
    forget(state, op, events, |known| known.fate == Fate::Available && state.now > known.facts.not_before)
}

fn forget(state: &State, op: &Op, events: Vec<Event>, also: impl Fn(&PackageState) -> bool) -> Vec<Event> {
    let Op::Collect = op else { return events };
    let forgotten = state.packages.values().filter(|known| known.facts.not_after <= state.now || also(known));
    let packages: BTreeSet<_> = forgotten.map(|known| known.facts.package).collect();
    if packages.is_empty() { vec![] } else { vec![Event::Forgotten { packages }] }
}

pub(super) fn remove_keys_only(state: &State, op: &Op, _: &Outcome, events: Vec<Event>) -> Vec<Event> {
    let (Op::RemoveClient { client }, false) = (op, events.is_empty()) else { return events };
    let keys = state.keys.iter().filter(|(_, known)| known.client == *client && known.is_valid(state.now));
    keys.map(|(key, _)| Event::KeyRemoved { key: *key }).collect()
}

pub(super) fn nothing_unread(_: &State, _: &Op, outcome: Outcome, _: &[Event]) -> Outcome {
    if matches!(outcome, Outcome::ClientRemoved { .. }) { Outcome::ClientRemoved { unread: 0 } } else { outcome }
}

pub(super) fn forget_refusals(_: &State, _: &Op, _: &Outcome, events: Vec<Event>) -> Vec<Event> {
    without(events, |event| matches!(event, Event::Limited { .. }))
}

pub(super) fn begins_after_the_fence(state: &State, op: &Op, reason: Reason) -> bool {
    let Op::Publish { packages, .. } = op else { return false };
    let after = |facts: &Facts| state.fenced.is_some_and(|fenced| facts.not_before > fenced);
    reason == Reason::BeforeFence && packages.iter().all(after)
}
