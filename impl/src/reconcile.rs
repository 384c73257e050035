//! What an owner compares its key store with: all its KeyPackages that the directory remembers, and a digest over them.

use serde::{Deserialize, Serialize};

use crate::{
    feed::FeedError,
    key_package::Role,
    names::{CipherSuite, ClientName, KeyPackageRef, UnixSeconds, sha256},
    state::{Fate, UserState},
};

/// A client's KeyPackages (`NOTE-RECONCILE`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// Each that is remembered, in the order of the bytes of their references.
    pub packages: Vec<Kept>,
}

/// One of a client's KeyPackages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Which.
    pub reference: KeyPackageRef,
    /// Its suite.
    pub suite: CipherSuite,
    /// Its role.
    pub role: Role,
    /// What has become of it.
    pub state: PackageState,
}

/// What has become of a KeyPackage: the first that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackageState {
    /// Consumed by a grant. A last resort is not.
    Granted,
    /// Taken back by its owner, or replaced.
    Withdrawn,
    /// The key that signed it was removed or has expired.
    Revoked,
    /// Its lifetime has ended.
    Expired,
    /// It can be granted, or will be when its lifetime begins.
    Available,
}

impl PackageState {
    /// As text, in the digest and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Withdrawn => "withdrawn",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Available => "available",
        }
    }
}

impl Inventory {
    /// SHA-256 over a line `reference state` for each, in their order; each line ends with a line feed, the reference is
    /// in base64url. A client that computes the same over what it has needs to compare nothing else.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let lines = self.packages.iter().map(|kept| format!("{} {}\n", kept.reference, kept.state.as_str()));
        sha256(&[lines.collect::<String>().as_bytes()])
    }
}

impl UserState {
    /// Lists a client's KeyPackages; reading changes nothing.
    ///
    /// # Errors
    ///
    /// `UnknownClient`.
    pub fn inventory(&self, now: UnixSeconds, name: &ClientName) -> Result<Inventory, FeedError> {
        let client = self.client(now, name).ok_or(FeedError::UnknownClient)?;
        let listed = self.listed_keys(now);
        let packages = client.packages.values().map(|record| Kept {
            reference: record.facts.reference,
            suite: record.facts.suite,
            role: record.facts.role,
            state: match record.fate {
                Fate::Granted => PackageState::Granted,
                Fate::Withdrawn => PackageState::Withdrawn,
                Fate::Available if !listed.contains(&record.signer) => PackageState::Revoked,
                Fate::Available if record.facts.not_after <= now => PackageState::Expired,
                Fate::Available => PackageState::Available,
            },
        });
        Ok(Inventory { packages: packages.collect() })
    }
}
