//! Whether a run can go on for ever within some states, though it is fair: the answer, and where.

use std::hash::Hash;

use stateright::Model;

use crate::engine::Graph;

/// One promise about runs without an end, made explicit: without any, every directory may stand still.
pub struct Fair<M: Model> {
    /// What is promised, in one sentence.
    pub says: String,
    /// How much must be possible for it to happen.
    pub strength: Strength,
    /// The steps it speaks of.
    pub steps: Steps<M>,
}

/// Whether a step out of a state is one of those that are meant.
pub type Steps<M> = Box<dyn Fn(&<M as Model>::State, &<M as Model>::Action) -> bool>;

/// How much must be possible for a step to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// It happens if from some moment on it is possible all the time.
    Weak,
    /// It happens if it is possible again and again.
    Strong,
}

/// States among those `within` that a fair run may enter and never leave; none, if every fair run leaves `within`.
///
/// A run may also stand still, where no promise forbids it; so a state without a step out of it counts, too. What is
/// searched for is a strongly connected set of states: a weak promise is kept in it if one of its steps is taken, or in
/// one of its states none is possible; a strong one if one of its steps is taken, or none is possible in any state.
/// Where a strong one is broken, a part of the set may still keep it: the one without the states that allow its steps.
#[must_use]
pub fn stall<M>(graph: &Graph<M>, promises: &[Fair<M>], within: &[usize]) -> Option<Vec<usize>>
where
    M: Model,
    M::State: Clone + Eq + Hash,
    M::Action: Clone,
{
    let kinds = Kinds::of(graph, promises);
    let mut to_do = vec![within.to_vec()];
    while let Some(states) = to_do.pop() {
        for component in components(graph, &states) {
            let inside = members(graph, &component);
            let enabled = component.iter().map(|state| kinds.enabled[*state]);
            let everywhere = enabled.clone().fold(u64::MAX, |all, kinds| all & kinds);
            let somewhere = enabled.fold(0, |any, kinds| any | kinds);
            let edges = component.iter().flat_map(|state| graph.edges(*state).iter().zip(&kinds.of_edges[*state]));
            let taken = edges.filter(|(edge, _)| inside[edge.to]).fold(0, |taken, (_, kinds)| taken | kinds);
            if everywhere & kinds.weak & !taken != 0 {
                continue;
            }
            let starved = somewhere & kinds.strong & !taken;
            if starved == 0 {
                return Some(component);
            }
            let rest: Vec<_> = component.into_iter().filter(|state| kinds.enabled[*state] & starved == 0).collect();
            to_do.extend((!rest.is_empty()).then_some(rest));
        }
    }
    None
}

/// For each step, the promises that speak of it, as bits.
struct Kinds {
    of_edges: Vec<Vec<u64>>,
    enabled: Vec<u64>,
    weak: u64,
    strong: u64,
}

impl Kinds {
    fn of<M>(graph: &Graph<M>, promises: &[Fair<M>]) -> Self
    where
        M: Model,
        M::State: Clone + Eq + Hash,
        M::Action: Clone,
    {
        let bits = |keep: &dyn Fn(&Fair<M>) -> bool| {
            let kept = promises.iter().zip(0..64).filter(|(promise, _)| keep(promise));
            kept.fold(0_u64, |bits, (_, bit)| bits | 1 << bit)
        };
        let of_edges: Vec<Vec<_>> = graph
            .states()
            .iter()
            .enumerate()
            .map(|(place, state)| {
                let edges = graph.edges(place).iter();
                edges.map(|edge| bits(&|promise| (promise.steps)(state, &edge.action))).collect()
            })
            .collect();
        let enabled = of_edges.iter().map(|edges| edges.iter().fold(0, |any, kinds| any | kinds)).collect();
        let weak = bits(&|promise| promise.strength == Strength::Weak);
        let strong = bits(&|promise| promise.strength == Strength::Strong);
        Self { of_edges, enabled, weak, strong }
    }
}

fn members<M>(graph: &Graph<M>, states: &[usize]) -> Vec<bool>
where
    M: Model,
    M::State: Clone + Eq + Hash,
    M::Action: Clone,
{
    let mut inside = vec![false; graph.states().len()];
    states.iter().for_each(|state| inside[*state] = true);
    inside
}

/// The strongly connected components of a part of the graph, after Tarjan, without recursion.
fn components<M>(graph: &Graph<M>, states: &[usize]) -> Vec<Vec<usize>>
where
    M: Model,
    M::State: Clone + Eq + Hash,
    M::Action: Clone,
{
    let inside = members(graph, states);
    let mut index: Vec<Option<usize>> = vec![None; inside.len()];
    let mut low = vec![0; inside.len()];
    let mut open = vec![false; inside.len()];
    let (mut stack, mut components, mut next) = (vec![], vec![], 0);
    for root in states {
        let mut calls = if index[*root].is_none() { vec![(*root, 0)] } else { vec![] };
        while let Some((state, place)) = calls.pop() {
            if place == 0 {
                (index[state], low[state], open[state]) = (Some(next), next, true);
                next += 1;
                stack.push(state);
            }
            let Some(edge) = graph.edges(state).get(place) else {
                if index[state] == Some(low[state]) {
                    let begin = stack.iter().rposition(|other| *other == state).unwrap_or_default();
                    let component = stack.split_off(begin);
                    component.iter().for_each(|state| open[*state] = false);
                    components.push(component);
                }
                if let Some((caller, _)) = calls.last() {
                    low[*caller] = low[*caller].min(low[state]);
                }
                continue;
            };
            calls.push((state, place + 1));
            match index[edge.to] {
                _ if !inside[edge.to] => {}
                None => calls.push((edge.to, 0)),
                Some(theirs) if open[edge.to] => low[state] = low[state].min(theirs),
                Some(_) => {}
            }
        }
    }
    components
}
