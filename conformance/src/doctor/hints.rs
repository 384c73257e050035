//! Where in an answer the thing stands that a binding did not find.

use serde_json::Value;

use crate::{
    binding::{Encoding, Operation, classify::Nothing},
    run::world::World,
};

/// Encodings as a binding writes them; what is valid in several is told as the first.
const ENCODINGS: [(&str, Encoding); 4] = [
    ("hex", Encoding::Hex),
    ("base64", Encoding::Base64),
    ("base64_unpadded", Encoding::Base64Unpadded),
    ("base64url", Encoding::Base64url),
];

/// More of an answer than this is cut. Characters.
const SHOWN: usize = 600;

/// How to find a field that was not found in an item, judging by what was published and registered.
pub(super) fn for_nothing(nothing: &Nothing, world: &World) -> String {
    let field = nothing.field.as_str();
    if let (Some(key), "client") = (&nothing.key, field)
        && world.actors.values().any(|actor| actor.client == *key)
    {
        return "the client's name is the name of the item: `client: { key_of: \"\" }`".into();
    }
    match candidate(&nothing.item, field, world) {
        Some((place, how)) => format!("it stands at `{place}`: `{field}: {{ at: {place}{how} }}`"),
        None => format!("look where the item has it, and correct `{field}`"),
    }
}

/// The place of a value that could be this field, and what else its reading needs.
pub(super) fn candidate(item: &Value, field: &str, world: &World) -> Option<(String, String)> {
    let mut found = None;
    walk(item, String::new(), &mut |place, name, value| {
        found = found.take().or_else(|| fits(name, value, field, world).map(|how| (place.to_string(), how)));
    });
    found
}

fn walk(value: &Value, place: String, visit: &mut dyn FnMut(&str, &str, &Value)) {
    match value {
        Value::Object(entries) => {
            for (name, value) in entries {
                let place = format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
                visit(&place, name, value);
                walk(value, place, visit);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                let place = format!("{place}/{index}");
                visit(&place, "", value);
                walk(value, place, visit);
            }
        }
        _ => {}
    }
}

fn fits(name: &str, value: &Value, field: &str, world: &World) -> Option<String> {
    let text = value.as_str().unwrap_or_default();
    let named = |words: &[&str]| words.iter().any(|word| name.to_lowercase().contains(word));
    let bytes = |known: &dyn Fn(&[u8]) -> bool| {
        let decoded = |(_, encoding): &&(&str, Encoding)| encoding.decode(text).is_ok_and(|bytes| known(&bytes));
        ENCODINGS.iter().find(decoded).map(|(word, _)| format!(", decode: {word}"))
    };
    let plain = |fits: bool| fits.then(String::new);
    match field {
        "key_package" => bytes(&|bytes| world.packages.values().any(|made| made.bare == bytes)),
        "reference" => bytes(&|bytes| world.packages.values().any(|made| made.reference == bytes)),
        "signature_key" => bytes(&|bytes| world.actors.values().any(|actor| actor.mls.public_key() == bytes)),
        "client" => plain(!text.is_empty() && world.actors.values().any(|actor| actor.client == text)),
        "requester" => plain(!text.is_empty() && world.actors.values().any(|actor| actor.identity == text)),
        "kind" => plain(value.is_string() && named(&["kind", "role", "status", "type"])),
        "cursor" => plain(value.is_u64() && named(&["cursor", "seq", "number", "no", "id"])),
        _ => plain(name == field && !value.is_null()),
    }
}

/// Lists and objects of an answer, for an `each` that stands for none.
pub(super) fn lists(body: &Value) -> Vec<String> {
    let mut lists = vec![];
    walk(body, String::new(), &mut |place, _, value| {
        if (value.is_array() || value.is_object()) && place.matches('/').count() <= 2 {
            lists.push(format!("`{place}`"));
        }
    });
    lists
}

/// How to mend that a request which a good server grants was not granted, by its status.
pub(super) fn for_status(operation: &str, status: u16) -> String {
    match status {
        200..=299 => format!("say what it means: `- {{ when: {{ status: {status} }}, ok: … }}`"),
        401 => "the credentials are not those that the server wants: look at `auth`, and at the variables given".into(),
        403 => "whoever asks may not do this by the server's rules: look at `auth`, and at who is in the path".into(),
        404 => format!("look at the path of `{operation}`"),
        405 => format!("look at the method and the path of `{operation}`"),
        400 | 415 | 422 => {
            format!("the server does not take what is sent: look at the body of `{operation}`, and at `material`")
        }
        429 => "the server limits how often one may ask: try again later, or with a wider limit".into(),
        _ => format!("if the server means a refusal: `- {{ when: {{ status: {status} }}, refused: … }}`"),
    }
}

/// The word for a refusal that has no outcome yet, by its status.
pub(super) fn refusal(operation: Operation, status: u16) -> &'static str {
    let of_users = matches!(
        operation,
        Operation::Claim | Operation::Keys | Operation::KeyHistory | Operation::Verify | Operation::Resolve
    );
    match status {
        401 => "unauthenticated",
        403 => "forbidden",
        404 if of_users => "unknown_user",
        404 => "unknown_client",
        405 => "method_not_allowed",
        429 => "rate_limited",
        _ => "invalid",
    }
}

/// A text as far as it fits on a line or two.
pub(super) fn cut(text: &str, at: usize) -> String {
    let text = text.trim();
    if text.chars().count() <= at {
        return text.into();
    }
    text.chars().take(at).collect::<String>() + "…"
}

/// What came, in a message.
pub(super) fn shown(value: &Value) -> String {
    cut(&value.to_string(), SHOWN)
}
