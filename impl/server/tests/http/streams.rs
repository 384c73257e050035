//! Server-sent events: the feed of an owner that stays connected.

use std::time::Duration;

use kpd_server::{Config, Mutant};
use reqwest::Method;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use crate::{
    support::{Call, Key, Person, Site, site::OPERATOR},
    waiting::{Cast, SOON, claim, publish},
};

/// A stream of events that is read piece by piece.
struct Stream {
    response: reqwest::Response,
    text: String,
}

/// One event, its data read as JSON.
#[derive(Debug)]
struct Told {
    id: u64,
    event: String,
    data: Value,
}

impl Stream {
    async fn open(site: &Site, owner: &Person, query: &str, last: Option<u64>) -> Self {
        let call = site.get(owner.own(&format!("notifications{query}"))).header("accept", "text/event-stream");
        let call = match last {
            Some(last) => call.header("last-event-id", &last.to_string()),
            None => call,
        };
        let response = call.by(owner).open().await;
        assert_eq!(response.status(), 200);
        let mut stream = Self { response, text: String::new() };
        assert_eq!(stream.block().await.unwrap(), "retry: 2000", "that comes first");
        stream
    }

    /// What stands before the next empty line; nothing, if the stream has ended.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let block = block.to_string();
                self.text = rest.into();
                return Some(block);
            }
            let part = timeout(2 * SOON, self.response.chunk()).await.expect("something in time").unwrap()?;
            self.text += std::str::from_utf8(&part).unwrap();
        }
    }

    async fn next(&mut self) -> Option<Told> {
        let block = self.block().await?;
        let field = |name: &str| {
            let value = block.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
            value.unwrap_or_else(|| panic!("no {name} in {block:?}")).to_string()
        };
        let data = serde_json::from_str(&field("data")).unwrap();
        Some(Told { id: field("id").parse().unwrap(), event: field("event"), data })
    }

    async fn ids(&mut self, count: usize) -> Vec<u64> {
        let mut ids = vec![];
        while ids.len() < count {
            ids.push(self.next().await.expect("a stream that goes on").id);
        }
        ids
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_wire() {
    let cast = Cast::new(2).await;
    cast.claim().await;
    let mut stream = Stream::open(&cast.site, &cast.bob, "", None).await;
    let headers = ["content-type", "cache-control", "x-accel-buffering", "vary"];
    let headers = headers.map(|name| format!("{name}: {}", stream.response.headers()[name].to_str().unwrap()));
    let first = stream.block().await.unwrap();
    let text = format!("{}\n\n{first}", headers.join("\n"));
    let filters = vec![(r#""at":[0-9]+"#, r#""at":"[time]""#), (r"[A-Za-z0-9_-]{43}", "[reference]")];
    insta::with_settings!({ filters => filters, omit_expression => true }, {
        insta::assert_snapshot!("stream", text);
    });
    cast.claim().await;
    let second = stream.next().await.unwrap();
    assert_eq!((second.id, second.event.as_str(), &second.data["sequence"]), (2, "grant", &Value::from(2)));
    let polled = cast.site.get(cast.bob.own("notifications?after=1")).by(&cast.bob).send().await.is(200);
    assert_eq!(second.data, polled["notifications"][0], "the same shape");
}

/// `NOTE-SURVIVES`: at least once, in order, until acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_loses_nothing() {
    let cast = Cast::new(6).await;
    let mut stream = Stream::open(&cast.site, &cast.bob, "", None).await;
    cast.claim().await;
    cast.claim().await;
    assert_eq!(stream.ids(2).await, [1, 2]);
    drop(stream);
    cast.claim().await;
    assert_eq!(Stream::open(&cast.site, &cast.bob, "", Some(2)).await.ids(1).await, [3], "where it was");
    assert_eq!(Stream::open(&cast.site, &cast.bob, "?after=1", None).await.ids(2).await, [2, 3]);
    assert_eq!(Stream::open(&cast.site, &cast.bob, "?after=1", Some(2)).await.ids(1).await, [3], "the later word");
    let mut again = Stream::open(&cast.site, &cast.bob, "", None).await;
    assert_eq!(again.ids(3).await, [1, 2, 3], "what was read is not acknowledged");
    let body = serde_json::json!({ "through": 2 });
    cast.site.post(cast.bob.own("notifications/acknowledgements"), &body).by(&cast.bob).send().await.is(204);
    let mut other = Stream::open(&cast.site, &cast.bob, "", None).await;
    cast.claim().await;
    assert_eq!(other.ids(2).await, [3, 4]);
    assert_eq!(again.ids(1).await, [4], "two streams of one owner, each at its own place");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mutant_forgets_where_a_lost_stream_was() {
    let config = Config { mutant: Mutant::named("ignores-last-event-id"), ..Config::new(OPERATOR) };
    let cast = Cast::on(Site::with(config).await, 2).await;
    cast.claim().await;
    cast.claim().await;
    assert_eq!(Stream::open(&cast.site, &cast.bob, "", Some(1)).await.ids(2).await, [1, 2]);
}

/// More at once than a reader has in its hands: the others wait in the feed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_feed_comes_whole_and_in_order() {
    let policy = kpd_server::Policy { limits: kpd_server::Limits::NONE, ..kpd_server::Policy::default() };
    let cast = Cast::on(Site::with(Config { policy, ..Config::new(OPERATOR) }).await, 90).await;
    for _ in 0..90 {
        cast.claim().await;
    }
    let mut stream = Stream::open(&cast.site, &cast.bob, "", None).await;
    assert_eq!(stream.ids(90).await, (1..=90).collect::<Vec<_>>());
}

/// `NOTE-PRIVATE`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_stream_is_of_its_owner_alone() {
    let cast = Cast::new(1).await;
    let carol = Person::new("acct:carol@example.org", "carol-phone", Key::ed25519(4));
    cast.site.enrol(&carol).await;
    publish(&cast.site, &carol, 1).await;
    let mut of_bob = Stream::open(&cast.site, &cast.bob, "", None).await;
    let mut of_carol = Stream::open(&cast.site, &carol, "", None).await;
    cast.claim().await;
    claim(&cast.site, &carol, &cast.bob).await;
    let requester = |told: Told| told.data["requester"]["user"].clone();
    assert_eq!(requester(of_bob.next().await.unwrap()), cast.alice.user);
    assert_eq!(requester(of_carol.next().await.unwrap()), cast.bob.user, "the first one that came here");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_its_key() {
    let cast = Cast::new(1).await;
    let (tablet, watch) =
        (Person::new(cast.bob.user, "tablet", Key::ed25519(5)), Person::new(cast.bob.user, "watch", Key::ed25519(6)));
    cast.site.add(&tablet, &cast.bob).await;
    let mut addition = watch.addition();
    addition["expires_at"] = (cast.site.now() + 3).into();
    cast.site.post(watch.keys(), &addition).by(&cast.bob).send().await.is(201);
    let mut of_tablet = Stream::open(&cast.site, &tablet, "", None).await;
    let mut of_watch = Stream::open(&cast.site, &watch, "", None).await;
    let mut of_bob = Stream::open(&cast.site, &cast.bob, "", None).await;
    let key = format!("{}/{}", tablet.keys(), tablet.key.id());
    Call::new(&cast.site, Method::DELETE, key).by(&cast.bob).send().await.is(204);
    assert!(of_tablet.next().await.is_none(), "its key was removed");
    assert!(of_watch.next().await.is_none(), "its key has expired");
    cast.claim().await;
    assert_eq!(of_bob.ids(1).await, [1], "this one's key goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_that_wait_do_not_hold_a_shutdown_up() {
    let Cast { site, bob, .. } = Cast::new(1).await;
    let mut stream = Stream::open(&site, &bob, "", None).await;
    let waiting = tokio::spawn(site.get(bob.own("notifications?wait=60")).by(&bob).signed().into_request().send());
    tokio::time::sleep(Duration::from_millis(300)).await;
    let begun = Instant::now();
    site.stop().await;
    assert!(stream.next().await.is_none(), "the stream ends");
    let polled: Value = serde_json::from_slice(&waiting.await.unwrap().unwrap().bytes().await.unwrap()).unwrap();
    assert_eq!(polled["notifications"], serde_json::json!([]), "the poll is answered");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

/// A reader takes a place, and gives it back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_owner_has_so_many_streams_and_no_more() {
    let cast = Cast::new(0).await;
    let mut streams = vec![];
    for _ in 0..64 {
        streams.push(Stream::open(&cast.site, &cast.bob, "", None).await);
    }
    let one_more = cast.site.get(cast.bob.own("notifications?wait=1")).by(&cast.bob).send().await;
    assert_eq!((one_more.problem(), one_more.header("retry-after")), ("busy", "1"));
    drop(streams);
    tokio::time::sleep(Duration::from_millis(500)).await;
    cast.site.get(cast.bob.own("notifications?wait=0")).by(&cast.bob).send().await.is(200);
}
