//! Discovery (RFC 7033): where the signature keys of a user are, for everyone.

use axum::{
    extract::State,
    http::{HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use kpd_directory::UserId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{document::WebFingerRefusals, verify::cacheable};
use crate::{
    auth::Origin,
    extract::{App, bad},
    federation::{CLAIMS, SIGNATURE_KEYS, canonical},
    problem::Problem,
    service::Lasting,
};

/// A JSON Resource Descriptor (RFC 7033 §4.4): what there is to know about a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Jrd)]
pub(super) struct JrdShape {
    #[schema(value_type = String, example = "acct:bob@example.org")]
    subject: UserId,
    links: Vec<LinkShape>,
}

/// A link of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Link)]
struct LinkShape {
    /// `tag:key-package-directory.example,2026:signature-keys`: `GET` the list of valid keys.
    /// `tag:key-package-directory.example,2026:claims`: `POST` a claim.
    rel: &'static str,
    #[serde(rename = "type")]
    media_type: &'static str,
    #[schema(example = "https://example.org/v1/users/acct:bob@example.org/keys")]
    href: String,
}

/// Where a user's signature keys are, and where its KeyPackages are claimed (`KEY-RESOLVE`). Whether somebody is a user
/// is no secret: the list of keys tells it, too.
#[utoipa::path(get, path = "/.well-known/webfinger", tag = "users",
    params(
        ("resource" = String, Query, example = "acct:bob@example.org"),
        ("rel" = Option<Vec<String>>, Query, description = "Only links of these relations")
    ),
    responses(
        (status = OK, description = "The user, and its links", body = JrdShape, content_type = "application/jrd+json",
            headers(("etag" = String), ("cache-control" = String), ("access-control-allow-origin" = String))),
        (status = NOT_MODIFIED, description = "The answer is the one of If-None-Match"),
        WebFingerRefusals
    ))]
pub(super) async fn webfinger(State(app): State<App>, head: Parts) -> impl IntoResponse {
    // For scripts of every origin (RFC 7033 §5), refusals included.
    ([(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")], answer(&app, &head).await)
}

async fn answer(app: &App, head: &Parts) -> Result<Response, Problem> {
    let Query { user, relations } = Query::read(head.uri.query().unwrap_or_default())?;
    let origin = app.gate.origin(head).ok_or_else(|| bad("the request names no host"))?;
    let user = app.directory.discover(&user).await?;
    let shape = |user: UserId| {
        let links = links(&origin, &user).into_iter();
        let links = links.filter(|link| relations.is_empty() || relations.iter().any(|rel| rel == link.rel)).collect();
        JrdShape { subject: user, links }
    };
    let mut response = cacheable(&head.headers, Lasting { answer: user, seconds: None }, shape);
    if response.headers().contains_key(header::CONTENT_TYPE) {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jrd+json"));
    }
    Ok(response)
}

fn links(origin: &Origin, user: &UserId) -> [LinkShape; 2] {
    // Everything in the name of a user may stand in a path as it is (RFC 3986 §3.3).
    let link = |rel, path: &str| {
        let href = origin.url(&format!("/v1/users/{user}/{path}"));
        LinkShape { rel, media_type: "application/json", href }
    };
    [link(SIGNATURE_KEYS, "keys"), link(CLAIMS, "claims")]
}

/// What is asked.
struct Query {
    user: UserId,
    relations: Vec<String>,
}

impl Query {
    /// Parameters that are not known are no concern of ours; a plus sign is one, since this is no form (RFC 7033 §4.1).
    fn read(query: &str) -> Result<Self, Problem> {
        let (mut resources, mut relations) = (vec![], vec![]);
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "resource" => resources.push(decoded(value)?),
                "rel" => relations.push(decoded(value)?),
                _ => {}
            }
        }
        let [resource] = resources.as_slice() else {
            return Err(bad("resource: exactly one, such as resource=acct:bob@example.org"));
        };
        let expected = || bad(format_args!("resource: {resource:.80?} is not a user such as acct:bob@example.org"));
        Ok(Self { user: canonical(resource).ok_or_else(expected)?, relations })
    }
}

/// Undoes percent-encoding (RFC 3986 §2.1).
fn decoded(value: &str) -> Result<String, Problem> {
    let wrong = || bad("the query is not percent-encoded UTF-8");
    let mut bytes = vec![];
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = (*first == b'%').then(|| after.split_at_checked(2).ok_or_else(wrong)).transpose()?;
        let (byte, after) = match hex {
            Some((digits, after)) => {
                let byte = data_encoding::HEXUPPER_PERMISSIVE.decode(digits).map_err(|_| wrong())?;
                (byte[0], after)
            }
            None => (*first, after),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}
