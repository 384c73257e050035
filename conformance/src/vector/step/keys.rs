//! Steps about signature keys and the clients that they belong to.

use schemars::JsonSchema;
use serde::Deserialize;

/// Reads a user's signature keys; anyone may.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Whose.
    pub of: String,
    /// Every key ever, with the interval in which it was valid and how it ended.
    #[serde(default)]
    pub history: bool,
}

/// Finds a user's list of signature keys by nothing but its name, as another server does, and reads it; anyone may.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    /// Whose; unless given, the server is asked for nobody.
    #[serde(default)]
    pub of: Option<String>,
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
    /// What the server is to call it, where that is not its name here: the name of a client that was before it.
    #[serde(default)]
    pub named: Option<String>,
    /// The key is valid until then, in seconds from the beginning of the vector; without end unless given.
    #[serde(default)]
    pub expires_in: Option<i64>,
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

/// Moves the expiry of a client's signature key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtendKey {
    /// Who.
    #[serde(rename = "as")]
    pub by: String,
    /// Whose key.
    pub client: String,
    /// The new expiry, in seconds from the beginning of the vector.
    pub expires_in: i64,
}

/// Removes a client: its keys, its packages, its last resort.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveClient {
    /// Who.
    #[serde(rename = "as")]
    pub by: String,
    /// Which.
    pub client: String,
}

/// Asks whether a signature key bears out a user's credential; anyone may.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// Whose credential.
    pub of: String,
    /// The client whose key it is; one that was never added has a key that nobody has listed.
    pub client: String,
    /// The moment that is asked about, in seconds from the beginning of the vector; now unless given.
    #[serde(default)]
    pub at: Option<i64>,
}
