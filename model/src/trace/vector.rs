//! A trace as a vector: its requests one after the other, each with the answers that the specification allows.
//!
//! Where the fault needs two requests at once, they become a race, which the judge decides by the same specification.
//!
//! Where a directory has a choice, every answer is followed: an expectation holds in all histories that can have come
//! about. What they all agree on is a literal; what they differ in is `in:`, together with what is known of it, such as
//! that it is what an earlier step was given, or is not.

mod expect;
mod names;
mod tree;

use std::collections::BTreeSet;

use crate::{
    history::{Event, Role},
    names::Client,
    spec::{Op, Selection, Spec},
    system::Action,
    trace::{
        Trace,
        vector::{expect::Script, names::Names},
    },
};

/// Why a trace cannot be a vector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("No vector: {0}.")]
pub struct NoVector(pub String);

pub(super) fn render(trace: &Trace) -> Result<String, NoVector> {
    // What is refused for being too much is no part of these traces but where the rule is about that.
    let spec = trace.scenario.spec.clone();
    let about = trace.broken.as_ref().map_or("", |(rule, _)| *rule);
    let spec = if ["PUB-LIMITS", "NOTE-LOW-WATER"].contains(&about) {
        spec
    } else {
        let Spec { stock_max, batch_max, low_water, .. } = Spec::default();
        Spec { stock_max, batch_max, low_water, ..spec }
    };
    if (Spec { selection: Selection::Any, ..spec }) != Spec::default() {
        return Err(NoVector("the scenario has limits of its own, which no server can be asked for".into()));
    }
    let asked = asked(trace);
    let shared = trace.broken.as_ref().is_some_and(|(rule, _)| ["CLAIM-ONCE", "CLAIM-RETRY"].contains(rule));
    let names = Names::of(&trace.scenario.setup, &asked, shared)?;
    let mut script = Script::new(&names);
    begin(&mut script, &trace.scenario.setup)?;
    let probes = probes(trace, &asked);
    let Some(Race { before, lanes, after }) = race(trace) else {
        asked.iter().chain(&probes).try_for_each(|op| script.ask(op))?;
        return Ok(head(trace, &names) + "steps:\n" + &script.steps());
    };
    before.iter().try_for_each(|op| script.ask(op))?;
    let before = script.steps();
    let before = if before.is_empty() { before } else { format!("before:\n{before}") };
    let mut text = head(trace, &names) + &before;
    text += &format!("race:\n  rounds: {ROUNDS}\n  lanes:\n");
    for (op, lane) in lanes.iter().zip(LANES) {
        text += &format!("    {lane}: [ {{ {} }} ]\n", script.operation(op, None)?);
    }
    text += "  judge: linearizable\n";
    let after = after.iter().chain(&probes).map(|op| Ok(format!("  - {}\n", script.operation(op, None)?)));
    let after = after.collect::<Result<String, _>>()?;
    Ok(if after.is_empty() { text } else { text + "after:\n" + &after })
}

/// Requests one after the other, from the beginning of a scenario, with the answers that the specification allows.
pub(crate) fn sequence(head: &Head, setup: &[Event], asked: &[Op]) -> Result<String, NoVector> {
    let names = Names::of(setup, asked, false)?;
    let mut script = Script::new(&names);
    begin(&mut script, setup)?;
    asked.iter().try_for_each(|op| script.ask(op))?;
    Ok(head.render(&names) + "steps:\n" + &script.steps())
}

/// What is asked in order, then at once, then in order again.
pub(crate) struct Parts<'a> {
    pub(crate) setup: &'a [Event],
    pub(crate) before: &'a [Op],
    pub(crate) lanes: &'a [Vec<Op>],
    pub(crate) after: &'a [Op],
}

