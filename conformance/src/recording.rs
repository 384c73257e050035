//! What a run observed; nothing here decides anything.

pub(crate) mod mask;

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::vector::expect::Reason;

pub(crate) use mask::mask_text;
pub use mask::{MASK, mask_url};

/// One vector, once: a sequential vector has one round.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// In their order.
    pub rounds: Vec<Round>,
    /// Why there are no more rounds, where that is so.
    pub broken: Option<Broken>,
}

/// Why a run could not go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Broken {
    /// The users could not be made ready: nothing is known about what the vector asks.
    Setup(String),
    /// The server cannot be reached any more.
    Gone(String),
    /// The suite cannot do what the vector says.
    Suite(String),
    /// The server asks for more patience than the suite has.
    TooSlow(String),
}

/// Everything that was done and seen with one set of users.
#[derive(Clone, Debug, Default)]
pub struct Round {
    /// Steps in the order of their beginning.
    pub steps: Vec<Recorded>,
}

/// One step.
#[derive(Clone, Debug, Serialize)]
pub struct Recorded {
    /// Its place in the vector, such as `steps[2]`.
    pub path: String,
    /// What was done, in words.
    pub says: String,
    /// Since the beginning of the round, until the last byte of the request was sent.
    pub sent: Duration,
    /// Since the beginning of the round, until the answer was there.
    pub answered: Duration,
    /// What came of it.
    pub observed: Observed,
    /// What else the last answer told.
    pub told: Told,
    /// The requests and answers, credentials masked.
    pub exchanges: Vec<Exchange>,
    /// What is saved after this step, all names together.
    pub saved: BTreeMap<String, Value>,
}

/// What an answer tells beside its meaning.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Told {
    /// After how many seconds to ask again, of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The answer as a whole, without what says who and when: `status`, `headers`, `body`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Observed {
    /// It succeeded.
    Ok(Seen),
    /// It was refused.
    Refused(Reason),
    /// The server answered something that the binding has no word for.
    Unexpected(String),
    /// Nobody knows: the answer was lost.
    Lost,
}

/// A successful answer, in the words of the vector.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Seen {
    /// Published.
    Published {
        /// How many are in stock that were in the batch, where the server says so.
        #[serde(skip_serializing_if = "Option::is_none")]
        accepted: Option<u64>,
    },
    /// What was there gave way.
    Replaced {
        /// How many are in stock that were in the batch, where the server says so.
        #[serde(skip_serializing_if = "Option::is_none")]
        accepted: Option<u64>,
        /// How many were withdrawn, where the server says so.
        #[serde(skip_serializing_if = "Option::is_none")]
        withdrawn: Option<u64>,
    },
    /// By client.
    Claimed(BTreeMap<String, ClientSeen>),
    /// The fate of each package.
    Withdrawn(BTreeMap<String, String>),
    /// What is left of one suite.
    Stock {
        /// Regular packages, where the server says so.
        #[serde(skip_serializing_if = "Option::is_none")]
        regular: Option<u64>,
        /// The last resort.
        last_resort: LastResortSeen,
        /// Whether that is little, where the server says so.
        #[serde(skip_serializing_if = "Option::is_none")]
        low: Option<bool>,
    },
    /// One's own packages.
    Packages {
        /// Over all of them with their states, where the server gives one.
        #[serde(skip_serializing_if = "Option::is_none")]
        digest: Option<Value>,
        /// The state of each, by its name in the vector.
        key_packages: BTreeMap<String, String>,
    },
    /// Oldest first.
    Notifications(Vec<NotificationSeen>),
    /// A user's signature keys.
    Keys(Vec<KeySeen>),
    /// Whether a key bears out a credential: `valid`, `not_yet`, `expired`, `removed`, `unknown`, or the server's own word.
    Standing {
        /// The word.
        standing: String,
    },
    /// A client is gone.
    ClientRemoved {
        /// How many of its notifications nobody had acknowledged, where the server says so.
        #[serde(skip_serializing_if = "Option::is_none")]
        unread: Option<u64>,
    },
    /// Who is shut out.
    Blocks(Vec<BlockSeen>),
    /// Saved values.
    Recalled(Vec<Value>),
    /// Nothing to say.
    Done {},
}

/// What one client gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientSeen {
    /// `regular`, `last_resort`, `exhausted`, `incompatible`, or the server's own word.
    pub kind: String,
    /// The package, by its name in the vector; `unknown …` if the vector did not make it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_package: Option<String>,
}

/// A last resort as its owner sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastResortSeen {
    /// There is none.
    None,
    /// It was never granted.
    Unused,
    /// It was granted.
    Used,
}

/// One notification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "as in the reference's notification; a server may leave out what is optional")]
pub struct NotificationSeen {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Value>,
    pub key_package: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requester: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_use: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain: Option<DrainSeen>,
}

/// That one requester takes more than its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainSeen {
    /// So many, this one among them,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<u64>,
    /// of so many that were there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
}

/// One signature key. What a server does not say is left out; moments are seconds from the beginning of the vector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySeen {
    /// Whose it is, by the vector's name; `unknown …` if the vector did not make it.
    pub client: String,
    /// When it expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<i64>,
    /// When it was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added_in: Option<i64>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_in: Option<i64>,
    /// How it ended: `expired` or `removed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
}

/// One who is shut out: one of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockSeen {
    /// A user, by its name in the vector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requester: Option<String>,
    /// A server: `here`, `elsewhere`, or its own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}

/// One request and its answer, as they were on the wire.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Exchange {
    /// The HTTP method.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// Credentials are masked.
    pub request_headers: BTreeMap<String, String>,
    /// As text; empty if there was none.
    pub request_body: String,
    /// 0 if no answer came.
    pub status: u16,
    /// Of the answer.
    pub response_headers: BTreeMap<String, String>,
    /// As text.
    pub response_body: String,
}

impl Recorded {
    /// The answer as JSON, for matchers.
    #[must_use]
    pub fn view(&self) -> Option<Value> {
        match &self.observed {
            Observed::Ok(seen) => serde_json::to_value(seen).ok(),
            _ => None,
        }
    }

    /// What a step can save of it: the answer, or when to ask again.
    #[must_use]
    pub fn to_save(&self) -> Option<Value> {
        match (&self.observed, self.told.retry_after) {
            (Observed::Refused(_), Some(seconds)) => Some(serde_json::json!({ "retry_after": seconds })),
            _ => self.view(),
        }
    }
}
