//! The alternatives that an expectation leaves open, and which of them an allowed answer takes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    recording::Observed,
    vector::{
        expect::{Expect, Matcher, Reasons},
        matcher::Test,
    },
};

/// Every alternative of an expectation, in words: each value of an `in`, each matcher of a `one_of`, each of several
/// reasons. What stands below a `not` excludes, and is no alternative.
pub(super) fn alternatives(expect: &Expect) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    if let Some(matcher) = &expect.ok {
        let mut visit = |_, alternative| {
            all.insert(alternative);
        };
        walk(matcher, "", &mut visit, None);
    }
    if let Some(Reasons::Several(reasons)) = &expect.refused {
        all.extend(reasons.iter().map(|reason| format!("refused: {reason:?}")));
    }
    all
}

/// The alternatives that this allowed answer takes. A word that stands for a whole class of reasons is taken by each of
/// its class: it is there for servers that know no finer one.
pub(super) fn taken(
    expect: &Expect,
    observed: &Observed,
    view: Option<&Value>,
    saved: &BTreeMap<String, Value>,
) -> BTreeSet<String> {
    let mut taken = BTreeSet::new();
    if let Some(matcher) = &expect.ok {
        let mut visit = |holds, alternative| {
            if holds {
                taken.insert(alternative);
            }
        };
        walk(matcher, "", &mut visit, Some((view, saved)));
    }
    if let (Some(reasons), Observed::Refused(allowed)) = (&expect.refused, observed) {
        let serving = reasons.all().iter().filter(|reason| allowed.serves(**reason) || allowed.class() == **reason);
        taken.extend(serving.map(|reason| format!("refused: {reason:?}")));
    }
    taken
}

/// Whether an expectation looks at a field of this name: anywhere, or in this item of a list.
pub(super) fn looks_at(expect: &Expect, field: &str, item: Option<usize>) -> bool {
    match (&expect.ok, item) {
        (Some(Matcher::Items(items)), Some(item)) => items.get(item).is_some_and(|matcher| mentions(matcher, field)),
        (Some(matcher), _) => mentions(matcher, field),
        (None, _) => false,
    }
}

/// Whether an expectation looks at a field of the signature key of this client: at its place in a list, or where it
/// names the client.
pub(super) fn looks_at_key(expect: &Expect, field: &str, index: usize, client: &str) -> bool {
    let named = |matcher: &&Matcher| match matcher {
        Matcher::Keys(keys) => keys.get("client") == Some(&Matcher::Literal(client.into())),
        _ => true,
    };
    match &expect.ok {
        Some(Matcher::Items(items)) => items.get(index).is_some_and(|matcher| mentions(matcher, field)),
        Some(Matcher::All(tests)) => tests.iter().any(|test| match test {
            Test::Contains(all) => all.iter().filter(named).any(|matcher| mentions(matcher, field)),
            _ => false,
        }),
        _ => false,
    }
}

fn mentions(matcher: &Matcher, field: &str) -> bool {
    match matcher {
        Matcher::Literal(_) => false,
        Matcher::Keys(keys) => keys.contains_key(field) || keys.values().any(|matcher| mentions(matcher, field)),
        Matcher::Items(items) => items.iter().any(|matcher| mentions(matcher, field)),
        Matcher::All(tests) => tests.iter().any(|test| match test {
            Test::Not(matcher) => mentions(matcher, field),
            Test::Contains(all) | Test::OneOf(all) => all.iter().any(|matcher| mentions(matcher, field)),
            Test::In(_) | Test::Absent(_) | Test::Gte(_) | Test::Lte(_) | Test::Length(_) | Test::Includes(_) => false,
        }),
    }
}

type Answer<'a> = Option<(Option<&'a Value>, &'a BTreeMap<String, Value>)>;

/// Visits every alternative with its place; with an answer, tells whether the answer takes it.
fn walk(matcher: &Matcher, place: &str, visit: &mut dyn FnMut(bool, String), answer: Answer<'_>) {
    let at = |place: &str, key: &str| if place.is_empty() { key.to_string() } else { format!("{place}/{key}") };
    let part = |find: &dyn Fn(&Value) -> Option<Value>| answer.map(|(value, saved)| (value.and_then(find), saved));
    match matcher {
        Matcher::Literal(_) => {}
        Matcher::Keys(keys) => {
            for (key, matcher) in keys {
                let part = part(&|value| value.get(key).cloned());
                walk(matcher, &at(place, key), visit, part.as_ref().map(|(value, saved)| (value.as_ref(), *saved)));
            }
        }
        Matcher::Items(items) => {
            for (index, matcher) in items.iter().enumerate() {
                let part = part(&|value| value.get(index).cloned());
                let part = part.as_ref().map(|(value, saved)| (value.as_ref(), *saved));
                walk(matcher, &at(place, &index.to_string()), visit, part);
            }
        }
        Matcher::All(tests) => tests.iter().for_each(|test| walk_test(test, place, visit, answer)),
    }
}

fn walk_test(test: &Test, place: &str, visit: &mut dyn FnMut(bool, String), answer: Answer<'_>) {
    let holds = |matcher: &Matcher| {
        answer.is_some_and(|(value, saved)| value.is_some() && matcher.mismatch(value, saved).is_none())
    };
    match test {
        Test::In(values) => {
            for value in values {
                visit(holds(&Matcher::Literal(value.clone())), format!("{place}: {value}"));
            }
        }
        Test::OneOf(matchers) => {
            for matcher in matchers {
                // What is not there can be one of the alternatives, too.
                let holds = answer.is_some_and(|(value, saved)| matcher.mismatch(value, saved).is_none());
                visit(holds, format!("{place}: {matcher}"));
                walk(matcher, place, visit, answer.filter(|_| holds));
            }
        }
        Test::Contains(matchers) => {
            for (index, matcher) in matchers.iter().enumerate() {
                let place = format!("{place}contains {index}");
                match answer {
                    None => walk(matcher, &place, visit, None),
                    Some((value, saved)) => {
                        let items = value.and_then(Value::as_array).into_iter().flatten();
                        items.for_each(|item| walk(matcher, &place, visit, Some((Some(item), saved))));
                    }
                }
            }
        }
        Test::Not(_) | Test::Absent(_) | Test::Gte(_) | Test::Lte(_) | Test::Length(_) | Test::Includes(_) => {}
    }
}
