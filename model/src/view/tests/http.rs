//! A counterexample as the clients of a server saw it: requests and answers with their times, then a look at everything.

use std::collections::BTreeSet;

use stateright::Model;

use crate::{
    check::Counterexample,
    history::Event,
    linearize::Operation,
    mutants::mutant,
    names::{Client, User},
    rules::{Request, Shared},
    spec::{Op, Outcome},
    system::{Action, System, Watch, World},
};

/// What was seen, and when the server was killed, if it was.
pub(super) fn seen(counterexample: &Counterexample) -> (Vec<Operation>, Option<u64>) {
    let trace = &counterexample.trace;
    let mut begun: Vec<Option<(Op, u64)>> = vec![None; trace.scenario.replicas];
    let (mut all, mut killed) = (vec![], None);
    let lost = |(op, invoked)| Operation { op, outcome: None, invoked, returned: None };
    for (place, (action, _)) in trace.steps.iter().enumerate() {
        let now = place as u64 * 10 + 10;
        let at_once = |op| Operation { op, outcome: Some(Outcome::Done), invoked: now, returned: Some(now + 5) };
        match action {
            Action::Load { replica, request, .. } => begun[*replica] = Some((request.op.clone(), now)),
            Action::Answer { replica, outcome, .. } => {
                let (op, invoked) = begun[*replica].take().expect("loaded before");
                let returned = Some(now + 5);
                all.push(Operation { op, outcome: Some(outcome.clone()), invoked, returned });
            }
            Action::Tick { to } => all.push(at_once(Op::Tick { to: *to })),
            Action::Crash { replica } => {
                killed = Some(now);
                all.extend(begun[*replica].take().map(lost));
            }
            Action::Restore { .. } => {
                all.extend(begun.iter_mut().filter_map(Option::take).map(lost));
                all.push(at_once(Op::Fence));
            }
            Action::LoadAgain { .. } | Action::Append { .. } => {}
        }
    }
    all.extend(begun.into_iter().flatten().map(lost));
    let end = trace.steps.len() as u64 * 10 + 100;
    all.extend(probed(counterexample).into_iter().enumerate().map(|(place, (op, outcome))| {
        let invoked = end + place as u64 * 10;
        Operation { op, outcome: Some(outcome), invoked, returned: Some(invoked + 5) }
    }));
    all.sort_by_key(|operation| operation.invoked);
    (all, killed)
}

/// A look at everything that can be looked at: what became of the packages, the feed, the stock, the keys.
fn probed(counterexample: &Counterexample) -> Vec<(Op, Outcome)> {
    let trace = &counterexample.trace;
    let mut world = trace.last().clone();
    let system = System {
        scenario: trace.scenario.clone(),
        mutant: trace.mutant.and_then(mutant),
        watch: Watch::Only(counterexample.rule),
    };
    // What a replica still owes it appends by now, and what it has in hand is done with.
    world.replicas.iter_mut().for_each(|replica| *replica = crate::system::Replica::Idle);
    let mut answers = vec![];
    for op in probes(&trace.scenario.setup, trace) {
        let mut asks = system.clone();
        asks.scenario.requests = vec![Shared::new(Request { number: 2, op: op.clone() })];
        let Some((outcome, after)) = answer(&asks, &world, &op) else { continue };
        world = after;
        answers.push((op, outcome));
    }
    answers
}

fn answer(system: &System, world: &World, op: &Op) -> Option<(Outcome, World)> {
    let step = |world: &World, wanted: &dyn Fn(&Action) -> bool| {
        let mut actions = vec![];
        system.actions(world, &mut actions);
        let action = actions.into_iter().find(|action| wanted(action))?;
        Some((action.clone(), system.next_state(world, action)?))
    };
    let loads = |action: &Action| matches!(action, Action::Load { request, .. } if request.op == *op);
    let (_, loaded) = step(world, &loads)?;
    let answers = |action: &Action| matches!(action, Action::Answer { request, .. } if request.op == *op);
    let (action, after) = step(&loaded, &answers)?;
    let Action::Answer { outcome, .. } = action else { return None };
    Some((outcome, after))
}

fn probes(setup: &[Event], trace: &crate::trace::Trace) -> Vec<Op> {
    let asked = trace.steps.iter().filter_map(|(action, _)| match action {
        Action::Answer { request, .. } => Some(&request.op),
        _ => None,
    });
    let added = asked.filter_map(|op| match op {
        Op::AddKey { user, client, .. } => Some((*user, *client)),
        _ => None,
    });
    let listed = setup.iter().filter_map(|event| match event {
        Event::KeyAdded { user, client, .. } => Some((*user, *client)),
        _ => None,
    });
    let owners: BTreeSet<(User, Client)> = listed.chain(added).collect();
    let clients: BTreeSet<Client> = owners.iter().map(|(_, client)| *client).collect();
    let users: BTreeSet<User> = owners.iter().map(|(user, _)| *user).collect();
    let of_client =
        |client: Client| [Op::Reconcile { client }, Op::Notifications { client, after: 0 }, Op::Stock { client }];
    clients.into_iter().flat_map(of_client).chain(users.into_iter().map(|user| Op::Keys { user })).collect()
}
