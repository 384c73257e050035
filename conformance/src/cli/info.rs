//! `kpd list`, `kpd explain`, `kpd lint`, `kpd schema`: what there is, without a server.

use std::path::PathBuf;

use clap::Args;
use kpd_server::mutants::{MUTANTS, UNSEEN_MUTANTS};

use crate::{
    binding::Binding,
    catalogue::SourceLevel,
    cli::{CliError, out::say},
    library::{Library, count_of_vectors},
    report::json::JsonReport,
    vector::Vector,
    verdict::Exit,
};

/// What to list; vectors unless told otherwise.
#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// Only vectors whose id contains one of these, or that check a rule of that name.
    filter: Vec<String>,
    /// Vectors of this directory instead of those inside kpd.
    #[arg(long, value_name = "DIR", conflicts_with = "mutants")]
    vectors: Option<PathBuf>,
    /// The rules.
    #[arg(long)]
    rules: bool,
    /// The mutants of the reference server.
    #[arg(long, conflicts_with = "rules")]
    mutants: bool,
}

pub(super) fn list(arguments: &ListArguments) -> Result<Exit, CliError> {
    if arguments.mutants {
        MUTANTS.iter().for_each(|mutant| say!("{:<38} {:<26} {}", mutant.name, mutant.breaks, mutant.says));
        return Ok(Exit::Passed);
    }
    let library = match &arguments.vectors {
        Some(directory) => Library::of_directory(directory)?,
        None => Library::embedded()?,
    };
    if arguments.rules {
        for rule in &library.catalogue.rules {
            let vectors = library.vectors.iter().filter(|vector| vector.rules.contains(&rule.id)).count();
            let state = match &rule.pending {
                Some(why) => format!("pending: {why}"),
                None => format!("{vectors} vectors"),
            };
            say!("{:<26} {:<6} {:<12} {state}", rule.id, format!("{:?}", rule.level).to_uppercase(), rule.profile);
        }
        return Ok(Exit::Passed);
    }
    let selected = library.select(&arguments.filter);
    for vector in &selected {
        say!("{:<52} {}", vector.id, vector.title);
        vector.documents.iter().for_each(|documents| say!("{:<52}   documents: {}", "", documents.trim()));
    }
    Ok(if selected.is_empty() { Exit::Nothing } else { Exit::Passed })
}

/// Which rule.
#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// Such as CLAIM-ONCE.
    rule: String,
}

pub(super) fn explain(arguments: &ExplainArguments) -> Result<Exit, CliError> {
    let library = Library::embedded()?;
    let id = arguments.rule.to_uppercase();
    let rule = library.catalogue.rule(&id);
    let rule =
        rule.ok_or_else(|| CliError::Usage(format!("there is no rule `{id}`; `kpd list --rules` shows them all")))?;
    say!("{}   {} · profile {}\n", rule.id, format!("{:?}", rule.level).to_uppercase(), rule.profile);
    say!("{}\n\nWhy: {}\n\nSources:", rule.says.trim(), rule.why.trim());
    for cite in &rule.cites {
        let section = cite.section.as_ref().map_or(String::new(), |section| format!(" §{section}"));
        let level = match cite.level {
            SourceLevel::None => "says".into(),
            SourceLevel::Lesson => "shows".into(),
            level => format!("{level:?}").to_uppercase(),
        };
        say!("  {}{section} ({level}): {}", cite.source, cite.means.trim());
    }
    if let Some(why) = &rule.pending {
        say!("\nNot covered yet: {}", why.trim());
    }
    for (companion, why) in &rule.exempt {
        say!("\nNo {companion:?}: {}", why.trim());
    }
    say!("\nVectors:");
    library
        .select(std::slice::from_ref(&rule.id))
        .iter()
        .for_each(|vector| say!("  {:<50} {}", vector.id, vector.title));
    say!("\nMutants that break it:");
    MUTANTS
        .iter()
        .chain(UNSEEN_MUTANTS)
        .filter(|mutant| mutant.breaks == rule.id)
        .for_each(|mutant| say!("  {:<36} {}", mutant.name, mutant.says));
    Ok(Exit::Passed)
}

/// Where the vectors are.
#[derive(Debug, Args)]
pub(super) struct LintArguments {
    /// A directory such as vectors/; those inside kpd without it.
    directory: Option<PathBuf>,
}

pub(super) fn lint(arguments: &LintArguments) -> Result<Exit, CliError> {
    let library = match &arguments.directory {
        Some(directory) => Library::of_directory(directory)?,
        None => Library::embedded()?,
    };
    let vectors = count_of_vectors(library.vectors.len());
    say!("{vectors} and {} rules: no mistakes found", library.catalogue.rules.len());
    Ok(Exit::Passed)
}

/// Which schema.
#[derive(Debug, Args)]
pub(super) struct SchemaArguments {
    /// Of what.
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(schemas().map(|(name, _)| name)))]
    of: String,
}

pub(super) fn schema(arguments: &SchemaArguments) -> Result<Exit, CliError> {
    let found = schemas().into_iter().find(|(name, _)| *name == arguments.of);
    let (_, schema) = found.ok_or_else(|| CliError::Usage(format!("there is no schema of {}", arguments.of)))?;
    let text = serde_json::to_string_pretty(&schema).map_err(|error| CliError::Failed(error.to_string()))?;
    say!("{text}");
    Ok(Exit::Passed)
}

/// The schemas of all formats, by name.
pub(super) fn schemas() -> [(&'static str, schemars::Schema); 3] {
    [
        ("vector", schemars::schema_for!(Vector)),
        ("binding", schemars::schema_for!(Binding)),
        ("report", schemars::schema_for!(JsonReport)),
    ]
}