/// Requests in order, and at once where there are lanes. `expecting` the answers that the specification allows, if there
/// are not too many histories to follow; or else whatever they are. What comes after a race is for the judge of the race.
pub(crate) fn told(head: &Head, parts: &Parts<'_>, expecting: bool) -> Result<String, NoVector> {
    let asked: Vec<_> = parts.before.iter().chain(parts.lanes.iter().flatten()).chain(parts.after).cloned().collect();
    let names = Names::of(parts.setup, &asked, false)?;
    let mut script = Script::new(&names);
    begin(&mut script, parts.setup)?;
    let in_order = |script: &mut Script<'_>, ops: &[Op]| {
        ops.iter().try_for_each(|op| {
            script.ask(op)?;
            script.follow(if expecting { HISTORIES_MAX } else { 1 }, expecting)
        })
    };
    in_order(&mut script, parts.before)?;
    if parts.lanes.is_empty() {
        in_order(&mut script, parts.after)?;
        return Ok(head.render(&names) + "steps:\n" + &script.steps());
    }
    let before = script.steps();
    let mut text = head.render(&names);
    if !before.is_empty() {
        text += &format!("before:\n{before}");
    }
    text += &format!("race:\n  rounds: {ROUNDS}\n  lanes:\n");
    for (ops, lane) in parts.lanes.iter().zip(LANES) {
        let steps = ops.iter().map(|op| Ok(format!("{{ {} }}", script.operation(op, None)?)));
        text += &format!("    {lane}: [ {} ]\n", steps.collect::<Result<Vec<_>, NoVector>>()?.join(", "));
    }
    text += "  judge: linearizable\n";
    let after = parts.after.iter();
    let after = after.map(|op| Ok(format!("  - {}\n    expect: {{ anything: true }}\n", script.operation(op, None)?)));
    let after = after.collect::<Result<String, NoVector>>()?;
    Ok(if after.is_empty() { text } else { text + "after:\n" + &after })
}

/// More histories than these are not followed.
const HISTORIES_MAX: usize = 3_000;

fn begin(script: &mut Script<'_>, setup: &[Event]) -> Result<(), NoVector> {
    setup.iter().try_for_each(|event| match event {
        Event::KeyAdded { .. } => script.begin(event),
        Event::Published(batch) => {
            let client = batch.first().map(|facts| facts.client).unwrap_or(Client(1));
            script.prepare(&Op::Publish { client, packages: batch.clone() })
        }
        other => Err(NoVector(format!("it begins where \"{other}\" has happened already"))),
    })
}

/// What comes before two requests are in hand at once, these, and the rest.
struct Race {
    before: Vec<Op>,
    lanes: Vec<Op>,
    after: Vec<Op>,
}

/// The race in a trace whose fault needs one: all that overlaps with the first requests that overlap at all.
fn race(trace: &Trace) -> Option<Race> {
    trace.known_mutant().filter(|mutant| mutant.only_in_a_race())?;
    // Each request that is answered, with the places of the steps at which it was taken and done with.
    let mut taken = vec![0; trace.scenario.replicas];
    let mut windows: Vec<(Op, usize, usize)> = vec![];
    let mut owing: Vec<Option<usize>> = vec![None; trace.scenario.replicas];
    for (place, (action, _)) in trace.steps.iter().enumerate() {
        match action {
            Action::Load { replica, .. } => taken[*replica] = place,
            Action::Answer { replica, request, owed, .. } => {
                owing[*replica] = (!owed.is_empty()).then_some(windows.len());
                // Until what is owed is written, it is not done with.
                let end = if owed.is_empty() { place } else { trace.steps.len() };
                windows.push((request.op.clone(), taken[*replica], end));
            }
            Action::Append { replica, .. } => {
                if let Some(window) = owing[*replica].take() {
                    windows[window].2 = place;
                }
            }
            Action::LoadAgain { .. } | Action::Crash { .. } | Action::Restore { .. } | Action::Tick { .. } => {}
        }
    }
    windows.sort_by_key(|(_, begin, _)| *begin);
    let overlap = |(_, begin, end): &(Op, usize, usize), other: &(Op, usize, usize)| begin < &other.2 && &other.1 < end;
    let first = (0..windows.len()).find(|place| windows[place + 1..].iter().any(|it| overlap(&windows[*place], it)))?;
    let (mut before, mut lanes, mut after) = (vec![], vec![], vec![]);
    let mut until = windows[first].2;
    for (place, (op, begin, end)) in windows.into_iter().enumerate() {
        if place < first {
            before.push(op);
        } else if begin < until {
            until = until.max(end);
            lanes.push(op);
        } else {
            after.push(op);
        }
    }
    Some(Race { before, lanes, after })
}

