//! The shapes of publishing and withdrawing.

use std::collections::BTreeSet;

use data_encoding::BASE64URL_NOPAD;
use kpd_directory::{
    CipherSuite, KeyPackageRef,
    key_package::Role,
    publish::{Published, Replaced},
    reconcile::{Inventory, PackageState},
    withdraw::WithdrawnFate,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    seams::Fates,
    wire::{Base64, Object},
};

/// A batch to be published.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Publish {
    #[schema(value_type = Vec<PublishItem>)]
    pub(crate) key_packages: Vec<Object<PublishItem>>,
}

/// One KeyPackage of a batch.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PublishItem {
    /// Bare, or in an MLSMessage.
    pub(crate) key_package: Base64,
    /// Read from the KeyPackage where it is left out; an error where it contradicts the KeyPackage.
    #[schema(value_type = Option<RoleShape>)]
    pub(crate) role: Option<Role>,
}

/// The roles of a KeyPackage.
#[derive(ToSchema)]
#[schema(as = Role, rename_all = "snake_case")]
#[expect(dead_code, reason = "the document's name for a type of the core, which does not know the document")]
pub(crate) enum RoleShape {
    Regular,
    LastResort,
}

/// A batch that was published.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PublishedShape {
    accepted: usize,
    key_packages: Vec<PublishedItem>,
}

/// One KeyPackage of a batch that was published.
#[derive(Debug, Serialize, ToSchema)]
struct PublishedItem {
    #[schema(value_type = String)]
    reference: KeyPackageRef,
    /// Not where it was available already.
    new: bool,
}

impl From<Published> for PublishedShape {
    fn from(published: Published) -> Self {
        let items = published.items.into_iter().map(|(reference, new)| PublishedItem { reference, new });
        let key_packages: Vec<_> = items.collect();
        Self { accepted: key_packages.len(), key_packages }
    }
}

/// A batch that took the place of the rest.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Replaced)]
pub(crate) struct ReplacedShape {
    accepted: usize,
    /// How many were available until now, and are not in the batch.
    withdrawn: usize,
    key_packages: Vec<PublishedItem>,
}

impl From<Replaced> for ReplacedShape {
    fn from(replaced: Replaced) -> Self {
        let withdrawn = replaced.withdrawn.len();
        let PublishedShape { accepted, key_packages } = Published { items: replaced.items }.into();
        Self { accepted, withdrawn, key_packages }
    }
}

/// A client's KeyPackages that are remembered: at least until their lifetime has ended.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Inventory)]
pub(crate) struct InventoryShape {
    /// SHA-256 in base64url without padding, over a line for each of `key_packages` in their order: the reference, a
    /// space, the state, a line feed.
    digest: String,
    /// In the order of the bytes of their references.
    key_packages: Vec<KeptShape>,
}

/// One of them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Kept)]
struct KeptShape {
    #[schema(value_type = String)]
    reference: KeyPackageRef,
    #[schema(value_type = u16)]
    cipher_suite: CipherSuite,
    #[schema(value_type = RoleShape)]
    role: Role,
    #[schema(value_type = PackageStateShape)]
    state: PackageState,
}

/// What has become of a KeyPackage: the first that applies. A last resort that was granted is `available` still.
#[derive(ToSchema)]
#[schema(as = PackageState, rename_all = "snake_case")]
#[expect(dead_code, reason = "the document's name for a type of the core, which does not know the document")]
enum PackageStateShape {
    Granted,
    Withdrawn,
    Revoked,
    Expired,
    Available,
}

impl InventoryShape {
    pub(crate) fn new(inventory: Inventory, digest: [u8; 32]) -> Self {
        let packages = inventory.packages.into_iter().map(|kept| KeptShape {
            reference: kept.reference,
            cipher_suite: kept.suite,
            role: kept.role,
            state: kept.state,
        });
        Self { digest: BASE64URL_NOPAD.encode(&digest), key_packages: packages.collect() }
    }
}

/// KeyPackages to be withdrawn.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Withdraw {
    #[schema(value_type = Vec<String>)]
    pub(crate) references: BTreeSet<KeyPackageRef>,
}

/// What became of KeyPackages that their owner wanted back.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Withdrawn {
    key_packages: Vec<WithdrawnItem>,
}

/// What became of one.
#[derive(Debug, Serialize, ToSchema)]
struct WithdrawnItem {
    #[schema(value_type = String)]
    reference: KeyPackageRef,
    state: WithdrawnState,
}

/// What became of it: `already_granted` if a claim was first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum WithdrawnState {
    Withdrawn,
    AlreadyGranted,
    Unknown,
}

impl From<Fates> for Withdrawn {
    fn from(fates: Fates) -> Self {
        let state = |fate| match fate {
            WithdrawnFate::Withdrawn => WithdrawnState::Withdrawn,
            WithdrawnFate::AlreadyGranted => WithdrawnState::AlreadyGranted,
            WithdrawnFate::Unknown => WithdrawnState::Unknown,
        };
        let items = fates.into_iter().map(|(reference, fate)| WithdrawnItem { reference, state: state(fate) });
        Self { key_packages: items.collect() }
    }
}
