//! Slow, silent and greedy clients, and a store that does not answer: each is cut off, and others are served meanwhile.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use kpd_directory::Event;
use kpd_server::{
    Config, HttpLimits,
    store::{Answer, Appended, Loaded, Recorded, Store, Stores, Stream, Version},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    problems::snapshot,
    support::{self, Site, site::OPERATOR},
};

fn limited(change: impl FnOnce(&mut HttpLimits)) -> Config {
    let mut config = Config::new(OPERATOR);
    change(&mut config.http);
    config
}

async fn connected(site: &Site, begins: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(site.authority()).await.unwrap();
    stream.write_all(begins).await.unwrap();
    stream
}

/// What comes until the end, which has to come in time.
async fn rest(stream: &mut TcpStream) -> (String, Duration) {
    let (mut bytes, begun) = (vec![], Instant::now());
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes)).await;
    // A reset is an end, too.
    let _ = read.unwrap();
    (String::from_utf8_lossy(&bytes).into_owned(), begun.elapsed())
}

const HALF_A_HEAD: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow";
const WHOLE: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

#[tokio::test]
async fn who_sends_no_whole_head_is_cut_off_and_others_are_served() {
    let site = Site::with(limited(|http| http.header_seconds = 1)).await;
    for begins in [&b""[..], b"GE", HALF_A_HEAD, PREFACE] {
        let mut slow = connected(&site, begins).await;
        site.get("/healthz").send().await.is(200);
        let (told, took) = rest(&mut slow).await;
        assert!(!told.contains("200 OK"), "{told}");
        assert!((1..6).contains(&took.as_secs()) || took.as_millis() > 900, "{begins:?} took {took:?}");
    }
    // Also after a first request: its head is no excuse for the next.
    let mut slow = connected(&site, WHOLE).await;
    let mut first = [0; 1024];
    let read = slow.read(&mut first).await.unwrap();
    assert!(first[..read].starts_with(b"HTTP/1.1 200 OK"));
    slow.write_all(HALF_A_HEAD).await.unwrap();
    let (told, took) = rest(&mut slow).await;
    assert!(told.is_empty() && took.as_secs() < 6, "{told} {took:?}");
    let metrics = reqwest::get(format!("{}/metrics", site.base())).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("kpd_http_connections_cut_total{reason=\"slow\"} 5"), "{metrics}");
}

#[tokio::test]
async fn drops_of_a_head_do_not_buy_time() {
    let site = Site::with(limited(|http| http.header_seconds = 1)).await;
    let mut slow = connected(&site, HALF_A_HEAD).await;
    let begun = Instant::now();
    while slow.write_all(b"x").await.is_ok() {
        assert!(begun.elapsed().as_secs() < 10, "it listens to drops");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    site.get("/healthz").send().await.is(200);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_answered_with_too_slow() {
    let site = Site::with(limited(|http| http.body_seconds = 1)).await;
    let head = format!(
        "POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {OPERATOR}\r\nContent-Length: 100\r\n\r\n{{"
    );
    let mut slow = connected(&site, head.as_bytes()).await;
    site.get("/healthz").send().await.is(200);
    let (told, took) = rest(&mut slow).await;
    snapshot("too-slow", &support::Answer::read(&told));
    assert!(took.as_secs() < 6, "{took:?}");
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_time() {
    let site = Site::with(limited(|http| http.idle_seconds = 1)).await;
    let mut idle = connected(&site, WHOLE).await;
    let (told, took) = rest(&mut idle).await;
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    assert!(took.as_millis() >= 900 && took.as_secs() < 6, "{took:?}");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let site = Site::with(limited(|http| http.header_bytes_max = 8192)).await;
    let fits = site.get("/healthz").header("x-long", &"x".repeat(6_000)).send().await;
    assert_eq!(fits.status, 200);
    let large = site.get("/healthz").header("x-long", &"x".repeat(9_000)).send().await;
    assert_eq!(large.status, 431);
}

#[tokio::test]
async fn beyond_the_most_connections_one_waits_until_another_ends() {
    let site = Site::with(limited(|http| http.connections_max = 2)).await;
    // The site's own, and this one.
    let first = connected(&site, HALF_A_HEAD).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut second = connected(&site, WHOLE).await;
    let mut byte = [0];
    let waits = tokio::time::timeout(Duration::from_millis(500), second.read(&mut byte)).await;
    assert!(waits.is_err(), "it was served beside two others");
    drop(first);
    let served = tokio::time::timeout(Duration::from_secs(10), second.read(&mut byte)).await;
    assert_eq!(served.unwrap().unwrap(), 1);
}

/// Answers after two seconds, or never.
struct Lame<E: Recorded>(Arc<dyn Store<E>>, Duration);

impl<E: Recorded> Store<E> for Lame<E> {
    fn load<'a>(&'a self, stream: &'a Stream, since: Version) -> Answer<'a, Loaded<E>> {
        Box::pin(async move {
            // The site's own clock is told by a user that is not kept waiting.
            if !stream.as_str().contains("clock") {
                tokio::time::sleep(self.1).await;
            }
            self.0.load(stream, since).await
        })
    }

    fn append<'a>(&'a self, stream: &'a Stream, version: Version, events: Vec<E>) -> Answer<'a, Appended> {
        self.0.append(stream, version, events)
    }

    fn compact<'a>(&'a self, stream: &'a Stream, version: Version, state: &'a E::State) -> Answer<'a, ()> {
        self.0.compact(stream, version, state)
    }

    fn compacts_after(&self) -> Option<Version> {
        self.0.compacts_after()
    }

    fn streams<'a>(&'a self, after: Option<&'a Stream>, max: usize) -> Answer<'a, Vec<Stream>> {
        self.0.streams(after, max)
    }
}

#[tokio::test]
async fn a_request_without_an_answer_ends_but_for_who_waits_for_news() {
    let whole = Stores::in_memory();
    let users: Arc<dyn Store<Event>> = Arc::new(Lame(whole.users.clone(), Duration::from_secs(2)));
    let config = limited(|http| http.request_seconds = 1);
    let site = Site::over(Stores { users, ..whole }, config, false).await;
    let answer = site.get("/v1/users/acct:bob@example.org/keys").send().await;
    assert_eq!((answer.status, answer.problem()), (503, "timed-out"));
    snapshot("timed-out", &answer);
    let begun = Instant::now();
    let bob = crate::support::Person::new("acct:bob@example.org", "phone", crate::support::Key::ed25519(1));
    let waiting = site.get(bob.own("notifications")).by(&bob).send().await;
    // Nobody has let Bob in; to find that out takes longer than a request may.
    assert_eq!((waiting.status, waiting.problem()), (401, "unauthenticated"));
    assert!(begun.elapsed().as_secs() >= 2);
}

#[tokio::test]
async fn a_store_that_does_not_answer_makes_the_server_unready_and_not_dead() {
    let whole = Stores::in_memory();
    let keys = Arc::new(Lame(whole.keys.clone(), Duration::from_secs(3600)));
    let site = Site::over(Stores { keys, ..whole }, Config::new(OPERATOR), false).await;
    let answer = site.get("/readyz").send().await;
    snapshot("not-ready", &answer);
    site.get("/healthz").send().await.is(200);
}
