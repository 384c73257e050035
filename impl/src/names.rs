//! Identifiers and small values, each parsed once at the edge and a type of its own from there on.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// Seconds since 1970-01-01T00:00:00Z, as in the Lifetime of RFC 9420 §7.2.
pub type UnixSeconds = u64;

/// Why a name is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not {expected}")]
pub struct NameError {
    /// What was given, cut to 80 characters.
    given: String,
    /// What would be right.
    expected: &'static str,
}

impl NameError {
    fn new(given: &str, expected: &'static str) -> Self {
        Self { given: given.chars().take(80).collect(), expected }
    }
}

macro_rules! text_name {
    ($(#[$doc:meta])* $name:ident, $valid:expr, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// Reads one.
            ///
            /// # Errors
            ///
            /// Says what was given and what would be right.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(Self(text.into())) } else { Err(NameError::new(text, $expected)) }
            }

            /// As text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_name!(
    /// A user as an `acct:` URI (RFC 7565): the identity that a basic credential claims.
    UserId,
    |text| {
        let Some((local, host)) = text.strip_prefix("acct:").and_then(|rest| rest.split_once('@')) else { return false };
        let local_ok = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=".contains(c);
        (1..=64).contains(&local.len()) && local.chars().all(local_ok) && is_host(host)
    },
    "a user such as acct:alice@example.org (at most 64 characters before the @; the host in lower case)"
);

text_name!(
    /// A server: the host in the names of its users.
    ServerName,
    is_host,
    "a server such as example.org (in lower case)"
);

fn is_host(text: &str) -> bool {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.:".contains(c);
    (1..=253).contains(&text.len()) && text.chars().all(valid)
}

impl UserId {
    /// The server that vouches for this user: what follows the `@`.
    #[must_use]
    pub fn server(&self) -> ServerName {
        ServerName(self.0.rsplit('@').next().unwrap_or_default().into())
    }
}

text_name!(
    /// The name of one client among its user's clients.
    ClientName,
    |text| (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._".contains(c)),
    "a client name: 1 to 64 of a-z, 0-9, '-', '.', '_'"
);

text_name!(
    /// What makes the repetition of a claim recognisable; chosen by the requester.
    IdempotencyKey,
    |text| (1..=128).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic()),
    "an idempotency key: 1 to 128 printable ASCII characters without spaces"
);

/// A cipher suite (RFC 9420 §17.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CipherSuite(pub u16);

impl fmt::Display for CipherSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x}", self.0)
    }
}

macro_rules! digest_name {
    ($(#[$doc:meta])* $name:ident, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        /// As text where people read it, as bytes where a store does.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.serialize(serializer) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
                } else {
                    <[u8; 32]>::deserialize(deserializer).map(Self)
                }
            }
        }

        impl $name {
            /// Reads its base64url form.
            ///
            /// # Errors
            ///
            /// Says what was given and what would be right.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok();
                let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
                bytes.map(Self).ok_or_else(|| NameError::new(text, $expected))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&BASE64URL_NOPAD.encode(&self.0))
            }
        }
    };
}

digest_name!(
    /// The KeyPackageRef (RFC 9420 §5.2) of the bare bytes. Computed, never accepted as the name of what is published.
    KeyPackageRef,
    "a KeyPackageRef: 43 characters of base64url without padding"
);

digest_name!(
    /// The name of a signature key: SHA-256 over scheme and public key.
    SignatureKeyId,
    "a signature key id: 43 characters of base64url without padding"
);

impl KeyPackageRef {
    /// `RefHash("MLS 1.0 KeyPackage Reference", bytes)` with SHA-256, which is the hash of suites 1, 2 and 3.
    pub(crate) fn of(bare: &[u8]) -> Self {
        Self(sha256(&[&mls_vector(b"MLS 1.0 KeyPackage Reference"), &mls_vector(bare)]))
    }
}

/// A byte string behind its variable-size length (RFC 9420 §2.1.2).
pub(crate) fn mls_vector(bytes: &[u8]) -> Vec<u8> {
    use tls_codec::Serialize as _;
    // A KeyPackage is limited to far less than the 2^30 bytes at which this encoding ends.
    tls_codec::VLByteSlice(bytes).tls_serialize_detached().unwrap_or_default()
}

pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// A signature key of one client: the public half.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SignatureKey {
    scheme: SignatureScheme,
    bytes: Box<[u8]>,
}

/// The signature schemes of the supported cipher suites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureScheme {
    /// Suites 1 and 3: 32 bytes.
    Ed25519,
    /// Suite 2: 65 bytes, an uncompressed point.
    EcdsaP256,
}

impl SignatureScheme {
    /// The scheme of a suite, where the suite is supported.
    #[must_use]
    pub fn of(suite: CipherSuite) -> Option<Self> {
        match suite.0 {
            1 | 3 => Some(Self::Ed25519),
            2 => Some(Self::EcdsaP256),
            _ => None,
        }
    }
}

impl SignatureKey {
    /// A public key of the right length for its scheme.
    ///
    /// # Errors
    ///
    /// Says what the length should be.
    pub fn new(scheme: SignatureScheme, bytes: &[u8]) -> Result<Self, NameError> {
        let (right, expected) = match scheme {
            SignatureScheme::Ed25519 => (bytes.len() == 32, "an Ed25519 public key: 32 bytes"),
            SignatureScheme::EcdsaP256 => {
                (bytes.len() == 65 && bytes[0] == 4, "a P-256 public key: 65 bytes, an uncompressed point (0x04 …)")
            }
        };
        if right {
            Ok(Self { scheme, bytes: bytes.into() })
        } else {
            Err(NameError::new(&format!("{} bytes", bytes.len()), expected))
        }
    }

    /// Its scheme.
    #[must_use]
    pub fn scheme(&self) -> SignatureScheme {
        self.scheme
    }

    /// The public key.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> SignatureKeyId {
        let scheme: &[u8] = match self.scheme {
            SignatureScheme::Ed25519 => b"ed25519:",
            SignatureScheme::EcdsaP256 => b"ecdsa_p256:",
        };
        SignatureKeyId(sha256(&[scheme, &self.bytes]))
    }
}

/// Who asks: an authenticated client of a user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Requester {
    /// The user.
    pub user: UserId,
    /// Which of the user's clients.
    pub client: ClientName,
}
