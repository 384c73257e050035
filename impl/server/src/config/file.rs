//! The configuration file: flat TOML, each key a setting; whatever else stands there is a mistake with a place.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::{
    list::{SETTINGS, Setting},
    settings::{SettingsError, unknown},
};

/// A value of the file, and where it stands.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) setting: &'static Setting,
    pub(super) value: String,
    pub(super) place: String,
}

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Vec<Found>, SettingsError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        SettingsError::new(&name, format!("it cannot be read: {error}"), "check the path after --config")
    })?;
    found(&name, &text)
}

pub(super) fn found(name: &str, text: &str) -> Result<Vec<Found>, SettingsError> {
    let place = |at: usize| {
        let before = text.get(..at).unwrap_or(text);
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        format!("{name}:{}:{column}", before.matches('\n').count() + 1)
    };
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        SettingsError::new(
            place(at),
            error.message(),
            "one `name = value` a line, as in `address = \"127.0.0.1:8080\"`",
        )
    })?;
    let mut all = vec![];
    for (key, value) in table.get_ref() {
        let here = place(key.span().start);
        let setting = SETTINGS.iter().find(|setting| setting.name == key.get_ref().as_ref());
        let setting = setting.ok_or_else(|| unknown(&here, key.get_ref(), |setting| setting.name.into()))?;
        let there = place(value.span().start);
        let wrong = |hint: String| {
            let says = format!("`{}` is {}", setting.name, with_article(value.get_ref().type_str()));
            SettingsError::new(&there, says, hint)
        };
        let value = match value.get_ref() {
            DeValue::String(text) if !setting.number => text.to_string(),
            DeValue::Integer(number) if setting.number => i64::from_str_radix(number.as_str(), number.radix())
                .map_err(|_| wrong(format!("expected {}", setting.expects)))?
                .to_string(),
            _ if setting.number => return Err(wrong(format!("write a number without quotes: {}", setting.expects))),
            _ => return Err(wrong(format!("write a string in quotes: {}", setting.expects))),
        };
        all.push(Found { setting, value, place: there });
    }
    Ok(all)
}

fn with_article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {kind}")
}
