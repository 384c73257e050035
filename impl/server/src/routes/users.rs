//! Users and their lists of signature keys.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use data_encoding::BASE64URL_NOPAD;
use kpd_directory::{
    SignatureKey, SignatureKeyId, UserId,
    keys::{AddKey, Authority},
};
use sha2::{Digest as _, Sha256};

use super::document::{AddKeyRefusals, EnrolRefusals, KeysRefusals, RemoveKeyRefusals};
use crate::{
    auth::{AuthFailure, Signer},
    extract::{App, Names, OperatorJson, PerhapsSignedJson, Signed, bad},
    problem::{Problem, ProblemKind},
    status::{Created, Done, NotModified},
    wire::{AddKeyShape, AddedKey, Enrol, Enrolled, Keys},
};

/// Lets a user in; the operator does.
#[utoipa::path(post, path = "/v1/users", tag = "users", request_body = Enrol, security(("operator" = [])),
    responses((status = CREATED, description = "The user may add a first signature key", body = Enrolled), EnrolRefusals))]
pub(super) async fn enrol(
    State(app): State<App>,
    OperatorJson(body): OperatorJson<Enrol>,
) -> Result<Created<Enrolled>, Problem> {
    let (enrolment_token, not_after) = app.directory.enrol(&body.user).await?;
    Ok(Created(Enrolled { user: body.user, enrolment_token, not_after }))
}

/// A user's signature keys, for everyone (`KEY-LIST`).
#[utoipa::path(get, path = "/v1/users/{user}/keys", tag = "users",
    params(("user" = String, Path, example = "acct:bob@example.org"), ("if-none-match" = Option<String>, Header)),
    responses(
        (status = OK, description = "The keys on the list", body = Keys,
            headers(("etag" = String), ("cache-control" = String))),
        (status = NOT_MODIFIED, description = "The list is the one of If-None-Match"),
        KeysRefusals
    ))]
pub(super) async fn keys(
    State(app): State<App>,
    Names(user): Names<UserId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let listed = app.directory.keys(&user).await?;
    Ok(cacheable(&headers, &Keys::new(user, listed)))
}

/// Adds a signature key, with the enrolment token or signed by a key on the list (`KEY-PROOF`).
#[utoipa::path(post, path = "/v1/users/{user}/keys", tag = "users", request_body = AddKeyShape,
    security((), ("signature" = [])), params(("user" = String, Path, example = "acct:bob@example.org")),
    responses((status = CREATED, description = "The key is on the list", body = AddedKey), AddKeyRefusals))]
pub(super) async fn add_key(
    State(app): State<App>,
    Names(user): Names<UserId>,
    request: PerhapsSignedJson<AddKeyShape>,
) -> Result<Created<AddedKey>, Problem> {
    let add = to_be_added(request.body, request.signer)?;
    let id = app.directory.add_key(&user, &add).await?;
    Ok(Created(AddedKey { id }))
}

/// Removes a signature key, with all KeyPackages that it signed (`KEY-CASCADE`).
#[utoipa::path(delete, path = "/v1/users/{user}/keys/{id}", tag = "users", security(("signature" = [])),
    params(("user" = String, Path, example = "acct:bob@example.org"), ("id" = String, Path)),
    responses((status = NO_CONTENT, description = "The key is not on the list"), RemoveKeyRefusals))]
pub(super) async fn remove_key(
    State(app): State<App>,
    Names((user, id)): Names<(UserId, SignatureKeyId)>,
    Signed(signer): Signed,
) -> Result<Done, Problem> {
    signer.must_be_of(&user)?;
    app.directory.remove_key(&user, &id).await?;
    Ok(Done)
}

fn to_be_added(body: AddKeyShape, signer: Option<Signer>) -> Result<AddKey, Problem> {
    let key = SignatureKey::new(body.scheme, &body.signature_key.0).map_err(bad)?;
    let authority = match (body.enrolment_token, signer) {
        (Some(token), _) => Authority::EnrolmentToken(token),
        (None, Some(signer)) => Authority::ListedKey(signer.key),
        (None, None) => return Err(AuthFailure::Missing.into()),
    };
    Ok(AddKey { client: body.client, key, proof: body.proof.0, authority })
}

impl Signer {
    pub(super) fn must_be_of(&self, user: &UserId) -> Result<(), Problem> {
        let detail = || format!("this is for {user} alone, and the request is signed by {}", self.requester.user);
        (self.requester.user == *user).then_some(()).ok_or_else(|| Problem::new(ProblemKind::NotOwner, detail()))
    }
}

/// An answer that says how fresh it is, and that is not sent again to who has it.
fn cacheable(request: &HeaderMap, keys: &Keys) -> Response {
    let digest = Sha256::digest(serde_json::to_vec(keys).unwrap_or_default());
    let tag = format!("\"{}\"", BASE64URL_NOPAD.encode(&digest[..16]));
    let known = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let known = known.flat_map(|value| value.split(',')).map(|known| known.trim().trim_start_matches("W/"));
    let current = known.into_iter().any(|known| known == tag || known == "*");
    let headers = [(header::ETAG, tag), (header::CACHE_CONTROL, "public, max-age=60".into())];
    if current { (headers, NotModified).into_response() } else { (headers, Json(keys)).into_response() }
}
