//! Bytes that are no KeyPackage, frames around one, and bytes that were changed at random.

use proptest::prelude::*;

use crate::{
    refused, sample, signer_of,
    support::{
        make::{Recipe, reference},
        parts::framed,
    },
    verify,
};

#[test]
fn nothing_and_next_to_nothing() {
    refused("Malformed", &verify(b""));
    refused("Malformed", &verify(&[0, 1, 0]));
    refused("Malformed", &verify(&[0, 1, 0, 1]));
}

#[test]
fn a_byte_too_many() {
    for suite in crate::SUITES {
        let bytes = [sample(suite).bytes(), vec![0]].concat();
        refused("Malformed", &verify(&bytes));
        refused("Malformed", &verify(&framed(1, &bytes)));
    }
}

#[test]
fn two_packages_in_a_row() {
    refused("Malformed", &verify(&[sample(1).bytes(), sample(1).bytes()].concat()));
}

#[test]
fn a_package_that_is_cut_off_anywhere() {
    let whole = sample(1).bytes();
    for length in 0..whole.len() {
        refused("Malformed", &verify(&whole[..length]));
    }
}

#[test]
fn a_length_in_more_bytes_than_it_needs() {
    let whole = sample(1).bytes();
    // RFC 9420 §2.1.2: 32 is written as 0x20, and not as 0x4020.
    assert_eq!(whole[4], 0x20, "the length of the init key");
    refused("Malformed", &verify(&[&whole[..4], &[0x40], &whole[4..]].concat()));
}

#[test]
fn a_frame_is_taken_off() {
    for suite in crate::SUITES {
        let bare = sample(suite).bytes();
        let package = verify(&framed(1, &bare)).expect("the same package");
        assert_eq!(package, verify(&bare).expect("a good package"), "PUB-ENCODING");
        assert_eq!(package.facts().bytes[..], bare[..], "CLAIM-BYTES");
        assert_eq!(package.facts().reference, reference(&bare));
    }
}

#[test]
fn a_frame_of_another_version_than_what_is_inside() {
    let mut parts = sample(1);
    refused("VersionsDiffer { frame: 2, inside: 1 }", &verify(&framed(2, &parts.bytes())));
    parts.version = 2;
    parts.sign(signer_of(1));
    refused("VersionsDiffer { frame: 1, inside: 2 }", &verify(&framed(1, &parts.bytes())));
    refused("UnsupportedVersion { found: 2 }", &verify(&framed(2, &parts.bytes())));
}

#[test]
fn a_frame_in_a_frame() {
    // What is left in the inner frame begins as a KeyPackage of suite 5 would.
    refused("UnsupportedCipherSuite { found: CipherSuite(5)", &verify(&framed(1, &framed(1, &sample(1).bytes()))));
}

#[test]
fn a_message_of_another_kind() {
    // An MLSMessage with a Welcome (wire format 3) reads as a KeyPackage of suite 3, up to a point.
    refused("Malformed", &verify(&[&[0, 1, 0, 3][..], &sample(3).bytes()].concat()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(verify(&bytes).is_err());
        prop_assert!(verify(&[&[0, 1, 0, 1], &bytes[..]].concat()).is_err());
        prop_assert!(verify(&framed(1, &[&[0, 1, 0, 2], &bytes[..]].concat())).is_err());
    }

    #[test]
    fn a_package_with_changed_bytes_is_refused(
        suite in 1..=3_u16,
        in_frame in any::<bool>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..4),
    ) {
        let bare = Recipe::new(suite, signer_of(suite)).bytes();
        let upload = if in_frame { framed(1, &bare) } else { bare.clone() };
        let mut changed = upload.clone();
        for (place, byte, kind) in changes {
            let place = place.index(changed.len());
            match kind {
                0 => changed[place] = byte,
                1 => changed.insert(place, byte),
                _ => drop(changed.remove(place)),
            }
        }
        // A change can undo itself, or take the frame away.
        let same = changed == upload || changed == bare || changed == framed(1, &bare);
        prop_assert_eq!(verify(&changed).is_ok(), same);
    }
}
