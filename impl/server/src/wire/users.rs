//! The shapes of users and their signature keys.

use kpd_directory::{ClientName, SignatureKeyId, SignatureScheme, UnixSeconds, UserId, state::ListedKey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::Base64;

/// A user to be let in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Enrol {
    #[schema(value_type = String, example = "acct:bob@example.org")]
    pub(crate) user: UserId,
}

/// A user that was let in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Enrolled {
    #[schema(value_type = String, example = "acct:bob@example.org")]
    pub(crate) user: UserId,
    /// Adds the first signature key; shown once, here.
    pub(crate) enrolment_token: String,
    /// Unix seconds.
    pub(crate) not_after: UnixSeconds,
}

/// A signature key to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddKeyShape {
    #[schema(value_type = String, example = "bob-phone")]
    pub(crate) client: ClientName,
    #[schema(value_type = SchemeShape)]
    pub(crate) scheme: SignatureScheme,
    /// Ed25519: 32 bytes. P-256: 65 bytes, an uncompressed point. As in the LeafNode.
    pub(crate) signature_key: Base64,
    /// The new key's signature, as MLS encodes it for the scheme (P-256: DER), over
    /// `"key-package-directory add-key v1\n" user "\n" client "\n" signature_key "\n"`, the key as in this body.
    pub(crate) proof: Base64,
    /// Without it the request has to be signed by a key on the list.
    pub(crate) enrolment_token: Option<String>,
}

/// The signature schemes of the supported cipher suites.
#[derive(ToSchema)]
#[schema(as = Scheme, rename_all = "snake_case")]
#[expect(dead_code, reason = "the document's name for a type of the core, which does not know the document")]
pub(crate) enum SchemeShape {
    Ed25519,
    EcdsaP256,
}

/// The name of a signature key that was added.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AddedKey {
    #[schema(value_type = String)]
    pub(crate) id: SignatureKeyId,
}

/// A user's signature keys.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Keys {
    #[schema(value_type = String, example = "acct:bob@example.org")]
    user: UserId,
    keys: Vec<KeyShape>,
}

/// One signature key.
#[derive(Debug, Serialize, ToSchema)]
struct KeyShape {
    #[schema(value_type = String)]
    id: SignatureKeyId,
    #[schema(value_type = String, example = "bob-phone")]
    client: ClientName,
    #[schema(value_type = SchemeShape)]
    scheme: SignatureScheme,
    signature_key: Base64,
    /// Unix seconds.
    added_at: UnixSeconds,
}

impl Keys {
    pub(crate) fn new(user: UserId, listed: Vec<ListedKey>) -> Self {
        let shape = |listed: ListedKey| KeyShape {
            id: listed.key.id(),
            client: listed.client,
            scheme: listed.key.scheme(),
            signature_key: Base64(listed.key.bytes().into()),
            added_at: listed.added_at,
        };
        Self { user, keys: listed.into_iter().map(shape).collect() }
    }
}
