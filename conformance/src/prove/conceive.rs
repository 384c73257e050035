//! The answers that a server could give in place of an allowed one: each differs from it in one place.
//!
//! One place is enough: an expectation that rejects every such answer pins each part of the answer that it must. What a
//! server may leave out of an answer (the fields that are optional in a recording) need not be looked at, and is varied
//! only where the expectation looks at it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    prove::{
        alternatives::{looks_at, looks_at_key},
        replay::Answer,
    },
    recording::{BlockSeen, ClientSeen, DrainSeen, KeySeen, LastResortSeen, NotificationSeen, Observed, Seen},
    translation::{
        Names,
        answers::{FATES, PACKAGE_STANDINGS, STANDINGS, fate_word, word},
    },
    vector::{
        Step,
        expect::{Expect, Reason},
    },
};

/// Fields that a server may leave out of its answers.
pub(super) const OPTIONAL: [&str; 16] = [
    "accepted",
    "withdrawn",
    "unread",
    "regular",
    "last_resort",
    "low",
    "drain",
    "digest",
    "kind",
    "requester",
    "first_use",
    "remaining",
    "expires_in",
    "added_in",
    "ended_in",
    "ended",
];

/// Two moments that lie so far apart, in seconds, are told apart however long a run takes.
const APART: i64 = 60;

/// All answers that differ from `allowed` in one place.
pub(super) fn conceivable(
    names: &Names<'_>,
    users: &[String],
    step: &Step,
    saved: &BTreeMap<String, Value>,
    allowed: &Answer,
) -> Vec<Answer> {
    let refused = Reason::ALL.iter().filter(|reason| **reason != Reason::Any).map(|reason| Observed::Refused(*reason));
    let Some(expect) = &step.expect else { return vec![] };
    let others = match &allowed.observed {
        // Whatever the answer would be: that there is one is the difference.
        Observed::Refused(_) => vec![Seen::Done {}],
        Observed::Ok(seen) => of_seen(&Universe { names, users, step, expect, saved }, seen),
        Observed::Unexpected(_) | Observed::Lost => return vec![],
    };
    let reads_wait = expect.retry_after.is_some() || step.save.values().any(|path| path == "retry_after");
    let waits = allowed.retry_after.filter(|_| reads_wait).into_iter().flat_map(|wait| {
        // Whoever is to wait for longer than it must is refused by no limit after that.
        let shorter = [None, Some(0), wait.checked_sub(1)].into_iter();
        shorter.map(|retry_after| Answer { retry_after, ..allowed.clone() })
    });
    let waits: Vec<_> = waits.collect();
    refused.chain(others.into_iter().map(Observed::Ok)).map(Answer::from).chain(waits).collect()
}

struct Universe<'a> {
    names: &'a Names<'a>,
    users: &'a [String],
    step: &'a Step,
    expect: &'a Expect,
    saved: &'a BTreeMap<String, Value>,
}

fn of_seen(universe: &Universe<'_>, seen: &Seen) -> Vec<Seen> {
    match seen {
        Seen::Published { accepted } => {
            let counts = universe.numbers("accepted", None, *accepted).into_iter();
            counts.map(|accepted| Seen::Published { accepted }).collect()
        }
        Seen::Claimed(clients) => claimed(universe, clients),
        Seen::Withdrawn(fates) => {
            let changed = |(name, fate): (&String, &String)| {
                let words = FATES.into_iter().map(fate_word).filter(move |word| word != fate);
                let changed = words.map(|word| with(fates, name, Some(word.to_string())));
                changed.chain([with(fates, name, None)]).collect::<Vec<_>>()
            };
            fates.iter().flat_map(changed).map(Seen::Withdrawn).collect()
        }
        Seen::Replaced { accepted, withdrawn } => {
            let stored = universe.numbers("accepted", None, *accepted).into_iter();
            let stored = stored.map(|accepted| Seen::Replaced { accepted, withdrawn: *withdrawn });
            let gone = universe.numbers("withdrawn", None, *withdrawn).into_iter();
            stored.chain(gone.map(|withdrawn| Seen::Replaced { accepted: *accepted, withdrawn })).collect()
        }
        Seen::ClientRemoved { unread } => {
            let counts = universe.numbers("unread", None, *unread).into_iter();
            counts.map(|unread| Seen::ClientRemoved { unread }).collect()
        }
        Seen::Standing { standing } => {
            let words = STANDINGS.iter().map(word).filter(|word| word != standing);
            words.map(|standing| Seen::Standing { standing }).collect()
        }
        Seen::Stock { regular, last_resort, low } => {
            let low = *low;
            let counts = universe.numbers("regular", None, *regular).into_iter();
            let counts = counts.map(|regular| Seen::Stock { regular, last_resort: *last_resort, low });
            let all = [LastResortSeen::None, LastResortSeen::Unused, LastResortSeen::Used];
            let all = all.into_iter().filter(|_| universe.looks_at("last_resort", None));
            let all = all.map(|last_resort| Seen::Stock { regular: *regular, last_resort, low });
            let lows = [Some(true), Some(false), None].into_iter().filter(|_| universe.looks_at("low", None));
            let lows = lows.map(|low| Seen::Stock { regular: *regular, last_resort: *last_resort, low });
            counts.chain(all).chain(lows).collect()
        }
        Seen::Packages { digest, key_packages } => packages(universe, digest.as_ref(), key_packages),
        Seen::Notifications(feed) => notifications(universe, feed).into_iter().map(Seen::Notifications).collect(),
        Seen::Keys(keys) => {
            let strange = || KeySeen { client: "unknown".into(), ..KeySeen::default() };
            let others = (0..keys.len()).flat_map(|index| {
                let others = universe.of_key(index, &keys[index]).into_iter();
                others.map(move |other| replaced(keys, index, other))
            });
            lists(keys, strange).into_iter().chain(others).map(Seen::Keys).collect()
        }
        Seen::Blocks(blocks) => {
            let strange = || BlockSeen { requester: Some("unknown".into()), server: None };
            lists(blocks, strange).into_iter().map(Seen::Blocks).collect()
        }
        // No server takes part, or there is nothing in it that could be otherwise.
        Seen::Recalled(_) | Seen::Done {} => vec![],
    }
}

