//! `kpd mutants`: the kill matrix. A suite that lets a broken server pass is itself broken.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Args;
use kpd_server::{Mutant, mutants::MUTANTS};

use crate::{
    cli::{CliError, run::judge_all, serve::named},
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
    /// How many vectors at a time.
    #[arg(long, default_value_t = 4)]
    jobs: usize,
    /// Keys, packages and order follow from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
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
    let options = Options { jobs: arguments.jobs, seed: arguments.seed, rounds: None };
    let begun = Instant::now();
    let mut alive = vec![];
    let mut killers: BTreeMap<String, usize> = BTreeMap::new();
    println!("{:<38} {:<26} {:>5}  killed by", "mutant", "breaks", "kills");
    for &mutant in &mutants {
        let judged = run_against(mutant, &library, options).await?;
        // A mutant is caught where a vector of its own rule fails; what else it breaks on the way does not count.
        let failed: Vec<&Judged> =
            judged.iter().filter(|judged| matches!(judged.verdict, Verdict::Fail(_) | Verdict::Warn(_))).collect();
        let by_rule = |judged: &&&Judged| judged.vector.rules.iter().any(|rule| rule == mutant.breaks);
        let kills: Vec<&str> = failed.iter().filter(by_rule).map(|judged| judged.vector.id.as_str()).collect();
        for judged in &failed {
            *killers.entry(judged.vector.id.clone()).or_default() += 1;
        }
        let says = match kills.as_slice() {
            [] if failed.is_empty() => "NOTHING".to_string(),
            [] => format!("NO VECTOR OF ITS RULE (but {})", failed[0].vector.id),
            [first, ..] => (*first).to_string(),
        };
        println!("{:<38} {:<26} {:>5}  {says}", mutant.name, mutant.breaks, failed.len());
        if kills.is_empty() {
            alive.push(mutant.name);
        }
    }
    let idle: Vec<&Arc<Vector>> = library.vectors.iter().filter(|vector| !killers.contains_key(&vector.id)).collect();
    println!(
        "\n{} of {} mutants killed in {:.1} s; {} of {} vectors kill something",
        mutants.len() - alive.len(),
        mutants.len(),
        begun.elapsed().as_secs_f64(),
        library.vectors.len() - idle.len(),
        library.vectors.len(),
    );
    if arguments.idle {
        idle.iter().for_each(|vector| println!("kills nothing: {}", vector.id));
    }
    if alive.is_empty() { Ok(Exit::Passed) } else { Ok(Exit::Failed) }
}

async fn run_against(mutant: Mutant, library: &Library, options: Options) -> Result<Vec<Judged>, CliError> {
    let embedded = Embedded::start(Some(mutant)).await.map_err(CliError::Failed)?;
    let mut server = Server {
        binding: Arc::new(library::reference_binding()?),
        endpoints: vec![embedded.url()],
        variables: BTreeMap::new(),
        timeout: Duration::from_secs(10),
    };
    server.set("operator_token", embedded.operator_token());
    server.declare().await.map_err(CliError::Unreachable)?;
    let judged = judge_all(library, &library.vectors, &server, options, &BTreeMap::new()).await;
    embedded.stop().await;
    Ok(judged)
}
