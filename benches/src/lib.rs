//! What the benchmarks share: a user with one client, and real KeyPackages for it.
#![expect(clippy::expect_used, reason = "a benchmark that cannot make its material has nothing to measure")]

use kpd_directory::{
    CipherSuite, ClientName, Decision, Policy, Requester, SignatureKey, SignatureScheme, UnixSeconds, UserId,
    UserState,
    event::{Claim, LastResort},
    key_package::{KeyPackage, Role, UnverifiedKeyPackage},
    keys::{AddKey, Authority, possession_message},
    policy::Limits,
    publish::Item,
};
use openmls::prelude::{
    BasicCredential, Capabilities, Ciphersuite, CredentialWithKey, ExtensionType, KeyPackage as MlsKeyPackage,
    Lifetime, tls_codec::Serialize as _,
};
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;
use openmls_traits::signatures::Signer as _;

/// The time at which everything happens.
pub const NOW: UnixSeconds = 1_000_000_000;

/// A user with one client, which has one signature key.
pub struct Owner {
    /// Who it is.
    pub user: UserId,
    /// Its client.
    pub client: ClientName,
    suite: u16,
    signer: SignatureKeyPair,
}

impl Owner {
    /// One whose key is for this suite.
    #[must_use]
    pub fn new(suite: u16) -> Self {
        let signer = SignatureKeyPair::new(mls_suite(suite).signature_algorithm()).expect("a key pair");
        let (user, client) = (UserId::parse("acct:alice@example.org"), ClientName::parse("phone"));
        Self { user: user.expect("a user"), client: client.expect("a client"), suite, signer }
    }

    /// The bytes of a new KeyPackage.
    #[must_use]
    pub fn make(&self, role: Role) -> Vec<u8> {
        self.make_at(NOW, role)
    }

    /// The bytes of a new KeyPackage that is valid from then on.
    #[must_use]
    pub fn make_at(&self, now: UnixSeconds, role: Role) -> Vec<u8> {
        let credential = BasicCredential::new(self.user.as_str().into()).into();
        let credential = CredentialWithKey { credential, signature_key: self.signer.public().into() };
        let capabilities = Capabilities::builder().extensions(vec![ExtensionType::LastResort]).build();
        let builder = MlsKeyPackage::builder()
            .key_package_lifetime(Lifetime::init(now, now + 2_592_000))
            .leaf_node_capabilities(capabilities);
        let builder = if role == Role::LastResort { builder.mark_as_last_resort() } else { builder };
        let made = builder.build(mls_suite(self.suite), &OpenMlsRustCrypto::default(), &self.signer, credential);
        made.expect("a KeyPackage").key_package().tls_serialize_detached().expect("an encoding")
    }

    /// New KeyPackages, verified, as a batch to publish.
    #[must_use]
    pub fn batch(&self, count: usize, role: Role) -> Vec<Item> {
        let item = |_| Item { key_package: Ok(verify(self.make(role))), declared: None };
        (0..count).map(item).collect()
    }

    /// Its signature key, and the proof that it holds the private half.
    #[must_use]
    pub fn key_and_proof(&self) -> (SignatureKey, Vec<u8>) {
        let scheme = SignatureScheme::of(CipherSuite(self.suite)).expect("a supported suite");
        let key = SignatureKey::new(scheme, self.signer.public()).expect("a public key");
        let proof = self.signer.sign(&possession_message(&self.user, &self.client, &key)).expect("a signature");
        (key, proof)
    }

    /// The state in which this owner has its signature key, and nothing published.
    #[must_use]
    pub fn state(&self, policy: &Policy) -> UserState {
        let mut state = UserState::default();
        let enrolled = state.enrol(policy, NOW, &self.user, "token").expect("a new user");
        apply(&mut state, &enrolled);
        let (key, proof) = self.key_and_proof();
        let authority = Authority::EnrolmentToken("token".into());
        let added =
            state.add_key(NOW, &AddKey { client: self.client.clone(), key, proof, authority, expires_at: None });
        apply(&mut state, &added.expect("the token is good"));
        state
    }

    /// The state after these batches.
    #[must_use]
    pub fn with_stock(&self, policy: &Policy, batches: &[Vec<Item>]) -> UserState {
        let mut state = self.state(policy);
        for batch in batches {
            let published = state.publish(policy, NOW, &self.client, batch).expect("good KeyPackages");
            apply(&mut state, &published);
        }
        state
    }
}

/// The default policy, but without limits on claims: one requester makes them all, at one moment.
#[must_use]
pub fn policy() -> Policy {
    Policy { limits: Limits::NONE, ..Policy::default() }
}

/// Takes in what was decided.
pub fn apply<A>(state: &mut UserState, decision: &Decision<A>) {
    decision.events.iter().for_each(|event| state.apply(event));
}

/// A verified KeyPackage.
#[must_use]
pub fn verify(bytes: Vec<u8>) -> KeyPackage {
    UnverifiedKeyPackage::new(bytes).verify(&Policy::default(), NOW).expect("a good KeyPackage")
}

/// Somebody's claim for anything that there is.
#[must_use]
pub fn claim() -> Claim {
    let (user, client) = (UserId::parse("acct:carol@example.net"), ClientName::parse("laptop"));
    let requester = Requester { user: user.expect("a user"), client: client.expect("a client") };
    Claim {
        requester,
        cipher_suites: vec![],
        required_capabilities: Default::default(),
        last_resort: LastResort::Accept,
        idempotency_key: None,
        vouched_by: None,
    }
}

fn mls_suite(suite: u16) -> Ciphersuite {
    Ciphersuite::try_from(suite).expect("a suite of openmls")
}
