//! What each matcher takes, and what is said of what it does not take: `matcher.yaml`.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use std::collections::BTreeMap;

use kpd_conformance::{vector::expect::Matcher, yaml};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    matcher: Matcher,
    /// What is there; a `null` is something else than nothing.
    #[serde(default, deserialize_with = "there")]
    observed: Option<Value>,
    #[serde(default)]
    saved: BTreeMap<String, Value>,
    mismatch: Option<String>,
}

fn there<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[test]
fn every_matcher_takes_and_refuses_what_its_table_says() {
    let cases: Vec<Case> = yaml::read("matcher.yaml", include_str!("matcher.yaml")).unwrap();
    let mut wrong = vec![];
    for case in &cases {
        let found = case.matcher.mismatch(case.observed.as_ref(), &case.saved);
        let found = found.map(|mismatch| {
            let path = if mismatch.path.is_empty() { String::new() } else { format!("{}: ", mismatch.path.join("/")) };
            format!("{path}{}, not {}", mismatch.expected, mismatch.observed)
        });
        if found != case.mismatch {
            wrong.push(format!("{} of {:?}: {found:?}", case.matcher, case.observed));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_matcher_is_in_the_table_both_ways() {
    let table = include_str!("matcher.yaml");
    for test in ["in", "not", "contains", "absent", "gte", "lte", "one_of", "length", "includes"] {
        let rows: Vec<_> =
            table.lines().filter(|line| line.starts_with(&format!("- {{ matcher: {{ {test}: "))).collect();
        let refused = rows.iter().filter(|row| row.contains("mismatch: ")).count();
        assert!(refused > 0 && refused < rows.len(), "{test}");
    }
}
