//! Settings from defaults, a file, the environment and flags, the later before the earlier; or what is wrong with them.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    path::{Path, PathBuf},
    str::FromStr,
};

use kpd_directory::Policy;

use super::{
    Config, TlsFiles, file,
    list::{SETTINGS, Setting},
};
use crate::{
    logs::Logs,
    store::{
        Durable, Stores,
        durable::{OpenError, Opening},
    },
};

/// What an operator has set, and where.
#[derive(Debug)]
pub struct Settings {
    /// For the directory itself; without the token and the files, which [`finish`](Self::finish) adds.
    pub(super) config: Config,
    pub(super) operator_token: Option<String>,
    pub(super) operator_token_file: Option<PathBuf>,
    pub(super) tls_certificate: Option<PathBuf>,
    pub(super) tls_key: Option<PathBuf>,
    /// Where histories are kept.
    pub store: StoreSetting,
    /// How logs are written.
    pub log: Logs,
    /// How long `/readyz` says no before the server stops to accept.
    pub shutdown_delay_seconds: u64,
    sources: BTreeMap<&'static str, Source>,
}

/// Where histories are kept. One more kind of store is one more variant here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreSetting {
    /// In memory: they end with the process.
    Memory,
    /// In this file, which is made where it is missing.
    File(PathBuf),
}

/// What is wrong with a setting; nothing was started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {says}\n  hint: {hint}")]
pub struct SettingsError {
    place: String,
    says: String,
    hint: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    File,
    Environment,
    Flag,
}

impl Default for Settings {
    fn default() -> Self {
        let mut config = Config::new("");
        config.policy = Policy::default();
        config.address.set_port(8080);
        config.shutdown_seconds = 30;
        Self {
            config,
            operator_token: None,
            operator_token_file: None,
            tls_certificate: None,
            tls_key: None,
            store: StoreSetting::Memory,
            log: Logs::default(),
            shutdown_delay_seconds: 0,
            sources: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// Reads the file, then the variables, then the flags, which are pairs of a setting's name and a value. Variables that
    /// do not begin with `KPD_` are not looked at.
    ///
    /// # Errors
    ///
    /// The first mistake, with its place and a hint.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<Self, SettingsError> {
        let mut settings = Self::default();
        for found in file.map(file::read).transpose()?.into_iter().flatten() {
            settings.take(Source::File, &found.place, found.setting, &found.value)?;
        }
        for (variable, value) in environment {
            if !variable.starts_with("KPD_") || OTHER_VARIABLES.contains(&variable.as_str()) {
                continue;
            }
            let setting = SETTINGS.iter().find(|setting| setting.variable() == variable);
            let setting = setting.ok_or_else(|| unknown("the environment", &variable, Setting::variable))?;
            settings.take(Source::Environment, &variable, setting, &value)?;
        }
        for (name, value) in flags {
            let setting = SETTINGS.iter().find(|setting| setting.name == name);
            let setting = setting.ok_or_else(|| unknown("the flags", name, Setting::flag))?;
            settings.take(Source::Flag, &format!("--{}", setting.flag()), setting, &value)?;
        }
        Ok(settings)
    }

    fn take(&mut self, source: Source, place: &str, setting: &Setting, value: &str) -> Result<(), SettingsError> {
        let taken = (setting.set)(self, value);
        let shown = if setting.secret { "what is given".into() } else { format!("{value:?}") };
        let wrong = || {
            SettingsError::new(
                place,
                format!("{shown} is no `{}`", setting.name),
                format!("expected {}", setting.expects),
            )
        };
        taken.ok_or_else(wrong)?;
        self.sources.insert(setting.name, source);
        Ok(())
    }

    /// What the directory is to run with. Reads the file with the token; without a token, takes the one that is offered.
    ///
    /// # Errors
    ///
    /// Settings that contradict each other, and a token file that cannot be used.
    pub fn finish(&self, token: String) -> Result<Config, SettingsError> {
        let tls = match (&self.tls_certificate, &self.tls_key) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate: certificate.clone(), key: key.clone() }),
            (None, None) => None,
            (Some(_), None) => {
                return Err(SettingsError::new("tls_certificate", "there is no `tls_key` with it", "set both"));
            }
            (None, Some(_)) => {
                return Err(SettingsError::new("tls_key", "there is no `tls_certificate` with it", "set both"));
            }
        };
        let operator_token = self.operators_token()?.unwrap_or(token);
        Ok(Config { operator_token, tls, ..self.config.clone() })
    }

    /// Whether the operator has set a token.
    #[must_use]
    pub fn has_token(&self) -> bool {
        self.operator_token.is_some() || self.operator_token_file.is_some()
    }

    fn operators_token(&self) -> Result<Option<String>, SettingsError> {
        let source = |name| self.sources.get(name);
        let Some(path) = &self.operator_token_file else { return Ok(self.operator_token.clone()) };
        match source("operator_token").cmp(&source("operator_token_file")) {
            std::cmp::Ordering::Greater => return Ok(self.operator_token.clone()),
            std::cmp::Ordering::Equal => {
                let says = "there is an `operator_token`, too, in the same place";
                return Err(SettingsError::new("operator_token_file", says, "set one of them"));
            }
            std::cmp::Ordering::Less => {}
        }
        let wrong = |says: String| {
            SettingsError::new(
                path.display(),
                says,
                "a file with the operator's token alone: characters without spaces",
            )
        };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(format!("it cannot be read: {error}")))?;
        let token = text.trim();
        if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
            return Err(wrong("what it holds is no token".into()));
        }
        Ok(Some(token.into()))
    }

    /// All settings as a configuration file; secrets are only said to be there.
    #[must_use]
    pub fn print(&self) -> String {
        let mut text = String::new();
        for setting in SETTINGS {
            let from = match self.sources.get(setting.name) {
                None => "default",
                Some(Source::File) => "file",
                Some(Source::Environment) => "environment",
                Some(Source::Flag) => "flag",
            };
            let name = setting.name;
            let _ = match (setting.get)(self) {
                None => writeln!(text, "# {name} is not set"),
                Some(_) if setting.secret => writeln!(text, "# {name} is set, and not shown  # {from}"),
                Some(value) if setting.number => writeln!(text, "{name} = {value}  # {from}"),
                Some(value) => writeln!(text, "{name} = {value:?}  # {from}"),
            };
        }
        text
    }
}

