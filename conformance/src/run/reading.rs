//! Turns the records of a successful answer into the words of the vector.

use std::collections::BTreeMap;

use kpd_model::spec::WithdrawnFate;
use serde_json::Value;

use crate::{
    binding::{
        Operation,
        classify::{AS_PUBLISHED, Record},
        scalar::text_of,
    },
    recording::{BlockSeen, ClientSeen, DrainSeen, KeySeen, LastResortSeen, NotificationSeen, Seen},
    run::world::World,
    translation::answers::{FATES, fate_word},
};

/// What was asked for.
pub(super) struct Asked<'a> {
    pub(super) operation: Operation,
    /// The user whose clients the answer names, as the vector calls it.
    pub(super) of: Option<&'a str>,
    /// The client whose things these are, as the server calls it.
    pub(super) client: Option<&'a str>,
    /// The packages of a batch, in their order.
    pub(super) packages: &'a [String],
    pub(super) cipher_suite: Option<u64>,
}

/// What a successful answer says.
///
/// # Errors
///
/// An answer to a claim that leaves open what some client gave, or says it twice; a number or a truth value that is none.
pub(super) fn seen(asked: &Asked<'_>, records: &[Record], world: &World) -> Result<Seen, String> {
    let first = |name: &str| records.first().map_or(Ok(None), |record| number(record, name));
    if matches!(asked.operation, Operation::Publish | Operation::Replace) {
        learn_ids(asked, records, world);
        asked.of.zip(asked.client).into_iter().for_each(|(user, client)| world.published(user, client, asked.packages));
    }
    Ok(match asked.operation {
        Operation::Publish => Seen::Published { accepted: first("accepted")? },
        Operation::Claim => {
            let mut clients = BTreeMap::new();
            for record in records {
                let (name, seen) =
                    client(record, asked.of, world).ok_or("an entry of the answer names no client, or no kind")?;
                if clients.insert(name.clone(), seen).is_some() {
                    return Err(format!("the answer has two entries for client {name}"));
                }
            }
            Seen::Claimed(clients)
        }
        Operation::Withdraw => {
            let mut fates = BTreeMap::new();
            for record in records {
                let (Some(name), Some(fate)) = (package(record, world), text(record, "state")) else { continue };
                if !FATES.iter().any(|known| fate_word(*known) == fate) {
                    let words = FATES.map(fate_word).join(", ");
                    return Err(format!("state: `{fate}` is none of {words}: translate it by `words`"));
                }
                fates.insert(name, fate);
            }
            // Of what nobody ever published, a server may say nothing.
            let unsaid = asked.packages.iter().filter(|name| !fates.is_empty() && !fates.contains_key(*name));
            let unsaid: Vec<_> =
                unsaid.map(|name| (name.clone(), fate_word(WithdrawnFate::Unknown).to_string())).collect();
            fates.extend(unsaid);
            Seen::Withdrawn(fates)
        }
        Operation::Replace => Seen::Replaced { accepted: first("accepted")?, withdrawn: first("withdrawn")? },
        Operation::Stock => stock(asked, records, world)?,
        Operation::Packages => Seen::Packages {
            digest: records.iter().find_map(|record| record.get("digest").cloned()),
            key_packages: states(records, world)?,
        },
        Operation::Notifications | Operation::AwaitNotifications => {
            Seen::Notifications(records.iter().map(|record| notification(record, world)).collect::<Result<_, _>>()?)
        }
        Operation::Keys | Operation::KeyHistory | Operation::Resolve => {
            Seen::Keys(records.iter().map(|record| key(record, world)).collect::<Result<_, _>>()?)
        }
        Operation::Verify | Operation::VerifyAt => {
            let standing = records.first().and_then(|record| text(record, "standing"));
            Seen::Standing { standing: standing.ok_or("the answer does not say how the key stands")? }
        }
        Operation::RemoveClient => Seen::ClientRemoved { unread: first("unread")? },
        Operation::Blocks => Seen::Blocks(records.iter().map(|record| block(record, world)).collect()),
        Operation::Policy
        | Operation::ResolveNobody
        | Operation::Register
        | Operation::AddClient
        | Operation::Acknowledge
        | Operation::AddKey
        | Operation::AddKeyByToken
        | Operation::ExtendKey
        | Operation::RemoveKey
        | Operation::Block
        | Operation::BlockServer
        | Operation::Unblock
        | Operation::UnblockServer => Seen::Done {},
    })
}

