//! The properties of the system: each rule always, beside it its premise sometimes, and refinement.
//!
//! Rules are asked once for each step that changes the history, not once for each state: what they say is kept in the
//! state, where a property looks it up.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use stateright::Property;

use crate::{
    rules::{History, RULES},
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

impl Watch {
    /// The rules to ask, a bit for each place in [`RULES`].
    fn rules(self) -> u64 {
        match self {
            Self::All => u64::MAX,
            Self::Only(name) => RULES.iter().position(|rule| rule.id == name).map_or(0, |place| 1 << place),
        }
    }
}

/// What the rules say of a history, a bit for each place in [`RULES`]. It follows from the history, so it does not tell
/// two states apart.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    broken: u64,
    exercised: u64,
    /// How the first of them was broken.
    how: Option<Arc<str>>,
}

impl Verdict {
    /// How the first rule was broken that was: one sentence with both sides.
    #[must_use]
    pub fn how(&self) -> Option<&str> {
        self.how.as_deref()
    }
}

impl PartialEq for Verdict {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Verdict {}

impl Hash for Verdict {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl System {
    /// Lets something happen, and asks the rules about it.
    pub(super) fn happens(&self, world: &mut World, change: impl FnOnce(&mut History)) {
        let mut history = History::clone(&world.history);
        change(&mut history);
        world.verdict = self.judge(&mut history, world.verdict.clone());
        world.history = history.into();
    }

    /// What the rules say after what they said before. A rule that was broken stays broken: history is not undone.
    pub(super) fn judge(&self, history: &mut History, before: Verdict) -> Verdict {
        let mut verdict = before;
        let watched = self.watch.rules();
        for (place, rule) in RULES.iter().enumerate() {
            let bit = 1 << place;
            if watched & !verdict.broken & bit != 0
                && let Some(how) = (rule.broken)(history)
            {
                verdict.broken |= bit;
                verdict.how.get_or_insert_with(|| how.into());
            }
            let witness = self.watch == Watch::All && self.scenario.exercises.contains(&rule.id);
            if witness && verdict.exercised & bit == 0 && (rule.exercised)(history) {
                verdict.exercised |= bit;
            }
        }
        history.judged();
        verdict
    }
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
    world.verdict.broken & (1 << PLACE) == 0
}

fn exercised<const PLACE: usize>(_: &System, world: &World) -> bool {
    world.verdict.exercised & (1 << PLACE) != 0
}

macro_rules! conditions {
    ($($place:literal)*) => { [$((kept::<$place>, exercised::<$place>)),*] };
}

/// A property's condition is a plain function, which cannot hold a rule: so one for each place in [`RULES`].
const CONDITIONS: [(Condition, Condition); RULES.len()] = conditions![
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41
    42 43 44 45 46 47 48 49 50 51 52 53 54
];