impl StoreSetting {
    /// Opens it; `keep_history` keeps all events of a file for ever.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(&self, keep_history: bool) -> Result<Stores, OpenError> {
        match self {
            Self::Memory => Ok(Stores::in_memory()),
            Self::File(path) => Durable::open(path, Opening { create: true, keep_history }).map(Stores::durable),
        }
    }
}

impl FromStr for StoreSetting {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("file:") {
            Some(path) if !path.is_empty() => Ok(Self::File(path.into())),
            None if text == "memory" => Ok(Self::Memory),
            _ => Err(STORE_EXPECTED),
        }
    }
}

impl fmt::Display for StoreSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

impl SettingsError {
    pub(super) fn new(place: impl ToString, says: impl ToString, hint: impl ToString) -> Self {
        Self { place: place.to_string(), says: says.to_string(), hint: hint.to_string() }
    }
}

/// There is no setting of this name; which one may be meant.
pub(super) fn unknown(place: &str, name: &str, written: fn(&Setting) -> String) -> SettingsError {
    let likeness = |setting: &&Setting| strsim::damerau_levenshtein(&written(setting), name);
    let nearest = SETTINGS.iter().min_by_key(likeness).filter(|setting| likeness(setting) <= name.len() / 3);
    let hint = nearest.map_or_else(
        || "`kpd serve --print-config` shows them all".into(),
        |setting| format!("did you mean `{}`?", written(setting)),
    );
    SettingsError::new(place, format!("there is no setting `{name}`"), hint)
}

/// What names a store.
pub(super) const STORE_EXPECTED: &str = "`memory`, or `file:` and a path, such as file:directory.kpd";

/// Variables of `kpd` that are no settings.
const OTHER_VARIABLES: [&str; 1] = ["KPD_CONFIG"];
