//! What an HTTP answer means, by the outcomes of a binding.

mod look;

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::{Value, json};

use crate::{
    binding::{
        Exchange, Field, Outcome, Reading, When,
        place::{self, Found},
        render::{self, Variables},
        scalar::text_of,
    },
    vector::expect::Reason,
};

pub use look::{Look, Nothing};

/// An answer, as far as its meaning goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// It succeeded and says this.
    Ok(Vec<Record>),
    /// It was refused.
    Refused(Reason),
    /// The binding has no word for it.
    Unexpected(String),
}

/// The fields of one item, bytes as `Value::String` in lower-case hexadecimal.
pub type Record = BTreeMap<String, Value>;

/// The kind that stands for the role in which the granted package was published.
pub(crate) const AS_PUBLISHED: &str = "as_published";

/// An answer as it came.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: &'a BTreeMap<String, String>,
    /// The body.
    pub body: &'a [u8],
}

impl Exchange {
    /// The meaning of an answer to a request with these variables.
    #[must_use]
    pub fn classify(&self, given: Given<'_>, variables: &Variables) -> Meaning {
        let body = given.json();
        match self.outcomes.iter().find(|outcome| outcome.when.fits(given, &body, variables)) {
            Some(Outcome { ok: Some(reading), .. }) => match reading.read(given, &body, variables) {
                Ok(records) => Meaning::Ok(records),
                Err(why) => Meaning::Unexpected(why),
            },
            Some(Outcome { refused: Some(reason), .. }) => Meaning::Refused(*reason),
            Some(_) => Meaning::Ok(vec![]),
            None => {
                let nothing = format!("the binding has no outcome for status {} with this body", given.status);
                // A server that fails is told apart from one whose words the binding lacks.
                let mend = if given.status >= 500 {
                    ""
                } else {
                    "; if it is a good answer, it lacks a line for it (kpd doctor)"
                };
                Meaning::Unexpected(nothing + mend)
            }
        }
    }

    /// The reading of the outcome that fits an answer.
    #[must_use]
    pub fn reading(&self, given: Given<'_>, variables: &Variables) -> Option<&Reading> {
        let body = given.json();
        self.outcomes.iter().find(|outcome| outcome.when.fits(given, &body, variables))?.ok.as_ref()
    }

    /// After how many seconds an answer says to ask again; nothing, where it does not say so in whole numbers.
    #[must_use]
    pub fn retry_after(&self, given: Given<'_>, variables: &Variables) -> Option<u64> {
        let body = given.json();
        let outcome = self.outcomes.iter().find(|outcome| outcome.when.fits(given, &body, variables))?;
        let told = outcome.retry_after.as_ref()?;
        if let Some(header) = &told.header {
            return given.headers.get(&header.to_lowercase())?.trim().parse().ok();
        }
        let found = place::find(&body, told.milliseconds.as_ref()?, variables).ok()??;
        found.value.as_u64().map(|milliseconds| milliseconds.div_ceil(1000))
    }

    /// The values of a successful answer that later requests use.
    #[must_use]
    pub fn saved(&self, given: Given<'_>, variables: &Variables) -> Variables {
        let body = given.json();
        let at = |place: &String| Some(place::find(&body, place, variables).ok()??.value.clone());
        let of_body = self.save.iter().filter_map(|(name, place)| Some((name.clone(), at(place)?)));
        let header = |name: &String| Some(given.headers.get(&name.to_lowercase())?.as_str().into());
        let of_headers = self.save_headers.iter().filter_map(|(name, of)| Some((name.clone(), header(of)?)));
        of_body.chain(of_headers).collect()
    }
}

impl Given<'_> {
    fn json(&self) -> Value {
        serde_json::from_slice(self.body).unwrap_or(Value::Null)
    }
}

impl When {
    fn fits(&self, given: Given<'_>, body: &Value, variables: &Variables) -> bool {
        let at = |place: &String| place::find(body, place, variables).ok().flatten().map(|found| text_of(found.value));
        let header = |name: &String| given.headers.get(&name.to_lowercase()).cloned();
        self.status.contains(given.status)
            && self.json.iter().all(|(place, expected)| at(place) == Some(expected.text()))
            && self.headers.iter().all(|(name, expected)| header(name) == Some(expected.text()))
            && self.has.iter().all(|place| at(place).is_some())
            && self.lacks.iter().all(|place| at(place).is_none())
    }
}

