//! Signature keys: the same one signs KeyPackages (as MLS does) and requests (as RFC 9421 does).

use data_encoding::{BASE64, HEXLOWER};
use httpsig::prelude::{AlgorithmName, PublicKey, SecretKey, SigningKey as _};
use kpd_directory::{SignatureKey, SignatureScheme};
use openmls_basic_credential::SignatureKeyPair;
use openmls_traits::{signatures::Signer as _, types::SignatureScheme as MlsScheme};

pub(crate) struct Key {
    pub(crate) scheme: SignatureScheme,
    pub(crate) public: Vec<u8>,
    secret: Vec<u8>,
}

impl Key {
    pub(crate) fn ed25519(seed: u8) -> Self {
        let secret = vec![seed; 32];
        let PublicKey::Ed25519(public) = SecretKey::from_bytes(&AlgorithmName::Ed25519, &secret).unwrap().public_key()
        else {
            unreachable!()
        };
        Self { scheme: SignatureScheme::Ed25519, public: public.as_ref().to_vec(), secret }
    }

    /// The key pair of RFC 6979 §A.2.5.
    pub(crate) fn p256() -> Self {
        let hex = |text: &str| HEXLOWER.decode(text.as_bytes()).unwrap();
        let secret = hex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
        let x = hex("60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6");
        let y = hex("7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
        Self { scheme: SignatureScheme::EcdsaP256, public: [vec![4], x, y].concat(), secret }
    }

    /// The key pair of RFC 5903 §8.1, initiator's side.
    pub(crate) fn another_p256() -> Self {
        let hex = |text: &str| HEXLOWER.decode(text.as_bytes()).unwrap();
        let secret = hex("c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433");
        let x = hex("dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180");
        let y = hex("5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3");
        Self { scheme: SignatureScheme::EcdsaP256, public: [vec![4], x, y].concat(), secret }
    }

    pub(crate) fn secret(&self) -> &[u8] {
        &self.secret
    }

    pub(crate) fn id(&self) -> String {
        self.listed().id().to_string()
    }

    pub(crate) fn listed(&self) -> SignatureKey {
        SignatureKey::new(self.scheme, &self.public).unwrap()
    }

    pub(crate) fn public_base64(&self) -> String {
        BASE64.encode(&self.public)
    }

    pub(crate) fn scheme_name(&self) -> &'static str {
        match self.scheme {
            SignatureScheme::Ed25519 => "ed25519",
            SignatureScheme::EcdsaP256 => "ecdsa_p256",
        }
    }

    pub(crate) fn http_algorithm(&self) -> AlgorithmName {
        match self.scheme {
            SignatureScheme::Ed25519 => AlgorithmName::Ed25519,
            SignatureScheme::EcdsaP256 => AlgorithmName::EcdsaP256Sha256,
        }
    }

    /// As RFC 9421 wants it: P-256 as two numbers of 32 bytes.
    pub(crate) fn sign_request(&self, base: &str) -> Vec<u8> {
        SecretKey::from_bytes(&self.http_algorithm(), &self.secret).unwrap().sign(base.as_bytes()).unwrap()
    }

    /// As MLS wants it: P-256 in DER.
    pub(crate) fn sign_mls(&self, content: &[u8]) -> Vec<u8> {
        self.mls_signer().sign(content).unwrap()
    }

    pub(crate) fn mls_signer(&self) -> SignatureKeyPair {
        let scheme = match self.scheme {
            SignatureScheme::Ed25519 => MlsScheme::ED25519,
            SignatureScheme::EcdsaP256 => MlsScheme::ECDSA_SECP256R1_SHA256,
        };
        SignatureKeyPair::from_raw(scheme, self.secret.clone(), self.public.clone())
    }
}
