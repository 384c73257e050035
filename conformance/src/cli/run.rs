//! `kpd run`: judges a server.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::IsTerminal as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    cli::{CliError, out::say},
    embedded::{Embedded, Killable, Mutant},
    judge,
    library::{self, Library},
    recording,
    report::{self, Begun, Report},
    run::{self, Options, Run, Server},
    vector::Vector,
    verdict::{Exit, Judged, KnownFailure, Verdict},
    yaml,
};

/// What to run, and against whom.
#[derive(Debug, Args)]
pub(super) struct RunArguments {
    /// Only vectors whose id contains one of these, or that check a rule of that name.
    filter: Vec<String>,
    #[command(flatten)]
    server: ServerArguments,
    /// Vectors of this directory instead of those inside kpd.
    #[arg(long, value_name = "DIR")]
    vectors: Option<PathBuf>,
    /// How many vectors at a time; one that waits for a moment does not count meanwhile.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// Keys, packages and order follow from it; random unless given. A server that keeps users wants a new one each time.
    #[arg(long)]
    seed: Option<u64>,
    /// Rounds of each race, instead of what the vectors say.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// Vectors that are known to fail: a YAML list of { id, comment, rules?, sometimes? }.
    #[arg(long, value_name = "FILE")]
    known_failures: Option<PathBuf>,
    /// A broken SHOULD fails the run too.
    #[arg(long)]
    strict: bool,
    /// Prints workflow commands with which GitHub marks lines; on its own where GITHUB_ACTIONS is true.
    #[arg(long)]
    annotations: bool,
    /// Where the report's files go.
    #[arg(long, value_name = "DIR", default_value = "kpd-report")]
    report: PathBuf,
}

/// Which server, and how to speak with it.
#[derive(Debug, Args)]
pub(super) struct ServerArguments {
    /// Base URL of the server; repeat it for each replica. Without it, the reference server is started and asked; by
    /// `kpd replay`, the server of the recorded run.
    #[arg(long, value_name = "URL")]
    pub(super) target: Vec<String>,
    /// How to speak with the server; without it, as with the reference.
    #[arg(long, value_name = "FILE")]
    pub(super) binding: Option<PathBuf>,
    /// A variable of the binding, such as operator_token=…; also read from the environment as KPD_OPERATOR_TOKEN.
    #[arg(long = "var", value_name = "NAME=VALUE")]
    variables: Vec<String>,
    /// Seconds to wait for an answer.
    #[arg(long, default_value_t = 10)]
    timeout: u64,
}

impl ServerArguments {
    /// The flags that ask the same server again; what may be a secret is left to whoever asks.
    pub(super) fn again(&self) -> String {
        let targets = self.target.iter().map(|url| format!(" --target {}", masked(url)));
        let binding = self.binding.iter().map(|path| format!(" --binding {}", path.display()));
        let names = self.variables.iter().filter_map(|variable| variable.split_once('='));
        targets.chain(binding).chain(names.map(|(name, _)| format!(" --var {name}=…"))).collect()
    }
}

/// By the ids of their vectors.
pub(super) type KnownFailures = BTreeMap<String, KnownFailure>;

pub(super) async fn run(arguments: RunArguments) -> Result<Exit, CliError> {
    let library = match &arguments.vectors {
        Some(directory) => Library::of_directory(directory)?,
        None => Library::embedded()?,
    };
    let known =
        arguments.known_failures.as_deref().map_or(Ok(BTreeMap::new()), |path| known_failures(path, &library))?;
    let selected = library.select(&arguments.filter);
    if selected.is_empty() {
        eprintln!("kpd: no vector matches {}; `kpd list` shows them all", arguments.filter.join(", "));
        return Ok(Exit::Nothing);
    }
    let (server, embedded) = server(&arguments.server, None).await?;
    let seed = arguments.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    let options = Options { jobs: arguments.jobs.into(), seed, rounds: arguments.rounds };
    let begun = Instant::now();
    let judged = match embedded {
        Some(embedded) => judge_embedded(&library, &selected, (&server, embedded), None, options, &known).await?,
        None => judge_all(&library, &selected, &server, options, &known).await,
    };
    let exit = Exit::of(judged.iter().map(|judged| &judged.verdict), arguments.strict);
    let report = Report {
        server: named(&server),
        begun: begun_with(&arguments.server, seed, arguments.rounds),
        judged: &judged,
        catalogue: &library.catalogue,
        texts: &library.texts,
        directory: arguments.vectors.as_ref().map_or("vectors".into(), |path| path.display().to_string()),
        took: begun.elapsed(),
        exit,
        strict: arguments.strict,
        bundles: true,
    };
    tell(&report, &arguments)?;
    Ok(exit)
}

