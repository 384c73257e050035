//! Each flaw, in a KeyPackage that has this one and no other; whatever its lifetime, the flaw is what is reported.

use kpd_directory::Policy;
use openmls::prelude::{KeyPackage, Lifetime};
use tls_codec::VLByteVec;

use crate::{
    SUITES, refused, sample, signer_of,
    support::{
        make::{DAY, Recipe, START, unverified},
        parts::{Extension, Parts, Source},
        world::last_resort,
    },
};

/// Makes the flaw in an otherwise good KeyPackage of each suite, and lets it be judged before, in and after a lifetime
/// long past, in one yet to come, and in one that holds under every clock; with and without a GREASE extension.
///
/// openmls judges lifetimes by the machine's clock, and objects to GREASE extensions. `key_package.rs` overrules it in
/// both, and relies on it that these two come last: any other flaw is found before.
#[track_caller]
fn always(expected: &str, make_flaw: impl Fn(&mut Parts)) {
    let policy = Policy { lifetime_seconds_max: u64::MAX, ..Policy::default() };
    let far = START * 5;
    for (not_before, not_after) in [(START, START + DAY), (far, far + DAY), (0, u64::MAX)] {
        for (suite, grease) in SUITES.into_iter().flat_map(|suite| [(suite, false), (suite, true)]) {
            let mut parts = sample(suite);
            parts.set_span(not_before, not_after);
            if grease {
                parts.add_listed(Extension::new(0x0a0a, b"grease"));
            }
            make_flaw(&mut parts);
            for now in [START - DAY, START + 1, START + 2 * DAY, far + 1, far + 2 * DAY] {
                refused(expected, &unverified(&parts.bytes()).verify(&policy, now));
            }
        }
    }
}

/// A flaw that its maker signed.
#[track_caller]
fn signed(expected: &str, make_flaw: impl Fn(&mut Parts)) {
    always(expected, |parts| {
        make_flaw(parts);
        sign(parts);
    });
}

/// Both signatures with the key of the suite that the sample had; a flaw may say otherwise.
fn sign(parts: &mut Parts) {
    parts.sign(owner(parts));
}

fn owner(parts: &Parts) -> &'static openmls_basic_credential::SignatureKeyPair {
    let holder = SUITES.map(signer_of).into_iter().find(|key| key.public() == parts.leaf.signature_key.as_slice());
    holder.expect("a sample is signed by one of them")
}

fn flip_last(bytes: &mut VLByteVec) {
    let mut flipped = bytes.as_slice().to_vec();
    *flipped.last_mut().expect("not empty") ^= 1;
    *bytes = flipped.into();
}

/// `PUB-WELL-FORMED`.
#[test]
fn a_leaf_that_was_changed_after_it_was_signed() {
    always("InvalidLeafNodeSignature", |parts| {
        sign(parts);
        flip_last(&mut parts.leaf.encryption_key);
        parts.sign_package(owner(parts), "KeyPackageTBS");
    });
}

#[test]
fn a_leaf_signature_that_was_made_for_something_else() {
    always("InvalidLeafNodeSignature", |parts| {
        parts.sign_leaf(owner(parts), "KeyPackageTBS");
        parts.sign_package(owner(parts), "KeyPackageTBS");
    });
}

#[test]
fn a_leaf_signed_by_another_key() {
    always("InvalidLeafNodeSignature", |parts| {
        let stranger = crate::support::make::signer(parts.suite);
        parts.sign_leaf(&stranger, "LeafNodeTBS");
        parts.sign_package(owner(parts), "KeyPackageTBS");
    });
}

/// `PUB-WELL-FORMED`.
#[test]
fn a_package_that_was_changed_after_it_was_signed() {
    always("InvalidSignature", |parts| {
        sign(parts);
        flip_last(&mut parts.init_key);
    });
}

#[test]
fn a_package_signed_by_another_key() {
    always("InvalidSignature", |parts| {
        sign(parts);
        parts.sign_package(&crate::support::make::signer(parts.suite), "KeyPackageTBS");
    });
}

#[test]
fn a_signature_of_no_bytes() {
    always("InvalidSignature", |parts| {
        sign(parts);
        parts.signature = vec![].into();
    });
}

#[test]
fn another_suite_written_over_it() {
    for (suite, other) in [(1, 3), (3, 1)] {
        let mut parts = sample(suite);
        parts.suite = other;
        refused("InvalidSignature", &crate::verify(&parts.bytes()));
    }
}

#[test]
fn a_protocol_version_that_nobody_knows() {
    signed("UnsupportedVersion { found: 9 }", |parts| parts.version = 9);
}

/// `PUB-WELL-FORMED`.
#[test]
fn a_grease_suite_is_unsupported_rather_than_malformed() {
    signed("UnsupportedCipherSuite { found: CipherSuite(2570)", |parts| parts.suite = 0x0a0a);
    // ML-KEM suites of the drafts, and a suite of RFC 9420 that is not served.
    signed("UnsupportedCipherSuite { found: CipherSuite(77)", |parts| parts.suite = 0x004d);
    signed("UnsupportedCipherSuite { found: CipherSuite(5)", |parts| parts.suite = 5);
}

