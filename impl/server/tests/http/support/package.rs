//! KeyPackages written byte by byte (RFC 9420 §7.2, §10), so that each can be wrong in one place.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Key;

/// The extension that marks a last resort.
pub(crate) const LAST_RESORT: u16 = 0x000a;

#[derive(Clone)]
pub(crate) struct Recipe<'a> {
    pub(crate) identity: &'a str,
    pub(crate) key: &'a Key,
    pub(crate) suite: u16,
    /// Where the init key and the encryption key come from.
    pub(crate) seed: &'a str,
    pub(crate) init_key_of: Option<&'a str>,
    pub(crate) equal_keys: bool,
    pub(crate) not_before: u64,
    pub(crate) not_after: u64,
    pub(crate) extensions: Vec<u16>,
    pub(crate) capabilities: Vec<u16>,
    pub(crate) spoilt: bool,
    pub(crate) version: u16,
    /// The credential's type; the content is that of a basic one.
    pub(crate) credential_type: u16,
    /// What the capabilities list for the credential's type.
    pub(crate) credential: u16,
    /// What the leaf says of its source; key_package is 1.
    pub(crate) source: u8,
    /// Changed after the leaf was signed, and signed with the rest.
    pub(crate) leaf_spoilt: bool,
    /// Bytes after the end.
    pub(crate) trailing: &'a [u8],
}

impl<'a> Recipe<'a> {
    /// A regular KeyPackage, valid for a month.
    pub(crate) fn new(identity: &'a str, key: &'a Key, seed: &'a str, now: u64) -> Self {
        Self {
            identity,
            key,
            suite: if key.scheme_name() == "ed25519" { 1 } else { 2 },
            seed,
            init_key_of: None,
            equal_keys: false,
            not_before: now - 3_600,
            not_after: now + 30 * 86_400,
            extensions: vec![],
            capabilities: vec![],
            spoilt: false,
            version: 1,
            credential_type: 1,
            credential: 1,
            source: 1,
            leaf_spoilt: false,
            trailing: &[],
        }
    }

    pub(crate) fn last_resort(self) -> Self {
        Self { extensions: vec![LAST_RESORT], capabilities: vec![LAST_RESORT], ..self }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let init_key = self.hpke_key("init", self.init_key_of.unwrap_or(self.seed));
        let encryption_key = if self.equal_keys { init_key.clone() } else { self.hpke_key("encryption", self.seed) };
        let leaf = [
            vector(&encryption_key),
            vector(&self.key.public),
            self.credential_type.to_be_bytes().to_vec(),
            vector(self.identity.as_bytes()),
            words(&[1]),
            words(&[1, 2, 3]),
            words(&self.capabilities),
            words(&[]),
            words(&[self.credential]),
            vec![self.source],
            self.not_before.to_be_bytes().to_vec(),
            self.not_after.to_be_bytes().to_vec(),
            vector(&[]),
        ]
        .concat();
        let mut leaf_signature = self.sign("LeafNodeTBS", &leaf);
        leaf_signature[0] ^= u8::from(self.leaf_spoilt);
        let extensions: Vec<u8> = self.extensions.iter().flat_map(|kind| extension(*kind)).collect();
        let content = [
            self.version.to_be_bytes().to_vec(),
            self.suite.to_be_bytes().to_vec(),
            vector(&init_key),
            leaf,
            vector(&leaf_signature),
            vector(&extensions),
        ]
        .concat();
        let mut bytes = [content.clone(), vector(&self.sign("KeyPackageTBS", &content))].concat();
        if self.spoilt {
            *bytes.last_mut().unwrap() ^= 1;
        }
        bytes.extend(self.trailing);
        bytes
    }

    fn hpke_key(&self, label: &str, seed: &str) -> Vec<u8> {
        let half = Sha256::digest(format!("{label}:{seed}")).to_vec();
        if self.suite == 2 { [vec![4], half.clone(), half].concat() } else { half }
    }

    fn sign(&self, label: &str, content: &[u8]) -> Vec<u8> {
        self.key.sign_mls(&[vector(format!("MLS 1.0 {label}").as_bytes()), vector(content)].concat())
    }
}

pub(crate) fn reference(bare: &[u8]) -> String {
    BASE64URL_NOPAD.encode(&Sha256::digest([vector(b"MLS 1.0 KeyPackage Reference"), vector(bare)].concat()))
}

/// A batch as it is published.
pub(crate) fn batch(packages: &[&[u8]]) -> Value {
    let items: Vec<_> = packages.iter().map(|bytes| json!({ "key_package": BASE64.encode(bytes) })).collect();
    json!({ "key_packages": items })
}

fn extension(kind: u16) -> Vec<u8> {
    [kind.to_be_bytes().to_vec(), vector(&[])].concat()
}

fn words(words: &[u16]) -> Vec<u8> {
    vector(&words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>())
}

/// A byte string behind its variable-size length (RFC 9420 §2.1.2).
fn vector(bytes: &[u8]) -> Vec<u8> {
    let length = match bytes.len() {
        short @ 0..64 => vec![short as u8],
        long => (0x4000 | long as u16).to_be_bytes().to_vec(),
    };
    [length, bytes.to_vec()].concat()
}