/// Runs the vectors against the reference: those that kill a server, against one in a process of its own.
pub(super) async fn judge_embedded(
    library: &Library,
    selected: &[Arc<Vector>],
    (server, embedded): (&Server, Embedded),
    mutant: Option<Mutant>,
    options: Options,
    known: &KnownFailures,
) -> Result<Vec<Judged>, CliError> {
    let (alone, together): (Vec<_>, Vec<_>) = selected.iter().cloned().partition(|vector| vector.needs_hooks());
    let mut judged = judge_all(library, &together, server, options, known).await;
    embedded.stop().await;
    if !alone.is_empty() {
        let killable = Killable::start(mutant.map(|mutant| mutant.name)).map_err(CliError::Failed)?;
        let (binding, endpoints) = (library::reference_binding()?, vec![killable.url()]);
        let mut server = Server::new(binding, endpoints, BTreeMap::new(), server.timeout);
        server.set("operator_token", killable.operator_token());
        server.hooks = Some(Arc::new(killable));
        server.begin().map_err(CliError::Usage)?;
        server.begun().await.map_err(CliError::Failed)?;
        server.declare().await.map_err(CliError::Unreachable)?;
        judged.extend(judge_all(library, &alone, &server, options, known).await);
        judged.sort_by(|one, other| one.vector.id.cmp(&other.vector.id));
    }
    Ok(judged)
}

/// Runs what the server offers and judges it; vectors that it does not offer are skipped, with the reason.
pub(super) async fn judge_all(
    library: &Library,
    selected: &[Arc<Vector>],
    server: &Server,
    options: Options,
    known: &KnownFailures,
) -> Vec<Judged> {
    let skip = |vector: &Arc<Vector>| judge::skipped(vector, &server.binding, &library.catalogue);
    let (skipped, run): (Vec<_>, Vec<_>) = selected.iter().cloned().partition(|vector| skip(vector).is_some());
    let progress = progress(run.len());
    let mut runs = run::run(server, &run, options, |one: &Run| {
        progress.set_message(run[one.index].id.clone());
        progress.inc(1);
    })
    .await;
    progress.finish_and_clear();
    // From here on everything is shown to somebody.
    runs.iter_mut().for_each(|one| one.recording.mask());
    let mut judged: Vec<Judged> = skipped
        .into_iter()
        .map(|vector| {
            let reason = skip(&vector).unwrap_or_default();
            Judged::without_story(vector, Verdict::Skip { reason })
        })
        .collect();
    for (index, vector) in run.iter().enumerate() {
        let seen = runs.iter().find(|one| one.index == index);
        judged.push(match seen {
            Some(one) => {
                let (verdict, contention) = judge::judge(vector, &one.recording, &library.catalogue);
                let verdict = verdict.known(known.get(&vector.id));
                let story = judge::story(&one.recording);
                Judged { vector: Arc::clone(vector), verdict, took: one.took, contention, story }
            }
            None => {
                let verdict = Verdict::Error { reason: "the runner panicked; please report this".into() };
                Judged::without_story(Arc::clone(vector), verdict)
            }
        });
    }
    judged.sort_by(|one, other| one.vector.id.cmp(&other.vector.id));
    judged
}

/// What the report says of how the run was begun.
pub(super) fn begun_with(arguments: &ServerArguments, seed: u64, rounds: Option<u32>) -> Begun {
    let endpoints = arguments.target.iter().map(|url| masked(url)).collect();
    Begun { seed, rounds, endpoints, binding: arguments.binding.as_ref().map(|path| path.display().to_string()) }
}

/// What a server is called in a report.
pub(super) fn named(server: &Server) -> String {
    format!(
        "{} at {}",
        server.binding.name,
        server.endpoints.iter().map(|url| masked(url)).collect::<Vec<_>>().join(", ")
    )
}

/// Why nothing can be asked.
pub(super) fn nobody_there(server: &Server, why: &str) -> CliError {
    let (named, why) = (named(server), recording::mask_text(why, &BTreeSet::new()));
    CliError::Unreachable(format!("no answer of {named}: {why}\nIs it running? Is --target its base URL?"))
}

fn masked(url: &str) -> String {
    recording::mask_url(url, &mut BTreeSet::new())
}

