//! What one tried operation says about the binding.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    binding::{
        Binding, Operation,
        classify::{Look, Nothing},
        lint,
    },
    doctor::{Finding, Mark, Message, hints, part},
    judge,
    recording::{ClientSeen, Observed, Recorded, Seen},
    run::{trial::Tried, world::World},
    translation::answers::word,
    vector::expect::Reason,
};

/// The kinds that a claim knows.
const KINDS: [&str; 4] = ["regular", "last_resort", "exhausted", "incompatible"];

/// More of a request, an answer or what was read than this is cut where all is well. Characters.
const LINE: usize = 200;

/// What a tried operation says.
#[must_use]
pub fn diagnose(tried: &Tried, binding: &Binding, world: &World) -> Finding {
    let Tried { operation, recorded, looks, .. } = tried;
    let mut finding = Finding::new(Mark::Ok, lint::name(*operation), recorded.says.clone());
    finding.lines = lines(tried, world);
    let exchanges = binding.operations.get(operation).map_or(0, Vec::len);
    let mut messages: Vec<Message> = looks.iter().flat_map(|look| unsaved(*operation, look, exchanges)).collect();
    if let Some(why) = &tried.suite {
        let mend = "whatever is missing has to be saved by an earlier request, or declared under `variables`";
        messages.push(Message { what: why.clone(), mend: mend.into() });
        return Finding { mark: Mark::Wrong, messages, ..finding };
    }
    let granted = tried.step.as_ref().and_then(|step| step.expect.as_ref()).is_none_or(|expect| expect.ok.is_some());
    match &recorded.observed {
        Observed::Unexpected(why) => {
            messages.extend(unexpected(tried, binding, world, why, granted));
            let failed = recorded.exchanges.last().is_none_or(|exchange| exchange.status >= 500);
            let adapter = binding.adapter.is_some();
            finding.mark = if failed && !adapter { Mark::Doubt } else { Mark::Wrong };
        }
        Observed::Refused(reason) if granted => {
            let status = recorded.exchanges.last().map_or(0, |exchange| exchange.status);
            let mend = hints::for_status(&finding.part, status);
            messages.push(Message { what: format!("it is refused ({}), where it must succeed", word(reason)), mend });
            finding.mark = if *reason == Reason::RateLimited { Mark::Doubt } else { Mark::Wrong };
        }
        observed => {
            if let Observed::Ok(seen) = observed {
                messages.extend(misread(seen, tried, world));
            }
            let expect = tried.step.as_ref().and_then(|step| step.expect.as_ref());
            let objection = expect.and_then(|expect| judge::objection(expect, recorded));
            if let Some(objection) = objection.filter(|_| messages.is_empty()) {
                messages.extend(instead(&objection, *operation, looks, world, exchanges));
                if messages.is_empty() {
                    let mend = "either the binding reads the wrong thing, or the server errs; the suite will tell";
                    messages.push(Message { what: objection, mend: mend.into() });
                    finding.mark = Mark::Doubt;
                }
            }
        }
    }
    if !messages.is_empty() && finding.mark == Mark::Ok {
        finding.mark = Mark::Wrong;
    }
    finding.messages = messages;
    finding
}

fn lines(tried: &Tried, world: &World) -> Vec<(&'static str, String)> {
    let mut lines = vec![];
    for exchange in &tried.recorded.exchanges {
        let sent = format!("{} {} {}", exchange.method, exchange.url, exchange.request_body);
        lines.push(("sent", hints::cut(&sent, LINE)));
        let status = if exchange.status == 0 { String::new() } else { format!("{} ", exchange.status) };
        lines.push(("came", hints::cut(&format!("{status}{}", exchange.response_body), LINE)));
    }
    let saved: BTreeSet<_> = tried.looks.iter().flat_map(|look| look.saved.iter().cloned()).collect();
    let found: BTreeSet<_> = tried.looks.iter().flat_map(|look| look.found.iter().cloned()).collect();
    let mut read = match &tried.recorded.observed {
        Observed::Ok(Seen::Done {}) if found.is_empty() => "success".to_string(),
        Observed::Ok(Seen::Done {}) => format!("success, with {}", found.into_iter().collect::<Vec<_>>().join(", ")),
        Observed::Ok(_) => tried.recorded.view().unwrap_or_default().to_string(),
        Observed::Refused(reason) => format!("refused: {}", word(reason)),
        Observed::Unexpected(_) | Observed::Lost => "nothing".into(),
    };
    if !saved.is_empty() {
        read = format!("{read}; saved {}", saved.into_iter().collect::<Vec<_>>().join(", "));
    }
    lines.push(("read", hints::cut(&read, LINE)));
    if let Observed::Ok(Seen::Claimed(clients)) = &tried.recorded.observed {
        let granted = clients.values().filter_map(|client| client.key_package.as_ref());
        let same = granted.filter_map(|name| Some((name, world.packages.get(name)?.bare.len())));
        lines.extend(
            same.map(|(name, bytes)| ("bytes", format!("{name} came back as it was published, {bytes} of them"))),
        );
    }
    lines
}

