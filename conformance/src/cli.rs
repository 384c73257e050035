//! The command line: what each command is, and which exit code it ends with.

mod audit;
mod baseline;
mod check_history;
mod compare;
mod demo;
mod doctor;
mod enrol;
mod export;
mod fuzz;
mod info;
mod model;
mod mutants;
mod new;
mod out;
mod prove;
mod replay;
mod resolve;
mod run;
mod serve;
mod signals;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{library::LibraryError, verdict::Exit};

/// Judges KeyPackage directories for MLS (RFC 9420).
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit codes of run and fuzz: 0 all passed, 1 something failed, 2 inconclusive, 3 usage or vector \
    error, 4 server unreachable, 5 nothing ran, 6 a bug of kpd."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judges a server; without --target the reference server, started for the occasion.
    Run(run::RunArguments),
    /// Proves a binding: asks for each operation once, and says what was sent, what came, and what was read of it.
    Doctor(doctor::DoctorArguments),
    /// Writes a commented binding or vector to start from.
    New(new::NewArguments),
    /// Runs a failing vector again, from its bundle: the same seed, the same or another server.
    Replay(replay::ReplayArguments),
    /// Writes the file of known failures of a run.
    Baseline(baseline::BaselineArguments),
    /// Puts the reports of several runs beside each other: servers × rules, in a page.
    Compare(compare::CompareArguments),
    /// Judges a recorded history of any server by the rules of the model.
    CheckHistory(check_history::CheckHistoryArguments),
    /// Runs the reference server.
    Serve(Box<serve::ServeArguments>),
    /// Lets a user in at a running server, and prints the token that adds its first signature key.
    Enrol(enrol::EnrolArguments),
    /// Plays the story of a directory once, against the reference server and with real groups.
    Demo(demo::DemoArguments),
    /// Judges what a stopped server has stored, by the rules of the model.
    Audit(audit::AuditArguments),
    /// Looks a user of any server up, and prints the signature keys on its list.
    Resolve(resolve::ResolveArguments),
    /// Runs the suite against servers that break one rule each, and prints who was caught by what.
    Mutants(mutants::MutantsArguments),
    /// Tells a server random stories of the model until one fails, and writes that one as a small vector.
    Fuzz(fuzz::FuzzArguments),
    /// Lists the vectors, the rules or the mutants.
    List(info::ListArguments),
    /// Explains a rule: what it says, why, where it comes from, what checks it.
    Explain(info::ExplainArguments),
    /// Checks vectors and rules without a server.
    Lint(info::LintArguments),
    /// Proves in the model what the vectors expect: a good server passes, and nothing else does but what they state.
    Prove(prove::ProveArguments),
    /// Prints the JSON Schema of the vectors or of the report.
    Schema(info::SchemaArguments),
    /// Writes vectors, rules, proofs and schemas as JSON, for tools in other languages.
    Export(export::ExportArguments),
    /// Checks and explores the formal model.
    Model(model::ModelArguments),
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
enum CliError {
    /// Vectors, rules or bindings.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// What was asked for does not exist or does not fit.
    #[error("{0}")]
    Usage(String),
    /// The server cannot be reached.
    #[error("{0}")]
    Unreachable(String),
    /// A file cannot be written, a port not be had.
    #[error("{0}")]
    Failed(String),
}

impl CliError {
    fn exit(&self) -> Exit {
        match self {
            Self::Library(_) | Self::Usage(_) => Exit::Usage,
            Self::Unreachable(_) => Exit::Unreachable,
            Self::Failed(_) => Exit::Bug,
        }
    }

    fn print(self) {
        match self {
            Self::Library(error) => eprintln!("{:?}", miette::Report::new(error)),
            other => eprintln!("kpd: {other}"),
        }
    }
}

/// Runs a command and gives its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return code(if error.use_stderr() { Exit::Usage } else { Exit::Passed });
        }
    };
    // rustls wants to be told which crypto to use; a second call changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ended = match cli.command {
        Command::Run(arguments) => runtime().and_then(|runtime| runtime.block_on(run::run(arguments))),
        Command::Doctor(arguments) => runtime().and_then(|runtime| runtime.block_on(doctor::doctor(arguments))),
        Command::New(arguments) => new::new(&arguments),
        Command::Replay(arguments) => runtime().and_then(|runtime| runtime.block_on(replay::replay(arguments))),
        Command::Baseline(arguments) => baseline::baseline(&arguments),
        Command::Compare(arguments) => compare::compare(&arguments),
        Command::CheckHistory(arguments) => check_history::check_history(&arguments),
        Command::Serve(arguments) => runtime().and_then(|runtime| runtime.block_on(serve::serve(*arguments))),
        Command::Enrol(arguments) => runtime().and_then(|runtime| runtime.block_on(enrol::enrol(arguments))),
        Command::Demo(arguments) => runtime().and_then(|runtime| runtime.block_on(demo::demo(&arguments))),
        Command::Audit(arguments) => runtime().and_then(|runtime| runtime.block_on(audit::audit(&arguments))),
        Command::Resolve(arguments) => runtime().and_then(|runtime| runtime.block_on(resolve::resolve(&arguments))),
        Command::Mutants(arguments) => runtime().and_then(|runtime| runtime.block_on(mutants::mutants(&arguments))),
        Command::Fuzz(arguments) => runtime().and_then(|runtime| runtime.block_on(fuzz::fuzz(arguments))),
        Command::List(arguments) => info::list(&arguments),
        Command::Explain(arguments) => info::explain(&arguments),
        Command::Lint(arguments) => info::lint(&arguments),
        Command::Prove(arguments) => prove::prove(&arguments),
        Command::Schema(arguments) => info::schema(&arguments),
        Command::Export(arguments) => export::export(&arguments),
        Command::Model(arguments) => model::model(&arguments),
    };
    match ended {
        Ok(exit) => code(exit),
        Err(error) => {
            let exit = error.exit();
            error.print();
            code(exit)
        }
    }
}

fn code(exit: Exit) -> ExitCode {
    ExitCode::from(exit as u8)
}

fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| CliError::Failed(format!("cannot start threads: {error}")))
}
