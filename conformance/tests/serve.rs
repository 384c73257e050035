//! `kpd serve`, `enrol` and `demo` as their users meet them: signals, logs without secrets, the story.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]
#![cfg(unix)]

#[allow(dead_code, reason = "not every test file needs all of it")]
mod support;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use support::{Kpd, Scratch};

const TOKEN: &str = "the-operators-secret";

/// `kpd serve`, with its logs kept.
struct Server {
    child: Child,
    url: String,
    out: BufReader<std::process::ChildStdout>,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        Self::run(Command::new(env!("CARGO_BIN_EXE_kpd")), arguments)
    }

    /// By a command that becomes `kpd`.
    fn run(mut command: Command, arguments: &[&str]) -> Self {
        command.args(["serve", "--address", "127.0.0.1:0"]).args(arguments).env("KPD_OPERATOR_TOKEN", TOKEN);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        out.read_line(&mut first).unwrap();
        Self { child, url: first.trim().trim_start_matches("listening on ").into(), out }
    }

    fn address(&self) -> &str {
        self.url.split("//").nth(1).unwrap()
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// The first line that it prints with these words.
    fn says(&mut self, words: &str) {
        let mut line = String::new();
        while self.out.read_line(&mut line).unwrap() > 0 {
            if line.contains(words) {
                return;
            }
            line.clear();
        }
        panic!("it ended without saying {words:?}");
    }

    /// Its exit code and its logs.
    fn end(mut self) -> (Option<i32>, String) {
        let mut logs = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut logs).unwrap();
        (self.child.wait().unwrap().code(), logs)
    }

    /// Sends a request in whole, and gives the answer.
    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: id-7\r\n\r\n").unwrap();
        read(stream)
    }

    /// Lets a user in, and gives the answer.
    fn enrol(&self, user: &str) -> String {
        let (mut stream, last) = begin(self, user);
        stream.write_all(&last).unwrap();
        read(stream)
    }
}

fn read(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All but the last byte of an enrolment, on a connection of its own.
fn begin(server: &Server, user: &str) -> (TcpStream, Vec<u8>) {
    let body = format!("{{\"user\":\"{user}\"}}");
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let head = format!(
        "POST /v1/users HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    let (most, last) = body.as_bytes().split_at(body.len() - 1);
    stream.write_all(&[head.as_bytes(), most].concat()).unwrap();
    (stream, last.into())
}

#[test]
fn on_sigterm_requests_under_way_are_answered_and_it_ends_with_0() {
    let mut server = Server::start(&["--shutdown-delay-seconds", "1"]);
    let mut under_way: Vec<_> = (0..8).map(|number| begin(&server, &format!("acct:u{number}@example.org"))).collect();
    assert!(server.get("/readyz").contains("200 OK"));
    server.signal("-TERM");
    server.says("stopping");
    // For a second it says that it will stop, and still serves.
    let unready = server.get("/readyz");
    assert!(unready.contains("503") && unready.contains("the server is going to stop"), "{unready}");
    assert!(server.get("/healthz").contains("200 OK"));
    let begun = Instant::now();
    while TcpStream::connect(server.address()).is_ok() {
        assert!(begun.elapsed().as_secs() < 10, "it accepts for ever");
        std::thread::sleep(Duration::from_millis(50));
    }
    for (stream, last) in &mut under_way {
        stream.write_all(last).unwrap();
        let answer = read(stream.try_clone().unwrap());
        assert!(answer.starts_with("HTTP/1.1 201") && answer.contains("enrolment_token"), "{answer}");
    }
    assert_eq!(server.end().0, Some(0));
}

#[tokio::test]
async fn on_sighup_certificate_and_key_are_read_again_and_wrong_ones_are_not_taken() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let scratch = Scratch::new("sighup");
    let renew = || {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_string()]).unwrap();
        scratch.write("certificate.pem", &made.cert.pem());
        scratch.write("key.pem", &made.signing_key.serialize_pem());
        reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap()
    };
    let former = renew();
    let files = [scratch.path("certificate.pem"), scratch.path("key.pem")];
    let mut server = Server::start(&["--tls-certificate", &files[0], "--tls-key", &files[1]]);
    let url = format!("{}/healthz", server.url);
    let answers = async |trusted: &reqwest::Certificate| {
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([trusted.clone()]).build().unwrap();
        client.get(&url).send().await.is_ok()
    };
    assert!(answers(&former).await);
    let fresh = renew();
    server.signal("-HUP");
    server.says("certificate and key were read again");
    assert!(answers(&fresh).await && !answers(&former).await);
    scratch.write("key.pem", "no key");
    server.signal("-HUP");
    let told = BufReader::new(server.child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let (tell, hear) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        told.into_iter().any(|line| line.contains("the former certificate stays") && tell.send(()).is_ok())
    });
    hear.recv_timeout(Duration::from_secs(30)).expect("that the former certificate stays");
    assert!(answers(&fresh).await);
}

