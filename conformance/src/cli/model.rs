//! `kpd model`: checks and explores the formal model.

use clap::{Args, Subcommand};

use crate::{cli::CliError, verdict::Exit};

/// What to do with the model.
#[derive(Debug, Args)]
pub(super) struct ModelArguments {
    #[command(subcommand)]
    command: ModelCommand,
}

#[derive(Debug, Subcommand)]
enum ModelCommand {
    /// Explores every scenario and checks every rule; shows that each premise was reached.
    Check,
    /// Shows the shortest way in which a mutant of the model breaks its rule; all mutants without a name.
    Trace {
        /// A mutant of the model.
        mutant: Option<String>,
    },
    /// Serves stateright's Explorer for a browser, until stopped.
    Explore {
        /// Address and port.
        #[arg(long, default_value = "127.0.0.1:3000")]
        address: String,
    },
}

pub(super) fn model(arguments: &ModelArguments) -> Result<Exit, CliError> {
    match &arguments.command {
        ModelCommand::Check => {
            let reports = kpd_model::check::check_all();
            reports.iter().for_each(|report| println!("{report}"));
            let verified = reports.iter().all(kpd_model::check::Report::verified);
            Ok(if verified { Exit::Passed } else { Exit::Failed })
        }
        ModelCommand::Trace { mutant: Some(name) } => {
            let trace = kpd_model::check::counterexample(name).map_err(|error| {
                CliError::Usage(format!("{error}; `kpd model trace` without a name shows them all"))
            })?;
            println!("{trace}");
            Ok(Exit::Passed)
        }
        ModelCommand::Trace { mutant: None } => {
            for mutant in kpd_model::mutants::MUTANTS {
                println!("{:<36} {:<26} {}", mutant.name, mutant.breaks, mutant.says);
            }
            Ok(Exit::Passed)
        }
        ModelCommand::Explore { address } => {
            println!("the Explorer is at http://{address}; Ctrl-C ends it");
            let served = kpd_model::check::explore(address.as_str());
            served.map_err(|error| CliError::Failed(format!("cannot listen on {address}: {error}")))?;
            Ok(Exit::Passed)
        }
    }
}
