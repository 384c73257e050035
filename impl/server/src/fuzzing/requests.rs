//! Any requests in a row: each answer is one that the OpenAPI document names.

use std::{sync::OnceLock, time::Duration};

use axum::{
    body::{Body, to_bytes},
    http::{StatusCode, header::CONTENT_TYPE},
    response::Response,
};
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;

/// Sends the requests that 0xFF separates, as the operator and signed by one user's client, to a new directory.
///
/// # Panics
///
/// Where an answer is none that the document names, or an error of the server.
pub fn requests(bytes: &[u8]) {
    run(async {
        let Some(mut house) = House::new().await else { return };
        let document = document(&house.app.document);
        for step in bytes.split(|byte| *byte == 0xff).take(STEPS_MAX) {
            if let Some(message) = Message::parse(step) {
                answered(&mut house, document, message).await;
            }
        }
    });
}

/// What came back on a request, and how the document names its operation; `None` where it was not sent.
pub(super) async fn answered(house: &mut House, document: &Value, message: Message) -> Option<(String, StatusCode)> {
    let Message { mut head, body } = message;
    let json = HeaderValue::from_static("application/json");
    head.headers.entry(CONTENT_TYPE).or_insert(json);
    head.headers.insert("authorization", HeaderValue::from_static("Bearer operator"));
    house.sign(&mut head, &body)?;
    let (method, path) = (head.method.as_str().to_string(), head.uri.path().to_string());
    let request = Request::from_parts(head, Body::from(body));
    let answer = tokio::time::timeout(PATIENCE, house.router.clone().oneshot(request)).await;
    // Who asks to be told later waits; nothing else takes so long.
    let Ok(Ok(answer)) = answer else { return None };
    let status = answer.status();
    let problem = problem_of(answer).await;
    assert!(!status.is_server_error(), "{method} {path}: {status}: {problem}");
    let operation = operation(document, &method, &path);
    let documented = match &operation {
        Some((_, operation)) => operation["responses"].get(status.as_str()).is_some(),
        None => [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED].contains(&status) || method == "HEAD",
    };
    assert!(documented, "{method} {path}: {status} is not in the document: {problem}");
    Some((operation?.0, status))
}

/// The problem document, where the answer has to be one.
async fn problem_of(answer: Response) -> Value {
    let status = answer.status();
    let is_problem = status.is_client_error() || status.is_server_error();
    let media_type = answer.headers().get(CONTENT_TYPE).cloned();
    let media_type = media_type.as_ref().and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !is_problem || media_type.is_empty() {
        return Value::Null;
    }
    assert_eq!(media_type, "application/problem+json", "{status}");
    let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap_or_default();
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    assert!(body.is_empty() || problem["status"] == status.as_u16(), "{status}: {problem}");
    problem
}

/// The operation that the document has for a path.
fn operation<'a>(document: &'a Value, method: &str, path: &str) -> Option<(String, &'a Value)> {
    let paths = document["paths"].as_object()?;
    let fits = |template: &str| {
        let (wanted, given): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
        let same = |(wanted, given): (&&str, &&str)| wanted == given || (wanted.starts_with('{') && !given.is_empty());
        wanted.len() == given.len() && wanted.iter().zip(&given).all(same)
    };
    let (template, item) = paths.iter().find(|(template, _)| fits(template))?;
    // Methods are told apart by case (RFC 9110 §9.1): `gET` is none of the document's, though it writes them small.
    let method = method.bytes().all(|byte| byte.is_ascii_uppercase()).then(|| method.to_ascii_lowercase())?;
    let operation = item.get(method.as_str())?;
    Some((format!("{method} {template}"), operation))
}

/// Read once: it is the same for every directory.
pub(super) fn document(text: &str) -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| serde_json::from_str(text).unwrap_or_default())
}

const STEPS_MAX: usize = 8;
const PATIENCE: Duration = Duration::from_secs(2);
