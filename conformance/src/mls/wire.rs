//! The KeyPackage structure (RFC 9420 §7.2, §10) with every field open, to write what openmls refuses to write.

use openmls_traits::signatures::Signer;
use tls_codec::{
    DeserializeBytes as _, Serialize as _, TlsDeserializeBytes, TlsSerialize, TlsSize, VLByteSlice, VLByteVec,
};

/// A KeyPackage, field by field.
#[derive(Clone, Debug, PartialEq, Eq, TlsDeserializeBytes, TlsSerialize, TlsSize)]
pub(super) struct KeyPackage {
    pub(super) version: u16,
    pub(super) suite: u16,
    pub(super) init_key: VLByteVec,
    pub(super) leaf: Leaf,
    pub(super) leaf_signature: VLByteVec,
    pub(super) extensions: Vec<Extension>,
    pub(super) signature: VLByteVec,
}

/// A LeafNode up to its signature.
#[derive(Clone, Debug, PartialEq, Eq, TlsDeserializeBytes, TlsSerialize, TlsSize)]
pub(super) struct Leaf {
    pub(super) encryption_key: VLByteVec,
    signature_key: VLByteVec,
    pub(super) credential_type: u16,
    pub(super) identity: VLByteVec,
    pub(super) capabilities: Capabilities,
    pub(super) source: u8,
    pub(super) not_before: u64,
    pub(super) not_after: u64,
    pub(super) extensions: Vec<Extension>,
}

#[derive(Clone, Debug, PartialEq, Eq, TlsDeserializeBytes, TlsSerialize, TlsSize)]
pub(super) struct Capabilities {
    versions: Vec<u16>,
    pub(super) suites: Vec<u16>,
    pub(super) extensions: Vec<u16>,
    pub(super) proposals: Vec<u16>,
    pub(super) credentials: Vec<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq, TlsDeserializeBytes, TlsSerialize, TlsSize)]
pub(super) struct Extension {
    pub(super) kind: u16,
    pub(super) data: VLByteVec,
}

/// The fields in front of the package's own signature.
#[derive(TlsSerialize, TlsSize)]
struct KeyPackageTbs {
    version: u16,
    suite: u16,
    init_key: VLByteVec,
    leaf: Leaf,
    leaf_signature: VLByteVec,
    extensions: Vec<Extension>,
}

impl KeyPackage {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, tls_codec::Error> {
        Self::tls_deserialize_exact_bytes(bytes)
    }

    pub(super) fn bytes(&self) -> Result<Vec<u8>, tls_codec::Error> {
        self.tls_serialize_detached()
    }

    /// Makes both signatures anew, after fields were changed.
    pub(super) fn sign(&mut self, signer: &impl Signer) -> Result<(), String> {
        let leaf = self.leaf.tls_serialize_detached().map_err(|error| error.to_string())?;
        self.leaf_signature = with_label(signer, "LeafNodeTBS", &leaf)?.into();
        let tbs = KeyPackageTbs {
            version: self.version,
            suite: self.suite,
            init_key: self.init_key.clone(),
            leaf: self.leaf.clone(),
            leaf_signature: self.leaf_signature.clone(),
            extensions: self.extensions.clone(),
        };
        let tbs = tbs.tls_serialize_detached().map_err(|error| error.to_string())?;
        self.signature = with_label(signer, "KeyPackageTBS", &tbs)?.into();
        Ok(())
    }
}

/// SignWithLabel (RFC 9420 §5.1.2).
fn with_label(signer: &impl Signer, label: &str, content: &[u8]) -> Result<Vec<u8>, String> {
    let vector = |bytes: &[u8]| VLByteSlice(bytes).tls_serialize_detached().map_err(|error| error.to_string());
    let signed = [vector(format!("MLS 1.0 {label}").as_bytes())?, vector(content)?].concat();
    signer.sign(&signed).map_err(|error| format!("{error:?}"))
}
