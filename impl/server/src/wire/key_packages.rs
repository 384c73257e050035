//! The shapes of publishing and withdrawing.

use std::collections::BTreeSet;

use kpd_directory::{KeyPackageRef, key_package::Role, publish::Published, withdraw::WithdrawnFate};
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
