//! Takes secrets out of what is kept: whoever reads a report must not be able to act as somebody else.
//!
//! A secret is what an `authorization` or a cookie carries, and what stands under a name such as `token` or `password` in a
//! URL, a header, a form or a JSON body. Once seen in one place, it is taken out wherever else it stands, also as a URL or a
//! JSON text spells it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    binding::render::percent_encoded,
    recording::{Broken, Exchange, Observed, Recorded, Recording},
};

/// What stands in place of a secret.
pub const MASK: &str = "(masked)";

/// What is shorter than a secret could be is left where it has no name.
const SECRET_MIN: usize = 8;

/// Parts of names that say that a secret follows.
const NAMES: [&str; 8] = ["token", "secret", "password", "passwd", "api_key", "apikey", "access_key", "credentials"];

/// Headers that are secrets, or hold them.
const HEADERS: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "set-cookie"];

impl Exchange {
    /// Takes secrets out wherever they stand; what is shorter than a secret could be is left.
    pub fn mask<'a>(&mut self, secrets: impl Iterator<Item = &'a str>) {
        for secret in secrets.filter(|secret| secret.len() >= SECRET_MIN) {
            self.texts().for_each(|text| *text = without(text, secret));
        }
    }

    fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        let texts = [&mut self.url, &mut self.request_body, &mut self.response_body].into_iter();
        texts.chain(self.request_headers.values_mut()).chain(self.response_headers.values_mut())
    }

    /// Takes out what stands under the name of a secret, and tells what it was.
    fn mask_named(&mut self, found: &mut BTreeSet<String>) {
        for (name, value) in self.request_headers.iter_mut().chain(self.response_headers.iter_mut()) {
            if is_secret_header(name) {
                found.extend(value.split([' ', ';', '=', ',']).map(str::to_string));
                *value = MASK.into();
            }
        }
        self.url = mask_url(&self.url, found);
        for body in [&mut self.request_body, &mut self.response_body] {
            match serde_json::from_str::<Value>(body) {
                // One without any keeps its bytes.
                Ok(mut json) => {
                    if mask_json(&mut json, found) {
                        *body = json.to_string();
                    }
                }
                Err(_) if is_form(body) => *body = mask_parameters(body, found),
                // Whatever else it is, and JSON of which the beginning alone is kept.
                Err(_) => *body = mask_quoted(body, found),
            }
        }
    }
}

impl Recorded {
    /// Takes secrets out of whatever the server said, and of what is said of it.
    pub fn mask(&mut self, secrets: &[String]) {
        self.exchanges.iter_mut().for_each(|exchange| exchange.mask(secrets.iter().map(String::as_str)));
        for secret in secrets.iter().filter(|secret| secret.len() >= SECRET_MIN) {
            self.told.answer.iter_mut().for_each(|answer| mask_texts(answer, secret));
            if let Observed::Unexpected(why) = &mut self.observed {
                *why = without(why, secret);
            }
        }
    }
}

impl Recording {
    /// Takes out every secret that has a name, wherever it stands, in all rounds.
    pub fn mask(&mut self) {
        let mut found = BTreeSet::new();
        let mut steps: Vec<&mut Recorded> = self.rounds.iter_mut().flat_map(|round| &mut round.steps).collect();
        for step in &mut steps {
            step.exchanges.iter_mut().for_each(|exchange| exchange.mask_named(&mut found));
            step.told.answer.iter_mut().for_each(|answer| {
                mask_json(answer, &mut found);
            });
        }
        found.retain(|secret| secret.len() >= SECRET_MIN && secret != MASK);
        let secrets: Vec<String> = found.iter().cloned().collect();
        for step in steps {
            step.mask(&secrets);
            // A URL in a sentence may be the only place where its secret stands.
            if let Observed::Unexpected(why) = &mut step.observed {
                *why = mask_text(why, &found);
            }
        }
        if let Some(Broken::Setup(why) | Broken::Gone(why) | Broken::Suite(why) | Broken::TooSlow(why)) =
            &mut self.broken
        {
            *why = mask_text(why, &found);
        }
    }
}

/// A text without a secret, however it is spelt there.
fn without(text: &str, secret: &str) -> String {
    let mut text = text.replace(secret, MASK);
    let in_json = Value::from(secret).to_string();
    for spelt in [percent_encoded(secret), in_json.trim_matches('"').to_string(), secret.replace(' ', "+")] {
        if spelt != secret && spelt.len() >= SECRET_MIN {
            text = text.replace(&spelt, MASK);
        }
    }
    text
}

