//! Why an operation was refused: a closed set, in which a coarse server can answer with a class.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident $class:ident,)*) => {
        /// Why an operation was refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Reason { $($(#[$doc])* $name,)* }

        impl Reason {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The class of reasons that a server without finer words gives for this one.
            #[must_use]
            pub fn class(self) -> Self {
                match self { $(Self::$name => Self::$class,)* }
            }
        }
    };
}

reasons! {
    /// For any reason: only what follows matters.
    Any Any,
    /// The KeyPackage, or the batch, is not acceptable; the server does not say why.
    Invalid Invalid,
    /// Not a KeyPackage.
    Malformed Invalid,
    /// Of an unknown protocol version.
    UnsupportedVersion Invalid,
    /// Of a suite that is not served.
    UnsupportedCipherSuite Invalid,
    /// Not made for a KeyPackage.
    WrongLeafNodeSource Invalid,
    /// A signature does not verify.
    InvalidSignature Invalid,
    /// The init key is the encryption key.
    KeysEqual Invalid,
    /// An extension is not in the capabilities.
    UnlistedExtension Invalid,
    /// The credential's type is not in the capabilities.
    UnlistedCredential Invalid,
    /// A credential that is not basic.
    UnsupportedCredential Invalid,
    /// Not valid yet.
    NotYetValid Invalid,
    /// No longer valid.
    Expired Invalid,
    /// Valid for too long.
    LifetimeTooLong Invalid,
    /// Of another identity.
    IdentityMismatch Invalid,
    /// Signed by a key that is not listed for this client.
    SignerNotListed Invalid,
    /// Marked otherwise than declared.
    RoleContradicted Invalid,
    /// Two last resorts of one suite.
    TwoLastResorts Invalid,
    /// Granted, withdrawn or replaced before.
    AlreadyUsed Invalid,
    /// The init key came before.
    InitKeyReused Invalid,
    /// The init key has the other role.
    RoleConflict Invalid,
    /// Too large a package.
    TooLarge Invalid,
    /// Too many in one batch.
    BatchTooLarge Invalid,
    /// Too many in stock.
    StockFull Invalid,
    /// From before the moment at which a restored directory began to serve again.
    BeforeFence Invalid,
    /// An expiry that does not lie after the one before.
    ExpiryNotForward Invalid,
    /// The signature key has expired, or was removed.
    KeyEnded Invalid,
    /// Not authenticated.
    Unauthenticated Unauthenticated,
    /// Authenticated, but not allowed.
    Forbidden Forbidden,
    /// No such user.
    UnknownUser UnknownUser,
    /// No such client.
    UnknownClient UnknownClient,
    /// The idempotency key belongs to another question.
    IdempotencyMismatch IdempotencyMismatch,
    /// Too many requests.
    RateLimited RateLimited,
    /// Not by this HTTP method.
    MethodNotAllowed MethodNotAllowed,
    /// The signature key is another client's.
    KeyTaken KeyTaken,
    /// The holder of the signature key did not prove that it holds it.
    InvalidProof InvalidProof,
    /// No such signature key.
    UnknownKey UnknownKey,
    /// The join failed: the owner has no private half for this package any more.
    NoMatchingKeyPackage NoMatchingKeyPackage,
}

impl Reason {
    /// Whether this observed reason serves where `expected` is asked for.
    #[must_use]
    pub fn serves(self, expected: Self) -> bool {
        expected == Self::Any || self == expected || self == expected.class()
    }
}
