//! Steps about KeyPackages: published, claimed, withdrawn, counted, listed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::vector::{Capabilities, reason::Reason};

/// Publishes a batch.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// Who: `alice/phone`.
    #[serde(rename = "as")]
    pub by: String,
    /// For whom, where that is somebody else.
    #[serde(rename = "for", default)]
    pub owner: Option<String>,
    /// Names of packages.
    pub key_packages: Vec<String>,
    /// Says beside each package that it is of this role, whatever it marks itself as.
    #[serde(default)]
    pub declared: Option<Role>,
    /// The batch takes the place of all that is available of this client, last resorts included.
    #[serde(default)]
    pub replace: bool,
    /// How the request is authenticated.
    #[serde(default)]
    pub proof: Proof,
}

/// Asks for one package of each client of a user.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Who: `bob`, or `bob/laptop`.
    #[serde(rename = "as")]
    pub by: String,
    /// Whose packages.
    pub of: String,
    /// The suites that will do; suite 1 unless said otherwise.
    #[serde(default)]
    pub cipher_suites: Option<Vec<u16>>,
    /// What a KeyPackage's leaf must list, each of it; nothing unless said otherwise.
    #[serde(default)]
    pub requires: Option<Capabilities>,
    /// Whether a last resort will do.
    #[serde(default)]
    pub last_resort: LastResort,
    /// An idempotency key, by name: the same name is the same key.
    #[serde(default)]
    pub key: Option<String>,
    /// How the request is authenticated.
    #[serde(default)]
    pub proof: Proof,
    /// Sends the same request with another HTTP method: `GET` must never consume.
    #[serde(default)]
    pub method: Option<String>,
    /// Sends it again and again, as a new claim each time; the last answer is that of the step.
    #[serde(default)]
    pub until: Option<Until>,
}

/// How long a claim is repeated. Servers have other limits, and publish them: no number of theirs stands in a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Until {
    /// Until it is refused for this reason, or does not succeed for another one.
    pub refused: Reason,
    /// Or as many times: a server that grants all of them did not refuse.
    pub at_most: u32,
}

/// Whether a requester takes a last resort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LastResort {
    /// Yes, if nothing else is left.
    #[default]
    Accept,
    /// Rather nothing.
    Refuse,
}

/// How a request is authenticated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// As it should be.
    #[default]
    Good,
    /// Not at all.
    Missing,
    /// By a key that is not the one it names.
    Forged,
    /// An hour ago.
    Stale,
    /// The very same request was sent, and answered, just before.
    Replayed,
    /// The body was changed after it was authenticated.
    BodyChanged,
}

/// Takes packages back.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Withdraw {
    /// Who.
    #[serde(rename = "as")]
    pub by: String,
    /// Names of packages.
    pub key_packages: Vec<String>,
}

/// Asks how much is left.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stock {
    /// Who.
    #[serde(rename = "as")]
    pub by: String,
    /// Of which client, where that is somebody else.
    #[serde(default)]
    pub of: Option<String>,
    /// Of which suite.
    #[serde(default = "crate::vector::suite_1")]
    pub cipher_suite: u16,
}

/// A role of a KeyPackage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Good for one group, once.
    Regular,
    /// For when nothing else is left.
    LastResort,
}

/// Lists one's own packages by name, each with its state, and a digest over them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Packages {
    /// Who.
    #[serde(rename = "as")]
    pub by: String,
    /// Of which client, where that is somebody else.
    #[serde(default)]
    pub of: Option<String>,
}
