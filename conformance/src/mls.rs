//! The MLS side of the suite: clients with real keys, their KeyPackages, and real groups.

pub mod groups;
pub mod recipe;
mod wire;

use std::sync::Mutex;

use openmls::prelude::{BasicCredential, CredentialWithKey, SignatureScheme};
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::{MemoryStorage, RustCrypto};
use openmls_traits::{OpenMlsProvider, random::OpenMlsRand};
use rand::{Rng as _, rngs::StdRng};
use sha2::{Digest, Sha256};

use crate::seed::Seed;

/// One MLS client: its identity, its signature key, and the private halves of its KeyPackages.
pub struct MlsClient {
    /// The user, as the credential claims it.
    pub identity: String,
    private_key: ed25519_dalek::SigningKey,
    signer: SignatureKeyPair,
    provider: Provider,
}

impl std::fmt::Debug for MlsClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MlsClient({})", self.identity)
    }
}

impl MlsClient {
    /// A client whose keys follow from the seed.
    #[must_use]
    pub fn new(identity: &str, seed: Seed) -> Self {
        let private_key = ed25519_dalek::SigningKey::from_bytes(&seed.child("signature key").bytes());
        let public_key = private_key.verifying_key().to_bytes().to_vec();
        let signer = SignatureKeyPair::from_raw(SignatureScheme::ED25519, private_key.to_bytes().to_vec(), public_key);
        Self { identity: identity.into(), private_key, signer, provider: Provider::new(seed.child("packages")) }
    }

    /// The public half of its signature key.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.private_key.verifying_key().to_bytes()
    }

    /// The private half of its signature key, to sign requests with.
    #[must_use]
    pub fn private_key(&self) -> [u8; 32] {
        self.private_key.to_bytes()
    }

    /// Its signature over a message.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        use ed25519_dalek::Signer as _;
        self.private_key.sign(message).to_bytes()
    }

    fn credential(&self) -> CredentialWithKey {
        CredentialWithKey {
            credential: BasicCredential::new(self.identity.clone().into_bytes()).into(),
            signature_key: self.signer.public().into(),
        }
    }
}

/// The KeyPackageRef of a bare KeyPackage (RFC 9420 §5.2), for the suites with SHA-256.
#[must_use]
pub fn key_package_ref(bare: &[u8]) -> [u8; 32] {
    use tls_codec::Serialize as _;
    let vector = |bytes: &[u8]| tls_codec::VLByteSlice(bytes).tls_serialize_detached().unwrap_or_default();
    let hash = Sha256::new().chain_update(vector(b"MLS 1.0 KeyPackage Reference")).chain_update(vector(bare));
    hash.finalize().into()
}

/// openmls' crypto with seeded randomness and a key store in memory.
struct Provider {
    crypto: RustCrypto,
    rand: SeededRand,
    storage: MemoryStorage,
}

impl Provider {
    fn new(seed: Seed) -> Self {
        let rand = SeededRand(Mutex::new(seed.rng()));
        Self { crypto: RustCrypto::default(), rand, storage: MemoryStorage::default() }
    }
}

impl OpenMlsProvider for Provider {
    type CryptoProvider = RustCrypto;
    type RandProvider = SeededRand;
    type StorageProvider = MemoryStorage;

    fn storage(&self) -> &MemoryStorage {
        &self.storage
    }

    fn crypto(&self) -> &RustCrypto {
        &self.crypto
    }

    fn rand(&self) -> &SeededRand {
        &self.rand
    }
}

struct SeededRand(Mutex<StdRng>);

/// Seeded randomness does not fail; a poisoned lock goes on with what is there.
impl OpenMlsRand for SeededRand {
    type Error = std::convert::Infallible;

    fn random_array<const N: usize>(&self) -> Result<[u8; N], Self::Error> {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        Ok(bytes)
    }

    fn random_vec(&self, length: usize) -> Result<Vec<u8>, Self::Error> {
        let mut bytes = vec![0; length];
        self.fill(&mut bytes);
        Ok(bytes)
    }
}

impl SeededRand {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).fill_bytes(bytes);
    }
}
