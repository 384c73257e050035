//! The events that an answer tells of: those of the specification where it allows the answer, else what it says itself.

use std::collections::BTreeSet;

use crate::{
    history::{Claim, Claimed, Event, Facts, Fate, Notified, PackageStanding, State, Status},
    names::{Client, Package, Sequence},
    rules::History,
    spec::{Op, Outcome, Spec, WithdrawnFate},
    view::testimony::Testimony,
};

/// What happened at one answer: before it, as it now turns out, and by it.
#[derive(Default)]
pub(super) struct Told {
    pub(super) before: Vec<Event>,
    pub(super) events: Vec<Event>,
}

/// Every way in which it can have been. `asked` are the claims that came before.
pub(super) fn told(
    spec: &Spec,
    testimony: &Testimony<'_>,
    history: &History,
    at: usize,
    (op, outcome): (&Op, &Outcome),
    asked: &[&Claim],
) -> Vec<Told> {
    let state = history.state();
    let before = match (op, outcome) {
        (Op::Notifications { client, after }, Outcome::Notifications(feed)) => {
            vec![feed_told(history, *client, *after, feed)]
        }
        (Op::Reconcile { client }, Outcome::Packages(packages)) => {
            let standings = packages.iter().map(|(package, standing)| (*package, *standing));
            standings_told(testimony, state, *client, standings.collect(), asked)
        }
        _ => vec![vec![]],
    };
    let decisions = spec.decisions(state, op);
    let events = decisions.into_iter().find(|(allowed, _)| allowed == outcome).map(|(_, events)| events);
    let events = events.unwrap_or_else(|| as_said(spec, state, op, outcome));
    let events = corrected(testimony, history, at, op, events);
    before.into_iter().map(|before| Told { before, events: events.clone() }).collect()
}

/// What an answer says has happened, though it cannot have.
fn as_said(spec: &Spec, state: &State, op: &Op, outcome: &Outcome) -> Vec<Event> {
    match (op, outcome) {
        (Op::Claim(claim), Outcome::Claimed(statuses)) => spec.claim_events(state, claim, statuses),
        (Op::Claim(claim), Outcome::Limited { retry_after }) if claim.key.is_some() => {
            vec![Event::Limited { claim: claim.clone(), retry_after: *retry_after }]
        }
        (Op::Publish { packages, .. }, Outcome::Done) => stored(state, packages),
        (Op::Replace { client, packages }, Outcome::Replaced { .. }) => {
            let kept = |package| packages.iter().any(|facts| facts.package == package);
            let available = state.packages.values().filter(|known| state.standing(known) == PackageStanding::Available);
            let replaced = available.filter(|known| known.facts.client == *client && !kept(known.facts.package));
            let withdrawn = |package| Event::Withdrawn { client: *client, package };
            replaced.map(|known| withdrawn(known.facts.package)).chain(stored(state, packages)).collect()
        }
        (Op::Withdraw { client, .. }, Outcome::Withdrawn(fates)) => {
            let gone =
                |package: &Package| state.packages.get(package).is_none_or(|known| known.fate == Fate::Withdrawn);
            let taken = fates.iter().filter(|(package, fate)| **fate == WithdrawnFate::Withdrawn && !gone(package));
            taken.map(|(package, _)| Event::Withdrawn { client: *client, package: *package }).collect()
        }
        (Op::AddKey { user, client, key, expires }, Outcome::Done) => {
            vec![Event::KeyAdded { user: *user, client: *client, key: *key, expires: *expires }]
        }
        (Op::ExtendKey { key, expires, .. }, Outcome::Done) => {
            vec![Event::KeyExtended { key: *key, expires: *expires }]
        }
        (Op::RemoveKey { key, .. }, Outcome::Done) => vec![Event::KeyRemoved { key: *key }],
        (Op::RemoveClient { client }, Outcome::ClientRemoved { .. }) => vec![Event::ClientRemoved { client: *client }],
        _ => vec![],
    }
}

fn stored(state: &State, packages: &[Facts]) -> Vec<Event> {
    let available =
        |facts: &Facts| state.packages.get(&facts.package).is_some_and(|known| known.fate == Fate::Available);
    let batch: Vec<_> = packages.iter().filter(|facts| !available(facts)).cloned().collect();
    if batch.is_empty() { vec![] } else { vec![Event::Published(batch)] }
}

