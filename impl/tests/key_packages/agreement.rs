//! Our reader and openmls read the same out of every KeyPackage that openmls makes.

use kpd_directory::{
    key_package::{Reading, Role},
    names::CipherSuite,
};
use openmls::prelude::BasicCredential;
use openmls_rust_crypto::RustCrypto;
use proptest::prelude::*;
use tls_codec::Serialize as _;

use crate::{
    signer_of,
    support::{
        make::{DAY, Recipe, START, public, unverified},
        parts::framed,
    },
};

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn our_reader_agrees_with_openmls(
        suite in 1..=3_u16,
        identity in "acct:[a-z]{1,40}@[a-z]{1,20}\\.org",
        last_resort in any::<bool>(),
        not_before in any::<u32>(),
        seconds in 1..=90 * DAY,
        listed in proptest::collection::btree_set(0xf000..=0xffff_u16, 0..4),
        in_frame in any::<bool>(),
    ) {
        let not_before = START + u64::from(not_before);
        let role = if last_resort { Role::LastResort } else { Role::Regular };
        let not_after = not_before + seconds;
        let listed = listed.into_iter().collect();
        let recipe = Recipe::new(suite, signer_of(suite));
        let recipe = Recipe { identity: &identity, role, not_before, not_after, listed, ..recipe };
        let theirs = recipe.make();
        let bare = theirs.tls_serialize_detached().expect("an encoding");

        let reading = Reading::of(&bare).expect("a reading");
        prop_assert_eq!(reading.suite(), CipherSuite(u16::from(theirs.ciphersuite())));
        prop_assert_eq!(reading.init_key(), theirs.hpke_init_key().as_slice());
        prop_assert_eq!(reading.signature_key(), theirs.leaf_node().signature_key().as_slice());
        let credential = theirs.leaf_node().credential().clone();
        let credential = BasicCredential::try_from(credential).expect("a basic credential");
        prop_assert_eq!(reading.identity(), credential.identity());
        let lifetime = theirs.life_time();
        prop_assert_eq!(reading.lifetime(), (lifetime.not_before(), lifetime.not_after()));
        prop_assert_eq!(reading.role() == Role::LastResort, theirs.last_resort());

        let upload = if in_frame { framed(1, &bare) } else { bare.clone() };
        let ours = unverified(&upload).verify(&Default::default(), not_before).expect("a good package");
        let reference = theirs.hash_ref(&RustCrypto::default()).expect("a reference");
        let told = data_encoding::BASE64URL_NOPAD.encode(reference.as_slice());
        prop_assert_eq!(ours.facts().reference.to_string(), told);
        prop_assert_eq!(ours.identity(), identity.as_bytes());
        prop_assert_eq!(&ours.facts().signer, &public(suite, signer_of(suite)));
        prop_assert_eq!(&ours.facts().bytes[..], &bare[..]);
    }
}
