//! Vectors made by the model: few readable tours that take every kind of step, or every step of a small scenario.
//!
//! A tour is sequential: one request after the other, on a directory of one replica, so that its states are those of the
//! specification alone. From where it is, it goes the shortest way to a step that no tour took so far, in the order in
//! which the operations stand; where there is none, or it is long enough, another tour begins. Nothing in that is
//! chance, so the same vectors come out each time.

#[cfg(test)]
mod tests;
mod tours;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    history::{Event, State},
    spec::{Label, Op, Outcome, Spec},
    trace::{Head, NoVector, sequence},
};

pub use tours::{SIGHTS, Sight};

/// A way through the specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tour {
    /// Its name: of the scenario and a number.
    pub name: String,
    /// Where it goes through.
    pub sight: &'static Sight,
    /// What is asked, in order.
    pub ops: Vec<Op>,
    /// The kinds of steps that it is the first to take.
    pub labels: BTreeSet<Label>,
}

impl Tour {
    /// The tour as a vector. No expectation depends on what a directory is free to choose.
    ///
    /// # Errors
    ///
    /// Something in it has no words in a vector.
    pub fn vector(&self) -> Result<String, NoVector> {
        let kinds: Vec<_> = self.labels.iter().map(ToString::to_string).collect();
        let head = Head {
            id: format!("generated/{}", self.name),
            title: format!("A tour: {}", self.sight.says),
            why: if kinds.is_empty() {
                "With the other tours of this name it takes every step that there is in this scenario.".into()
            } else {
                format!("It is the first to take these kinds of steps: {}.", kinds.join(", "))
            },
            seen_in: vec![],
            rules: self.sight.rules.to_vec(),
        };
        sequence(&head, &(self.sight.setup)(), &self.ops)
    }
}

/// Tours that together take every kind of step ([`Spec::label`]) that there is in the [`SIGHTS`].
#[must_use]
pub fn label_cover() -> Vec<Tour> {
    let mut taken = BTreeSet::new();
    let mut tours = vec![];
    for sight in SIGHTS {
        tours.extend(cover(sight, &mut taken, &|sight, state, op, outcome| spec(sight).label(state, op, outcome)));
    }
    tours
}

/// Tours that together take every step of every state of the smaller [`SIGHTS`]: for a nightly run. The larger ones have
/// more steps than a server can be asked in a night.
#[must_use]
pub fn edge_cover() -> Vec<Tour> {
    let mut tours = vec![];
    for sight in SIGHTS.iter().filter(|sight| WITH_EVERY_STEP.contains(&sight.name)) {
        let edge =
            |_: &Sight, state: &State, op: &Op, outcome: &Outcome| Label(format!("{state:?} {op:?} {outcome:?}"));
        let of_sight = cover(sight, &mut BTreeSet::new(), &edge);
        let edges = |tour: Tour| Tour { name: format!("edges-{}", tour.name), labels: BTreeSet::new(), ..tour };
        tours.extend(of_sight.into_iter().map(edges));
    }
    tours
}

fn spec(_: &Sight) -> Spec {
    Spec::default()
}

type Kind<'a> = &'a dyn Fn(&Sight, &State, &Op, &Outcome) -> Label;

fn cover(sight: &'static Sight, taken: &mut BTreeSet<Label>, kind: Kind<'_>) -> Vec<Tour> {
    let mut tours: Vec<Tour> = vec![];
    let begin = State::of((sight.setup)());
    let operations = (sight.ops)();
    loop {
        let mut tour =
            Tour { name: format!("{}-{}", sight.name, tours.len() + 1), sight, ops: vec![], labels: BTreeSet::new() };
        let mut state = begin.clone();
        while let Some(way) = nearest(sight, &state, &operations, taken, kind, STEPS_MAX.saturating_sub(tour.ops.len()))
        {
            for (op, outcome, after) in way {
                let label = kind(sight, &state, &op, &outcome);
                if taken.insert(label.clone()) {
                    tour.labels.insert(label);
                }
                tour.ops.extend(reading_before(&op, &tour.ops));
                tour.ops.push(op);
                state = after;
            }
        }
        if tour.ops.is_empty() {
            return tours;
        }
        tours.push(tour);
    }
}

type Step = (Op, Outcome, State);

/// The shortest way to a step of a kind that was not taken yet.
fn nearest(
    sight: &Sight,
    from: &State,
    operations: &[Op],
    taken: &BTreeSet<Label>,
    kind: Kind<'_>,
    steps_max: usize,
) -> Option<Vec<Step>> {
    let spec = spec(sight);
    let mut came_from: BTreeMap<State, Option<(State, Op, Outcome)>> = BTreeMap::from([(from.clone(), None)]);
    let mut queue = VecDeque::from([(from.clone(), 0)]);
    while let Some((state, steps)) = queue.pop_front() {
        if steps >= steps_max || came_from.len() > STATES_MAX {
            continue;
        }
        let possible = operations.iter().cloned().chain(after_reading(&state));
        let possible = possible.filter(|op| can_be_asked(&state, op));
        for op in possible {
            for (outcome, after) in spec.outcomes(&state, &op) {
                if !taken.contains(&kind(sight, &state, &op, &outcome)) {
                    let mut way = vec![(op.clone(), outcome, after)];
                    let mut here = &state;
                    while let Some(Some((before, op, outcome))) = came_from.get(here) {
                        way.push((op.clone(), outcome.clone(), here.clone()));
                        here = before;
                    }
                    way.reverse();
                    return Some(way);
                }
                if !came_from.contains_key(&after) {
                    came_from.insert(after.clone(), Some((state.clone(), op.clone(), outcome)));
                    queue.push_back((after, steps + 1));
                }
            }
        }
    }
    None
}

/// What an owner can ask that has read its first notification: the next ones, and to let go of that one.
fn after_reading(state: &State) -> Vec<Op> {
    let told = state.sequences.keys().copied();
    told.flat_map(|client| [Op::Notifications { client, after: 1 }, Op::Acknowledge { client, through: 1 }]).collect()
}

/// A client without a valid signature key cannot sign what it asks; that it is refused then is no matter of the model.
fn can_be_asked(state: &State, op: &Op) -> bool {
    match op {
        Op::Publish { client, .. }
        | Op::Replace { client, .. }
        | Op::Withdraw { client, .. }
        | Op::Stock { client }
        | Op::Reconcile { client }
        | Op::Notifications { client, .. }
        | Op::Acknowledge { client, .. } => state.client_exists(*client),
        _ => true,
    }
}

/// The reading that has to come first.
fn reading_before(op: &Op, before: &[Op]) -> Option<Op> {
    let (Op::Acknowledge { client, .. } | Op::Notifications { client, after: 1 }) = op else { return None };
    let read = Op::Notifications { client: *client, after: 0 };
    let follows = |op: &Op| matches!(op, Op::Acknowledge { client: of, .. } | Op::Notifications { client: of, after: 1 } if of == client);
    (!before.iter().any(follows) && before.last() != Some(&read)).then_some(read)
}

/// Enough to come everywhere, few enough to be read. A look at the feed before letting go of it comes on top.
const STEPS_MAX: usize = 12;

/// The sights that are small enough to take every step of them.
const WITH_EVERY_STEP: [&str; 2] = ["last-client", "blocks"];

/// A way that is longer than so many states wide is not looked for.
const STATES_MAX: usize = 30_000;

/// The log at the beginning of a tour.
pub(crate) type Setup = fn() -> Vec<Event>;
