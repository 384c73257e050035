//! Makes KeyPackages after their recipes: with openmls, then with one flaw where the recipe asks for it.

use openmls::prelude::{Capabilities, Ciphersuite, ExtensionType, KeyPackage, Lifetime, tls_codec::Serialize as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    mls::{
        MlsClient, key_package_ref,
        wire::{self, Extension},
    },
    seed::Seed,
    vector::{Flaw, Mark, Recipe},
};

/// A KeyPackage, or other key material, as it is uploaded.
#[derive(Clone, Debug)]
pub struct Made {
    /// What is uploaded.
    pub uploaded: Vec<u8>,
    /// What must come back: the same without a frame.
    pub bare: Vec<u8>,
    /// Its KeyPackageRef (RFC 9420 §5.2); of other material, the digest of its bytes.
    pub reference: [u8; 32],
    /// A short name for APIs in which the client gives one.
    pub id: String,
    /// The same as a number: from 1, in the order of the vector's names.
    pub number: u32,
    /// Whether it is a last resort.
    pub last_resort: bool,
    /// As an object, where its protocol has one; null otherwise.
    pub object: Value,
    /// Of its owner, over its bytes; nothing for KeyPackages, which have one inside.
    pub signature: Vec<u8>,
}

impl Made {
    /// Material that is no KeyPackage.
    pub fn of_bytes(bytes: Vec<u8>, last_resort: bool, sign: impl FnOnce(&[u8]) -> [u8; 64], object: Value) -> Self {
        let reference: [u8; 32] = Sha256::digest(&bytes).into();
        let (id, signature) = (short_id(&reference), sign(&bytes).to_vec());
        Self { uploaded: bytes.clone(), bare: bytes, reference, id, number: 0, last_resort, object, signature }
    }
}

/// Letters and digits alone: APIs have their own ideas of what an id may be.
fn short_id(reference: &[u8; 32]) -> String {
    data_encoding::BASE32_NOPAD.encode(&reference[..10])
}

/// What a recipe refers to beyond itself.
pub struct Surroundings<'a> {
    /// Seconds since 1970.
    pub now: u64,
    /// The package whose init key is taken over.
    pub same_init_key_as: Option<&'a Made>,
    /// The identity that the credential claims instead of the client's own.
    pub identity: Option<&'a str>,
    /// For keys that are on nobody's list.
    pub seed: Seed,
}

const APP_DATA_DICTIONARY: u16 = 0x0006;
/// An AppDataDictionary with the empty component 0x0004.
const LAST_RESORT_DICTIONARY: [u8; 4] = [0x03, 0x00, 0x04, 0x00];
/// A GREASE value (RFC 9420 §13.5).
const GREASE: u16 = 0x0a0a;
/// Of private use, and known to nobody.
const PRIVATE_EXTENSION: u16 = 0xff01;

impl MlsClient {
    /// Makes a KeyPackage.
    ///
    /// # Errors
    ///
    /// A recipe that openmls or this module cannot follow.
    pub fn make(&self, recipe: &Recipe, surroundings: &Surroundings<'_>) -> Result<Made, String> {
        let plain = self.plain(recipe, surroundings.now)?;
        let bare = match self.changed(recipe, surroundings, &plain)? {
            Some(changed) => changed,
            None => plain,
        };
        let bare = damaged(recipe.flaw, bare);
        let frame: &[u8] = if recipe.framed { &[0x00, 0x01, 0x00, 0x05] } else { &[] };
        let reference = key_package_ref(&bare);
        let (id, uploaded) = (short_id(&reference), [frame, &bare].concat());
        let (number, last_resort, object, signature) = (0, recipe.last_resort, Value::Null, vec![]);
        Ok(Made { uploaded, bare, reference, id, number, last_resort, object, signature })
    }

    /// As openmls makes it; the private half stays with this client.
    fn plain(&self, recipe: &Recipe, now: u64) -> Result<Vec<u8>, String> {
        let suite = Ciphersuite::try_from(recipe.cipher_suite).map_err(|error| error.to_string())?;
        let at = |seconds: i64| now.saturating_add_signed(seconds);
        let (from, until) = recipe.lifetime();
        let lifetime = Lifetime::init(at(from), at(until));
        let by_extension = recipe.last_resort && recipe.mark == Mark::Extension;
        let extensions = if by_extension { vec![ExtensionType::LastResort] } else { vec![] };
        // openmls refuses its own last resort unless the capabilities list the extension too.
        let capabilities = Capabilities::builder().extensions(extensions).build();
        let builder = KeyPackage::builder().key_package_lifetime(lifetime).leaf_node_capabilities(capabilities);
        let builder = if by_extension { builder.mark_as_last_resort() } else { builder };
        let built = builder.build(suite, &self.provider, &self.signer, self.credential());
        let built = built.map_err(|error| format!("openmls cannot make it: {error}"))?;
        built.key_package().tls_serialize_detached().map_err(|error| error.to_string())
    }

