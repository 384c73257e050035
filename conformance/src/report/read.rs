//! Reads a report that a run has left, as far as other commands need it.

use std::{fs, path::Path};

use crate::report::json::{FORMAT, JsonReport};

/// Reads the report in a directory, or a file `report.json` itself.
///
/// # Errors
///
/// A sentence with the file: it cannot be read, is no report, or one of a format that is not known.
pub fn run(path: &Path) -> Result<JsonReport, String> {
    let path = if path.is_dir() { path.join("report.json") } else { path.to_path_buf() };
    let told = |why: String| format!("{}: {why}", path.display());
    let text = fs::read_to_string(&path).map_err(|error| told(error.to_string()))?;
    let run: JsonReport = serde_json::from_str(&text).map_err(|error| told(format!("no report of kpd: {error}")))?;
    if run.format != FORMAT {
        return Err(told(format!("the format is {}, and {FORMAT} is read here", run.format)));
    }
    Ok(run)
}
