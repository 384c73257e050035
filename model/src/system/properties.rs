//! The properties of the system: each rule always, beside it its premise sometimes, and refinement.

use stateright::Property;

use crate::{
    rules::RULES,
    system::{System, World},
};

/// The name of the property that every step is one that the specification allows.
pub const REFINES: &str = "REFINES";

/// Which properties are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// Refinement, all rules, and the witnesses that the scenario is there for.
    All,
    /// One. stateright 0.31 overwrites a discovery with every later one, unless it is the only property.
    Only(&'static str),
}

/// The properties of a system, by its [`Watch`].
pub(super) fn of(system: &System) -> Vec<Property<System>> {
    let mut all = vec![Property::always(REFINES, |_: &System, world: &World| world.refused.is_none())];
    for (rule, (kept, exercised)) in RULES.iter().zip(CONDITIONS) {
        all.push(Property::always(rule.id, kept));
        if system.scenario.exercises.contains(&rule.id) {
            all.push(Property::sometimes(rule.witness, exercised));
        }
    }
    match system.watch {
        Watch::All => all,
        Watch::Only(name) => all.into_iter().filter(|property| property.name == name).collect(),
    }
}

type Condition = fn(&System, &World) -> bool;

fn kept<const PLACE: usize>(_: &System, world: &World) -> bool {
    let rule = const { &RULES[PLACE] };
    (rule.broken)(&world.history).is_none()
}

fn exercised<const PLACE: usize>(_: &System, world: &World) -> bool {
    let rule = const { &RULES[PLACE] };
    (rule.exercised)(&world.history)
}

macro_rules! conditions {
    ($($place:literal)*) => { [$((kept::<$place>, exercised::<$place>)),*] };
}

/// A property's condition is a plain function, which cannot hold a rule: so one for each place in [`RULES`].
const CONDITIONS: [(Condition, Condition); RULES.len()] =
    conditions![0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22];
