//! From uploaded bytes to a verified KeyPackage; only the latter can be published.
//!
//! openmls validates (RFC 9420 §10.1), and this module adds what openmls leaves open: the suite is told apart from
//! malformed bytes, lifetimes are judged at the directory's `now` and against its maximum, and the credential's type and
//! the leaf's extensions must be in the leaf's capabilities. What is stored, hashed and granted are the uploaded bytes,
//! without the MLSMessage frame where one came (`PUB-ENCODING`).

mod reader;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use openmls::prelude::{
    KeyPackageIn, KeyPackageVerifyError, ProtocolVersion,
    tls_codec::{self, Deserialize as _},
};
use openmls_rust_crypto::RustCrypto;
use serde::{Deserialize, Serialize};

use crate::{
    capabilities::Capabilities,
    names::{CipherSuite, KeyPackageRef, SignatureKey, SignatureScheme, UnixSeconds, sha256},
    policy::Policy,
};

pub use reader::Reading;

/// Bytes that claim to be a KeyPackage; nothing about them was checked.
#[derive(Clone, Debug)]
pub struct UnverifiedKeyPackage {
    bytes: Vec<u8>,
}

/// A KeyPackage whose bytes, signatures, capabilities and lifetime were checked.
///
/// Whether its identity and its signer are its owner's, and whether it is fresh, is for
/// [`publish`](crate::UserState::publish) to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPackage {
    facts: Facts,
    identity: Vec<u8>,
}

/// What a directory remembers of a KeyPackage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Computed over the bare bytes (RFC 9420 §5.2).
    pub reference: KeyPackageRef,
    /// SHA-256 of the init key: what must never come twice (`PUB-FRESH`).
    pub init_key_digest: [u8; 32],
    /// Its cipher suite.
    pub suite: CipherSuite,
    /// Regular or last resort, as marked in the KeyPackage itself (`LAST-MARKED`).
    pub role: Role,
    /// What its leaf says that the client can do. No longer than the bytes that it was read from.
    pub capabilities: Capabilities,
    /// The signature key in its leaf.
    pub signer: SignatureKey,
    /// Valid from this second on.
    pub not_before: UnixSeconds,
    /// No longer valid from this second on.
    pub not_after: UnixSeconds,
    /// The bare bytes as they were uploaded.
    pub bytes: Arc<[u8]>,
}

/// The two roles of a KeyPackage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Good for one group, once.
    Regular,
    /// Granted, and kept, when nothing else is left (RFC 9420 §16.8).
    LastResort,
}

/// What is wrong with the KeyPackage itself. Always the publisher's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the sentence of a variant speaks of its fields")]
pub enum KeyPackageFlaw {
    /// `PUB-LIMITS`.
    #[error("{bytes} bytes, where at most {max} are accepted")]
    TooLarge { bytes: usize, max: usize },
    /// `PUB-WELL-FORMED`: not exactly one KeyPackage, with nothing left over.
    #[error("not a KeyPackage: {why}")]
    Malformed { why: String },
    /// `PUB-WELL-FORMED`.
    #[error("protocol version {found:#06x}, where mls10 (0x0001) is the only one")]
    UnsupportedVersion { found: u16 },
    /// `PUB-ENCODING`: the frame and the KeyPackage inside disagree.
    #[error("the MLSMessage says version {frame:#06x}, the KeyPackage inside {inside:#06x}")]
    VersionsDiffer { frame: u16, inside: u16 },
    /// `PUB-WELL-FORMED`: well-formed perhaps, but of a suite that is not served here.
    #[error("cipher suite {found}, where only {} are accepted", list(supported))]
    UnsupportedCipherSuite { found: CipherSuite, supported: Vec<CipherSuite> },
    /// `PUB-WELL-FORMED`: a leaf node of another source than key_package.
    #[error("leaf_node_source is {found}, where key_package (1) is required")]
    WrongLeafNodeSource { found: u8 },
    /// `PUB-WELL-FORMED`.
    #[error("the LeafNode's signature does not verify under its signature_key")]
    InvalidLeafNodeSignature,
    /// `PUB-WELL-FORMED`.
    #[error("the KeyPackage's signature does not verify under leaf_node.signature_key")]
    InvalidSignature,
    /// `PUB-KEYS-DIFFER`.
    #[error("init_key equals leaf_node.encryption_key")]
    InitKeyEqualsEncryptionKey,
    /// `PUB-CAPABILITIES`.
    #[error("extension type {extension:#06x} is used, but not in leaf_node.capabilities.extensions")]
    UnlistedExtension { extension: u16 },
    /// `PUB-CAPABILITIES`.
    #[error("credential type {credential:#06x} is used, but not in leaf_node.capabilities.credentials")]
    UnlistedCredential { credential: u16 },
    /// `PUB-IDENTITY`: only a basic credential names its identity in a way that can be compared here.
    #[error("credential type {found:#06x}, where basic (0x0001) is the only one that is accepted")]
    UnsupportedCredential { found: u16 },
    /// `PUB-LIFETIME`.
    #[error("valid only from {not_before}, and now it is {now} (Unix seconds; clocks may differ by {skew})")]
    NotYetValid { not_before: UnixSeconds, now: UnixSeconds, skew: u64 },
    /// `PUB-LIFETIME`.
    #[error("valid only until {not_after}, and now it is {now} (Unix seconds)")]
    Expired { not_after: UnixSeconds, now: UnixSeconds },
    /// `PUB-LIFETIME`.
    #[error("valid for {seconds} seconds, where at most {max} are accepted")]
    LifetimeTooLong { seconds: u64, max: u64 },
}

