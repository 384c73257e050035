//! What must hold for any bytes that are uploaded; for fuzzers, and for the test that replays what they found.

use openmls::prelude::{
    BasicCredential, KeyPackage, KeyPackageIn, ProtocolVersion,
    tls_codec::{Deserialize as _, Serialize as _},
};
use openmls_rust_crypto::RustCrypto;

use crate::{
    Policy,
    key_package::{KeyPackageFlaw, Reading, Role, UnverifiedKeyPackage},
};

/// Reads bytes as a KeyPackage, bare and in a frame, with the core, our reader and openmls.
///
/// # Panics
///
/// Where two of them disagree.
pub fn key_package(bytes: &[u8]) {
    let policy = Policy { lifetime_seconds_max: u64::MAX, ..Policy::default() };
    let verify = |bytes: &[u8]| UnverifiedKeyPackage::new(bytes.into()).verify(&policy, NOW);
    let verified = verify(bytes);
    readers_agree(bytes);
    if let Some(bare) = bytes.strip_prefix(FRAME) {
        readers_agree(bare);
    }
    let Ok(package) = verified else { return };
    let bare = &*package.facts().bytes;
    let framed = [FRAME, bare].concat();
    assert!(bytes == bare || bytes == framed, "what is kept was uploaded, and nothing more");
    assert_eq!(verify(bare).as_ref(), Ok(&package), "bare");
    assert_eq!(verify(&framed).as_ref(), Ok(&package), "in a frame");
    for other in [[bare, &[0]].concat(), bare[..bare.len() - 1].to_vec()] {
        assert!(matches!(verify(&other), Err(KeyPackageFlaw::Malformed { .. })), "a byte more or less");
    }
    for changed in [4, bare.len() / 2, bare.len() - 1] {
        let mut other = bare.to_vec();
        other[changed] ^= 1;
        assert!(verify(&other).is_err(), "byte {changed} is under no signature");
    }
}

/// Whatever openmls reads, our reader reads; and of what openmls finds valid, both say the same.
fn readers_agree(bare: &[u8]) {
    let Ok(theirs) = KeyPackageIn::tls_deserialize_exact(bare) else { return };
    let ours = match Reading::of(bare) {
        Ok(ours) => ours,
        Err(KeyPackageFlaw::WrongLeafNodeSource { .. }) => {
            let valid = theirs.validate(&RustCrypto::default(), ProtocolVersion::Mls10);
            return assert!(valid.is_err(), "openmls takes a leaf node of another source");
        }
        Err(flaw) => unreachable!("openmls reads what is not read here: {flaw}"),
    };
    let theirs_unverified = theirs.unverified_credential();
    assert_eq!(ours.signature_key(), theirs_unverified.signature_key.as_slice());
    assert_eq!(ours.identity(), theirs_unverified.credential.serialized_content());
    if let Ok(theirs) = theirs.validate(&RustCrypto::default(), ProtocolVersion::Mls10) {
        facts_agree(&ours, &theirs, bare);
    }
}

fn facts_agree(ours: &Reading, theirs: &KeyPackage, bare: &[u8]) {
    assert_eq!(ours.suite().0, u16::from(theirs.ciphersuite()));
    assert_eq!(ours.init_key(), theirs.hpke_init_key().as_slice());
    assert_eq!(ours.signature_key(), theirs.leaf_node().signature_key().as_slice());
    if let Ok(credential) = BasicCredential::try_from(theirs.leaf_node().credential().clone()) {
        assert_eq!(ours.identity(), credential.identity());
    }
    let lifetime = theirs.life_time();
    assert_eq!(ours.lifetime(), (lifetime.not_before(), lifetime.not_after()));
    assert!(!theirs.last_resort() || ours.role() == Role::LastResort, "openmls sees a last resort");
    if let Ok(again) = theirs.tls_serialize_detached() {
        assert_eq!(again, bare, "openmls writes other bytes than it read");
    }
    if let (Ok(facts), Ok(reference)) = (ours.facts(bare), theirs.hash_ref(&RustCrypto::default())) {
        let reference = data_encoding::BASE64URL_NOPAD.encode(reference.as_slice());
        assert_eq!(facts.reference.to_string(), reference);
    }
}

/// Version mls10 and the wire format of a KeyPackage (RFC 9420 §6).
const FRAME: &[u8] = &[0, 1, 0, 5];

/// Some moment in 2027; the lifetimes in the corpus are long.
const NOW: u64 = 1_800_000_000;

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    #[test]
    fn what_fuzzers_found_is_read_alike() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/key_package");
        let mut accepted = 0;
        for file in fs::read_dir(corpus).unwrap() {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            super::key_package(&bytes);
            let policy = super::Policy { lifetime_seconds_max: u64::MAX, ..Default::default() };
            accepted += usize::from(super::UnverifiedKeyPackage::new(bytes).verify(&policy, super::NOW).is_ok());
        }
        assert!(accepted >= 4, "only {accepted} files of the corpus hold a good KeyPackage");
    }
}
