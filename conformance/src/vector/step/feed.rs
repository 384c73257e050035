//! Steps about the feed that tells an owner of its grants.

use schemars::JsonSchema;
use serde::Deserialize;

/// Reads the notifications.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notifications {
    /// Who.
    #[serde(rename = "as")]
    pub by: String,
    /// Of which client, where that is somebody else.
    #[serde(default)]
    pub of: Option<String>,
    /// Only those after a saved cursor: `$name`.
    #[serde(default)]
    pub after: Option<String>,
    /// Waits for the first one, if there is none, at the longest so many seconds.
    #[serde(default)]
    pub wait: Option<u32>,
}

/// Lets go of notifications.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Acknowledge {
    /// Who.
    #[serde(rename = "as")]
    pub by: String,
    /// Up to and including a saved cursor: `$name`.
    pub through: String,
}
