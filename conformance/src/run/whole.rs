//! An answer as a whole, so that two can be compared: without what says who was asked, and when.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    binding::{Varies, render::percent_encoded},
    run::{transport::Answer, world::World},
};

/// Says when, or what the body says as well.
const LEFT_OUT: [&str; 2] = ["date", "content-length"];

/// Status, headers and body. Identities, KeyPackages and their references are replaced by a word each: what is left
/// differs only where the server tells more than that.
pub(super) fn answer(answer: &Answer, world: &World, varies: &Varies) -> Value {
    let left_out = |name: &String| {
        LEFT_OUT.contains(&name.as_str()) || varies.headers.iter().any(|other| other.eq_ignore_ascii_case(name))
    };
    let headers = answer.exchange.response_headers.iter().filter(|(name, _)| !left_out(name));
    let headers: BTreeMap<_, _> = headers.map(|(name, value)| (name.clone(), nameless(value, world))).collect();
    let body = match serde_json::from_slice::<Value>(&answer.body) {
        Ok(mut body) => {
            for pointer in &varies.json {
                if let Some(value) = body.pointer_mut(pointer) {
                    *value = "(varies)".into();
                }
            }
            serde_json::from_str(&nameless(&body.to_string(), world)).unwrap_or(body)
        }
        Err(_) => nameless(&String::from_utf8_lossy(&answer.body), world).into(),
    };
    json!({ "status": answer.status, "headers": headers, "body": body })
}

fn nameless(text: &str, world: &World) -> String {
    let mut text = text.to_string();
    for actor in world.actors.values() {
        text = text.replace(&actor.identity, "(user)").replace(&percent_encoded(&actor.identity), "(user)");
    }
    for made in world.packages.values() {
        text = text.replace(&data_encoding::BASE64.encode(&made.bare), "(key package)");
        text = text.replace(&data_encoding::BASE64URL_NOPAD.encode(&made.bare), "(key package)");
        text = text.replace(&data_encoding::BASE64URL_NOPAD.encode(&made.reference), "(reference)");
        text = text.replace(&data_encoding::BASE64.encode(&made.reference), "(reference)");
    }
    text
}
