//! Sends requests: own connections, and the last byte held back until all lanes of a race are ready.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::stream;
use tokio::{
    sync::{Barrier, watch},
    time::Instant,
};

use crate::{
    binding::render::Rendered,
    recording::{Exchange, mask},
};

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
#[derive(Clone, Debug, thiserror::Error)]
#[error("{} {}: {why}", exchange.method, exchange.url)]
pub struct NoAnswer {
    /// What happened.
    pub why: String,
    /// Whose doing it is.
    pub whose: Whose,
    /// The request, for the report; its status is 0.
    pub exchange: Box<Exchange>,
}

/// Whose doing it is that there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// It was asked, and said nothing that is an answer.
    Servers,
    /// It has named a place elsewhere, and was not asked.
    ServersLink,
    /// What the binding makes of its variables cannot be sent.
    Bindings,
}

/// How a request is sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner<'a> {
    /// Its last byte waits for others.
    pub gate: Option<&'a Gate>,
    /// The server may take so much longer than for others.
    pub longer: Duration,
    /// The line is cut so long after the last byte, whatever the server says.
    pub cut: Option<Duration>,
}

/// Lanes of a race meet here before each releases the last byte of its first request.
pub type Gate = Arc<Barrier>;

/// A race goes on without a lane that does not come to the gate in this time.
const GATE_PATIENCE: Duration = Duration::from_secs(2);

/// So much of a body is kept for a report; what an answer means is read from the whole. Bytes.
const SHOWN: usize = 64 << 10;

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
    pub async fn send(&self, request: &Rendered) -> Result<Answer, NoAnswer> {
        self.send_so(request, Manner::default()).await
    }

    /// The same, in a manner of its own.
    ///
    /// # Errors
    ///
    /// If no answer comes.
    pub async fn send_so(&self, request: &Rendered, manner: Manner<'_>) -> Result<Answer, NoAnswer> {
        let path = request.path.strip_prefix(&self.base).unwrap_or(&request.path);
        let mut exchange = Exchange {
            method: request.method.clone(),
            url: format!("{}{path}", self.base),
            request_headers: request.headers.iter().map(|(name, value)| (name.clone(), masked(name, value))).collect(),
            request_body: request.body.as_deref().map(shown).unwrap_or_default(),
            status: 0,
            response_headers: BTreeMap::new(),
            response_body: String::new(),
        };
        let no_answer = |whose: Whose, why: String, mut exchange: Exchange| {
            exchange.response_body = format!("(no answer: {why})");
            NoAnswer { why, whose, exchange: Box::new(exchange) }
        };
        if !path.starts_with('/') {
            exchange.url = path.into();
            let why = format!("not asked, since it is not on {}", self.base);
            return Err(no_answer(Whose::ServersLink, why, exchange));
        }
        let Ok(method) = request.method.parse() else {
            return Err(no_answer(Whose::Bindings, "not an HTTP method".into(), exchange));
        };
        let mut builder = self.http.request(method, &exchange.url).timeout(self.timeout.saturating_add(manner.longer));
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let release = Arc::new(Release::default());
        let mut is_held = false;
        match (&request.body, manner.gate) {
            (Some(body), Some(gate)) if !body.is_empty() => {
                is_held = true;
                builder = builder.header("content-length", body.len());
                builder = builder.body(held_back(body.clone(), Arc::clone(gate), Arc::clone(&release)));
            }
            (Some(body), _) => builder = builder.body(body.clone()),
            (None, Some(gate)) => pass(gate).await,
            (None, None) => {}
        }
        if !is_held {
            release.now();
        }
        let answering = answer(builder);
        let answered = match manner.cut {
            None => answering.await,
            Some(after) => tokio::select! {
                answered = answering => answered,
                () = release.so_long_ago(after) => Err((Whose::Servers, CUT.into())),
            },
        };
        let (status, headers, body) = answered.map_err(|(whose, why)| no_answer(whose, why, exchange.clone()))?;
        let answered = Instant::now();
        let sent = release.at().unwrap_or(answered);
        let header = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        exchange.status = status;
        exchange.response_headers = headers.iter().map(header).collect();
        exchange.response_body = shown(&body);
        Ok(Answer { status, body, sent, answered, exchange })
    }
}

/// What a report says of a line that the suite itself has cut.
pub(super) const CUT: &str = "the line was cut, as a requester's line is";

type Whole = (u16, reqwest::header::HeaderMap, Vec<u8>);

/// The whole answer.
async fn answer(request: reqwest::RequestBuilder) -> Result<Whole, (Whose, String)> {
    let silent = |error: reqwest::Error| {
        let whose = if error.is_builder() { Whose::Bindings } else { Whose::Servers };
        (whose, chain(&error.without_url()))
    };
    let mut response = request.send().await.map_err(silent)?;
    let mut body = vec![];
    while let Some(part) = response.chunk().await.map_err(silent)? {
        if body.len() + part.len() > BODY_MIB << 20 {
            return Err((Whose::Servers, format!("the body is longer than {BODY_MIB} MiB")));
        }
        body.extend_from_slice(&part);
    }
    Ok((response.status().as_u16(), response.headers().clone(), body))
}

