//! `kpd mutants`: the kill matrix. A suite that lets a broken server pass is itself broken.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Args;
use futures_util::{StreamExt as _, stream};
use kpd_server::{Mutant, mutants::MUTANTS};

use crate::{
    catalogue::Companion,
    cli::{CliError, out::say, run::judge_embedded, serve::named},
    embedded::Embedded,
    library::{self, Library},
    power::{DOUBT, Power, Trial, WANTED, at_least},
    run::{Options, Server},
    vector::Vector,
    verdict::{Exit, Failure, Judged, Verdict},
};

/// Which mutants.
#[derive(Debug, Args)]
pub(super) struct MutantsArguments {
    /// Only these; all without.
    names: Vec<String>,
    /// How many vectors at a time; one that waits for a moment does not count meanwhile.
    #[arg(long, default_value_t = 4)]
    jobs: usize,
    /// How many mutants at a time.
    #[arg(long, default_value_t = 4)]
    at_once: usize,
    /// Keys, packages and order follow from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only the vectors of the rule that each mutant breaks: quicker, and all that a kill takes.
    #[arg(long)]
    of_its_rule: bool,
    /// Also looks for vectors that kill nothing, and fails where one documents nothing either: after the vectors of each
    /// mutant's rule, those that have not killed anything yet are tried with all mutants until they do. Those that document
    /// something are not tried: they need not kill.
    #[arg(long, conflicts_with_all = ["names", "of_its_rule"])]
    idle: bool,
    /// Instead, how likely a run finds those whose fault shows by chance: measured in the races of so many runs.
    #[arg(long, value_name = "RUNS", num_args = 0..=1, default_missing_value = "5", conflicts_with = "idle",
        value_parser = clap::value_parser!(u32).range(1..))]
    power: Option<u32>,
}

pub(super) async fn mutants(arguments: &MutantsArguments) -> Result<Exit, CliError> {
    let library = Library::embedded()?;
    let mutants: Vec<Mutant> = if arguments.names.is_empty() {
        MUTANTS.to_vec()
    } else {
        arguments.names.iter().map(|name| named(name)).collect::<Result<_, _>>()?
    };
    let (mutants, elsewhere): (Vec<_>, Vec<_>) = mutants.into_iter().partition(|mutant| has_vector(&library, mutant));
    let options = Options { jobs: arguments.jobs, seed: arguments.seed, rounds: None };
    if let Some(runs) = arguments.power {
        return power(&library, &mutants, options, runs).await;
    }
    let begun = Instant::now();
    let mut alive = vec![];
    let mut killers: BTreeSet<String> = BTreeSet::new();
    say!("{:<38} {:<26} {:>6}  killed by", "mutant", "breaks", "fails");
    // Some at a time: a vector that waits for an expiry leaves the processors to others.
    let library = Arc::new(library);
    let runs = stream::iter(mutants.clone()).map(|mutant| {
        let library = Arc::clone(&library);
        let filters = if arguments.of_its_rule || arguments.idle { vec![mutant.breaks.to_string()] } else { vec![] };
        async move { (mutant, run_against(mutant, &library, &library.select(&filters), options).await) }
    });
    let mut runs = runs.buffered(arguments.at_once.max(1));
    while let Some((mutant, judged)) = runs.next().await {
        let judged = judged?;
        let failed: Vec<&Judged> =
            judged.iter().filter(|judged| matches!(judged.verdict, Verdict::Fail(_) | Verdict::Warn(_))).collect();
        killers.extend(failed.iter().map(|judged| judged.vector.id.clone()));
        let killer = killer(mutant, &failed);
        let says = match killer {
            Some(vector) => vector.to_string(),
            None if failed.is_empty() => "NOTHING".into(),
            None => format!("NO VECTOR OF ITS RULE (but {})", failed[0].vector.id),
        };
        say!("{:<38} {:<26} {:>6}  {says}", mutant.name, mutant.breaks, failed.len());
        if killer.is_none() {
            alive.push(mutant.name);
        }
    }
    for mutant in &elsewhere {
        say!("{:<38} {:<26} {:>6}  no vector: see kpd explain {}", mutant.name, mutant.breaks, "-", mutant.breaks);
    }
    let mut useless = vec![];
    if arguments.idle {
        useless = tried_with_all(arguments, &library, &mutants, &mut killers, options).await?;
    }
    let idle: Vec<&Arc<Vector>> = library.vectors.iter().filter(|vector| !killers.contains(&vector.id)).collect();
    say!(
        "\n{} of {} mutants killed in {:.1} s; {} of {} vectors kill something",
        mutants.len() - alive.len(),
        mutants.len(),
        begun.elapsed().as_secs_f64(),
        library.vectors.len() - idle.len(),
        library.vectors.len(),
    );
    if arguments.idle {
        idle.iter().for_each(|vector| say!("{}", told_idle(vector)));
    }
    if !useless.is_empty() {
        say!(
            "{} vectors kill nothing and document nothing: `documents:` says in a sentence what one is there for",
            useless.len()
        );
    }
    Ok(match (mutants.is_empty(), alive.is_empty() && useless.is_empty()) {
        (true, _) => Exit::Nothing,
        (_, true) => Exit::Passed,
        (_, false) => Exit::Failed,
    })
}

