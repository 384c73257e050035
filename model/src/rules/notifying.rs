//! Rules on notifications: one for each grant, kept until it is acknowledged.

use std::collections::BTreeMap;

use crate::{
    history::{Claimed, Drain, Event, Notified, Role, State},
    names::{Client, Package, Requester, Sequence, Suite, Time},
    rules::History,
    spec::{Op, Outcome},
    words::list,
};

fn told(history: &History) -> impl Iterator<Item = &Notified> {
    history.log().iter().filter_map(|event| match &**event {
        Event::Notified(told) => Some(told),
        _ => None,
    })
}

/// `NOTE-EVERY-GRANT`: grants and notifications do not match one to one.
pub(super) fn unequal(history: &History) -> Option<String> {
    let mut counts: BTreeMap<(Client, Package), (u32, u32)> = BTreeMap::new();
    for (client, status) in history.recorded().flat_map(|claimed| &claimed.statuses) {
        if let Some(package) = status.granted() {
            counts.entry((*client, package)).or_default().0 += 1;
        }
    }
    for notified in told(history) {
        counts.entry((notified.client, notified.package)).or_default().1 += 1;
    }
    let ((client, package), (grants, notes)) = counts.into_iter().find(|(_, (grants, notes))| grants != notes)?;
    Some(format!("{package} was granted {grants} time(s), but {client} was notified of it {notes} time(s)"))
}

pub(super) fn both_roles_told(history: &History) -> bool {
    [Role::Regular, Role::LastResort].iter().all(|role| told(history).any(|notified| notified.role == *role))
}

/// `NOTE-NAMES-REQUESTER`: names somebody who did not get it.
pub(super) fn another_named(history: &History) -> Option<String> {
    let got = |claimed: &&Claimed, package| claimed.statuses.values().any(|status| status.granted() == Some(package));
    told(history).find_map(|notified| {
        let takers: Vec<_> = history
            .recorded()
            .filter(|claimed| got(claimed, notified.package))
            .map(|claimed| claimed.claim.requester)
            .collect();
        let wrong = !takers.is_empty() && !takers.contains(&notified.requester);
        wrong.then(|| format!("notification {notified} names {}, but {} got it", notified.requester, list(takers)))
    })
}

pub(super) fn two_requesters_told(history: &History) -> bool {
    let first = told(history).next().map(|notified| notified.requester);
    told(history).any(|notified| Some(notified.requester) != first)
}

/// `NOTE-SURVIVES`: a feed with a gap, let go without being asked, or read as it never was.
pub(super) fn lost(history: &History) -> Option<String> {
    out_of_order(history).or_else(|| let_go(history)).or_else(|| read_wrongly(history)).or_else(|| same_number(history))
}

/// Two notifications that were read under one number: who has the first one takes the second for known.
pub(crate) fn same_number(history: &History) -> Option<String> {
    let mut read: BTreeMap<(Client, Sequence), &Notified> = BTreeMap::new();
    let feeds = history.answered_with().filter_map(|(_, outcome)| match outcome {
        Outcome::Notifications(feed) => Some(feed),
        _ => None,
    });
    feeds.flatten().find_map(|notified| {
        let other = read.insert((notified.client, notified.sequence), notified).filter(|other| *other != notified)?;
        Some(format!("{} read {other} and {notified} under one number", notified.client))
    })
}

fn out_of_order(history: &History) -> Option<String> {
    history.find_new(|state, event| {
        let Event::Notified(notified) = event else { return None };
        let expected = state.next_sequence(notified.client);
        let gap = notified.sequence != expected;
        gap.then(|| format!("notification {notified} of {} comes where number {expected} is next", notified.client))
    })
}

fn let_go(history: &History) -> Option<String> {
    if history.answers().is_empty() {
        return None;
    }
    history.find_new(|_, event| {
        let Event::Acknowledged { client, through } = event else { return None };
        let asked = Op::Acknowledge { client: *client, through: *through };
        let unasked = !history.answers().keys().any(|request| request.op == asked);
        unasked.then(|| format!("the notifications of {client} through {through} were let go, which nobody asked for"))
    })
}

fn read_wrongly(history: &History) -> Option<String> {
    history.answered_with().find_map(|(request, outcome)| {
        let (Op::Notifications { client, after }, Outcome::Notifications(read)) = (&request.op, outcome) else {
            return None;
        };
        let wrong = !history.states().any(|state| feed(state, *client, *after).eq(read));
        wrong.then(|| format!("{request} was answered with {outcome}, which its feed never was"))
    })
}

/// A client's feed, from a cursor on.
fn feed(state: &State, client: Client, after: Sequence) -> impl Iterator<Item = &Notified> {
    let unread = state.notifications.get(&client).into_iter().flatten();
    unread.filter(move |notified| notified.sequence > after)
}

/// Something was read and let go, and something newer is still to be read.
pub(super) fn read_and_acknowledged_in_part(history: &History) -> bool {
    let acknowledged = history.log().iter().any(|event| matches!(**event, Event::Acknowledged { .. }));
    acknowledged && history.state().notifications.values().any(|unread| !unread.is_empty())
}

/// A grant of a regular package, as the log records it: when, whose, of which suite, to whom, and whether its
/// notification told of a drain.
type Grant = (Time, Client, Suite, Requester, bool);

/// `NOTE-DRAIN`: a drain is not told, told again in the same window, told with wrong numbers, or told of none. What a
/// directory counts itself is not asked.
pub(super) fn drain_told_wrongly(history: &History) -> Option<String> {
    let Some(alert) = history.declared().drain else {
        let told = |event: &Event| matches!(event, Event::Notified(notified) if notified.drain.is_some());
        let wrong =
            |_: &State, event: &Event| told(event).then(|| format!("{event} tells of a drain, and none is declared"));
        return history.find_new(wrong);
    };
    let mut grants: Vec<Grant> = vec![];
    for (state, event) in history.steps() {
        let Event::Notified(notified) = event else { continue };
        let Notified { client, requester, .. } = *notified;
        let Some(suite) = state.packages.get(&notified.package).map(|known| known.facts.suite) else { continue };
        let mut due = None;
        if notified.role == Role::Regular {
            let recent = |grant: &&Grant| state.now < grant.0.saturating_add(alert.seconds);
            let lately: Vec<_> = grants.iter().filter(recent).filter(|it| (it.1, it.2) == (client, suite)).collect();
            let own: Vec<_> = lately.iter().filter(|grant| grant.3 == requester).collect();
            let left = state.regular(client).filter(|package| package.facts.suite == suite).count();
            let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
            let (taken, of) = (number(own.len() + 1), number(lately.len() + 1 + left));
            let told = own.iter().any(|grant| grant.4);
            due = (!told && alert.is_over(taken, of)).then_some(Drain { taken, of, seconds: alert.seconds });
            grants.push((state.now, client, suite, requester, notified.drain.is_some()));
        }
        if notified.drain != due {
            let says = |drain: Option<Drain>| drain.map_or_else(|| "of no drain".into(), |drain| format!("of {drain}"));
            return Some(format!("{event} tells {}, where {} is true", says(notified.drain), says(due)));
        }
    }
    None
}

/// A drain was told, and its requester got another one afterwards, which told of nothing.
pub(super) fn told_once_of_several(history: &History) -> bool {
    let mut drained = None;
    told(history).any(|notified| match notified.drain {
        Some(_) => {
            drained = Some(notified.requester);
            false
        }
        None => drained == Some(notified.requester),
    })
}
