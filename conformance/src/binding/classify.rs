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
        items.into_iter().map(|item| self.record(item)).collect()
    }

    fn record(&self, item: &Value) -> Result<Record, String> {
        let mut record = Record::new();
        for (name, field) in &self.fields {
            if let Some(value) = item.pointer(&field.at).filter(|value| !value.is_null()) {
                record.insert(name.clone(), field.value(value)?);
            }
        }
        Ok(record)
    }
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
