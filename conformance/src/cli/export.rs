//! `kpd export`: vectors, rules, proofs and schemas as plain JSON, for tools in other languages.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::{
    cli::{CliError, info, out::say},
    library,
    verdict::Exit,
    yaml,
};

/// Where to.
#[derive(Debug, Args)]
pub(super) struct ExportArguments {
    /// A directory, made where it is missing. Files of the same name in it are overwritten, others stay.
    directory: PathBuf,
}

pub(super) fn export(arguments: &ExportArguments) -> Result<Exit, CliError> {
    let files = library::embedded_files();
    for (name, text) in &files {
        let value = yaml::read::<yaml::Value>(name, text).map_err(library::LibraryError::from)?;
        let json = yaml::to_json(&value).map_err(|why| CliError::Failed(format!("{name}: {why}")))?;
        write(&arguments.directory.join(name).with_extension("json"), &json)?;
    }
    for (name, schema) in info::schemas() {
        write(&arguments.directory.join("schema").join(format!("{name}.schema.json")), schema.as_value())?;
    }
    say!("{} files of JSON in {}", files.len() + info::schemas().len(), arguments.directory.display());
    Ok(Exit::Passed)
}

fn write(path: &Path, value: &serde_json::Value) -> Result<(), CliError> {
    let failed = |why: std::io::Error| CliError::Failed(format!("cannot write {}: {why}", path.display()));
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(failed)?;
    }
    std::fs::write(path, format!("{value:#}\n")).map_err(failed)
}
