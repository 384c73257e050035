//! `kpd prove`: whether what the vectors expect is what the model allows, neither less nor more.

use std::{collections::BTreeMap, path::PathBuf};

use clap::Args;

use crate::{
    cli::{CliError, out::say},
    library::{Library, LibraryError, PROOFS, count_of_vectors},
    prove::{self, Proved, Verdict},
    verdict::Exit,
};

/// What to prove.
#[derive(Debug, Args)]
pub(super) struct ProveArguments {
    /// A directory such as vectors/; those inside kpd without it.
    #[arg(required_if_eq("write", "true"))]
    directory: Option<PathBuf>,
    /// Writes the file of proofs anew, where nothing is wrong.
    #[arg(long)]
    write: bool,
}

pub(super) fn prove(arguments: &ProveArguments) -> Result<Exit, CliError> {
    let library = match &arguments.directory {
        Some(directory) => Library::of_directory(directory)?,
        None => Library::embedded()?,
    };
    let proved = prove::prove_all(&library);
    for vector in &proved {
        tell(vector);
    }
    let wrong = proved.iter().filter(|vector| vector.verdict() == Verdict::Wrong).count();
    let written = match &arguments.directory {
        Some(directory) if arguments.write && wrong == 0 => {
            let path = directory.join(PROOFS);
            let text = prove::render(&library, &proved);
            std::fs::write(&path, text)
                .map_err(|error| CliError::Failed(format!("cannot write {}: {error}", path.display())))?;
            say!("written: {}", path.display());
            true
        }
        _ => false,
    };
    let stale = if written {
        vec![]
    } else {
        let kept = prove::read(&library.proofs).map_err(|error| LibraryError::from(error.0))?;
        prove::stale(&library, &proved, &kept)
    };
    for stale in &stale {
        let directory = arguments.directory.as_deref().unwrap_or(std::path::Path::new("vectors")).display();
        say!("STALE    {stale}; `kpd prove {directory} --write` proves anew");
    }
    say!("{}", summary(&proved, stale.len()));
    Ok(match (wrong, stale.is_empty()) {
        _ if proved.is_empty() => Exit::Nothing,
        (0, true) => Exit::Passed,
        _ => Exit::Failed,
    })
}

/// One line, unless it is plainly proved.
fn tell(proved: &Proved) {
    let Proved { id, outside, .. } = proved;
    for fault in &proved.faults {
        say!("WRONG    {id}.yaml {fault}");
    }
    for (path, why) in &proved.loose {
        say!("LOOSE    {id}.yaml {path}: {why}");
    }
    if proved.verdict() == Verdict::Outside {
        say!("OUTSIDE  {id}.yaml: the model knows nothing of what it asks ({})", steps(outside));
    } else if !outside.is_empty() {
        say!("PART     {id}.yaml: outside the model are {}", steps(outside));
    }
}

fn steps(outside: &BTreeMap<prove::Why, usize>) -> String {
    outside.iter().map(|(why, steps)| format!("{why}: {steps}")).collect::<Vec<_>>().join(", ")
}

fn summary(proved: &[Proved], stale: usize) -> String {
    let count = |verdict| proved.iter().filter(|vector| vector.verdict() == verdict).count();
    let in_part = |vector: &&Proved| vector.verdict() == Verdict::Proved && !vector.outside.is_empty();
    let in_part = proved.iter().filter(in_part).count();
    let mut outside: BTreeMap<prove::Why, usize> = BTreeMap::new();
    for (why, steps) in proved.iter().flat_map(|vector| &vector.outside) {
        *outside.entry(*why).or_default() += steps;
    }
    format!(
        "\n{}: {} proved ({in_part} of them in part), {} loose and say why, {} outside the model, {} wrong; {stale} proofs are stale\n\
         {} branches, {} labels of the model; {} steps hold something outside the model{}; \
         {} optional fields are not looked at",
        count_of_vectors(proved.len()),
        count(Verdict::Proved),
        count(Verdict::Loose),
        count(Verdict::Outside),
        count(Verdict::Wrong),
        proved.iter().map(|vector| vector.branches).sum::<usize>(),
        prove::labels_of(proved).len(),
        outside.values().sum::<usize>(),
        if outside.is_empty() { String::new() } else { format!(" ({})", steps(&outside)) },
        proved.iter().map(|vector| vector.unread).sum::<usize>(),
    )
}