fn unsaved(operation: Operation, look: &Look, exchanges: usize) -> Vec<Message> {
    let part = part(operation, look.exchange, exchanges);
    let message = |(name, place): &(String, String)| Message {
        what: format!("`{part}.save.{name}` found nothing at {place}"),
        mend: format!("correct the place of `{name}`; later requests of this client need it"),
    };
    look.unsaved.iter().map(message).collect()
}

/// An answer without a meaning.
fn unexpected(tried: &Tried, binding: &Binding, world: &World, why: &str, granted: bool) -> Vec<Message> {
    let name = lint::name(tried.operation);
    let Some(exchange) = tried.recorded.exchanges.last() else {
        return vec![Message { what: why.into(), mend: "is the server busy? `--timeout` waits longer".into() }];
    };
    let body: Value = serde_json::from_str(&exchange.response_body).unwrap_or(Value::Null);
    if binding.adapter.is_some() {
        let mend = "see \"Adapters\" in bindings/README.md for what an answer looks like";
        return vec![Message { what: why.into(), mend: mend.into() }];
    }
    let exchanges = binding.operations.get(&tried.operation).map_or(&[][..], Vec::as_slice);
    let Some(look) = tried.looks.last() else {
        return vec![Message { what: why.into(), mend: "is the server busy? `--timeout` waits longer".into() }];
    };
    let part = part(tried.operation, look.exchange, exchanges.len());
    if look.outcome.is_none() {
        let outcomes = exchanges.get(look.exchange).map_or(&[][..], |exchange| exchange.outcomes.as_slice());
        let near = outcomes.iter().position(|outcome| outcome.when.status.contains(exchange.status));
        let (status, refused) = (exchange.status, hints::refusal(tried.operation, exchange.status));
        let mend = match near {
            Some(near) => {
                let nr = near + 1;
                format!("outcome {nr} fits the status, and not the rest of its `when`: correct that, or add one")
            }
            None if granted || status < 300 => hints::for_status(&name, status),
            None => format!("add `- {{ when: {{ status: {status} }}, refused: {refused} }}`"),
        };
        let answer = hints::cut(&exchange.response_body, LINE);
        let what = format!("`{part}.outcomes` has none for {status}: the answer was {answer}");
        return vec![Message { what, mend }];
    }
    let missing: Vec<_> = look.nothing.iter().filter(|nothing| is_needed(nothing)).collect();
    if !missing.is_empty() {
        return found_nothing(&part, missing.into_iter(), world);
    }
    if let Some((field, _)) = why.split_once(": ").filter(|(field, _)| !field.contains(' ')) {
        let mend = match hints::candidate(&body, field, world) {
            Some((place, how)) => format!("the answer has it at `{place}`{}", how.replace(", ", ", as ")),
            None => format!("correct `decode`, or the place, of `{field}`"),
        };
        return vec![Message { what: format!("`{part}.ok.{why}`"), mend }];
    }
    let mend = match (why.starts_with("no list"), hints::lists(&body)) {
        (true, lists) if !lists.is_empty() => {
            format!("`each` may be one of {}; `optional: true` where it may be missing", lists.join(", "))
        }
        (true, _) => "correct `each`; `optional: true` says that it may be missing".into(),
        _ => "look at what is read of it".into(),
    };
    vec![Message { what: format!("`{part}.ok`: {why}; the answer was {}", hints::shown(&body)), mend }]
}

/// Without these an answer to a claim says nothing.
fn is_needed(nothing: &Nothing) -> bool {
    nothing.instead.is_none() && matches!(nothing.field.as_str(), "client" | "kind" | "standing")
}

