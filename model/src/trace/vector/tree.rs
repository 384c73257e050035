//! An answer as a tree of texts, as a vector's expectation sees it.

use std::collections::BTreeMap;

use crate::{
    history::{Claim, Notified, State, Status},
    names::Suite,
    spec::{Op, Outcome, Stock, WithdrawnFate},
    trace::vector::{names::Names, role},
    words::word,
};

/// What was answered.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    Ok(Tree),
    /// The reason, as vectors call it.
    Refused(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    Text(String),
    Keys(BTreeMap<String, Tree>),
    Items(Vec<Tree>),
    /// In no order that is promised.
    Bag(Vec<Tree>),
}

impl Tree {
    fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    fn keys<const N: usize>(entries: [(&str, Self); N]) -> Self {
        Self::Keys(entries.into_iter().map(|(key, value)| (key.to_string(), value)).collect())
    }

    /// The text at a path, keys and places joined by `/`.
    pub(super) fn at(&self, path: &str) -> Option<&str> {
        let below = |(key, rest): (&str, Option<&str>)| {
            let inner = match self {
                Self::Keys(keys) => keys.get(key),
                Self::Items(items) => key.parse().ok().and_then(|place: usize| items.get(place)),
                Self::Text(_) | Self::Bag(_) => None,
            }?;
            inner.at(rest.unwrap_or_default())
        };
        match (self, path) {
            (Self::Text(text), "") => Some(text),
            (_, "") => None,
            _ => below(path.split_once('/').map_or((path, None), |(key, rest)| (key, Some(rest)))),
        }
    }
}

/// The answer, seen through a suite where it is about one.
pub(super) fn answer(names: &Names, state: &State, op: &Op, outcome: &Outcome, suite: Option<Suite>) -> Answer {
    Answer::Ok(match outcome {
        Outcome::Done => Tree::Keys(BTreeMap::new()),
        Outcome::Claimed(statuses) => {
            let mut clients: BTreeMap<_, _> =
                statuses.iter().map(|(client, status)| (Names::client(*client), given(*status))).collect();
            if let Op::Claim(Claim { requester_client: Some(own), user, .. }) = op
                && state.clients_of(*user).contains(own)
            {
                clients.entry(Names::client(*own)).or_insert_with(|| Tree::keys([("absent", Tree::text(true))]));
            }
            Tree::Keys(clients)
        }
        Outcome::Withdrawn(fates) => {
            let fate = |fate: &WithdrawnFate| match fate {
                WithdrawnFate::Withdrawn => "withdrawn",
                WithdrawnFate::AlreadyGranted => "already_granted",
                WithdrawnFate::Unknown => "unknown",
            };
            Tree::Keys(fates.iter().map(|(package, of)| (package.to_string(), Tree::text(fate(of)))).collect())
        }
        Outcome::Stock(stock) => left(stock, suite),
        Outcome::Notifications(feed) => Tree::Items(feed.iter().map(|note| told(names, note)).collect()),
        Outcome::Limited { .. } => return Answer::Refused("rate_limited".into()),
        Outcome::Replaced { withdrawn } => Tree::keys([("withdrawn", Tree::text(withdrawn))]),
        Outcome::ClientRemoved { unread } => Tree::keys([("unread", Tree::text(unread))]),
        Outcome::Keys(keys) => {
            let clients = keys.iter().filter_map(|key| names.client_of(*key).ok());
            Tree::Bag(clients.map(|client| Tree::keys([("client", Tree::text(client))])).collect())
        }
        Outcome::Standing(standing) => Tree::keys([("standing", Tree::text(word(&standing)))]),
        Outcome::Packages(packages) => {
            let states = packages.iter().map(|(package, it)| (package.to_string(), Tree::text(word(&it))));
            Tree::keys([("key_packages", Tree::Keys(states.collect()))])
        }
        Outcome::Refused(reason) => return Answer::Refused(word(&reason)),
    })
}

fn given(status: Status) -> Tree {
    let kind = match status {
        Status::Regular(_) => "regular",
        Status::LastResort(_) => "last_resort",
        Status::Exhausted => "exhausted",
        Status::Incompatible => "incompatible",
    };
    match status.granted() {
        Some(package) => Tree::keys([("kind", Tree::text(kind)), ("key_package", Tree::text(package))]),
        None => Tree::keys([("kind", Tree::text(kind))]),
    }
}

fn left(stock: &Stock, suite: Option<Suite>) -> Tree {
    let of = |suite: &Suite| stock.regular.get(suite).copied();
    let last_resort = suite.and_then(|suite| stock.last_resort.get(&suite));
    let last_resort = last_resort.map_or("none", |used| if *used { "used" } else { "unused" });
    let mut left = BTreeMap::from([("last_resort".to_string(), Tree::text(last_resort))]);
    // A server may leave out a suite of which there never was anything.
    left.extend(suite.as_ref().and_then(of).map(|regular| ("regular".to_string(), Tree::text(regular))));
    Tree::Keys(left)
}

fn told(names: &Names, note: &Notified) -> Tree {
    let mut keys = BTreeMap::from([
        ("key_package".into(), Tree::text(note.package)),
        ("kind".into(), Tree::text(role(note.role))),
        ("remaining".into(), Tree::text(note.remaining)),
    ]);
    if names.is_stranger(note.requester) {
        keys.insert("requester".into(), Tree::text(names.requester(note.requester)));
    }
    if role(note.role) == "last_resort" {
        keys.insert("first_use".into(), Tree::text(note.first_use));
    }
    Tree::Keys(keys)
}
