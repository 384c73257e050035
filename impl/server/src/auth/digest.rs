//! Content-Digest (RFC 9530): what ties the body to the signature.

use axum::http::HeaderMap;
use sfv::{BareItem, Item, ListEntry};
use sha2::{Digest as _, Sha256};

use super::{AuthFailure, message::dictionary};

/// Compares the body with its SHA-256 digest, which must be there if the body is not empty.
pub(super) fn check(headers: &HeaderMap, body: &[u8]) -> Result<(), AuthFailure> {
    let Some(digests) = dictionary(headers, "content-digest")? else {
        let missing = || AuthFailure::Malformed("Content-Digest is missing".into());
        return if body.is_empty() { Ok(()) } else { Err(missing()) };
    };
    match digests.get("sha-256") {
        Some(ListEntry::Item(Item { bare_item: BareItem::ByteSequence(digest), .. })) => {
            if digest.as_slice() == Sha256::digest(body).as_slice() { Ok(()) } else { Err(AuthFailure::DigestMismatch) }
        }
        _ => Err(AuthFailure::Malformed(
            "Content-Digest has no sha-256=:…:, the one digest that is looked at here".into(),
        )),
    }
}
