//! The core's names in the model's: bytes, references and texts become small numbers.

use kpd_directory::{
    KeyPackageRef,
    key_package::{KeyPackageFlaw, Role},
    publish::ItemFault,
};
use kpd_model::{
    history::{Facts, Role as ModelRole},
    names::{Client, InitKey, Key, Package, Requester, Suite, User, features},
    spec::Reason,
};

use crate::support::world::{self, ASKERS, CLIENTS, KEY_NAMES, PACKAGES, Who};

/// What the model calls the fault of an item.
pub(crate) fn reason(fault: &ItemFault) -> Reason {
    match fault {
        ItemFault::Flaw(KeyPackageFlaw::Expired { .. }) => Reason::Expired,
        ItemFault::Flaw(KeyPackageFlaw::NotYetValid { .. }) => Reason::NotYetValid,
        ItemFault::Flaw(KeyPackageFlaw::LifetimeTooLong { .. }) => Reason::LifetimeTooLong,
        // To the model, what belongs to another user is signed by a key that is not on this client's list.
        ItemFault::IdentityMismatch { .. } | ItemFault::SignerNotListed { .. } => Reason::SignerNotListed,
        ItemFault::AlreadyUsed { .. } => Reason::AlreadyUsed,
        ItemFault::BeforeFence { .. } => Reason::BeforeFence,
        ItemFault::InitKeyReused { .. } => Reason::InitKeyReused,
        ItemFault::RoleConflict { .. } => Reason::RoleConflict,
        ItemFault::TwoLastResorts { .. } => Reason::TwoLastResorts,
        other => panic!("nothing in the pool has this fault: {other}"),
    }
}

pub(crate) fn facts(name: &str) -> Facts {
    let made = world::named(name);
    let role = role(made.role);
    let same_init_key = PACKAGES.iter().position(|other| other.init_key == made.init_key);
    Facts {
        package: package(name),
        client: client(made.owner),
        suite: Suite(made.suite.into()),
        offers: features(
            made.capabilities.extensions.iter().copied(),
            made.capabilities.proposals.iter().copied(),
            made.capabilities.credentials.iter().copied(),
        ),
        role,
        init_key: InitKey(number(same_init_key)),
        signer: key(made.key),
        not_before: made.not_before,
        not_after: made.not_after,
    }
}

pub(crate) fn role(role: Role) -> ModelRole {
    match role {
        Role::Regular => ModelRole::Regular,
        Role::LastResort => ModelRole::LastResort,
    }
}

pub(crate) fn user(name: &str) -> User {
    User(number(ASKERS.iter().position(|known| *known == name)))
}

/// A requester is a user with all its clients: for limits and blocks they are one.
pub(crate) fn requester(name: &str) -> Requester {
    Requester(user(name).0)
}

pub(crate) fn client(who: Who) -> Client {
    // Carol's phone is nobody's client here: a number that the model never hears of otherwise.
    Client(CLIENTS.iter().position(|known| *known == who).map_or(99, |position| number(Some(position))))
}

pub(crate) fn key(name: &str) -> Key {
    Key(number(KEY_NAMES.iter().position(|known| *known == name)))
}

pub(crate) fn package(name: &str) -> Package {
    Package(number(PACKAGES.iter().position(|known| known.name == name)))
}

pub(crate) fn referenced(reference: &KeyPackageRef) -> Package {
    package(world::referenced(reference).name)
}

/// The model's numbers back into the names of the story; the large ones first, since 1 begins 12.
pub(crate) fn with_names(text: String) -> String {
    let packages = PACKAGES.iter().map(|package| package.name).enumerate();
    let text = packages.rev().fold(text, |text, (number, name)| {
        text.replace(&Package(u32::try_from(number).expect("a small cast")).to_string(), name)
    });
    let keys = KEY_NAMES.into_iter().enumerate();
    keys.rev().fold(text, |text, (number, name)| {
        text.replace(&Key(u32::try_from(number).expect("few keys")).to_string(), name)
    })
}

fn number(position: Option<usize>) -> u32 {
    u32::try_from(position.expect("a name of the cast")).expect("a small cast")
}
