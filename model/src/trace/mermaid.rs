//! A trace as a sequence diagram: who asks which replica, what that reads of the store and writes to it.

use std::collections::BTreeSet;

use crate::{
    rules::Request,
    system::Action,
    trace::{Trace, asker},
    words::list,
};

pub(super) fn render(trace: &Trace) -> String {
    let actions = || trace.steps.iter().map(|(action, _)| action);
    let askers: BTreeSet<_> = actions().filter_map(|action| request(action).map(|asked| asker(&asked.op))).collect();
    let mut lines = vec!["sequenceDiagram".to_string()];
    lines.extend(askers.iter().map(|asker| format!("    actor {asker}")));
    let replicas = 1..=trace.scenario.replicas;
    lines.extend(replicas.map(|replica| format!("    participant replica{replica} as replica {replica}")));
    lines.push("    participant store".into());
    lines.extend(actions().flat_map(arrows).map(|arrow| format!("    {arrow}")));
    if let Some((rule, how)) = &trace.broken {
        lines.push(format!("    Note over store: {}", text(format!("{rule}: {how}"))));
    }
    lines.join("\n") + "\n"
}

fn request(action: &Action) -> Option<&Request> {
    match action {
        Action::Load { request, .. }
        | Action::LoadAgain { request, .. }
        | Action::Answer { request, .. }
        | Action::Append { request, .. } => Some(request),
        Action::Crash { .. } | Action::Restore { .. } | Action::Tick { .. } => None,
    }
}

fn arrows(action: &Action) -> Vec<String> {
    match action {
        Action::Load { replica, request, version } => {
            let asked = format!("{}->>replica{}: {}", asker(&request.op), replica + 1, text(&**request));
            vec![asked, format!("store-->>replica{}: the log at version {version}", replica + 1)]
        }
        Action::LoadAgain { replica, version, .. } => {
            vec![format!("store-->>replica{}: no, the log has grown to version {version}", replica + 1)]
        }
        Action::Answer { replica, request, outcome, events, .. } => {
            let appended = format!("replica{}->>store: {}", replica + 1, text(list(events)));
            let answered = format!("replica{}-->>{}: {}", replica + 1, asker(&request.op), text(outcome));
            if events.is_empty() { vec![answered] } else { vec![appended, answered] }
        }
        Action::Append { replica, events, .. } => {
            vec![format!("replica{}->>store: late: {}", replica + 1, text(list(events)))]
        }
        Action::Crash { replica } => vec![format!("Note over replica{}: killed, and started again", replica + 1)],
        Action::Restore { version, events } => {
            vec![format!("Note over store: restored to version {version}, then: {}", text(list(events)))]
        }
        Action::Tick { to } => vec![format!("Note over store: it is {to} o'clock")],
    }
}

/// Mermaid ends a line at a semicolon, and begins a character's code with a number sign.
fn text(words: impl ToString) -> String {
    words.to_string().replace('#', "#35;").replace(';', "#59;")
}
