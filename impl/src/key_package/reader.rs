//! A reader of the KeyPackage structure (RFC 9420 §7.2, §10) for what openmls keeps to itself before it validates.
//!
//! It reads, and judges nothing but capabilities. Every package that the directory accepts was also read by openmls,
//! and a test holds the two against each other.

use tls_codec::{Deserialize as _, TlsDeserialize, TlsSize, VLByteVec};

use crate::{
    capabilities::{self, DEFAULT_EXTENSIONS},
    key_package::{KeyPackageFlaw, Role},
    names::{CipherSuite, UnixSeconds},
};

/// Version and wire format in front of a KeyPackage in an MLSMessage (RFC 9420 §6).
const FRAME_BYTES: usize = 4;

const MLS10: u16 = 1;
const MLS_KEY_PACKAGE: u16 = 5;
const SOURCE_KEY_PACKAGE: u8 = 1;
const CREDENTIAL_BASIC: u16 = 1;
/// The extension that implementations ship (draft-ietf-mls-extensions-04).
const LAST_RESORT: u16 = 0x000a;
/// The dictionary that the current draft puts a component into instead.
const APP_DATA_DICTIONARY: u16 = 0x0006;
const LAST_RESORT_COMPONENT: u16 = 0x0004;

/// A KeyPackage's fields as they stand in its bytes.
#[derive(Clone, Debug)]
pub struct Reading {
    wire: KeyPackage,
}

/// The bare KeyPackage: without the MLSMessage frame, where there is one.
///
/// `0001 0005 0001` begins an MLSMessage with a KeyPackage of version mls10 in it; a bare KeyPackage of suite 0x0005
/// goes on with the length of its init key, which is never 0x0001.
pub(super) fn unframed(bytes: &[u8]) -> Result<&[u8], KeyPackageFlaw> {
    match words(bytes) {
        (Some(version), Some(MLS_KEY_PACKAGE), Some(inside)) if inside <= 0xff => {
            if version == inside {
                Ok(&bytes[FRAME_BYTES..])
            } else {
                Err(KeyPackageFlaw::VersionsDiffer { frame: version, inside })
            }
        }
        _ => Ok(bytes),
    }
}

/// The suite of a bare KeyPackage, read before anything that could fail for another reason.
pub(super) fn suite(bare: &[u8]) -> Result<CipherSuite, KeyPackageFlaw> {
    match words(bare) {
        (Some(MLS10), Some(suite), _) => Ok(CipherSuite(suite)),
        (Some(found), Some(_), _) => Err(KeyPackageFlaw::UnsupportedVersion { found }),
        _ => Err(KeyPackageFlaw::Malformed { why: format!("only {} bytes", bare.len()) }),
    }
}

fn words(bytes: &[u8]) -> (Option<u16>, Option<u16>, Option<u16>) {
    let word = |at: usize| Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
    (word(0), word(2), word(4))
}

impl Reading {
    /// Reads exactly one KeyPackage.
    ///
    /// # Errors
    ///
    /// `Malformed` or `WrongLeafNodeSource`.
    pub fn of(bare: &[u8]) -> Result<Self, KeyPackageFlaw> {
        let malformed = |error: tls_codec::Error| KeyPackageFlaw::Malformed { why: error.to_string() };
        // Not `DeserializeBytes`: that of tls_codec 0.5.0 panics on bytes that end early, where debug assertions are on.
        let mut rest = bare;
        let head = Head::tls_deserialize(&mut rest).map_err(malformed)?;
        if head.source != SOURCE_KEY_PACKAGE {
            return Err(KeyPackageFlaw::WrongLeafNodeSource { found: head.source });
        }
        let tail = Tail::tls_deserialize_exact(rest).map_err(malformed)?;
        Ok(Self { wire: KeyPackage { head, tail } })
    }

    /// The cipher suite.
    #[must_use]
    pub fn suite(&self) -> CipherSuite {
        CipherSuite(self.wire.head.suite)
    }

    /// The init key.
    #[must_use]
    pub fn init_key(&self) -> &[u8] {
        self.wire.head.init_key.as_slice()
    }

