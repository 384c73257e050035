//! `kpd model`: checks and explores the formal model.

mod documents;

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use clap::{Args, Subcommand, ValueEnum};
use kpd_model::{
    check,
    cover::{Tour, edge_cover, label_cover},
    engine::progress::progress_all,
    mutants::MUTANTS,
    spec::Label,
    system::Bounds,
    trace::Format,
};

use crate::{
    cli::{CliError, out::say},
    library::{Library, LibraryError, count_of_vectors},
    prove::{labels_of_vectors, with_looseness_stated},
    verdict::Exit,
};

/// What to do with the model.
#[derive(Debug, Args)]
pub(super) struct ModelArguments {
    #[command(subcommand)]
    command: ModelCommand,
}

#[derive(Debug, Subcommand)]
enum ModelCommand {
    /// Explores every scenario and checks every rule, that each premise is reached, and that what is owed gets done.
    Check {
        /// Ten times as many states: minutes.
        #[arg(long)]
        deep: bool,
    },
    /// How each mutant of the model is caught: rule, length of the shortest trace, states, time.
    Mutants {
        /// Looks for the mutant that each family of scenarios is there for in all the others, too: minutes.
        #[arg(long)]
        families: bool,
    },
    /// Which kinds of steps the scenarios reach.
    Coverage,
    /// Shows the shortest way in which a mutant of the model breaks its rule; lists the mutants without a name.
    Trace {
        /// A mutant of the model.
        mutant: Option<String>,
        /// As what.
        #[arg(long, value_enum, default_value_t = FormatArgument::Story)]
        format: FormatArgument,
    },
    /// Writes the shortest counterexample of each mutant as a vector: what a good server answers to the same requests.
    Vectors {
        /// Where to; `vectors/model` in this project.
        directory: PathBuf,
    },
    /// Writes tours through the specification as vectors: few that take every kind of step, or all that take every step.
    Tours {
        /// Where to; `vectors/generated` in this project.
        directory: PathBuf,
        /// Every step of every state: hundreds, for a nightly run.
        #[arg(long)]
        edges: bool,
    },
    /// Serves stateright's Explorer for a browser, until stopped.
    Explore {
        /// Address and port.
        #[arg(long, default_value = "127.0.0.1:3000")]
        address: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatArgument {
    /// Numbered sentences.
    Story,
    /// A sequence diagram, which GitHub draws in a Markdown file.
    Mermaid,
    /// Informal Trace Format, which Apalache and Quint read.
    Itf,
    /// A vector that runs against a live server.
    Vector,
}

impl From<FormatArgument> for Format {
    fn from(argument: FormatArgument) -> Self {
        match argument {
            FormatArgument::Story => Self::Story,
            FormatArgument::Mermaid => Self::Mermaid,
            FormatArgument::Itf => Self::Itf,
            FormatArgument::Vector => Self::Vector,
        }
    }
}

pub(super) fn model(arguments: &ModelArguments) -> Result<Exit, CliError> {
    match &arguments.command {
        ModelCommand::Check { deep } => {
            let mut verified = true;
            let mut states = 0;
            let begin = Instant::now();
            for report in check::check_all(if *deep { Bounds::Deep } else { Bounds::Usual }) {
                say!("{report}");
                verified &= report.verified();
                states += report.unique_states;
            }
            for progress in progress_all() {
                say!("{progress}");
                verified &= progress.verified();
            }
            let verdict = if verified { "verified" } else { "NOT VERIFIED" };
            say!("{verdict}: {states} states in all, {:.1} s", begin.elapsed().as_secs_f64());
            Ok(passed(verified))
        }
        ModelCommand::Mutants { families: true } => {
            let mut justified = true;
            for decision in check::decisions() {
                say!("{decision}");
                justified &= decision.justifies();
            }
            say!(
                "{}",
                if justified { "each family is needed" } else { "a family catches nothing that no other one does" }
            );
            Ok(passed(justified))
        }
        ModelCommand::Mutants { families: false } => {
            let kills = check::mutant_table();
            kills.iter().for_each(|kill| say!("{kill}"));
            let caught = kills.iter().filter(|kill| kill.steps.is_some()).count();
            say!("\n{caught} of {} mutants caught", MUTANTS.len());
            Ok(passed(caught == MUTANTS.len()))
        }
        ModelCommand::Coverage => {
            let coverage = check::coverage();
            say!("{coverage}");
            let library = Library::embedded()?;
            let in_vectors = labels_of_vectors(&library);
            let (beyond, within): (Vec<_>, Vec<_>) =
                coverage.all().into_iter().partition(|label| beyond_vectors(label).is_some());
            let missing: Vec<_> = within.iter().filter(|label| !in_vectors.contains_key(**label)).collect();
            say!("in the vectors: {} of {} labels", within.len() - missing.len(), within.len());
            missing.iter().for_each(|label| say!("  not in the vectors: {label}"));
            beyond.iter().for_each(|it| say!("  beyond vectors: {it}: {}", beyond_vectors(it).unwrap_or_default()));
            Ok(passed(missing.is_empty()))
        }
        ModelCommand::Trace { mutant: Some(name), format } => {
            let trace = check::counterexample(name);
            let trace = trace.map_err(|error| {
                CliError::Usage(format!("{error}; `kpd model trace` without a name shows them all"))
            })?;
            say!("{}", trace.render((*format).into()).trim_end());
            Ok(Exit::Passed)
        }
        ModelCommand::Trace { mutant: None, .. } => {
            MUTANTS.iter().for_each(|mutant| say!("{:<32} {:<26} {}", mutant.name, mutant.breaks, mutant.says));
            Ok(Exit::Passed)
        }
        ModelCommand::Vectors { directory } => vectors(directory),
        ModelCommand::Tours { directory, edges } => tours(directory, *edges),
        ModelCommand::Explore { address } => {
            say!("the Explorer is at http://{address}; Ctrl-C ends it");
            let served = check::explore(address.as_str());
            served.map_err(|error| CliError::Failed(format!("cannot listen on {address}: {error}")))?;
            Ok(Exit::Passed)
        }
    }
}

fn vectors(directory: &Path) -> Result<Exit, CliError> {
    let catalogue = Library::embedded()?.catalogue;
    let pending = |rule: &str| catalogue.rule(rule).is_some_and(|rule| rule.pending.is_some());
    let mut written = vec![];
    // No vector claims to check a rule that the suite does not check yet.
    for mutant in MUTANTS.iter().filter(|mutant| !pending(mutant.breaks)) {
        let trace = check::counterexample(mutant.name).map_err(|error| CliError::Failed(error.to_string()))?;
        match trace.trace.vector() {
            Ok(vector) => written.push((mutant.name.to_string(), vector)),
            Err(why) => eprintln!("{}: {why}", mutant.name),
        }
    }
    write(directory, written)
}

fn tours(directory: &Path, edges: bool) -> Result<Exit, CliError> {
    let tours = if edges { edge_cover() } else { label_cover() };
    let vector = |tour: &Tour| {
        let vector = tour.vector().map_err(|why| CliError::Failed(format!("{}: {why}", tour.name)))?;
        Ok((tour.name.clone(), vector))
    };
    write(directory, tours.iter().map(vector).collect::<Result<_, CliError>>()?)
}

fn write(directory: &Path, vectors: Vec<(String, String)>) -> Result<Exit, CliError> {
    let failed = |error: std::io::Error| CliError::Failed(format!("cannot write to {}: {error}", directory.display()));
    std::fs::create_dir_all(directory).map_err(failed)?;
    for (name, vector) in &vectors {
        let documents = documents::of(name);
        let name = format!("{name}.yaml");
        let mut vector = with_looseness_stated(&name, vector).map_err(LibraryError::from)?;
        if let Some(documents) = documents {
            vector = vector.replacen("\nrules: ", &format!("\ndocuments: {documents:?}\nrules: "), 1);
        }
        std::fs::write(directory.join(name), vector).map_err(failed)?;
    }
    say!("{} in {}", count_of_vectors(vectors.len()), directory.display());
    Ok(Exit::Passed)
}

/// Why no vector can take steps of this kind, if none can.
fn beyond_vectors(label: &Label) -> Option<&'static str> {
    let reasons = [
        ("collect/", "a directory collects when it likes, and nobody outside can ask for it"),
        ("publish/refused-beforefence", "it takes a restore, which no proof follows"),
    ];
    reasons.into_iter().find(|(begin, _)| label.0.starts_with(begin)).map(|(_, why)| why)
}

fn passed(all_is_well: bool) -> Exit {
    if all_is_well { Exit::Passed } else { Exit::Failed }
}
