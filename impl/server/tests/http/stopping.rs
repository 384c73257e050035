//! Stopping: what is under way is answered, and nothing else is begun.

use std::time::{Duration, Instant};

use kpd_server::Config;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{Site, site::OPERATOR};

const BODY: &str = r#"{"user":"acct:late@example.org"}"#;

/// A request to which the last byte is missing.
async fn begun(site: &Site) -> TcpStream {
    let mut stream = TcpStream::connect(site.authority()).await.unwrap();
    let head = format!(
        "POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer {OPERATOR}\r\n\
         Content-Length: {}\r\n\r\n",
        BODY.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&BODY.as_bytes()[..BODY.len() - 1]).await.unwrap();
    // Until it is accepted and read.
    tokio::time::sleep(Duration::from_millis(200)).await;
    stream
}

#[tokio::test]
async fn readiness_ends_first_and_requests_under_way_are_answered() {
    let site = Site::start().await;
    assert_eq!(site.get("/readyz").send().await.is(200)["status"], "ready");
    site.running.announce_stop();
    let answer = site.get("/readyz").send().await;
    assert_eq!((answer.status, answer.problem()), (503, "not-ready"));
    assert_eq!(answer.body["detail"], "the server is going to stop");
    site.get("/healthz").send().await.is(200);
    let (mut under_way, address) = (begun(&site).await, site.authority());
    let stopping = tokio::spawn(site.stop());
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(TcpStream::connect(address).await.is_err(), "it still accepts");
    under_way.write_all(&BODY.as_bytes()[BODY.len() - 1..]).await.unwrap();
    let mut told = String::new();
    under_way.read_to_string(&mut told).await.unwrap();
    assert!(told.starts_with("HTTP/1.1 201"), "{told}");
    stopping.await.unwrap();
}

#[tokio::test]
async fn what_takes_longer_than_the_patience_is_cut_off() {
    let site = Site::with(Config { shutdown_seconds: 1, ..Config::new(OPERATOR) }).await;
    let (mut under_way, started) = (begun(&site).await, Instant::now());
    site.stop().await;
    assert!((1..4).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    let mut told = vec![];
    let _ = under_way.read_to_end(&mut told).await;
    assert!(told.is_empty());
}
