//! The vector format, version 1: what a file under `vectors/` may hold.
//!
//! A vector says what is done in abstract operations; a binding says what they are on the wire of one kind of server.
//! Unknown and duplicate keys are errors. The JSON Schema beside the vectors is made from these types.

pub mod expect;
pub mod lint;
pub mod matcher;
mod needs;
pub mod reason;
mod step;
mod text;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use text::line_of;

pub use step::{
    Acknowledge, AddKey, AwaitExpiry, AwaitKeyExpiry, AwaitRetry, Block, Blocks, Claim, ExtendKey, Join, Keys,
    LastResort, Lose, Notifications, Outside, Packages, Place, Proof, Publish, RemoveClient, RemoveKey, Resolve, Role,
    Step, Stock, Until, Verify, Withdraw,
};

/// One vector: one mistake that a server can make, told as a story.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// Its path without the ending, such as `claim/once`; for ever.
    pub id: String,
    /// What a server that passes does, in one line.
    pub title: String,
    /// What a server that fails does wrong, and what that leads to.
    pub why: String,
    /// Public reports of this failure, as `owner/repository#number`.
    #[serde(default)]
    pub seen_in: Vec<String>,
    /// The rules that it checks. A server that does not offer all their profiles skips the vector.
    pub rules: Vec<String>,
    /// Further capabilities that a server needs for it.
    #[serde(default)]
    pub needs: Vec<Capability>,
    /// What it is there for although it kills no mutant of the reference: a server of another kind, a promise that was
    /// once misread. Nothing where it kills one.
    #[serde(default)]
    pub documents: Option<String>,
    /// Who takes part. A user without clients is given one, called `main`.
    pub users: BTreeMap<String, User>,
    /// The KeyPackages, made when the vector is run.
    #[serde(default)]
    pub key_packages: BTreeMap<String, Recipe>,
    /// The story of a sequential vector.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// What comes before a race, one after the other.
    #[serde(default)]
    pub before: Vec<Step>,
    /// What happens at once.
    #[serde(default)]
    pub race: Option<Race>,
    /// What comes after a race, one after the other; judged together with it.
    #[serde(default)]
    pub after: Vec<Step>,
}

/// Something that not every server can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Claims with an idempotency key.
    Idempotency,
    /// Claims that name acceptable cipher suites, and more than one suite.
    CipherSuites,
    /// Claims that require capabilities of a leaf.
    RequiredCapabilities,
    /// Claims that refuse a last resort.
    RefuseLastResort,
    /// Taking packages back.
    Withdraw,
    /// Removing and adding signature keys.
    KeyList,
    /// Enrolment tokens, with which a user adds its first signature key.
    EnrolmentToken,
    /// Requests that are signed one by one, so that one can be stale, replayed or changed on its way.
    SignedRequests,
    /// Grants in the order of upload, by its own declaration.
    FifoSelection,
    /// Grants in random order, by its own declaration.
    RandomSelection,
    /// Limits how often one requester may claim, whatever of; it declares few enough for the suite to reach.
    RequesterLimit,
    /// Limits how often one requester may claim of one user; it declares few enough for the suite to reach.
    PairLimit,
    /// Its limit of one requester and one user lets in again soon enough for the suite to wait for it.
    RetrySoon,
    /// Signature keys with an expiry.
    KeyExpiry,
    /// Says when the stock of a suite runs low.
    LowWater,
    /// Tells an owner of a requester that takes more than a share of its stock; it declares one that the suite can reach.
    Drain,
    /// Can be killed and started from outside, and keeps what it has stored; vectors with such a step need it unsaid.
    Restart,
    /// Can be restored from a backup from outside; vectors with such a step need it unsaid.
    Restore,
    /// Its clock can be moved forward from outside, by months.
    Clock,
    /// Accepts at most 100 packages in a batch and 500 in the stock of one client and suite.
    ReferenceLimits,
    /// Requests name whose things they are about; without, nobody can so much as ask for another's. Vectors in which
    /// somebody does need it unsaid.
    NameOwner,
    /// Says of a user whom it does not know that there is none.
    UnknownUser,
    /// A claim of one's own user leaves out the client that asks; where claims name clients, that is for who asks to do.
    /// Vectors in which somebody claims so need it unsaid.
    SparesOwnClient,
    /// A publication adds to what is there, and does not take its place. Vectors that publish twice for one client need it
    /// unsaid.
    AddsToStock,
}

