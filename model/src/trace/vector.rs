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
    let any_order = Spec { selection: Selection::Any, ..trace.scenario.spec.clone() };
    if any_order != Spec::default() {
        return Err(NoVector("the scenario has limits of its own, which no server can be asked for".into()));
    }
    let asked = asked(trace);
    let names = Names::of(trace, &asked)?;
    let mut script = Script::new(&names);
    for event in &trace.scenario.setup {
        match event {
            Event::KeyAdded { .. } => script.happened(event),
            Event::Published(batch) => {
                let client = batch.first().map(|facts| facts.client).unwrap_or(Client(1));
                script.prepare(&Op::Publish { client, packages: batch.clone() })?;
            }
            other => return Err(NoVector(format!("it begins where \"{other}\" has happened already"))),
        }
    }
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
    let mut lines = vec!["# yaml-language-server: $schema=../schema/vector.schema.json".to_string()];
    let (id, title, why) = match (trace.known_mutant(), &trace.broken) {
        (Some(mutant), Some((rule, how))) => (
            mutant.name,
            format!("The shortest way in which \"{}\" breaks {rule}, answered as it should be", mutant.name),
            format!("{} So: {how}.", mutant.says),
        ),
        _ => (
            trace.scenario.name,
            format!("A way through the scenario \"{}\"", trace.scenario.name),
            format!("The model has it: {}.", trace.scenario.says),
        ),
    };
    lines.push(format!("id: model/{id}"));
    lines.push(format!("title: {}", quoted(&title)));
    lines.push(format!("why: {}", quoted(&why)));
    let seen_in: Vec<_> = trace.known_mutant().iter().flat_map(|mutant| mutant.seen_in).map(|it| thread(it)).collect();
    if !seen_in.is_empty() {
        lines.push(format!("seen_in: [{}]", seen_in.join(", ")));
    }
    let rules = match &trace.broken {
        Some((rule, _)) => (*rule).to_string(),
        None => trace.scenario.exercises.join(", "),
    };
    lines.push(format!("rules: [{rules}]"));
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
