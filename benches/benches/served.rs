//! Claims over HTTP, answered from memory and from a file, by one connection and by many: what durability costs.
//!
//! The requests are signed before the clock starts. Each claim gets the last resort of one of many owners, so that all of
//! them are granted, recorded and told. At the end the ratios are printed: file against memory with many connections (at
//! least 0.35), and many connections against one over a file (at least 10). The latter is what group commit gains, and
//! that depends on how long the disk takes to sync: where that is next to nothing, many connections gain what the second
//! core gives. So it is measured on this disk, and on ones that take some milliseconds more for each commit.
#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(clippy::expect_used, reason = "a benchmark that is refused has nothing to measure")]

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicU64, atomic::Ordering},
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use kpd_conformance::{
    binding::render::Rendered,
    mls::{MlsClient, recipe::Surroundings},
    seed::Seed,
    signing::{Signer, sign},
    vector::Proof,
};
use kpd_server::{
    Config, Limits, Policy, Running, start_over,
    store::{Durable, Stores, durable::Opening},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Runtime,
    task::JoinSet,
};

const OWNERS: usize = 256;
const MANY: usize = 64;
const TOKEN: &str = "operator";

/// A server with owners, each with a last resort, and one who claims them.
struct Served {
    _running: Running,
    address: std::net::SocketAddr,
    asker: Person,
    now: u64,
    /// The clock of the server when `now` was told.
    since: Instant,
    file: Option<(Durable, tempfile::TempDir)>,
}

struct Person {
    user: String,
    mls: MlsClient,
    keyid: String,
}

static NONCES: AtomicU64 = AtomicU64::new(0);

impl Person {
    fn new(name: &str) -> Self {
        let user = format!("acct:{name}@example.org");
        let mls = MlsClient::new(&user, Seed::of_run(1).child(name));
        let id = Sha256::new().chain_update(b"ed25519:").chain_update(mls.public_key()).finalize();
        Self { keyid: format!("{user}#{}", BASE64URL_NOPAD.encode(&id)), user, mls }
    }

    fn addition(&self, token: &Value) -> Value {
        let public_key = BASE64.encode(&self.mls.public_key());
        let message = format!("key-package-directory add-key v1\n{}\nphone\n{public_key}\n", self.user);
        let proof = BASE64.encode(&self.mls.sign(message.as_bytes()));
        json!({ "client": "phone", "scheme": "ed25519", "signature_key": public_key, "proof": proof,
            "enrolment_token": token })
    }
}

impl Served {
    async fn over(file: bool) -> Self {
        let file = file.then(|| {
            let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
            let opening = Opening { create: true, keep_history: false };
            (Durable::open(&directory.path().join("store.kpd"), opening).expect("a store"), directory)
        });
        let stores = file.as_ref().map_or_else(Stores::in_memory, |(store, _)| Stores::durable(store.clone()));
        let policy = Policy { limits: Limits::NONE, ..Policy::default() };
        let running = start_over(stores, Config { policy, ..Config::new(TOKEN) }).await.expect("a server");
        let (address, asker) = (running.address(), Person::new("asker"));
        let since = Instant::now();
        let mut served = Self { _running: running, address, asker, now: 0, since, file };
        let asker = Person::new("asker");
        let enrolled = served.enrol(&asker).await;
        served.now = enrolled - 86_400;
        for number in 0..OWNERS {
            let owner = Person::new(&format!("owner-{number}"));
            served.enrol(&owner).await;
            let recipe = serde_json::from_value(json!({ "client": "phone", "last_resort": true })).expect("a recipe");
            let surroundings =
                Surroundings { now: served.now, same_init_key_as: None, identity: None, seed: Seed::of_run(2) };
            let made = owner.mls.make(&recipe, &surroundings).expect("a KeyPackage");
            let body = json!({ "key_packages": [{ "key_package": BASE64.encode(&made.bare) }] });
            let path = format!("/v1/users/{}/clients/phone/key-packages", owner.user);
            let (status, _) = served.ask(&served.request(&path, &body, Some(&owner))).await;
            assert_eq!(status, 201);
        }
        served
    }

    async fn enrol(&self, person: &Person) -> u64 {
        let (status, enrolled) = self.ask(&self.request("/v1/users", &json!({ "user": person.user }), None)).await;
        assert_eq!(status, 201);
        let addition = person.addition(&enrolled["enrolment_token"]);
        let (status, _) = self.ask(&self.request(&format!("/v1/users/{}/keys", person.user), &addition, None)).await;
        assert_eq!(status, 201);
        enrolled["not_after"].as_u64().expect("a time")
    }

