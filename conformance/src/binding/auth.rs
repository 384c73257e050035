//! How requests are authenticated. All that is given is applied; without any of it, a request goes as it is.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

/// How a request is authenticated; `{}` means not at all. Templates may use `{as_user}`, `{as_client}`, `{as_secret}` and
/// what the registration of whoever asks saved, as `{as_…}`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// `Authorization: Bearer …` with this template (RFC 6750).
    #[serde(default)]
    pub bearer: Option<String>,
    /// `Authorization: Basic …` (RFC 7617).
    #[serde(default)]
    pub basic: Option<Basic>,
    /// Headers of any name, each with its template.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// HTTP Message Signatures (RFC 9421) with the client's signature key.
    #[serde(default)]
    pub http_message_signatures: Option<SignatureAuth>,
}

/// A name and a password.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// Template of the name.
    pub user: String,
    /// Template of the password.
    pub password: String,
}

/// The parameters of a message signature.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignatureAuth {
    /// Template of `keyid`.
    pub keyid: String,
}

impl Auth {
    /// Every template in it.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &String> {
        let basic = self.basic.iter().flat_map(|basic| [&basic.user, &basic.password]);
        let keyid = self.http_message_signatures.iter().map(|signatures| &signatures.keyid);
        self.bearer.iter().chain(basic).chain(self.headers.values()).chain(keyid)
    }
}