/// A sentence without secrets.
pub(crate) fn mask_text(text: &str, found: &BTreeSet<String>) -> String {
    let text = found.iter().fold(text.to_string(), |text, secret| without(&text, secret));
    let words = text.split(' ').map(|word| mask_url(word, &mut BTreeSet::new()));
    mask_quoted(&words.collect::<Vec<_>>().join(" "), &mut BTreeSet::new())
}

/// An answer that is quoted in a sentence, or cut: what follows `"…token":"` up to the next quotation mark.
fn mask_quoted(text: &str, found: &mut BTreeSet<String>) -> String {
    let (mut name, mut between) = ("", "");
    let parts = text.split('"').map(|part| {
        let is_value = between.trim() == ":" && is_secret(name);
        (name, between) = (between, part);
        if is_value {
            found.insert(part.to_string());
        }
        if is_value { MASK } else { part }
    });
    parts.collect::<Vec<_>>().join("\"")
}

/// Whether a body is a form as HTML sends it.
fn is_form(body: &str) -> bool {
    body.contains('=') && !body.contains(['{', '<', '"', ' ', '\n'])
}

fn mask_texts(value: &mut Value, secret: &str) {
    match value {
        Value::String(text) => *text = without(text, secret),
        Value::Array(items) => items.iter_mut().for_each(|item| mask_texts(item, secret)),
        Value::Object(entries) => entries.values_mut().for_each(|value| mask_texts(value, secret)),
        _ => {}
    }
}

/// A URL without the password before its host and without secrets among its parameters.
#[must_use]
pub fn mask_url(url: &str, found: &mut BTreeSet<String>) -> String {
    let (url, query) = url.split_once('?').map_or((url, None), |(url, query)| (url, Some(query)));
    let mut masked = match url.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            match rest[..end].rsplit_once('@') {
                Some((user, host)) => {
                    found.extend(user.split(':').map(str::to_string));
                    format!("{scheme}://{MASK}@{host}{}", &rest[end..])
                }
                None => url.to_string(),
            }
        }
        None => url.to_string(),
    };
    if let Some(query) = query {
        masked = format!("{masked}?{}", mask_parameters(query, found));
    }
    masked
}

/// The parameters of a query or a form.
fn mask_parameters(parameters: &str, found: &mut BTreeSet<String>) -> String {
    let parameters = parameters.split('&').map(|parameter| match parameter.split_once('=') {
        Some((name, value)) if is_secret(name) => {
            found.insert(value.to_string());
            format!("{name}={MASK}")
        }
        _ => parameter.to_string(),
    });
    parameters.collect::<Vec<_>>().join("&")
}

/// Takes out what stands under the name of a secret; whether there was any.
fn mask_json(value: &mut Value, found: &mut BTreeSet<String>) -> bool {
    match value {
        Value::Object(entries) => entries.iter_mut().fold(false, |masked, (name, value)| {
            let taken_out = if is_secret(name) || HEADERS.contains(&name.to_lowercase().as_str()) {
                mask_all(value, found)
            } else {
                mask_json(value, found)
            };
            taken_out || masked
        }),
        Value::Array(items) => items.iter_mut().filter_map(|item| mask_json(item, found).then_some(())).count() > 0,
        _ => false,
    }
}

/// Whatever stands under such a name is secret, also where it is a list.
fn mask_all(value: &mut Value, found: &mut BTreeSet<String>) -> bool {
    match value {
        Value::String(secret) => {
            found.insert(std::mem::replace(secret, MASK.into()));
            true
        }
        Value::Array(items) => items.iter_mut().filter_map(|item| mask_all(item, found).then_some(())).count() > 0,
        other => mask_json(other, found),
    }
}

