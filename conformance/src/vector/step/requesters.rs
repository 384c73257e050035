//! Steps about whom an owner lets ask.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Shuts out, or lets in again: one requester, or all of a server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// Who: `alice`, or `alice/phone`.
    #[serde(rename = "as")]
    pub by: String,
    /// For whom, where that is somebody else.
    #[serde(rename = "for", default)]
    pub owner: Option<String>,
    /// The user, with all its clients.
    #[serde(default)]
    pub requester: Option<String>,
    /// The server, with all its users.
    #[serde(default)]
    pub server: Option<Place>,
}

/// Lists who is shut out.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Blocks {
    /// Who.
    #[serde(rename = "as")]
    pub by: String,
    /// Of whom, where that is somebody else.
    #[serde(default)]
    pub of: Option<String>,
}

/// The server that a user belongs to; a binding says how it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The one that is judged.
    #[default]
    Here,
    /// Another one, for which the one that is judged vouches.
    Elsewhere,
}
