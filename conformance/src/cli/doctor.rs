//! `kpd doctor`: proves a binding before a server is judged by it.

mod hooks;

use std::collections::BTreeMap;

use clap::Args;
use console::style;

use crate::{
    cli::{
        CliError,
        out::say,
        run::{ServerArguments, at_hand, named, nobody_there},
    },
    doctor::{self, Finding, Mark, Never},
    judge,
    library::{Library, LibraryError},
    recording::{Broken, Recording, Round},
    run::{
        Server,
        trial::{self, Met, Readiness, Tried},
    },
    verdict::Exit,
};

/// Which server and binding.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kpd doctor                                              the reference server, started for the occasion
  kpd doctor --target http://127.0.0.1:8080 --binding mine.yaml --var operator_token=secret
  kpd doctor --target http://127.0.0.1:8080 --binding mine.yaml --hooks     also kills and starts it, by the binding's commands

Exit codes: 0 the binding fits, 1 it can be read and something is odd (the server may err), 3 the binding is wrong,
4 the server is unreachable. No rule is judged: `kpd run` does that.")]
pub(super) struct DoctorArguments {
    #[command(flatten)]
    server: ServerArguments,
    /// Names and keys follow from it; random unless given. A server that keeps users wants a new one each time.
    #[arg(long)]
    seed: Option<u64>,
    /// Also tries the hooks of the binding: the server is killed, started and restored from a backup, and its clock moved.
    #[arg(long)]
    hooks: bool,
    /// Requests and answers are shown only where something is wrong.
    #[arg(long)]
    brief: bool,
}

pub(super) async fn doctor(arguments: DoctorArguments) -> Result<Exit, CliError> {
    let (mut server, embedded) = at_hand(&arguments.server, None).await?;
    let ended = examine(&mut server, &arguments).await;
    if let Some(embedded) = embedded {
        embedded.stop().await;
    }
    ended
}

async fn examine(server: &mut Server, arguments: &DoctorArguments) -> Result<Exit, CliError> {
    say!("{}\n", named(server));
    let mut findings = Findings { brief: arguments.brief, all: vec![] };
    findings.extend(doctor::variables(&server.binding, &server.variables));
    findings.extend(doctor::declarations(&server.binding));
    if findings.all.iter().any(|finding| finding.part == "variables" && finding.mark == Mark::Wrong) {
        return Ok(findings.end("nothing was sent"));
    }
    server.begin().map_err(CliError::Usage)?;
    match trial::readiness(server).await {
        Readiness::Ready(says) => findings.extend(vec![Finding::well("ready", &says)]),
        Readiness::Otherwise(says) => {
            let mend = "`ready` names a request that any living server answers with success, without credentials";
            findings.extend(vec![Finding::wrong("ready", "the server answers, and not with 2xx", says, mend)]);
            return Ok(findings.end("nothing else was tried"));
        }
        Readiness::Away(why) => return Err(nobody_there(server, &why)),
    }
    // A policy that cannot be read is told below.
    let _ = server.declare().await;
    if let Some(gone) = walk(server, arguments.seed, &mut findings).await? {
        return Err(CliError::Unreachable(gone));
    }
    if arguments.hooks {
        let tried = hooks::tried(server).await;
        findings.extend(tried);
    } else if server.hooks.is_some() {
        findings.extend(vec![hooks::untried(server)]);
    }
    let exit = findings.end("");
    if exit == Exit::Passed {
        to_run(server, arguments.server.target.is_empty())?;
    }
    Ok(exit)
}

/// Asks for everything once; why the server went away, if it did.
async fn walk(server: &Server, seed: Option<u64>, findings: &mut Findings) -> Result<Option<String>, CliError> {
    let vector = doctor::walk().map_err(LibraryError::from)?;
    let seed = seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    let (mut never, mut last) = (Never::default(), None);
    let ended = trial::walk(server, &vector, seed, &mut |met, world| {
        let finding = match met {
            Met::Tried(tried) => {
                let tried = masked(tried);
                never.hear(&tried);
                doctor::diagnose(&tried, &server.binding, world)
            }
            untried => doctor::untried(untried).unwrap_or_else(|| Finding::well("walk", "")),
        };
        last = Some(world.clone());
        let well = !matches!(finding.mark, Mark::Wrong | Mark::Doubt);
        findings.extend(vec![finding]);
        well
    })
    .await;
    if let Some(world) = last {
        let said = never.findings(&server.binding, &world, &findings.all);
        findings.extend(said);
    }
    match ended {
        Ok(()) => Ok(None),
        Err(Broken::Gone(why) | Broken::Setup(why) | Broken::TooSlow(why)) => {
            Ok(Some(format!("the server went away: {why}")))
        }
        Err(Broken::Suite(why)) => Err(CliError::Failed(why)),
    }
}

