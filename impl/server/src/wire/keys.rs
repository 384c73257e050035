//! The shapes of signature keys.

use kpd_directory::{
    ClientName, SignatureKeyId, SignatureScheme, UnixSeconds, UserId,
    keys::AddedKey,
    standing::{Ended, Standing},
    state::ListedKey,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{seams::PastKey, service::Verified, wire::Base64};

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
    /// When it ends by itself, in Unix seconds; left out: at no time.
    pub(crate) expires_at: Option<UnixSeconds>,
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

/// A signature key that was added.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AddedKey)]
pub(crate) struct AddedKeyShape {
    #[schema(value_type = String)]
    id: SignatureKeyId,
    /// When it ends by itself; what was asked for first, where it was on the list already.
    expires_at: Option<UnixSeconds>,
}

impl From<AddedKey> for AddedKeyShape {
    fn from(AddedKey { id, expires_at }: AddedKey) -> Self {
        Self { id, expires_at }
    }
}

/// When a signature key ends by itself.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExtendKey {
    /// Unix seconds.
    pub(crate) expires_at: UnixSeconds,
}

/// A user's signature keys that are valid.
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
    /// When it ends by itself, if it does; Unix seconds.
    expires_at: Option<UnixSeconds>,
}

/// Every signature key that a user ever had.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyHistory {
    #[schema(value_type = String, example = "acct:bob@example.org")]
    user: UserId,
    keys: Vec<PastKeyShape>,
}

/// One signature key, which was valid from `added_at` until `ended_at`, the latter not included.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PastKey)]
struct PastKeyShape {
    #[serde(flatten)]
    key: KeyShape,
    /// Unix seconds; `null` while it is valid.
    ended_at: Option<UnixSeconds>,
    /// By itself, or by its owner.
    #[schema(value_type = Option<EndedShape>)]
    ended: Option<Ended>,
}

/// How a signature key ended.
#[derive(ToSchema)]
#[schema(as = Ended, rename_all = "snake_case")]
#[expect(dead_code, reason = "the document's name for a type of the core, which does not know the document")]
enum EndedShape {
    Expired,
    Removed,
}

/// What can be said of a signature key at a time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Verified)]
pub(crate) struct VerifiedShape {
    #[schema(value_type = String, example = "acct:bob@example.org")]
    user: UserId,
    /// The time that was asked about, in Unix seconds.
    at: UnixSeconds,
    #[schema(value_type = StandingShape)]
    standing: Standing,
    /// The key, where it ever was on the list.
    key: Option<PastKeyShape>,
}

/// What can be said of a signature key: only `valid` bears out a credential.
#[derive(ToSchema)]
#[schema(as = Standing, rename_all = "snake_case")]
#[expect(dead_code, reason = "the document's name for a type of the core, which does not know the document")]
enum StandingShape {
    Valid,
    NotYet,
    Expired,
    Removed,
    Unknown,
}

impl From<ListedKey> for KeyShape {
    fn from(listed: ListedKey) -> Self {
        Self {
            id: listed.key.id(),
            client: listed.client,
            scheme: listed.key.scheme(),
            signature_key: Base64(listed.key.bytes().into()),
            added_at: listed.added_at,
            expires_at: listed.expires_at,
        }
    }
}

impl From<PastKey> for PastKeyShape {
    fn from(PastKey { listed, ended }: PastKey) -> Self {
        let (ended_at, ended) = ended.unzip();
        Self { key: listed.into(), ended_at, ended }
    }
}

impl KeyHistory {
    pub(crate) fn new(user: UserId, keys: Vec<PastKey>) -> Self {
        Self { user, keys: keys.into_iter().map(Into::into).collect() }
    }
}

impl VerifiedShape {
    pub(crate) fn new(user: UserId, Verified { at, standing, key }: Verified) -> Self {
        Self { user, at, standing, key: key.map(Into::into) }
    }
}

impl Keys {
    pub(crate) fn new(user: UserId, listed: Vec<ListedKey>) -> Self {
        Self { user, keys: listed.into_iter().map(Into::into).collect() }
    }
}
