//! What a directory must not refuse, and the role that a KeyPackage marks itself with.

use kpd_directory::key_package::Role;

use crate::{
    SUITES, sample, signer_of,
    support::{
        make::Recipe,
        parts::{Extension, Parts, vector},
        world::last_resort,
    },
    verify,
};

/// The role of a good KeyPackage with this change, which is accepted in every suite.
#[track_caller]
fn accepted(change: impl Fn(&mut Parts)) -> Role {
    let roles = SUITES.map(|suite| {
        let mut parts = sample(suite);
        change(&mut parts);
        parts.sign(signer_of(suite));
        let bytes = parts.bytes();
        let package = verify(&bytes).unwrap_or_else(|flaw| panic!("suite {suite}: {flaw}"));
        assert_eq!(package.facts().bytes[..], bytes[..], "CLAIM-BYTES");
        package.facts().role
    });
    assert!(roles.iter().all(|role| *role == roles[0]));
    roles[0]
}

/// An AppDataDictionary with these components.
fn dictionary(components: &[(u16, &[u8])]) -> Extension {
    let entries = components.iter().flat_map(|(id, data)| [&id.to_be_bytes()[..], &vector(data)].concat());
    Extension::new(0x0006, &vector(&entries.collect::<Vec<_>>()))
}

#[test]
fn a_plain_one() {
    assert_eq!(accepted(|_| {}), Role::Regular);
}

#[test]
fn unknown_capabilities() {
    assert_eq!(
        accepted(|parts| {
            let capabilities = &mut parts.leaf.capabilities;
            capabilities.versions.push(0x1a1a);
            capabilities.cipher_suites.push(0x2a2a);
            capabilities.extensions.push(0x3a3a);
            capabilities.proposals.push(0x4a4a);
            capabilities.credentials.push(0x5a5a);
        }),
        Role::Regular
    );
}

#[test]
fn unknown_extensions_that_are_listed() {
    // openmls 0.9.2 itself refuses the first of these, a GREASE extension in the KeyPackage (openmls#2156).
    for kind in [0x0a0a, 0xff01] {
        assert_eq!(accepted(|parts| parts.add_listed(Extension::new(kind, b"new"))), Role::Regular);
        assert_eq!(
            accepted(|parts| {
                parts.leaf.capabilities.extensions.push(kind);
                parts.leaf.extensions.push(Extension::new(kind, b"new"));
            }),
            Role::Regular
        );
    }
}

#[test]
fn default_extensions_are_not_looked_for_in_the_capabilities() {
    let application_id = Extension::new(0x0001, &vector(b"phone"));
    assert_eq!(accepted(|parts| parts.leaf.extensions.push(application_id.clone())), Role::Regular);
}

#[test]
fn a_last_resort_by_the_extension_that_implementations_ship() {
    assert_eq!(accepted(|parts| parts.add_listed(last_resort())), Role::LastResort);
    for suite in SUITES {
        let made = Recipe { role: Role::LastResort, ..Recipe::new(suite, signer_of(suite)) }.bytes();
        assert_eq!(verify(&made).expect("as openmls makes it").facts().role, Role::LastResort);
    }
}

#[test]
fn a_last_resort_by_the_component_of_the_current_draft() {
    let component = |components| move |parts: &mut Parts| parts.add_listed(dictionary(components));
    assert_eq!(accepted(component(&[(4, b"")])), Role::LastResort);
    assert_eq!(accepted(component(&[(1, b"other"), (4, b"")])), Role::LastResort);
    assert_eq!(accepted(component(&[(5, b"\x00\x04\x00")])), Role::Regular);
    assert_eq!(accepted(component(&[])), Role::Regular);
}

#[test]
fn a_mark_in_the_leaf_is_no_mark() {
    // The extension stands in the KeyPackage (draft-ietf-mls-extensions-04, 4.2.5); elsewhere it means nothing.
    let in_leaf = |parts: &mut Parts| {
        parts.leaf.capabilities.extensions.push(0x0006);
        parts.leaf.extensions.push(dictionary(&[(4, b"")]));
    };
    assert_eq!(accepted(in_leaf), Role::Regular);
}
