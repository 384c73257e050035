//! A server that was not written for this suite, bound by a file alone: a correct one passes, and each planted fault is found.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

#[allow(dead_code, reason = "other tests use the rest of it")]
mod support;

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use support::{Kpd, Scratch, have};

/// The foreign server, run for one test.
struct Courier {
    scratch: Scratch,
    port: String,
    fault: &'static str,
}

impl Courier {
    /// Nothing where this machine has no Python: the test says so, and looks at nothing.
    fn start(fault: &'static str) -> Option<Self> {
        if !have("python3", "the foreign server is written in Python") {
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
        let courier = Self { scratch: Scratch::new(&format!("courier-{fault}")), port, fault };
        courier.server(&["start", "--port", &courier.port, "--fault", fault]);
        let begun = Instant::now();
        while std::net::TcpStream::connect(format!("127.0.0.1:{}", courier.port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "the foreign server does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(courier)
    }

    fn server(&self, arguments: &[&str]) {
        let mut command = Command::new("python3");
        command.arg(foreign().join("server.py")).args(arguments).args(["--state", &self.scratch.path("state")]);
        assert!(command.status().unwrap().success());
    }

    fn run(&self, command: &str, arguments: &[&str]) -> Kpd {
        let (target, binding) = (format!("http://127.0.0.1:{}", self.port), foreign().join("binding.yaml"));
        let variables = [
            format!("port={}", self.port),
            format!("state={}", self.scratch.path("state")),
            format!("fault={}", self.fault),
        ];
        let mut all = vec![command, "--target", &target, "--binding", binding.to_str().unwrap()];
        variables.iter().for_each(|variable| all.extend(["--var", variable]));
        all.extend(arguments);
        Kpd::run(&all)
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.server(&["kill"]);
    }
}

fn foreign() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign")
}

/// How many vectors ended with this word.
fn count(ended: &Kpd, word: &str) -> usize {
    ended.out.lines().filter(|line| line.starts_with(&format!("{word}  "))).count()
}

#[test]
fn the_doctor_tries_hooks_where_it_is_asked_to_and_tells_what_they_do() {
    let Some(courier) = Courier::start("none") else { return };
    let asked = courier.run("doctor", &["--brief", "--hooks"]);
    assert_eq!(asked.exit, 0, "{}", asked.all());
    asked.shows(&[
        "ok      kill                 the server does not answer any more",
        "ok      start                the server answers again",
    ]);
    let not_asked = courier.run("doctor", &["--brief"]);
    assert_eq!(not_asked.exit, 0, "{}", not_asked.all());
    assert!(
        not_asked.out.contains("note    hooks                kill, start, restart are not tried"),
        "{}",
        not_asked.all()
    );
    // A `kill` that kills nothing, and half of what takes two.
    let binding = include_str!("foreign/binding.yaml");
    let told = |hooks: &str| {
        let begin = binding.find("hooks:\n").unwrap();
        let end = begin + binding[begin..].find("\n\n").unwrap();
        let scratch = Scratch::new("hooks");
        scratch.write("binding.yaml", &format!("{}{hooks}{}", &binding[..begin], &binding[end..]));
        let file = scratch.path("binding.yaml");
        let target = format!("http://127.0.0.1:{}", courier.port);
        let given = ["port=1", "state=x", "fault=none"].map(|given| ["--var", given]).concat();
        Kpd::run(&[&["doctor", "--target", &target, "--binding", &file, "--brief", "--hooks"][..], &given].concat())
    };
    let half = told("hooks:\n  kill: { command: ['true', '{port}', '{state}', '{fault}'] }");
    assert_eq!(half.exit, 3, "{}", half.all());
    assert!(half.out.contains("there is a hook kill, and no hook start"), "{}", half.all());
    let fails = told(
        "hooks:\n  kill: { command: [sh, -c, 'echo no such unit; exit 5'] }\n  start: { command: ['true', '{port}', '{state}', '{fault}'] }",
    );
    assert_eq!(fails.exit, 3, "{}", fails.all());
    fails.shows(&[
        "WRONG   kill",
        "it printed: no such unit",
        "mend: end with 0 once the process is gone",
        "untried start",
    ]);
}

#[test]
fn a_correct_foreign_server_passes_whatever_its_api_looks_like() {
    let Some(courier) = Courier::start("none") else { return };
    let ended = courier.run("run", &["--seed", "7"]);
    assert_eq!(ended.exit, 0, "{}", ended.all());
    // Crash vectors too: the binding has commands that kill and start it.
    for id in [
        "claim/once",
        "claim/race-n-for-n",
        "crash/claim-survives-kill",
        "crash/notifications-survive-kill",
        "last-resort/only-when-exhausted",
        "claim/each-client",
    ] {
        assert!(ended.out.contains(&format!("PASS  {id} ")), "{id}: {}", ended.all());
    }
    assert!(count(&ended, "PASS") >= 40, "only {} passed: {}", count(&ended, "PASS"), ended.out);
    ended.shows(&[
        "it is about the encoding of KeyPackages, and the server's key material is of another kind",
        "a repeated draw is a new one",
    ]);
}

#[test]
fn a_fault_that_shows_one_request_after_the_other_is_found() {
    let Some(courier) = Courier::start("sequential") else { return };
    let ended = courier.run("run", &["publish/again", "claim/once", "--seed", "7"]);
    assert_eq!(ended.exit, 1, "{}", ended.all());
    assert!(ended.out.contains("FAIL publish/again-after-grant") && ended.out.contains("PUB-RETRY"), "{}", ended.out);
    assert!(ended.out.contains("PASS  claim/once"), "{}", ended.out);
}

#[test]
fn a_fault_that_shows_in_a_race_alone_is_found() {
    let Some(courier) = Courier::start("racy") else { return };
    let ended = courier.run("run", &["claim/once", "claim/race-n-for-n", "--seed", "7"]);
    assert_eq!(ended.exit, 1, "{}", ended.all());
    assert!(ended.out.contains("FAIL claim/race-n-for-n") && ended.out.contains("was granted twice"), "{}", ended.out);
    assert!(ended.out.contains("PASS  claim/once"), "{}", ended.out);
}

#[test]
fn a_fault_that_shows_after_a_kill_alone_is_found() {
    let Some(courier) = Courier::start("restart") else { return };
    let ended = courier.run("run", &["claim/once", "claim/race-n-for-n", "crash/claim", "--seed", "7"]);
    assert_eq!(ended.exit, 1, "{}", ended.all());
    assert!(
        ended.out.contains("FAIL crash/claim-survives-kill") && ended.out.contains("CLAIM-DURABLE"),
        "{}",
        ended.out
    );
    assert_eq!((count(&ended, "PASS"), count(&ended, "FAIL")), (2, 1), "{}", ended.out);
}

#[test]
fn its_binding_fits_and_a_binding_that_does_not_is_found_before_any_vector_runs() {
    let Some(courier) = Courier::start("none") else { return };
    let ended = courier.run("doctor", &["--seed", "7"]);
    assert_eq!(ended.exit, 0, "{}", ended.all());
    ended.shows(&[
        "ok      add_client           dora/pad is added",
        "a1 came back as it was published, 33 of them",
        "ok      absent               withdraw: what is stored can only be drawn",
        "saved client, token, user",
    ]);
    // A fault of the server is not for the doctor to find.
    let Some(courier) = Courier::start("sequential") else { return };
    assert_eq!(courier.run("doctor", &["--brief"]).exit, 0);
}
