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
    cli::{CliError, out::say, run::judge_all, serve::named},
    embedded::Embedded,
    library::{self, Library},
    run::{Options, Server},
    vector::Vector,
    verdict::{Exit, Judged, Verdict},
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
    /// Also prints which vectors kill nothing.
    #[arg(long)]
    idle: bool,
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
    let begun = Instant::now();
    let mut alive = vec![];
    let mut killers: BTreeSet<String> = BTreeSet::new();
    say!("{:<38} {:<26} {:>6}  killed by", "mutant", "breaks", "fails");
    // Some at a time: a vector that waits for an expiry leaves the processors to others.
    let library = Arc::new(library);
    let runs = stream::iter(mutants.clone()).map(|mutant| {
        let library = Arc::clone(&library);
        let filters = if arguments.of_its_rule { vec![mutant.breaks.to_string()] } else { vec![] };
        async move { (mutant, run_against(mutant, &library, &filters, options).await) }
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
        idle.iter().for_each(|vector| say!("kills nothing: {}", vector.id));
    }
    Ok(match (mutants.is_empty(), alive.is_empty()) {
        (true, _) => Exit::Nothing,
        (_, true) => Exit::Passed,
        (_, false) => Exit::Failed,
    })
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

async fn run_against(
    mutant: Mutant,
    library: &Library,
    filters: &[String],
    options: Options,
) -> Result<Vec<Judged>, CliError> {
    let embedded = Embedded::start(Some(mutant)).await.map_err(CliError::Failed)?;
    let mut server = Server {
        binding: Arc::new(library::reference_binding()?),
        endpoints: vec![embedded.url()],
        variables: BTreeMap::new(),
        timeout: Duration::from_secs(10),
    };
    server.set("operator_token", embedded.operator_token());
    server.declare().await.map_err(CliError::Unreachable)?;
    let judged = judge_all(library, &library.select(filters), &server, options, &BTreeMap::new()).await;
    embedded.stop().await;
    Ok(judged)
}
