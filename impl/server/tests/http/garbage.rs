//! Ten thousand requests that make no sense: each is refused, nothing changes, and the server goes on.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::JoinSet,
};

use crate::support::{Call, Key, Person, Signing, Site, package::batch};

const REQUESTS: u64 = 10_000;
const AT_ONCE: u64 = 16;

struct Cast {
    site: Site,
    bob: Person,
    eve: Person,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn is_refused() {
    let site = Site::start().await;
    let bob = Person::new("acct:bob@example.org", "bob-phone", Key::ed25519(1));
    let eve = Person::new("acct:eve@example.org", "eve-phone", Key::ed25519(2));
    site.enrol(&bob).await;
    site.enrol(&eve).await;
    let (a, z) = (bob.package("a", site.now()).bytes(), bob.package("z", site.now()).last_resort().bytes());
    site.post(bob.own("key-packages"), &batch(&[&a, &z])).by(&bob).send().await.is(201);
    let cast = Arc::new(Cast { site, bob, eve });
    let before = cast.state().await;

    let mut workers = JoinSet::new();
    for worker in 0..AT_ONCE {
        let cast = Arc::clone(&cast);
        workers.spawn(async move {
            for number in (worker..REQUESTS).step_by(AT_ONCE as usize) {
                let mut dice = Dice::new(number);
                let call = cast.nonsense(&mut dice);
                let told = format!("{number}: {} {} {:?}", call.method, call.path, String::from_utf8_lossy(&call.body));
                let answer = call.send().await;
                assert!((400..500).contains(&answer.status), "{told}: {} {:#}", answer.status, answer.body);
                if answer.header("content-length") != "0" {
                    assert_eq!(answer.header("content-type"), "application/problem+json", "{told}");
                }
            }
        });
    }
    workers.join_all().await;
    for number in 0..200 {
        not_http(&cast.site, &mut Dice::new(number)).await;
    }

    assert_eq!(cast.state().await, before);
    let claimed = cast.site.post(cast.bob.claims(), &json!({})).by(&cast.eve).send().await.is(200);
    assert_eq!(claimed["clients"][0]["status"], "regular");
}

impl Cast {
    async fn state(&self) -> [Value; 3] {
        let own = |rest: &str| self.site.get(self.bob.own(rest)).by(&self.bob).send();
        let keys = self.site.get(self.bob.keys()).send().await.is(200);
        [keys, own("stock").await.is(200), own("notifications").await.is(200)]
    }

    /// A request with something wrong in it: in its path, its body, its signature, or its author.
    fn nonsense(&self, dice: &mut Dice) -> Call<'_> {
        match dice.below(6) {
            0 => Call::new(&self.site, dice.method(), dice.path()),
            1 => self.claim(dice, |dice| dice.bytes(200)),
            2 => self.claim(dice, |dice| dice.json(3).to_string().into_bytes()),
            3 => self.publication(dice),
            4 => self.badly_signed(dice),
            _ => self.foreign(dice),
        }
    }

