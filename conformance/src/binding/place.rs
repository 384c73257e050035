//! Places in a JSON body: JSON Pointers (RFC 6901), with variables, and with `*` for the only entry.

use serde_json::Value;

use crate::binding::render::{self, Missing, Variables};

/// What stands at a place, and the name or number under which its last step stands there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found<'a> {
    /// The value.
    pub value: &'a Value,
    /// The name in an object.
    pub key: Option<&'a str>,
}

/// Why a place cannot be looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPlace {
    /// A variable has no value.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// More than one entry, where `*` stands for the only one.
    #[error("there are {count} entries at {place}, where `*` stands for the only one")]
    Several {
        /// The place.
        place: String,
        /// How many.
        count: usize,
    },
}

/// What stands at `place`; nothing, where nothing does, or JSON's null.
///
/// # Errors
///
/// A variable without a value, or `*` with more than one entry.
pub fn find<'a>(body: &'a Value, place: &str, variables: &Variables) -> Result<Option<Found<'a>>, NoPlace> {
    let place = render::text(place, variables, &escaped)?;
    let mut found = Found { value: body, key: None };
    for segment in place.split('/').skip(1) {
        found = match (found.value, segment) {
            (Value::Object(entries), "*") if entries.len() > 1 => {
                return Err(NoPlace::Several { place, count: entries.len() });
            }
            (Value::Array(items), "*") if items.len() > 1 => {
                return Err(NoPlace::Several { place, count: items.len() });
            }
            (Value::Object(entries), "*") => match entries.iter().next() {
                Some((key, value)) => Found { value, key: Some(key) },
                None => return Ok(None),
            },
            (Value::Array(items), "*") => match items.first() {
                Some(value) => Found { value, key: None },
                None => return Ok(None),
            },
            (Value::Object(entries), segment) => {
                match entries.get_key_value(&segment.replace("~1", "/").replace("~0", "~")) {
                    Some((key, value)) => Found { value, key: Some(key) },
                    None => return Ok(None),
                }
            }
            (Value::Array(items), segment) => match segment.parse().ok().and_then(|index: usize| items.get(index)) {
                Some(value) => Found { value, key: None },
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
    }
    Ok(Some(found).filter(|found| !found.value.is_null()))
}

/// As a segment of a JSON Pointer.
fn escaped(value: &str) -> String {
    value.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_have_variables_and_only_entries() {
        let body = json!({ "keys": { "@a/b:c": { "D1": { "alg:ID": { "key": "k" } }, "D2": {}, "D3": { "x": 1, "y": 2 } } }, "n": null });
        let variables = Variables::from([("user".into(), "@a/b:c".into())]);
        let at = |place: &str| find(&body, place, &variables);
        assert_eq!(at("/keys/{user}/D1/*/key").unwrap().unwrap().value, "k");
        assert_eq!(at("/keys/{user}/D1/*").unwrap().unwrap().key, Some("alg:ID"));
        assert_eq!(
            (at("/keys/{user}/D2/*").unwrap(), at("/n").unwrap(), at("/keys/nobody/x").unwrap()),
            (None, None, None)
        );
        assert_eq!(at("").unwrap().unwrap().value, &body);
        let several = at("/keys/{user}/D3/*").unwrap_err().to_string();
        assert!(several.contains("there are 2 entries"), "{several}");
        assert_eq!(at("/keys/{nobody}"), Err(NoPlace::Missing(Missing("nobody".into()))));
    }
}
