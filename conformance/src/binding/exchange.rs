//! Requests of a binding, and what their answers mean.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    binding::{Auth, Scalar, Statuses},
    vector::expect::Reason,
    yaml,
};

/// A request and what its answers mean.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Sent once for each item of this list (`key_packages`, `regular`, `last_resorts`, `clients`), whose values are
    /// variables then; what the answers say is taken together, and the first that is no success ends it.
    #[serde(default)]
    pub for_each: Option<String>,
    /// What is sent.
    pub request: Request,
    /// How it is authenticated, where that differs.
    #[serde(default)]
    pub auth: Option<Auth>,
    /// What the answer means; the first that fits counts, and one that fits none is unexpected.
    pub outcomes: Vec<Outcome>,
    /// Values of a successful answer that later requests of this client use, by their places. `user` and `client` are
    /// from there on what the server calls them.
    #[serde(default)]
    pub save: BTreeMap<String, String>,
    /// The same of headers.
    #[serde(default)]
    pub save_headers: BTreeMap<String, String>,
}

/// A request template; `{name}` stands for a variable, in the body for its JSON value where nothing is around it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The HTTP method.
    pub method: String,
    /// Path and query; variables are percent-encoded.
    pub path: String,
    /// Query parameters; one whose variable has no value is left out.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Further headers; one whose variable has no value is left out.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The JSON body. A member whose variable has no value is left out. `{ each: list, item: … }` makes a list,
    /// `{ each: list, key: …, value: … }` an object, `{ first: list, item: … }` the first item, or nothing.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Value>")]
    pub json: Option<yaml::Value>,
    /// The body as bytes: those that this variable has in base64, such as `{key_package}`.
    #[serde(default)]
    pub bytes: Option<String>,
    /// The body as a form (`application/x-www-form-urlencoded`).
    #[serde(default)]
    pub form: BTreeMap<String, String>,
}

/// What an answer means.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
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

/// Where a refusal says after how long to ask again: one of the two.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryAfter {
    /// The name of the header, which holds seconds (RFC 9110 §10.2.3).
    #[serde(default)]
    pub header: Option<String>,
    /// The place of a number of milliseconds in the JSON body; rounded up to seconds.
    #[serde(default)]
    pub milliseconds: Option<String>,
}

/// Which answers are meant: all that is given must fit.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// The status code, its class (`2xx`), or a list of such.
    pub status: Statuses,
    /// Values in the JSON body, by their places.
    #[serde(default)]
    pub json: BTreeMap<String, Scalar>,
    /// Places in the JSON body where something is.
    #[serde(default)]
    pub has: Vec<String>,
    /// Places in the JSON body where nothing is.
    #[serde(default)]
    pub lacks: Vec<String>,
    /// Headers with these values.
    #[serde(default)]
    pub headers: BTreeMap<String, Scalar>,
}

/// What a successful answer says, for the reader of each operation.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// The place of a list or an object; the fields are read from each of its items. Without it, from the whole body.
    #[serde(default)]
    pub each: Option<String>,
    /// Nothing at that place means no items.
    #[serde(default)]
    pub optional: bool,
    /// Name and place of each value.
    #[serde(default)]
    pub fields: BTreeMap<String, Field>,
    /// Name and place of values that stand beside the list.
    #[serde(default)]
    pub beside: BTreeMap<String, Field>,
    /// Of a claim: the kind of every client of the user that the answer leaves out, such as `exhausted`.
    #[serde(default)]
    pub others: Option<String>,
}

/// One value of an answer: where it stands, and how it is read. The kind of what is granted may be the word
/// `as_published`, where the answer does not tell it: then it is the role in which its owner published it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its place: a JSON Pointer (RFC 6901), in which `*` stands for the only entry there, and `{name}` for a variable.
    #[serde(default)]
    pub at: Option<String>,
    /// The name under which this place stands: that of the `*` at its end, or with an empty text that of the item.
    #[serde(default)]
    pub key_of: Option<String>,
    /// How many items the list or object at this place has.
    #[serde(default)]
    pub count: Option<String>,
    /// The value of this header.
    #[serde(default)]
    pub header: Option<String>,
    /// The whole body as bytes.
    #[serde(default)]
    pub body: bool,
    /// Not in the answer: this, which may use variables.
    #[serde(default)]
    pub is: Option<Scalar>,
    /// What stands before the value, and is cut off.
    #[serde(default)]
    pub after: Option<String>,
    /// How its text is decoded to bytes.
    #[serde(default)]
    pub decode: Option<Encoding>,
    /// Other words for ours.
    #[serde(default)]
    pub words: BTreeMap<String, Scalar>,
    /// Our word for all other values.
    #[serde(default)]
    pub otherwise: Option<Scalar>,
    /// What it means where there is nothing.
    #[serde(default)]
    pub absent: Option<Scalar>,
}

/// How bytes are written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// RFC 4648 §4, padded.
    Base64,
    /// RFC 4648 §4, not padded.
    Base64Unpadded,
    /// RFC 4648 §5, not padded.
    Base64url,
    /// RFC 4648 §8, in either case.
    Hex,
}

impl Encoding {
    /// The bytes of a text.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the text.
    pub fn decode(self, text: &str) -> Result<Vec<u8>, data_encoding::DecodeError> {
        match self {
            Self::Base64 => data_encoding::BASE64.decode(text.as_bytes()),
            Self::Base64Unpadded => data_encoding::BASE64_NOPAD.decode(text.as_bytes()),
            Self::Base64url => data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()),
            Self::Hex => data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()),
        }
    }
}