/// The state of each package that is named; a list that is empty has a record without one.
fn states(records: &[Record], world: &World) -> Result<BTreeMap<String, String>, String> {
    let mut states = BTreeMap::new();
    for record in records {
        let (Some(name), Some(state)) = (package(record, world), text(record, "state")) else { continue };
        if states.insert(name.clone(), state).is_some() {
            return Err(format!("the answer has {name} twice"));
        }
    }
    Ok(states)
}

/// The ids that a server gives what is published: beside each package, or in the order of the batch.
fn learn_ids(asked: &Asked<'_>, records: &[Record], world: &World) {
    let in_order = records.len() == asked.packages.len();
    for (index, record) in records.iter().enumerate() {
        let Some(id) = record.get("id") else { continue };
        let named = record.contains_key("key_package") || record.contains_key("reference");
        let name = if named { package(record, world) } else { asked.packages.get(index).filter(|_| in_order).cloned() };
        if let Some(name) = name {
            world.give_id(&name, id);
        }
    }
}

fn client(record: &Record, of: Option<&str>, world: &World) -> Option<(String, ClientSeen)> {
    let kind = kind(record, world)?;
    let name = world.client_named(of, &text_of(record.get("client")?));
    Some((name, ClientSeen { kind, key_package: package(record, world) }))
}

/// As the server says, or as the owner published it.
fn kind(record: &Record, world: &World) -> Option<String> {
    let kind = text(record, "kind")?;
    if kind != AS_PUBLISHED {
        return Some(kind);
    }
    let made = package(record, world).and_then(|name| world.packages.get(&name));
    Some(made.map_or("unknown", |made| if made.last_resort { "last_resort" } else { "regular" }).into())
}

fn stock(asked: &Asked<'_>, records: &[Record], world: &World) -> Result<Seen, String> {
    let mut record = None;
    for one in records {
        if number(one, "cipher_suite")?.is_none_or(|suite| Some(suite) == asked.cipher_suite) {
            record = record.or(Some(one));
        }
    }
    // Some servers tell only of a last resort that is unused: whether there is a used one, its owner knows.
    let published = || asked.of.zip(asked.client).is_some_and(|(user, client)| world.has_last_resort(user, client));
    let there = |record: &&Record| match record.get("last_resort") {
        Some(word) if word == AS_PUBLISHED => published(),
        found => found.is_some_and(says_there_is),
    };
    let used = |record: &Record| truth(record, "used");
    let last_resort = match record.filter(there).map(used).transpose()? {
        None => LastResortSeen::None,
        Some(Some(true)) => LastResortSeen::Used,
        Some(_) => LastResortSeen::Unused,
    };
    let low = record.map_or(Ok(None), |record| truth(record, "low"))?;
    let regular = record.map_or(Ok(None), |record| number(record, "regular"))?;
    Ok(Seen::Stock { regular, last_resort, low })
}

/// There is none, also where the server says so in a word.
fn says_there_is(found: &Value) -> bool {
    !matches!(found, Value::Null | Value::Bool(false))
}

fn notification(record: &Record, world: &World) -> Result<NotificationSeen, String> {
    let key_package = package(record, world).unwrap_or_else(|| "unknown".into());
    // What goes out once has one use, whatever a server says of that.
    let comes_again = world.packages.get(&key_package).is_none_or(|made| made.last_resort);
    let drain = match record.get("drain").filter(|drain| says_there_is(drain)) {
        Some(_) => Some(DrainSeen { taken: number(record, "drain_taken")?, of: number(record, "drain_of")? }),
        None => None,
    };
    Ok(NotificationSeen {
        cursor: record.get("cursor").cloned(),
        key_package,
        kind: kind(record, world),
        requester: text(record, "requester").map(|identity| world.user_named(&identity)),
        first_use: truth(record, "first_use")?.filter(|_| comes_again),
        remaining: number(record, "remaining")?,
        low: truth(record, "low")?,
        drain,
    })
}

