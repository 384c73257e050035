//! Signs requests: HTTP Message Signatures (RFC 9421) with Content-Digest (RFC 9530), rightly, or wrongly on purpose.
//!
//! What is covered and how the parameters are written is decided here and, apart from this, in the reference server's
//! verifier, so that no mistake of that kind hides in both; the syntax of a component line is httpsig's in both.

use std::fmt::Write as _;

use httpsig::prelude::{
    AlgorithmName, HttpSignatureBase, HttpSignatureParams, SecretKey, message_component::HttpMessageComponent,
};
use sha2::{Digest, Sha256};

use crate::{binding::render::Rendered, vector::Proof};

/// Who signs, and when.
pub struct Signer<'a> {
    /// The private half of an Ed25519 key.
    pub private_key: [u8; 32],
    /// The name of the key, as the server knows it.
    pub keyid: &'a str,
    /// Seconds since 1970.
    pub now: u64,
    /// Never used twice.
    pub nonce: String,
    /// How good the signature is to be.
    pub proof: Proof,
}

/// Adds `content-digest`, `signature-input` and `signature` to a request.
///
/// # Errors
///
/// Where a header cannot be signed.
pub fn sign(request: &mut Rendered, base: &str, signer: &Signer<'_>) -> Result<(), String> {
    if signer.proof == Proof::Missing {
        return Ok(());
    }
    if let Some(body) = &request.body {
        let digest = data_encoding::BASE64.encode(&Sha256::digest(body));
        request.headers.insert("content-digest".into(), format!("sha-256=:{digest}:"));
    }
    // As it goes over the wire: without a default port, with the path of the base in front.
    let url = format!("{base}{}", request.path);
    let url = reqwest::Url::parse(&url).map_err(|error| format!("{url} is no URL: {error}"))?;
    let host = url.host_str().unwrap_or_default();
    let authority = url.port().map_or_else(|| host.to_string(), |port| format!("{host}:{port}"));
    let mut components = vec![
        ("@method".to_string(), request.method.clone()),
        ("@authority".into(), authority),
        ("@path".into(), url.path().into()),
    ];
    components.extend(url.query().map(|query| ("@query".into(), format!("?{query}"))));
    for header in ["content-digest", "idempotency-key"] {
        components.extend(request.headers.get(header).map(|value| (header.to_string(), value.clone())));
    }
    let mut names = String::new();
    for (name, _) in &components {
        let _ = write!(names, "{}\"{name}\"", if names.is_empty() { "" } else { " " });
    }
    let created = if signer.proof == Proof::Stale { signer.now.saturating_sub(3600) } else { signer.now };
    let params =
        format!("({names});created={created};keyid=\"{}\";nonce=\"{}\";alg=\"ed25519\"", signer.keyid, signer.nonce);
    let wrong = |error: &dyn std::fmt::Display| format!("cannot sign the request: {error}");
    let params = HttpSignatureParams::try_from(params.as_str()).map_err(|error| wrong(&error))?;
    let lines =
        components.iter().map(|(name, value)| HttpMessageComponent::try_from(format!("\"{name}\": {value}").as_str()));
    let lines = lines.collect::<Result<Vec<_>, _>>().map_err(|error| wrong(&error))?;
    let base = HttpSignatureBase::try_new(&lines, &params).map_err(|error| wrong(&error))?;
    let mut private_key = signer.private_key;
    if signer.proof == Proof::Forged {
        private_key[0] ^= 1;
    }
    let key = SecretKey::from_bytes(&AlgorithmName::Ed25519, &private_key).map_err(|error| wrong(&error))?;
    let headers = base.build_signature_headers(&key, Some("kpd")).map_err(|error| wrong(&error))?;
    request.headers.insert("signature-input".into(), headers.signature_input_header_value());
    request.headers.insert("signature".into(), headers.signature_header_value());
    if signer.proof == Proof::BodyChanged {
        // A space more or less changes no JSON, but it changes the bytes.
        request.body.get_or_insert_default().push(b' ');
    }
    Ok(())
}
