//! The answers that a server could give in place of an allowed one: each differs from it in one place.
//!
//! One place is enough: an expectation that rejects every such answer pins each part of the answer that it must. What a
//! server may leave out of an answer (the fields that are optional in a recording) need not be looked at, and is varied
//! only where the expectation looks at it.

use std::collections::BTreeMap;

use crate::{
    prove::alternatives::looks_at,
    recording::{ClientSeen, KeySeen, LastResortSeen, NotificationSeen, Observed, Seen},
    translation::{
        Names,
        answers::{FATES, fate_word},
    },
    vector::{
        Step,
        expect::{Expect, Reason},
    },
};

/// Fields that a server may leave out of its answers.
pub(super) const OPTIONAL: [&str; 7] =
    ["accepted", "regular", "last_resort", "kind", "requester", "first_use", "remaining"];

/// All answers that differ from `allowed` in one place.
pub(super) fn conceivable(names: &Names<'_>, users: &[String], step: &Step, allowed: &Observed) -> Vec<Observed> {
    let refused = Reason::ALL.iter().filter(|reason| **reason != Reason::Any).map(|reason| Observed::Refused(*reason));
    let Some(expect) = &step.expect else { return vec![] };
    let others = match allowed {
        // Whatever the answer would be: that there is one is the difference.
        Observed::Refused(_) => vec![Seen::Done {}],
        Observed::Ok(seen) => of_seen(&Universe { names, users, step, expect }, seen),
        Observed::Unexpected(_) | Observed::Lost => return vec![],
    };
    refused.chain(others.into_iter().map(Observed::Ok)).collect()
}

/// Whether this is as good as one of the `allowed` answers, of which only is left what the expectation looks at. A
/// refusal in the word of its class is: it comes from a server without finer words.
pub(super) fn is_allowed(expect: &Expect, observed: &Observed, allowed: &[Observed]) -> bool {
    match observed {
        Observed::Refused(observed) => allowed.iter().any(|allowed| match allowed {
            Observed::Refused(allowed) => allowed == observed || allowed.class() == *observed,
            _ => false,
        }),
        observed => allowed.contains(&looked_at(expect, observed)),
    }
}

/// An answer without optional fields that nobody looks at, and without cursors, which mean nothing by themselves.
pub(super) fn looked_at(expect: &Expect, observed: &Observed) -> Observed {
    let looks = |field: &str| looks_at(expect, field, None);
    match observed {
        Observed::Ok(Seen::Published { accepted }) => {
            Observed::Ok(Seen::Published { accepted: accepted.filter(|_| looks("accepted")) })
        }
        Observed::Ok(Seen::Stock { regular, last_resort, .. }) => Observed::Ok(Seen::Stock {
            regular: regular.filter(|_| looks("regular")),
            last_resort: if looks("last_resort") { *last_resort } else { LastResortSeen::None },
            low: None,
        }),
        Observed::Ok(Seen::Notifications(feed)) => {
            let item = |(index, item): (usize, &NotificationSeen)| {
                let looks = |field: &str| looks_at(expect, field, Some(index));
                NotificationSeen {
                    cursor: None,
                    key_package: item.key_package.clone(),
                    kind: item.kind.clone().filter(|_| looks("kind")),
                    requester: item.requester.clone().filter(|_| looks("requester")),
                    first_use: item.first_use.filter(|_| looks("first_use")),
                    remaining: item.remaining.filter(|_| looks("remaining")),
                    low: None,
                }
            };
            Observed::Ok(Seen::Notifications(feed.iter().enumerate().map(item).collect()))
        }
        other => other.clone(),
    }
}

struct Universe<'a> {
    names: &'a Names<'a>,
    users: &'a [String],
    step: &'a Step,
    expect: &'a Expect,
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
        Seen::Stock { regular, last_resort, low } => {
            let low = *low;
            let counts = universe.numbers("regular", None, *regular).into_iter();
            let counts = counts.map(|regular| Seen::Stock { regular, last_resort: *last_resort, low });
            let all = [LastResortSeen::None, LastResortSeen::Unused, LastResortSeen::Used];
            let all = all.into_iter().filter(|_| universe.looks_at("last_resort", None));
            counts.chain(all.map(|last_resort| Seen::Stock { regular: *regular, last_resort, low })).collect()
        }
        Seen::Notifications(feed) => notifications(universe, feed).into_iter().map(Seen::Notifications).collect(),
        Seen::Keys(keys) => {
            let strange = || KeySeen { client: "unknown".into(), ..KeySeen::default() };
            let missing = (0..keys.len()).map(|index| without(keys, index));
            let other = (0..keys.len()).map(|index| replaced(keys, index, strange()));
            let more = keys.iter().cloned().chain([strange()]).collect();
            missing.chain(other).chain([more]).map(Seen::Keys).collect()
        }
        // No server takes part, or there is nothing in it that could be otherwise, or the model has no such answer.
        _ => vec![],
    }
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
    let of_user = universe.names.clients_of(&claim.of);
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
            low: None,
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
        let remaining = universe.numbers("remaining", Some(index), item.remaining).into_iter();
        others.extend(remaining.map(|remaining| NotificationSeen { remaining, ..item.clone() }));
        all.extend(others.into_iter().map(|other| replaced(feed, index, other)));
    }
    all
}

impl Universe<'_> {
    fn looks_at(&self, field: &str, item: Option<usize>) -> bool {
        looks_at(self.expect, field, item)
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
