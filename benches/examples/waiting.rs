//! Many owners that wait on server-sent events at one server: what each costs it in memory, and how soon a claim reaches
//! its owner while all are connected.
//!
//! ```sh
//! cargo run --release -p kpd-benches --example waiting -- 10000
//! ```
//!
//! The server is a process of its own, so that its memory (VmRSS, Linux) is only its own. Each connection takes a file
//! on both sides: where the limit is too low for that, the shell that starts the two raises it, or says that it cannot.
#![expect(clippy::expect_used, reason = "a measurement that cannot go on has nothing to say")]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use data_encoding::BASE64;
use kpd_directory::{
    ClientName, Policy, SignatureKey, SignatureScheme, UserId,
    keys::{AddKey, Authority, possession_message},
    policy::Limits,
};
use kpd_server::{Config, service::Directory, start_over, store::Stores};
use openmls::prelude::{
    BasicCredential, Ciphersuite, CredentialWithKey, KeyPackage as MlsKeyPackage, Lifetime, tls_codec::Serialize as _,
};
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;
use openmls_traits::{signatures::Signer as _, types::SignatureScheme as MlsScheme};
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// From so many owners is claimed, one after the other.
const CLAIMS: usize = 500;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let owners = |place: usize| arguments.get(place).and_then(|text| text.parse().ok()).unwrap_or(10_000);
    match arguments.first().map(String::as_str) {
        Some("serve") => serve(owners(1)).await,
        Some("measure") => measure(owners(1)).await,
        _ => with_files_enough(owners(0)),
    }
}

fn with_files_enough(owners: usize) {
    let script = r#"[ "$(ulimit -n)" = unlimited ] || [ "$(ulimit -n)" -ge "$1" ] || ulimit -n "$1" || {
        echo "each owner takes an open file: this needs ulimit -n $1, and $(ulimit -Hn) is the most here" >&2; exit 1; }
        exec "$2" measure "$3""#;
    let program = std::env::current_exe().expect("this program has a path");
    let files = (owners + 200).to_string();
    let status = Command::new("sh").args(["-c", script, "sh", &files]).arg(program).arg(owners.to_string()).status();
    std::process::exit(status.ok().and_then(|status| status.code()).unwrap_or(1));
}

/// A server on which all of them are, and those from which is claimed have one KeyPackage each. It ends with its input.
async fn serve(owners: usize) {
    let stores = Stores::in_memory();
    let policy = Policy { limits: Limits::NONE, ..Policy::default() };
    let directory = Directory::new(stores.clone(), policy.clone());
    for number in 0..owners {
        let owner = Person::new(number);
        let (token, not_after) = directory.enrol(&owner.user).await.expect("a new user");
        let proof = owner.key.sign(&possession_message(&owner.user, &owner.client, &owner.listed()));
        let (client, key, proof) = (owner.client.clone(), owner.listed(), proof.expect("a signature"));
        let add = AddKey { client, key, proof, authority: Authority::EnrolmentToken(token), expires_at: None };
        directory.add_key(&owner.user, &add).await.expect("the token is good");
        if number < CLAIMS {
            let package = owner.package(not_after - policy.enrolment_seconds);
            directory.publish(&owner.user, &owner.client, vec![(package, None)]).await.expect("a good KeyPackage");
        }
    }
    drop(directory);
    let mut config = Config { policy, ..Config::new("operator") };
    // As many as wait, and those who claim.
    config.http.connections_max = owners + 100;
    let running = start_over(stores, config).await.expect("a free port");
    println!("{}", running.address());
    std::io::stdout().flush().expect("somebody reads this");
    let _ = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await;
    running.shutdown().await;
}

