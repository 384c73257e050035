//! `kpd serve`: the reference server, whole or with one mutation.

use std::{net::SocketAddr, path::PathBuf, str::FromStr};

use clap::{Args, ValueEnum};
use kpd_server::{
    Config, Limit, Limits, Mutant, Origin, Policy, Selection,
    service::Fenced,
    store::{Durable, Stores, durable::Opening},
};

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
    /// Where histories are kept: `file:PATH` survives the process (the file is made if there is none); `memory` does not.
    #[arg(long, value_name = "file:PATH|memory", default_value = "memory")]
    store: StoreArgument,
    /// The store is a restored backup: before anybody is served, withdraws whatever is available in it, since that may have
    /// been granted after the backup was made. A backup cannot be told from the store that it is of: without this,
    /// KeyPackages are granted twice.
    #[arg(long)]
    fence: bool,
    /// Keeps every event for ever, so that `kpd audit` can judge all of the history; the file then grows without end.
    #[arg(long)]
    keep_history: bool,
    /// Makes the file of the store as small as it can be before serving.
    #[arg(long)]
    compact: bool,
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

/// Where histories are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StoreArgument {
    /// In memory.
    Memory,
    /// In this file.
    File(PathBuf),
}

impl FromStr for StoreArgument {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("file:") {
            Some("") => Err("a path after file:, such as file:directory.kpd"),
            Some(path) => Ok(Self::File(path.into())),
            None if text == "memory" => Ok(Self::Memory),
            None => Err("file:PATH, such as file:directory.kpd, or memory"),
        }
    }
}

impl StoreArgument {
    fn open(&self, arguments: &ServeArguments) -> Result<Stores, CliError> {
        let failed = |error: &dyn std::fmt::Display| CliError::Failed(format!("--store: {error}"));
        match self {
            Self::Memory if arguments.fence || arguments.compact => {
                Err(CliError::Usage("--fence and --compact are for what is in a file: give --store file:PATH".into()))
            }
            Self::Memory => Ok(Stores::in_memory()),
            Self::File(path) => {
                let opening = Opening { create: true, keep_history: arguments.keep_history };
                let file = Durable::open(path, opening).map_err(|error| failed(&error))?;
                if arguments.compact {
                    file.shrink().map_err(|error| failed(&error))?;
                }
                Ok(Stores::durable(file))
            }
        }
    }
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
    let (address, fence) = (arguments.address, arguments.fence);
    let config = Config { policy, origin, address, fence, mutant, ..Config::new(token.clone()) };
    let stores = arguments.store.open(&arguments)?;
    let running = kpd_server::start_over(stores, config).await.map_err(|error| CliError::Failed(error.to_string()))?;
    say!("listening on http://{}", running.address());
    say!("what it serves: http://{}/openapi.json", running.address());
    if arguments.operator_token.is_none() {
        say!("operator token: {token}");
    }
    match &arguments.store {
        StoreArgument::Memory => say!("everything is kept in memory and gone when it stops"),
        StoreArgument::File(path) => say!("everything is kept in {}", path.display()),
    }
    if let Some(Fenced { users, key_packages }) = running.fenced() {
        say!("fenced: {users} users, {key_packages} KeyPackages withdrawn; start without --fence from now on");
    }
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
