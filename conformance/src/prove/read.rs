//! What an expectation reads of an answer, and whether that much of it is allowed.

use std::collections::BTreeMap;

use crate::{
    prove::{
        alternatives::{looks_at, looks_at_key},
        replay::Answer,
    },
    recording::{KeySeen, LastResortSeen, NotificationSeen, Observed, Seen},
    vector::expect::{Expect, Reason},
};

/// Whether this is as good as one of the `allowed` answers, of which only is left what the expectation looks at. A
/// refusal in the word of its class is: it comes from a server without finer words.
pub(super) fn is_allowed(expect: &Expect, answer: &Answer, allowed: &[Answer]) -> bool {
    match (&answer.observed, answer.retry_after) {
        (Observed::Refused(observed), None) if *observed != Reason::RateLimited => {
            allowed.iter().any(|allowed| match allowed.observed {
                Observed::Refused(allowed) => allowed == *observed || allowed.class() == *observed,
                _ => false,
            })
        }
        // The same without a word of when to ask again, where nobody looks at that.
        (Observed::Refused(Reason::RateLimited), None) if expect.retry_after.is_none() => {
            allowed.iter().any(|allowed| allowed.observed == answer.observed)
        }
        _ => allowed.contains(&looked_at(expect, answer)),
    }
}

/// An answer without optional fields that nobody looks at, and without cursors, which mean nothing by themselves.
pub(super) fn looked_at(expect: &Expect, answer: &Answer) -> Answer {
    let observed = match &answer.observed {
        Observed::Ok(seen) => Observed::Ok(seen_of(expect, seen)),
        other => other.clone(),
    };
    Answer { observed, ..answer.clone() }
}

fn seen_of(expect: &Expect, seen: &Seen) -> Seen {
    let looks = |field: &str| looks_at(expect, field, None);
    match seen {
        Seen::Published { accepted } => Seen::Published { accepted: accepted.filter(|_| looks("accepted")) },
        Seen::Replaced { accepted, withdrawn } => Seen::Replaced {
            accepted: accepted.filter(|_| looks("accepted")),
            withdrawn: withdrawn.filter(|_| looks("withdrawn")),
        },
        Seen::ClientRemoved { unread } => Seen::ClientRemoved { unread: unread.filter(|_| looks("unread")) },
        Seen::Stock { regular, last_resort, low } => Seen::Stock {
            regular: regular.filter(|_| looks("regular")),
            last_resort: if looks("last_resort") { *last_resort } else { LastResortSeen::None },
            low: low.filter(|_| looks("low")),
        },
        Seen::Packages { digest, key_packages } => Seen::Packages {
            digest: digest.clone().filter(|_| looks("digest")),
            key_packages: if looks("key_packages") { key_packages.clone() } else { BTreeMap::new() },
        },
        Seen::Keys(keys) => {
            let item = |(index, key): (usize, &KeySeen)| {
                let looks = |field: &str| looks_at_key(expect, field, index, &key.client);
                KeySeen {
                    client: key.client.clone(),
                    expires_in: key.expires_in.filter(|_| looks("expires_in")),
                    added_in: key.added_in.filter(|_| looks("added_in")),
                    ended_in: key.ended_in.filter(|_| looks("ended_in")),
                    ended: key.ended.clone().filter(|_| looks("ended")),
                }
            };
            Seen::Keys(keys.iter().enumerate().map(item).collect())
        }
        Seen::Notifications(feed) => {
            let item = |(index, item): (usize, &NotificationSeen)| {
                let looks = |field: &str| looks_at(expect, field, Some(index));
                NotificationSeen {
                    cursor: None,
                    key_package: item.key_package.clone(),
                    kind: item.kind.clone().filter(|_| looks("kind")),
                    requester: item.requester.clone().filter(|_| looks("requester")),
                    first_use: item.first_use.filter(|_| looks("first_use")),
                    remaining: item.remaining.filter(|_| looks("remaining")),
                    low: item.low.filter(|_| looks("low")),
                    drain: item.drain.filter(|_| looks("drain")),
                }
            };
            Seen::Notifications(feed.iter().enumerate().map(item).collect())
        }
        other => other.clone(),
    }
}
