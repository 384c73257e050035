//! What an HTTP answer means, by the outcomes of a binding.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    binding::{Encoding, Exchange, Field, Outcome, Reading},
    vector::expect::Reason,
};

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

impl Exchange {
    /// The meaning of an answer with this status and body.
    #[must_use]
    pub fn classify(&self, status: u16, body: &[u8]) -> Meaning {
        let json: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        match self.outcomes.iter().find(|outcome| outcome.fits(status, &json)) {
            Some(Outcome { ok: Some(reading), .. }) => match reading.read(&json) {
                Ok(records) => Meaning::Ok(records),
                Err(why) => Meaning::Unexpected(why),
            },
            Some(Outcome { refused: Some(reason), .. }) => Meaning::Refused(*reason),
            Some(_) => Meaning::Ok(vec![]),
            None => Meaning::Unexpected(format!("the binding has no outcome for status {status} with this body")),
        }
    }

    /// After how many seconds an answer says to ask again; nothing, where it does not say so in seconds.
    #[must_use]
    pub fn retry_after(&self, status: u16, headers: &BTreeMap<String, String>, body: &[u8]) -> Option<u64> {
        let json: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let outcome = self.outcomes.iter().find(|outcome| outcome.fits(status, &json))?;
        headers.get(&outcome.retry_after.as_ref()?.header.to_lowercase())?.trim().parse().ok()
    }
}

impl Outcome {
    fn fits(&self, status: u16, body: &Value) -> bool {
        let at = |(pointer, expected): (&String, &String)| {
            body.pointer(pointer).is_some_and(|value| {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_string);
                text == *expected
            })
        };
        self.when.status == status && self.when.json.iter().all(at)
    }
}

impl Reading {
    fn read(&self, body: &Value) -> Result<Vec<Record>, String> {
        let items: Vec<&Value> = match &self.each {
            None => vec![body],
            Some(pointer) => {
                let list = body.pointer(pointer).and_then(Value::as_array);
                list.ok_or_else(|| format!("no list at {pointer}"))?.iter().collect()
            }
        };
        let beside = (!self.beside.is_empty()).then(|| record(&self.beside, body));
        beside.into_iter().chain(items.into_iter().map(|item| record(&self.fields, item))).collect()
    }
}

fn record(fields: &BTreeMap<String, Field>, item: &Value) -> Result<Record, String> {
    let mut record = Record::new();
    for (name, field) in fields {
        if let Some(value) = item.pointer(&field.at).filter(|value| !value.is_null()) {
            record.insert(name.clone(), field.value(value)?);
        }
    }
    Ok(record)
}

impl Field {
    fn value(&self, value: &Value) -> Result<Value, String> {
        if let Some(word) = value.as_str().and_then(|text| self.words.get(text)) {
            return Ok(word.as_str().into());
        }
        let Some(encoding) = self.decode else { return Ok(value.clone()) };
        let text = value.as_str().ok_or_else(|| format!("no text at {}", self.at))?;
        let decoded = match encoding {
            Encoding::Base64 => data_encoding::BASE64.decode(text.as_bytes()),
            Encoding::Base64url => data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()),
        };
        let bytes = decoded.map_err(|error| format!("{} is not {encoding:?}: {error}", self.at))?;
        Ok(data_encoding::HEXLOWER.encode(&bytes).into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn exchange(outcomes: &str) -> Exchange {
        crate::yaml::read("test", &format!("request: {{ method: GET, path: / }}\noutcomes: {outcomes}")).unwrap()
    }

    #[test]
    fn a_refusal_tells_when_to_ask_again_in_seconds_or_not_at_all() {
        let exchange =
            exchange("[{ when: { status: 429 }, refused: rate_limited, retry_after: { header: Retry-After } }]");
        let told = |status, value: &str| {
            exchange.retry_after(status, &BTreeMap::from([("retry-after".into(), value.into())]), b"")
        };
        assert_eq!((told(429, "3"), told(429, " 3 "), told(420, "3")), (Some(3), Some(3), None));
        assert_eq!((told(429, "-1"), told(429, "soon"), told(429, "1.5")), (None, None, None));
    }

    #[test]
    fn what_stands_beside_a_list_is_a_record_of_its_own() {
        let exchange = exchange(
            "[{ when: { status: 200 }, ok: { beside: { digest: { at: /digest } }, each: /all, fields: { a: { at: /a } } } }]",
        );
        let body = json!({ "digest": "d", "all": [{ "a": 1 }, { "a": 2 }] }).to_string();
        let Meaning::Ok(records) = exchange.classify(200, body.as_bytes()) else { panic!("{body}") };
        let of = |name: &str, value: Value| Record::from([(name.to_string(), value)]);
        assert_eq!(records, [of("digest", "d".into()), of("a", 1.into()), of("a", 2.into())]);
    }
}
