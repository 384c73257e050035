//! Steps that no server takes part in: joining a group, and waiting.

use schemars::JsonSchema;
use serde::Deserialize;

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

/// Waits for the moment at which a client's signature key expires, by the last expiry that the server took for it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwaitKeyExpiry {
    /// The client.
    pub client: String,
}

/// Waits as many seconds as a refusal said: `save: { wait: retry_after }` in the step that was refused. A server that
/// asks for more than the suite has patience for leaves the vector undecided.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwaitRetry {
    /// What was saved: `$name`.
    pub from: String,
}

/// Something that is done to the server from outside; there is nothing to say about it: `{}`.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outside {}