const ROUNDS: u32 = 30;
const LANES: [&str; 4] = ["first", "second", "third", "fourth"];

/// What is asked, in the order of the answers.
fn asked(trace: &Trace) -> Vec<Op> {
    let asked = trace.steps.iter().filter_map(|(action, _)| match action {
        Action::Answer { request, .. } => Some(request.op.clone()),
        Action::Tick { to } => Some(Op::Tick { to: *to }),
        _ => None,
    });
    asked.collect()
}

/// What is asked in the end, so that what only the directory knows can be seen from outside.
fn probes(trace: &Trace, asked: &[Op]) -> Vec<Op> {
    let rule = trace.broken.as_ref().map_or("", |(rule, _)| *rule);
    let clients: BTreeSet<_> = trace.scenario.setup.iter().filter_map(client).collect();
    let removed =
        |client: &Client| asked.iter().any(|op| matches!(op, Op::RemoveKey { client: of, .. } if of == client));
    let clients = clients.into_iter().filter(|client| !removed(client));
    let feeds = rule.starts_with("NOTE-") || rule == "LAST-USED-STICKS";
    let stocks = rule.starts_with("PUB-") || rule == "LAST-USED-STICKS";
    let probe = |client| {
        let stock = stocks.then_some(Op::Stock { client });
        [stock, feeds.then_some(Op::Notifications { client, after: 0 })]
    };
    clients.flat_map(probe).flatten().filter(|probe| asked.last() != Some(probe)).collect()
}

fn client(event: &Event) -> Option<Client> {
    if let Event::KeyAdded { client, .. } = event { Some(*client) } else { None }
}

/// Everything before the steps.
fn head(trace: &Trace, names: &Names) -> String {
    let head = match (trace.known_mutant(), &trace.broken) {
        (Some(mutant), Some((rule, how))) => Head {
            id: format!("model/{}", mutant.name),
            title: format!("The shortest way in which \"{}\" breaks {rule}, answered as it should be", mutant.name),
            why: format!("{} So: {how}.", mutant.says),
            seen_in: mutant.seen_in.iter().map(|it| thread(it)).collect(),
            rules: vec![*rule],
        },
        _ => Head {
            id: format!("model/{}", trace.scenario.name),
            title: format!("A way through the scenario \"{}\"", trace.scenario.name),
            why: format!("The model has it: {}.", trace.scenario.says),
            seen_in: vec![],
            rules: trace.scenario.exercises.to_vec(),
        },
    };
    head.render(names)
}

/// What a vector says of itself.
pub(crate) struct Head {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) why: String,
    pub(crate) seen_in: Vec<String>,
    pub(crate) rules: Vec<&'static str>,
}

impl Head {
    fn render(&self, names: &Names) -> String {
        let mut lines = vec!["# yaml-language-server: $schema=../schema/vector.schema.json".to_string()];
        lines.push(format!("id: {}", self.id));
        lines.push(format!("title: {}", quoted(&self.title)));
        lines.push(format!("why: {}", quoted(&self.why)));
        if !self.seen_in.is_empty() {
            lines.push(format!("seen_in: [{}]", self.seen_in.join(", ")));
        }
        lines.push(format!("rules: [{}]", self.rules.join(", ")));
        if !names.needs.is_empty() {
            let needs: Vec<_> = names.needs.iter().copied().collect();
            lines.push(format!("needs: [{}]", needs.join(", ")));
        }
        lines.push(format!("users: {}", names.users()));
        let recipes = names.recipes();
        if !recipes.is_empty() {
            lines.push("key_packages:".into());
            lines.extend(recipes.into_iter().map(|recipe| format!("  {recipe}")));
        }
        lines.join("\n") + "\n"
    }
}

/// `owner/repository#number` of the address of an issue or a change on GitHub.
fn thread(address: &str) -> String {
    let path = address.trim_start_matches("https://github.com/");
    match path.split('/').collect::<Vec<_>>()[..] {
        [owner, repository, "issues" | "pull", number] => format!("\"{owner}/{repository}#{number}\""),
        _ => quoted(address),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn role(role: Role) -> &'static str {
    if role == Role::LastResort { "last_resort" } else { "regular" }
}
