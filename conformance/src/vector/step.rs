//! The steps of a vector: one operation each, and what is expected of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::vector::expect::Expect;

/// One operation and what is expected of it. Without `expect`, the step prepares and must succeed.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Publishes a batch.
    #[serde(default)]
    pub publish: Option<Publish>,
    /// Asks for one package of each client of a user.
    #[serde(default)]
    pub claim: Option<Claim>,
    /// Takes packages back.
    #[serde(default)]
    pub withdraw: Option<Withdraw>,
    /// Asks how much is left.
    #[serde(default)]
    pub stock: Option<Stock>,
    /// Reads the notifications.
    #[serde(default)]
    pub notifications: Option<Notifications>,
    /// Lets go of notifications.
    #[serde(default)]
    pub acknowledge: Option<Acknowledge>,
    /// Reads a user's signature keys.
    #[serde(default)]
    pub keys: Option<Keys>,
    /// Adds a client with its first signature key.
    #[serde(default)]
    pub add_key: Option<AddKey>,
    /// Removes a client's signature key.
    #[serde(default)]
    pub remove_key: Option<RemoveKey>,
    /// Adds the owner of a granted package to a new group; the owner joins by the Welcome.
    #[serde(default)]
    pub join: Option<Join>,
    /// Waits for the moment at which a package expires, and a second more.
    #[serde(default)]
    pub await_expiry: Option<AwaitExpiry>,
    /// Looks at saved values together, as a list in this order.
    #[serde(default)]
    pub recall: Option<Vec<String>>,
    /// What must be observed.
    #[serde(default)]
    pub expect: Option<Expect>,
    /// Keeps parts of the answer under names: `$name` stands for them from here on. Paths are keys joined by `/`.
    #[serde(default)]
    pub save: BTreeMap<String, String>,
    /// The answer gets lost on its way: nobody knows what it was.
    #[serde(default)]
    pub lose: Option<Lose>,
}

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
    #[serde(default = "super::suite_1")]
    pub cipher_suite: u16,
}

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

/// Reads a user's signature keys; anyone may.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Whose.
    pub of: String,
}

/// Adds a client with its first signature key to a user that is there already.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddKey {
    /// Who allows it: a client of the same user.
    #[serde(rename = "as")]
    pub by: String,
    /// The new client: `alice/tablet`.
    pub client: String,
    /// The key, where it is another client's and not a new one.
    #[serde(default)]
    pub key_of: Option<String>,
    /// The proof of possession is made by another key than the new one.
    #[serde(default)]
    pub forged_possession: bool,
    /// The request is not signed, and shows an enrolment token that nobody gave out.
    #[serde(default)]
    pub forged_token: bool,
}

/// Removes a client's signature key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveKey {
    /// Who.
    #[serde(rename = "as")]
    pub by: String,
    /// Whose key.
    pub client: String,
}

/// Adds the owner of a granted package to a new group; the owner joins by the Welcome (RFC 9420 §12.4.3.1).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// Who starts the group.
    #[serde(rename = "as")]
    pub by: String,
    /// The package as it was granted: `$name`, or the name of a package that this vector made.
    pub key_package: String,
}

/// Waits for the moment at which a package expires: a lifetime of seconds needs no clock that can be set.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwaitExpiry {
    /// The package.
    pub key_package: String,
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

/// What gets lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lose {
    /// The answer: the server gives one, and nobody sees it.
    Answer,
}
