//! What the directory says about itself.

use axum::{
    Json,
    extract::State,
    http::header::{CONTENT_TYPE, HeaderName},
    response::{IntoResponse, Response},
};

use super::document::{ProblemRefusals, ReadyRefusals};
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

/// Whether requests should be sent here: the store answers, and the server is not about to stop.
#[utoipa::path(get, path = "/readyz", tag = "about",
    responses((status = OK, description = "They should", body = Health), ReadyRefusals))]
pub(super) async fn ready(State(app): State<App>) -> Result<Json<Health>, Problem> {
    match app.operations.unready().await {
        None => Ok(Json(Health { status: "ready" })),
        Some(why) => Err(Problem::new(ProblemKind::NotReady, why)),
    }
}

/// What the operator counts, in the text format of OpenMetrics.
pub(super) async fn metrics(State(app): State<App>) -> ([(HeaderName, &'static str); 1], String) {
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], app.operations.metrics.text())
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