/// A body as text, or its beginning; in hex what is no text.
fn shown(body: &[u8]) -> String {
    let begin = &body[..body.len().min(SHOWN)];
    // A character may be cut in two at the end.
    let text = match std::str::from_utf8(begin) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&begin[..error.valid_up_to()]).ok(),
        Err(_) => None,
    };
    let odd = |c: char| c.is_control() && !c.is_ascii_whitespace();
    let begins = match text.filter(|text| !text.contains(odd)) {
        Some(text) => text.to_string(),
        None => {
            let begin = &begin[..begin.len().min(SHOWN_IN_HEX)];
            let more = body.len() - begin.len();
            let more = if more == 0 { String::new() } else { format!("… ({more} bytes more)") };
            return format!("(hex) {}{more}", data_encoding::HEXLOWER.encode(begin));
        }
    };
    match body.len().checked_sub(SHOWN) {
        None | Some(0) => begins,
        Some(more) => format!("{begins}… ({more} bytes more)"),
    }
}

/// Of what is no text, so many bytes are shown: enough to see what it is.
const SHOWN_IN_HEX: usize = 64;

/// When the last byte of a request was released.
#[derive(Debug)]
struct Release(watch::Sender<Option<Instant>>);

impl Default for Release {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl Release {
    fn now(&self) {
        self.0.send_replace(Some(Instant::now()));
    }

    fn at(&self) -> Option<Instant> {
        *self.0.borrow()
    }

    /// Waits until that is so long ago.
    async fn so_long_ago(&self, after: Duration) {
        let mut released = self.0.subscribe();
        // Its sender is here, so the wait ends with the release.
        let _ = released.wait_for(Option::is_some).await;
        tokio::time::sleep(after).await;
    }
}

/// All but the last byte; the last once every lane has come so far.
fn held_back(body: Vec<u8>, gate: Gate, release: Arc<Release>) -> reqwest::Body {
    let last = body.len().saturating_sub(1);
    let parts = stream::unfold(0_u8, move |part| {
        let (body, gate, release) = (body.clone(), Arc::clone(&gate), Arc::clone(&release));
        async move {
            match part {
                0 => Some((Ok::<_, std::convert::Infallible>(body[..last].to_vec()), 1)),
                1 => {
                    pass(&gate).await;
                    release.now();
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

/// What would let a reader of a report act as somebody else is not shown.
fn masked(name: &str, value: &str) -> String {
    if mask::is_secret_header(name) { mask::MASK.into() } else { value.into() }
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

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
        task::JoinHandle,
    };

    use super::*;

    #[test]
    fn what_is_no_text_is_shown_in_hex_and_steers_no_terminal() {
        assert_eq!(shown("{\"a\": \"ä\"}\r\n".as_bytes()), "{\"a\": \"ä\"}\r\n");
        assert_eq!(shown(&[0xff, 0x00, 0x1b]), "(hex) ff001b");
        assert_eq!(shown(b"a\x1b[2J"), "(hex) 611b5b324a");
        assert_eq!(shown(&[0; 100]), format!("(hex) {}… (36 bytes more)", "00".repeat(64)));
        let cut_in_a_character = format!("{}ä", "a".repeat(SHOWN - 1));
        assert_eq!(shown(cut_in_a_character.as_bytes()), format!("{}… (1 bytes more)", "a".repeat(SHOWN - 1)));
    }

    /// Reads a request that ends with `last`, answers with `says`, and tells whether it then saw the line cut.
    async fn server(says: String) -> (String, JoinHandle<bool>) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![];
            while !request.ends_with(b"last") {
                assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0, "the request came whole");
            }
            stream.write_all(says.as_bytes()).await.unwrap();
            matches!(stream.read_buf(&mut vec![]).await, Ok(0) | Err(_))
        });
        (url, served)
    }

    fn request() -> Rendered {
        let body = Some(b"first to last".to_vec());
        Rendered { method: "POST".into(), path: "/".into(), headers: BTreeMap::new(), body }
    }

    #[tokio::test]
    async fn a_line_is_cut_after_the_last_byte_and_the_server_sees_that() {
        let (url, served) = server(String::new()).await;
        let lane = Lane::new(&url, Duration::from_secs(30)).unwrap();
        let gate: Gate = Arc::new(Barrier::new(1));
        let manner = Manner { gate: Some(&gate), cut: Some(Duration::from_millis(20)), ..Manner::default() };
        let begun = Instant::now();
        let error = lane.send_so(&request(), manner).await.unwrap_err();
        assert_eq!((error.why.as_str(), error.whose, error.exchange.status), (CUT, Whose::Servers, 0));
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        let seen = tokio::time::timeout(Duration::from_secs(20), served).await;
        assert!(seen.is_ok_and(|cut| cut.unwrap()), "the line is open");
    }

    #[tokio::test]
    async fn of_a_long_body_the_beginning_is_shown_and_the_whole_is_read() {
        let long = "x".repeat(SHOWN + 7);
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", long.len());
        let (url, _served) = server(head + &long).await;
        let answer = Lane::new(&url, Duration::from_secs(30)).unwrap().send(&request()).await.unwrap();
        assert_eq!(answer.body.len(), SHOWN + 7);
        let shown = &answer.exchange.response_body;
        assert!(shown.ends_with("x… (7 bytes more)") && shown.len() < SHOWN + 30, "{}", shown.len());
    }

    #[tokio::test]
    async fn what_is_not_sent_is_not_the_silence_of_the_server() {
        let (url, _served) = server(String::new()).await;
        let lane = Lane::new(&url, Duration::from_secs(1)).unwrap();
        let whose = async |request: Rendered| lane.send(&request).await.unwrap_err().whose;
        assert_eq!(whose(Rendered { path: "http://elsewhere/".into(), ..request() }).await, Whose::ServersLink);
        let headers = BTreeMap::from([("x-note".to_string(), "two\nlines".to_string())]);
        assert_eq!(whose(Rendered { headers, ..request() }).await, Whose::Bindings);
    }
}
