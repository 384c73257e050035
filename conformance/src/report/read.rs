//! Reads a report that a run has left, as far as other commands need it.

use std::{fs, path::Path};

use serde::Deserialize;

use crate::{report::json::FORMAT, verdict::Failure};

/// A run.
#[derive(Debug, Deserialize)]
pub struct Run {
    format: String,
    /// The version of the suite.
    pub suite: String,
    /// The name of the binding, and where the server was.
    pub server: String,
    /// How it ended.
    pub exit: String,
    /// Every selected vector, by id.
    pub vectors: Vec<Vector>,
}

/// One vector of it.
#[derive(Debug, Deserialize)]
pub struct Vector {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The rules that it checks.
    pub rules: Vec<String>,
    /// As in the report: PASS, FAIL and so on.
    pub verdict: String,
    /// Why there is no verdict on the server, or why it is not what it seems.
    pub reason: Option<String>,
    /// What failed.
    pub failure: Option<Failure>,
}

/// Reads the report in a directory, or a file `report.json` itself.
///
/// # Errors
///
/// A sentence with the file: it cannot be read, is no report, or one of a format that is not known.
pub fn run(path: &Path) -> Result<Run, String> {
    let path = if path.is_dir() { path.join("report.json") } else { path.to_path_buf() };
    let told = |why: String| format!("{}: {why}", path.display());
    let text = fs::read_to_string(&path).map_err(|error| told(error.to_string()))?;
    let run: Run = serde_json::from_str(&text).map_err(|error| told(format!("no report of kpd: {error}")))?;
    if run.format != FORMAT {
        return Err(told(format!("the format is {}, and {FORMAT} is read here", run.format)));
    }
    Ok(run)
}
