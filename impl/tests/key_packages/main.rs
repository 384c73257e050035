//! From bytes to a verified KeyPackage: what is accepted, what is refused and how it is called, one mistake at a time.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
mod support;

mod accepted;

mod flaws;

mod bytes;

mod lifetimes;

mod agreement;

use std::sync::LazyLock;

use kpd_directory::{
    Policy, UnixSeconds,
    key_package::{KeyPackage, KeyPackageFlaw},
};
use openmls_basic_credential::SignatureKeyPair;
use support::{
    make::{DAY, Recipe, START, signer, unverified},
    parts::Parts,
};

const SUITES: [u16; 3] = [1, 2, 3];

/// One signature key for each suite.
static SIGNERS: LazyLock<[SignatureKeyPair; 3]> = LazyLock::new(|| SUITES.map(signer));

fn signer_of(suite: u16) -> &'static SignatureKeyPair {
    &SIGNERS[usize::from(suite) - 1]
}

/// A regular KeyPackage of Alice, as openmls makes it, valid for thirty days from [`START`] on.
fn sample(suite: u16) -> Parts {
    Parts::of(&Recipe::new(suite, signer_of(suite)).bytes())
}

/// The one call that all these tests are about; a day after [`START`].
fn verify(bytes: &[u8]) -> Result<KeyPackage, KeyPackageFlaw> {
    verify_at(START + DAY, bytes)
}

fn verify_at(now: UnixSeconds, bytes: &[u8]) -> Result<KeyPackage, KeyPackageFlaw> {
    unverified(bytes).verify(&Policy::default(), now)
}

/// The flaw begins like this, written as in the source.
#[track_caller]
fn refused(expected: &str, verdict: &Result<KeyPackage, KeyPackageFlaw>) {
    let found = match verdict {
        Ok(package) => format!("accepted: {}", package.facts().reference),
        Err(flaw) => format!("{flaw:?}"),
    };
    assert!(found.starts_with(expected), "expected {expected}, found {found}");
}
