//! A badge in the format of shields.io's endpoint: <https://shields.io/badges/endpoint-badge>.

use serde_json::{Value, json};

use crate::{report::Report, verdict::Exit};

/// The badge as JSON.
#[must_use]
pub fn of(report: &Report<'_>) -> Value {
    let warned = if report.strict { report.count("WARN") } else { 0 };
    let (passed, failed) = (report.count("PASS"), report.count("FAIL") + report.count("XPASS") + warned);
    let ran = report.judged.len() - report.count("SKIP");
    let (message, color) = match report.exit {
        Exit::Passed if report.count("WARN") + report.count("XFAIL") > 0 => {
            (format!("{passed} of {ran} passed"), "green")
        }
        Exit::Passed => (format!("{passed} passed"), "brightgreen"),
        Exit::Failed => (format!("{failed} of {ran} failed"), "red"),
        Exit::Inconclusive => (report.exit.says().into(), "yellow"),
        Exit::Nothing | Exit::Unreachable | Exit::Usage | Exit::Bug => (report.exit.says().into(), "lightgrey"),
    };
    json!({ "schemaVersion": 1, "label": "KeyPackage directory", "message": message, "color": color })
}