/// The same, as later reads tell it.
fn corrected(testimony: &Testimony<'_>, history: &History, at: usize, op: &Op, events: Vec<Event>) -> Vec<Event> {
    match op {
        Op::Claim(_) => {
            let granted = |event: &Event| match event {
                Event::Claimed(claimed) => claimed.statuses.clone(),
                _ => Default::default(),
            };
            let grants: Vec<(Client, Package)> = events
                .iter()
                .flat_map(granted)
                .filter_map(|(client, status)| Some((client, status.granted()?)))
                .collect();
            if !grants.is_empty() && grants.iter().all(|(client, package)| testimony.unrecorded(at, *client, *package))
            {
                return vec![];
            }
            events.into_iter().filter_map(|event| as_read(testimony, history, at, event)).collect()
        }
        Op::Publish { client, .. } | Op::Replace { client, .. } => {
            let stored = |facts: &Facts| !testimony.absent(at, *client, facts.package);
            let keep = |event| match event {
                Event::Published(batch) => {
                    let batch: Vec<_> = batch.into_iter().filter(stored).collect();
                    (!batch.is_empty()).then_some(Event::Published(batch))
                }
                other => Some(other),
            };
            events.into_iter().filter_map(keep).collect()
        }
        Op::RemoveClient { client } if testimony.left_behind(at, *client) => {
            let keys =
                history.state().keys.iter().filter(|(_, known)| known.client == *client && known.removed.is_none());
            keys.map(|(key, _)| Event::KeyRemoved { key: *key }).collect()
        }
        _ => events,
    }
}

/// A notification as its owner read it, if it did; none where the owner looked and it was not there.
fn as_read(testimony: &Testimony<'_>, history: &History, at: usize, event: Event) -> Option<Event> {
    let Event::Notified(made) = event else { return Some(event) };
    let open = || testimony.entries(made.package).filter(|told| told.client == made.client && !is_in(history, told));
    let same = open().find(|told| told.requester == made.requester).or_else(|| open().next());
    match same {
        Some(told) => Some(Event::Notified(told.clone())),
        None if testimony.untold(at, made.client, made.package) => None,
        None => Some(Event::Notified(made)),
    }
}

/// What a feed has that no claim explains, and what it lacks though it was not let go: its oldest ones.
fn feed_told(history: &History, client: Client, after: Sequence, feed: &[Notified]) -> Vec<Event> {
    let times = |told: &Notified, all: &mut dyn Iterator<Item = &Notified>| all.filter(|other| *other == told).count();
    let mut unread =
        history.state().notifications.get(&client).into_iter().flatten().filter(|told| told.sequence > after);
    let lacking = unread.by_ref().take_while(|told| !feed.contains(told)).last();
    if let Some(last) = lacking.filter(|_| unread.all(|told| feed.contains(told))) {
        return vec![Event::Acknowledged { client, through: last.sequence }];
    }
    let known = |told: &Notified| {
        let mut log = history.log().iter().filter_map(|event| match &**event {
            Event::Notified(told) => Some(told),
            _ => None,
        });
        times(told, &mut log)
    };
    let new = |(place, told): &(usize, &Notified)| times(told, &mut feed[..=*place].iter()) > known(told);
    feed.iter().enumerate().filter(new).map(|(_, told)| Event::Notified(told.clone())).collect()
}

fn is_in(history: &History, told: &Notified) -> bool {
    history.log().iter().any(|event| matches!(&**event, Event::Notified(it) if it == told))
}

/// What must have happened to packages whose standing nothing explains that was answered. What was spent was spent on
/// one of the claims: on that of the requester whom the feed names, if it does.
fn standings_told(
    testimony: &Testimony<'_>,
    state: &State,
    client: Client,
    standings: Vec<(Package, PackageStanding)>,
    asked: &[&Claim],
) -> Vec<Vec<Event>> {
    let mut events = vec![];
    let mut spent = vec![];
    for (package, standing) in &standings {
        let available = state.packages.get(package).is_some_and(|known| known.fate == Fate::Available);
        match (state.packages.get(package), standing) {
            (None, _) => {
                events.extend(testimony.facts(*package).map(|facts| Event::Published(vec![facts.clone()])));
            }
            (_, PackageStanding::Granted) if available => spent.push(*package),
            (_, PackageStanding::Withdrawn) if available => {
                events.push(Event::Withdrawn { client, package: *package });
            }
            _ => {}
        }
    }
    let told = |package: &Package| standings.iter().any(|(other, _)| other == package);
    let own = state.packages.values().filter(|known| known.facts.client == client);
    let dropped: BTreeSet<_> =
        own.map(|known| known.facts.package).filter(|package| testimony.collects && !told(package)).collect();
    if !dropped.is_empty() {
        events.push(Event::Forgotten { packages: dropped });
    }
    let named = |claim: &&&Claim| {
        let mut entries = spent.iter().flat_map(|package| testimony.entries(*package)).peekable();
        entries.peek().is_none() || entries.any(|told| told.requester == claim.requester)
    };
    let spend = |claim: &&Claim| {
        let spent = spent.iter().map(|package| {
            let statuses = [(client, Status::Regular(*package))].into();
            Event::Claimed(Claimed { claim: (*claim).clone(), statuses })
        });
        spent.chain(events.clone()).collect::<Vec<_>>()
    };
    let ways: Vec<_> = asked.iter().filter(named).map(spend).collect();
    if spent.is_empty() || ways.is_empty() { vec![events] } else { ways }
}