    /// With fields that openmls does not let one set, signed anew; `None` if all is as openmls made it.
    fn changed(
        &self,
        recipe: &Recipe,
        surroundings: &Surroundings<'_>,
        plain: &[u8],
    ) -> Result<Option<Vec<u8>>, String> {
        let read = |bytes: &[u8]| wire::KeyPackage::read(bytes).map_err(|error| error.to_string());
        let original = read(plain)?;
        let mut package = original.clone();
        if let Some(other) = surroundings.same_init_key_as {
            package.init_key = read(&other.bare)?.init_key;
        }
        if let Some(identity) = surroundings.identity {
            package.leaf.identity = identity.as_bytes().into();
        }
        if recipe.last_resort && recipe.mark == Mark::Component {
            package.leaf.capabilities.extensions.push(APP_DATA_DICTIONARY);
            package.extensions.push(Extension { kind: APP_DATA_DICTIONARY, data: LAST_RESORT_DICTIONARY[..].into() });
        }
        package.leaf.capabilities.extensions.extend(&recipe.capabilities.extensions);
        package.leaf.capabilities.proposals.extend(&recipe.capabilities.proposals);
        package.leaf.capabilities.credentials.extend(&recipe.capabilities.credentials);
        apply_before_signing(recipe.flaw, &mut package);
        if package == original && !recipe.unlisted_signer {
            return Ok(None);
        }
        if recipe.unlisted_signer {
            let stranger = Self::new(&self.identity, surroundings.seed.child("unlisted signer"));
            return stranger.plain(recipe, surroundings.now).map(Some);
        }
        package.sign(&self.signer)?;
        package.bytes().map(Some).map_err(|error| error.to_string())
    }
}

/// Flaws under good signatures.
fn apply_before_signing(flaw: Option<Flaw>, package: &mut wire::KeyPackage) {
    let extension = || Extension { kind: PRIVATE_EXTENSION, data: vec![1, 2, 3].into() };
    match flaw {
        Some(Flaw::UnknownVersion) => package.version = 9,
        Some(Flaw::UnknownCipherSuite) => package.suite = GREASE,
        Some(Flaw::WrongLeafNodeSource) => package.leaf.source = 2,
        Some(Flaw::InitKeyEqualsEncryptionKey) => package.init_key = package.leaf.encryption_key.clone(),
        Some(Flaw::UnlistedExtension) => package.extensions.push(extension()),
        Some(Flaw::UnlistedLeafExtension) => package.leaf.extensions.push(extension()),
        Some(Flaw::UnlistedCredential) => package.leaf.capabilities.credentials = vec![2],
        Some(Flaw::Grease) => {
            let capabilities = &mut package.leaf.capabilities;
            let lists = [&mut capabilities.suites, &mut capabilities.proposals, &mut capabilities.credentials];
            lists.into_iter().for_each(|list| list.push(GREASE));
            capabilities.extensions.extend([GREASE, PRIVATE_EXTENSION]);
            package.extensions.push(extension());
        }
        Some(Flaw::BadSignature | Flaw::BadLeafSignature | Flaw::TrailingByte | Flaw::Truncated) | None => {}
    }
}

/// Flaws of the bytes themselves.
fn damaged(flaw: Option<Flaw>, mut bytes: Vec<u8>) -> Vec<u8> {
    match flaw {
        Some(Flaw::BadSignature) => flip_last(&mut bytes),
        Some(Flaw::BadLeafSignature) => {
            if let Ok(mut package) = wire::KeyPackage::read(&bytes) {
                let mut signature = package.leaf_signature.as_slice().to_vec();
                flip_last(&mut signature);
                package.leaf_signature = signature.into();
                bytes = package.bytes().unwrap_or(bytes);
            }
        }
        Some(Flaw::TrailingByte) => bytes.push(0),
        Some(Flaw::Truncated) => bytes.truncate(bytes.len().saturating_sub(10)),
        _ => {}
    }
    bytes
}

fn flip_last(bytes: &mut [u8]) {
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
}
