//! Literals, and a small closed set of matchers; no expression language.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, de::Error as _};
use serde_json::Value;

use crate::yaml;

/// A tree of literals and matchers.
#[derive(Clone, Debug, PartialEq)]
pub enum Matcher {
    /// Equal to this; a string that begins with `$` stands for what was saved under that name.
    Literal(Value),
    /// Each of these keys matches; others may be there.
    Keys(BTreeMap<String, Matcher>),
    /// These items, in this order, and no others.
    Items(Vec<Matcher>),
    /// All of these.
    All(Vec<Test>),
}

/// One matcher.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Equal to one of these literals.
    In(Vec<Value>),
    /// Does not match.
    Not(Box<Matcher>),
    /// A list in which each of these matches an item of its own.
    Contains(Vec<Matcher>),
    /// Is not there, or is.
    Absent(bool),
    /// A number at least this large.
    Gte(i64),
    /// A number at most this large.
    Lte(i64),
    /// Any of these matches.
    OneOf(Vec<Matcher>),
    /// A list of this length, or a mapping with so many keys.
    Length(usize),
    /// A text with this in it.
    Includes(String),
}

/// The keys that make a mapping a matcher.
const TESTS: [&str; 9] = ["in", "not", "contains", "absent", "gte", "lte", "one_of", "length", "includes"];

impl<'de> Deserialize<'de> for Matcher {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = yaml::Value::deserialize(deserializer)?;
        let value = yaml::to_json(&value).map_err(D::Error::custom)?;
        Self::from_json(&value).map_err(D::Error::custom)
    }
}

impl JsonSchema for Matcher {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Matcher".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A literal, a mapping or list of matchers, or a mapping of in, not, contains, absent, gte, lte, one_of, length, includes."
        })
    }
}

impl Matcher {
    fn from_json(value: &Value) -> Result<Self, String> {
        match value {
            Value::Array(items) => items.iter().map(Self::from_json).collect::<Result<_, _>>().map(Self::Items),
            Value::Object(entries) if entries.keys().any(|key| TESTS.contains(&key.as_str())) => {
                entries.iter().map(|(key, value)| Test::from_json(key, value)).collect::<Result<_, _>>().map(Self::All)
            }
            Value::Object(entries) => {
                let entry = |(key, value): (&String, &Value)| Ok::<_, String>((key.clone(), Self::from_json(value)?));
                entries.iter().map(entry).collect::<Result<_, _>>().map(Self::Keys)
            }
            literal => Ok(Self::Literal(literal.clone())),
        }
    }

    /// What does not match, as a path and a sentence; `None` if all does.
    #[must_use]
    pub fn mismatch(&self, observed: Option<&Value>, saved: &BTreeMap<String, Value>) -> Option<Mismatch> {
        let here = |expected: String| {
            let observed = observed.map_or("nothing".into(), Value::to_string);
            Some(Mismatch { path: vec![], expected: named(&expected, saved), observed })
        };
        match self {
            Self::Literal(literal) => match resolve(literal, saved) {
                Some(literal) if observed == Some(&literal) => None,
                Some(literal) => here(literal.to_string()),
                None => here(format!("{literal}, which no answer had")),
            },
            Self::Keys(keys) => {
                let Some(Value::Object(object)) = observed else { return here(format!("{self}")) };
                keys.iter().find_map(|(key, matcher)| {
                    matcher.mismatch(object.get(key), saved).map(|mismatch| mismatch.under(key))
                })
            }
            Self::Items(items) => {
                let Some(Value::Array(array)) = observed else { return here(format!("{self}")) };
                if items.len() != array.len() {
                    return here(format!("{} items: {self}", items.len()));
                }
                items.iter().zip(array).enumerate().find_map(|(index, (matcher, item))| {
                    matcher.mismatch(Some(item), saved).map(|mismatch| mismatch.under(&index.to_string()))
                })
            }
            Self::All(tests) => {
                let failed = tests.iter().find(|test| !test.holds(observed, saved))?;
                here(failed.to_string())
            }
        }
    }

    /// Every `$name` in it.
    pub fn references(&self) -> Vec<String> {
        let of = |value: &Value| value.as_str().and_then(|text| text.strip_prefix('$')).map(str::to_string);
        match self {
            Self::Literal(value) => of(value).into_iter().collect(),
            Self::Keys(keys) => keys.values().flat_map(Self::references).collect(),
            Self::Items(items) => items.iter().flat_map(Self::references).collect(),
            Self::All(tests) => tests
                .iter()
                .flat_map(|test| match test {
                    Test::In(values) => values.iter().filter_map(of).collect(),
                    Test::Not(matcher) => matcher.references(),
                    Test::Contains(all) | Test::OneOf(all) => all.iter().flat_map(Self::references).collect(),
                    Test::Absent(_) | Test::Gte(_) | Test::Lte(_) | Test::Length(_) | Test::Includes(_) => vec![],
                })
                .collect(),
        }
    }
}

