//! States the looseness of a vector that the model wrote: it knows one answer for each history, a vector has one for all.

use crate::{
    prove::{FaultKind, prover},
    vector::Vector,
    yaml::{self, FileError},
};

/// The text of a vector made by the model, with a reason at each step that accepts more than is allowed.
///
/// # Errors
///
/// A text that is no vector.
pub fn with_looseness_stated(file: &str, text: &str) -> Result<String, Box<FileError>> {
    let vector: Vector = yaml::read(file, text)?;
    let proved = prover::prove(&vector);
    let loose = proved.faults.iter().filter(|fault| matches!(fault.kind, FaultKind::Loose { .. }));
    let loose: Vec<_> = loose.map(|fault| fault.path.clone()).collect();
    let (mut part, mut step, mut stated) = ("", 0, String::new());
    for line in text.lines() {
        if let Some(name) = line.strip_suffix(':').filter(|_| !line.starts_with(' ')) {
            (part, step) = (name, 0);
        }
        step += usize::from(line.starts_with("  - "));
        match line.strip_prefix(EXPECT) {
            Some(rest) if step > 0 && loose.contains(&format!("{part}[{}]", step - 1)) => {
                stated.push_str(&format!("{EXPECT}loose: \"{WHY}\", {rest}\n"));
            }
            _ => stated.push_str(&format!("{line}\n")),
        }
    }
    Ok(stated)
}

const EXPECT: &str = "    expect: { ";
const WHY: &str = "what is right depends on what earlier steps were given, and this is all that any of them allows";
