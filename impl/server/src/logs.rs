//! Logs: one line for each request, as text or JSON, without names of users, tokens, signatures or keys.

use std::fmt;

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt as _,
};

/// How logs are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Logs {
    /// The shape of a line.
    pub format: LogFormat,
    /// From which level on.
    pub level: LogLevel,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$inner:meta])* $variant:ident $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $name { $($(#[$inner])* $variant,)* }

        impl $name {
            /// By its word.
            pub(crate) fn parse(text: &str) -> Option<Self> {
                match text { $($word => Some(Self::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $word,)* })
            }
        }
    };
}

words! {
    /// The shape of a line.
    LogFormat {
        /// For people.
        #[default] Text "text",
        /// For programs: an object.
        Json "json",
        /// Nothing.
        Off "off",
    }
}

words! {
    /// From which level on.
    LogLevel {
        /// What failed that should not.
        Error "error",
        /// What an operator should look at.
        Warn "warn",
        /// Each request.
        #[default] Info "info",
        /// With paths, which name users.
        Debug "debug",
    }
}

/// Begins to write to standard error, for the whole process. A second call changes nothing.
///
/// Only this crate's lines are written: what libraries say of HTTP can hold whole headers.
pub fn init(logs: Logs) {
    let level = match logs.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let ours = Targets::new().with_target(TARGET, level);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    let registry = tracing_subscriber::registry().with(ours);
    // An error says that somebody else has begun before.
    let _ = match logs.format {
        LogFormat::Text => tracing::subscriber::set_global_default(registry.with(lines)),
        LogFormat::Json => tracing::subscriber::set_global_default(registry.with(lines.json().flatten_event(true))),
        LogFormat::Off => Ok(()),
    };
}

/// What every line of this crate is marked with.
pub(crate) const TARGET: &str = "kpd";
