//! A binding: what the abstract operations are on the wire of one kind of server. Data, not code.

pub mod classify;
pub mod render;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::{
    catalogue::Profile,
    vector::{Capability, expect::Reason},
    yaml::{self, FileError},
};

/// One kind of server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// The version of this format.
    pub format: Format,
    /// What the server is called in reports.
    pub name: String,
    /// A request that any living server answers with success.
    pub ready: Request,
    /// The profiles that the server offers; rules of others are skipped.
    pub profiles: BTreeSet<Profile>,
    /// What it lacks, with the reason that is printed beside each vector that is skipped for it.
    #[serde(default)]
    pub absent: BTreeMap<Capability, String>,
    /// How the identity of a user is written; `{name}` is a fresh name, `{server}` the name of its server.
    pub user: String,
    /// The name of the server that is judged, as identities have it.
    #[serde(default)]
    pub server: Option<String>,
    /// The name of another server, for whose users it vouches. Vectors that need one are skipped without.
    #[serde(default)]
    pub elsewhere: Option<String>,
    /// What differs between two answers that tell the same.
    #[serde(default)]
    pub varies: Varies,
    /// What the holder of a signature key signs to prove that it holds it: a template of the message, whose signature
    /// is then the variable `possession`, in base64.
    #[serde(default)]
    pub possession: Option<String>,
    /// How requests are authenticated, unless an exchange says otherwise.
    pub auth: Auth,
    /// The operations. Vectors that need one that is not there are skipped.
    pub operations: BTreeMap<Operation, Vec<Exchange>>,
}

/// What differs between two answers that tell the same. `Date` and `Content-Length` are left out always, and identities,
/// KeyPackages and references stand for themselves; whatever else varies, a reader of the binding sees here.
#[derive(Clone, Debug, Default, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Format {
    /// The first.
    #[serde(rename = "kpd-binding/1")]
    V1,
}

/// What a vector can ask a server for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the operations of the vector format; `register`: a user with its first client; `policy`: what the server declares; `replace`: a publication with `replace: true`; `await_notifications`: notifications with `wait`; `key_history`: keys with `history: true`; `resolve_nobody`: resolve without a user"
)]
pub enum Operation {
    Policy,
    Register,
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

/// How a request is authenticated; without any of these, not at all.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// `Authorization: Bearer …` with this template.
    #[serde(default)]
    pub bearer: Option<String>,
    /// HTTP Message Signatures (RFC 9421) with the client's signature key.
    #[serde(default)]
    pub http_message_signatures: Option<SignatureAuth>,
}

/// The parameters of a message signature.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureAuth {
    /// Template of `keyid`.
    pub keyid: String,
}

/// A request and what its answers mean.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// What is sent.
    pub request: Request,
    /// How it is authenticated, where that differs.
    #[serde(default)]
    pub auth: Option<Auth>,
    /// What the answer means; the first that fits counts, and one that fits none is unexpected.
    pub outcomes: Vec<Outcome>,
    /// Values of a successful answer that later requests of this client use, by JSON Pointer.
    #[serde(default)]
    pub save: BTreeMap<String, String>,
}

/// A request template; `{name}` stands for a variable, in the body for its JSON value where nothing is around it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The HTTP method.
    pub method: String,
    /// Path and query; variables are percent-encoded, but for one that is all of it: a link that an answer gave.
    pub path: String,
    /// Further headers; one whose variable has no value is left out.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The JSON body. A member whose variable has no value is left out; `{ each: list, item: … }` makes a list.
    #[serde(default)]
    pub json: Option<yaml::Value>,
}

/// What an answer means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Which answers.
    pub when: When,
    /// It succeeded, and this is what it says.
    #[serde(default)]
    pub ok: Option<Reading>,
    /// It was refused.
    #[serde(default)]
    pub refused: Option<Reason>,
    /// After how many seconds the refusal says to ask again.
    #[serde(default)]
    pub retry_after: Option<RetryAfter>,
}

/// Where a refusal says after how many seconds to ask again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryAfter {
    /// The name of the header, which holds seconds (RFC 9110 §10.2.3).
    pub header: String,
}

/// Which answers are meant: all that is given must fit.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// The status code.
    pub status: u16,
    /// Values in the JSON body, by JSON Pointer.
    #[serde(default)]
    pub json: BTreeMap<String, String>,
}

/// What a successful answer says, for the reader of each operation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// The JSON Pointer of a list; the fields are read from each item. Without it, from the whole body.
    #[serde(default)]
    pub each: Option<String>,
    /// Name and place of each value.
    #[serde(default)]
    pub fields: BTreeMap<String, Field>,
    /// Name and place of values that stand beside the list.
    #[serde(default)]
    pub beside: BTreeMap<String, Field>,
}

/// One value of an answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its JSON Pointer.
    pub at: String,
    /// How its text is decoded to bytes.
    #[serde(default)]
    pub decode: Option<Encoding>,
    /// Other words for ours.
    #[serde(default)]
    pub words: BTreeMap<String, String>,
}

/// How bytes are written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// RFC 4648 §4, padded.
    Base64,
    /// RFC 4648 §5, not padded.
    Base64url,
}

impl Binding {
    /// Reads a binding.
    ///
    /// # Errors
    ///
    /// Where the file is not as it should be.
    pub fn read(file: &str, text: &str) -> Result<Self, Box<FileError>> {
        yaml::read(file, text)
    }
}
