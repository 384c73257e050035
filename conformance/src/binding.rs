//! A binding: what the abstract operations are on the wire of one kind of server. Data, not code.
//!
//! `conformance/bindings/README.md` tells how to write one; [`lint`] finds what is wrong with one that reads well.

mod auth;
pub mod classify;
mod exchange;
pub mod lint;
pub mod place;
pub mod render;
pub mod scalar;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    catalogue::Profile,
    material::Material,
    vector::Capability,
    yaml::{self, FileError},
};

pub use auth::{Auth, Basic, SignatureAuth};
pub use exchange::{Encoding, Exchange, Field, Outcome, Reading, Request, RetryAfter, When};
pub use scalar::{Scalar, Statuses};

/// One kind of server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// The version of this format.
    pub format: Format,
    /// What the server is called in reports.
    pub name: String,
    /// A request that any living server answers with success. An adapter is asked `ready` instead.
    #[serde(default)]
    pub ready: Option<Request>,
    /// The profiles that the server offers; rules of others are skipped.
    pub profiles: BTreeSet<Profile>,
    /// What it lacks, with the reason that is printed beside each vector that is skipped for it.
    #[serde(default)]
    pub absent: BTreeMap<Capability, String>,
    /// Variables that whoever runs the suite gives: `--var name=…`, or `KPD_NAME` in the environment.
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    /// How the identity of a user is written; `{name}` is a fresh name, `{server}` the name of its server. A value that
    /// the registration saves as `user` takes its place.
    pub user: String,
    /// The name of the server that is judged, as identities have it; may use variables.
    #[serde(default)]
    pub server: Option<String>,
    /// The name of another server, for whose users it vouches. Vectors that need one are skipped without.
    #[serde(default)]
    pub elsewhere: Option<String>,
    /// What is published and claimed.
    #[serde(default)]
    pub material: Material,
    /// The identity in the credential of a KeyPackage, where it is not that of the user: a template with `{user}`,
    /// `{client}` and what the registration saved.
    #[serde(default)]
    pub credential: Option<String>,
    /// What differs between two answers that tell the same.
    #[serde(default)]
    pub varies: Varies,
    /// What the holder of a signature key signs to prove that it holds it: a template of the message, whose signature
    /// is then the variable `possession`, in base64.
    #[serde(default)]
    pub possession: Option<String>,
    /// How requests are authenticated, unless an exchange says otherwise; not at all without.
    #[serde(default)]
    pub auth: Auth,
    /// The operations. Vectors that need one that is not there are skipped.
    #[serde(default)]
    pub operations: BTreeMap<Operation, Vec<Exchange>>,
    /// A program that does the operations, for what is not HTTP or needs code.
    #[serde(default)]
    pub adapter: Option<AdapterCommand>,
    /// Commands that do to the server what no request can. Vectors that need one that is not there are skipped.
    #[serde(default)]
    pub hooks: BTreeMap<Hook, HookCommand>,
    /// Where the file lies: commands begin there.
    #[serde(skip)]
    pub directory: Option<PathBuf>,
}

/// A variable that whoever runs the suite gives.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// What it is, for whoever has to give it.
    pub says: String,
    /// Its value where nobody gives one.
    #[serde(default)]
    pub default: Option<String>,
    /// Whether it can be left out: then hooks that use it are not there.
    #[serde(default)]
    pub optional: bool,
    /// Whether it may be seen in reports; all others are masked there.
    #[serde(default)]
    pub public: bool,
}

/// A program that is asked over JSON lines: `{"id", "operation", …}` on its input, an answer with that id on its output.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdapterCommand {
    /// The program with its arguments; a path with a `/` counts from where the binding lies.
    pub command: Vec<String>,
    /// Further environment variables; values may use variables.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// The operations that it knows.
    pub operations: BTreeSet<Operation>,
}

/// What can be done to a server from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    /// Ends it at once, as `kill -9` does.
    Kill,
    /// Starts it again on what it had stored; returns while it runs on.
    Start,
    /// Ends it in good order and starts it again; `kill` and `start` stand for it where it is not there.
    Restart,
    /// Keeps a copy of all that it has stored.
    Snapshot,
    /// Puts that copy in the place of what it has, as an operator does after a loss, and lets it serve again.
    Restore,
    /// Moves its clock forward by `{seconds}`, so that it is `{ahead}` seconds ahead of where it would be without such
    /// moves. Where it is there, nothing is waited for that a clock decides.
    Clock,
}

/// A command, run without a shell.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HookCommand {
    /// The program with its arguments, which may use variables; a path with a `/` counts from where the binding lies.
    pub command: Vec<String>,
    /// Further environment variables; values may use variables.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// How long it may take.
    #[serde(default = "half_a_minute")]
    pub timeout_seconds: u64,
}

fn half_a_minute() -> u64 {
    30
}

/// What differs between two answers that tell the same. `Date` and `Content-Length` are left out always, and identities,
/// KeyPackages and references stand for themselves; whatever else varies, a reader of the binding sees here.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Varies {
    /// Names of headers.
    #[serde(default)]
    pub headers: Vec<String>,
    /// JSON Pointers in the body.
    #[serde(default)]
    pub json: Vec<String>,
}

/// The version of this format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Format {
    /// The first.
    #[serde(rename = "kpd-binding/1")]
    V1,
}

/// What a vector can ask a server for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the operations of the vector format; `register`: a user with its first client; `add_client`: a further client, where that is no `add_key`; `policy`: what the server declares; `replace`: a publication with `replace: true`; `await_notifications`: notifications with `wait`; `key_history`: keys with `history: true`; `resolve_nobody`: resolve without a user"
)]
pub enum Operation {
    Policy,
    Register,
    AddClient,
    Publish,
    Replace,
    Claim,
    Withdraw,
    Stock,
    Packages,
    Notifications,
    AwaitNotifications,
    Acknowledge,
    Keys,
    KeyHistory,
    Resolve,
    ResolveNobody,
    AddKey,
    AddKeyByToken,
    ExtendKey,
    RemoveKey,
    RemoveClient,
    Verify,
    VerifyAt,
    Block,
    BlockServer,
    Unblock,
    UnblockServer,
    Blocks,
}

impl Binding {
    /// Reads a binding, and looks for what makes no sense in it.
    ///
    /// # Errors
    ///
    /// Where the file is not as it should be.
    pub fn read(file: &str, text: &str) -> Result<Self, Vec<FileError>> {
        let binding: Self = yaml::read(file, text).map_err(|error| vec![*error])?;
        let errors = lint::lint(file, text, &binding);
        if errors.is_empty() { Ok(binding) } else { Err(errors) }
    }

    /// Whether it says how to do this.
    #[must_use]
    pub fn has(&self, operation: Operation) -> bool {
        match &self.adapter {
            Some(adapter) => adapter.operations.contains(&operation),
            None => self.operations.contains_key(&operation),
        }
    }
}
