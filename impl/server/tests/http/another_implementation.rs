//! KeyPackages of mls-rs, another implementation of RFC 9420, and groups that it shares with openmls.

use std::time::Duration;

use data_encoding::BASE64;
use mls_rs::{
    CipherSuite, Client, ExtensionList, MlsMessage,
    client_builder::MlsConfig,
    crypto::SignatureSecretKey,
    group::ReceivedMessage,
    identity::{
        SigningIdentity,
        basic::{BasicCredential, BasicIdentityProvider},
    },
};
use mls_rs_crypto_rustcrypto::RustCryptoProvider;
use openmls::prelude::{
    BasicCredential as OpenMlsCredential, Ciphersuite, CredentialWithKey, KeyPackage, KeyPackageIn, MlsGroup,
    MlsGroupCreateConfig, MlsGroupJoinConfig, MlsMessageBodyIn, MlsMessageIn, OpenMlsProvider as _,
    ProcessedMessageContent, ProtocolVersion, StagedWelcome,
    tls_codec::{Deserialize as _, Serialize as _},
};
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;
use serde_json::json;

use crate::support::{Key, Person, Site, package::batch};

const ED25519_SUITE: u16 = 1;
const P256_SUITE: u16 = 2;

#[tokio::test]
async fn with_ed25519() {
    of_another_implementation_is_granted_and_joins(Key::ed25519(1), ED25519_SUITE).await;
    is_granted_to_another_implementation(Key::ed25519(1), ED25519_SUITE).await;
}

#[tokio::test]
async fn with_p256() {
    of_another_implementation_is_granted_and_joins(Key::p256(), P256_SUITE).await;
    is_granted_to_another_implementation(Key::p256(), P256_SUITE).await;
}

/// mls-rs publishes, openmls claims and adds, mls-rs joins; then both can read each other.
async fn of_another_implementation_is_granted_and_joins(key: Key, suite: u16) {
    let (site, bob, alice) = people(key).await;
    let mls_rs = other_client(&bob, suite);
    let package = mls_rs.generate_key_package_message(ExtensionList::default(), ExtensionList::default(), None);
    // As mls-rs hands it out: an MLSMessage with the KeyPackage in it.
    let published = package.unwrap().to_bytes().unwrap();
    site.post(bob.own("key-packages"), &batch(&[&published])).by(&bob).send().await.is(201);
    let granted = claim(&site, &bob, &alice).await;
    assert_eq!(granted[..], published[MESSAGE_HEADER.len()..], "granted is the KeyPackage alone, byte for byte");

    let own = OpenMls::new(&alice, suite);
    let package = KeyPackageIn::tls_deserialize_exact(&granted).unwrap();
    let package = package.validate(own.provider.crypto(), ProtocolVersion::Mls10).unwrap();
    let config = MlsGroupCreateConfig::builder().ciphersuite(own.suite).use_ratchet_tree_extension(true).build();
    let mut group = MlsGroup::new(&own.provider, &own.signer, &config, own.credential.clone()).unwrap();
    let (_, welcome, _) = group.add_members(&own.provider, &own.signer, &[package]).unwrap();
    group.merge_pending_commit(&own.provider).unwrap();

    let welcome = MlsMessage::from_bytes(&welcome.tls_serialize_detached().unwrap()).unwrap();
    let (mut joined, _) = mls_rs.join_group(None, &welcome, None).unwrap();
    let hello = group.create_message(&own.provider, &own.signer, b"hello").unwrap().tls_serialize_detached().unwrap();
    let heard = joined.process_incoming_message(MlsMessage::from_bytes(&hello).unwrap()).unwrap();
    assert!(matches!(heard, ReceivedMessage::ApplicationMessage(message) if message.data() == b"hello"));
    let back = joined.encrypt_application_message(b"and you", vec![]).unwrap().to_bytes().unwrap();
    assert_eq!(own.reads(&mut group, &back), b"and you");
    site.stop().await;
}