/// Vectors that neither killed a mutant of their rules nor document anything, each tried with all mutants until it kills one;
/// those that kill none.
async fn tried_with_all(
    arguments: &MutantsArguments,
    library: &Arc<Library>,
    mutants: &[Mutant],
    killers: &mut BTreeSet<String>,
    options: Options,
) -> Result<Vec<Arc<Vector>>, CliError> {
    let mut left = silent(&library.vectors, killers);
    for some in mutants.chunks(arguments.at_once.max(1)) {
        if left.is_empty() {
            break;
        }
        let runs = some.iter().map(|mutant| {
            let (library, vectors) = (Arc::clone(library), left.clone());
            async move { run_against(*mutant, &library, &vectors, options).await }
        });
        for judged in futures_util::future::join_all(runs).await {
            let failed = |judged: &&Judged| matches!(judged.verdict, Verdict::Fail(_) | Verdict::Warn(_));
            killers.extend(judged?.iter().filter(failed).map(|judged| judged.vector.id.clone()));
        }
        left = silent(&left, killers);
    }
    Ok(left)
}

/// Vectors that have killed nothing yet, and do not say what else they are there for.
fn silent(vectors: &[Arc<Vector>], killers: &BTreeSet<String>) -> Vec<Arc<Vector>> {
    let is_silent = |vector: &&Arc<Vector>| vector.documents.is_none() && !killers.contains(&vector.id);
    vectors.iter().filter(is_silent).cloned().collect()
}

/// A vector that kills nothing, with what it is there for.
fn told_idle(vector: &Vector) -> String {
    match &vector.documents {
        Some(documents) => format!("kills no mutant of its rules: {}, and documents: {}", vector.id, documents.trim()),
        None => format!("kills nothing, and documents nothing: {}", vector.id),
    }
}

/// Whether any vector could catch it: of a few rules the catalogue says why there is none, and what catches theirs.
fn has_vector(library: &Library, mutant: &Mutant) -> bool {
    let rule = library.catalogue.rule(mutant.breaks);
    let excused = rule.is_some_and(|rule| rule.pending.is_some() || rule.exempt.contains_key(&Companion::Vector));
    !excused || library.vectors.iter().any(|vector| vector.rules.iter().any(|rule| rule == mutant.breaks))
}

/// The vector that catches a mutant: one of the rule that it breaks, best one that checks this rule above all. What else
/// fails on the way does not count.
fn killer<'a>(mutant: Mutant, failed: &[&'a Judged]) -> Option<&'a str> {
    let place = |judged: &&&Judged| judged.vector.rules.iter().position(|rule| rule == mutant.breaks);
    let of_rule = failed.iter().filter(|judged| place(judged).is_some());
    of_rule.min_by_key(place).map(|judged| judged.vector.id.as_str())
}