/// Beside what it takes to reach the limit of one requester and one user, a vector has that requester claim less often
/// than this: of a server whose limit of a requester is reached as soon as that, it says nothing.
pub(crate) const CLAIMS_BESIDE_A_LIMIT: usize = 5;

/// Someone who takes part.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The names of its clients.
    #[serde(default)]
    pub clients: Vec<String>,
    /// Whether the server knows this user.
    #[serde(default = "yes")]
    pub registered: bool,
    /// The server that it belongs to.
    #[serde(default)]
    pub server: Place,
}

fn yes() -> bool {
    true
}

/// How a KeyPackage is made.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Whose it is: `alice/phone`, or `phone` where only one user has a client of that name.
    pub client: String,
    /// Whether it is marked as a last resort.
    #[serde(default)]
    pub last_resort: bool,
    /// Its cipher suite (RFC 9420 §17.1).
    #[serde(default = "suite_1")]
    pub cipher_suite: u16,
    /// Valid from, in seconds from now; an hour ago unless said otherwise.
    #[serde(default)]
    pub not_before: Option<i64>,
    /// Valid until, in seconds from now; in 30 days unless said otherwise.
    #[serde(default)]
    pub not_after: Option<i64>,
    /// What its leaf lists, beside what it must.
    #[serde(default)]
    pub capabilities: Capabilities,
    /// Behind the frame of an MLSMessage.
    #[serde(default)]
    pub framed: bool,
    /// Has the init key of this other package.
    #[serde(default)]
    pub same_init_key_as: Option<String>,
    /// Its credential claims the identity of this user.
    #[serde(default)]
    pub identity_of: Option<String>,
    /// Signed with a key that is on nobody's list.
    #[serde(default)]
    pub unlisted_signer: bool,
    /// What is wrong with it.
    #[serde(default)]
    pub flaw: Option<Flaw>,
    /// How the last resort is marked.
    #[serde(default)]
    pub mark: Mark,
    /// So many different packages after this recipe, all under its name.
    #[serde(default = "one")]
    pub copies: u32,
}

/// Types of extensions, proposals and credentials: of those in a leaf, or of those that a claim requires
/// (RFC 9420 §7.2, §11.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// Types of extensions.
    #[serde(default)]
    pub extensions: Vec<u16>,
    /// Types of proposals.
    #[serde(default)]
    pub proposals: Vec<u16>,
    /// Types of credentials.
    #[serde(default)]
    pub credentials: Vec<u16>,
}

fn one() -> u32 {
    1
}

impl Recipe {
    /// From and until when it is valid, in seconds from the moment at which it is made.
    #[must_use]
    pub fn lifetime(&self) -> (i64, i64) {
        (self.not_before.unwrap_or(-HOUR), self.not_after.unwrap_or(30 * DAY))
    }
}

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;

/// How a last resort marks itself (draft-ietf-mls-extensions).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Extension 0x000A, as implementations ship it.
    #[default]
    Extension,
    /// Component 0x0004 in app_data_dictionary, as the current draft has it.
    Component,
}

fn suite_1() -> u16 {
    1
}

