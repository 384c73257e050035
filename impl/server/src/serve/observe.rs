//! Around every request: its time, its line in the log, its numbers.

use std::time::{Duration, Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, Method},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    extract::App,
    logs::TARGET,
    problem::{Problem, ProblemKind},
};

/// A request that is being answered; where its client goes away before, that is told, too.
struct Observed {
    app: App,
    begun: Instant,
    id: String,
    method: &'static str,
    route: String,
    path: String,
    is_told: bool,
}

pub(crate) async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let given = request.headers().get(REQUEST_ID).filter(|id| is_identifier(id)).cloned();
    let id = given.as_ref().and_then(|id| id.to_str().ok()).map_or_else(fresh, Into::into);
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let (method, path) = (method(request.method()), request.uri().path().to_owned());
    let waits = (method, route.as_str()) == WAITS;
    let patience = Duration::from_secs(app.operations.http.request_seconds);
    let mut observed = Observed { app, begun: Instant::now(), id, method, route, path, is_told: false };
    let answer = next.run(request);
    let mut response = if waits {
        answer.await
    } else {
        tokio::time::timeout(patience, answer).await.unwrap_or_else(|_| {
            let detail = format!("there was no answer within {} seconds", patience.as_secs());
            Problem::new(ProblemKind::TimedOut, detail).into_response()
        })
    };
    observed.tell(&response);
    // Only to those who sent one: answers that have to be alike stay alike.
    if let Some(given) = given {
        response.headers_mut().insert(REQUEST_ID, given);
    }
    response
}

impl Observed {
    fn tell(&mut self, response: &Response) {
        self.is_told = true;
        let (status, took) = (response.status().as_u16(), self.begun.elapsed());
        let problem = response.extensions().get::<ProblemKind>().map_or("", |kind| kind.name());
        let metrics = &self.app.operations.metrics;
        metrics.answered(self.method, &self.route, status, took);
        if !problem.is_empty() {
            metrics.refused(problem);
        }
        let (id, method, route, ms) = (&self.id, self.method, &self.route, milliseconds(took));
        tracing::info!(target: TARGET, id, method, route, status, ms, problem, "request");
        tracing::debug!(target: TARGET, id, path = self.path, "path");
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        if !self.is_told {
            let (id, method, route, ms) = (&self.id, self.method, &self.route, milliseconds(self.begun.elapsed()));
            tracing::info!(target: TARGET, id, method, route, ms, "abandoned: the client has gone, or the server stops");
        }
    }
}

/// To the microsecond.
fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

/// Whatever a client invents is one value: labels have to be few.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn is_identifier(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    (1..=64).contains(&bytes.len()) && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

fn fresh() -> String {
    format!("{:016x}", rand::random::<u64>())
}

const REQUEST_ID: &str = "x-request-id";

/// Where a client may wait for news as long as it likes.
const WAITS: (&str, &str) = ("GET", "/v1/users/{user}/clients/{client}/notifications");
