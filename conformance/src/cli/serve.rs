//! `kpd serve`: the reference server, whole or with one mutation.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Args, FromArgMatches};
use kpd_server::{
    Config, Mutant, StartError,
    config::{SETTINGS, Settings, SettingsError, StoreSetting},
    logs,
    service::Fenced,
    store::Stores,
};

use crate::{
    cli::{
        CliError,
        out::say,
        signals::{Signal, Signals},
    },
    verdict::Exit,
};

/// Where settings come from, and what is no setting. A flag counts before the environment (KPD_…), that before the file.
#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// A file with settings, as `--print-config` prints one.
    #[arg(long, value_name = "FILE", env = "KPD_CONFIG")]
    config: Option<PathBuf>,
    /// Prints all settings with where they come from, and serves nothing.
    #[arg(long)]
    print_config: bool,
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
    /// For tests: the clock goes ahead of the machine's by as many seconds as this file holds, whenever that is changed,
    /// and never back.
    #[arg(long, value_name = "FILE")]
    test_clock: Option<PathBuf>,
    /// Breaks one rule; `kpd list --mutants` shows them.
    #[arg(long, value_name = "NAME")]
    mutant: Option<String>,
    #[command(flatten)]
    settings: SettingFlags,
}

/// A flag for each setting of the server's list.
#[derive(Debug)]
struct SettingFlags(Vec<(&'static str, String)>);

impl Args for SettingFlags {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.args(SETTINGS.iter().map(|setting| {
            let flag = Arg::new(setting.name).long(setting.flag()).value_name(setting.takes);
            flag.help(setting.says).help_heading("Settings")
        }))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |name| matches.get_one::<String>(name).map(|value| (name, value.clone()));
        Ok(Self(SETTINGS.iter().filter_map(|setting| given(setting.name)).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

pub(super) async fn serve(arguments: ServeArguments) -> Result<Exit, CliError> {
    let mutant = arguments.mutant.as_deref().map(named).transpose()?;
    let usage = |error: SettingsError| CliError::Usage(error.to_string());
    let variables = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        // What is no text is no good value of any setting, and is told as such.
        Some((name, value.to_string_lossy().into_owned()))
    });
    let settings = Settings::load(arguments.config.as_deref(), variables, arguments.settings.0).map_err(usage)?;
    let token = format!("{:032x}", rand::random::<u128>());
    let config = Config { mutant, fence: arguments.fence, ..settings.finish(token.clone()).map_err(usage)? };
    if arguments.print_config {
        say!("{}", settings.print().trim_end());
        return Ok(Exit::Passed);
    }
    if let Some(file) = &arguments.test_clock {
        let said = |error: std::io::Error| CliError::Usage(format!("--test-clock {}: {error}", file.display()));
        kpd_server::clock::go_ahead_by(file).map_err(said)?;
    }
    logs::init(settings.log);
    // Before anybody can ask for it to end.
    let mut signals = Signals::new().map_err(|error| CliError::Failed(format!("cannot wait for signals: {error}")))?;
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let stores = open(&settings.store, arguments.keep_history, arguments.compact, arguments.fence)?;
    let running = kpd_server::start_over(stores, config).await.map_err(|error| match error {
        StartError::Tls(_) => CliError::Usage(error.to_string()),
        StartError::Listen { .. } | StartError::Fence(_) | StartError::Federation(_) => {
            CliError::Failed(error.to_string())
        }
    })?;
    say!("listening on {scheme}://{}", running.address());
    say!("what it serves: {scheme}://{}/openapi.json", running.address());
    if let Some(address) = running.metrics_address() {
        say!("metrics: http://{address}/metrics");
    }
    if !settings.has_token() {
        say!("operator token: {token}");
    }
    if let Some(file) = &arguments.test_clock {
        say!("TEST CLOCK: ahead by the seconds in {}", file.display());
    }
    match &settings.store {
        StoreSetting::Memory => say!("everything is kept in memory and gone when it stops"),
        StoreSetting::File(path) => say!("everything is kept in {}", path.display()),
    }
    if let Some(Fenced { users, key_packages }) = running.fenced() {
        say!("fenced: {users} users, {key_packages} KeyPackages withdrawn; start without --fence from now on");
    }
    if let Some(mutant) = mutant {
        say!("MUTANT {}: {} (breaks {})", mutant.name, mutant.says, mutant.breaks);
    }
    while signals.next().await == Signal::Reload {
        match running.reload_tls() {
            Ok(()) => say!("certificate and key were read again"),
            Err(error) => eprintln!("kpd: the former certificate stays: {error}"),
        }
    }
    running.announce_stop();
    say!("stopping; once more ends at once");
    let stop = async {
        tokio::time::sleep(std::time::Duration::from_secs(settings.shutdown_delay_seconds)).await;
        running.shutdown().await;
    };
    tokio::select! {
        () = stop => Ok(Exit::Passed),
        () = signals.stop() => std::process::exit(ENDED_AT_ONCE),
    }
}

/// The store, after what is to be done with its file before serving.
fn open(store: &StoreSetting, keep_history: bool, compact: bool, fence: bool) -> Result<Stores, CliError> {
    if *store == StoreSetting::Memory && (fence || compact) {
        return Err(CliError::Usage("--fence and --compact are for what is in a file: give --store file:PATH".into()));
    }
    let failed = |error: &dyn std::fmt::Display| CliError::Failed(format!("store: {error}"));
    let stores = store.open(keep_history).map_err(|error| failed(&error))?;
    if let Some(file) = stores.file.as_ref().filter(|_| compact) {
        file.shrink().map_err(|error| failed(&error))?;
    }
    Ok(stores)
}

/// A mutant by its name.
pub(super) fn named(name: &str) -> Result<Mutant, CliError> {
    let unknown = || CliError::Usage(format!("there is no mutant `{name}`; `kpd list --mutants` shows them all"));
    Mutant::named(name).ok_or_else(unknown)
}

/// As a shell tells it of a process that Ctrl-C ended.
const ENDED_AT_ONCE: i32 = 130;