fn key(record: &Record, world: &World) -> Result<KeySeen, String> {
    let moment = |name: &str| Ok::<_, String>(number(record, name)?.map(|moment| world.relative(moment)));
    Ok(KeySeen {
        client: world.client_with_key(&bytes(record, "signature_key").unwrap_or_default()),
        expires_in: moment("expires_at")?,
        added_in: moment("added_at")?,
        ended_in: moment("ended_at")?,
        ended: text(record, "ended"),
    })
}

fn block(record: &Record, world: &World) -> BlockSeen {
    let requester = text(record, "requester").map(|identity| world.user_named(&identity));
    BlockSeen { requester, server: text(record, "server").map(|server| world.server_named(&server)) }
}

/// By its bytes, by its reference, or by its id.
fn package(record: &Record, world: &World) -> Option<String> {
    let by_bytes = bytes(record, "key_package").map(|bytes| world.package_of(&bytes));
    let by_reference = || bytes(record, "reference").map(|reference| world.package_referred(&reference));
    by_bytes.or_else(by_reference).or_else(|| record.get("id").map(|id| world.package_with_id(id)))
}

fn bytes(record: &Record, name: &str) -> Option<Vec<u8>> {
    data_encoding::HEXLOWER.decode(record.get(name)?.as_str()?.as_bytes()).ok()
}

fn text(record: &Record, name: &str) -> Option<String> {
    record.get(name).filter(|value| !value.is_null()).map(text_of)
}

/// Also one that is written as a text, as in a header.
fn number(record: &Record, name: &str) -> Result<Option<u64>, String> {
    found(record, name, "number", |value| value.as_u64().or_else(|| value.as_str()?.trim().parse().ok()))
}

fn truth(record: &Record, name: &str) -> Result<Option<bool>, String> {
    found(record, name, "truth value", |value| value.as_bool().or_else(|| value.as_str()?.trim().parse().ok()))
}