#[test]
fn a_suite_that_the_operator_switched_off() {
    let policy = Policy { cipher_suites: vec![kpd_directory::CipherSuite(1)], ..Policy::default() };
    let verdict = unverified(&sample(3).bytes()).verify(&policy, START);
    refused("UnsupportedCipherSuite { found: CipherSuite(3), supported: [CipherSuite(1)] }", &verdict);
}

#[test]
fn a_leaf_from_an_update_or_a_commit() {
    signed("WrongLeafNodeSource { found: 2 }", |parts| parts.leaf.source = Source::Update);
    signed("WrongLeafNodeSource { found: 3 }", |parts| parts.leaf.source = Source::Commit(vec![7; 32].into()));
}

/// `PUB-KEYS-DIFFER`.
#[test]
fn an_init_key_that_is_the_encryption_key_too() {
    signed("InitKeyEqualsEncryptionKey", |parts| parts.init_key = parts.leaf.encryption_key.clone());
}

/// `PUB-CAPABILITIES`.
#[test]
fn an_extension_of_the_package_that_the_leaf_does_not_list() {
    signed("UnlistedExtension { extension: 65281 }", |parts| parts.extensions.push(Extension::new(0xff01, b"new")));
}

/// `PUB-CAPABILITIES`.
#[test]
fn an_extension_of_the_leaf_that_the_leaf_does_not_list() {
    signed("UnlistedExtension { extension: 65281 }", |parts| {
        parts.leaf.extensions.push(Extension::new(0xff01, b"new"));
    });
}

#[test]
fn a_last_resort_mark_that_the_leaf_does_not_list() {
    signed("UnlistedExtension { extension: 10 }", |parts| parts.extensions.push(last_resort()));
    // The form of the current draft.
    signed("UnlistedExtension { extension: 6 }", |parts| {
        parts.extensions.push(Extension::new(0x0006, &[4, 0x00, 0x04, 1, 0]));
    });
}

/// `mark_as_last_resort` of openmls 0.9.2 does not list the extension by itself: a mistake that clients will make.
#[test]
fn a_last_resort_as_openmls_makes_it_if_nobody_lists_the_extension() {
    let alice = Recipe::new(1, signer_of(1));
    let credential = openmls::prelude::BasicCredential::new(alice.identity.as_bytes().to_vec()).into();
    let made = KeyPackage::builder()
        .key_package_lifetime(Lifetime::init(alice.not_before, alice.not_after))
        .mark_as_last_resort()
        .build(
            openmls::prelude::Ciphersuite::MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519,
            &openmls_rust_crypto::OpenMlsRustCrypto::default(),
            alice.signer,
            openmls::prelude::CredentialWithKey { credential, signature_key: alice.signer.public().into() },
        )
        .expect("openmls makes it");
    let bytes = tls_codec::Serialize::tls_serialize_detached(made.key_package()).expect("an encoding");
    refused("UnlistedExtension { extension: 10 }", &crate::verify(&bytes));
}

/// `PUB-CAPABILITIES`.
#[test]
fn a_credential_type_that_the_leaf_does_not_list() {
    signed("UnlistedCredential { credential: 1 }", |parts| parts.leaf.capabilities.credentials = vec![2]);
    signed("UnlistedCredential { credential: 61453 }", |parts| parts.leaf.credential_type = 0xf00d);
}

#[test]
fn a_credential_that_is_not_basic() {
    signed("UnsupportedCredential { found: 2 }", |parts| {
        parts.leaf.credential_type = 2;
        parts.leaf.credential = crate::support::parts::vector(b"a certificate").into();
        parts.leaf.capabilities.credentials.push(2);
    });
    signed("UnsupportedCredential { found: 61453 }", |parts| {
        parts.leaf.credential_type = 0xf00d;
        parts.leaf.capabilities.credentials.push(0xf00d);
    });
}

#[test]
fn an_extension_that_comes_twice() {
    signed("Malformed", |parts| {
        parts.add_listed(Extension::new(0xff01, b"one"));
        parts.extensions.push(Extension::new(0xff01, b"two"));
    });
}

#[test]
fn a_package_that_is_larger_than_allowed() {
    let mut parts = sample(1);
    parts.add_listed(Extension::new(0xff01, &[0; 1000]));
    sign(&mut parts);
    let bare = parts.bytes();
    let framed = crate::support::parts::framed(1, &bare);
    let verdict = |max: usize, bytes: &[u8]| {
        let policy = Policy { key_package_bytes_max: max, ..Policy::default() };
        unverified(bytes).verify(&policy, START)
    };
    // The frame does not count; of the package, every byte does.
    for upload in [&bare, &framed] {
        assert!(verdict(bare.len(), upload).is_ok());
        refused("TooLarge", &verdict(bare.len() - 1, upload));
        refused("TooLarge", &verdict(bare.len() - 4, upload));
        refused("TooLarge", &verdict(100, upload));
    }
}
