//! Small values of a binding that YAML writes in several ways: words and numbers, status codes and their classes.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, de::Error as _};
use serde_json::Value;

use crate::yaml;

/// A text, a number, or a truth value.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar(pub Value);

impl Scalar {
    /// As text: `true`, `7`, `word`.
    #[must_use]
    pub fn text(&self) -> String {
        text_of(&self.0)
    }
}

/// A JSON value as text, without quotation marks around a string.
#[must_use]
pub fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = yaml::to_json(&yaml::Value::deserialize(deserializer)?).map_err(D::Error::custom)?;
        match value {
            Value::Array(_) | Value::Object(_) => Err(D::Error::custom("a word or a number is expected here")),
            scalar => Ok(Self(scalar)),
        }
    }
}

impl JsonSchema for Scalar {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer", "boolean", "null"] })
    }
}

/// Status codes: `200`, `2xx`, or a list of such.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statuses(Vec<(u16, u16)>);

impl Statuses {
    /// Whether this one is meant.
    #[must_use]
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&status))
    }

    /// Whether every one of these is meant here too.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|(first, last)| (*first..=*last).all(|status| self.contains(status)))
    }
}

impl<'de> Deserialize<'de> for Statuses {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let one = |value: &yaml::Value| {
            let wrong = || D::Error::custom("a status such as 200, or a class such as 2xx, is expected");
            if let Some(status) = value.as_u64() {
                let status = u16::try_from(status).ok().filter(|status| (100..=599).contains(status));
                return status.map(|status| (status, status)).ok_or_else(wrong);
            }
            let class = value.as_str().and_then(|text| text.strip_suffix("xx")).ok_or_else(wrong)?;
            let class = class.parse().ok().filter(|class: &u16| (1..=5).contains(class)).ok_or_else(wrong)?;
            Ok((class * 100, class * 100 + 99))
        };
        match &yaml::Value::deserialize(deserializer)? {
            yaml::Value::Sequence(all) if !all.is_empty() => all.iter().map(one).collect::<Result<_, _>>().map(Self),
            value => one(value).map(|one| Self(vec![one])),
        }
    }
}

impl JsonSchema for Statuses {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Statuses".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = serde_json::json!({
            "anyOf": [{ "type": "integer", "minimum": 100, "maximum": 599 }, { "type": "string", "pattern": "^[1-5]xx$" }],
        });
        json_schema!({ "anyOf": [one.clone(), { "type": "array", "items": one, "minItems": 1 }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statuses(yaml: &str) -> Result<Statuses, String> {
        yaml::read("test", yaml).map_err(|error| error.message)
    }

    #[test]
    fn statuses_are_numbers_classes_and_lists_and_nothing_else() {
        let some = statuses("[200, 4xx]").unwrap();
        assert!(some.contains(200) && some.contains(404) && !some.contains(201) && !some.contains(500));
        assert!(statuses("2xx").unwrap().covers(&statuses("[200, 204]").unwrap()));
        assert!(!statuses("200").unwrap().covers(&statuses("2xx").unwrap()));
        for wrong in ["9xx", "xx", "42", "soon", "[]", "{ a: 1 }", "-1", "2.5"] {
            let says = statuses(wrong).unwrap_err();
            assert!(says.contains("a status such as 200") || says.contains("data did not match"), "{wrong}: {says}");
        }
    }
}
