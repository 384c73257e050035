//! What the directory says about itself.

use axum::{
    Json,
    extract::State,
    http::header::{CONTENT_TYPE, HeaderName},
    response::{IntoResponse, Response},
};

use super::document::ProblemRefusals;
use crate::{
    extract::{App, Names},
    problem::{Explanation, Problem, ProblemKind},
    wire::{Health, PolicyShape},
};

/// The limits and promises of this directory (`PUB-LIMITS`).
#[utoipa::path(get, path = "/v1/policy", tag = "about",
    responses((status = OK, description = "All limits", body = PolicyShape)))]
pub(super) async fn policy(State(app): State<App>) -> Response {
    Json(&app.policy).into_response()
}

/// Whether the server answers.
#[utoipa::path(get, path = "/healthz", tag = "about", responses((status = OK, description = "It does", body = Health)))]
pub(super) async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// What a type of problem means.
#[utoipa::path(get, path = "/problems/{kind}", tag = "about", params(("kind" = String, Path, example = "not-owner")),
    responses((status = OK, description = "What it is and what to do", body = Explanation), ProblemRefusals))]
pub(super) async fn problem(Names(kind): Names<String>) -> Result<Json<Explanation>, Problem> {
    let unknown = || Problem::new(ProblemKind::NotFound, format!("there is no type of problem {kind:?}"));
    Explanation::of(&kind).map(Json).ok_or_else(unknown)
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "about",
    responses((status = OK, description = "OpenAPI 3.1", content_type = "application/json", body = Object)))]
pub(super) async fn openapi(State(app): State<App>) -> ([(HeaderName, &'static str); 1], String) {
    ([(CONTENT_TYPE, "application/json")], app.document.clone())
}
