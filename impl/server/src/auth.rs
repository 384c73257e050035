//! Who asks: HTTP Message Signatures (RFC 9421) made with a key on the requester's own list,
//! here or at its own server.

mod digest;
mod message;
mod nonces;

use axum::http::request::Parts;
use httpsig::prelude::{AlgorithmName, PublicKey, VerifyingKey as _};
use kpd_directory::{
    Requester, ServerName, SignatureKey, SignatureKeyId, SignatureScheme, UnixSeconds, UserId, state::ListedKey,
};

use crate::{
    auth::nonces::Nonces,
    clock,
    federation::{ResolveError, Resolver},
    seams::Seams,
    service::Directory,
};
use message::SignedMessage;

pub use message::Origin;

/// The author of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signer {
    /// The user, and which of its clients.
    pub(crate) requester: Requester,
    /// The key that signed.
    pub(crate) key: SignatureKeyId,
    /// The server on whose list the key is, where that is another one than this.
    pub(crate) vouched_by: Option<ServerName>,
}

/// Why a request is nobody's. The sentences help an author that made a mistake, and nobody to make a signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AuthFailure {
    #[error("this request has to be signed: Signature-Input and Signature are missing")]
    Missing,
    #[error("{0}")]
    Malformed(String),
    #[error("created at {created}, and here it is {now}: a signature is good for {window} seconds (Unix seconds)")]
    Stale { created: UnixSeconds, now: UnixSeconds, window: u64 },
    #[error("this nonce was used before")]
    Replayed,
    #[error("no such key on this user's list")]
    UnknownKey,
    #[error("the signature does not verify under this key and for this request")]
    Invalid,
    #[error("the body is not the one that Content-Digest speaks of")]
    DigestMismatch,
    #[error("the author of this request could not be looked up")]
    Unavailable,
    #[error("too many signed requests to remember their nonces")]
    Overloaded,
    #[error("what the server of this user says of its keys is not known: try again in {retry_after} seconds")]
    Unresolvable { retry_after: u64 },
    #[error("too many users of other servers are looked up at this moment")]
    TooManyLookups,
}

/// Where every signed request is checked.
#[derive(Debug)]
pub(crate) struct Gate {
    origin: Option<Origin>,
    window: u64,
    nonces: Nonces,
    federation: Option<(ServerName, Resolver)>,
}

impl Gate {
    pub(crate) fn new(origin: Option<Origin>, window_seconds: u64, federation: Option<(ServerName, Resolver)>) -> Self {
        Self { origin, window: window_seconds, nonces: Nonces::new(window_seconds), federation }
    }

    /// The scheme and authority under which the author of a request knows this server.
    pub(crate) fn origin(&self, head: &Parts) -> Option<Origin> {
        self.origin.clone().or_else(|| Origin::of(head))
    }

    /// The server that vouches for this user, where that is another one than this.
    pub(crate) fn vouching(&self, user: &UserId) -> Option<ServerName> {
        let (domain, _) = self.federation.as_ref()?;
        Some(user.server()).filter(|server| server != domain)
    }

    /// Finds out whose request this is.
    pub(crate) async fn signer(&self, directory: &Directory, head: &Parts, body: &[u8]) -> Result<Signer, AuthFailure> {
        let seams = directory.seams();
        let Some(message) = SignedMessage::of(head, self.origin.as_ref())? else {
            return (seams.anonymous)().ok_or(AuthFailure::Missing);
        };
        message.check_coverage(!body.is_empty())?;
        unless_forgiven(seams, digest::check(&head.headers, body))?;
        let now = clock::now();
        unless_forgiven(seams, self.check_fresh(&message, now))?;
        let (user, key) = author(message.keyid())?;
        let vouched_by = self.vouching(&user);
        let listed = match (&vouched_by, &self.federation) {
            (Some(_), Some((_, resolver))) => {
                resolver.listed_key(&user, &key, now).await.map_err(|error| match error {
                    ResolveError::Busy => AuthFailure::TooManyLookups,
                    // Which one it is, is not for strangers: they could look around here by it.
                    _ => AuthFailure::Unresolvable { retry_after: resolver.retry_after() },
                })?
            }
            _ => directory.listed_key(&user, &key).await.map_err(|_| AuthFailure::Unavailable)?,
        };
        let listed = listed.ok_or(AuthFailure::UnknownKey)?;
        unless_forgiven(seams, check_signature(&message, &listed))?;
        // Last, so that nobody but the key's holder can use a nonce up.
        unless_forgiven(seams, self.nonces.take(message.keyid(), message.nonce(), now))?;
        Ok(Signer { requester: Requester { user, client: listed.client }, key, vouched_by })
    }

    fn check_fresh(&self, message: &SignedMessage, now: UnixSeconds) -> Result<(), AuthFailure> {
        let created = message.created();
        let expired = message.expires().is_some_and(|expires| expires < now);
        if created.abs_diff(now) > self.window || expired {
            return Err(AuthFailure::Stale { created, now, window: self.window });
        }
        Ok(())
    }
}

impl AuthFailure {
    /// One word for programs.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed(_) => "malformed",
            Self::Stale { .. } => "stale",
            Self::Replayed => "replayed",
            Self::UnknownKey => "unknown-key",
            Self::Invalid => "invalid",
            Self::DigestMismatch => "digest-mismatch",
            Self::Unavailable => "unavailable",
            Self::Overloaded => "overloaded",
            Self::Unresolvable { .. } => "unresolvable",
            Self::TooManyLookups => "too-many-lookups",
        }
    }
}

fn unless_forgiven(seams: &Seams, checked: Result<(), AuthFailure>) -> Result<(), AuthFailure> {
    checked.or_else(|failure| if (seams.forgives)(&failure) { Ok(()) } else { Err(failure) })
}

/// `acct:bob@example.org#<signature key id>`.
fn author(keyid: &str) -> Result<(UserId, SignatureKeyId), AuthFailure> {
    let malformed = |why: &str| AuthFailure::Malformed(format!("keyid: {why}"));
    let (user, key) = keyid.rsplit_once('#').ok_or_else(|| malformed("a user, '#' and a signature key id"))?;
    let user = UserId::parse(user).map_err(|error| malformed(&error.to_string()))?;
    let key = SignatureKeyId::parse(key).map_err(|error| malformed(&error.to_string()))?;
    Ok((user, key))
}

fn check_signature(message: &SignedMessage, listed: &ListedKey) -> Result<(), AuthFailure> {
    let algorithm = algorithm(&listed.key);
    if message.alg().is_some_and(|alg| alg != algorithm.as_str()) {
        return Err(AuthFailure::Malformed(format!("alg is not the key's, which is {algorithm}")));
    }
    let key = PublicKey::from_bytes(&algorithm, listed.key.bytes()).map_err(|_| AuthFailure::Invalid)?;
    key.verify(message.base().as_bytes(), message.signature()).map_err(|_| AuthFailure::Invalid)
}

fn algorithm(key: &SignatureKey) -> AlgorithmName {
    match key.scheme() {
        SignatureScheme::Ed25519 => AlgorithmName::Ed25519,
        SignatureScheme::EcdsaP256 => AlgorithmName::EcdsaP256Sha256,
    }
}

/// What fuzzers look into.
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing {
    use super::{Parts, SignedMessage};

    /// The components that a signature covers, and the base that it is over.
    pub(crate) fn bases(head: &Parts) -> Option<(Vec<String>, String)> {
        let message = SignedMessage::of(head, None).ok().flatten()?;
        Some((message.covered().to_vec(), message.base().into()))
    }
}
