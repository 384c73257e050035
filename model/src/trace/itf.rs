//! A trace in the Informal Trace Format: a JSON file with the value of each variable in each state.
//!
//! Integers, sets, maps and tuples are encoded as Apalache's ADR 015 says. What decisions depend on is there as data;
//! requests, answers and the log are in words, since a trace is looked at and not executed.

use std::fmt::{self, Display, Formatter, Write};

use crate::{
    history::{Fate, Notified, PackageState, Role, State},
    system::{Replica, World},
    trace::Trace,
};

pub(super) fn render(trace: &Trace) -> String {
    let begin = ("the beginning".to_string(), &trace.first);
    let later = trace.steps.iter().map(|(action, world)| (action.to_string(), world));
    let states = [begin].into_iter().chain(later).enumerate().map(|(index, (action, world))| {
        let index = Value::Record(vec![("index", Value::Json(index.to_string()))]);
        let variables = variables(action, world);
        Value::Record([vec![("#meta", index)], variables].concat())
    });
    let meta = Value::Record(vec![
        ("format", text("ITF")),
        ("format-description", text("https://apalache-mc.org/docs/adr/015adr-trace.html")),
        ("description", text(describe(trace))),
    ]);
    let names = VARIABLES.iter().map(text).collect();
    let file =
        Value::Record(vec![("#meta", meta), ("vars", Value::List(names)), ("states", Value::List(states.collect()))]);
    format!("{file}\n")
}

const VARIABLES: [&str; 9] =
    ["action", "now", "log", "keys", "packages", "unread", "answers", "replicas", "not_allowed"];

fn describe(trace: &Trace) -> String {
    let scenario = format!("scenario {}: {}", trace.scenario.name, trace.scenario.says);
    match (&trace.mutant, &trace.broken) {
        (Some(mutant), Some((rule, how))) => format!("{mutant} breaks {rule} ({how}); {scenario}"),
        _ => scenario,
    }
}

fn variables(action: String, world: &World) -> Vec<(&'static str, Value)> {
    let State { now, keys, packages, notifications, .. } = world.history.state().clone();
    let keys = keys.into_iter().map(|(key, known)| {
        let user = ("user", text(known.user));
        (
            text(key),
            Value::Record(vec![
                user,
                ("client", text(known.client)),
                ("standing", text(format!("{:?}", known.standing(now)))),
            ]),
        )
    });
    let packages = packages.into_iter().map(|(package, known)| (text(package), self::package(&known)));
    let unread = notifications
        .into_iter()
        .map(|(client, feed)| (text(client), Value::List(feed.iter().map(notification).collect())));
    let answers = world.history.answers().iter().map(|(request, outcomes)| {
        let key = Value::Tuple(vec![number(u64::from(request.number)), text(&**request)]);
        (key, Value::Set(outcomes.iter().map(text).collect()))
    });
    let values = [
        text(action),
        number(now),
        Value::List(world.history.log().iter().map(text).collect()),
        Value::Map(keys.collect()),
        Value::Map(packages.collect()),
        Value::Map(unread.collect()),
        Value::Map(answers.collect()),
        Value::List(world.replicas.iter().map(replica).collect()),
        text(world.refused.as_ref().map(|refusal| refusal.to_string()).unwrap_or_default()),
    ];
    VARIABLES.into_iter().zip(values).collect()
}

fn package(known: &PackageState) -> Value {
    let fate = match known.fate {
        Fate::Available => "available",
        Fate::Granted => "granted",
        Fate::Withdrawn => "withdrawn",
    };
    Value::Record(vec![
        ("client", text(known.facts.client)),
        ("suite", number(u64::from(known.facts.suite.0))),
        ("role", role(known.facts.role)),
        ("signer", text(known.facts.signer)),
        ("not_before", number(known.facts.not_before)),
        ("not_after", number(known.facts.not_after)),
        ("fate", text(fate)),
        ("used", flag(known.granted)),
        ("batch", number(u64::from(known.batch))),
    ])
}

fn notification(note: &Notified) -> Value {
    Value::Record(vec![
        ("sequence", number(note.sequence)),
        ("package", text(note.package)),
        ("role", role(note.role)),
        ("requester", text(note.requester)),
        ("first_use", flag(note.first_use)),
        ("remaining", number(u64::from(note.remaining))),
    ])
}

/// Every replica has the same fields, since a sequence in Apalache holds things of one type.
fn replica(replica: &Replica) -> Value {
    let (doing, request, version) = match replica {
        Replica::Idle => ("idle", String::new(), 0),
        Replica::Loaded { request, version } => ("loaded", request.to_string(), *version),
        Replica::Owes { request, .. } => ("owes", request.to_string(), 0),
    };
    let version = ("version", number(version as u64));
    Value::Record(vec![("doing", text(doing)), ("request", text(request)), version])
}

fn role(role: Role) -> Value {
    text(if role == Role::LastResort { "last_resort" } else { "regular" })
}

fn text(words: impl ToString) -> Value {
    let mut quoted = String::from('"');
    for c in words.to_string().chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    Value::Json(quoted)
}

fn flag(flag: bool) -> Value {
    Value::Json(flag.to_string())
}

/// All integers are big ones, as in JSON a number is no integer to everybody.
fn number(number: u64) -> Value {
    Value::Record(vec![("#bigint", text(number))])
}

#[derive(Clone)]
enum Value {
    /// JSON already.
    Json(String),
    List(Vec<Value>),
    Record(Vec<(&'static str, Value)>),
    Set(Vec<Value>),
    Map(Vec<(Value, Value)>),
    Tuple(Vec<Value>),
}

impl Value {
    /// As plain JSON: objects, lists and what is JSON already.
    fn plain(&self) -> Self {
        let special = |name, items| Self::Record(vec![(name, Self::List(items))]);
        match self {
            Self::Set(items) => special("#set", items.clone()),
            Self::Tuple(items) => special("#tup", items.clone()),
            Self::Map(entries) => {
                let pair = |(key, value): &(Self, Self)| Self::List(vec![key.clone(), value.clone()]);
                special("#map", entries.iter().map(pair).collect())
            }
            plain => plain.clone(),
        }
    }

    fn write(&self, f: &mut Formatter<'_>, indent: usize) -> fmt::Result {
        let plain = self.plain();
        let line = plain.on_one_line();
        if matches!(plain, Self::Json(_)) || line.len() + indent <= LINE_MAX {
            return f.write_str(&line);
        }
        let inner = " ".repeat(indent + 2);
        let (open, close) = if matches!(plain, Self::Record(_)) { ('{', '}') } else { ('[', ']') };
        f.write_char(open)?;
        let items: Vec<(String, Self)> = match plain {
            Self::Record(fields) => fields.into_iter().map(|(name, value)| (format!("\"{name}\": "), value)).collect(),
            Self::List(items) => items.into_iter().map(|item| (String::new(), item)).collect(),
            _ => return f.write_str(&line),
        };
        for (place, (name, value)) in items.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(f, "{comma}\n{inner}{name}")?;
            value.write(f, indent + 2)?;
        }
        write!(f, "\n{}{close}", " ".repeat(indent))
    }

    fn on_one_line(&self) -> String {
        match self.plain() {
            Self::Json(json) => json,
            Self::List(items) => {
                format!("[{}]", items.iter().map(Self::on_one_line).collect::<Vec<_>>().join(", "))
            }
            Self::Record(fields) => {
                let field = |(name, value): &(&str, Self)| format!("\"{name}\": {}", value.on_one_line());
                format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
            }
            special => special.plain().on_one_line(),
        }
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

/// A package fits on one line.
const LINE_MAX: usize = 230;
