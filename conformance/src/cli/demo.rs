//! `kpd demo`: the story of a directory, told once against the reference server, with real keys and real groups.

mod actor;
mod stage;
mod story;

use clap::Args;

use crate::{cli::CliError, embedded::Embedded, library::Library, seed::Seed, verdict::Exit};
use stage::Stage;

/// Nothing to choose.
#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// Makes the same keys again.
    #[arg(long)]
    seed: Option<u64>,
}

pub(super) async fn demo(arguments: &DemoArguments) -> Result<Exit, CliError> {
    let rules = Library::embedded()?.catalogue;
    let server = Embedded::start(None).await.map_err(CliError::Failed)?;
    let seed = Seed::of_run(arguments.seed.unwrap_or_else(rand::random));
    let told = match Stage::new(server.url(), server.operator_token().into(), rules) {
        Ok(mut stage) => story::tell(&mut stage, seed).await,
        Err(why) => Err(why),
    };
    server.stop().await;
    told.map_err(|why| CliError::Failed(format!("the story broke off: {why}")))?;
    Ok(Exit::Passed)
}
