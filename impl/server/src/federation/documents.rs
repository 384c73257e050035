//! What other servers say, read with suspicion: the answer of WebFinger (RFC 7033 §4.4) and the list of keys.

use kpd_directory::{
    ClientName, SignatureKey, SignatureKeyId, SignatureScheme, UnixSeconds, UserId, standing::Ended, state::ListedKey,
};
use reqwest::Url;
use serde::Deserialize;

use super::{ForeignKeys, ResolveError, SIGNATURE_KEYS};
use crate::wire::Base64;

#[derive(Deserialize)]
struct Jrd {
    subject: Option<String>,
    #[serde(default)]
    links: Vec<Link>,
}

#[derive(Deserialize)]
struct Link {
    rel: String,
    href: Option<String>,
}

#[derive(Deserialize)]
struct List {
    user: UserId,
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Entry {
    id: SignatureKeyId,
    client: ClientName,
    scheme: SignatureScheme,
    signature_key: Base64,
    added_at: UnixSeconds,
    expires_at: Option<UnixSeconds>,
    /// In a history alone.
    ended_at: Option<UnixSeconds>,
    ended: Option<Ended>,
}

/// Where the list of this user's keys is. It may lie on another host: the host in the user's name vouches for it by
/// saying so.
pub(super) fn list_url(jrd: &[u8], user: &UserId) -> Result<Url, ResolveError> {
    let malformed = |why: String| ResolveError::Malformed { what: "answer of WebFinger", why };
    let jrd: Jrd = serde_json::from_slice(jrd).map_err(|error| malformed(error.to_string()))?;
    let subject = jrd.subject.unwrap_or_default();
    if canonical(&subject).as_ref() != Some(user) {
        return Err(ResolveError::OtherSubject { asked: user.clone(), given: cut(&subject) });
    }
    let link = jrd.links.into_iter().find(|link| link.rel == SIGNATURE_KEYS);
    let href = link.and_then(|link| link.href).ok_or(ResolveError::NoLink)?;
    Url::parse(&href).map_err(|error| malformed(format!("the link to the list, {:?}: {error}", cut(&href))))
}

/// The keys on a list, or in its history. It must be the list of this very user; an entry that is not understood, or whose id is not its
/// key's, vouches for nothing.
pub(super) fn keys(list: &[u8], user: &UserId) -> Result<ForeignKeys, ResolveError> {
    let malformed = |error: serde_json::Error| ResolveError::Malformed { what: "list of keys", why: error.to_string() };
    let list: List = serde_json::from_slice(list).map_err(malformed)?;
    if list.user != *user {
        return Err(ResolveError::OtherSubject { asked: user.clone(), given: list.user.to_string() });
    }
    let listed = |entry: serde_json::Value| {
        let entry: Entry = serde_json::from_value(entry).ok()?;
        let key = SignatureKey::new(entry.scheme, &entry.signature_key.0).ok()?;
        let Entry { client, added_at, expires_at, ended_at, ended, .. } = entry;
        let removed_at = ended_at.filter(|_| ended == Some(Ended::Removed));
        // That it was removed, without when, is not understood.
        let told = ended.is_some() == ended_at.is_some();
        (key.id() == entry.id && told).then_some(ListedKey { key, client, added_at, expires_at, removed_at })
    };
    Ok(ForeignKeys { user: list.user, keys: list.keys.into_iter().filter_map(listed).collect() })
}

/// An `acct:` URI with its host in lower case, as hosts are compared (RFC 7565 §4).
pub(crate) fn canonical(acct: &str) -> Option<UserId> {
    let (local, host) = acct.rsplit_once('@')?;
    UserId::parse(&format!("{local}@{}", host.to_ascii_lowercase())).ok()
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}
