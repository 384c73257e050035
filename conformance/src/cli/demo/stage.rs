//! Where the story is told: each request goes to the server, and is printed with its answer as one line.

use std::{collections::BTreeMap, time::Duration};

use console::style;
use serde_json::Value;

use super::actor::Actor;
use crate::{
    binding::render::Rendered, catalogue::Catalogue, cli::out::say, clock, run::transport::Lane, signing, vector::Proof,
};

/// The server, and the audience.
pub(super) struct Stage {
    lane: Lane,
    operator_token: String,
    rules: Catalogue,
    scenes: usize,
}

/// Who sends a request.
pub(super) enum By<'a> {
    /// The operator, with its token.
    Operator,
    /// Whoever holds what the body holds.
    Anyone,
    /// A client, with its signature.
    Client(&'a Actor),
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Stage {
    pub(super) fn new(url: String, operator_token: String, rules: Catalogue) -> Result<Self, String> {
        let lane = Lane::new(&url, Duration::from_secs(10))?;
        say!("The reference directory runs at {url}, in this process, with everything in memory.");
        Ok(Self { lane, operator_token, rules, scenes: 0 })
    }

    /// The next scene, and the rule that it shows.
    pub(super) fn scene(&mut self, title: &str, rule: &str) -> Result<(), String> {
        self.scenes += 1;
        let says = self.rules.rule(rule).map(|rule| rule.says.trim().to_string());
        let says = says.ok_or_else(|| format!("there is no rule {rule}"))?;
        say!("\n{} {}", style(format!("{:>2}.", self.scenes)).bold(), style(title).bold());
        say!("    {} {says}", style(rule).cyan());
        Ok(())
    }

    /// What happens without the directory, or follows from what it said.
    pub(super) fn aside(&self, text: &str) {
        say!("    {} {text}", style("·").dim());
    }

    pub(super) async fn ask(
        &self,
        by: By<'_>,
        method: &str,
        path: String,
        body: Option<&Value>,
    ) -> Result<Answer, String> {
        self.ask_once(by, method, path, body, None).await
    }

    /// The same with an idempotency key.
    pub(super) async fn ask_once(
        &self,
        by: By<'_>,
        method: &str,
        path: String,
        body: Option<&Value>,
        idempotency_key: Option<&str>,
    ) -> Result<Answer, String> {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        headers.extend(body.map(|_| ("content-type".into(), "application/json".into())));
        headers.extend(idempotency_key.map(|key| ("idempotency-key".into(), key.into())));
        let mut request = Rendered { method: method.into(), path, headers, body: body.map(|it| it.to_string().into()) };
        let who = match &by {
            By::Operator => "operator",
            By::Anyone => "newcomer",
            By::Client(actor) => actor.client.as_str(),
        };
        match by {
            By::Operator => {
                let token = format!("Bearer {}", self.operator_token);
                request.headers.insert("authorization".into(), token);
            }
            By::Anyone => {}
            By::Client(actor) => {
                let keyid = format!("{}#{}", actor.user, actor.key_id);
                let (nonce, now) = (format!("{:032x}", rand::random::<u128>()), clock::now());
                let private_key = actor.mls.private_key();
                let signer = signing::Signer { private_key, keyid: &keyid, now, nonce, proof: Proof::Good };
                signing::sign(&mut request, &self.lane.base, &signer)?;
            }
        }
        let answer = self.lane.send(&request).await.map_err(|error| error.to_string())?;
        let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let (sent, came) = (body.map(short).unwrap_or_default(), short(&said));
        let status = style(answer.status);
        let status = if answer.status < 400 { status.green() } else { status.yellow() };
        let path = request.path.split('/').map(beginning).collect::<Vec<_>>().join("/");
        let key = idempotency_key.map(|key| format!(" (Idempotency-Key: {key})")).unwrap_or_default();
        let sent = format!("{method} {path} {sent}{key}");
        say!("    {} {} {} {status} {came}", style(format!("{who:>8}")).magenta(), sent.trim_end(), style("→").dim());
        Ok(Answer { status: answer.status, body: said })
    }
}

impl Answer {
    /// Insists on a status.
    pub(super) fn is(self, status: u16) -> Result<Value, String> {
        if self.status == status {
            Ok(self.body)
        } else {
            Err(format!("{} instead of {status}: {}", self.status, self.body))
        }
    }
}

/// JSON on one line: long values by their beginnings, null and what repeats the status left out.
fn short(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => {
            format!("\"{}\"", if text.starts_with("/problems/") { text.into() } else { beginning(text) })
        }
        Value::Array(items) => {
            let shown = items.iter().take(ITEMS).map(short);
            let more = (items.len() > ITEMS).then(|| format!("… {} in all", items.len()));
            format!("[{}]", shown.chain(more).collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) => {
            let left_out = |name: &str| ["title", "status", "detail"].contains(&name) && members.contains_key("title");
            let shown = members.iter().filter(|(name, value)| !value.is_null() && !left_out(name));
            let shown = shown.map(|(name, value)| format!("\"{name}\": {}", short(value)));
            format!("{{{}}}", shown.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Of long words, which are key material.
fn beginning(text: &str) -> String {
    if text.len() > LONG && !text.contains([' ', '@', '?']) {
        format!("{}…", text.chars().take(8).collect::<String>())
    } else {
        text.into()
    }
}

/// Characters; what is longer is key material in base64.
const LONG: usize = 24;

/// Items of a list that are shown.
const ITEMS: usize = 2;