    async fn ask(&self, request: &[u8]) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        let (status, body) = exchange(&mut stream, request).await;
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// The bytes of a POST, signed by somebody or else the operator's.
    fn request(&self, path: &str, body: &Value, by: Option<&Person>) -> Vec<u8> {
        let body = body.to_string().into_bytes();
        let headers = BTreeMap::from([("content-type".to_string(), "application/json".to_string())]);
        let mut request = Rendered { method: "POST".into(), path: path.into(), headers, body: Some(body) };
        match by {
            Some(person) => {
                let nonce = format!("nonce-{}", NONCES.fetch_add(1, Ordering::Relaxed));
                let now = self.now + self.since.elapsed().as_secs();
                let private_key = person.mls.private_key();
                let signer = Signer { private_key, keyid: &person.keyid, now, nonce, proof: Proof::Good };
                sign(&mut request, &format!("http://{}", self.address), &signer).expect("a signature");
            }
            None => drop(request.headers.insert("authorization".into(), format!("Bearer {TOKEN}"))),
        }
        let body = request.body.unwrap_or_default();
        let mut head = format!("POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n", self.address, body.len());
        request.headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        [head.as_bytes(), b"\r\n", &body].concat()
    }

    /// How long it takes to answer so many claims, asked over so many connections.
    async fn claims(&self, count: usize, connections: usize) -> Duration {
        let path = |number| format!("/v1/users/acct:owner-{}@example.org/claims", number % OWNERS);
        let mut lanes = vec![vec![]; connections];
        for number in 0..count {
            lanes[number % connections].push(self.request(&path(number), &json!({}), Some(&self.asker)));
        }
        let ready = Arc::new(tokio::sync::Barrier::new(connections + 1));
        let mut tasks = JoinSet::new();
        for lane in lanes {
            let mut stream = TcpStream::connect(self.address).await.expect("a connection");
            stream.set_nodelay(true).expect("a socket");
            let ready = Arc::clone(&ready);
            tasks.spawn(async move {
                ready.wait().await;
                for request in lane {
                    assert_eq!(exchange(&mut stream, &request).await.0, 200);
                }
            });
        }
        ready.wait().await;
        let begun = Instant::now();
        tasks.join_all().await;
        begun.elapsed()
    }
}

/// One request and its answer: status and body.
async fn exchange(stream: &mut TcpStream, request: &[u8]) -> (u16, Vec<u8>) {
    stream.write_all(request).await.expect("a request");
    let (mut read, mut buffer) = (vec![], [0; 8_192]);
    loop {
        let count = stream.read(&mut buffer).await.expect("an answer");
        assert!(count > 0, "the connection is closed");
        read.extend(&buffer[..count]);
        let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
        let field =
            |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().parse());
        let length: usize = field("content-length:").and_then(Result::ok).unwrap_or(0);
        if read.len() >= end + 4 + length {
            let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
            return (status, read[end + 4..end + 4 + length].to_vec());
        }
    }
}

fn served(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let [file, memory] = [true, false].map(|file| runtime.block_on(Served::over(file)));
    let mut group = criterion.benchmark_group("claims over HTTP");
    group.sample_size(10).measurement_time(Duration::from_secs(3)).throughput(Throughput::Elements(1));
    for (name, served, connections) in [
        ("file, 1 connection", &file, 1),
        ("file, 64 connections", &file, MANY),
        ("memory, 64 connections", &memory, MANY),
    ] {
        group.bench_function(name, |bencher| {
            let measure = |count: u64| served.claims(usize::try_from(count).unwrap_or(usize::MAX), connections);
            bencher.iter_custom(|count| runtime.block_on(measure(count)));
        });
    }
    group.finish();
    for slower in SLOWER {
        let slow = Duration::from_millis(slower);
        file.file.iter().for_each(|(store, _)| store.slow_down(slow));
        // In turns, so that a busy moment of the machine meets all of them.
        let mut took = [Duration::ZERO; 3];
        for _ in 0..4 {
            took[0] += runtime.block_on(file.claims(ROUND / MANY, 1)) * (MANY as u32);
            took[1] += runtime.block_on(file.claims(ROUND, MANY));
            took[2] += runtime.block_on(memory.claims(ROUND, MANY));
        }
        let [alone, many, memory] = took.map(|took| 4.0 * ROUND as f64 / took.as_secs_f64());
        println!("each commit takes {slower} ms more than this disk makes it:");
        println!("  claims/s: file by 1 connection {alone:.0}, file by {MANY} {many:.0}, memory by {MANY} {memory:.0}");
        println!("  file by {MANY} against file by 1: {:.1}; file against memory: {:.2}", many / alone, many / memory);
    }
}

/// Milliseconds: this disk; a good disk of a server, or of a cloud; one that turns.
const SLOWER: [u64; 4] = [0, 1, 3, 10];

/// Claims by many connections in one turn; one connection makes a sixty-fourth of them.
const ROUND: usize = 8_192;

criterion_group!(benches, served);
criterion_main!(benches);
