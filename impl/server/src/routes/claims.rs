//! Claiming.

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use kpd_directory::{UserId, claim::Answered, event::Claim};

use super::document::ClaimRefusals;
use crate::{
    auth::Signer,
    extract::{App, Idempotency, Names, SignedJson},
    problem::Problem,
    wire::{ClaimShape, ClaimedShape},
};

/// Claims one KeyPackage of each of a user's clients, for whoever signs the request.
#[utoipa::path(post, path = "/v1/users/{user}/claims", tag = "claims",
    request_body = ClaimShape, security(("signature" = [])),
    params(
        ("user" = String, Path, example = "acct:bob@example.org"),
        ("idempotency-key" = Option<String>, Header,
            description = "Repeating the claim under the same key repeats its answer, and consumes nothing more")
    ),
    responses((status = OK, description = "What each client gave; never stored by a cache", body = ClaimedShape,
        headers(("cache-control" = String))), ClaimRefusals))]
pub(super) async fn claim(
    State(app): State<App>,
    Names(user): Names<UserId>,
    Idempotency(idempotency_key): Idempotency,
    SignedJson { signer, body }: SignedJson<ClaimShape>,
) -> Result<Response, Problem> {
    let ClaimShape { cipher_suites, required_capabilities, last_resort } = body;
    let required_capabilities = required_capabilities.into();
    let Signer { requester, vouched_by, .. } = signer;
    let claim = Claim { requester, cipher_suites, required_capabilities, last_resort, idempotency_key, vouched_by };
    match app.directory.claim(&user, &claim).await? {
        Answered::Claimed(claimed) => {
            app.operations.metrics.claimed(&claimed);
            let headers = [(CACHE_CONTROL, app.directory.seams().claim_cache_control)];
            let mut response = (headers, Json(ClaimedShape::from(claimed))).into_response();
            if let Some(remaining) = app.directory.gives_away(&user).await {
                response.headers_mut().insert("x-remaining", HeaderValue::from(remaining));
            }
            Ok(response)
        }
        Answered::Limited(limited) => Err(limited.into()),
    }
}
