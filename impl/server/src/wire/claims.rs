//! The shapes of claiming.

use kpd_directory::{
    Capabilities, CipherSuite, ClientName, KeyPackageRef,
    claim::{Claimed, ClientAnswer},
    event::LastResort,
    key_package::Role,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::Base64;

/// What a claim asks for; an empty object asks for anything.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimShape {
    /// The suites that will do; empty or left out: any.
    #[serde(default, deserialize_with = "few")]
    #[schema(value_type = Vec<u16>, max_items = 64)]
    pub(crate) cipher_suites: Vec<CipherSuite>,
    /// What a KeyPackage's leaf must list, each of it; empty or left out: nothing.
    #[serde(default)]
    pub(crate) required_capabilities: RequiredShape,
    /// Whether a last resort will do; left out: `accept`.
    #[serde(default)]
    #[schema(value_type = LastResortShape)]
    pub(crate) last_resort: LastResort,
}

/// What a group requires of each member (RFC 9420 §11.1). Types that every client knows need not be listed.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RequiredCapabilities)]
pub(crate) struct RequiredShape {
    /// Types of extensions.
    #[serde(default, deserialize_with = "few")]
    #[schema(max_items = 64)]
    extensions: Vec<u16>,
    /// Types of proposals.
    #[serde(default, deserialize_with = "few")]
    #[schema(max_items = 64)]
    proposals: Vec<u16>,
    /// Types of credentials.
    #[serde(default, deserialize_with = "few")]
    #[schema(max_items = 64)]
    credentials: Vec<u16>,
}

impl From<RequiredShape> for Capabilities {
    fn from(RequiredShape { extensions, proposals, credentials }: RequiredShape) -> Self {
        Self::new(extensions, proposals, credentials)
    }
}

/// A claim is remembered under its idempotency key, so a list in it has an end.
fn few<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let listed = Vec::deserialize(deserializer)?;
    if listed.len() > LISTED_MAX {
        let says = format!("{} in one list, where at most {LISTED_MAX} are accepted", listed.len());
        return Err(serde::de::Error::custom(says));
    }
    Ok(listed)
}

/// Several times as many as there are cipher suites, or as a group requires.
const LISTED_MAX: usize = 64;

/// Whether a last resort will do.
#[derive(ToSchema)]
#[schema(as = LastResort, rename_all = "snake_case")]
#[expect(dead_code, reason = "the document's name for a type of the core, which does not know the document")]
pub(crate) enum LastResortShape {
    Accept,
    Refuse,
}

/// What each of a user's clients gave.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClaimedShape {
    clients: Vec<ClientShape>,
}

/// What one client gave.
#[derive(Debug, Serialize, ToSchema)]
struct ClientShape {
    #[schema(value_type = String, example = "bob-phone")]
    client: ClientName,
    status: ClientStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    reference: Option<KeyPackageRef>,
    /// Bare.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_package: Option<Base64>,
}

/// A KeyPackage, of one role or the other; nothing left; or something, but nothing of a suite that will do with
/// what is required.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ClientStatus {
    Regular,
    LastResort,
    Exhausted,
    Incompatible,
}

impl From<Claimed> for ClaimedShape {
    fn from(claimed: Claimed) -> Self {
        let client = |(client, answer)| {
            let (status, key_package) = match answer {
                ClientAnswer::KeyPackage { reference, role: Role::Regular, bytes } => {
                    (ClientStatus::Regular, Some((reference, bytes)))
                }
                ClientAnswer::KeyPackage { reference, role: Role::LastResort, bytes } => {
                    (ClientStatus::LastResort, Some((reference, bytes)))
                }
                ClientAnswer::Exhausted => (ClientStatus::Exhausted, None),
                ClientAnswer::Incompatible => (ClientStatus::Incompatible, None),
            };
            let (reference, key_package) =
                key_package.map(|(reference, bytes)| (reference, Base64(bytes.to_vec()))).unzip();
            ClientShape { client, status, reference, key_package }
        };
        Self { clients: claimed.clients.into_iter().map(client).collect() }
    }
}
