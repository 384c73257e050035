//! `kpd baseline`: what fails now, as the file that `--known-failures` reads.

use std::{collections::BTreeMap, fs, path::PathBuf};

use clap::Args;

use crate::{
    cli::{CliError, out::say, run::known_in},
    library::{Library, count_of_vectors},
    report::{
        json::{JsonReport, JsonVector},
        read,
    },
    verdict::{Exit, Failure, KnownFailure},
};

/// Which run, and where to.
#[derive(Debug, Args)]
pub(super) struct BaselineArguments {
    /// The directory of a run's report.
    #[arg(long, value_name = "DIR", default_value = "kpd-report")]
    report: PathBuf,
    /// Where the file goes; without it, it is printed. Of one that is there, what did not pass in this run stays as it is.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Lists broken SHOULDs too, for runs with --strict; on its own where nothing else failed a run.
    #[arg(long)]
    strict: bool,
}

pub(super) fn baseline(arguments: &BaselineArguments) -> Result<Exit, CliError> {
    let run = read::run(&arguments.report).map_err(CliError::Usage)?;
    let before = arguments.out.as_deref().filter(|out| out.exists()).map_or(Ok(vec![]), known_in)?;
    let library = Library::embedded()?;
    let (kept, dropped): (Vec<_>, Vec<_>) = before.into_iter().partition(|known| stays(known, &run, &library));
    let listed = kept.len();
    let mut known: BTreeMap<String, KnownFailure> = kept.into_iter().map(|known| (known.id.clone(), known)).collect();
    let strict = arguments.strict || only_warnings_failed(&run);
    let mut warnings = 0;
    for vector in &run.vectors {
        let Some(comment) = comment(vector) else { continue };
        if let Some(known) = known.get_mut(&vector.id) {
            // One that names no rules is known to fail whichever it breaks.
            let new = |rule: &String| !known.rules.is_empty() && !known.rules.contains(rule);
            let new: Vec<_> = rules(vector).into_iter().filter(new).collect();
            known.rules.extend(new);
            continue;
        }
        if vector.verdict == "WARN" && !strict {
            warnings += 1;
            continue;
        }
        let id = vector.id.clone();
        known.insert(id.clone(), KnownFailure { id, comment, rules: rules(vector), sometimes: false });
    }
    let text = written(&known)?;
    match &arguments.out {
        Some(out) => {
            fs::write(out, text)
                .map_err(|error| CliError::Failed(format!("cannot write {}: {error}", out.display())))?;
            let (all, new, dropped) = (known.len(), known.len().saturating_sub(listed), dropped.len());
            say!("{all} known failures: {} ({listed} kept, {new} new, {dropped} dropped)", out.display());
            if warnings > 0 {
                say!("{} with a broken SHOULD not listed: --strict lists them", count_of_vectors(warnings));
            }
        }
        None => say!("{}", text.trim_end()),
    }
    Ok(Exit::Passed)
}

/// Whether an earlier entry is still right: its vector exists, and did not pass. What a run did not ask, or had no verdict
/// on, is as it was; what fails in some runs only may also pass.
fn stays(known: &KnownFailure, run: &JsonReport, library: &Library) -> bool {
    match run.vectors.iter().find(|vector| vector.id == known.id) {
        Some(vector) => known.sometimes || !matches!(vector.verdict.as_str(), "PASS" | "XPASS"),
        None => exists(&known.id, run, library),
    }
}

/// A vector inside kpd, or one of the directory that the run took its vectors from.
fn exists(id: &str, run: &JsonReport, library: &Library) -> bool {
    let of_run = run.vectors.first().and_then(|vector| vector.place.0.strip_suffix(&format!("{}.yaml", vector.id)));
    library.texts.contains_key(id)
        || of_run.is_some_and(|directory| PathBuf::from(format!("{directory}{id}.yaml")).exists())
}

/// A run that failed though no MUST is broken was a strict one.
fn only_warnings_failed(run: &JsonReport) -> bool {
    let has = |word: &str| run.vectors.iter().any(|vector| vector.verdict == word);
    run.exit == "failed" && has("WARN") && !has("FAIL") && !has("XPASS")
}

fn written(known: &BTreeMap<String, KnownFailure>) -> Result<String, CliError> {
    let mut text =
        String::from("# Known to fail: still run, and passing unexpectedly fails the run. Written by kpd baseline.\n");
    let quoted = |text: &str| serde_json::to_string(text).map_err(|error| CliError::Failed(error.to_string()));
    for KnownFailure { id, comment, rules, sometimes } in known.values() {
        text.push_str(&format!("- id: {}\n  comment: {}\n", quoted(id)?, quoted(comment)?));
        if !rules.is_empty() {
            text.push_str(&format!("  rules: [{}]\n", rules.join(", ")));
        }
        text.push_str(if *sometimes { "  sometimes: true\n" } else { "" });
    }
    if known.is_empty() {
        text.push_str("[]\n");
    }
    Ok(text)
}

/// What it breaks.
fn rules(vector: &JsonVector) -> Vec<String> {
    vector.failure.iter().flat_map(Failure::all).map(|failure| failure.rule.clone()).collect()
}

/// Why it is known to fail; `None` if it does not fail. What was written by hand stays.
fn comment(vector: &JsonVector) -> Option<String> {
    match (vector.verdict.as_str(), &vector.failure) {
        ("XFAIL", _) => vector.reason.clone(),
        // Who got what in a race differs from run to run.
        ("FAIL" | "WARN", Some(failure)) if failure.rounds.is_some() => {
            Some(format!("{}: not so: {}", failure.rule, vector.title))
        }
        ("FAIL" | "WARN", Some(failure)) => {
            Some(format!("{}: {}", failure.rule, failure.says.lines().next().unwrap_or_default()))
        }
        _ => None,
    }
}
