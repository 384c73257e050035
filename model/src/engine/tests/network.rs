//! The monotone network against messages that are there or not, and can be lost and doubled: the same to be seen.

use std::collections::BTreeSet;

use stateright::{Model, Property};

use super::{Graph, named, system};
use crate::{
    rules::{History, Request, Shared},
    spec::{Op, Outcome},
    system::{Action, Scenario, System, World},
};

/// The system on a network that holds each message as long as it is under way, and no longer.
#[derive(Clone)]
struct Explicit {
    system: System,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    world: World,
    requests: BTreeSet<Shared<Request>>,
    answers: BTreeSet<(Shared<Request>, Outcome)>,
    received: BTreeSet<(Shared<Request>, Outcome)>,
}

#[derive(Clone, Debug)]
enum Step {
    /// A client sends, for the first time or again.
    Send(Shared<Request>),
    LoseRequest(Shared<Request>),
    LoseAnswer(Shared<Request>, Outcome),
    /// An answer arrives; the copy may stay under way.
    Receive(Shared<Request>, Outcome, Copy),
    /// A replica acts; where it takes a request, a copy of that may stay under way.
    Act(Action, Copy),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Copy {
    Stays,
    Goes,
}

impl Explicit {
    /// What clients may send: what the scenario says, and acknowledgements of what they have received, not only of
    /// what was answered.
    fn sendable(&self, state: &State) -> Vec<Shared<Request>> {
        let mut requests = self.system.scenario.requests.clone();
        for (request, outcome) in &state.received {
            if let (Op::Notifications { client, .. }, Outcome::Notifications(feed)) = (&request.op, outcome) {
                let (client, last) = (*client, feed.last());
                requests.extend(last.map(|note| {
                    let through = note.sequence;
                    Shared::new(Request { number: 0, op: Op::Acknowledge { client, through } })
                }));
            }
        }
        requests
    }
}

impl Model for Explicit {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let worlds = self.system.init_states().into_iter();
        let none = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        worlds
            .map(|world| State { world, requests: none.0.clone(), answers: none.1.clone(), received: none.2.clone() })
            .collect()
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        steps.extend(self.sendable(state).into_iter().filter(|it| !state.requests.contains(it)).map(Step::Send));
        steps.extend(state.requests.iter().cloned().map(Step::LoseRequest));
        for (request, outcome) in &state.answers {
            steps.push(Step::LoseAnswer(request.clone(), outcome.clone()));
            for copy in [Copy::Stays, Copy::Goes] {
                steps.push(Step::Receive(request.clone(), outcome.clone(), copy));
            }
        }
        let mut actions = vec![];
        self.system.actions(&state.world, &mut actions);
        for action in actions {
            match &action {
                Action::Load { request, .. } if !state.requests.contains(request) => {}
                Action::Load { .. } => {
                    steps.extend([Copy::Stays, Copy::Goes].map(|copy| Step::Act(action.clone(), copy)));
                }
                _ => steps.push(Step::Act(action, Copy::Stays)),
            }
        }
    }

    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        let mut next = state.clone();
        match step {
            Step::Send(request) => {
                next.requests.insert(request);
            }
            Step::LoseRequest(request) => {
                next.requests.remove(&request);
            }
            Step::LoseAnswer(request, outcome) => {
                next.answers.remove(&(request, outcome));
            }
            Step::Receive(request, outcome, copy) => {
                let answer = (request, outcome);
                if copy == Copy::Goes {
                    next.answers.remove(&answer);
                }
                next.received.insert(answer);
            }
            Step::Act(action, copy) => {
                match &action {
                    Action::Load { request, .. } if copy == Copy::Goes => {
                        next.requests.remove(request);
                    }
                    Action::Answer { request, outcome, .. } => {
                        next.answers.insert((request.clone(), outcome.clone()));
                    }
                    _ => {}
                }
                next.world = self.system.next_state(&state.world, action)?;
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![]
    }
}

/// A scenario with only some of its requests.
fn tiny(name: &str, requests: &[usize]) -> Scenario {
    let mut scenario = named(name);
    scenario.requests = requests.iter().map(|place| scenario.requests[*place].clone()).collect();
    scenario
}

/// How many states the monotone network has, and how many the explicit one.
fn compare(scenario: Scenario) -> (usize, usize) {
    let system = system(scenario, None);
    let monotone = Graph::of(&system, usize::MAX);
    let explicit = Graph::of(&Explicit { system }, usize::MAX);
    let one: BTreeSet<&History> = monotone.states().iter().map(|world| &*world.history).collect();
    let other: BTreeSet<_> = explicit.states().iter().map(|state| &*state.world.history).collect();
    assert!(monotone.complete() && explicit.complete());
    assert_eq!(one.len(), other.len());
    assert!(one == other, "the logs and answers that can come about differ");
    let received = explicit.states().iter().all(|state| {
        let mut received = state.received.iter();
        received.all(|(request, outcome)| {
            state.world.history.answers().get(request).is_some_and(|answered| answered.contains(outcome))
        })
    });
    assert!(received, "an answer was received that nobody gave");
    (monotone.states().len(), explicit.states().len())
}

#[test]
fn two_claims_for_one_package_look_the_same_on_both_networks() {
    assert_eq!(compare(tiny("notifications", &[0, 1])), (115, 4_924));
}

#[test]
fn a_publication_and_a_claim_by_two_replicas_look_the_same_on_both_networks() {
    assert_eq!(compare(tiny("race", &[0, 1])), (148, 13_372));
}

#[test]
fn a_claim_a_read_and_acknowledgements_look_the_same_on_both_networks() {
    assert_eq!(compare(Scenario { replicas: 1, ..tiny("notifications", &[0, 2]) }), (28, 7_180));
}