impl Reading {
    fn read(&self, given: Given<'_>, body: &Value, variables: &Variables) -> Result<Vec<Record>, String> {
        let read = |fields, item| record(fields, &Item { given, of: item, variables });
        let beside = (!self.beside.is_empty()).then(|| read(&self.beside, Found { value: body, key: None }));
        let items = match &self.each {
            None => vec![Found { value: body, key: None }],
            Some(place) => self.items(place, body, variables)?,
        };
        beside.into_iter().chain(items.into_iter().map(|item| read(&self.fields, item))).collect()
    }

    fn items<'a>(&self, place: &str, body: &'a Value, variables: &Variables) -> Result<Vec<Found<'a>>, String> {
        match place::find(body, place, variables).map_err(|error| error.to_string())?.map(|found| found.value) {
            Some(Value::Array(items)) => Ok(items.iter().map(|value| Found { value, key: None }).collect()),
            Some(Value::Object(entries)) => {
                Ok(entries.iter().map(|(key, value)| Found { value, key: Some(key.as_str()) }).collect())
            }
            None if self.optional => Ok(vec![]),
            _ => Err(format!("no list and no object at {place}")),
        }
    }
}

/// What the fields of one record are read from.
struct Item<'a> {
    given: Given<'a>,
    of: Found<'a>,
    variables: &'a Variables,
}

impl<'a> Item<'a> {
    /// Those of the operation, and the name under which the item stands.
    fn variables(&self) -> Cow<'a, Variables> {
        let Some(key) = self.of.key else { return Cow::Borrowed(self.variables) };
        let mut variables = self.variables.clone();
        variables.insert("item".into(), key.into());
        Cow::Owned(variables)
    }
}

fn record(fields: &BTreeMap<String, Field>, item: &Item<'_>) -> Result<Record, String> {
    let mut record = Record::new();
    for (name, field) in fields {
        let value = field.read(item).map_err(|why| format!("{name}: {why}"))?;
        record.extend(value.map(|value| (name.clone(), value)));
    }
    Ok(record)
}

impl Field {
    fn read(&self, item: &Item<'_>) -> Result<Option<Value>, String> {
        if self.body {
            return Ok(Some(data_encoding::HEXLOWER.encode(item.given.body).into()));
        }
        match self.raw(item)? {
            None => Ok(self.absent.as_ref().map(|value| value.0.clone())),
            Some(value) => self.value(&value).map(Some),
        }
    }

    /// What is there, as it is there.
    fn raw(&self, item: &Item<'_>) -> Result<Option<Value>, String> {
        let variables = item.variables();
        let find = |place: &String| place::find(item.of.value, place, &variables).map_err(|error| error.to_string());
        if let Some(place) = &self.at {
            return Ok(find(place)?.map(|found| found.value.clone()));
        }
        if let Some(place) = &self.key_of {
            let found = if place.is_empty() { Some(item.of) } else { find(place)? };
            return Ok(found.and_then(|found| found.key).map(Value::from));
        }
        if let Some(place) = &self.count {
            return Ok(find(place)?.and_then(|found| {
                let list = found.value.as_array().map(Vec::len);
                list.or_else(|| found.value.as_object().map(serde_json::Map::len)).map(Value::from)
            }));
        }
        if let Some(name) = &self.header {
            return Ok(item.given.headers.get(&name.to_lowercase()).map(|value| value.as_str().into()));
        }
        match self.is.as_ref().map(|is| &is.0) {
            Some(Value::String(template)) => {
                render::value(template, item.variables).map_err(|error| error.to_string()).map(Some)
            }
            other => Ok(other.cloned()),
        }
    }

    fn value(&self, value: &Value) -> Result<Value, String> {
        let cut = match (&self.after, value.as_str()) {
            (Some(before), Some(text)) => Some(
                text.strip_prefix(before.as_str())
                    .ok_or_else(|| format!("{text} does not begin with {before}"))?
                    .into(),
            ),
            _ => None,
        };
        let value = cut.as_ref().unwrap_or(value);
        if let Some(word) = self.words.get(&text_of(value)).or(self.otherwise.as_ref()) {
            return Ok(word.0.clone());
        }
        let Some(encoding) = self.decode else { return Ok(value.clone()) };
        let text = value.as_str().ok_or("no text that could be decoded")?;
        let bytes = encoding.decode(text).map_err(|error| format!("not {encoding:?}: {error}"))?;
        Ok(data_encoding::HEXLOWER.encode(&bytes).into())
    }
}

/// What each client of a user gave that an answer leaves out.
pub(crate) fn left_out(kind: &str, client: &str) -> Record {
    let record = json!({ "client": client, "kind": kind });
    record.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests;
