//! The steps of a vector: one operation each, and what is expected of it.

mod feed;
mod keys;
mod local;
mod names;
mod packages;
mod requesters;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::vector::expect::Expect;

pub use feed::{Acknowledge, Notifications};
pub use keys::{AddKey, ExtendKey, Keys, RemoveClient, RemoveKey, Resolve, Verify};
pub use local::{AwaitExpiry, AwaitKeyExpiry, AwaitRetry, Join, Outside};
pub use packages::{Claim, LastResort, Packages, Proof, Publish, Role, Stock, Until, Withdraw};
pub use requesters::{Block, Blocks, Place};

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
    /// Lists one's own packages, each with its state.
    #[serde(default)]
    pub packages: Option<Packages>,
    /// Reads the notifications.
    #[serde(default)]
    pub notifications: Option<Notifications>,
    /// Lets go of notifications.
    #[serde(default)]
    pub acknowledge: Option<Acknowledge>,
    /// Reads a user's signature keys.
    #[serde(default)]
    pub keys: Option<Keys>,
    /// Finds a user's signature keys by its name.
    #[serde(default)]
    pub resolve: Option<Resolve>,
    /// Adds a client with its first signature key.
    #[serde(default)]
    pub add_key: Option<AddKey>,
    /// Moves the expiry of a client's signature key.
    #[serde(default)]
    pub extend_key: Option<ExtendKey>,
    /// Removes a client's signature key.
    #[serde(default)]
    pub remove_key: Option<RemoveKey>,
    /// Removes a client with all that it has.
    #[serde(default)]
    pub remove_client: Option<RemoveClient>,
    /// Asks whether a signature key bears out a user's credential.
    #[serde(default)]
    pub verify: Option<Verify>,
    /// Shuts a requester out, or all of a server.
    #[serde(default)]
    pub block: Option<Block>,
    /// Lets a requester, or a server, in again.
    #[serde(default)]
    pub unblock: Option<Block>,
    /// Lists who is shut out.
    #[serde(default)]
    pub blocks: Option<Blocks>,
    /// Adds the owner of a granted package to a new group; the owner joins by the Welcome.
    #[serde(default)]
    pub join: Option<Join>,
    /// Waits for the moment at which a package expires, and a second more.
    #[serde(default)]
    pub await_expiry: Option<AwaitExpiry>,
    /// Waits for the moment at which a client's signature key expires, and a second more.
    #[serde(default)]
    pub await_key_expiry: Option<AwaitKeyExpiry>,
    /// Waits as long as a refusal said.
    #[serde(default)]
    pub await_retry: Option<AwaitRetry>,
    /// Ends the server at once, as `kill -9` does; only `start` can follow.
    #[serde(default)]
    pub kill: Option<Outside>,
    /// Starts the server again after `kill`.
    #[serde(default)]
    pub start: Option<Outside>,
    /// Restarts the server in good order.
    #[serde(default)]
    pub restart: Option<Outside>,
    /// Keeps a copy of all that the server has stored.
    #[serde(default)]
    pub snapshot: Option<Outside>,
    /// Puts that copy in the place of what the server has stored since.
    #[serde(default)]
    pub restore: Option<Outside>,
    /// Looks at saved values together, as a list in this order.
    #[serde(default)]
    pub recall: Option<Vec<String>>,
    /// What must be observed.
    #[serde(default)]
    pub expect: Option<Expect>,
    /// Keeps parts of the answer under names: `$name` stands for them from here on. Paths are keys joined by `/`; a
    /// refusal has `retry_after`.
    #[serde(default)]
    pub save: BTreeMap<String, String>,
    /// Keeps the answer as a whole under this name, for `same_as`: status, headers and body, without what says who and
    /// when.
    #[serde(default)]
    pub save_answer: Option<String>,
    /// The answer gets lost on its way: nobody knows what it was.
    #[serde(default)]
    pub lose: Option<Lose>,
}

/// What gets lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lose {
    /// The answer: the server gives one, and nobody sees it.
    Answer,
}