async fn measure(owners: usize) {
    let program = std::env::current_exe().expect("this program has a path");
    let mut server = Command::new(program)
        .args(["serve", &owners.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a server");
    let mut line = String::new();
    BufReader::new(server.stdout.take().expect("it is piped")).read_line(&mut line).expect("an address");
    let address: SocketAddr = line.trim().parse().expect("an address");
    let clock = clock(address).await;
    let before = rss_kib(&server);
    let begun = Instant::now();
    let mut streams = Vec::with_capacity(owners);
    for number in 0..owners {
        streams.push(Person::new(number).listen(address, clock.now()).await);
    }
    let connected = begun.elapsed();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = rss_kib(&server);
    let each = (after.saturating_sub(before)) as f64 / owners as f64;
    println!("{owners} owners connected in {:.1} s", connected.as_secs_f64());
    println!("server: {before} KiB before, {after} KiB with all of them: {each:.1} KiB each");

    let requester = Person::new(owners - 1);
    let mut line = TcpStream::connect(address).await.expect("a connection");
    let mut times = vec![];
    for (number, stream) in streams.iter_mut().enumerate().take(CLAIMS.min(owners - 1)) {
        let of = Person::new(number);
        let path = format!("/v1/users/{}/claims", of.user);
        let request = requester.request("POST", &path, address, clock.now(), Some("{}"), "");
        let sent = Instant::now();
        line.write_all(&request).await.expect("a connection");
        read_until(stream, b"event: grant").await;
        times.push(sent.elapsed());
        read_until(&mut line, b"regular").await;
    }
    times.sort();
    let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1_000.0;
    let (median, late, last) = (at(50), at(99), at(100));
    println!(
        "{} claims: told after {median:.2} ms at the median, {late:.2} ms at 99 %, {last:.2} ms at most",
        times.len()
    );
    println!("server: {} KiB in the end", rss_kib(&server));
    drop(server.stdin.take());
    let _ = server.wait();
}

/// The server's clock: its answer tells until when a token is good, which is a day.
async fn clock(address: SocketAddr) -> Clock {
    let body = r#"{"user":"acct:clock@example.org"}"#;
    let head = "authorization: Bearer operator\r\ncontent-type: application/json\r\nconnection: close\r\n";
    let request =
        format!("POST /v1/users HTTP/1.1\r\nhost: {address}\r\n{head}content-length: {}\r\n\r\n{body}", body.len());
    let mut connection = TcpStream::connect(address).await.expect("a connection");
    connection.write_all(request.as_bytes()).await.expect("a connection");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.expect("an answer");
    let (_, rest) = answer.split_once("\"not_after\":").expect("an enrolment");
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Clock(digits.parse::<u64>().expect("seconds") - Policy::default().enrolment_seconds, Instant::now())
}

struct Clock(u64, Instant);

impl Clock {
    fn now(&self) -> u64 {
        self.0 + self.1.elapsed().as_secs()
    }
}

fn rss_kib(server: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).expect("Linux tells of processes");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("KiB")
}

/// Reads until this has come. What came with it is not kept.
async fn read_until(connection: &mut TcpStream, wanted: &[u8]) {
    let mut read = vec![];
    while !read.windows(wanted.len()).any(|window| window == wanted) {
        let mut part = [0; 4096];
        let count = tokio::time::timeout(Duration::from_secs(30), connection.read(&mut part)).await;
        let count = count.expect("an answer in time").expect("an answer");
        assert!(count > 0, "the server hung up: {}", String::from_utf8_lossy(&read));
        read.extend_from_slice(&part[..count]);
    }
}

/// A user with one client; its key is made of its number.
struct Person {
    user: UserId,
    client: ClientName,
    key: SignatureKeyPair,
}

impl Person {
    fn new(number: usize) -> Self {
        let secret = Sha256::digest(format!("owner {number}")).to_vec();
        let signing = ed25519_dalek::SigningKey::from_bytes(&secret.clone().try_into().expect("32 bytes"));
        let key = SignatureKeyPair::from_raw(MlsScheme::ED25519, secret, signing.verifying_key().to_bytes().into());
        let user = UserId::parse(&format!("acct:owner{number}@example.org")).expect("a user");
        Self { user, client: ClientName::parse("phone").expect("a client"), key }
    }

    fn listed(&self) -> SignatureKey {
        SignatureKey::new(SignatureScheme::Ed25519, self.key.public()).expect("a public key")
    }

    fn package(&self, now: u64) -> Vec<u8> {
        let credential = BasicCredential::new(self.user.as_str().into()).into();
        let credential = CredentialWithKey { credential, signature_key: self.key.public().into() };
        let suite = Ciphersuite::MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519;
        let builder = MlsKeyPackage::builder().key_package_lifetime(Lifetime::init(now - 3_600, now + 2_592_000));
        let made = builder.build(suite, &OpenMlsRustCrypto::default(), &self.key, credential);
        made.expect("a KeyPackage").key_package().tls_serialize_detached().expect("an encoding")
    }

    /// A stream that has begun.
    async fn listen(&self, address: SocketAddr, now: u64) -> TcpStream {
        let path = format!("/v1/users/{}/clients/{}/notifications", self.user, self.client);
        let request = self.request("GET", &path, address, now, None, "accept: text/event-stream\r\n");
        let mut connection = TcpStream::connect(address).await.expect("a connection");
        connection.write_all(&request).await.expect("a connection");
        read_until(&mut connection, b"retry:").await;
        connection
    }

    /// A signed request (RFC 9421).
    fn request(
        &self,
        method: &str,
        path: &str,
        address: SocketAddr,
        now: u64,
        body: Option<&str>,
        head: &str,
    ) -> Vec<u8> {
        static NONCE: AtomicU64 = AtomicU64::new(0);
        let nonce = NONCE.fetch_add(1, Ordering::Relaxed);
        let digest = body.map(|body| format!("sha-256=:{}:", BASE64.encode(&Sha256::digest(body))));
        let covered = if body.is_some() { r#" "content-digest""# } else { "" };
        let keyid = format!("{}#{}", self.user, self.listed().id());
        let input = format!(
            r#"("@method" "@target-uri"{covered});created={now};keyid="{keyid}";alg="ed25519";nonce="number-{nonce}""#
        );
        let line = digest.as_ref().map_or(String::new(), |digest| format!("\"content-digest\": {digest}\n"));
        let base = format!(
            "\"@method\": {method}\n\"@target-uri\": http://{address}{path}\n{line}\"@signature-params\": {input}"
        );
        let signature = BASE64.encode(&self.key.sign(base.as_bytes()).expect("a signature"));
        let with_body = digest.zip(body).map_or(String::new(), |(digest, body)| {
            format!("content-type: application/json\r\ncontent-digest: {digest}\r\ncontent-length: {}\r\n", body.len())
        });
        let signed = format!("signature-input: sig={input}\r\nsignature: sig=:{signature}:\r\n");
        let body = body.unwrap_or_default();
        format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\n{head}{with_body}{signed}\r\n{body}").into_bytes()
    }
}