/// The server, ready and asked for what it declares; without a target the reference, whole or with a mutation.
pub(super) async fn server(
    arguments: &ServerArguments,
    mutant: Option<Mutant>,
) -> Result<(Server, Option<Embedded>), CliError> {
    let (mut server, embedded) = at_hand(arguments, mutant).await?;
    let mut unset = server.begin();
    if server.binding.adapter.is_some() {
        // Without its adapter nothing can be asked, and what is wrong is told by it.
        std::mem::replace(&mut unset, Ok(())).map_err(CliError::Usage)?;
    }
    server.ready().await.map_err(|why| nobody_there(&server, &why))?;
    unset.map_err(CliError::Usage)?;
    server.declare().await.map_err(CliError::Unreachable)?;
    Ok((server, embedded))
}

/// The server as it was given, before anything is asked of it.
pub(super) async fn at_hand(
    arguments: &ServerArguments,
    mutant: Option<Mutant>,
) -> Result<(Server, Option<Embedded>), CliError> {
    let binding = arguments.binding.as_deref().map_or_else(library::reference_binding, library::binding)?;
    // What the binding knows nothing of has other uses, and is no secret of it.
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter_map(|(name, value)| Some((name.strip_prefix("KPD_")?.to_lowercase(), value.into())))
        .filter(|(name, _)| binding.variables.contains_key(name))
        .collect();
    if let Some(url) = arguments.target.iter().find(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
        return Err(CliError::Usage(format!("--target {url}: it begins with http:// or https://", url = masked(url))));
    }
    let timeout = Duration::from_secs(arguments.timeout);
    let mut server = Server::new(binding, arguments.target.clone(), variables, timeout);
    for variable in &arguments.variables {
        let wrong = || CliError::Usage(format!("--var {variable}: NAME=VALUE is expected"));
        let (name, value) = variable.split_once('=').ok_or_else(wrong)?;
        if !server.binding.variables.contains_key(name) {
            let meant = yaml::meant(name, server.binding.variables.keys().map(String::as_str));
            return Err(CliError::Usage(format!("--var {name}: the binding has no such variable: {meant}")));
        }
        server.set(name, value);
    }
    if !arguments.target.is_empty() {
        return Ok((server, None));
    }
    if arguments.binding.is_some() {
        return Err(CliError::Usage("--binding says how to speak with a server: give its --target, too".into()));
    }
    let embedded = Embedded::start(mutant).await.map_err(CliError::Failed)?;
    server.endpoints = vec![embedded.url()];
    server.set("operator_token", embedded.operator_token());
    Ok((server, Some(embedded)))
}

/// The entries of a file of known failures, as they stand there.
pub(super) fn known_in(path: &Path) -> Result<Vec<KnownFailure>, CliError> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|why| CliError::Usage(format!("cannot read {}: {why}", path.display())))?;
    Ok(yaml::read(&path.display().to_string(), &text).map_err(library::LibraryError::from)?)
}

fn known_failures(path: &Path, library: &Library) -> Result<KnownFailures, CliError> {
    let list = known_in(path)?;
    for known in &list {
        if !library.vectors.iter().any(|vector| vector.id == known.id) {
            let says = format!("{}: there is no vector `{}`; `kpd list` shows them all", path.display(), known.id);
            return Err(CliError::Usage(says));
        }
        if let Some(rule) = known.rules.iter().find(|rule| library.catalogue.rule(rule).is_none()) {
            let says = format!(
                "{}: {}: there is no rule `{rule}`; `kpd list --rules` shows them all",
                path.display(),
                known.id
            );
            return Err(CliError::Usage(says));
        }
    }
    Ok(list.into_iter().map(|known| (known.id.clone(), known)).collect())
}

fn progress(vectors: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::try_from(vectors).unwrap_or(u64::MAX));
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {wide_msg}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// On the terminal, into files, and to a CI that can show more.
fn tell(report: &Report<'_>, arguments: &RunArguments) -> Result<(), CliError> {
    for judged in report.judged {
        say!("{}", report::terminal::line(judged));
    }
    say!("{}", report::terminal::end(report).trim_end());
    let directory = &arguments.report;
    let failed = |why: String| CliError::Failed(format!("cannot write the report to {}: {why}", directory.display()));
    report::files::write(directory, report).map_err(failed)?;
    say!("report: {}/{}", directory.display(), report::files::FILES);
    if arguments.annotations || std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
        report::annotations::lines(report).iter().for_each(|line| say!("{line}"));
    }
    if let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) {
        use std::io::Write as _;
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
        let written = file.and_then(|mut file| file.write_all(report::markdown::summary(report).as_bytes()));
        written.map_err(|error| CliError::Failed(format!("cannot add to {}: {error}", path.display())))?;
    }
    Ok(())
}
