//! All routes; the router and the OpenAPI document come from one list.

mod about;
mod blocks;
mod claims;
mod document;
mod feed;
mod key_packages;
mod operator;
mod stream;
mod users;
mod verify;
mod webfinger;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{Method, Uri},
    middleware::from_fn_with_state,
    routing::get,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    extract::{App, Shared},
    problem::{Problem, ProblemKind},
    serve::observe,
};

/// The service of a directory: everything but the listening.
pub(crate) fn router(shared: Shared) -> (Router, App) {
    let (router, document) = listed().split_for_parts();
    let document = document::finished(document);
    let app = Arc::new(Shared { document, ..shared });
    // Not in the document: it is the operator's, and may be elsewhere.
    let router = if app.operations.shows_metrics { router.route(METRICS, get(about::metrics)) } else { router };
    let router = router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(app.body_bytes_read_max()))
        .layer(from_fn_with_state(Arc::clone(&app), observe))
        .with_state(Arc::clone(&app));
    (router, app)
}

/// What is served at the address of the metrics.
pub(crate) fn operators_router(app: App) -> Router {
    let router = Router::new().route(METRICS, get(about::metrics));
    router.route("/healthz", get(about::health)).route("/readyz", get(about::ready)).fallback(not_found).with_state(app)
}

const METRICS: &str = "/metrics";

fn listed() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(document::begun())
        .routes(routes!(users::enrol))
        .routes(routes!(users::keys, users::add_key))
        .routes(routes!(users::extend_key, users::remove_key))
        .routes(routes!(verify::verify))
        .routes(routes!(webfinger::webfinger))
        .routes(routes!(key_packages::publish, key_packages::replace, key_packages::inventory))
        .routes(routes!(key_packages::withdraw))
        .routes(routes!(claims::claim))
        .routes(routes!(users::remove_client))
        .routes(routes!(blocks::blocks, blocks::block, blocks::unblock))
        .routes(routes!(feed::stock))
        .routes(routes!(feed::notifications))
        .routes(routes!(feed::acknowledge))
        .routes(routes!(operator::back_up))
        .routes(routes!(about::policy))
        .routes(routes!(about::health))
        .routes(routes!(about::ready))
        .routes(routes!(about::problem))
        .routes(routes!(about::openapi))
}

async fn not_found(uri: Uri) -> Problem {
    Problem::new(ProblemKind::NotFound, format!("there is nothing at {}", uri.path()))
}

async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    Problem::new(ProblemKind::MethodNotAllowed, format!("{} does not take {method}", uri.path()))
}
