//! One operation by way of an adapter: what it is asked, and what its answer means.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    binding::{
        Encoding, Operation,
        classify::{Meaning, Record},
        render::Variables,
        scalar::text_of,
    },
    recording::{Broken, Exchange, Observed, Told},
    run::{
        adapter::{Adapter, NoAnswer},
        operation::{Call, POSSESSION_SEED},
        perform::{self, Performed},
        transport::{self, Gate, Lane},
        vector_run::Runner,
        world::World,
    },
};

impl Runner<'_> {
    /// Asks the adapter to do an operation.
    pub(in crate::run) async fn by_adapter(
        &self,
        lane: &Lane,
        world: &World,
        mut call: Call<'_>,
        gate: Option<&Gate>,
    ) -> Result<Performed, Broken> {
        let Some(adapter) = &self.server.adapter else { return Err(Broken::Suite("no adapter runs".into())) };
        let mut recorded = self.begin(&mut call, world);
        let question = question(&call, &lane.base);
        if let Some(gate) = gate {
            transport::pass(gate).await;
        }
        recorded.sent = self.begun.elapsed();
        let answer = adapter.ask(question.clone(), self.server.timeout.saturating_add(call.patience)).await;
        recorded.answered = self.begun.elapsed();
        let mut learned = Variables::new();
        recorded.observed = match &answer {
            Ok(answer) => {
                let (meaning, saved, retry_after) = meaning(answer);
                learned = saved;
                recorded.told = Told { retry_after, answer: call.whole.then(|| answer_as_a_whole(answer)) };
                let records = if let Meaning::Ok(records) = &meaning { records.clone() } else { vec![] };
                perform::observed(&call, meaning, &records, world)
            }
            Err(NoAnswer::Ended(why)) => return Err(Broken::Gone(why.clone())),
            // As with a server: in a race nobody knows, elsewhere an answer was owed.
            Err(NoAnswer::Late(_)) if self.course.is_some() => Observed::Lost,
            Err(NoAnswer::Late(waited)) => {
                Observed::Unexpected(format!("the adapter did not answer within {} s", waited.as_secs()))
            }
        };
        recorded.exchanges.push(Exchange {
            method: "ASK".into(),
            url: lane.base.clone(),
            request_headers: [].into(),
            request_body: question.to_string(),
            status: 0,
            response_headers: [].into(),
            response_body: answer.map_or_else(|_| "(no answer)".into(), |answer| answer.to_string()),
        });
        // What it saves is for it alone to understand, so all of it may be secret, but for what things are called.
        let saved = call.actor.iter().flat_map(|actor| &actor.saved).chain(&learned);
        let saved =
            saved.filter(|(name, _)| !matches!(name.as_str(), "user" | "client")).map(|(_, value)| text_of(value));
        let secrets: Vec<_> = saved.chain(private_key(&call)).chain(self.secrets_of_all(&call)).collect();
        recorded.mask(&secrets);
        let enlisted = call.enlisted.map(|client| (client, learned));
        Ok(Performed { recorded, enlisted, looks: vec![] })
    }
}

impl Adapter {
    /// What the server declares.
    ///
    /// # Errors
    ///
    /// If no answer comes, or one that says something else.
    pub(in crate::run) async fn policy(&self, endpoint: &str, timeout: Duration) -> Result<Record, String> {
        let question = json!({ "operation": Operation::Policy, "endpoint": endpoint, "variables": {} });
        let answer = self.ask(question, timeout).await.map_err(|error| match error {
            NoAnswer::Ended(why) => why,
            NoAnswer::Late(waited) => format!("the adapter did not tell the policy within {} s", waited.as_secs()),
        })?;
        match meaning(&answer).0 {
            Meaning::Ok(records) => Ok(records.into_iter().next().unwrap_or_default()),
            Meaning::Refused(_) | Meaning::Unexpected(_) => Err(format!("the policy cannot be read: {answer}")),
        }
    }
}

fn question(call: &Call<'_>, endpoint: &str) -> Value {
    let mut variables = call.variables.clone();
    variables.remove(POSSESSION_SEED);
    let by = call.actor.map(|actor| {
        json!({
            "user": actor.identity,
            "client": actor.client,
            "secret": actor.secret,
            "private_key": private_key(call),
            "saved": actor.saved,
        })
    });
    json!({
        "operation": call.operation,
        "endpoint": endpoint,
        "by": by,
        "proof": call.proof,
        "method": call.method,
        "variables": variables,
    })
}

/// The Ed25519 key of whoever asks, for adapters that sign.
fn private_key(call: &Call<'_>) -> Option<String> {
    call.actor.map(|actor| data_encoding::HEXLOWER.encode(&actor.mls.private_key()))
}

/// What can be compared of two answers: all but the number of the question.
fn answer_as_a_whole(answer: &Value) -> Value {
    let mut answer = answer.clone();
    answer["id"] = Value::Null;
    json!({ "status": 0, "headers": {}, "body": answer })
}

/// The names of what an adapter writes as text and the suite takes as bytes.
const BYTES: [(&str, Encoding); 3] =
    [("key_package", Encoding::Base64), ("reference", Encoding::Base64url), ("signature_key", Encoding::Base64)];

/// What an adapter's answer means, with what it learned.
pub(super) fn meaning(answer: &Value) -> (Meaning, Variables, Option<u64>) {
    let saved = answer["save"].as_object().into_iter().flatten();
    let saved = saved.map(|(name, value)| (name.clone(), value.clone())).collect();
    let wrong = |why: String| Meaning::Unexpected(format!("the adapter's answer {why}"));
    let meaning = match (&answer["ok"], &answer["refused"], &answer["unexpected"]) {
        (Value::Array(items), Value::Null, Value::Null) => match items.iter().map(record).collect() {
            Ok(records) => Meaning::Ok(records),
            Err(why) => wrong(why),
        },
        (Value::Null, refused @ Value::String(word), Value::Null) => match serde_json::from_value(refused.clone()) {
            Ok(reason) => Meaning::Refused(reason),
            Err(_) => wrong(format!("is refused for a reason that there is not: {word}")),
        },
        (Value::Null, Value::Null, Value::String(why)) => Meaning::Unexpected(why.clone()),
        _ => wrong("does not have exactly one of `ok` (a list), `refused` and `unexpected`".into()),
    };
    (meaning, saved, answer["retry_after"].as_u64())
}

fn record(item: &Value) -> Result<Record, String> {
    let fields = item.as_object().ok_or_else(|| format!("has an item that is no object: {item}"))?;
    let mut record: Record = fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    record.retain(|_, value| !value.is_null());
    for (name, encoding) in BYTES {
        let Some(value) = record.get_mut(name) else { continue };
        let bytes = value.as_str().and_then(|text| encoding.decode(text).ok());
        let bytes = bytes.ok_or_else(|| format!("has a {name} that is not {encoding:?}: {value}"))?;
        *value = json!(data_encoding::HEXLOWER.encode(&bytes));
    }
    Ok(record)
}
