//! `kpd fuzz`: tells a server random stories of the model until one fails.

use std::{
    collections::BTreeSet,
    io::IsTerminal as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Args;
use indicatif::ProgressBar;
use kpd_model::check;

use crate::{
    cli::{
        CliError,
        out::say,
        run::{self, ServerArguments, begun_with, server},
        serve::named,
    },
    fuzz::{Found, Hunt, Plan, hunt},
    library::Library,
    report::{self, Report},
    verdict::{Exit, Verdict},
};

/// Whom to tell what.
#[derive(Debug, Args)]
pub(super) struct FuzzArguments {
    #[command(flatten)]
    server: ServerArguments,
    /// Instead of a target: the reference server with this fault.
    #[arg(long, value_name = "NAME", conflicts_with = "target")]
    mutant: Option<String>,
    /// For so long, where nothing fails; what fails is made small in two minutes more at most.
    #[arg(long, value_name = "MINUTES", default_value_t = 1.0, conflicts_with = "stories")]
    minutes: f64,
    /// So many stories, where nothing fails.
    #[arg(long, value_name = "NUMBER")]
    stories: Option<u64>,
    /// The stories follow from it; random unless given. A server that keeps users wants a new one each time.
    #[arg(long)]
    seed: Option<u64>,
    /// Tells stories in which things happen at once.
    #[arg(long)]
    concurrent: bool,
    /// How many stories at a time.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// Where the vector of a story that fails goes: as fuzz/found.yaml, for `kpd run --vectors`.
    #[arg(long, value_name = "DIR", default_value = "kpd-fuzz")]
    write: PathBuf,
}

pub(super) async fn fuzz(arguments: FuzzArguments) -> Result<Exit, CliError> {
    if !arguments.minutes.is_finite() || arguments.minutes <= 0.0 {
        return Err(CliError::Usage(format!("--minutes {}: more than 0 is expected", arguments.minutes)));
    }
    let library = Library::embedded()?;
    let mutant = arguments.mutant.as_deref().map(named).transpose()?;
    let (server, embedded) = server(&arguments.server, mutant).await?;
    let seed = arguments.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    let plan = Plan {
        seed,
        concurrent: arguments.concurrent,
        jobs: arguments.jobs.into(),
        stories: arguments.stories,
        time: arguments.stories.is_none().then(|| Duration::from_secs_f64(arguments.minutes * 60.0)),
    };
    let begun = Instant::now();
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    bar.enable_steady_tick(Duration::from_millis(200));
    let hunt = hunt(&server, &library.catalogue, &plan, |hunt| {
        let shrinks = if hunt.shrinks { "; one fails, and a smaller one is looked for" } else { "" };
        bar.set_message(format!("{} stories, {} kinds of steps{shrinks}", hunt.stories, hunt.labels.len()));
        bar.tick();
    })
    .await;
    bar.finish_and_clear();
    if let Some(embedded) = embedded {
        embedded.stop().await;
    }
    if let Some(found) = &hunt.found {
        let judged = std::slice::from_ref(&found.judged);
        let report = Report {
            server: run::named(&server),
            begun: begun_with(&arguments.server, seed, None),
            judged,
            catalogue: &library.catalogue,
            texts: &library.texts,
            directory: arguments.write.display().to_string(),
            took: begun.elapsed(),
            exit: Exit::Failed,
            strict: false,
            bundles: false,
        };
        say!("{}", report::terminal::line(&found.judged));
        say!("{}", report::terminal::end(&report).trim_end());
        written(found, &arguments)?;
    }
    told(&hunt, &plan, begun.elapsed());
    Ok(exit(&hunt))
}

fn written(found: &Found, arguments: &FuzzArguments) -> Result<(), CliError> {
    let path = arguments.write.join("fuzz/found.yaml");
    let failed = |why: std::io::Error| CliError::Failed(format!("cannot write {}: {why}", path.display()));
    std::fs::create_dir_all(arguments.write.join("fuzz")).map_err(failed)?;
    std::fs::write(&path, &found.text).map_err(failed)?;
    let (first, last) = found.operations;
    say!("{first} operations became {last}, by {} further stories:\n\n{}", found.tried, found.text.trim_end());
    if !found.again {
        say!("\n{} shows what was asked; it failed once, and not again", path.display());
    } else if found.expects {
        say!("\nagain: kpd run --vectors {}{}", arguments.write.display(), arguments.server.again());
    } else {
        say!("\n{} shows what was asked; what is allowed depends on too many choices to stand in it", path.display());
    }
    Ok(())
}

fn told(hunt: &Hunt, plan: &Plan, took: Duration) {
    let how = if plan.concurrent { "at once" } else { "in order" };
    let found = if hunt.found.is_some() { "one fails" } else { "none fails" };
    say!(
        "\n{} stories {how}, {} operations in {:.1} s (seed {}): {found}",
        hunt.stories,
        hunt.operations,
        took.as_secs_f64(),
        plan.seed,
    );
    for (why, stories) in &hunt.undecided {
        say!("undecided: {stories} stories: {why}");
    }
    if !plan.concurrent {
        let coverage = check::coverage();
        let all: BTreeSet<_> = coverage.all();
        let reached = hunt.labels.iter().filter(|label| all.contains(label)).count();
        let beyond = hunt.labels.len() - reached;
        say!(
            "kinds of steps of the model: {reached} of {} reached, and {beyond} that no scenario of it has",
            all.len()
        );
    }
}

fn exit(hunt: &Hunt) -> Exit {
    let undecided: u64 = hunt.undecided.values().sum();
    match &hunt.ended {
        _ if hunt.found.is_some() => Exit::Failed,
        Some(Verdict::Gone { .. } | Verdict::Blocked { .. }) => Exit::Unreachable,
        Some(_) => Exit::Bug,
        None if hunt.stories == 0 => Exit::Nothing,
        // Of a server that most stories say nothing of, nothing is known.
        None if undecided * 2 > hunt.stories => Exit::Inconclusive,
        None => Exit::Passed,
    }
}
