//! `kpd baseline`: what fails now, as the file that `--known-failures` reads.

use std::{collections::BTreeMap, fs, path::PathBuf};

use clap::Args;

use crate::{
    cli::{CliError, out::say, run::known_in},
    report::{json::JsonVector, read},
    verdict::Exit,
};

/// Which run, and where to.
#[derive(Debug, Args)]
pub(super) struct BaselineArguments {
    /// The directory of a run's report.
    #[arg(long, value_name = "DIR", default_value = "kpd-report")]
    report: PathBuf,
    /// Where the file goes; without it, it is printed. Of one that is there, what fails sometimes stays.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn baseline(arguments: &BaselineArguments) -> Result<Exit, CliError> {
    let run = read::run(&arguments.report).map_err(CliError::Usage)?;
    let fails: BTreeMap<&str, String> =
        run.vectors.iter().filter_map(|vector| Some((&*vector.id, comment(vector)?))).collect();
    // What fails in some runs only stays known to do so, whether it failed this time or not.
    let before = arguments.out.as_deref().filter(|out| out.exists()).map_or(Ok(vec![]), known_in)?;
    let sometimes: BTreeMap<&str, &str> =
        before.iter().filter(|known| known.sometimes).map(|known| (&*known.id, &*known.comment)).collect();
    let mut known = fails;
    known.extend(sometimes.iter().map(|(id, comment)| (*id, (*comment).to_string())));
    let mut text =
        String::from("# Known to fail: still run, and passing unexpectedly fails the run. Written by kpd baseline.\n");
    for (id, comment) in &known {
        let quoted = |text: &str| serde_json::to_string(text).map_err(|error| CliError::Failed(error.to_string()));
        text.push_str(&format!("- id: {}\n  comment: {}\n", quoted(id)?, quoted(comment)?));
        text.push_str(if sometimes.contains_key(id) { "  sometimes: true\n" } else { "" });
    }
    if known.is_empty() {
        text.push_str("[]\n");
    }
    match &arguments.out {
        Some(out) => {
            fs::write(out, text)
                .map_err(|error| CliError::Failed(format!("cannot write {}: {error}", out.display())))?;
            say!("{} known failures: {}", known.len(), out.display());
        }
        None => say!("{}", text.trim_end()),
    }
    Ok(Exit::Passed)
}

/// Why it is known to fail; `None` if it does not fail. What was written by hand stays.
fn comment(vector: &JsonVector) -> Option<String> {
    match (vector.verdict.as_str(), &vector.failure) {
        ("XFAIL", _) => vector.reason.clone(),
        // Who got what in a race differs from run to run.
        ("FAIL", Some(failure)) if failure.rounds.is_some() => {
            Some(format!("{}: not so: {}", failure.rule, vector.title))
        }
        ("FAIL", Some(failure)) => {
            Some(format!("{}: {}", failure.rule, failure.says.lines().next().unwrap_or_default()))
        }
        _ => None,
    }
}
