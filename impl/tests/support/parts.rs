//! A KeyPackage taken apart (RFC 9420 §7.2, §10): changed field by field, signed by hand, and put together again.

use openmls_basic_credential::SignatureKeyPair;
use openmls_traits::signatures::Signer as _;
use tls_codec::{DeserializeBytes as _, Serialize, TlsDeserializeBytes, TlsSerialize, TlsSize, VLByteSlice, VLByteVec};

/// Every field of a KeyPackage, whether it makes sense or not.
#[derive(Clone, Debug, PartialEq, Eq, TlsDeserializeBytes, TlsSerialize, TlsSize)]
pub(crate) struct Parts {
    pub(crate) version: u16,
    pub(crate) suite: u16,
    pub(crate) init_key: VLByteVec,
    pub(crate) leaf: Leaf,
    pub(crate) leaf_signature: VLByteVec,
    pub(crate) extensions: Vec<Extension>,
    pub(crate) signature: VLByteVec,
}

/// A LeafNode without its signature: exactly what `LeafNodeTBS` is where the source is key_package.
#[derive(Clone, Debug, PartialEq, Eq, TlsDeserializeBytes, TlsSerialize, TlsSize)]
pub(crate) struct Leaf {
    pub(crate) encryption_key: VLByteVec,
    pub(crate) signature_key: VLByteVec,
    pub(crate) credential_type: u16,
    /// The identity of a basic credential; of an x509 one, its chain.
    pub(crate) credential: VLByteVec,
    pub(crate) capabilities: Capabilities,
    pub(crate) source: Source,
    pub(crate) extensions: Vec<Extension>,
}

#[derive(Clone, Debug, PartialEq, Eq, TlsDeserializeBytes, TlsSerialize, TlsSize)]
pub(crate) struct Capabilities {
    pub(crate) versions: Vec<u16>,
    pub(crate) cipher_suites: Vec<u16>,
    pub(crate) extensions: Vec<u16>,
    pub(crate) proposals: Vec<u16>,
    pub(crate) credentials: Vec<u16>,
}

/// `leaf_node_source` with what it brings along.
#[derive(Clone, Debug, PartialEq, Eq, TlsDeserializeBytes, TlsSerialize, TlsSize)]
#[repr(u8)]
pub(crate) enum Source {
    #[tls_codec(discriminant = 1)]
    KeyPackage(Span),
    #[tls_codec(discriminant = 2)]
    Update,
    #[tls_codec(discriminant = 3)]
    Commit(VLByteVec),
}

/// A Lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsDeserializeBytes, TlsSerialize, TlsSize)]
pub(crate) struct Span {
    pub(crate) not_before: u64,
    pub(crate) not_after: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, TlsDeserializeBytes, TlsSerialize, TlsSize)]
pub(crate) struct Extension {
    pub(crate) kind: u16,
    pub(crate) data: VLByteVec,
}

impl Extension {
    pub(crate) fn new(kind: u16, data: &[u8]) -> Self {
        Self { kind, data: data.to_vec().into() }
    }
}

impl Parts {
    pub(crate) fn of(bare: &[u8]) -> Self {
        Self::tls_deserialize_exact_bytes(bare).expect("the bytes of a KeyPackage")
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        wire(self)
    }

    pub(crate) fn set_span(&mut self, not_before: u64, not_after: u64) {
        self.leaf.source = Source::KeyPackage(Span { not_before, not_after });
    }

    /// Puts an extension into the KeyPackage, and into the capabilities of the leaf.
    pub(crate) fn add_listed(&mut self, extension: Extension) {
        self.leaf.capabilities.extensions.push(extension.kind);
        self.extensions.push(extension);
    }

    /// Both signatures, new.
    pub(crate) fn sign(&mut self, signer: &SignatureKeyPair) {
        self.sign_leaf(signer, "LeafNodeTBS");
        self.sign_package(signer, "KeyPackageTBS");
    }

    pub(crate) fn sign_leaf(&mut self, signer: &SignatureKeyPair, label: &str) {
        self.leaf_signature = sign_with_label(signer, label, &wire(&self.leaf));
    }

    pub(crate) fn sign_package(&mut self, signer: &SignatureKeyPair, label: &str) {
        let whole = wire(self);
        let content = &whole[..whole.len() - wire(&self.signature).len()];
        self.signature = sign_with_label(signer, label, content);
    }
}

/// In an MLSMessage of this version, with wire format mls_key_package (RFC 9420 §6).
pub(crate) fn framed(version: u16, bare: &[u8]) -> Vec<u8> {
    [&version.to_be_bytes()[..], &[0, 5], bare].concat()
}

/// A byte string behind its length.
pub(crate) fn vector(bytes: &[u8]) -> Vec<u8> {
    wire(&VLByteSlice(bytes))
}

/// `SignWithLabel` (RFC 9420 §5.1.2).
fn sign_with_label(signer: &SignatureKeyPair, label: &str, content: &[u8]) -> VLByteVec {
    let content = [vector(format!("MLS 1.0 {label}").as_bytes()), vector(content)].concat();
    signer.sign(&content).expect("a signature").into()
}

fn wire(value: &impl Serialize) -> Vec<u8> {
    value.tls_serialize_detached().expect("an encoding")
}
