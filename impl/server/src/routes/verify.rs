//! What can be said of a signature key, for everyone, and how long such answers are fresh.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use data_encoding::BASE64URL_NOPAD;
use kpd_directory::{UnixSeconds, UserId};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::document::VerifyRefusals;
use crate::{
    extract::{App, Names, Parameters, bad},
    problem::Problem,
    service::Lasting,
    status::NotModified,
    wire::VerifiedShape,
};

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    signature_key: String,
    at: Option<UnixSeconds>,
}

/// Whether a signature key bears out a credential of this user at a time (`KEY-VERIFY`).
#[utoipa::path(get, path = "/v1/users/{user}/verify", tag = "users",
    params(
        ("user" = String, Path, example = "acct:bob@example.org"),
        ("signature_key" = String, Query, description = "As in the LeafNode; base64url without padding"),
        ("at" = Option<u64>, Query, description = "Unix seconds; left out: now"),
        ("if-none-match" = Option<String>, Header)
    ),
    responses(
        (status = OK, description = "What can be said; a user that does not exist has no key", body = VerifiedShape,
            headers(("etag" = String), ("cache-control" = String))),
        (status = NOT_MODIFIED, description = "The answer is the one of If-None-Match"),
        VerifyRefusals
    ))]
pub(super) async fn verify(
    State(app): State<App>,
    Names(user): Names<UserId>,
    Parameters(Question { signature_key, at }): Parameters<Question>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let key = BASE64URL_NOPAD.decode(signature_key.as_bytes());
    let key = key.map_err(|error| bad(format_args!("signature_key: not base64url without padding: {error}")))?;
    let verified = app.directory.verify(&user, &key, at).await?;
    Ok(cacheable(&headers, verified, |verified| VerifiedShape::new(user, verified)))
}

/// An answer that says how fresh it is, and that is not sent again to who has it. It is fresh for a minute, and never
/// beyond the next end of a key.
pub(super) fn cacheable<T, S: Serialize>(
    request: &HeaderMap,
    Lasting { answer, seconds }: Lasting<T>,
    shape: impl FnOnce(T) -> S,
) -> Response {
    let shape = shape(answer);
    let digest = Sha256::digest(serde_json::to_vec(&shape).unwrap_or_default());
    let tag = format!("\"{}\"", BASE64URL_NOPAD.encode(&digest[..16]));
    let known = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let known = known.flat_map(|value| value.split(',')).map(|known| known.trim().trim_start_matches("W/"));
    let current = known.into_iter().any(|known| known == tag || known == "*");
    let fresh = format!("public, max-age={}", seconds.unwrap_or(FRESH_SECONDS_MAX).min(FRESH_SECONDS_MAX));
    let headers = [(header::ETAG, tag), (header::CACHE_CONTROL, fresh)];
    if current { (headers, NotModified).into_response() } else { (headers, Json(shape)).into_response() }
}

/// After a removal others may believe in the key for so long.
const FRESH_SECONDS_MAX: u64 = 60;