pub(super) fn found_nothing<'a>(part: &str, nothing: impl Iterator<Item = &'a Nothing>, world: &World) -> Vec<Message> {
    let mut told = BTreeMap::new();
    for nothing in nothing {
        told.entry(nothing.field.clone()).or_insert_with(|| {
            let Nothing { field, place, instead, item, .. } = nothing;
            let instead = instead.as_ref().map_or(String::new(), |value| format!(", and takes {value} instead"));
            let what = format!(
                "`{part}.ok.{field}` found nothing at {place}{instead}: it was looked for in {}",
                hints::shown(item)
            );
            Message { what, mend: hints::for_nothing(nothing, world) }
        });
    }
    told.into_values().collect()
}

/// Where an answer is not as expected, what was not found in it is the likeliest reason: that which the objection names.
fn instead(objection: &str, operation: Operation, looks: &[Look], world: &World, exchanges: usize) -> Vec<Message> {
    let names = |word: &str| objection.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == word);
    let of_package = names("key_package");
    let meant = |nothing: &&Nothing| {
        let identifies = matches!(nothing.field.as_str(), "key_package" | "reference" | "id");
        names(&nothing.field) || (of_package && identifies) || nothing.instead.is_some()
    };
    let of = |look: &Look| {
        found_nothing(&part(operation, look.exchange, exchanges), look.nothing.iter().filter(meant), world)
    };
    looks.iter().flat_map(of).collect()
}

/// What was read, and means nothing here.
fn misread(seen: &Seen, tried: &Tried, world: &World) -> Vec<Message> {
    let name = lint::name(tried.operation);
    let message = |what: String, mend: String| Message { what, mend };
    let kind = |kind: &str| {
        let what = format!("`{name}.ok.kind` is `{kind}`, which is no kind");
        message(what, format!("translate it: `words: {{ {kind}: … }}` to one of {}", KINDS.join(", ")))
    };
    match seen {
        Seen::Claimed(clients) => {
            let mut messages = vec![];
            for (client, ClientSeen { kind: word, key_package }) in clients {
                if !world.actors.values().any(|actor| actor.called == *client) {
                    let what = format!("`{name}.ok.client` is `{client}`, and no client is called so");
                    let mend = "read the name that the registration saved as `client`, or save it there";
                    messages.push(message(what, mend.into()));
                }
                if !KINDS.contains(&word.as_str()) {
                    messages.push(kind(word));
                }
                if key_package.as_ref().is_some_and(|package| package.starts_with("unknown")) {
                    messages.push(other_bytes(&name, &tried.recorded, world));
                }
            }
            messages
        }
        Seen::Notifications(all) => {
            let mut messages = vec![];
            for seen in all {
                if seen.key_package.starts_with("unknown") {
                    let what = format!("`{name}` names a package that was not published: {}", seen.key_package);
                    let mend = "correct what `key_package`, `reference` or `id` is read from, and its `decode`";
                    messages.push(message(what, mend.into()));
                }
                if let Some(requester) = seen.requester.as_ref().filter(|name| name.starts_with("unknown")) {
                    let what = format!("`{name}.ok.requester` is nobody who asked: {requester}");
                    let mend = "read the identity that the server knows the requester by, as in `user`".into();
                    messages.push(message(what, mend));
                }
                messages
                    .extend(seen.kind.as_ref().filter(|word| !KINDS.contains(&word.as_str())).map(|word| kind(word)));
            }
            messages.dedup();
            messages
        }
        Seen::Keys(keys) if keys.iter().any(|key| key.client == "unknown") => {
            let what = format!("`{name}.ok.signature_key` is the key of nobody");
            vec![message(what, "correct its place or its `decode`".into())]
        }
        _ => vec![],
    }
}

/// A KeyPackage that came back as other bytes than it went in.
fn other_bytes(name: &str, recorded: &Recorded, world: &World) -> Message {
    let body = recorded.exchanges.last().map(|exchange| exchange.response_body.as_str()).unwrap_or_default();
    let body: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    let mend = match hints::candidate(&body, "key_package", world) {
        Some((place, how)) => format!("the bytes that were published stand at `{place}`{}", how.replace(", ", ", as ")),
        None => "they must come back as they were published, byte by byte: correct `decode`, or what is sent".into(),
    };
    Message { what: format!("`{name}.ok.key_package` is not the bytes of any package that was published"), mend }
}