impl UnverifiedKeyPackage {
    /// Takes the bytes of a KeyPackage, or of an MLSMessage with a KeyPackage in it.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// Checks everything that can be checked without knowing the owner. About 0.1 ms for Ed25519, 0.7 ms for P-256.
    ///
    /// # Errors
    ///
    /// The first flaw found; the bytes come first, then the suite, the signatures, the capabilities, the lifetime.
    pub fn verify(&self, policy: &Policy, now: UnixSeconds) -> Result<KeyPackage, KeyPackageFlaw> {
        let bare = reader::unframed(&self.bytes)?;
        let (bytes, max) = (bare.len(), policy.key_package_bytes_max);
        if bytes > max {
            return Err(KeyPackageFlaw::TooLarge { bytes, max });
        }
        let suite = reader::suite(bare)?;
        if !policy.cipher_suites.contains(&suite) {
            let supported = policy.cipher_suites.clone();
            return Err(KeyPackageFlaw::UnsupportedCipherSuite { found: suite, supported });
        }
        let reading = Reading::of(bare)?;
        validate_with_openmls(bare)?;
        reading.check_capabilities()?;
        check_lifetime(&reading, policy, now)?;
        reading.facts(bare).map(|facts| KeyPackage { facts, identity: reading.identity().to_vec() })
    }
}

impl KeyPackage {
    /// What a directory remembers of it.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The identity that its basic credential claims.
    #[must_use]
    pub fn identity(&self) -> &[u8] {
        &self.identity
    }
}

/// openmls judges the extensions last but one and the lifetime last: when it objects to one of these, all before is well.
///
/// Both are left to us: the lifetime because openmls reads the system's clock, the extensions because openmls 0.9.2 does
/// not find a listed GREASE extension in the capabilities (openmls#2156).
fn validate_with_openmls(bare: &[u8]) -> Result<(), KeyPackageFlaw> {
    let malformed = |error: tls_codec::Error| KeyPackageFlaw::Malformed { why: error.to_string() };
    let parsed = KeyPackageIn::tls_deserialize_exact(bare).map_err(malformed)?;
    match parsed.validate(&RustCrypto::default(), ProtocolVersion::Mls10) {
        Ok(_) | Err(KeyPackageVerifyError::UnsupportedExtension | KeyPackageVerifyError::LifetimeError(_)) => Ok(()),
        Err(KeyPackageVerifyError::InvalidLeafNodeSignature) => Err(KeyPackageFlaw::InvalidLeafNodeSignature),
        Err(KeyPackageVerifyError::InvalidSignature) => Err(KeyPackageFlaw::InvalidSignature),
        Err(KeyPackageVerifyError::InitKeyEqualsEncryptionKey) => Err(KeyPackageFlaw::InitKeyEqualsEncryptionKey),
        Err(other) => Err(KeyPackageFlaw::Malformed { why: other.to_string() }),
    }
}

fn check_lifetime(reading: &Reading, policy: &Policy, now: UnixSeconds) -> Result<(), KeyPackageFlaw> {
    let (not_before, not_after) = reading.lifetime();
    if not_before > now.saturating_add(policy.clock_skew_seconds) {
        return Err(KeyPackageFlaw::NotYetValid { not_before, now, skew: policy.clock_skew_seconds });
    }
    // A lifetime that ends before it begins is over at every moment.
    if not_after <= now || not_after <= not_before {
        return Err(KeyPackageFlaw::Expired { not_after, now });
    }
    let seconds = not_after.saturating_sub(not_before);
    if seconds > policy.lifetime_seconds_max {
        return Err(KeyPackageFlaw::LifetimeTooLong { seconds, max: policy.lifetime_seconds_max });
    }
    Ok(())
}

impl Reading {
    /// What a directory remembers of the KeyPackage that was read from these bare bytes.
    ///
    /// # Errors
    ///
    /// Where the suite or the length of the signature key is none that a directory could serve.
    pub fn facts(&self, bare: &[u8]) -> Result<Facts, KeyPackageFlaw> {
        let (not_before, not_after) = self.lifetime();
        let scheme = SignatureScheme::of(self.suite());
        let malformed = |why: String| KeyPackageFlaw::Malformed { why };
        let scheme = scheme.ok_or_else(|| malformed("no signature scheme is known for its suite".into()))?;
        let signer = SignatureKey::new(scheme, self.signature_key()).map_err(|error| malformed(error.to_string()))?;
        Ok(Facts {
            reference: KeyPackageRef::of(bare),
            init_key_digest: sha256(&[self.init_key()]),
            suite: self.suite(),
            role: self.role(),
            capabilities: self.capabilities(),
            signer,
            not_before,
            not_after,
            bytes: bare.into(),
        })
    }
}

fn list(suites: &[CipherSuite]) -> String {
    suites.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
