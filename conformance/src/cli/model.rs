//! `kpd model`: checks and explores the formal model.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use kpd_model::{
    check::{self, Report},
    engine::progress::{Progress, progress_all},
    mutants::MUTANTS,
    trace::Format,
};

use crate::{
    cli::{CliError, out::say},
    library::{Library, LibraryError},
    prove::with_looseness_stated,
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
    Check,
    /// How each mutant of the model is caught: rule, length of the shortest trace, states, time.
    Mutants,
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
        ModelCommand::Check => {
            let reports = check::check_all();
            reports.iter().for_each(|report| say!("{report}"));
            let progress = progress_all();
            progress.iter().for_each(|progress| say!("{progress}"));
            Ok(passed(reports.iter().all(Report::verified) && progress.iter().all(Progress::verified)))
        }
        ModelCommand::Mutants => {
            let kills = check::mutant_table();
            kills.iter().for_each(|kill| say!("{kill}"));
            let caught = kills.iter().filter(|kill| kill.steps.is_some()).count();
            say!("\n{caught} of {} mutants caught", MUTANTS.len());
            Ok(passed(caught == MUTANTS.len()))
        }
        ModelCommand::Coverage => {
            say!("{}", check::coverage());
            Ok(Exit::Passed)
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
        ModelCommand::Explore { address } => {
            say!("the Explorer is at http://{address}; Ctrl-C ends it");
            let served = check::explore(address.as_str());
            served.map_err(|error| CliError::Failed(format!("cannot listen on {address}: {error}")))?;
            Ok(Exit::Passed)
        }
    }
}

fn vectors(directory: &Path) -> Result<Exit, CliError> {
    let failed = |error: std::io::Error| CliError::Failed(format!("cannot write to {}: {error}", directory.display()));
    std::fs::create_dir_all(directory).map_err(failed)?;
    let catalogue = Library::embedded()?.catalogue;
    let pending = |rule: &str| catalogue.rule(rule).is_some_and(|rule| rule.pending.is_some());
    let mut written = 0;
    // No vector claims to check a rule that the suite does not check yet.
    for mutant in MUTANTS.iter().filter(|mutant| !pending(mutant.breaks)) {
        let trace = check::counterexample(mutant.name).map_err(|error| CliError::Failed(error.to_string()))?;
        match trace.trace.vector() {
            Ok(vector) => {
                let name = format!("{}.yaml", mutant.name);
                let vector = with_looseness_stated(&name, &vector).map_err(LibraryError::from)?;
                std::fs::write(directory.join(name), vector).map_err(failed)?;
                written += 1;
            }
            Err(why) => eprintln!("{}: {why}", mutant.name),
        }
    }
    say!("{written} vectors in {}", directory.display());
    Ok(Exit::Passed)
}

fn passed(all_is_well: bool) -> Exit {
    if all_is_well { Exit::Passed } else { Exit::Failed }
}
