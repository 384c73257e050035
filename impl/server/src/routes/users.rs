//! Users and their lists of signature keys.

use axum::{Json, extract::State, http::HeaderMap, response::Response};
use kpd_directory::{
    ClientName, SignatureKey, SignatureKeyId, UserId,
    keys::{AddKey, Authority},
};
use serde::Deserialize;

use super::{
    document::{
        AddKeyRefusals, EnrolRefusals, ExtendKeyRefusals, KeysRefusals, RemoveClientRefusals, RemoveKeyRefusals,
    },
    verify::cacheable,
};
use crate::{
    auth::{AuthFailure, Signer},
    extract::{App, Names, OperatorJson, Parameters, PerhapsSignedJson, Signed, SignedJson, bad},
    problem::{Problem, ProblemKind},
    status::{Created, Done},
    wire::{AddKeyShape, AddedKeyShape, ClientRemoved, Enrol, Enrolled, ExtendKey, KeyHistory, Keys},
};

/// Lets a user in; the operator does.
#[utoipa::path(post, path = "/v1/users", tag = "users", request_body = Enrol, security(("operator" = [])),
    responses((status = CREATED, description = "The user may add a first signature key", body = Enrolled), EnrolRefusals))]
pub(super) async fn enrol(
    State(app): State<App>,
    OperatorJson(body): OperatorJson<Enrol>,
) -> Result<Created<Enrolled>, Problem> {
    if let Some(server) = app.gate.vouching(&body.user) {
        return Err(bad(format_args!("user: {} is a user of {server}, which vouches for it", body.user)));
    }
    let (enrolment_token, not_after) = app.directory.enrol(&body.user).await?;
    Ok(Created(Enrolled { user: body.user, enrolment_token, not_after }))
}

/// Which keys are asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    #[serde(default)]
    history: bool,
}

/// A user's signature keys, for everyone (`KEY-LIST`): those that are valid now, or all that ever were (`KEY-HISTORY`).
#[utoipa::path(get, path = "/v1/users/{user}/keys", tag = "users",
    params(
        ("user" = String, Path, example = "acct:bob@example.org"),
        ("history" = Option<bool>, Query, description = "All that ever were, with the time in which each was valid"),
        ("if-none-match" = Option<String>, Header)
    ),
    responses(
        (status = OK, description = "The keys on the list; with `history`, a `KeyHistory`", body = Keys,
            headers(("etag" = String), ("cache-control" = String))),
        (status = NOT_MODIFIED, description = "The list is the one of If-None-Match"),
        KeysRefusals
    ))]
pub(super) async fn keys(
    State(app): State<App>,
    Names(user): Names<UserId>,
    Parameters(Which { history }): Parameters<Which>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if history {
        let keys = app.directory.key_history(&user).await?;
        return Ok(cacheable(&headers, keys, |keys| KeyHistory::new(user, keys)));
    }
    let keys = app.directory.keys(&user).await?;
    Ok(cacheable(&headers, keys, |keys| Keys::new(user, keys)))
}

/// Adds a signature key, with the enrolment token or signed by a key on the list (`KEY-PROOF`).
#[utoipa::path(post, path = "/v1/users/{user}/keys", tag = "users", request_body = AddKeyShape,
    security((), ("signature" = [])), params(("user" = String, Path, example = "acct:bob@example.org")),
    responses((status = CREATED, description = "The key is on the list", body = AddedKeyShape), AddKeyRefusals))]
pub(super) async fn add_key(
    State(app): State<App>,
    Names(user): Names<UserId>,
    request: PerhapsSignedJson<AddKeyShape>,
) -> Result<Created<AddedKeyShape>, Problem> {
    let add = to_be_added(request.body, request.signer)?;
    Ok(Created(app.directory.add_key(&user, &add).await?.into()))
}

/// Moves the end of a signature key forward, while it is valid (`KEY-EXPIRY-FORWARD`).
#[utoipa::path(patch, path = "/v1/users/{user}/keys/{id}", tag = "users", request_body = ExtendKey,
    security(("signature" = [])),
    params(("user" = String, Path, example = "acct:bob@example.org"), ("id" = String, Path)),
    responses((status = OK, description = "The key ends then", body = ExtendKey), ExtendKeyRefusals))]
pub(super) async fn extend_key(
    State(app): State<App>,
    Names((user, id)): Names<(UserId, SignatureKeyId)>,
    SignedJson { signer, body }: SignedJson<ExtendKey>,
) -> Result<Json<ExtendKey>, Problem> {
    signer.must_be_of(&user)?;
    let expires_at = app.directory.extend_key(&user, &id, body.expires_at).await?;
    Ok(Json(ExtendKey { expires_at }))
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

/// Removes a client in one act, with its keys, its KeyPackages and what it has not read (`LIFE-REMOVE-CLIENT`); any
/// client of the user does.
#[utoipa::path(delete, path = "/v1/users/{user}/clients/{client}", tag = "users", security(("signature" = [])),
    params(("user" = String, Path, example = "acct:bob@example.org"), ("client" = String, Path, example = "bob-phone")),
    responses((status = OK, description = "It is gone", body = ClientRemoved), RemoveClientRefusals))]
pub(super) async fn remove_client(
    State(app): State<App>,
    Names((user, client)): Names<(UserId, ClientName)>,
    Signed(signer): Signed,
) -> Result<Json<ClientRemoved>, Problem> {
    signer.must_be_of(&user)?;
    Ok(Json(ClientRemoved { unread: app.directory.remove_client(&user, &client).await? }))
}

fn to_be_added(body: AddKeyShape, signer: Option<Signer>) -> Result<AddKey, Problem> {
    let key = SignatureKey::new(body.scheme, &body.signature_key.0).map_err(bad)?;
    let authority = match (body.enrolment_token, signer) {
        (Some(token), _) => Authority::EnrolmentToken(token),
        (None, Some(signer)) => Authority::ListedKey(signer.key),
        (None, None) => return Err(AuthFailure::Missing.into()),
    };
    Ok(AddKey { client: body.client, key, proof: body.proof.0, authority, expires_at: body.expires_at })
}

impl Signer {
    pub(super) fn must_be_of(&self, user: &UserId) -> Result<(), Problem> {
        let detail = || format!("this is for {user} alone, and the request is signed by {}", self.requester.user);
        (self.requester.user == *user).then_some(()).ok_or_else(|| Problem::new(ProblemKind::NotOwner, detail()))
    }
}