/// openmls publishes, mls-rs claims and adds, openmls joins; then both can read each other.
async fn is_granted_to_another_implementation(key: Key, suite: u16) {
    let (site, bob, alice) = people(key).await;
    let own = OpenMls::new(&bob, suite);
    let bundle = KeyPackage::builder().build(own.suite, &own.provider, &own.signer, own.credential.clone()).unwrap();
    let published = bundle.key_package().tls_serialize_detached().unwrap();
    site.post(bob.own("key-packages"), &batch(&[&published])).by(&bob).send().await.is(201);
    let granted = claim(&site, &bob, &alice).await;

    let mls_rs = other_client(&alice, suite);
    let mut group = mls_rs.group_builder().unwrap().build().unwrap();
    let package = MlsMessage::from_bytes(&[&MESSAGE_HEADER[..], &granted].concat()).unwrap();
    let commit = group.commit_builder().add_member(package).unwrap().build().unwrap();
    group.apply_pending_commit().unwrap();

    let welcome = commit.welcome_messages[0].to_bytes().unwrap();
    let MlsMessageBodyIn::Welcome(welcome) = MlsMessageIn::tls_deserialize_exact(&welcome).unwrap().extract() else {
        unreachable!("a Welcome was made")
    };
    let staged = StagedWelcome::new_from_welcome(&own.provider, &MlsGroupJoinConfig::default(), welcome, None);
    let mut joined = staged.unwrap().into_group(&own.provider).unwrap();
    let hello = group.encrypt_application_message(b"hello", vec![]).unwrap().to_bytes().unwrap();
    assert_eq!(own.reads(&mut joined, &hello), b"hello");
    let back = joined.create_message(&own.provider, &own.signer, b"and you").unwrap().tls_serialize_detached().unwrap();
    let heard = group.process_incoming_message(MlsMessage::from_bytes(&back).unwrap()).unwrap();
    assert!(matches!(heard, ReceivedMessage::ApplicationMessage(message) if message.data() == b"and you"));
    site.stop().await;
}

/// The owner with this key, and a requester with a key of the same kind.
async fn people(key: Key) -> (Site, Person, Person) {
    let site = Site::start().await;
    let requesters = match key.scheme_name() {
        "ed25519" => Key::ed25519(2),
        _ => Key::another_p256(),
    };
    let bob = Person::new("acct:bob@example.org", "bob-phone", key);
    let alice = Person::new("acct:alice@example.org", "alice-laptop", requesters);
    site.enrol(&bob).await;
    site.enrol(&alice).await;
    (site, bob, alice)
}

async fn claim(site: &Site, owner: &Person, requester: &Person) -> Vec<u8> {
    let answer = site.post(owner.claims(), &json!({})).by(requester).send().await.is(200);
    BASE64.decode(answer["clients"][0]["key_package"].as_str().unwrap().as_bytes()).unwrap()
}

/// Version and wire format of an MLSMessage with a KeyPackage (RFC 9420 §6).
const MESSAGE_HEADER: [u8; 4] = [0, 1, 0, 5];

/// A client of mls-rs with this person's signature key.
fn other_client(person: &Person, suite: u16) -> Client<impl MlsConfig + use<>> {
    let secret = match person.key.scheme_name() {
        // Both halves of a pair, as mls-rs keeps it.
        "ed25519" => [person.key.secret(), &person.key.public].concat(),
        _ => person.key.secret().to_vec(),
    };
    let credential = BasicCredential::new(person.user.as_bytes().to_vec()).into_credential();
    let identity = SigningIdentity::new(credential, person.key.public.clone().into());
    Client::builder()
        .identity_provider(BasicIdentityProvider)
        .crypto_provider(RustCryptoProvider::new())
        // A year unless told otherwise, which is longer than this directory's maximum (`PUB-LIFETIME`).
        .key_package_lifetime(Duration::from_secs(30 * 86_400))
        .signing_identity(identity, SignatureSecretKey::new(secret), CipherSuite::new(suite))
        .build()
}

/// A client of openmls with a person's signature key.
struct OpenMls {
    suite: Ciphersuite,
    provider: OpenMlsRustCrypto,
    signer: SignatureKeyPair,
    credential: CredentialWithKey,
}

impl OpenMls {
    fn new(person: &Person, suite: u16) -> Self {
        let signer = person.key.mls_signer();
        let credential = OpenMlsCredential::new(person.user.as_bytes().to_vec()).into();
        let credential = CredentialWithKey { credential, signature_key: signer.public().into() };
        Self {
            suite: Ciphersuite::try_from(suite).unwrap(),
            provider: OpenMlsRustCrypto::default(),
            signer,
            credential,
        }
    }

    fn reads(&self, group: &mut MlsGroup, message: &[u8]) -> Vec<u8> {
        let message = MlsMessageIn::tls_deserialize_exact(message).unwrap().try_into_protocol_message().unwrap();
        let processed = group.process_message(&self.provider, message).unwrap();
        let ProcessedMessageContent::ApplicationMessage(text) = processed.into_content() else {
            unreachable!("an application message was made")
        };
        text.into_bytes()
    }
}