/// One thing that is wrong with a KeyPackage; all else about it is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// The KeyPackage's signature does not verify.
    BadSignature,
    /// The LeafNode's signature does not verify.
    BadLeafSignature,
    /// A byte follows the KeyPackage.
    TrailingByte,
    /// The last bytes are missing.
    Truncated,
    /// A protocol version that does not exist.
    UnknownVersion,
    /// A cipher suite that does not exist (a GREASE value, RFC 9420 §13.5).
    UnknownCipherSuite,
    /// `leaf_node_source` is not key_package.
    WrongLeafNodeSource,
    /// The init key is the leaf's encryption key.
    InitKeyEqualsEncryptionKey,
    /// An extension of the KeyPackage is not in the leaf's capabilities.
    UnlistedExtension,
    /// An extension of the leaf is not in the leaf's capabilities.
    UnlistedLeafExtension,
    /// The credential's type is not in the leaf's capabilities.
    UnlistedCredential,
    /// Not a flaw: unknown values and unknown listed extensions that must be tolerated (RFC 9420 §13.5).
    Grease,
}

/// What happens at once, many times over with new users each time.
///
/// One lane may do something to the server from outside (`kill` and `start`, `restart`, `restore`): each at a moment, drawn
/// anew in each round, at which others have some answers and wait for more. What is not answered then is a lost answer;
/// the lanes go on once the server is there again. As a server takes its time to start, few rounds are enough.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Race {
    /// How many times.
    pub rounds: u32,
    /// What each lane does; the first steps of all lanes are released together.
    pub lanes: BTreeMap<String, Vec<Step>>,
    /// Who decides.
    pub judge: Judge,
}

impl Race {
    /// Whether something is done to the server meanwhile.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.lanes.values().flatten().any(|step| step.hook().is_some())
    }
}

/// Who decides about a race.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Judge {
    /// The rules, then the model: some order of the operations explains every answer.
    Linearizable,
    /// The rules that need no search, and what the lanes expect: for operations that the model does not know.
    Rules,
}

impl Vector {
    /// Every step, in reading order, with its path in the file.
    pub fn all_steps(&self) -> impl Iterator<Item = (String, &Step)> {
        let of = |name: &str, steps: &'_ [Step]| -> Vec<String> {
            (0..steps.len()).map(|index| format!("{name}[{index}]")).collect()
        };
        let lanes = self.race.iter().flat_map(|race| &race.lanes);
        let lanes =
            lanes.flat_map(move |(name, steps)| of(&format!("race.lanes.{name}"), steps).into_iter().zip(steps));
        of("before", &self.before)
            .into_iter()
            .zip(&self.before)
            .chain(of("steps", &self.steps).into_iter().zip(&self.steps))
            .chain(lanes)
            .chain(of("after", &self.after).into_iter().zip(&self.after))
    }

    /// Whether it does something to the server from outside: nothing else may be asked of the server meanwhile.
    #[must_use]
    pub fn needs_hooks(&self) -> bool {
        self.needs.contains(&Capability::Clock) || self.all_steps().any(|(_, step)| step.hook().is_some())
    }

    /// The names of the packages after one recipe: its own, or numbered ones.
    #[must_use]
    pub fn copies(&self, name: &str) -> Vec<String> {
        match self.key_packages.get(name).map_or(1, |recipe| recipe.copies) {
            1 => vec![name.to_string()],
            copies => (1..=copies).map(|number| format!("{name}#{number}")).collect(),
        }
    }

    /// Splits `alice/phone`, `phone` or `bob` into user and client.
    #[must_use]
    pub fn client(&self, name: &str) -> Option<(String, String)> {
        if let Some((user, client)) = name.split_once('/') {
            // A client that a step adds is not declared, so the user alone must be known.
            return self.users.contains_key(user).then(|| (user.into(), client.into()));
        }
        if let Some(user) = self.users.get(name) {
            return Some((name.into(), user.clients.first().map_or("main", String::as_str).into()));
        }
        let mut owners = self.users.iter().filter(|(_, user)| user.clients.iter().any(|client| client == name));
        match (owners.next(), owners.next()) {
            (Some((owner, _)), None) => Some((owner.clone(), name.into())),
            _ => None,
        }
    }
}
