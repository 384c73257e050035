//! `kpd replay`: a failing vector again, from its bundle.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc};

use clap::Args;

use crate::{
    catalogue::{Catalogue, Rule},
    cli::{
        CliError,
        out::say,
        run::{ServerArguments, judge_all, server},
    },
    library::{Library, LibraryError},
    recording::MASK,
    report::{
        bundle::{Bundle, FORMAT},
        terminal,
    },
    run::Options,
    vector::Vector,
    verdict::{Exit, Judged, Verdict},
    yaml,
};

/// Which bundle, and against whom.
#[derive(Debug, Args)]
pub(super) struct ReplayArguments {
    /// A file of a report's directory `failures`.
    bundle: PathBuf,
    /// Without a target, that of the recorded run, and its binding. Secrets are not in the bundle: give them again.
    #[command(flatten)]
    server: ServerArguments,
}

pub(super) async fn replay(mut arguments: ReplayArguments) -> Result<Exit, CliError> {
    let bundle = read(&arguments.bundle)?;
    let vector: Vector =
        yaml::read(&format!("{} (in the bundle)", bundle.id), &bundle.vector).map_err(LibraryError::from)?;
    let mut library = Library::embedded()?;
    weigh(&mut library.catalogue, &bundle);
    if arguments.server.target.is_empty() {
        if let Some(endpoint) = bundle.endpoints.iter().find(|endpoint| endpoint.contains(MASK)) {
            let says = format!("the recorded target {endpoint} holds a secret, which is not kept: give --target");
            return Err(CliError::Usage(says));
        }
        arguments.server.target.clone_from(&bundle.endpoints);
    }
    if arguments.server.binding.is_none() {
        arguments.server.binding = bundle.binding.clone().map(PathBuf::from);
    }
    let (server, embedded) = server(&arguments.server, None).await?;
    let selected = [Arc::new(vector)];
    let mut options = Options { jobs: 1, seed: bundle.seed, rounds: bundle.rounds };
    let mut judged = judge_all(&library, &selected, &server, options, &BTreeMap::new()).await;
    if judged.iter().any(|judged| matches!(judged.verdict, Verdict::Blocked { .. })) {
        // The server still has the users of that seed.
        options.seed = u64::from(rand::random::<u32>());
        say!("seed {} cannot be had again on this server; with seed {}:", bundle.seed, options.seed);
        judged = judge_all(&library, &selected, &server, options, &BTreeMap::new()).await;
    }
    if let Some(embedded) = embedded {
        embedded.stop().await;
    }
    let judged = judged.into_iter().next().ok_or_else(|| CliError::Failed("nothing was run".into()))?;
    say!("{}", terminal::line(&judged));
    say!("then:  {}", terminal::sentence(&format!("{} {}", bundle.failure.rule, bundle.failure.says)));
    say!("now:   {}", terminal::sentence(&now(&judged)));
    say!("{}", told(&bundle, &judged));
    Ok(Exit::of([&judged.verdict], true))
}

/// Gives the rules the weight that they had in the run: they may be those of a directory that is here no more.
fn weigh(catalogue: &mut Catalogue, bundle: &Bundle) {
    for (id, weight) in &bundle.rules {
        let (level, profile) = (weight.level, weight.profile);
        match catalogue.rules.iter_mut().find(|rule| rule.id == *id) {
            Some(rule) => (rule.level, rule.profile) = (level, profile),
            None => catalogue.rules.push(Rule {
                id: id.clone(),
                says: String::new(),
                why: String::new(),
                level,
                profile,
                cites: vec![],
                pending: None,
                exempt: BTreeMap::new(),
            }),
        }
    }
}

fn now(judged: &Judged) -> String {
    match judged.verdict.failure() {
        Some(failure) => format!("{} {}", failure.rule, failure.says),
        None => format!("{} {}", judged.verdict.word(), judged.verdict.reason().unwrap_or_default()),
    }
}

/// Whether it fails again in the same way: by the same rule, and where no race has a hand in it, at the same step.
fn told(bundle: &Bundle, judged: &Judged) -> &'static str {
    match judged.verdict.failure() {
        Some(now) if now.rule == bundle.failure.rule && (bundle.round.is_some() || now.path == bundle.failure.path) => {
            "it fails again in the same way"
        }
        Some(_) => "it fails again, in another way",
        None if matches!(judged.verdict, Verdict::Pass) => "it does not fail again",
        None => "there is no verdict on it",
    }
}

fn read(path: &std::path::Path) -> Result<Bundle, CliError> {
    let usage = |why: String| CliError::Usage(format!("{}: {why}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| usage(error.to_string()))?;
    let bundle: Bundle = serde_json::from_str(&text).map_err(|error| usage(format!("no bundle of kpd: {error}")))?;
    if bundle.format != FORMAT {
        return Err(usage(format!("the format is {}, and {FORMAT} is read here", bundle.format)));
    }
    Ok(bundle)
}
