//! A plain breadth-first search of our own: shortest paths, the whole graph to look at, and progress over it.
//!
//! It explores whatever stateright explores, and a test demands the same number of states of both. States are compared
//! whole, never by a fingerprint, so that two states are never taken for one. stateright answers whether a property
//! holds; the graph answers what a state alone cannot: which steps there are ([`Graph::edges`]), and whether what is
//! owed can be, and will be, paid ([`progress`]).

mod export;
mod fairness;
pub mod progress;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use stateright::{Expectation, Model};

pub use fairness::{Fair, Steps, Strength, stall};

/// The states of a model, and the steps between them.
pub struct Graph<M: Model> {
    /// In the order in which they were found: a shorter way is found before a longer one.
    states: Vec<M::State>,
    edges: Vec<Vec<Edge<M::Action>>>,
    /// The state from which each was found first, and the place among its edges.
    found_from: Vec<Option<(usize, usize)>>,
    complete: bool,
}

/// A step out of a state.
#[derive(Clone, Debug)]
pub struct Edge<A> {
    /// What is done.
    pub action: A,
    /// The state after it, by its place in [`Graph::states`].
    pub to: usize,
}

impl<M> Graph<M>
where
    M: Model,
    M::State: Clone + Eq + Hash,
    M::Action: Clone,
{
    /// All states that can be reached, unless there are more than `states_max`.
    #[must_use]
    pub fn of(model: &M, states_max: usize) -> Self {
        Self::search(model, states_max, |_| false).0
    }

    /// Explores until the first state that is `wanted`; of all of them it is reached in the fewest steps.
    #[must_use]
    pub fn search(model: &M, states_max: usize, wanted: impl Fn(&M::State) -> bool) -> (Self, Option<usize>) {
        let mut graph = Self { states: vec![], edges: vec![], found_from: vec![], complete: false };
        let mut places = Places::default();
        for state in model.init_states().into_iter().filter(|state| model.within_boundary(state)) {
            if let (place, true) = places.insert(&mut graph.states, state) {
                graph.found_from.push(None);
                if wanted(&graph.states[place]) {
                    return (graph, Some(place));
                }
            }
        }
        let mut actions = vec![];
        while graph.edges.len() < graph.states.len() {
            let from = graph.edges.len();
            model.actions(&graph.states[from], &mut actions);
            let mut edges = Vec::with_capacity(actions.len());
            let mut goal = None;
            for action in actions.drain(..) {
                let next = model.next_state(&graph.states[from], action.clone());
                let Some(next) = next.filter(|next| model.within_boundary(next)) else { continue };
                let (to, new) = places.insert(&mut graph.states, next);
                edges.push(Edge { action, to });
                if new {
                    graph.found_from.push(Some((from, edges.len() - 1)));
                    goal = goal.or_else(|| wanted(&graph.states[to]).then_some(to));
                }
            }
            graph.edges.push(edges);
            if goal.is_some() || graph.states.len() > states_max {
                return (graph, goal);
            }
        }
        graph.complete = true;
        (graph, None)
    }

    /// Explores until a property of the model does not hold that should hold always.
    #[must_use]
    pub fn violation(model: &M, states_max: usize, property: &str) -> (Self, Option<usize>) {
        let named = |known: &stateright::Property<M>| known.name == property;
        let property = model.properties().into_iter().find(named);
        Self::search(model, states_max, |state| {
            let always = property.as_ref().filter(|property| property.expectation == Expectation::Always);
            always.is_some_and(|property| !(property.condition)(model, state))
        })
    }

    /// Whether every state was seen, and every step out of it.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.complete
    }

    /// The states, from near to far.
    #[must_use]
    pub fn states(&self) -> &[M::State] {
        &self.states
    }

    /// The steps out of a state; none, if the search ended before it came to that.
    #[must_use]
    pub fn edges(&self, state: usize) -> &[Edge<M::Action>] {
        self.edges.get(state).map_or(&[], Vec::as_slice)
    }

    /// How many steps there are.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.edges.iter().map(Vec::len).sum()
    }

    /// A shortest way to a state, from the beginning.
    #[must_use]
    pub fn path(&self, state: usize) -> Vec<M::Action> {
        let mut path = vec![];
        let mut here = state;
        while let Some(&Some((from, place))) = self.found_from.get(here) {
            path.push(self.edges[from][place].action.clone());
            here = from;
        }
        path.reverse();
        path
    }

    /// The length of the longest of the shortest ways, in states, as stateright counts it.
    #[must_use]
    pub fn depth(&self) -> usize {
        let mut depths: Vec<usize> = Vec::with_capacity(self.states.len());
        for from in &self.found_from {
            depths.push(from.map_or(1, |(from, _)| depths[from] + 1));
        }
        depths.into_iter().max().unwrap_or_default()
    }
}

/// Where each state is, by its hash; states of one hash are compared.
#[derive(Default)]
struct Places {
    by_hash: HashMap<u64, Vec<usize>>,
}

impl Places {
    /// The place of a state among `states`, and whether it is new there.
    fn insert<S: Eq + Hash>(&mut self, states: &mut Vec<S>, state: S) -> (usize, bool) {
        let mut hasher = DefaultHasher::new();
        state.hash(&mut hasher);
        let places = self.by_hash.entry(hasher.finish()).or_default();
        if let Some(known) = places.iter().find(|place| states[**place] == state) {
            return (*known, false);
        }
        places.push(states.len());
        states.push(state);
        (states.len() - 1, true)
    }
}
