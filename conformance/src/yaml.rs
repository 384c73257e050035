//! The one place that reads YAML: strict, and with file, line and column in every error.

use std::fmt;

use miette::{Diagnostic, NamedSource, SourceSpan};
use serde::de::DeserializeOwned;

/// Why a file could not be read; prints the place in its source.
#[derive(Debug, Diagnostic, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct FileError {
    /// Name of the file, as it was given.
    pub file: String,
    /// From 1; the first line if the error has no place.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// How to mend it, where that is known.
    #[help]
    pub hint: Option<String>,
    #[source_code]
    text: NamedSource<String>,
    #[label("here")]
    span: SourceSpan,
}

impl FileError {
    /// An error at a place that is known by its offset in bytes.
    #[must_use]
    pub fn at(file: &str, text: &str, offset: usize, message: impl fmt::Display) -> Self {
        let offset = offset.min(text.len());
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let length =
            text.get(offset..).and_then(|rest| rest.lines().next()).map_or(0, |rest| word_length(rest.trim_end()));
        Self {
            file: file.into(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: message.to_string(),
            hint: None,
            text: NamedSource::new(file, text.into()).with_language("yaml"),
            span: (offset, length).into(),
        }
    }

    /// An error where `word` first stands alone from a line on, or else in the file.
    #[must_use]
    pub fn at_word(file: &str, text: &str, word: &str, line: usize, message: impl fmt::Display) -> Self {
        let alone = |at: &usize| {
            let part = |c: char| c.is_alphanumeric() || "-_$".contains(c);
            let before = text[..*at].chars().next_back();
            let after = text[at + word.len()..].chars().next();
            !before.is_some_and(part) && !after.is_some_and(part)
        };
        let from: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let mut all = text.match_indices(word).map(|(at, _)| at).filter(alone);
        let first = all.next().unwrap_or(0);
        let offset = if first >= from { first } else { all.find(|at| *at >= from).unwrap_or(first) };
        Self::at(file, text, offset, message)
    }

    /// With a word on how to mend it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Reads one document of type `T`.
///
/// # Errors
///
/// Unknown and duplicate keys, wrong types, several documents: each at its place.
pub fn read<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Box<FileError>> {
    serde_yaml::from_str(text).map_err(|error| {
        let offset = error.location().map_or(0, |location| location.index());
        let message = error.to_string();
        // The place is told by line and column already.
        let message = message.split(" at line ").next().unwrap_or(&message).to_string();
        let hint = hint(&message);
        let mut error = FileError::at(file, text, offset, message);
        error.hint = hint;
        Box::new(error)
    })
}

/// A YAML value as JSON: keys must be strings, and duplicate keys were refused on reading.
///
/// # Errors
///
/// Says which value JSON cannot hold.
pub fn to_json(value: &serde_yaml::Value) -> Result<serde_json::Value, String> {
    use serde_yaml::Value;
    Ok(match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(bool) => (*bool).into(),
        Value::String(text) => text.as_str().into(),
        Value::Number(number) => number
            .as_i64()
            .map(Into::into)
            .or_else(|| number.as_u64().map(Into::into))
            .ok_or_else(|| format!("{number} is not a whole number"))?,
        Value::Sequence(items) => items.iter().map(to_json).collect::<Result<Vec<_>, _>>()?.into(),
        Value::Mapping(entries) => {
            let entry = |(key, value): (&Value, &Value)| {
                let key = key.as_str().ok_or_else(|| {
                    let shown = serde_yaml::to_string(key).unwrap_or_default();
                    format!("the key {} is not a string: quote it", shown.trim_end())
                })?;
                Ok::<_, String>((key.to_string(), to_json(value)?))
            };
            serde_json::Value::Object(entries.iter().map(entry).collect::<Result<_, _>>()?)
        }
        Value::Tagged(_) => return Err("YAML tags are not allowed".into()),
    })
}

/// The free-form part of a file, kept as YAML so that nothing is lost on reading.
pub type Value = serde_yaml::Value;

/// How to mend it: what is most likely meant, where a key or a word is unknown.
fn hint(message: &str) -> Option<String> {
    let known = |(says, hint): &(&str, &str)| message.contains(says).then(|| (*hint).to_string());
    if let Some(hint) = HINTS.iter().find_map(known) {
        return Some(hint);
    }
    let unknown = ["unknown field `", "unknown variant `"].iter().find_map(|says| message.split(says).nth(1))?;
    let unknown = unknown.split('`').next()?;
    let known = message.split("expected").nth(1)?;
    let known = known.split('`').skip(1).step_by(2);
    nearest(unknown, known)
}

/// What was most likely meant, or else what there is.
pub(crate) fn meant<'a>(word: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    nearest(word, known.clone()).unwrap_or_else(|| match known.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => "there is none".into(),
        all => format!("one of {all}"),
    })
}

fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let nearest = known.min_by_key(|known| distance(word, known)).filter(|nearest| distance(word, nearest) <= 3);
    nearest.map(|nearest| format!("did you mean `{nearest}`?"))
}

/// By what the parser says.
const HINTS: [(&str, &str); 3] = [
    ("found a tab character", "indent with blanks: YAML takes no tabs there"),
    ("more than one document", "a file holds one: put what follows `---` into a file of its own"),
    ("YAML tags are not allowed", "leave out the word that begins with `!`, or quote it"),
];

/// Levenshtein distance.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[right.len()]
}

fn word_length(rest: &str) -> usize {
    rest.find([' ', ':', ',', '}', ']']).unwrap_or(rest.len()).max(1).min(rest.len())
}
