//! Fills the templates of a binding with the values of one operation.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{
    binding::{Request, scalar::text_of},
    yaml,
};

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
    /// Whether the path is one variable alone: a link that an answer gave.
    pub(crate) fn is_link(&self) -> bool {
        self.path.starts_with('{') && self.path.ends_with('}') && self.path.matches('{').count() == 1
    }

    /// Whether it says who asks, beside what authenticates it.
    pub(crate) fn names_who_asks(&self) -> bool {
        let json = self.json.as_ref().and_then(|json| yaml::to_json(json).ok()).map(|json| json.to_string());
        let texts = self.query.values().chain(self.headers.values()).chain(self.form.values()).chain(&self.bytes);
        let mut texts = texts.chain([&self.path]).chain(&json);
        texts.any(|text| used(text).any(|name| name.starts_with("as_")))
    }

    /// Fills the template.
    ///
    /// # Errors
    ///
    /// Names a variable that the path, or a body of bytes, needs and that has no value.
    pub fn render(&self, variables: &Variables) -> Result<Rendered, Missing> {
        let link = self.is_link();
        let mut path = text(&self.path, variables, if link { &|link| link.into() } else { &percent_encoded })?;
        for (name, template) in &self.query {
            if let Ok(value) = text(template, variables, &percent_encoded) {
                let separator = if path.contains('?') { '&' } else { '?' };
                path.push_str(&format!("{separator}{}={value}", percent_encoded(name)));
            }
        }
        let mut headers = BTreeMap::new();
        for (name, template) in &self.headers {
            if let Ok(value) = text(template, variables, &|value| value.into()) {
                headers.insert(name.to_lowercase(), value);
            }
        }
        let body = self.body(variables)?;
        let body = body.map(|(media_type, body)| {
            headers.entry("content-type".into()).or_insert_with(|| media_type.into());
            body
        });
        Ok(Rendered { method: self.method.clone(), path, headers, body })
    }

    /// The body with its media type.
    fn body(&self, variables: &Variables) -> Result<Option<(&'static str, Vec<u8>)>, Missing> {
        if let Some(template) = &self.json {
            let template = yaml::to_json(template).map_err(Missing)?;
            let body = json(&template, variables).unwrap_or(Value::Object(Map::new()));
            return Ok(Some(("application/json", body.to_string().into_bytes())));
        }
        if let Some(template) = &self.bytes {
            let encoded = text(template, variables, &|value| value.into())?;
            let bytes = data_encoding::BASE64.decode(encoded.as_bytes());
            let bytes = bytes.map_err(|_| Missing(format!("{template} as base64").replace(['{', '}'], "")))?;
            return Ok(Some(("application/octet-stream", bytes)));
        }
        if self.form.is_empty() {
            return Ok(None);
        }
        let fields = self.form.iter().filter_map(|(name, template)| {
            let value = text(template, variables, &percent_encoded).ok()?;
            Some(format!("{}={value}", percent_encoded(name)))
        });
        let fields: Vec<_> = fields.collect();
        Ok(Some(("application/x-www-form-urlencoded", fields.join("&").into_bytes())))
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
    while let Some((before, name, after)) = next(rest) {
        filled.push_str(before);
        let value = variables.get(name).ok_or_else(|| Missing(name.into()))?;
        filled.push_str(&encode(&text_of(value)));
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Fills a template that stands for a whole value: a variable alone keeps its type.
///
/// # Errors
///
/// Names a variable that has no value.
pub fn value(template: &str, variables: &Variables) -> Result<Value, Missing> {
    match next(template) {
        Some(("", name, "")) => variables.get(name).cloned().ok_or_else(|| Missing(name.into())),
        _ => text(template, variables, &|value| value.into()).map(Value::String),
    }
}

/// Every variable that a template uses.
pub fn used(template: &str) -> impl Iterator<Item = &str> {
    let mut rest = template;
    std::iter::from_fn(move || {
        let (_, name, after) = next(rest)?;
        rest = after;
        Some(name)
    })
}

/// What stands before the first variable, its name, and what follows. Braces around anything but a name are text.
fn next(template: &str) -> Option<(&str, &str, &str)> {
    template.match_indices('{').find_map(|(at, _)| {
        let (name, after) = template[at + 1..].split_once('}')?;
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        is_name.then(|| (&template[..at], name, after))
    })
}

/// Fills a JSON template; `None` where its variable has no value.
fn json(template: &Value, variables: &Variables) -> Option<Value> {
    match template {
        Value::String(template) => value(template, variables).ok(),
        Value::Array(items) => Some(items.iter().filter_map(|item| json(item, variables)).collect()),
        Value::Object(entries) => {
            if let Some(form) = Form::of(entries) {
                return form.fill(variables);
            }
            let entry = |(key, value): (&String, &Value)| {
                Some((text(key, variables, &|value| value.into()).ok()?, json(value, variables)?))
            };
            Some(Value::Object(entries.iter().filter_map(entry).collect()))
        }
        literal => Some(literal.clone()),
    }
}

/// An object of a template that is not meant as it stands.
pub(crate) enum Form<'a> {
    /// `{ each: list, item: … }`: a list.
    Items(&'a str, &'a Value),
    /// `{ each: list, key: …, value: … }`: an object.
    Entries(&'a str, &'a str, &'a Value),
    /// `{ first: list, item: … }`: what its first item becomes; nothing, where it is empty.
    First(&'a str, &'a Value),
    /// `{ of: "{kind}", words: { regular: once } }`: a value in the server's own words; one that has none stays as it is.
    Words(&'a str, &'a Map<String, Value>),
}

impl<'a> Form<'a> {
    /// What an object says, where it is not meant as it stands.
    pub(crate) fn of(entries: &'a Map<String, Value>) -> Option<Self> {
        let text = |name: &str| entries.get(name).and_then(Value::as_str);
        if let (Some(of), Some(Value::Object(words)), 2) = (text("of"), entries.get("words"), entries.len()) {
            return Some(Self::Words(of, words));
        }
        match (text("each"), text("first"), entries.len()) {
            (Some(list), None, 2) => Some(Self::Items(list, entries.get("item")?)),
            (Some(list), None, 3) => Some(Self::Entries(list, text("key")?, entries.get("value")?)),
            (None, Some(list), 2) => Some(Self::First(list, entries.get("item")?)),
            _ => None,
        }
    }

    fn fill(&self, variables: &Variables) -> Option<Value> {
        let each = |list: &str| Some(items(list, variables)?.into_iter());
        match self {
            Self::Items(list, item) => Some(each(list)?.filter_map(|variables| json(item, &variables)).collect()),
            Self::First(list, item) => json(item, &each(list)?.next()?),
            Self::Entries(list, key, value) => {
                let entry = |variables: Variables| {
                    Some((text(key, &variables, &|value| value.into()).ok()?, json(value, &variables)?))
                };
                Some(Value::Object(each(list)?.filter_map(entry).collect()))
            }
            Self::Words(of, words) => {
                let value = value(of, variables).ok()?;
                Some(words.get(&text_of(&value)).cloned().unwrap_or(value))
            }
        }
    }
}

/// The variables of each item of a list, beside all others; `None` where there is no such list.
#[must_use]
pub fn items(list: &str, variables: &Variables) -> Option<Vec<Variables>> {
    let items = variables.get(list)?.as_array()?;
    let with = |item: &Value| {
        let mut variables = variables.clone();
        variables.extend(item.as_object()?.clone());
        Some(variables)
    };
    Some(items.iter().filter_map(with).collect())
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
    fn lists_become_objects_and_first_items_and_names_in_json_may_be_variables() {
        let request = request(
            "method: POST\npath: /\njson: { '{user}': { each: packages, key: 'id:{bytes}', value: { b: '{bytes}' } },\
             one: { first: packages, item: '{bytes}' }, none: { first: nothing, item: 1 }, each: here }",
        );
        let body: Value = serde_json::from_slice(&request.render(&variables()).unwrap().body.unwrap()).unwrap();
        let keys = json!({ "id:AA==": { "b": "AA==" }, "id:AQ==": { "b": "AQ==" } });
        assert_eq!(body, json!({ "acct:a@b": keys, "one": "AA==", "each": "here" }));
    }

    #[test]
    fn a_value_goes_out_in_the_words_of_the_server() {
        let request = request(
            "method: POST\npath: /\njson: { role: { of: '{id}', words: { '7': seven } }, same: { of: '{user}', words: { '7': x } },\
             none: { of: '{nobody}', words: {} }, plain: { of: '{id}', words: {}, more: 1 } }",
        );
        let body = request.render(&variables()).unwrap().body.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&body["role"], body.get("none")), (&"seven".into(), None));
        assert_eq!(Some(&body["same"]), variables().get("user"));
        assert_eq!(body["plain"], json!({ "of": "7", "words": {}, "more": 1 }));
    }

    #[test]
    fn bodies_may_be_bytes_or_forms_and_query_parameters_without_a_value_are_left_out() {
        let bytes = request("method: PUT\npath: /k\nbytes: '{raw}'\nquery: { u: '{user}', n: '{nobody}', id: '{id}' }");
        let mut variables = variables();
        variables.insert("raw".into(), "AP8=".into());
        let rendered = bytes.render(&variables).unwrap();
        assert_eq!((rendered.path.as_str(), rendered.body), ("/k?id=7&u=acct%3Aa%40b", Some(vec![0, 255])));
        assert_eq!(rendered.headers["content-type"], "application/octet-stream");
        let form =
            request("method: POST\npath: /\nform: { u: '{user}', gone: '{nobody}' }").render(&variables).unwrap();
        assert_eq!(form.body.unwrap(), b"u=acct%3Aa%40b");
        assert_eq!(
            request("method: PUT\npath: /\nbytes: '{user}'").render(&variables),
            Err(Missing("user as base64".into()))
        );
    }

    #[test]
    fn braces_around_anything_but_a_name_are_text() {
        let filled = |template: &str| text(template, &variables(), &|value| value.into());
        assert_eq!(filled(r#"{"id":{id},"x":{}} {a b} {id"#), Ok(r#"{"id":7,"x":{}} {a b} {id"#.into()));
        assert_eq!(used(r#"{"a":{id}}{user}{"#).collect::<Vec<_>>(), ["id", "user"]);
    }

    #[test]
    fn a_path_without_its_variable_is_an_error_that_names_it() {
        let request = request("method: GET\npath: '/v1/{nobody}'");
        assert_eq!(request.render(&variables()), Err(Missing("nobody".into())));
    }
}
