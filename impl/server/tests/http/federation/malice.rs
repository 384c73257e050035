//! Servers that mean harm, or do it: what a resolver makes of each.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Uri},
    response::{IntoResponse as _, Response},
};
use kpd_directory::{UserId, standing::Standing};
use kpd_server::federation::{Bounds, ResolveError, Resolver, SIGNATURE_KEYS};
use serde_json::{Value, json};

use super::{BOUNDS, federation};
use crate::support::Key;

/// A server that answers as it is told.
struct Fake {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

type Reply = Response;

impl Fake {
    async fn start(reply: impl Fn(&str, &HeaderMap) -> Reply + Clone + Send + Sync + 'static) -> Self {
        Self::start_asked(move |uri, headers| reply(uri.path(), headers)).await
    }

    async fn start_asked(reply: impl Fn(&Uri, &HeaderMap) -> Reply + Clone + Send + Sync + 'static) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let answer = move |uri: Uri, headers: HeaderMap| {
            count.fetch_add(1, Ordering::Relaxed);
            let answer = reply(&uri, &headers);
            async move { answer }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        Self { address, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// What b.example is, where everything is as it is told here.
    fn resolver(&self) -> Resolver {
        self.bounded(BOUNDS)
    }

    fn bounded(&self, bounds: Bounds) -> Resolver {
        resolver(bounds, &[("b.example", self.address)])
    }
}

fn resolver(bounds: Bounds, hosts: &[(&str, SocketAddr)]) -> Resolver {
    Resolver::new(bounds, &federation(bounds, hosts).insecure_loopback).unwrap()
}

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn bob() -> UserId {
    user("acct:bob@b.example")
}

fn json_of(media_type: &'static str, body: &Value) -> Reply {
    ([("content-type", media_type)], body.to_string()).into_response()
}

fn jrd(subject: &str, href: &str) -> Reply {
    let links = json!([{ "rel": SIGNATURE_KEYS, "href": href }]);
    json_of("application/jrd+json", &json!({ "subject": subject, "links": links }))
}

fn list(user: &str) -> Reply {
    let key = Key::ed25519(9);
    let key = json!({ "id": key.id(), "client": "phone", "scheme": "ed25519", "signature_key": key.public_base64(),
        "added_at": 1_000, "expires_at": 5_000_000_000_u64 });
    json_of("application/json", &json!({ "user": user, "keys": [key] }))
}

fn redirect(to: &str) -> Reply {
    (axum::http::StatusCode::FOUND, [("location", to.to_string())]).into_response()
}

const DISCOVERY: &str = "/.well-known/webfinger";
const LIST: &str = "http://b.example/list";

fn good(path: &str) -> Reply {
    if path == DISCOVERY { jrd("acct:bob@b.example", LIST) } else { list("acct:bob@b.example") }
}

#[tokio::test]
async fn a_good_one_is_believed() {
    let fake = Fake::start(|path, _| good(path)).await;
    let resolver = fake.resolver();
    let key = Key::ed25519(9).public;
    assert_eq!(resolver.verify(&bob(), &key, 1_000).await, Ok(Standing::Valid));
    assert_eq!(resolver.verify(&bob(), &key, 999).await, Ok(Standing::NotYet));
    assert_eq!(resolver.verify(&bob(), &key, 5_000_000_000).await, Ok(Standing::Expired));
    assert_eq!(resolver.verify(&bob(), &[0; 32], 1_000).await, Ok(Standing::Unknown));
    assert_eq!(fake.asked(), 4, "one lookup for all four, and one for the history of the last");
}

#[tokio::test]
async fn a_history_that_is_none_or_that_says_half_vouches_for_nothing() {
    let old = Key::ed25519(8);
    let history = |removed: &Value| {
        let mut key = json!({ "id": old.id(), "client": "phone", "scheme": "ed25519", "signature_key": old.public_base64(),
            "added_at": 1_000, "expires_at": null });
        key.as_object_mut().unwrap().extend(removed.as_object().unwrap().clone());
        json!({ "user": "acct:bob@b.example", "keys": [key] })
    };
    let cases = [
        (json!({ "ended": "removed", "ended_at": 2_000 }), Standing::Removed),
        (json!({ "ended": "removed" }), Standing::Unknown),
        (json!({ "ended_at": 2_000 }), Standing::Unknown),
    ];
    for (removed, standing) in cases {
        let body = history(&removed);
        let fake = Fake::start_asked(move |uri, _| match uri.query() {
            Some("history=true") => json_of("application/json", &body),
            _ => good(uri.path()),
        });
        let told = fake.await.resolver().verify(&bob(), &old.public, 3_000).await;
        assert_eq!(told, Ok(standing), "{removed}");
    }
    for status in [axum::http::StatusCode::BAD_REQUEST, axum::http::StatusCode::NOT_FOUND] {
        let fake = Fake::start_asked(move |uri, _| match uri.query() {
            Some("history=true") => status.into_response(),
            _ => good(uri.path()),
        });
        assert_eq!(fake.await.resolver().verify(&bob(), &old.public, 3_000).await, Ok(Standing::Unknown));
    }
}

#[tokio::test]
async fn redirects_lead_nowhere_but_to_public_servers() {
    let inside = Fake::start(|path, _| good(path)).await;
    let port = inside.address.port();
    let inner = [
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("//127.0.0.1:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://b.example:{port}/"),
    ];
    let fixed = [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://017700000001/",
        "https://127.1/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.100.100.200/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[fd00:ec2::254]/",
        "https://localhost/",
        "https://1.1.1.1:8443/",
        "http://1.1.1.1/",
        "https://u:p@b.example/",
        "http://c.example/",
        "ftp://b.example/",
        "file:///etc/passwd",
        "data:application/json,{}",
    ];
    for to in inner.iter().map(String::as_str).chain(fixed) {
        for at_first in [true, false] {
            let target = to.to_string();
            let reply = move |path: &str, _: &HeaderMap| {
                if at_first == (path == DISCOVERY) { redirect(&target) } else { good(path) }
            };
            let fake = Fake::start(reply).await;
            let refused = fake.resolver().keys(&bob()).await;
            assert!(matches!(refused, Err(ResolveError::Forbidden(_))), "{to}: {refused:?}");
        }
        // And so do links.
        let target = to.to_string();
        if target.contains("://") {
            let fake = Fake::start(move |_, _| jrd("acct:bob@b.example", &target)).await;
            let refused = fake.resolver().keys(&bob()).await;
            assert!(matches!(refused, Err(ResolveError::Forbidden(_))), "link {to}: {refused:?}");
        }
    }
    assert_eq!(inside.asked(), 0);
}

#[tokio::test]
async fn redirects_are_followed_a_few_times() {
    let few = |path: &str, _: &HeaderMap| match path {
        DISCOVERY => redirect("/1"),
        "/1" => redirect("http://b.example/2"),
        "/2" => redirect("3"),
        "/3" => jrd("acct:bob@b.example", LIST),
        _ => list("acct:bob@b.example"),
    };
    let fake = Fake::start(few).await;
    assert!(fake.resolver().keys(&bob()).await.is_ok());
    let fake = Fake::start(|path, _| redirect(path)).await;
    assert_eq!(fake.resolver().keys(&bob()).await, Err(ResolveError::TooManyRedirects));
    assert_eq!(fake.asked(), 4);
    let nowhere = Fake::start(|_, _| axum::http::StatusCode::FOUND.into_response()).await;
    assert!(matches!(nowhere.resolver().keys(&bob()).await, Err(ResolveError::Malformed { .. })));
}

#[tokio::test]
async fn what_is_huge_or_slow_is_given_up() {
    let endless = |_: &str, _: &HeaderMap| {
        let chunks = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 4096])));
        ([("content-type", "application/json")], Body::from_stream(chunks)).into_response()
    };
    let fake = Fake::start(endless).await;
    assert_eq!(fake.resolver().keys(&bob()).await, Err(ResolveError::TooLarge { bytes_max: 16 * 1024 }));
    let dripping = |_: &str, _: &HeaderMap| {
        let drops = futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b" ")), ()))
        });
        ([("content-type", "application/json")], Body::from_stream(drops)).into_response()
    };
    let fake = Fake::start(dripping).await;
    let begun = Instant::now();
    assert_eq!(fake.resolver().keys(&bob()).await, Err(ResolveError::TimedOut));
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    // Silence: the connection comes about, and nothing more.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let resolver = resolver(BOUNDS, &[("b.example", silent.local_addr().unwrap())]);
    assert_eq!(resolver.keys(&bob()).await, Err(ResolveError::TimedOut));
}