/// Without secrets: what is printed here lands in issues.
fn masked(tried: &Tried) -> Tried {
    let mut tried = tried.clone();
    let round = Round { steps: vec![tried.recorded.clone()] };
    let mut recording = Recording { rounds: vec![round], broken: None };
    recording.mask();
    if let Some(recorded) = recording.rounds.pop().and_then(|mut round| round.steps.pop()) {
        tried.recorded = recorded;
    }
    tried
}

/// Which vectors `kpd run` would run, and why not the others.
fn to_run(server: &Server, embedded: bool) -> Result<(), CliError> {
    let library = Library::embedded()?;
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    // `kpd run` itself kills and restores a reference that it has started.
    let asked = library.vectors.iter().filter(|vector| !(embedded && vector.needs_hooks()));
    for vector in asked {
        if let Some(reason) = judge::skipped(vector, &server.binding, &library.catalogue) {
            *reasons.entry(reason).or_default() += 1;
        }
    }
    let (all, skipped) = (library.vectors.len(), reasons.values().sum::<usize>());
    say!("kpd run will run {} of {all} vectors{}", all - skipped, if skipped == 0 { "" } else { "; skipped are" });
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    reasons.iter().for_each(|(reason, count)| say!("{count:>5}  {reason}"));
    Ok(())
}

struct Findings {
    brief: bool,
    all: Vec<Finding>,
}

impl Findings {
    /// Prints them as they come.
    fn extend(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            self.print(&finding);
            self.all.push(finding);
        }
    }

    fn print(&self, finding: &Finding) {
        let Finding { mark, part, says, lines, messages } = finding;
        let word = format!("{:<7}", mark.word());
        let word = match mark {
            Mark::Ok => style(word).green(),
            Mark::Wrong => style(word).red().bold(),
            Mark::Note => style(word).dim(),
            Mark::Doubt | Mark::Untried => style(word).yellow(),
        };
        let of_part = || self.all.iter().filter(|other| other.part == *part);
        let told = |message: &doctor::Message| {
            of_part().flat_map(|other| &other.messages).any(|other| other.mend == message.mend)
        };
        if *mark == Mark::Untried && of_part().any(|other| other.mark == Mark::Untried) {
            return;
        }
        if !messages.is_empty() && messages.iter().all(told) {
            say!("{word} {part:<20} {says}: as above");
            return;
        }
        say!("{word} {part:<20} {says}");
        if !self.brief || !matches!(mark, Mark::Ok) {
            lines.iter().for_each(|(label, text)| say!("        {label:<5} {}", style(text).dim()));
        }
        for message in messages {
            say!("        {}", style(&message.what).bold());
            say!("        mend: {}", message.mend);
        }
    }

    /// The sum.
    fn end(&self, but: &str) -> Exit {
        let count = |mark: Mark| self.all.iter().filter(|finding| finding.mark == mark).count();
        let (wrong, doubts, untried) = (count(Mark::Wrong), count(Mark::Doubt), count(Mark::Untried));
        let exit = doctor::exit(&self.all);
        let but = if but.is_empty() { String::new() } else { format!("; {but}") };
        say!("\n{} ok, {wrong} wrong, {doubts} in doubt, {untried} not tried{but}", count(Mark::Ok));
        say!(
            "{}",
            match exit {
                Exit::Passed => "the binding fits this server; whether the server keeps the rules, kpd run tells",
                Exit::Usage => "the binding does not fit this server yet",
                _ => "the binding can be read, and something is odd: look at what is in doubt",
            }
        );
        exit
    }
}