/// Whether a header is a secret, or holds one.
pub(crate) fn is_secret_header(name: &str) -> bool {
    HEADERS.contains(&name.to_lowercase().as_str()) || is_secret(name)
}

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase().replace('-', "_");
    NAMES.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use super::*;
    use crate::recording::{Observed, Recorded, Round, Told};

    fn exchange(secret: &str) -> Exchange {
        let headers = || BTreeMap::from([("x-api-key".to_string(), format!("key {secret}"))]);
        Exchange {
            method: "POST".into(),
            url: format!("http://server/?token={secret}"),
            request_headers: headers(),
            request_body: format!("{{\"token\":\"{secret}\"}}"),
            status: 401,
            response_headers: headers(),
            response_body: format!("wrong: {secret}"),
        }
    }

    #[test]
    fn secrets_are_taken_out_wherever_a_server_puts_them() {
        let secret = "a-secret-of-the-operator";
        let mut exchange = exchange(secret);
        exchange.mask([secret, "a"].into_iter());
        let shown = serde_json::to_string(&exchange).unwrap();
        assert!(!shown.contains(secret) && shown.matches(MASK).count() == 5, "{shown}");
        assert!(shown.contains("x-api-key"), "what is too short to be a secret was taken out: {shown}");
    }

    #[test]
    fn what_stands_under_the_name_of_a_secret_is_taken_out_everywhere_else_too() {
        let secret = "s3cr3t-of-alice";
        let mut later = exchange(secret);
        later.url = format!("http://alice:{secret}@server/of/{secret}");
        later.request_body = secret.into();
        later.request_headers = BTreeMap::from([("Authorization".into(), format!("Bearer {secret}"))]);
        later.response_headers = BTreeMap::from([("set-cookie".into(), format!("session={secret}; HttpOnly"))]);
        let step = Recorded {
            path: "steps[0]".into(),
            says: "alice registers".into(),
            sent: Duration::ZERO,
            answered: Duration::ZERO,
            observed: Observed::Lost,
            told: Told::default(),
            exchanges: vec![later, exchange(secret)],
            saved: BTreeMap::new(),
        };
        let broken =
            format!("POST http://a:pass-word@server/x answered 401 {{\"access_token\":\"other\",\"k\":\"{secret}\"}}");
        let mut recording =
            Recording { rounds: vec![Round { steps: vec![step] }], broken: Some(Broken::Setup(broken)) };
        recording.mask();
        let shown = format!("{recording:?}");
        assert!(!shown.contains(secret) && !shown.contains("pass-word") && !shown.contains("\"other\""), "{shown}");
        assert!(shown.contains("alice registers") && shown.contains("http://(masked)@server/of/(masked)"), "{shown}");
    }

    #[test]
    fn a_secret_is_taken_out_however_it_is_spelt() {
        let secret = "ab+/c d\"==";
        let mut exchange = exchange("x");
        exchange.url = "http://server/?key=ab%2B%2Fc%20d%22%3D%3D".into();
        exchange.request_body = "key=ab+/c+d\"==".into();
        exchange.response_body = r#"{ "key": "ab+/c d\"==" }"#.into();
        exchange.mask(std::iter::once(secret));
        assert_eq!(exchange.url, "http://server/?key=(masked)");
        assert_eq!(exchange.request_body, "key=(masked)");
        assert_eq!(exchange.response_body, r#"{ "key": "(masked)" }"#);
    }

    #[test]
    fn forms_lists_and_bodies_that_are_cut_have_names_for_secrets_too() {
        for (body, masked) in [
            ("user=bob&password=p%40ss+word", "user=bob&password=(masked)"),
            (r#"{"access_tokens":["one-of-two","two-of-two"]}"#, r#"{"access_tokens":["(masked)","(masked)"]}"#),
            (r#"{"token": "one-of-two", "then": "… (7 byt"#, r#"{"token": "(masked)", "then": "… (7 byt"#),
            (r#"<input name="token" value="7">"#, r#"<input name="token" value="7">"#),
        ] {
            let mut exchange = exchange("x");
            exchange.request_body = body.into();
            exchange.mask_named(&mut BTreeSet::new());
            assert_eq!(exchange.request_body, masked);
        }
    }

    #[test]
    fn what_was_observed_and_a_whole_answer_are_masked_too() {
        let mut step = Recorded {
            path: "steps[0]".into(),
            says: "bob claims".into(),
            sent: Duration::ZERO,
            answered: Duration::ZERO,
            observed: Observed::Unexpected("no answer: GET http://a:pass-word@server/?token=s3cr3t-of-alice".into()),
            told: Told { answer: Some(serde_json::json!({ "body": ["of s3cr3t-of-alice"] })), ..Told::default() },
            exchanges: vec![exchange("s3cr3t-of-alice")],
            saved: BTreeMap::new(),
        };
        step.exchanges[0].url = "http://server/".into();
        let mut recording = Recording { rounds: vec![Round { steps: vec![step] }], broken: None };
        recording.mask();
        let shown = format!("{recording:?}");
        assert!(!shown.contains("s3cr3t-of-alice") && !shown.contains("pass-word"), "{shown}");
        assert!(shown.contains("of (masked)") && shown.contains("http://(masked)@server/?token=(masked)"), "{shown}");
    }

    #[test]
    fn a_body_without_secrets_keeps_its_bytes() {
        let mut found = BTreeSet::new();
        let mut exchange = exchange("x");
        exchange.request_body = "{ \"b\": 1,  \"a\": 2 }".into();
        exchange.mask_named(&mut found);
        assert_eq!(exchange.request_body, "{ \"b\": 1,  \"a\": 2 }");
    }
}