#[tokio::test]
async fn an_answer_about_somebody_else_is_none() {
    let other = |subject: &'static str, listed: &'static str| {
        move |path: &str, _: &HeaderMap| if path == DISCOVERY { jrd(subject, LIST) } else { list(listed) }
    };
    let third = Fake::start(other("acct:carol@third.example", "acct:bob@b.example")).await;
    let refused = third.resolver().keys(&bob()).await;
    assert!(matches!(refused, Err(ResolveError::OtherSubject { .. })), "{refused:?}");
    let third = Fake::start(other("acct:bob@b.example", "acct:carol@third.example")).await;
    let refused = third.resolver().keys(&bob()).await;
    assert!(matches!(refused, Err(ResolveError::OtherSubject { .. })), "{refused:?}");
    let html = Fake::start(|_, _| json_of("text/html", &json!({}))).await;
    assert!(matches!(html.resolver().keys(&bob()).await, Err(ResolveError::Malformed { .. })));
}

#[tokio::test]
async fn a_list_may_lie_elsewhere_and_its_user_is_of_the_first_server() {
    let third = Fake::start(|_, _| list("acct:bob@b.example")).await;
    let fake = Fake::start(|_, _| jrd("acct:bob@b.example", "http://third.example/list")).await;
    let resolver = resolver(BOUNDS, &[("b.example", fake.address), ("third.example", third.address)]);
    let keys = resolver.keys(&bob()).await.unwrap();
    assert_eq!((keys.user(), keys.keys().len()), (&bob(), 1));
    assert_eq!((fake.asked(), third.asked()), (1, 1));
}