/// How likely one run is to find each of them: in the races of their rules, each round of many runs counted.
async fn power(library: &Library, mutants: &[Mutant], options: Options, runs: u32) -> Result<Exit, CliError> {
    let by_chance: Vec<&Mutant> = mutants.iter().filter(|mutant| mutant.is_found_by_chance()).collect();
    if by_chance.is_empty() {
        return Err(CliError::Usage("each of these mutants shows its fault whenever it is asked".into()));
    }
    let mut enough = true;
    say!(
        "{:<44} {:>7} {:>6}  {:>7} {:>7}  {:>7} {:>10}",
        "race",
        "failed",
        "of",
        "share",
        "at least",
        "in a run",
        "alone"
    );
    for mutant in by_chance {
        let races: Vec<Arc<Vector>> = library.select(&[mutant.breaks.to_string()]);
        let races: Vec<_> = races.into_iter().filter(|vector| vector.race.is_some()).collect();
        let trial = |vector: &Arc<Vector>| {
            let rounds_of_run = vector.race.as_ref().map_or(0, |race| options.rounds.unwrap_or(race.rounds));
            Trial { id: vector.id.clone(), rounds_of_run, rounds: 0, failed: 0 }
        };
        let mut power = Power { trials: races.iter().map(trial).collect() };
        for run in 0..runs {
            let seed = options.seed.wrapping_add(run.into());
            for judged in run_against(*mutant, library, &races, Options { seed, ..options }).await? {
                let Some(trial) = power.trials.iter_mut().find(|trial| trial.id == judged.vector.id) else { continue };
                let rounds = judged.contention.map_or(0, |(_, rounds)| rounds);
                let failed = judged.verdict.failure().map_or(0, Failure::rounds_failed);
                trial.rounds += u32::try_from(rounds).unwrap_or(u32::MAX);
                trial.failed += u32::try_from(failed).unwrap_or(u32::MAX);
            }
        }
        say!("{} breaks {}: {}", mutant.name, mutant.breaks, mutant.says);
        for trial in &power.trials {
            let bound = at_least(trial.failed, trial.rounds, power.doubt_of_each());
            let alone =
                trial.rounds_wanted(power.doubt_of_each()).map_or("-".into(), |rounds| format!("{rounds} rounds"));
            say!(
                "  {:<42} {:>7} {:>6}  {:>7.4} {bound:>7.4}  {:>7} {alone:>10}",
                trial.id,
                trial.failed,
                trial.rounds,
                trial.share(),
                trial.rounds_of_run,
            );
        }
        let verdict = if power.is_enough() { "" } else { ", which is TOO SELDOM" };
        say!(
            "  a run finds it with {:.4} %, and with {:.4} % at least{verdict}",
            power.estimate() * 100.0,
            power.bound() * 100.0
        );
        enough &= power.is_enough();
    }
    say!(
        "wanted: {} % at least (exact lower bounds of all races together, {} % sure)",
        WANTED * 100.0,
        (1.0 - DOUBT) * 100.0
    );
    Ok(if enough { Exit::Passed } else { Exit::Failed })
}

async fn run_against(
    mutant: Mutant,
    library: &Library,
    vectors: &[Arc<Vector>],
    options: Options,
) -> Result<Vec<Judged>, CliError> {
    let embedded = Embedded::start(Some(mutant)).await.map_err(CliError::Failed)?;
    let (binding, endpoints) = (library::reference_binding()?, vec![embedded.url()]);
    let mut server = Server::new(binding, endpoints, BTreeMap::new(), Duration::from_secs(10));
    server.set("operator_token", embedded.operator_token());
    server.begin().map_err(CliError::Usage)?;
    server.declare().await.map_err(CliError::Unreachable)?;
    judge_embedded(library, vectors, (&server, embedded), Some(mutant), options, &BTreeMap::new()).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    #[test]
    fn a_vector_that_kills_nothing_says_what_it_documents_or_fails_a_whole_run() {
        let vector = |id: &str, rest: &str| -> Arc<Vector> {
            let text = format!("id: {id}\ntitle: t\nwhy: w\nrules: []\nusers: {}\n{rest}", "{}");
            Arc::new(yaml::read("x.yaml", &text).unwrap())
        };
        let (useful, mute, killer) = (vector("x", "documents: what others promise"), vector("y", ""), vector("z", ""));
        let all = [Arc::clone(&useful), Arc::clone(&mute), killer];
        let left: Vec<_> = silent(&all, &BTreeSet::from(["z".into()])).iter().map(|left| left.id.clone()).collect();
        assert_eq!(left, ["y"]);
        assert_eq!(told_idle(&useful), "kills no mutant of its rules: x, and documents: what others promise");
        assert_eq!(told_idle(&mute), "kills nothing, and documents nothing: y");
    }
}
