//! Takes secrets out of what is kept: whoever reads a report must not be able to act as somebody else.
//!
//! A secret is what an `authorization` or a cookie carries, and what stands under a name such as `token` or `password` in a
//! URL, a header or a JSON body. Once seen in one place, it is taken out wherever else it stands.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::recording::{Broken, Exchange, Recording};

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
            self.texts().for_each(|text| *text = text.replace(secret, MASK));
        }
    }

    fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        let texts = [&mut self.url, &mut self.request_body, &mut self.response_body].into_iter();
        texts.chain(self.request_headers.values_mut()).chain(self.response_headers.values_mut())
    }

    /// Takes out what stands under the name of a secret, and tells what it was.
    fn mask_named(&mut self, found: &mut BTreeSet<String>) {
        for (name, value) in self.request_headers.iter_mut().chain(self.response_headers.iter_mut()) {
            if HEADERS.contains(&name.to_lowercase().as_str()) || is_secret(name) {
                found.extend(value.split([' ', ';', '=', ',']).map(str::to_string));
                *value = MASK.into();
            }
        }
        self.url = mask_url(&self.url, found);
        for body in [&mut self.request_body, &mut self.response_body] {
            if let Ok(mut json) = serde_json::from_str::<Value>(body)
                && mask_json(&mut json, found)
            {
                *body = json.to_string();
            }
        }
    }
}

impl Recording {
    /// Takes out every secret that has a name, wherever it stands, in all rounds.
    pub fn mask(&mut self) {
        let mut found = BTreeSet::new();
        let steps = self.rounds.iter_mut().flat_map(|round| &mut round.steps);
        let mut exchanges: Vec<&mut Exchange> = steps.flat_map(|step| &mut step.exchanges).collect();
        exchanges.iter_mut().for_each(|exchange| exchange.mask_named(&mut found));
        found.retain(|secret| secret.len() >= SECRET_MIN && secret != MASK);
        for exchange in exchanges {
            exchange.mask(found.iter().map(String::as_str));
        }
        if let Some(Broken::Setup(why) | Broken::Gone(why) | Broken::Suite(why) | Broken::TooSlow(why)) =
            &mut self.broken
        {
            *why = mask_text(why, &found);
        }
    }
}

/// A sentence without secrets.
fn mask_text(text: &str, found: &BTreeSet<String>) -> String {
    let text = found.iter().fold(text.to_string(), |text, secret| text.replace(secret, MASK));
    let words = text.split(' ').map(|word| mask_url(word, &mut BTreeSet::new()));
    let text = words.collect::<Vec<_>>().join(" ");
    // An answer that is quoted in a sentence: what follows `"…token":"` up to the next quotation mark.
    let mut masked = String::new();
    let mut parts = text.split('"').peekable();
    let mut name = "";
    while let Some(part) = parts.next() {
        let value = part != ":" && is_secret(name);
        masked.push_str(if value { MASK } else { part });
        if part != ":" {
            name = if value { "" } else { part };
        }
        if parts.peek().is_some() {
            masked.push('"');
        }
    }
    masked
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
    for (number, parameter) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
        masked.push(if number == 0 { '?' } else { '&' });
        match parameter.split_once('=') {
            Some((name, value)) if is_secret(name) => {
                found.insert(value.to_string());
                masked.push_str(&format!("{name}={MASK}"));
            }
            _ => masked.push_str(parameter),
        }
    }
    masked
}

fn mask_json(value: &mut Value, found: &mut BTreeSet<String>) -> bool {
    match value {
        Value::Object(entries) => entries.iter_mut().fold(false, |masked, (name, value)| match value {
            Value::String(secret) if is_secret(name) => {
                found.insert(std::mem::replace(secret, MASK.into()));
                true
            }
            _ => mask_json(value, found) || masked,
        }),
        Value::Array(items) => items.iter_mut().filter_map(|item| mask_json(item, found).then_some(())).count() > 0,
        _ => false,
    }
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
    fn a_body_without_secrets_keeps_its_bytes() {
        let mut found = BTreeSet::new();
        let mut exchange = exchange("x");
        exchange.request_body = "{ \"b\": 1,  \"a\": 2 }".into();
        exchange.mask_named(&mut found);
        assert_eq!(exchange.request_body, "{ \"b\": 1,  \"a\": 2 }");
    }
}
