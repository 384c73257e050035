//! From a request to what a handler needs: names from the path, an author, a body; or else a problem.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{
        FromRequest, FromRequestParts, Path, Query, Request,
        rejection::{BytesRejection, FailedToBufferBody},
    },
    http::{HeaderMap, header, request::Parts},
};
use kpd_directory::IdempotencyKey;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::{
    auth::{Gate, Signer},
    config::HttpLimits,
    problem::{Problem, ProblemKind},
    serve::Operations,
    service::Directory,
    wire::{IDEMPOTENCY_KEY, Object, PolicyShape},
};

/// What all handlers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) directory: Directory,
    pub(crate) gate: Gate,
    pub(crate) operator_token_digest: [u8; 32],
    pub(crate) policy: PolicyShape,
    pub(crate) document: String,
    pub(crate) operations: Operations,
}

impl Shared {
    /// Up to here a body that is too large is read to its end: an answer before that can be lost when the connection
    /// closes.
    pub(crate) fn body_bytes_read_max(&self) -> usize {
        self.operations.http.body_bytes_max.saturating_mul(2)
    }
}

pub(crate) type App = Arc<Shared>;

/// Names in the path, percent-decoded and parsed.
pub(crate) struct Names<T>(pub(crate) T);

/// Parameters in the query.
pub(crate) struct Parameters<T>(pub(crate) T);

/// A request that is signed by somebody's listed key, and has no body that matters.
pub(crate) struct Signed(pub(crate) Signer);

/// A request that is signed by somebody's listed key, with its body.
pub(crate) struct SignedJson<T> {
    pub(crate) signer: Signer,
    pub(crate) body: T,
}

/// A body, and the author where the request is signed. A signature that does not hold is still an error.
pub(crate) struct PerhapsSignedJson<T> {
    pub(crate) signer: Option<Signer>,
    pub(crate) body: T,
}

/// A request of the operator, without a body that matters.
pub(crate) struct Operator;

/// A request of the operator, with its body.
pub(crate) struct OperatorJson<T>(pub(crate) T);

/// The idempotency key of a claim, where it has one.
pub(crate) struct Idempotency(pub(crate) Option<IdempotencyKey>);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Names<T> {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Parts, app: &App) -> Result<Self, Problem> {
        let names = Path::from_request_parts(head, app).await;
        names.map(|Path(names)| Self(names)).map_err(|error| bad(error.body_text()))
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Parts, app: &App) -> Result<Self, Problem> {
        let parameters = Query::from_request_parts(head, app).await;
        parameters.map(|Query(parameters)| Self(parameters)).map_err(|error| bad(error.body_text()))
    }
}

impl FromRequest<App> for Signed {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (head, body) = read(request, app).await?;
        Ok(Self(app.gate.signer(&app.directory, &head, &body).await?))
    }
}

impl<T: DeserializeOwned> FromRequest<App> for SignedJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (head, body) = read(request, app).await?;
        let signer = app.gate.signer(&app.directory, &head, &body).await?;
        Ok(Self { signer, body: json(&head.headers, &body)? })
    }
}

impl<T: DeserializeOwned> FromRequest<App> for PerhapsSignedJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (head, body) = read(request, app).await?;
        let signed = head.headers.contains_key("signature-input");
        let signer = if signed { Some(app.gate.signer(&app.directory, &head, &body).await?) } else { None };
        Ok(Self { signer, body: json(&head.headers, &body)? })
    }
}

impl<T: DeserializeOwned> FromRequest<App> for OperatorJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (head, body) = read(request, app).await?;
        must_be_operator(&head, app)?;
        Ok(Self(json(&head.headers, &body)?))
    }
}

impl FromRequestParts<App> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Parts, app: &App) -> Result<Self, Problem> {
        must_be_operator(head, app).map(|()| Self)
    }
}

fn must_be_operator(head: &Parts, app: &App) -> Result<(), Problem> {
    let authorization = head.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = authorization
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    // Digests are compared, so that the time it takes says nothing about the token.
    let operator = token.is_some_and(|(_, token)| Sha256::digest(token).as_slice() == app.operator_token_digest);
    let detail = "this is for the operator: Authorization: Bearer and the operator's token";
    operator.then_some(()).ok_or_else(|| Problem::new(ProblemKind::OperatorOnly, detail))
}

impl FromRequestParts<App> for Idempotency {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Parts, _: &App) -> Result<Self, Problem> {
        let mut values = head.headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        if values.next().is_some() {
            return Err(bad("Idempotency-Key comes more than once"));
        }
        let text = value.to_str().map_err(|_| bad("Idempotency-Key is not ASCII"))?;
        IdempotencyKey::parse(text).map(|key| Self(Some(key))).map_err(bad)
    }
}

async fn read(request: Request, app: &App) -> Result<(Parts, Bytes), Problem> {
    let (head, body) = request.into_parts();
    let HttpLimits { body_bytes_max, body_seconds, .. } = app.operations.http;
    let body = Bytes::from_request(Request::from_parts(head.clone(), body), app);
    let too_slow =
        |_| Problem::new(ProblemKind::TooSlow, format!("the body did not come within {body_seconds} seconds"));
    let body = tokio::time::timeout(Duration::from_secs(body_seconds), body).await.map_err(too_slow)?;
    let too_large = || Problem::new(ProblemKind::TooLarge, format!("the body is larger than {body_bytes_max} bytes"));
    match body {
        Ok(body) if body.len() <= body_bytes_max => Ok((head, body)),
        Ok(_) | Err(BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_))) => Err(too_large()),
        Err(_) => Err(bad("the body breaks off")),
    }
}

fn json<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Problem> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = media_type.split(';').next().unwrap_or("").trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        let detail = format!("Content-Type is {media_type:?}, where application/json is the one that is read");
        return Err(Problem::new(ProblemKind::UnsupportedMediaType, detail));
    }
    // serde_json's own message ends with line and column.
    let read = serde_json::from_slice(body).map(|Object(members)| members);
    read.map_err(|error| bad(format!("the body: {error}")))
}

pub(crate) fn bad(detail: impl ToString) -> Problem {
    Problem::new(ProblemKind::BadRequest, detail)
}