#[tokio::test]
async fn a_storm_makes_one_lookup_and_a_failure_is_remembered() {
    let fake = Fake::start(|path, _| good(path)).await;
    let resolver = fake.resolver();
    let asking = (0..100).map(|_| {
        let resolver = resolver.clone();
        tokio::spawn(async move { resolver.keys(&bob()).await.map(|keys| keys.keys().len()) })
    });
    for asked in asking.collect::<Vec<_>>() {
        assert_eq!(asked.await.unwrap(), Ok(1));
    }
    assert_eq!(fake.asked(), 2);
    let broken = Fake::start(|_, _| axum::http::StatusCode::BAD_GATEWAY.into_response()).await;
    let resolver = broken.resolver();
    for _ in 0..10 {
        assert_eq!(resolver.keys(&bob()).await, Err(ResolveError::Status(502)));
    }
    assert_eq!(broken.asked(), 1);
}

#[tokio::test]
async fn a_lookup_goes_on_though_whoever_wanted_it_is_gone() {
    let fake = Fake::start(|path, _| good(path)).await;
    let resolver = fake.resolver();
    let bob = bob();
    for _ in 0..20 {
        drop(tokio::time::timeout(Duration::from_nanos(1), resolver.keys(&bob)).await);
    }
    assert!(resolver.keys(&bob).await.is_ok());
    assert_eq!(fake.asked(), 2);
}

#[tokio::test]
async fn lookups_at_one_host_are_few() {
    let fake = Fake::start(|path, _| good(path)).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bounds = Bounds { lookups_per_host_max: 2, ..BOUNDS };
    let resolver = resolver(bounds, &[("b.example", fake.address), ("slow.example", silent.local_addr().unwrap())]);
    let slow = |number: usize| {
        let resolver = resolver.clone();
        tokio::spawn(async move { resolver.keys(&user(&format!("acct:u{number}@slow.example"))).await })
    };
    let waiting = [slow(0), slow(1)];
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(slow(2).await.unwrap(), Err(ResolveError::Busy));
    assert!(resolver.keys(&bob()).await.is_ok(), "another host is no worse off");
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap(), Err(ResolveError::TimedOut));
    }
    assert_eq!(slow(2).await.unwrap(), Err(ResolveError::TimedOut), "that there was no room is not remembered");
}

#[tokio::test]
async fn freshness_is_the_servers_word_within_bounds_and_a_tag_spares_the_list() {
    let reply = |path: &str, headers: &HeaderMap| {
        if path == DISCOVERY {
            return jrd("acct:bob@b.example", LIST);
        }
        let fresh = [("etag", "\"v1\""), ("cache-control", "public, max-age=1")];
        if headers.get("if-none-match").is_some_and(|tag| tag == "\"v1\"") {
            return (axum::http::StatusCode::NOT_MODIFIED, fresh).into_response();
        }
        (fresh, list("acct:bob@b.example")).into_response()
    };
    let fake = Fake::start(reply).await;
    let resolver = fake.bounded(Bounds { fresh_seconds_max: 300, ..BOUNDS });
    for _ in 0..3 {
        assert_eq!(resolver.keys(&bob()).await.map(|keys| keys.keys().len()), Ok(1));
    }
    assert_eq!(fake.asked(), 2);
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    assert_eq!(resolver.keys(&bob()).await.map(|keys| keys.keys().len()), Ok(1));
    assert_eq!(fake.asked(), 4, "fresh for the second that the server names");
    let stubborn = fake.bounded(Bounds { fresh_seconds_min: 60, fresh_seconds_max: 300, ..BOUNDS });
    assert!(stubborn.keys(&bob()).await.is_ok());
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    assert!(stubborn.keys(&bob()).await.is_ok());
    assert_eq!(fake.asked(), 6, "and not for less than the lower bound");
}

#[tokio::test]
async fn names_that_are_no_servers_are_not_asked() {
    let fake = Fake::start(|path, _| good(path)).await;
    let resolver = fake.resolver();
    for host in [
        "127.0.0.1",
        "b.example:443",
        "b.example.",
        ".b.example",
        "b..example",
        "1",
        "0x7f000001",
        "-b.example",
        "::1",
        "b.example-",
        "127.1",
    ] {
        let refused = resolver.keys(&user(&format!("acct:bob@{host}"))).await;
        assert!(matches!(refused, Err(ResolveError::NoServer(_))), "{host}: {refused:?}");
    }
    assert_eq!(fake.asked(), 0);
}
