//! Fills the templates of a binding with the values of one operation.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{binding::Request, yaml};

/// The variables of one operation.
pub type Variables = BTreeMap<String, Value>;

/// A request, ready to be authenticated and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Option<Vec<u8>>,
}

/// A template asks for a variable that has no value here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the binding uses {{{0}}}, which has no value in this operation")]
pub struct Missing(pub String);

impl Request {
    /// Fills the template.
    ///
    /// # Errors
    ///
    /// Names a variable that the path needs and that has no value.
    pub fn render(&self, variables: &Variables) -> Result<Rendered, Missing> {
        let link = self.path.starts_with('{') && self.path.ends_with('}') && self.path.matches('{').count() == 1;
        let path = text(&self.path, variables, if link { &|link| link.into() } else { &percent_encoded })?;
        let mut headers = BTreeMap::new();
        for (name, template) in &self.headers {
            if let Ok(value) = text(template, variables, &|value| value.into()) {
                headers.insert(name.to_lowercase(), value);
            }
        }
        let body = match &self.json {
            None => None,
            Some(template) => {
                let template = yaml::to_json(template).map_err(Missing)?;
                let body = json(&template, variables).unwrap_or(Value::Object(Map::new()));
                headers.entry("content-type".into()).or_insert_with(|| "application/json".into());
                Some(body.to_string().into_bytes())
            }
        };
        Ok(Rendered { method: self.method.clone(), path, headers, body })
    }
}

/// Fills a text template.
///
/// # Errors
///
/// Names a variable that has no value.
pub fn text(template: &str, variables: &Variables, encode: &dyn Fn(&str) -> String) -> Result<String, Missing> {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        filled.push_str(before);
        let value = variables.get(name).ok_or_else(|| Missing(name.into()))?;
        filled.push_str(&encode(&value.as_str().map_or_else(|| value.to_string(), str::to_string)));
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Fills a JSON template; `None` where its variable has no value.
fn json(template: &Value, variables: &Variables) -> Option<Value> {
    match template {
        Value::String(template) => {
            let whole = template.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            match whole.filter(|name| !name.contains('{')) {
                Some(name) => variables.get(name).cloned(),
                None => text(template, variables, &|value| value.into()).ok().map(Value::String),
            }
        }
        Value::Array(items) => Some(items.iter().filter_map(|item| json(item, variables)).collect()),
        Value::Object(entries) => {
            if let (Some(Value::String(list)), Some(item)) = (entries.get("each"), entries.get("item")) {
                return each(list, item, variables);
            }
            let entry = |(key, value): (&String, &Value)| {
                Some((text(key, variables, &|value| value.into()).ok()?, json(value, variables)?))
            };
            Some(Value::Object(entries.iter().filter_map(entry).collect()))
        }
        literal => Some(literal.clone()),
    }
}

/// A list of variables becomes a list of filled templates.
fn each(list: &str, item: &Value, variables: &Variables) -> Option<Value> {
    let items = variables.get(list)?.as_array()?;
    let filled = items.iter().filter_map(|values| {
        let mut variables = variables.clone();
        variables.extend(values.as_object()?.clone());
        json(item, &variables)
    });
    Some(filled.collect())
}

/// As a path segment: everything but the unreserved characters of RFC 3986 §2.3 is encoded.
#[must_use]
pub fn percent_encoded(segment: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    segment.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn variables() -> Variables {
        let value = json!({
            "user": "acct:a@b", "suites": [1], "id": "7",
            "packages": [{ "bytes": "AA==" }, { "bytes": "AQ==" }],
        });
        value.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    fn request(yaml: &str) -> Request {
        crate::yaml::read("test", yaml).unwrap()
    }

    #[test]
    fn variables_go_into_path_headers_keys_and_values() {
        let request = request(
            "method: POST\npath: '/v1/{user}/x?id={id}'\nheaders: { Idempotency-Key: '{key}', X-Id: 'n{id}' }\n\
             json: { '{user}': { suites: '{suites}', gone: '{key}' }, list: { each: packages, item: { b: '{bytes}' } } }",
        );
        let rendered = request.render(&variables()).unwrap();
        assert_eq!(rendered.path, "/v1/acct%3Aa%40b/x?id=7");
        let link = self::request("method: GET\npath: '{user}'").render(&variables()).unwrap();
        assert_eq!(link.path, "acct:a@b", "what is all of the path is a link");
        assert_eq!(rendered.headers.get("x-id").map(String::as_str), Some("n7"));
        assert!(!rendered.headers.contains_key("idempotency-key"));
        let body: Value = serde_json::from_slice(&rendered.body.unwrap()).unwrap();
        assert_eq!(body, json!({ "acct:a@b": { "suites": [1] }, "list": [{ "b": "AA==" }, { "b": "AQ==" }] }));
    }

    #[test]
    fn a_path_without_its_variable_is_an_error_that_names_it() {
        let request = request("method: GET\npath: '/v1/{nobody}'");
        assert_eq!(request.render(&variables()), Err(Missing("nobody".into())));
    }
}
