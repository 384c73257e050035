//! Which kinds of steps the scenarios reach, and how quickly each mutant is caught.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Display, Formatter},
    time::Instant,
};

use crate::{
    check::STATES_MAX,
    engine::Graph,
    mutants::{MUTANTS, mutant},
    spec::Label,
    system::{Action, Bounds, FAMILIES, Scenario, System, Watch, family, scenarios},
};

/// The labels that the scenarios reach ([`Spec::label`](crate::spec::Spec::label)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// For each scenario its labels, each with the number of steps that have it.
    pub scenarios: Vec<(&'static str, BTreeMap<Label, usize>)>,
}

impl Coverage {
    /// The labels that any scenario reaches.
    #[must_use]
    pub fn all(&self) -> BTreeSet<&Label> {
        self.scenarios.iter().flat_map(|(_, labels)| labels.keys()).collect()
    }

    /// The labels that this scenario alone reaches.
    #[must_use]
    pub fn only(&self, scenario: &str) -> BTreeSet<&Label> {
        let others = self.scenarios.iter().filter(|(name, _)| *name != scenario);
        let elsewhere: BTreeSet<_> = others.flat_map(|(_, labels)| labels.keys()).collect();
        self.all().difference(&elsewhere).copied().collect()
    }
}

/// Which labels each scenario reaches on the correct system.
#[must_use]
pub fn coverage() -> Coverage {
    let labels = |scenario: Scenario| (scenario.name, labels(scenario));
    Coverage { scenarios: scenarios(Bounds::Small).into_iter().map(labels).collect() }
}

fn labels(scenario: Scenario) -> BTreeMap<Label, usize> {
    let system = System::new(scenario);
    let graph = Graph::of(&system, STATES_MAX);
    let mut labels = BTreeMap::new();
    for (place, world) in graph.states().iter().enumerate() {
        for edge in graph.edges(place) {
            let Action::Answer { request, version, outcome, .. } = &edge.action else { continue };
            let state = world.history.state_at(*version);
            *labels.entry(system.scenario.spec.label(state, &request.op, outcome)).or_default() += 1;
        }
    }
    labels
}

/// How a mutant is caught.
#[derive(Clone, Debug, PartialEq)]
pub struct Kill {
    /// The mutant.
    pub mutant: &'static str,
    /// The rule that it breaks.
    pub rule: &'static str,
    /// Where.
    pub scenario: &'static str,
    /// In how many steps at the earliest; none, if it is not caught.
    pub steps: Option<usize>,
    /// How many states were seen until then.
    pub states: usize,
    /// How long it took.
    pub seconds: f64,
}

/// How each mutant is caught, by the project's own engine.
#[must_use]
pub fn mutant_table() -> Vec<Kill> {
    let kills = MUTANTS.iter().filter_map(|mutant| {
        let begin = Instant::now();
        let scenario = (family(mutant.family)?.scenario)(Bounds::Small);
        let system = System { scenario, mutant: Some(mutant), watch: Watch::Only(mutant.breaks) };
        let (graph, found) = Graph::violation(&system, STATES_MAX, mutant.breaks);
        Some(Kill {
            mutant: mutant.name,
            rule: mutant.breaks,
            scenario: mutant.family,
            steps: found.map(|found| graph.path(found).len()),
            states: graph.states().len(),
            seconds: begin.elapsed().as_secs_f64(),
        })
    });
    kills.collect()
}

/// A family, the mutant that it is there for, and the families that catch that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The family.
    pub family: &'static str,
    /// Its mutant.
    pub mutant: &'static str,
    /// All families that catch it.
    pub caught_in: Vec<&'static str>,
    /// The families that are too large to tell.
    pub untold: Vec<&'static str>,
}

impl Decision {
    /// Whether no other family could do the family's work.
    #[must_use]
    pub fn justifies(&self) -> bool {
        self.caught_in == [self.family] && self.untold.is_empty()
    }
}

/// Looks for the mutant of each family in all families. Minutes.
pub fn decisions() -> impl Iterator<Item = Decision> {
    FAMILIES.iter().filter_map(|family| {
        let mutant = mutant(family.decides)?;
        let mut decision = Decision { family: family.name, mutant: mutant.name, caught_in: vec![], untold: vec![] };
        for other in FAMILIES {
            let scenario = (other.scenario)(Bounds::Small);
            let system = System { scenario, mutant: Some(mutant), watch: Watch::Only(mutant.breaks) };
            match Graph::violation(&system, DECISION_STATES_MAX, mutant.breaks) {
                (_, Some(_)) => decision.caught_in.push(other.name),
                (graph, None) if !graph.complete() => decision.untold.push(other.name),
                _ => {}
            }
        }
        Some(decision)
    })
}

/// More than any mutant of a family makes of a scenario.
const DECISION_STATES_MAX: usize = 2_000_000;

impl Display for Decision {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { family, mutant, caught_in, untold } = self;
        write!(f, "{family:<16} {mutant:<36} caught in {}", caught_in.join(", "))?;
        if untold.is_empty() { Ok(()) } else { write!(f, "; too large to tell: {}", untold.join(", ")) }
    }
}

impl Display for Kill {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { mutant, rule, scenario, states, seconds, .. } = self;
        match self.steps {
            Some(steps) => write!(f, "{mutant:<36} {rule:<24} {steps:>2} steps")?,
            None => write!(f, "{mutant:<36} {rule:<24} SURVIVES")?,
        }
        write!(f, " in {scenario}, {states} states, {seconds:.2} s")
    }
}

impl Display for Coverage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (scenario, labels) in &self.scenarios {
            writeln!(f, "{scenario}: {} labels, {} of them only here", labels.len(), self.only(scenario).len())?;
            labels.iter().try_for_each(|(label, steps)| writeln!(f, "  {label}: {steps} steps"))?;
        }
        write!(f, "in all: {} labels", self.all().len())
    }
}
