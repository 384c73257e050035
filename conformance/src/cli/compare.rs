//! `kpd compare`: several runs beside each other.

use std::{fs, path::PathBuf, str::FromStr};

use clap::Args;

use crate::{
    cli::{CliError, out::say},
    library::Library,
    report::{compare, read},
    verdict::Exit,
};

/// Which runs, and where the page goes.
#[derive(Debug, Args)]
pub(super) struct CompareArguments {
    /// The directories of the runs' reports, or files `report.json`; `NAME=` before one says what it is called.
    #[arg(required = true, num_args = 2.., value_name = "[NAME=]REPORT")]
    reports: Vec<Named>,
    /// Where the page goes.
    #[arg(long, value_name = "FILE", default_value = "kpd-compare.html")]
    out: PathBuf,
}

/// A report and what it is called.
#[derive(Clone, Debug)]
struct Named {
    name: Option<String>,
    path: PathBuf,
}

impl FromStr for Named {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.split_once('=') {
            Some((name, path)) if !name.is_empty() && !name.contains('/') => {
                Self { name: Some(name.into()), path: path.into() }
            }
            _ => Self { name: None, path: text.into() },
        })
    }
}

pub(super) fn compare(arguments: &CompareArguments) -> Result<Exit, CliError> {
    let library = Library::embedded()?;
    let runs = arguments.reports.iter().map(|named| {
        let run = read::run(&named.path).map_err(CliError::Usage)?;
        let own = || run.server.split(" at ").next().unwrap_or(&run.server).to_string();
        Ok((named.name.clone().unwrap_or_else(own), run))
    });
    let compared = compare::of(&runs.collect::<Result<Vec<_>, CliError>>()?, &library.catalogue);
    let page = compared.page().map_err(CliError::Failed)?;
    let out = &arguments.out;
    fs::write(out, page).map_err(|error| CliError::Failed(format!("cannot write {}: {error}", out.display())))?;
    say!("{}", compared.text());
    say!("page: {}", out.display());
    Ok(Exit::Passed)
}
