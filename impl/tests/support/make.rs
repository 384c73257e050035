//! Real KeyPackages, made by openmls as a client would make them.

use data_encoding::BASE64URL_NOPAD;
use kpd_directory::{
    CipherSuite, KeyPackageRef, SignatureKey, SignatureScheme, UnixSeconds,
    key_package::{Role, UnverifiedKeyPackage},
};
use openmls::prelude::{
    BasicCredential, Capabilities, Ciphersuite, CredentialWithKey, ExtensionType, KeyPackage, Lifetime,
    tls_codec::Serialize as _,
};
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;
use sha2::{Digest as _, Sha256};

use crate::support::parts::vector;

/// A moment in 2001, far from any clock that a test could run under.
pub(crate) const START: UnixSeconds = 1_000_000_000;
pub(crate) const DAY: u64 = 24 * 60 * 60;

/// What is to be made.
#[derive(Clone)]
pub(crate) struct Recipe<'a> {
    pub(crate) identity: &'a str,
    pub(crate) signer: &'a SignatureKeyPair,
    pub(crate) suite: u16,
    pub(crate) role: Role,
    pub(crate) not_before: UnixSeconds,
    pub(crate) not_after: UnixSeconds,
    /// Extension types in the capabilities, beside the last resort's.
    pub(crate) listed: Vec<u16>,
}

impl<'a> Recipe<'a> {
    /// A regular KeyPackage of Alice, valid for the thirty days from [`START`] on.
    pub(crate) fn new(suite: u16, signer: &'a SignatureKeyPair) -> Self {
        let (not_before, not_after) = (START, START + 30 * DAY);
        let (identity, role, listed) = ("acct:alice@example.org", Role::Regular, vec![]);
        Self { identity, signer, suite, role, not_before, not_after, listed }
    }

    pub(crate) fn make(&self) -> KeyPackage {
        let credential = BasicCredential::new(self.identity.as_bytes().to_vec()).into();
        let credential = CredentialWithKey { credential, signature_key: self.signer.public().into() };
        let last_resort = (self.role == Role::LastResort).then_some(ExtensionType::LastResort);
        let listed = last_resort.into_iter().chain(self.listed.iter().map(|kind| ExtensionType::from(*kind)));
        let builder = KeyPackage::builder()
            .key_package_lifetime(Lifetime::init(self.not_before, self.not_after))
            .leaf_node_capabilities(Capabilities::builder().extensions(listed.collect()).build());
        let builder = if last_resort.is_some() { builder.mark_as_last_resort() } else { builder };
        let provider = OpenMlsRustCrypto::default();
        let made = builder.build(cipher_suite(self.suite), &provider, self.signer, credential);
        made.expect("a KeyPackage").into_key_package()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.make().tls_serialize_detached().expect("an encoding")
    }
}

pub(crate) fn signer(suite: u16) -> SignatureKeyPair {
    SignatureKeyPair::new(cipher_suite(suite).signature_algorithm()).expect("a signature key pair")
}

pub(crate) fn public(suite: u16, signer: &SignatureKeyPair) -> SignatureKey {
    let scheme = SignatureScheme::of(CipherSuite(suite)).expect("a supported suite");
    SignatureKey::new(scheme, signer.public()).expect("a public key of the right length")
}

/// The KeyPackageRef, computed beside the directory's own code (RFC 9420 §5.2).
pub(crate) fn reference(bare: &[u8]) -> KeyPackageRef {
    let content = [vector(b"MLS 1.0 KeyPackage Reference"), vector(bare)].concat();
    KeyPackageRef::parse(&BASE64URL_NOPAD.encode(&Sha256::digest(content))).expect("a reference")
}

pub(crate) fn unverified(bytes: &[u8]) -> UnverifiedKeyPackage {
    UnverifiedKeyPackage::new(bytes.to_vec())
}

fn cipher_suite(suite: u16) -> Ciphersuite {
    Ciphersuite::try_from(suite).expect("a cipher suite of openmls")
}
