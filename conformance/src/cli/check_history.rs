//! `kpd check-history`: judges what clients of any server saw, in the terms of the model.

use std::{fs, path::PathBuf};

use clap::Args;
use kpd_model::{
    history::Event,
    linearize::Operation,
    spec::Spec,
    view::{self, Seen},
};
use serde::Deserialize;

use crate::{
    cli::{CliError, out::say},
    verdict::Exit,
};

/// Which history.
#[derive(Debug, Args)]
#[command(
    after_help = "model/docs/histories.md says what such a file looks like. Exit codes: 0 some order explains all \
    answers, 1 none does, 2 nobody knows, 3 the file cannot be read."
)]
pub(super) struct CheckHistoryArguments {
    /// The file, as JSON.
    file: PathBuf,
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct History {
    format: String,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    setup: Vec<Event>,
    operations: Vec<Operation>,
    #[serde(default)]
    killed: Option<u64>,
}

const FORMAT: &str = "kpd-history/1";

pub(super) fn check_history(arguments: &CheckHistoryArguments) -> Result<Exit, CliError> {
    let usage = |why: String| CliError::Usage(format!("{}: {why}", arguments.file.display()));
    let text = fs::read_to_string(&arguments.file).map_err(|error| usage(error.to_string()))?;
    let history: History =
        serde_json::from_str(&text).map_err(|error| usage(format!("no history of the model: {error}")))?;
    if history.format != FORMAT {
        return Err(usage(format!("the format is {}, and {FORMAT} is read here", history.format)));
    }
    let backwards = |operation: &&Operation| operation.returned.is_some_and(|at| at < operation.invoked);
    if let Some(at) = history.operations.iter().position(|operation| backwards(&operation)) {
        return Err(usage(format!("operations[{at}] was answered before it was sent")));
    }
    let without = |operation: &Operation| operation.outcome.is_some() != operation.returned.is_some();
    if let Some(at) = history.operations.iter().position(without) {
        return Err(usage(format!("operations[{at}]: outcome and returned are both there, or the answer was lost")));
    }
    let History { spec, setup, operations, killed, .. } = &history;
    let seen = Seen { spec, setup, operations, killed: *killed };
    let findings = view::judge(&seen);
    let broken: Vec<_> = view::named(&findings).collect();
    broken.iter().for_each(|(rule, how)| say!("{rule}: {how}"));
    let count = operations.len();
    Ok(match (view::is_explained(&seen), broken.is_empty()) {
        (_, false) => {
            say!("{count} operations: {} rules are broken, whatever the order was", broken.len());
            Exit::Failed
        }
        (Some(true), true) => {
            say!("{count} operations: some order explains every answer");
            Exit::Passed
        }
        (Some(false), true) => {
            say!(
                "{count} operations: no order explains the answers, but none of the rules alone is broken in every one"
            );
            Exit::Failed
        }
        (None, true) => {
            say!("{count} operations: there are too many ways in which it can have been");
            Exit::Inconclusive
        }
    })
}
