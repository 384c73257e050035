//! `kpd serve`: the reference server, whole or with one mutation.

use std::{net::SocketAddr, str::FromStr};

use clap::{Args, ValueEnum};
use kpd_server::{Config, Limit, Limits, Mutant, Origin, Policy, Selection};

use crate::{
    cli::{CliError, out::say},
    verdict::Exit,
};

/// Where to listen.
#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// Address and port.
    #[arg(long, default_value = "127.0.0.1:8080")]
    address: SocketAddr,
    /// What the operator's requests carry to let users in; random, and printed, unless given.
    #[arg(long, env = "KPD_OPERATOR_TOKEN", hide_env_values = true)]
    operator_token: Option<String>,
    /// The order in which KeyPackages are granted.
    #[arg(long, value_enum, default_value_t = SelectionArgument::Random)]
    selection: SelectionArgument,
    /// The URL under which clients know this server, such as https://directory.example.org; requests signed for another
    /// are refused. Without it, the Host that a request names is taken.
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
    /// How many claims of one requester from one user are answered in how many seconds, or `none`.
    #[arg(long, value_name = "CLAIMS/SECONDS")]
    pair_limit: Option<LimitArgument>,
    /// The same over all users that a requester claims from.
    #[arg(long, value_name = "CLAIMS/SECONDS")]
    requester_limit: Option<LimitArgument>,
    /// Breaks one rule; `kpd list --mutants` shows them.
    #[arg(long, value_name = "NAME")]
    mutant: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SelectionArgument {
    /// Uniformly at random.
    Random,
    /// In the order of upload.
    Fifo,
}

/// `20/3600`, or `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LimitArgument(Option<Limit>);

impl FromStr for LimitArgument {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "a limit such as 20/3600, or none";
        if text == "none" {
            return Ok(Self(None));
        }
        let (claims, seconds) = text.split_once('/').ok_or(expected)?;
        let limit = Limit { claims: claims.parse().or(Err(expected))?, seconds: seconds.parse().or(Err(expected))? };
        if limit.claims == 0 || limit.seconds == 0 {
            Err("a limit of at least one claim in one second")
        } else {
            Ok(Self(Some(limit)))
        }
    }
}

pub(super) async fn serve(arguments: ServeArguments) -> Result<Exit, CliError> {
    let mutant = arguments.mutant.as_deref().map(named).transpose()?;
    let token = arguments.operator_token.clone().unwrap_or_else(|| format!("{:032x}", rand::random::<u128>()));
    let selection = match arguments.selection {
        SelectionArgument::Random => Selection::Random,
        SelectionArgument::Fifo => Selection::Fifo,
    };
    let origin = arguments.origin.as_deref().map(Origin::parse).transpose();
    let origin = origin.map_err(|error| CliError::Usage(format!("--origin: {error}")))?;
    let usual = Policy::default();
    let limit = |given: Option<LimitArgument>, usual| given.map_or(usual, |LimitArgument(limit)| limit);
    let limits = Limits {
        requester: limit(arguments.requester_limit, usual.limits.requester),
        pair: limit(arguments.pair_limit, usual.limits.pair),
    };
    let policy = Policy { selection, limits, ..usual };
    let config = Config { policy, origin, address: arguments.address, mutant, ..Config::new(token.clone()) };
    let running = kpd_server::start(config).await.map_err(|error| CliError::Failed(error.to_string()))?;
    say!("listening on http://{}", running.address());
    say!("what it serves: http://{}/openapi.json", running.address());
    if arguments.operator_token.is_none() {
        say!("operator token: {token}");
    }
    say!("everything is kept in memory and gone when it stops");
    if let Some(mutant) = mutant {
        say!("MUTANT {}: {} (breaks {})", mutant.name, mutant.says, mutant.breaks);
    }
    tokio::signal::ctrl_c().await.map_err(|error| CliError::Failed(format!("cannot wait for Ctrl-C: {error}")))?;
    running.shutdown().await;
    Ok(Exit::Passed)
}

/// A mutant by its name.
pub(super) fn named(name: &str) -> Result<Mutant, CliError> {
    let unknown = || CliError::Usage(format!("there is no mutant `{name}`; `kpd list --mutants` shows them all"));
    Mutant::named(name).ok_or_else(unknown)
}
