//! Identifiers: small numbers, ordered, each a type of its own; whoever drives the model keeps the table to real names.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

name!(
    /// A person or actor with clients.
    User, "user"
);
name!(
    /// One device's MLS client.
    Client, "client"
);
name!(
    /// One KeyPackage, as its bytes: identical bytes are the same package.
    Package, "p"
);
name!(
    /// The HPKE init key inside a KeyPackage (RFC 9420 §10).
    InitKey, "init"
);
name!(
    /// A signature key on a user's list.
    Key, "key"
);
name!(
    /// A cipher suite (RFC 9420 §17.1).
    Suite, "suite"
);
name!(
    /// A capability in a leaf that a group can require: an extension, a proposal or a credential (RFC 9420 §7.2).
    Feature, "feature"
);
name!(
    /// Who asks: an authenticated client.
    Requester, "r"
);
name!(
    /// Another directory's server, which vouches for requesters.
    Server, "server"
);
name!(
    /// The idempotency key of a claim, chosen by its requester.
    ClaimKey, "c"
);

/// The capabilities of these types of extensions, proposals and credentials, without those that every client has and
/// none lists (RFC 9420 §7.2).
pub fn features(
    extensions: impl IntoIterator<Item = u16>,
    proposals: impl IntoIterator<Item = u16>,
    credentials: impl IntoIterator<Item = u16>,
) -> BTreeSet<Feature> {
    let extensions = extensions.into_iter().filter(|kind| !(1..=5).contains(kind)).map(|kind| (0x1_0000, kind));
    let proposals = proposals.into_iter().filter(|kind| !(1..=7).contains(kind)).map(|kind| (0x2_0000, kind));
    let credentials = credentials.into_iter().map(|kind| (0x3_0000, kind));
    extensions.chain(proposals).chain(credentials).map(|(of, kind)| Feature(of + u32::from(kind))).collect()
}

/// Seconds on the model's clock; they pass only by `Op::Tick`.
pub type Time = u64;

/// The place of a notification in its client's feed, from 1.
pub type Sequence = u64;