/// One too few, another one, one too many.
fn lists<T: Clone>(items: &[T], strange: impl Fn() -> T) -> Vec<Vec<T>> {
    let missing = (0..items.len()).map(|index| without(items, index));
    let other = (0..items.len()).map(|index| replaced(items, index, strange()));
    let more = [items, &[strange()]].concat();
    missing.chain(other).chain([more]).collect()
}

/// Another state of a package, one that is missing, one too many; another digest, or the digest of something else.
/// What the vector did not make has no name that an expectation could speak of.
fn packages(universe: &Universe<'_>, digest: Option<&Value>, states: &BTreeMap<String, String>) -> Vec<Seen> {
    let seen = |digest: Option<&Value>, key_packages| Seen::Packages { digest: digest.cloned(), key_packages };
    let mut all = vec![];
    if universe.looks_at("key_packages", None) {
        let words = || PACKAGE_STANDINGS.iter().map(|standing| Some(word(standing))).chain([None]);
        for name in universe.names.packages() {
            let others = words().filter(|word| *word != states.get(name).cloned());
            all.extend(others.map(|word| seen(digest, with(states, name, word))));
        }
    }
    if universe.looks_at("digest", None) {
        let others = universe.saved.values().filter(|other| Some(*other) != digest);
        all.extend(others.map(|other| seen(Some(other), states.clone())));
        let known = universe.saved.values().any(|saved| Some(saved) == digest);
        let new = Value::from("another digest");
        all.extend(known.then(|| seen(Some(&new), states.clone())));
        all.push(seen(None, states.clone()));
    }
    all
}

/// Another kind, another package, no entry, an entry too many; the clients are those that the asked user has or had.
fn claimed(universe: &Universe<'_>, clients: &BTreeMap<String, ClientSeen>) -> Vec<Seen> {
    let Some(claim) = &universe.step.claim else { return vec![] };
    let stranger = "unknown 000000000000…".to_string();
    let packages = || universe.names.packages().iter().chain([&stranger]);
    let granted = ["regular", "last_resort"]
        .into_iter()
        .flat_map(|kind| packages().map(move |name| ClientSeen { kind: kind.into(), key_package: Some(name.clone()) }));
    let nothing = ["exhausted", "incompatible"].map(|kind| ClientSeen { kind: kind.into(), key_package: None });
    let entries: Vec<_> = granted.chain(nothing).map(Some).chain([None]).collect();
    let of_user = universe.names.clients_of(&claim.of).into_iter();
    let changed = of_user.flat_map(|client| entries.iter().map(|entry| with(clients, client, entry.clone())));
    changed.map(Seen::Claimed).collect()
}

