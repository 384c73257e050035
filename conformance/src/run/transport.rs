//! Sends requests: own connections, and the last byte held back until all lanes of a race are ready.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::stream;
use tokio::{sync::Barrier, time::Instant};

use crate::{binding::render::Rendered, recording::Exchange};

/// A client with a connection of its own.
#[derive(Clone, Debug)]
pub struct Lane {
    http: reqwest::Client,
    /// `http://host:port`, without a path.
    pub base: String,
    /// How long to wait for an answer.
    timeout: Duration,
}

/// A raw answer, with its times.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    /// When the last byte of the request was released.
    pub sent: Instant,
    /// When the answer was there.
    pub answered: Instant,
    /// For the report.
    pub exchange: Exchange,
}

/// The server did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{method} {url}: {why}")]
pub struct NoAnswer {
    method: String,
    url: String,
    why: String,
}

/// Lanes of a race meet here before each releases the last byte of its first request.
pub type Gate = Arc<Barrier>;

/// A race goes on without a lane that does not come to the gate in this time.
const GATE_PATIENCE: Duration = Duration::from_secs(2);

/// A longer body is not read on: a server that never ends must not fill the memory. In MiB.
const BODY_MIB: usize = 16;

impl Lane {
    /// A lane to a server.
    ///
    /// # Errors
    ///
    /// If no HTTP client can be made.
    pub fn new(base: &str, timeout: Duration) -> Result<Self, String> {
        let http = reqwest::Client::builder()
            .pool_max_idle_per_host(1)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(timeout.min(Duration::from_secs(3)))
            .build()
            .map_err(|error| format!("no HTTP client: {}", chain(&error)))?;
        Ok(Self { http, base: base.trim_end_matches('/').into(), timeout })
    }

    /// Sends a request and waits for the whole answer.
    ///
    /// # Errors
    ///
    /// If none comes.
    pub async fn send(&self, request: &Rendered, gate: Option<&Gate>) -> Result<Answer, NoAnswer> {
        self.send_patiently(request, gate, Duration::ZERO).await
    }

    /// The same, where the server may take so much longer than for others.
    ///
    /// # Errors
    ///
    /// If no answer comes.
    pub async fn send_patiently(
        &self,
        request: &Rendered,
        gate: Option<&Gate>,
        longer: Duration,
    ) -> Result<Answer, NoAnswer> {
        let path = request.path.strip_prefix(&self.base).unwrap_or(&request.path);
        let url = format!("{}{path}", self.base);
        let no_answer = |why: String| NoAnswer { method: request.method.clone(), url: url.clone(), why };
        if !path.starts_with('/') {
            // A link that an answer gave.
            let (method, url) = (request.method.clone(), path.to_string());
            return Err(NoAnswer { method, url, why: format!("not asked, since it is not on {}", self.base) });
        }
        let method = request.method.parse().map_err(|_| no_answer("not an HTTP method".into()))?;
        let mut builder = self.http.request(method, &url).timeout(self.timeout.saturating_add(longer));
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let released = Arc::new(std::sync::Mutex::new(Instant::now()));
        match (&request.body, gate) {
            (Some(body), Some(gate)) if !body.is_empty() => {
                builder = builder.header("content-length", body.len());
                builder = builder.body(held_back(body.clone(), Arc::clone(gate), Arc::clone(&released)));
            }
            (Some(body), _) => builder = builder.body(body.clone()),
            (None, Some(gate)) => pass(gate).await,
            (None, None) => {}
        }
        set(&released);
        let mut response = builder.send().await.map_err(|error| no_answer(chain(&error)))?;
        let status = response.status().as_u16();
        let header = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let response_headers: BTreeMap<_, _> = response.headers().iter().map(header).collect();
        let mut body = vec![];
        while let Some(part) = response.chunk().await.map_err(|error| no_answer(chain(&error)))? {
            if body.len() + part.len() > BODY_MIB << 20 {
                return Err(no_answer(format!("the body is longer than {BODY_MIB} MiB")));
            }
            body.extend_from_slice(&part);
        }
        let answered = Instant::now();
        let sent = *released.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let exchange = Exchange {
            method: request.method.clone(),
            url,
            request_headers: request.headers.iter().map(|(name, value)| (name.clone(), masked(name, value))).collect(),
            request_body: request.body.as_deref().map(String::from_utf8_lossy).unwrap_or_default().into_owned(),
            status,
            response_headers,
            response_body: String::from_utf8_lossy(&body).into_owned(),
        };
        Ok(Answer { status, body, sent, answered, exchange })
    }
}

/// All but the last byte; the last once every lane has come so far.
fn held_back(body: Vec<u8>, gate: Gate, released: Arc<std::sync::Mutex<Instant>>) -> reqwest::Body {
    let last = body.len().saturating_sub(1);
    let parts = stream::unfold(0_u8, move |part| {
        let (body, gate, released) = (body.clone(), Arc::clone(&gate), Arc::clone(&released));
        async move {
            match part {
                0 => Some((Ok::<_, std::convert::Infallible>(body[..last].to_vec()), 1)),
                1 => {
                    pass(&gate).await;
                    set(&released);
                    Some((Ok(body[last..].to_vec()), 2))
                }
                _ => None,
            }
        }
    });
    reqwest::Body::wrap_stream(parts)
}

pub(super) async fn pass(gate: &Gate) {
    // A lane that failed to connect never comes; the others go on and are judged by what they see.
    let _ = tokio::time::timeout(GATE_PATIENCE, gate.wait()).await;
}

fn set(released: &std::sync::Mutex<Instant>) {
    *released.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Instant::now();
}

/// What would let a reader of a report act as somebody else is not shown.
fn masked(name: &str, value: &str) -> String {
    match name {
        "authorization" | "cookie" => "(masked)".into(),
        _ => value.into(),
    }
}

/// An error with its causes: the outermost sentence alone says little.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut says = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        says = format!("{says}: {cause}");
        source = cause.source();
    }
    says
}
