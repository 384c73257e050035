//! Runs the checker: verified, or the shortest counterexample.

mod coverage;
mod report;
#[cfg(test)]
mod tests;

pub use coverage::{Coverage, Decision, Kill, coverage, decisions, mutant_table};
pub use report::{Counterexample, PropertyResult, Report};

use std::{
    io,
    net::{TcpListener, ToSocketAddrs},
    sync::Arc,
    time::{Duration, Instant},
};

use stateright::{Checker, Expectation, Model, Path};

use crate::{
    mutants::{Mutant, mutant},
    system::{Action, Bounds, REFINES, Scenario, System, Watch, World, family, scenarios},
    trace::Trace,
};

/// Checks the scenarios of every family on the correct system, one after the other: each report as soon as it is there.
pub fn check_all(bounds: Bounds) -> impl Iterator<Item = Report> {
    scenarios(bounds).into_iter().map(|scenario| check(&scenario, None))
}

/// Explores all of a scenario, and tells for each property whether it holds.
///
/// A counterexample in the report need not be the shortest one: see [`counterexample`].
#[must_use]
pub fn check(scenario: &Scenario, mutant: Option<&'static Mutant>) -> Report {
    let begin = Instant::now();
    let system = System { scenario: scenario.clone(), mutant, watch: Watch::All };
    let checker = || system.clone().checker().threads(threads()).target_state_count(STATES_MAX).timeout(TIME_MAX);
    if scenario.more.is_some() {
        // Large: depth first, which holds few states at a time, and the fingerprints of all.
        return report(&system, &checker().spawn_dfs().join(), begin);
    }
    report(&system, &checker().spawn_bfs().join(), begin)
}

fn report(system: &System, checker: &impl Checker<System>, begin: Instant) -> Report {
    let System { scenario, mutant, .. } = system;
    let elapsed = begin.elapsed();
    let discoveries = checker.discoveries();
    let properties = system.properties().into_iter().map(|property| {
        let found = discoveries.contains_key(property.name);
        PropertyResult { name: property.name, holds: found == (property.expectation == Expectation::Sometimes) }
    });
    Report {
        scenario: scenario.name,
        more: scenario.more,
        mutant: mutant.map(|mutant| mutant.name),
        unique_states: checker.unique_state_count(),
        depth: checker.max_depth(),
        properties: properties.collect(),
        complete: checker.state_count() < STATES_MAX && elapsed < TIME_MAX,
        seconds: elapsed.as_secs_f64(),
    }
}

/// As many as the machine runs at once.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// There is no counterexample to show under this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no mutant named {0:?} is known to break a rule")]
pub struct UnknownMutant(pub String);

/// The shortest way in which a mutant breaks the rule that it is there to break.
///
/// # Errors
///
/// There is no such mutant.
pub fn counterexample(name: &str) -> Result<Counterexample, UnknownMutant> {
    let unknown = || UnknownMutant(name.into());
    let mutant = mutant(name).ok_or_else(unknown)?;
    let scenario = (family(mutant.family).ok_or_else(unknown)?.scenario)(Bounds::Small);
    let path = shortest(&scenario, mutant, mutant.breaks, None).ok_or_else(unknown)?;
    let world = path.last_state();
    let broken = if mutant.breaks == REFINES {
        world.refused.as_ref().map(|refusal| refusal.to_string())
    } else {
        world.verdict.how().map(ToString::to_string)
    };
    let broken = broken.unwrap_or_default();
    let history = Arc::clone(&world.history);
    let system = System { scenario: scenario.clone(), mutant: Some(mutant), watch: Watch::Only(mutant.breaks) };
    let trace = Trace::new(&system, path.into_actions()).ok_or_else(unknown)?;
    let trace = Trace { broken: Some((mutant.breaks, broken.clone())), ..trace };
    Ok(Counterexample {
        mutant: mutant.name,
        scenario: scenario.name,
        rule: mutant.breaks,
        broken,
        history,
        story: trace.steps.iter().map(|(step, _)| step.to_string()).collect(),
        trace,
    })
}

/// The shortest path to a state in which a property does not hold, of fewer than `below` steps where that is given.
///
/// stateright 0.31 overwrites a discovery with every later one; with one property and one thread it stops at the
/// first, which a breadth-first search finds in the fewest steps. A test confirms it, by a search that is too shallow.
fn shortest(
    scenario: &Scenario,
    mutant: &'static Mutant,
    property: &'static str,
    below: Option<usize>,
) -> Option<Path<World, Action>> {
    let system = System { scenario: scenario.clone(), mutant: Some(mutant), watch: Watch::Only(property) };
    let checker = system.checker().threads(1).target_state_count(STATES_MAX).timeout(TIME_MAX);
    // Depth counts states from 1, and states at the maximum are not looked at.
    let checker = if let Some(steps) = below { checker.target_max_depth(steps + 1) } else { checker };
    checker.spawn_bfs().join().discovery(property)
}

/// Serves stateright's Explorer on the first scenario, for as long as the process lives.
///
/// # Errors
///
/// The address cannot be listened on.
pub fn explore(address: impl ToSocketAddrs) -> io::Result<()> {
    let first = scenarios(Bounds::Small).into_iter().next().map(System::new);
    first.map_or(Ok(()), |system| explore_system(system, address))
}

/// Serves stateright's Explorer on any system, for as long as the process lives.
///
/// # Errors
///
/// The address cannot be listened on.
pub fn explore_system(system: System, address: impl ToSocketAddrs) -> io::Result<()> {
    let address = address.to_socket_addrs()?.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
    // The Explorer panics where it cannot listen, so this is tried before.
    drop(TcpListener::bind(address)?);
    system.checker().target_state_count(STATES_MAX).serve(address);
    Ok(())
}

/// More than any scenario has: a run that meets a bound is reported as incomplete, never as verified. stateright looks
/// at the time only between blocks of work of several threads, so it is this number that really ends a run.
const STATES_MAX: usize = 400_000_000;
const TIME_MAX: Duration = Duration::from_secs(900);
