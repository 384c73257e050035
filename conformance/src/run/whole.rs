//! An answer as a whole, so that two can be compared: without what says who was asked, and when.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    binding::{Varies, render::percent_encoded},
    mls::recipe::Made,
    run::{transport::Answer, world::World},
};

/// Says when, or what the body says as well, or is another each time: a cookie is a secret besides. Or it is about the
/// connection and not about the answer (RFC 9110 §7.6.1), or of those on the way.
const LEFT_OUT: [&str; 8] =
    ["date", "content-length", "set-cookie", "connection", "keep-alive", "transfer-encoding", "age", "via"];

/// Status, headers and body. Identities, KeyPackages and their references are replaced by a word each: what is left
/// differs only where the server tells more than that.
pub(super) fn answer(answer: &Answer, world: &World, varies: &Varies) -> Value {
    whole(answer.status, &answer.exchange.response_headers, &answer.body, world, varies)
}

fn whole(status: u16, headers: &BTreeMap<String, String>, body: &[u8], world: &World, varies: &Varies) -> Value {
    let left_out = |name: &String| {
        LEFT_OUT.contains(&name.as_str()) || varies.headers.iter().any(|other| other.eq_ignore_ascii_case(name))
    };
    let headers = headers.iter().filter(|(name, _)| !left_out(name));
    let headers: BTreeMap<_, _> = headers.map(|(name, value)| (name.clone(), nameless(value, world))).collect();
    let body = match serde_json::from_slice::<Value>(body) {
        Ok(mut body) => {
            for pointer in &varies.json {
                if let Some(value) = body.pointer_mut(pointer) {
                    *value = "(varies)".into();
                }
            }
            serde_json::from_str(&nameless(&body.to_string(), world)).unwrap_or(body)
        }
        Err(_) => nameless(&String::from_utf8_lossy(body), world).into(),
    };
    json!({ "status": status, "headers": headers, "body": body })
}

fn nameless(text: &str, world: &World) -> String {
    let mut text = text.to_string();
    for actor in world.actors.values() {
        text = text.replace(&actor.identity, "(user)").replace(&percent_encoded(&actor.identity), "(user)");
    }
    for made in world.packages.values() {
        // The longer writing first: the unpadded one is the beginning of the padded one.
        text = text.replace(&data_encoding::BASE64.encode(&made.bare), "(key package)");
        text = text.replace(&data_encoding::BASE64_NOPAD.encode(&made.bare), "(key package)");
        text = text.replace(&data_encoding::HEXLOWER.encode(&made.bare), "(key package)");
        text = text.replace(&data_encoding::HEXLOWER.encode(&made.reference), "(reference)");
        text = text.replace(&made.id, "(id)");
        text = text.replace(&data_encoding::BASE64URL_NOPAD.encode(&made.bare), "(key package)");
        text = text.replace(&data_encoding::BASE64URL_NOPAD.encode(&made.reference), "(reference)");
        text = text.replace(&data_encoding::BASE64.encode(&made.reference), "(reference)");
        for signature in signatures(made) {
            text = text.replace(&signature, "(signature)");
        }
    }
    text
}

/// Those that came with a package, as its uploader wrote them.
fn signatures(made: &Made) -> Vec<String> {
    let by_device = |of_user: &Value| of_user.as_object().into_iter().flatten().map(|(_, text)| text.clone()).collect();
    let in_object = made.object["signatures"].as_object().into_iter().flatten();
    let in_object = in_object.flat_map(|(_, of_user)| -> Vec<Value> { by_device(of_user) });
    let in_object = in_object.filter_map(|text| text.as_str().map(str::to_string));
    let beside = (!made.signature.is_empty()).then(|| data_encoding::BASE64.encode(&made.signature));
    in_object.chain(beside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{library, seed::Seed, vector::Vector, yaml};

    #[test]
    fn a_signature_that_came_with_a_key_does_not_count() {
        let vector = "id: x\ntitle: t\nwhy: w\nrules: []\nusers: { alice: { clients: [phone] } }\n\
                      key_packages: { a1: { client: phone }, a2: { client: phone } }\n";
        let vector: Vector = yaml::read("x.yaml", vector).unwrap();
        let mut binding = library::reference_binding().unwrap();
        binding.material = yaml::read("x.yaml", "{ kind: signed_curve25519 }").unwrap();
        let mut world = World::new(&vector, &binding, Seed::of_run(7), 1_700_000_000);
        world.make_packages(&vector, 1_700_000_000).unwrap();
        let answer = |package: &str| {
            let made = &world.packages[package];
            let body = json!({ "phone": { format!("signed_curve25519:{}", made.id): made.object } }).to_string();
            whole(200, &BTreeMap::new(), body.as_bytes(), &world, &Varies::default())
        };
        assert_eq!(answer("a1"), answer("a2"));
        assert!(answer("a1").to_string().contains("(signature)"), "{}", answer("a1"));
    }

    #[test]
    fn names_packages_and_dates_do_not_count_and_all_else_does() {
        let vector = "id: x\ntitle: t\nwhy: w\nrules: []\nusers: { alice: { clients: [phone] }, ghost: {} }\n\
                      key_packages: { a1: { client: phone }, a2: { client: phone } }\n";
        let vector: Vector = yaml::read("x.yaml", vector).unwrap();
        let binding = library::reference_binding().unwrap();
        let mut world = World::new(&vector, &binding, Seed::of_run(7), 1_700_000_000);
        world.make_packages(&vector, 1_700_000_000).unwrap();
        let varies = Varies { headers: vec!["X-Request-Id".into()], json: vec!["/trace".into()] };
        let answer = |user: &str, package: &str, date: &str, left: u64| {
            let identity = world.identity(user).unwrap();
            let headers = [
                ("date", date.to_string()),
                ("x-request-id", date.to_string()),
                ("keep-alive", format!("timeout=5, {date}")),
                ("connection", date.to_string()),
                ("location", format!("/v1/users/{}", percent_encoded(&identity))),
            ];
            let headers = headers.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
            let bytes = data_encoding::BASE64.encode(&world.packages[package].bare);
            let body =
                json!({ "detail": format!("no user {identity}"), "package": bytes, "trace": date, "left": left });
            whole(404, &headers, body.to_string().as_bytes(), &world, &varies)
        };
        let one = answer("alice", "a1", "today", 3);
        assert_eq!(one, answer("ghost", "a2", "tomorrow", 3));
        assert_ne!(one, answer("alice", "a1", "today", 2));
        assert_eq!(one["headers"], json!({ "location": "/v1/users/(user)" }));
        assert_eq!(one["body"]["package"], "(key package)");
        for encoding in [data_encoding::BASE64, data_encoding::BASE64_NOPAD, data_encoding::HEXLOWER] {
            assert_eq!(nameless(&encoding.encode(&world.packages["a1"].bare), &world), "(key package)");
        }
    }
}
