//! `kpd new`: a commented binding or vector to start from.

use std::{
    io::Write as _,
    path::{Component, Path, PathBuf},
};

use clap::Args;

use crate::{
    cli::{CliError, out::say},
    verdict::Exit,
};

const BINDING: &str = include_str!("new/binding.yaml");

const VECTOR: &str = include_str!("new/vector.yaml");

/// What to begin.
#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("what").required(true),
    after_help = "\
Examples:
  kpd new --binding mine.yaml               then: kpd doctor --target http://127.0.0.1:8080 --binding mine.yaml
  kpd new --vector mine/claim/twice.yaml    then: kpd lint mine && kpd run --vectors mine

Exit codes: 0 written, 3 the file is there already, or its name will not do; nothing is ever overwritten."
)]
pub(super) struct NewArguments {
    /// Writes a binding, each key explained.
    #[arg(long, value_name = "FILE", group = "what")]
    binding: Option<PathBuf>,
    /// Writes a vector that passes against a good server.
    #[arg(long, value_name = "FILE", group = "what")]
    vector: Option<PathBuf>,
}

pub(super) fn new(arguments: &NewArguments) -> Result<Exit, CliError> {
    if let Some(path) = &arguments.binding {
        write(path, BINDING)?;
        say!("written: {}", path.display());
        say!("next: change what is another way with you, then");
        say!("  kpd doctor --target http://127.0.0.1:8080 --binding {} --var admin_token=…", path.display());
    }
    if let Some(path) = &arguments.vector {
        let (directory, id) = place(path)?;
        write(path, &VECTOR.replace("THE_ID", &id))?;
        say!("written: {} (id {id})", path.display());
        say!("next: tell your story in it, then");
        let directory = directory.display();
        say!("  kpd lint {directory} && kpd prove {directory} --write && kpd run --vectors {directory}");
    }
    Ok(Exit::Passed)
}

/// The directory that `kpd lint` is given, and the path of the file from there: its id.
fn place(path: &Path) -> Result<(PathBuf, String), CliError> {
    let wrong = |why: &str| CliError::Usage(format!("{}: {why}", path.display()));
    if path.extension().is_none_or(|ending| ending != "yaml") {
        return Err(wrong("the name of a vector ends in .yaml"));
    }
    let names: Option<Vec<&str>> = path
        .components()
        .map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    // Of a plain path the first directory is the one of the vectors; of another, the last.
    let (directory, id) = match names.as_deref() {
        Some([directory, rest @ ..]) if !rest.is_empty() => (PathBuf::from(directory), rest.join("/")),
        _ => {
            let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| wrong("it is not text"))?;
            (directory.unwrap_or(Path::new(".")).into(), name.into())
        }
    };
    let id = id.trim_end_matches(".yaml");
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-/_".contains(c);
    if id.is_empty() || !id.chars().all(plain) {
        return Err(wrong("the path of a vector is its id: small letters, digits, - and _ alone"));
    }
    Ok((directory, id.into()))
}

/// Writes a file that is not there yet.
fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let failed = |why: std::io::Error| match why.kind() {
        std::io::ErrorKind::AlreadyExists => {
            let hint = "nothing is overwritten: choose another name, or move it away";
            CliError::Usage(format!("{} is there already; {hint}", path.display()))
        }
        _ => CliError::Usage(format!("cannot write {}: {why}", path.display())),
    };
    if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        let failed = |why| CliError::Usage(format!("cannot write {}: {why}", path.display()));
        std::fs::create_dir_all(directory).map_err(failed)?;
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binding::Binding;

    #[test]
    fn the_binding_to_start_from_has_no_mistakes_and_explains_every_key() {
        let told = Binding::read("new/binding.yaml", BINDING);
        assert!(told.is_ok(), "{:#?}", told.err());
        let schema = schemars::schema_for!(Binding);
        let definitions = schema.as_value()["$defs"].as_object().unwrap();
        let mut keys: Vec<&String> = schema.as_value()["properties"].as_object().unwrap().keys().collect();
        for name in ["Exchange", "Request", "Outcome", "When", "Reading", "Field", "RetryAfter", "Auth", "Variable"] {
            keys.extend(definitions[name]["properties"].as_object().unwrap().keys());
        }
        let missing: Vec<_> = keys
            .into_iter()
            .filter(|key| !BINDING.contains(&format!("{key}:")) && !BINDING.contains(&format!("`{key}")))
            .collect();
        assert!(missing.is_empty(), "not explained: {missing:?}");
        // A comment names each operation that there is, or the file binds it.
        for operation in definitions["Operation"]["enum"].as_array().unwrap() {
            assert!(BINDING.contains(operation.as_str().unwrap()), "{operation} is not named");
        }
    }

    #[test]
    fn an_id_is_the_path_below_the_directory_of_the_vectors() {
        let of = |path: &str| place(Path::new(path)).map(|(directory, id)| (directory.display().to_string(), id));
        let plain = |directory: &str, id: &str| Some((directory.to_string(), id.to_string()));
        assert_eq!(of("mine/claim/twice.yaml").ok(), plain("mine", "claim/twice"));
        assert_eq!(of("twice.yaml").ok(), plain(".", "twice"));
        assert_eq!(of("/some/where/twice.yaml").ok(), plain("/some/where", "twice"));
        for wrong in ["mine/twice", "mine/Twice.yaml", "mine/two words.yaml", "mine/.yaml"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
