//! Writes a report's files, and takes away those of the run before.

use std::{
    fs,
    path::{Component, Path},
};

use serde_json::Value;

use crate::report::{Report, badge, bundle, curl, html, json, junit, markdown, sarif};

/// What each file is for, as the terminal says it.
pub const FILES: &str = "report.html, report.json, junit.xml, report.sarif, summary.md, badge.json";

/// Writes everything.
///
/// # Errors
///
/// What could not be written, and why.
pub fn write(directory: &Path, report: &Report<'_>) -> Result<(), String> {
    fs::create_dir_all(directory).map_err(|error| error.to_string())?;
    forget(directory);
    let json = json::of(report);
    let files = [
        ("report.json", pretty(&json)?),
        ("junit.xml", junit::xml(report)?),
        ("report.html", html::page(report)?),
        ("report.sarif", pretty(&sarif::of(report))?),
        ("summary.md", markdown::summary(report)),
        ("badge.json", pretty(&badge::of(report))?),
    ];
    for (name, text) in files {
        put(directory, name, &text)?;
    }
    for (judged, failure) in report.failures() {
        let bundle = bundle::of(report, judged, failure);
        put(directory, &bundle_name(&judged.vector.id), &pretty(&bundle)?)?;
        put(directory, &script_name(&judged.vector.id), &curl::script(&bundle))?;
    }
    Ok(())
}

/// The file of a failing vector's bundle, beside the report.
#[must_use]
pub fn bundle_name(id: &str) -> String {
    format!("failures/{id}.json")
}

/// The file of a failing vector's script, beside the report.
#[must_use]
pub fn script_name(id: &str) -> String {
    format!("failures/{id}.sh")
}

fn pretty(value: &impl serde::Serialize) -> Result<String, String> {
    serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(|error| error.to_string())
}

fn put(directory: &Path, name: &str, text: &str) -> Result<(), String> {
    let path = directory.join(name);
    let put = || {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(&path, text)?;
        executable(&path, name.ends_with(".sh"))
    };
    put().map_err(|error| format!("{name}: {error}"))
}

#[cfg(unix)]
fn executable(path: &Path, executable: bool) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if executable { fs::set_permissions(path, fs::Permissions::from_mode(0o755)) } else { Ok(()) }
}

#[cfg(not(unix))]
fn executable(_: &Path, _: bool) -> std::io::Result<()> {
    Ok(())
}

/// The failures of the run before are no failures of this one. Only files that its report names go.
fn forget(directory: &Path) {
    let before = fs::read_to_string(directory.join("report.json")).unwrap_or_default();
    let before: Value = serde_json::from_str(&before).unwrap_or_default();
    if before["format"] != json::FORMAT {
        return;
    }
    for vector in before["vectors"].as_array().into_iter().flatten() {
        for name in [&vector["bundle"], &vector["script"]].into_iter().filter_map(Value::as_str) {
            let within = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
            if within && name.starts_with("failures/") {
                // What is gone already need not go.
                let _ = fs::remove_file(directory.join(name));
            }
        }
    }
}
