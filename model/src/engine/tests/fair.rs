//! Fairness on graphs that fit in the head: a loop, a way out of it, and what must be promised that it is taken.

use stateright::{Model, Property};

use crate::engine::{Fair, Graph, Strength, stall};

/// States 0 and 1 go round; the way out to 2 is there in the states of this list.
#[derive(Clone)]
struct Round {
    exits: Vec<u8>,
}

impl Model for Round {
    type State = u8;
    type Action = u8;

    fn init_states(&self) -> Vec<u8> {
        vec![0]
    }

    fn actions(&self, state: &u8, actions: &mut Vec<u8>) {
        match state {
            0 => actions.push(1),
            1 => actions.push(0),
            _ => {}
        }
        if self.exits.contains(state) {
            actions.push(2);
        }
    }

    fn next_state(&self, _: &u8, action: u8) -> Option<u8> {
        Some(action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![]
    }
}

fn stalls(exits: &[u8], strengths: &[(Strength, &'static [u8])]) -> bool {
    let graph = Graph::of(&Round { exits: exits.to_vec() }, 10);
    let fair = |(strength, to): &(Strength, &'static [u8])| {
        let to: &'static [u8] = to;
        let steps = Box::new(move |_: &u8, action: &u8| to.contains(action));
        Fair { says: String::new(), strength: *strength, steps }
    };
    let fair: Vec<_> = strengths.iter().map(fair).collect();
    stall(&graph, &fair, &[0, 1]).is_some()
}

#[test]
fn without_a_promise_everything_may_stand_still() {
    assert!(stalls(&[0, 1], &[]));
}

#[test]
fn a_weak_promise_is_enough_for_what_is_always_possible() {
    assert!(!stalls(&[0, 1], &[(Strength::Weak, &[2])]));
}

#[test]
fn a_weak_promise_is_not_enough_for_what_is_possible_now_and_then() {
    assert!(stalls(&[1], &[(Strength::Weak, &[2])]));
    assert!(!stalls(&[1], &[(Strength::Weak, &[0, 2]), (Strength::Weak, &[1]), (Strength::Strong, &[2])]));
}

#[test]
fn a_strong_promise_does_not_help_a_run_that_may_stand_still_elsewhere() {
    assert!(stalls(&[1], &[(Strength::Strong, &[2])]));
    assert!(!stalls(&[1], &[(Strength::Strong, &[2]), (Strength::Weak, &[1])]));
}

#[test]
fn a_way_out_that_is_not_there_is_not_taken() {
    let every: &'static [u8] = &[0, 1, 2];
    assert!(stalls(&[], &[(Strength::Strong, &[2]), (Strength::Weak, every)]));
}