/// `CLAIM-DURABLE`: a disk without room is a refusal that says so, and nothing that was acknowledged is lost by it.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_503_until_there_is_room_and_nothing_is_lost() {
    let scratch = Scratch::new("full-disk");
    // A limit on the size of files is a disk without room, for one process alone; without the trap it would be killed.
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -S -f 400; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_kpd")]);
    let file = format!("file:{}", scratch.path("store.kpd"));
    let server = Server::run(limited, &["--store", &file, "--log-format", "off"]);
    let mut users = (0..).map(|number| format!("acct:user-{number}@example.org"));
    let mut enrolled = vec![];
    let refused = loop {
        let user = users.next().unwrap();
        let answer = server.enrol(&user);
        if !answer.starts_with("HTTP/1.1 201") {
            break answer;
        }
        enrolled.push(user);
        assert!(enrolled.len() < 20_000, "the disk is never full");
    };
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("/problems/store-failed"), "{refused}");
    assert!(!refused.contains("store.kpd"), "where the file is, is nobody's business: {refused}");
    assert!(server.get("/healthz").starts_with("HTTP/1.1 200"), "it lives on");
    let unready = server.get("/readyz");
    assert!(unready.starts_with("HTTP/1.1 503"), "no balancer should send anybody here: {unready}");
    let more = Command::new("prlimit").args(["--fsize=unlimited", "--pid", &server.child.id().to_string()]).status();
    assert!(more.unwrap().success());
    let begun = Instant::now();
    while !server.enrol("acct:late@example.org").starts_with("HTTP/1.1 201") {
        assert!(begun.elapsed().as_secs() < 30, "it does not go on though there is room");
        std::thread::sleep(Duration::from_millis(200));
    }
    for user in enrolled {
        // Whoever was let in can be let in again until it has a key; one that is not known has no list.
        assert!(server.get(&format!("/v1/users/{user}/keys")).starts_with("HTTP/1.1 200"), "{user} is lost");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut server = Server::start(&["--shutdown-seconds", "600"]);
    let _under_way = begin(&server, "acct:late@example.org");
    assert!(server.get("/healthz").contains("200 OK"));
    server.signal("-INT");
    server.says("stopping");
    let begun = Instant::now();
    server.signal("-INT");
    assert_eq!(server.end().0, Some(130));
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
}

#[test]
fn each_request_is_one_line_of_json_and_no_line_holds_a_secret() {
    let server = Server::start(&["--log-format", "json"]);
    let invented = server.get("/v1/users/acct:mallory@example.org/keys");
    assert!(invented.to_lowercase().contains("\r\nx-request-id: id-7\r\n"), "{invented}");
    let ended = Kpd::run(&["run", "claim/once", "auth/", "--target", &server.url, "--var", &var(), "--seed", "7"]);
    assert_eq!(ended.exit, 0, "{}", ended.all());
    let enrolled = Kpd::run(&["enrol", "acct:bob@example.org", "--target", &server.url, "--operator-token", TOKEN]);
    let enrolment_token = enrolled.out.trim().to_owned();
    server.signal("-TERM");
    let (exit, logs) = server.end();
    assert_eq!(exit, Some(0));
    let lines: Vec<serde_json::Value> = logs.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = lines.iter().find(|line| line["id"] == "id-7").unwrap();
    assert_eq!(line["route"], "/v1/users/{user}/keys");
    assert_eq!(
        (&line["method"], &line["status"], &line["problem"]),
        (&"GET".into(), &404.into(), &"unknown-user".into())
    );
    assert!(line["ms"].as_f64().is_some_and(|ms| ms < 10_000.0) && line["level"] == "INFO", "{line}");
    assert!(lines.iter().any(|line| line["route"] == "/v1/users/{user}/claims" && line["status"] == 200));
    let secrets = [TOKEN, &enrolment_token, "mallory", "acct", "sig=", "Bearer", "keyid", "AAEAAS"];
    let told: Vec<_> = secrets.iter().filter(|secret| logs.contains(**secret)).collect();
    assert!(enrolment_token.len() > 20 && told.is_empty(), "{told:?} in the logs");
}