impl Test {
    fn from_json(key: &str, value: &Value) -> Result<Self, String> {
        let list = || value.as_array().ok_or_else(|| format!("`{key}` takes a list"));
        let number = || value.as_i64().ok_or_else(|| format!("`{key}` takes a whole number"));
        let matchers = || list()?.iter().map(Matcher::from_json).collect::<Result<Vec<_>, _>>();
        Ok(match key {
            "in" => Self::In(list()?.clone()),
            "not" => Self::Not(Box::new(Matcher::from_json(value)?)),
            "contains" => Self::Contains(matchers()?),
            "absent" => Self::Absent(value.as_bool().ok_or("`absent` takes true or false")?),
            "gte" => Self::Gte(number()?),
            "lte" => Self::Lte(number()?),
            "one_of" => Self::OneOf(matchers()?),
            "includes" => Self::Includes(value.as_str().ok_or("`includes` takes a text")?.into()),
            "length" => Self::Length(usize::try_from(number()?).map_err(|_| "`length` is not negative")?),
            other => return Err(format!("`{other}` beside a matcher: matchers and keys cannot be mixed")),
        })
    }

    fn holds(&self, observed: Option<&Value>, saved: &BTreeMap<String, Value>) -> bool {
        let matches = |matcher: &Matcher, value: Option<&Value>| matcher.mismatch(value, saved).is_none();
        match self {
            Self::In(values) => {
                observed.is_some() && values.iter().any(|value| observed == resolve(value, saved).as_ref())
            }
            // What is not there is not something else, and what was never saved cannot be compared with.
            Self::Not(matcher) => {
                let known = matcher.references().iter().all(|name| saved.contains_key(name));
                known && observed.is_some() && !matches(matcher, observed)
            }
            Self::Contains(matchers) => {
                let Some(Value::Array(items)) = observed else { return false };
                contains(matchers, &items.iter().collect::<Vec<_>>(), &matches)
            }
            Self::Absent(absent) => observed.is_none_or(Value::is_null) == *absent,
            Self::Gte(least) => observed.and_then(Value::as_i64).is_some_and(|number| number >= *least),
            Self::Lte(most) => observed.and_then(Value::as_i64).is_some_and(|number| number <= *most),
            Self::OneOf(matchers) => matchers.iter().any(|matcher| matches(matcher, observed)),
            Self::Includes(part) => observed.and_then(Value::as_str).is_some_and(|text| text.contains(part)),
            Self::Length(length) => match observed {
                Some(Value::Array(items)) => items.len() == *length,
                Some(Value::Object(entries)) => entries.len() == *length,
                _ => false,
            },
        }
    }
}

/// Whether each matcher finds an item of its own; lists are short, so trying all is cheap.
fn contains(matchers: &[Matcher], items: &[&Value], matches: &dyn Fn(&Matcher, Option<&Value>) -> bool) -> bool {
    let Some((first, rest)) = matchers.split_first() else { return true };
    (0..items.len()).any(|index| {
        let mut others = items.to_vec();
        let item = others.remove(index);
        matches(first, Some(item)) && contains(rest, &others, matches)
    })
}

/// A sentence in which each `$name` is followed by what it stands for.
fn named(sentence: &str, saved: &BTreeMap<String, Value>) -> String {
    let name = |sentence: String, (name, value): (&String, &Value)| {
        sentence.replace(&format!("\"${name}\""), &format!("{value} (${name})"))
    };
    saved.iter().fold(sentence.to_string(), name)
}

/// A literal, or what was saved under its name; nothing, if nothing was.
fn resolve(literal: &Value, saved: &BTreeMap<String, Value>) -> Option<Value> {
    match literal.as_str().and_then(|text| text.strip_prefix('$')) {
        Some(name) => saved.get(name).cloned(),
        None => Some(literal.clone()),
    }
}

/// Where expectation and observation part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Keys and positions that lead there.
    pub path: Vec<String>,
    /// What the vector asks for.
    pub expected: String,
    /// What was observed.
    pub observed: String,
}

impl Mismatch {
    fn under(mut self, key: &str) -> Self {
        self.path.insert(0, key.into());
        self
    }
}

impl std::fmt::Display for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Literal(value) => value.fmt(f),
            Self::Keys(keys) => write_list(f, "{", "}", keys.iter().map(|(key, value)| format!("{key}: {value}"))),
            Self::Items(items) => write_list(f, "[", "]", items.iter().map(ToString::to_string)),
            Self::All(tests) => write_list(f, "", "", tests.iter().map(ToString::to_string)),
        }
    }
}

impl std::fmt::Display for Test {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::In(values) => write_list(f, "one of [", "]", values.iter().map(ToString::to_string)),
            Self::Not(matcher) => write!(f, "not {matcher}"),
            Self::Contains(all) => write_list(f, "a list with [", "]", all.iter().map(ToString::to_string)),
            Self::Absent(true) => f.write_str("nothing"),
            Self::Absent(false) => f.write_str("something"),
            Self::Gte(least) => write!(f, "at least {least}"),
            Self::Lte(most) => write!(f, "at most {most}"),
            Self::OneOf(all) => write_list(f, "one of [", "]", all.iter().map(ToString::to_string)),
            Self::Includes(part) => write!(f, "a text with {part:?}"),
            Self::Length(length) => write!(f, "{length} items"),
        }
    }
}

fn write_list(
    f: &mut std::fmt::Formatter<'_>,
    open: &str,
    close: &str,
    items: impl Iterator<Item = String>,
) -> std::fmt::Result {
    write!(f, "{open}{}{close}", items.collect::<Vec<_>>().join(", "))
}
