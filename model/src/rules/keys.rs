//! Rules on the signature-key list: who is on it, until when, and what is said of it later.

use std::collections::BTreeSet;

use crate::{
    history::{Event, Fate, KeyState, Standing, State},
    names::{Client, Key},
    rules::{
        History, Request,
        owner::{Untrue, untrue},
    },
    spec::{Op, Outcome, Reason},
    words::list,
    words::word,
};

fn refused(history: &History, reason: Reason) -> bool {
    history.answered_with().any(|(_, outcome)| *outcome == Outcome::Refused(reason))
}

/// `KEY-LIST`: a list that never was.
pub(super) fn listed_wrongly(history: &History) -> Option<String> {
    let Untrue { request, outcome, .. } = untrue(history, |op| matches!(op, Op::Keys { .. })).next()?;
    Some(format!("{request} was answered with {outcome}, which was never the list"))
}

/// The list was read after a key had ended.
pub(super) fn listed_after_an_end(history: &History) -> bool {
    history.answered_with().any(|(request, outcome)| {
        let (Op::Keys { user }, Outcome::Keys(keys)) = (&request.op, outcome) else { return false };
        let ended = |(key, known): (&Key, &KeyState)| known.user == *user && !keys.contains(key);
        history.state().keys.iter().any(|(key, known)| ended((key, known)) && !known.is_valid(history.state().now))
    })
}

/// `KEY-UNIQUE`: a key was listed that is, or was, on a list.
pub(super) fn listed_twice(history: &History) -> Option<String> {
    history.find_new(|state, event| {
        let Event::KeyAdded { client, key, .. } = event else { return None };
        let known = state.keys.get(key)?;
        Some(format!("{key} was listed for {client}, though it was {}'s", known.client))
    })
}

pub(super) fn second_refused(history: &History) -> bool {
    refused(history, Reason::KeyTaken)
}

/// `KEY-EXPIRY-FORWARD`: moved back, or given to a key that had none.
pub(super) fn moved_back(history: &History) -> Option<String> {
    history.find_new(|state, event| {
        let Event::KeyExtended { key, expires } = event else { return None };
        let before = state.keys.get(key)?.expires;
        let back = before.is_none_or(|before| *expires < before);
        let before = before.map_or("never".into(), |before| before.to_string());
        back.then(|| format!("the expiry of {key} was moved from {before} back to {expires}"))
    })
}

/// An expiry was moved forward, and moving one back was refused.
pub(super) fn moved_and_refused(history: &History) -> bool {
    let moved = history.log().iter().any(|event| matches!(**event, Event::KeyExtended { .. }));
    moved && refused(history, Reason::ExpiryNotForward)
}

/// `KEY-NO-REVIVE`: a key that had ended was extended.
pub(super) fn revived(history: &History) -> Option<String> {
    history.find_new(|state, event| {
        let Event::KeyExtended { key, expires } = event else { return None };
        let standing = state.keys.get(key)?.standing(state.now);
        (standing != Standing::Valid)
            .then(|| format!("{key} was extended to {expires}, when it was {}", word(&standing)))
    })
}

pub(super) fn revival_refused(history: &History) -> bool {
    refused(history, Reason::KeyEnded)
}

/// `KEY-VERIFY`: vouched for a key that was not valid at that time, or not for one that was.
pub(super) fn vouched_wrongly(history: &History) -> Option<String> {
    wrong_standing(history, |told, true_ones| (told == Standing::Valid) != true_ones.contains(&Standing::Valid))
}

/// Vouched for one key, and not for another one or at another time.
pub(super) fn vouched_and_not(history: &History) -> bool {
    let told: BTreeSet<_> = standings(history).map(|(.., told)| told == Standing::Valid).collect();
    told.len() == 2
}

/// `KEY-HISTORY`: how or when a key ended, otherwise than it was.
pub(super) fn past_rewritten(history: &History) -> Option<String> {
    wrong_standing(history, |told, true_ones| {
        // Of keys that ended, and of their time before, nothing else is said than what is true for ever.
        told != Standing::Valid && !true_ones.contains(&Standing::Valid)
    })
}

/// A key that had expired and one that had been removed were asked about.
pub(super) fn both_ends_told(history: &History) -> bool {
    let told: BTreeSet<_> = standings(history).map(|(.., told)| told).collect();
    told.contains(&Standing::Expired) && told.contains(&Standing::Removed)
}

fn standings(history: &History) -> impl Iterator<Item = (&Request, Standing)> {
    history.answered_with().filter_map(|(request, outcome)| match outcome {
        Outcome::Standing(told) => Some((request, *told)),
        _ => None,
    })
}

fn wrong_standing(history: &History, wrong: impl Fn(Standing, &BTreeSet<Standing>) -> bool) -> Option<String> {
    history.answers_to_judge().find_map(|(request, outcome, states)| {
        let (Op::Verify { user, key, at }, Outcome::Standing(told)) = (&request.op, outcome) else { return None };
        let standing = |state: &State| {
            let known = state.keys.get(key).filter(|known| known.user == *user);
            known.map_or(Standing::Unknown, |known| known.standing(*at))
        };
        let true_ones: BTreeSet<_> = states.into_iter().map(standing).collect();
        let untrue = !true_ones.contains(told) && wrong(*told, &true_ones);
        let true_ones = true_ones.iter().map(word);
        untrue.then(|| format!("{request} was answered with {}, where {} is true", word(told), list(true_ones)))
    })
}

/// `LIFE-REMOVE-CLIENT`: said to be removed, with something left behind.
pub(super) fn client_left_behind(history: &History) -> Option<String> {
    history.answered_with().find_map(|(request, outcome)| {
        let (Op::RemoveClient { client }, Outcome::ClientRemoved { unread }) = (&request.op, outcome) else {
            return None;
        };
        let is_removal = |event: &Event| matches!(event, Event::ClientRemoved { client: of } if of == client);
        let mut removals =
            history.timelines().flat_map(History::steps).filter(|(_, event)| is_removal(event)).peekable();
        if removals.peek().is_none() {
            return Some(format!("{client} was said to be removed, but something of it stayed"));
        }
        let told = removals.any(|(state, _)| unread_of(state, *client) == *unread as usize);
        (!told).then(|| format!("{client} was removed with {unread} unread, which is not so"))
    })
}

fn unread_of(state: &State, client: Client) -> usize {
    state.notifications.get(&client).map_or(0, Vec::len)
}

/// A client was removed that had packages and unread notifications.
pub(super) fn client_removed_with_all(history: &History) -> bool {
    let found = history.find(|state, event| {
        let Event::ClientRemoved { client } = event else { return None };
        let mut own = state.packages.values().filter(|known| known.facts.client == *client);
        let stocked = own.any(|known| known.fate == Fate::Available);
        (stocked && unread_of(state, *client) > 0).then_some(())
    });
    found.is_some()
}
