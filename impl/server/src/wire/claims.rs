//! The shapes of claiming.

use kpd_directory::{
    CipherSuite, ClientName, KeyPackageRef,
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
    /// Whether a last resort will do; left out: `accept`.
    #[serde(default)]
    #[schema(value_type = LastResortShape)]
    pub(crate) last_resort: LastResort,
}

/// A claim is remembered under its idempotency key, so a list in it has an end.
fn few<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<CipherSuite>, D::Error> {
    let suites = Vec::deserialize(deserializer)?;
    if suites.len() > CIPHER_SUITES_MAX {
        let says = format!("{} cipher suites, where at most {CIPHER_SUITES_MAX} are accepted", suites.len());
        return Err(serde::de::Error::custom(says));
    }
    Ok(suites)
}

/// Several times as many as there are.
const CIPHER_SUITES_MAX: usize = 64;

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

/// A KeyPackage, of one role or the other; nothing left; or something, but of no suite that will do.
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