    /// The leaf's signature key.
    #[must_use]
    pub fn signature_key(&self) -> &[u8] {
        self.wire.head.signature_key.as_slice()
    }

    /// The identity of a basic credential; of another one, its whole content.
    #[must_use]
    pub fn identity(&self) -> &[u8] {
        self.wire.head.credential.as_slice()
    }

    /// `not_before` and `not_after`.
    #[must_use]
    pub fn lifetime(&self) -> (UnixSeconds, UnixSeconds) {
        (self.wire.tail.not_before, self.wire.tail.not_after)
    }

    /// What the leaf says that its client can do.
    #[must_use]
    pub fn capabilities(&self) -> capabilities::Capabilities {
        let Capabilities { extensions, proposals, credentials, .. } = &self.wire.head.capabilities;
        let [extensions, proposals, credentials] =
            [extensions, proposals, credentials].map(|list| list.iter().copied());
        capabilities::Capabilities::new(extensions, proposals, credentials)
    }

    /// The role that the KeyPackage marks itself with, in either encoding (`LAST-MARKED`).
    #[must_use]
    pub fn role(&self) -> Role {
        let marked = self.wire.tail.extensions.iter().any(|extension| match extension.kind {
            LAST_RESORT => true,
            APP_DATA_DICTIONARY => Vec::<Component>::tls_deserialize_exact(extension.data.as_slice())
                .is_ok_and(|components| components.iter().any(|component| component.id == LAST_RESORT_COMPONENT)),
            _ => false,
        });
        if marked { Role::LastResort } else { Role::Regular }
    }

    /// `PUB-CAPABILITIES`: every extension and the credential's type are in the leaf's capabilities.
    ///
    /// # Errors
    ///
    /// The first type that is not.
    pub(super) fn check_capabilities(&self) -> Result<(), KeyPackageFlaw> {
        let Head { credential_type, capabilities, .. } = &self.wire.head;
        let used = self.wire.tail.extensions.iter().chain(&self.wire.tail.leaf_extensions);
        let unlisted = used
            .map(|extension| extension.kind)
            .find(|kind| !DEFAULT_EXTENSIONS.contains(kind) && !capabilities.extensions.contains(kind));
        if let Some(extension) = unlisted {
            return Err(KeyPackageFlaw::UnlistedExtension { extension });
        }
        if !capabilities.credentials.contains(credential_type) {
            return Err(KeyPackageFlaw::UnlistedCredential { credential: *credential_type });
        }
        if *credential_type != CREDENTIAL_BASIC {
            return Err(KeyPackageFlaw::UnsupportedCredential { found: *credential_type });
        }
        Ok(())
    }
}

#[derive(Clone, Debug)]
struct KeyPackage {
    head: Head,
    tail: Tail,
}

/// Up to and including `leaf_node_source`, which decides what follows.
#[derive(Clone, Debug, TlsDeserialize, TlsSize)]
struct Head {
    _version: u16,
    suite: u16,
    init_key: VLByteVec,
    _encryption_key: VLByteVec,
    signature_key: VLByteVec,
    credential_type: u16,
    /// One vector for every type known today: the identity of basic, the chain of x509.
    credential: VLByteVec,
    capabilities: Capabilities,
    source: u8,
}

#[derive(Clone, Debug, TlsDeserialize, TlsSize)]
struct Capabilities {
    _versions: Vec<u16>,
    _cipher_suites: Vec<u16>,
    extensions: Vec<u16>,
    proposals: Vec<u16>,
    credentials: Vec<u16>,
}

/// What follows a `leaf_node_source` of key_package.
#[derive(Clone, Debug, TlsDeserialize, TlsSize)]
struct Tail {
    not_before: u64,
    not_after: u64,
    leaf_extensions: Vec<Extension>,
    _leaf_signature: VLByteVec,
    extensions: Vec<Extension>,
    _signature: VLByteVec,
}

#[derive(Clone, Debug, TlsDeserialize, TlsSize)]
struct Extension {
    kind: u16,
    data: VLByteVec,
}

/// A `ComponentData` of the AppDataDictionary.
#[derive(Clone, Debug, TlsDeserialize, TlsSize)]
struct Component {
    id: u16,
    _data: VLByteVec,
}
