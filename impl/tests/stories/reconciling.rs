//! Reconciling: what the directory has of a client's KeyPackages, to be compared with its key store.

use data_encoding::BASE64URL_NOPAD;
use kpd_directory::{Policy, reconcile::PackageState};
use sha2::{Digest as _, Sha256};

use crate::{
    check,
    support::{
        command::Command,
        directory::Directory,
        world::{Who, named},
    },
};

/// `NOTE-RECONCILE`: the first of granted, withdrawn, revoked, expired that applies, or else available.
#[test]
fn each_package_with_its_state() {
    check(
        "
        alice/phone adds alice/phone:spare for 150
        alice/phone compares => nothing
        alice/phone publishes a1 a2 a3 d1 late1 short1 short2* spare1 y1*
        carol/phone claims alice in 1
        alice/phone withdraws a2
        carol/phone claims alice in 1 regular only
        alice/phone removes alice/phone:p256
        carol/phone claims alice in 2
        alice/phone compares =>
        | a1 granted, a2 withdrawn, a3 granted, d1 revoked, late1 available, short1 available,
        | short2* available, spare1 available, y1* revoked
        wait 100
        alice/phone compares =>
        | a1 granted, a2 withdrawn, a3 granted, d1 revoked, late1 available, short1 expired,
        | short2* expired, spare1 available, y1* revoked
        alice/phone withdraws short1
        wait 50
        alice/phone compares =>
        | a1 granted, a2 withdrawn, a3 granted, d1 revoked, late1 available, short1 withdrawn,
        | short2* expired, spare1 revoked, y1* revoked
        alice/laptop compares => nothing
        carol/phone compares => refused: no such client
        ",
    );
}

/// `NOTE-RECONCILE`: a last resort that was granted is available still.
#[test]
fn a_used_last_resort_is_available() {
    check(
        "
        alice/phone publishes z1*
        carol/phone claims alice
        alice/phone compares => z1* available
        alice/phone publishes z2*
        alice/phone compares => z1* withdrawn, z2* available
        ",
    );
}

/// `NOTE-RECONCILE`: computed as a client would compute it, and another one after each change.
#[test]
fn the_digest_is_over_references_and_states() {
    let mut directory = Directory::peopled(Policy::default());
    let phone = Who::parse("alice/phone").client_name();
    let mut digests = vec![];
    for command in ["alice/phone publishes a1 a2", "carol/phone claims alice in 1", "alice/phone withdraws a1 a2"] {
        directory.run(&Command::parse(command));
        let inventory = directory.state("alice").inventory(directory.now, &phone).expect("a client");
        let packages = inventory.packages.iter();
        let mut packages: Vec<_> = packages.map(|kept| (kept.reference.to_string(), kept.state)).collect();
        packages.sort_by_key(|(reference, _)| BASE64URL_NOPAD.decode(reference.as_bytes()).expect("base64url"));
        let lines = packages.iter().map(|(reference, state)| format!("{reference} {}\n", state.as_str()));
        let expected = Sha256::digest(lines.collect::<String>());
        assert_eq!(inventory.digest()[..], expected[..]);
        digests.push(inventory.digest());
    }
    digests.dedup();
    assert_eq!(digests.len(), 3);
    let inventory = directory.state("alice").inventory(directory.now, &phone).expect("a client");
    let mut states: Vec<_> = inventory.packages.iter().map(|kept| (kept.suite.0, kept.state)).collect();
    states.sort_unstable();
    assert_eq!(states, [(1, PackageState::Granted), (1, PackageState::Withdrawn)]);
    assert!(inventory.packages.iter().any(|kept| kept.reference == named("a1").reference));
}

/// `NOTE-LOW-WATER`: fewer than the published number are few, 0 too.
#[test]
fn few_are_fewer_than_the_published_number() {
    let policy = Policy { low_water: 2, ..Policy::default() };
    assert_eq!([0, 1, 2, 3].map(|left| policy.is_low(left)), [true, true, false, false]);
    let never = Policy { low_water: 0, ..policy };
    assert!(!never.is_low(0));
}