/// What is there and cannot be understood is told: else it would be as if it were not there.
fn found<T>(
    record: &Record,
    name: &str,
    what: &str,
    understood: impl Fn(&Value) -> Option<T>,
) -> Result<Option<T>, String> {
    let Some(value) = record.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    understood(value).map(Some).ok_or_else(|| format!("{name}: {value} is no {what}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{library, seed::Seed, vector::Vector, yaml};

    fn of(operation: Operation, packages: &[String]) -> Asked<'_> {
        Asked { operation, of: Some("alice"), client: Some("phone"), packages, cipher_suite: Some(1) }
    }

    fn read(operation: Operation, record: Value) -> Result<Seen, String> {
        read_so(&of(operation, &[]), record)
    }

    fn read_so(asked: &Asked<'_>, record: Value) -> Result<Seen, String> {
        let text = "id: x\ntitle: t\nwhy: w\nrules: []\nusers: { alice: { clients: [phone] } }\n\
                    key_packages: { a1: { client: phone }, z: { client: phone, last_resort: true } }\n";
        let vector: Vector = yaml::read("x.yaml", text).unwrap();
        let mut world = World::new(&vector, &library::reference_binding().unwrap(), Seed::of_run(7), 1_700_000_000);
        world.make_packages(&vector, 1_700_000_000).unwrap();
        for (name, id) in [("a1", "1"), ("z", "2")] {
            world.give_id(name, &id.into());
        }
        let record = record.as_object().unwrap().clone().into_iter().collect::<Record>();
        seen(asked, &[record], &world)
    }

    #[test]
    fn numbers_and_truths_may_be_written_as_texts_and_what_is_neither_is_told() {
        let stock = |record| read(Operation::Stock, record);
        let told = Seen::Stock { regular: Some(2), last_resort: LastResortSeen::Used, low: Some(true) };
        let as_text = json!({ "regular": " 2", "last_resort": "z", "used": "true", "low": "true" });
        assert_eq!(stock(as_text).unwrap(), told);
        assert_eq!(stock(json!({ "regular": 2, "last_resort": "z", "used": true, "low": true })).unwrap(), told);
        assert_eq!(stock(json!({ "regular": "two" })).unwrap_err(), "regular: \"two\" is no number");
        assert_eq!(stock(json!({ "regular": 1, "low": "no" })).unwrap_err(), "low: \"no\" is no truth value");
        assert!(stock(json!({ "regular": null, "low": null })).is_ok());
        assert_eq!(
            read(Operation::Publish, json!({ "accepted": "3" })).unwrap(),
            Seen::Published { accepted: Some(3) }
        );
    }

    #[test]
    fn a_withdrawal_that_says_nothing_of_a_package_calls_it_unknown_and_its_words_are_known() {
        let (all, nothing) = (["a1".to_string(), "z".to_string()], []);
        let told = |packages: &[String], state: &str| {
            read_so(&of(Operation::Withdraw, packages), json!({ "id": "1", "state": state }))
        };
        let fates = |fates: &[(&str, &str)]| {
            let fates = fates.iter().map(|(name, fate)| ((*name).to_string(), (*fate).to_string()));
            Ok(Seen::Withdrawn(fates.collect()))
        };
        assert_eq!(told(&all, "withdrawn"), fates(&[("a1", "withdrawn"), ("z", "unknown")]));
        assert_eq!(told(&nothing, "already_granted"), fates(&[("a1", "already_granted")]));
        let why = "state: `granted` is none of withdrawn, already_granted, unknown: translate it by `words`";
        assert_eq!(told(&all, "granted"), Err(why.into()));
    }

    #[test]
    fn the_first_use_of_what_goes_out_once_says_nothing() {
        let first_use = |record| match read(Operation::Notifications, record) {
            Ok(Seen::Notifications(told)) => told[0].first_use,
            other => panic!("{other:?}"),
        };
        for says in [true, false] {
            assert_eq!(first_use(json!({ "id": "1", "kind": "regular", "first_use": says })), None);
            assert_eq!(first_use(json!({ "id": "2", "kind": "last_resort", "first_use": says })), Some(says));
        }
    }

    /// Of servers that tell only of an unused last resort.
    #[test]
    fn a_last_resort_that_is_not_told_of_is_a_used_one_where_one_was_published() {
        let vector = "id: x\ntitle: t\nwhy: w\nrules: []\nusers: { alice: { clients: [phone] } }\n\
                      key_packages: { a1: { client: phone }, z: { client: phone, last_resort: true } }\n";
        let vector: Vector = yaml::read("x.yaml", vector).unwrap();
        let binding = library::reference_binding().unwrap();
        let mut world = World::new(&vector, &binding, Seed::of_run(7), 1_700_000_000);
        world.make_packages(&vector, 1_700_000_000).unwrap();
        let record = |value: Value| value.as_object().unwrap().clone().into_iter().collect::<Record>();
        let told = |world: &World, value: Value| match seen(&of(Operation::Stock, &[]), &[record(value)], world) {
            Ok(Seen::Stock { last_resort, .. }) => last_resort,
            other => panic!("{other:?}"),
        };
        let silent = || json!({ "regular": 1, "last_resort": AS_PUBLISHED, "used": true });
        assert_eq!(told(&world, silent()), LastResortSeen::None);
        for (package, then) in [("a1", LastResortSeen::None), ("z", LastResortSeen::Used)] {
            let packages = [package.to_string()];
            seen(&of(Operation::Publish, &packages), &[], &world).unwrap();
            assert_eq!(told(&world, silent()), then, "{package}");
        }
        assert_eq!(told(&world, json!({ "last_resort": "curve", "used": false })), LastResortSeen::Unused);
        for there in [
            (json!(false), LastResortSeen::None),
            (json!(null), LastResortSeen::None),
            (json!(true), LastResortSeen::Unused),
        ] {
            assert_eq!(told(&world, json!({ "regular": 1, "last_resort": there.0 })), there.1);
        }
        // A client that comes again under its name begins with nothing.
        world.introduce(&("alice".into(), "phone".into()), crate::binding::render::Variables::new());
        assert_eq!(told(&world, silent()), LastResortSeen::None);
    }
}