#[test]
fn even_debug_logs_show_names_at_most() {
    let server = Server::start(&["--log-level", "debug"]);
    let ended = Kpd::run(&["run", "claim/once", "--target", &server.url, "--var", &var(), "--seed", "7"]);
    assert_eq!(ended.exit, 0, "{}", ended.all());
    server.signal("-TERM");
    let (_, logs) = server.end();
    assert!(logs.contains("acct%3A"), "at this level paths are shown: {logs}");
    let told: Vec<_> = [TOKEN, "sig=", "Bearer", "AAEAAS"].into_iter().filter(|secret| logs.contains(secret)).collect();
    assert!(told.is_empty(), "{told:?} in the logs");
}

fn var() -> String {
    format!("operator_token={TOKEN}")
}

#[test]
fn settings_come_from_a_file_and_mistakes_end_it_with_3_before_it_listens() {
    let scratch = Scratch::new("settings-file");
    scratch.write("kpd.toml", "selection = \"fifo\"\noperator_token = \"of-the-file\"\nlow_water = 3\n");
    let printed = Kpd::run(&["serve", "--config", &scratch.path("kpd.toml"), "--print-config", "--low-water", "4"]);
    assert_eq!(printed.exit, 0, "{}", printed.all());
    for line in
        ["selection = \"fifo\"  # file", "low_water = 4  # flag", "# operator_token is set, and not shown  # file"]
    {
        assert!(printed.out.contains(line), "no {line:?} in {}", printed.out);
    }
    assert!(!printed.all().contains("of-the-file"));
    scratch.write("wrong.toml", "low_water = 3\nselektion = \"fifo\"\n");
    let wrong = Kpd::run(&["serve", "--config", &scratch.path("wrong.toml")]);
    assert_eq!(wrong.exit, 3, "{}", wrong.all());
    assert!(wrong.err.contains("wrong.toml:2:1: there is no setting `selektion`"), "{}", wrong.err);
    assert!(wrong.err.contains("did you mean `selection`?") && wrong.out.is_empty(), "{}", wrong.all());
    let no_key = Kpd::run(&["serve", "--tls-certificate", "/nowhere/a.pem", "--tls-key", "/nowhere/b.pem"]);
    assert_eq!(no_key.exit, 3);
    assert!(no_key.err.contains("/nowhere/a.pem: it cannot be read"), "{}", no_key.err);
}

#[test]
fn an_operator_enrols_users_and_is_told_what_is_wrong() {
    let server = Server::start(&["--log-format", "off"]);
    let enrol = |more: &[&str]| {
        let mut all = vec!["enrol", "acct:bob@example.org", "--target", &server.url, "--operator-token"];
        all.extend(more);
        Kpd::run(&all)
    };
    let wrong = enrol(&["wrong"]);
    assert_eq!(wrong.exit, 1);
    assert!(wrong.err.contains("401") && wrong.err.contains("This is for the operator alone"), "{}", wrong.err);
    let enrolled = enrol(&[TOKEN, "--json"]);
    assert_eq!(enrolled.exit, 0, "{}", enrolled.all());
    let answer: serde_json::Value = serde_json::from_str(&enrolled.out).unwrap();
    assert_eq!(answer["user"], "acct:bob@example.org");
    assert!(answer["enrolment_token"].as_str().unwrap().len() > 20 && answer["not_after"].is_u64());
    // Who has not used its token is given another.
    let again = enrol(&[TOKEN]);
    assert_eq!(again.exit, 0, "{}", again.all());
    assert!(again.out.trim().len() > 20 && !enrolled.out.contains(again.out.trim()) && again.err.contains("until"));
    let nameless = Kpd::run(&["enrol", "bob", "--target", &server.url, "--operator-token", TOKEN]);
    assert_eq!(nameless.exit, 1);
    assert!(nameless.err.contains("bob was not enrolled: 400"), "{}", nameless.err);
    let nobody =
        Kpd::run(&["enrol", "acct:bob@example.org", "--target", "http://127.0.0.1:1", "--operator-token", "x"]);
    assert_eq!(nobody.exit, 4, "{}", nobody.all());
}

#[test]
fn the_demo_tells_its_story_in_seconds_and_without_colours_where_nobody_sees_them() {
    let begun = Instant::now();
    let told = Kpd::run(&["demo", "--seed", "7"]);
    assert_eq!(told.exit, 0, "{}", told.all());
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
    assert!(!told.out.contains('\u{1b}'), "colours in a pipe");
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT");
    settings.add_filter(r"[A-Za-z0-9+/_-]{8}…", "BYTES…");
    settings.add_filter(r"(?m)^    ([A-Z]+-[A-Z-]+) .*$", "    $1 SAYS");
    settings.add_filter(r"\b1\d{9}\b", "TIME");
    settings.add_filter(r"\d+( encrypted)? bytes", "SOME$1 bytes");
    settings.bind(|| insta::assert_snapshot!("demo", told.out));
}