/// One too few, one too many, another package, another order; another value of what the expectation looks at.
fn notifications(universe: &Universe<'_>, feed: &[NotificationSeen]) -> Vec<Vec<NotificationSeen>> {
    let mut all: Vec<_> = (0..feed.len()).map(|index| without(feed, index)).collect();
    let next = feed.iter().filter_map(|item| item.cursor.as_ref()?.as_u64()).max().unwrap_or_default() + 1;
    for name in universe.names.packages() {
        let more = NotificationSeen {
            cursor: Some(next.into()),
            key_package: name.clone(),
            kind: Some("regular".into()),
            requester: universe.users.first().cloned(),
            first_use: Some(true),
            remaining: Some(0),
            low: Some(true),
            drain: None,
        };
        all.push([feed, &[more]].concat());
    }
    all.extend((1..feed.len()).map(|index| {
        let mut swapped = feed.to_vec();
        swapped.swap(index - 1, index);
        swapped
    }));
    for (index, item) in feed.iter().enumerate() {
        let packages = universe.names.packages().iter();
        let other = packages.map(|name| NotificationSeen { key_package: name.clone(), ..item.clone() });
        let mut others: Vec<_> = other.collect();
        if universe.looks_at("kind", Some(index)) {
            let kinds = ["regular", "last_resort"].into_iter();
            others.extend(kinds.map(|kind| NotificationSeen { kind: Some(kind.into()), ..item.clone() }));
        }
        if universe.looks_at("requester", Some(index)) {
            let users = universe.users.iter();
            others.extend(users.map(|user| NotificationSeen { requester: Some(user.clone()), ..item.clone() }));
        }
        if universe.looks_at("first_use", Some(index)) {
            others.push(NotificationSeen { first_use: item.first_use.map(|first| !first), ..item.clone() });
        }
        if universe.looks_at("low", Some(index)) {
            let lows = [Some(true), Some(false), None].into_iter();
            others.extend(lows.map(|low| NotificationSeen { low, ..item.clone() }));
        }
        if universe.looks_at("drain", Some(index)) {
            others.extend(drains(item.drain).into_iter().map(|drain| NotificationSeen { drain, ..item.clone() }));
        }
        let remaining = universe.numbers("remaining", Some(index), item.remaining).into_iter();
        others.extend(remaining.map(|remaining| NotificationSeen { remaining, ..item.clone() }));
        all.extend(others.into_iter().map(|other| replaced(feed, index, other)));
    }
    all
}

/// One where none is told, none where one is, one more and one fewer in either number.
fn drains(drain: Option<DrainSeen>) -> Vec<Option<DrainSeen>> {
    let Some(DrainSeen { taken, of }) = drain else { return vec![Some(DrainSeen { taken: Some(1), of: Some(1) })] };
    let beside = |number: Option<u64>| number.into_iter().flat_map(|number| [number + 1, number.saturating_sub(1)]);
    let takers = beside(taken).map(|taken| Some(DrainSeen { taken: Some(taken), of }));
    let stocks = beside(of).map(|of| Some(DrainSeen { taken, of: Some(of) }));
    takers.chain(stocks).chain([None]).collect()
}

impl Universe<'_> {
    fn looks_at(&self, field: &str, item: Option<usize>) -> bool {
        looks_at(self.expect, field, item)
    }

    /// Another moment, another end, or none.
    fn of_key(&self, index: usize, key: &KeySeen) -> Vec<KeySeen> {
        let looks = |field: &str| looks_at_key(self.expect, field, index, &key.client);
        let moments = |moment: Option<i64>| match moment {
            Some(moment) => vec![Some(moment + APART), Some(moment - APART), None],
            None => vec![Some(APART)],
        };
        let mut others = vec![];
        if looks("expires_in") {
            others.extend(moments(key.expires_in).into_iter().map(|at| KeySeen { expires_in: at, ..key.clone() }));
        }
        if looks("added_in") {
            others.extend(moments(key.added_in).into_iter().map(|at| KeySeen { added_in: at, ..key.clone() }));
        }
        if looks("ended_in") {
            others.extend(moments(key.ended_in).into_iter().map(|at| KeySeen { ended_in: at, ..key.clone() }));
        }
        if looks("ended") {
            let words = [Some("expired"), Some("removed"), None].map(|word| word.map(str::to_string));
            let words = words.into_iter().filter(|word| *word != key.ended);
            others.extend(words.map(|ended| KeySeen { ended, ..key.clone() }));
        }
        others
    }

    /// One more, one fewer, none; no word of it is what an optional field allows.
    fn numbers(&self, field: &str, item: Option<usize>, number: Option<u64>) -> Vec<Option<u64>> {
        if !self.looks_at(field, item) {
            return vec![];
        }
        let Some(number) = number else { return vec![Some(0), Some(1)] };
        [Some(number + 1), number.checked_sub(1), Some(0)].into_iter().filter(Option::is_some).collect()
    }
}

fn with<T: Clone>(map: &BTreeMap<String, T>, key: &str, value: Option<T>) -> BTreeMap<String, T> {
    let mut map = map.clone();
    match value {
        Some(value) => drop(map.insert(key.into(), value)),
        None => drop(map.remove(key)),
    }
    map
}

fn without<T: Clone>(items: &[T], index: usize) -> Vec<T> {
    let mut items = items.to_vec();
    items.remove(index);
    items
}

fn replaced<T: Clone>(items: &[T], index: usize, item: T) -> Vec<T> {
    let mut items = items.to_vec();
    items[index] = item;
    items
}