    /// Signed well, with a body that is none.
    fn claim(&self, dice: &mut Dice, body: impl Fn(&mut Dice) -> Vec<u8>) -> Call<'_> {
        let mut body = body(dice);
        // What would be a claim after all is broken once more.
        if matches!(serde_json::from_slice::<Value>(&body), Ok(Value::Object(_))) {
            body.pop();
        }
        self.site.post(self.bob.claims(), &Value::Null).bytes(body).by(&self.eve)
    }

    /// A KeyPackage with a byte changed, removed or added.
    fn publication(&self, dice: &mut Dice) -> Call<'_> {
        let mut package = self.bob.package("a", self.site.now() - 1).bytes();
        let at = dice.below(package.len() as u64) as usize;
        match dice.below(3) {
            0 => package[at] ^= 1 << dice.below(8),
            1 => drop(package.remove(at)),
            _ => package.insert(at, dice.next() as u8),
        }
        self.site.post(self.bob.own("key-packages"), &batch(&[&package])).by(&self.bob)
    }

    fn badly_signed(&self, dice: &mut Dice) -> Call<'_> {
        let call = self.site.post(self.bob.claims(), &json!({})).by(&self.eve).signed();
        let header = ["signature", "signature-input", "content-digest"][dice.below(3) as usize];
        let kind = dice.below(4);
        let (at, byte, noise) = (dice.next(), dice.printable(), dice.text(40));
        call.forge(header, |value| {
            let mut bytes = value.as_bytes().to_vec();
            let at = (at % bytes.len() as u64) as usize;
            match kind {
                0 => bytes.truncate(at),
                1 if bytes[at] != byte => bytes[at] = byte,
                2 => return noise.clone(),
                // Not in the middle of a list: a space more there means the same.
                _ => bytes.insert(0, b'!'),
            }
            String::from_utf8(bytes).unwrap()
        })
    }

    /// Somebody else's affairs.
    fn foreign(&self, dice: &mut Dice) -> Call<'_> {
        let stale = Signing { created_offset: 100 + dice.below(1_000_000) as i64, ..Signing::default() };
        match dice.below(4) {
            0 => self.site.get(self.bob.own("stock")).by(&self.eve),
            1 => self.site.post(self.bob.own("key-packages/withdrawals"), &json!({ "references": [] })).by(&self.eve),
            2 => self.site.post(self.bob.own("notifications/acknowledgements"), &json!({ "through": 0 })).by(&self.eve),
            _ => self.site.post(self.bob.claims(), &json!({})).by(&self.eve).signing(stale),
        }
    }
}

/// Bytes that are not even HTTP: a refusal, or a closed connection.
async fn not_http(site: &Site, dice: &mut Dice) {
    let mut socket = tokio::net::TcpStream::connect(site.authority()).await.unwrap();
    let mut bytes = dice.bytes(100);
    if dice.below(2) == 0 {
        bytes.splice(0..0, *b"GET / HTTP/1.1\r\n");
    }
    bytes.extend(b"\r\n\r\n");
    // It may be refused before it is sent to its end.
    let _ = socket.write_all(&bytes).await;
    let _ = socket.shutdown().await;
    let mut answer = vec![];
    let _ = socket.read_to_end(&mut answer).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4") || answer.starts_with(b"HTTP/1.0 4"), "{answer:?}");
}

/// Always the same, for the same number (splitmix64).
struct Dice(u64);

impl Dice {
    fn new(number: u64) -> Self {
        Self(number.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(1))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn bytes(&mut self, longest: u64) -> Vec<u8> {
        (0..self.below(longest)).map(|_| self.next() as u8).collect()
    }

    fn printable(&mut self) -> u8 {
        b'!' + self.below(94) as u8
    }

    fn text(&mut self, longest: u64) -> String {
        (0..1 + self.below(longest)).map(|_| char::from(self.printable())).collect()
    }

    fn method(&mut self) -> Method {
        [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH][self.below(5) as usize].clone()
    }

    /// Below /v1/users, where every path needs a name that is none.
    fn path(&mut self) -> String {
        let parts = [
            "keys",
            "claims",
            "clients",
            "stock",
            "..",
            ".",
            "",
            "acct:bob@example.org",
            "%00",
            "%ff",
            "%",
            "%2f",
            "a%20b",
        ];
        let segment = |dice: &mut Self| match dice.below(2) {
            0 => parts[dice.below(parts.len() as u64) as usize].to_owned(),
            _ => dice.text(12).replace(['?', '#', '\\', '/'], "~"),
        };
        let segments: Vec<_> = (0..1 + self.below(5)).map(|_| segment(self)).collect();
        format!("/v1/users/!/{}", segments.join("/"))
    }

    fn json(&mut self, depth: u64) -> Value {
        match self.below(if depth == 0 { 4 } else { 6 }) {
            0 => Value::Null,
            1 => json!(self.next()),
            2 => json!(self.text(20)),
            3 => json!(self.below(2) == 0),
            4 => (0..self.below(4)).map(|_| self.json(depth - 1)).collect(),
            _ => {
                let names = ["cipher_suites", "last_resort", "key_packages", "user", "x"];
                let members =
                    (0..self.below(4)).map(|_| (names[self.below(5) as usize].to_owned(), self.json(depth - 1)));
                Value::Object(members.collect())
            }
        }
    }
}
