//! What was signed: the signature's parameters as they were sent, and the base that they lead to (RFC 9421 §2.5).

use std::fmt;

use axum::http::{HeaderMap, Uri, header::HOST, request::Parts};
use httpsig::prelude::message_component::{HttpMessageComponent, HttpMessageComponentId};
use kpd_directory::UnixSeconds;
use sfv::{BareItem, Dictionary, FieldType as _, InnerList, Item, ListEntry, Parser};

use super::AuthFailure;
use crate::{serve::OverTls, wire::IDEMPOTENCY_KEY};

/// The scheme and authority under which clients know this server, such as `https://directory.example.org`.
///
/// Behind a proxy a server cannot find this out by itself; and a server that takes whatever Host a request names would
/// accept a request that was signed for another directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    authority: String,
}

/// A request with one signature.
#[derive(Debug)]
pub(super) struct SignedMessage {
    covered: Vec<String>,
    base: String,
    signature: Vec<u8>,
    created: UnixSeconds,
    expires: Option<UnixSeconds>,
    keyid: String,
    nonce: String,
    alg: Option<String>,
    has_query: bool,
    has_idempotency_key: bool,
}

impl Origin {
    /// Reads `https://directory.example.org` or `http://127.0.0.1:8080`.
    ///
    /// # Errors
    ///
    /// Says what it should look like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not an origin such as https://directory.example.org");
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let (scheme, authority) = (uri.scheme_str(), uri.authority());
        match (scheme, authority) {
            (Some(scheme @ ("http" | "https")), Some(authority))
                if matches!(uri.path(), "/") && !text.ends_with('/') =>
            {
                Ok(Self { scheme: scheme.into(), authority: authority.as_str().into() })
            }
            _ => Err(wrong()),
        }
    }

    pub(super) fn of(head: &Parts) -> Option<Self> {
        let host = || head.headers.get(HOST).and_then(|host| host.to_str().ok());
        let authority = head.uri.authority().map(|authority| authority.as_str()).or_else(host)?;
        let scheme = if head.extensions.get::<OverTls>().is_some() { "https" } else { "http" };
        Some(Self { scheme: scheme.into(), authority: authority.into() })
    }

    /// An URL at this origin; the path begins with a slash.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.authority())
    }

    /// Lower case, and without the scheme's own port (RFC 9421 §2.2.3).
    fn authority(&self) -> String {
        let authority = self.authority.to_ascii_lowercase();
        let port = if self.scheme == "https" { ":443" } else { ":80" };
        authority.strip_suffix(port).map_or_else(|| authority.clone(), Into::into)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

impl SignedMessage {
    /// Reads the signature of a request; `None` if it has none.
    pub(super) fn of(head: &Parts, origin: Option<&Origin>) -> Result<Option<Self>, AuthFailure> {
        let Some(input) = dictionary(&head.headers, "signature-input")? else { return Ok(None) };
        let Some(signatures) = dictionary(&head.headers, "signature")? else { return Ok(None) };
        let (label, input) = match (input.len(), input.into_iter().next()) {
            (1, Some((label, ListEntry::InnerList(list)))) => (label, list),
            _ => return Err(malformed("Signature-Input: exactly one signature, a list of components in parentheses")),
        };
        let signature = match (signatures.len(), signatures.get(&label)) {
            (1, Some(ListEntry::Item(Item { bare_item: BareItem::ByteSequence(bytes), .. }))) => bytes.clone(),
            _ => return Err(malformed("Signature: exactly the one that Signature-Input announces, as :base64:")),
        };
        let own = Origin::of(head);
        let origin = origin.or(own.as_ref()).ok_or_else(|| malformed("the request names no host"))?;
        let covered = input.items.iter().map(component).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(Self {
            base: base(&covered, &input, head, origin)?,
            signature,
            created: seconds(&input, "created")?.ok_or_else(|| malformed("the parameter created is missing"))?,
            expires: seconds(&input, "expires")?,
            keyid: text(&input, "keyid")?.ok_or_else(|| malformed("the parameter keyid is missing"))?,
            nonce: text(&input, "nonce")?
                .filter(|nonce| (1..=NONCE_CHARACTERS_MAX).contains(&nonce.len()))
                .ok_or_else(|| malformed("the parameter nonce is missing, or not of 1 to 128 characters"))?,
            alg: text(&input, "alg")?,
            has_query: head.uri.query().is_some(),
            has_idempotency_key: head.headers.contains_key(IDEMPOTENCY_KEY),
            covered,
        }))
    }

    /// Whether everything that decides on the answer is under the signature.
    pub(super) fn check_coverage(&self, has_body: bool) -> Result<(), AuthFailure> {
        let covers = |name: &str| self.covered.iter().any(|covered| covered == name);
        let target =
            covers("@target-uri") || (covers("@authority") && covers("@path") && (covers("@query") || !self.has_query));
        let missing = [
            ("@method", covers("@method")),
            ("@target-uri (or @authority, @path and, where there is one, @query)", target),
            ("content-digest", covers("content-digest") || !has_body),
            (IDEMPOTENCY_KEY, covers(IDEMPOTENCY_KEY) || !self.has_idempotency_key),
        ];
        match missing.iter().find(|(_, covered)| !covered) {
            Some((name, _)) => Err(AuthFailure::Malformed(format!("the signature does not cover {name}"))),
            None => Ok(()),
        }
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn covered(&self) -> &[String] {
        &self.covered
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) fn signature(&self) -> &[u8] {
        &self.signature
    }

    pub(super) fn created(&self) -> UnixSeconds {
        self.created
    }

    pub(super) fn expires(&self) -> Option<UnixSeconds> {
        self.expires
    }

    pub(super) fn keyid(&self) -> &str {
        &self.keyid
    }

    pub(super) fn nonce(&self) -> &str {
        &self.nonce
    }

    pub(super) fn alg(&self) -> Option<&str> {
        self.alg.as_deref()
    }
}

/// The name of a covered component. None with parameters is needed here, and each is one more way to mean another value.
fn component(item: &Item) -> Result<String, AuthFailure> {
    match &item.bare_item {
        BareItem::String(name) if item.params.is_empty() => Ok(name.as_str().into()),
        _ => Err(malformed("Signature-Input: components are strings, and none here has parameters")),
    }
}

fn base(covered: &[String], input: &InnerList, head: &Parts, origin: &Origin) -> Result<String, AuthFailure> {
    let mut base = String::new();
    for (position, name) in covered.iter().enumerate() {
        if covered[..position].contains(name) {
            return Err(AuthFailure::Malformed(format!("Signature-Input: {name} comes twice")));
        }
        let unknown = || AuthFailure::Malformed(format!("the request has no component {name:?}"));
        let value = value(name, head, origin).ok_or_else(unknown)?;
        let id = HttpMessageComponentId::try_from(format!("\"{name}\"").as_str()).map_err(|_| unknown())?;
        let line = HttpMessageComponent::try_from((&id, [value].as_slice())).map_err(|_| unknown())?;
        base.push_str(&format!("{line}\n"));
    }
    let parameters = vec![ListEntry::InnerList(input.clone())].serialize().unwrap_or_default();
    Ok(format!("{base}\"@signature-params\": {parameters}"))
}

/// The value of a component of a request (RFC 9421 §2.1, §2.2).
fn value(name: &str, head: &Parts, origin: &Origin) -> Option<String> {
    let uri = &head.uri;
    let target = || uri.path_and_query().map_or("/", |target| target.as_str());
    match name {
        "@method" => Some(head.method.to_string()),
        "@scheme" => Some(origin.scheme.clone()),
        "@authority" => Some(origin.authority()),
        "@path" => Some(uri.path().into()),
        "@query" => Some(format!("?{}", uri.query().unwrap_or(""))),
        "@request-target" => Some(target().into()),
        "@target-uri" => Some(format!("{}://{}{}", origin.scheme, origin.authority(), target())),
        field if field.starts_with('@') || field.contains(|c: char| c.is_ascii_uppercase()) => None,
        field => joined(&head.headers, field),
    }
}

/// All values of a field; `None` if there is none, or one that is not text.
fn joined(headers: &HeaderMap, name: &str) -> Option<String> {
    let values = headers.get_all(name).iter().map(|value| value.to_str().map(str::trim));
    let values = values.collect::<Result<Vec<_>, _>>().ok()?;
    (!values.is_empty()).then(|| values.join(", "))
}

/// A field that is a dictionary; `None` if the request does not have it.
pub(super) fn dictionary(headers: &HeaderMap, name: &str) -> Result<Option<Dictionary>, AuthFailure> {
    if !headers.contains_key(name) {
        return Ok(None);
    }
    let text = joined(headers, name);
    let parsed = text.and_then(|text| Parser::new(&text).parse::<Dictionary>().ok());
    parsed.map(Some).ok_or_else(|| AuthFailure::Malformed(format!("{name} is not a dictionary (RFC 9651 §3.2)")))
}

fn seconds(input: &InnerList, name: &str) -> Result<Option<UnixSeconds>, AuthFailure> {
    let Some(value) = input.params.get(name) else { return Ok(None) };
    let seconds = value.as_integer().and_then(|value| UnixSeconds::try_from(value).ok());
    seconds.map(Some).ok_or_else(|| AuthFailure::Malformed(format!("the parameter {name} is not a number of seconds")))
}

fn text(input: &InnerList, name: &str) -> Result<Option<String>, AuthFailure> {
    let Some(value) = input.params.get(name) else { return Ok(None) };
    let text = value.as_string().map(|text| text.as_str().into());
    text.map(Some).ok_or_else(|| AuthFailure::Malformed(format!("the parameter {name} is not a string")))
}

fn malformed(why: &str) -> AuthFailure {
    AuthFailure::Malformed(why.into())
}

const NONCE_CHARACTERS_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_an_authority() {
        for (text, authority) in [
            ("https://Directory.Example.org", "directory.example.org"),
            ("https://directory.example.org:443", "directory.example.org"),
            ("https://directory.example.org:80", "directory.example.org:80"),
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ] {
            assert_eq!(Origin::parse(text).unwrap().authority(), authority);
        }
        for text in ["directory.example.org", "ftp://example.org", "https://example.org/", "https://example.org/v1", ""]
        {
            assert!(Origin::parse(text).is_err(), "{text}");
        }
    }
}
