//! A server whose clock can be moved: nothing is waited for, and what takes months is looked at.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

#[allow(dead_code, reason = "other tests use the rest of it")]
mod support;

use std::{fs, path::Path};

use support::{Kpd, Scratch, Serving};

const HOOK: &str = "
hooks:
  clock: { command: [sh, -c, 'echo {ahead} > $CLOCK.new && mv $CLOCK.new $CLOCK'], environment: { CLOCK: '{clock}' } }
";

const VARIABLE: &str = "variables: { clock: { says: the file of its clock, public: true },";

/// One of each kind of wait, and what takes months.
const WAITING: [&str; 4] = [
    "claim/expired-since-publication",
    "keys/expiry-cascades",
    "limits/retry-after",
    "life/used-is-remembered-for-months",
];

#[test]
fn where_a_clock_can_be_moved_nothing_is_waited_for() {
    let scratch = Scratch::new("clock");
    let (clock, binding) = (scratch.path("clock"), scratch.path("binding.yaml"));
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("bindings/reference.yaml");
    let text = fs::read_to_string(reference).unwrap().replacen("variables: {", VARIABLE, 1) + HOOK;
    fs::write(&binding, text).unwrap();
    let limits = ["--pair-limit", "15/100", "--requester-limit", "110/60"];
    let server = Serving::start(&[&limits[..], &["--test-clock", &clock]].concat());
    let variable = format!("clock={clock}");
    let run = ["run", "--target", &server.url(), "--binding", &binding, "--var", "operator_token=operator"];
    let report = scratch.path("report");
    let ended = Kpd::run(&[&run[..], &["--var", &variable, "--seed", "5", "--report", &report], &WAITING].concat());
    assert_eq!(ended.exit, 0, "{}", ended.all());
    let page = scratch.read("report/report.html");
    for id in WAITING {
        assert!(ended.out.contains(&format!("PASS  {id} ")), "{id}: {}", ended.all());
    }
    assert!(page.matches("its clock is moved").count() >= WAITING.len(), "some wait in earnest");
    let ahead: u64 = fs::read_to_string(&clock).unwrap().trim().parse().unwrap();
    assert!(ahead > 6_825_600, "{ahead}");
    // The hook is what makes the difference.
    let without = ["run", "--target", &server.url(), "--var", "operator_token=operator", WAITING[3]];
    let without = Kpd::run(&without);
    assert!(without.out.contains("nobody can move its clock: the binding has no such hook"), "{}", without.all());
    assert_eq!(without.exit, 5, "{}", without.all());
}

#[test]
fn a_clock_that_is_no_number_is_told_before_anything_is_served() {
    let scratch = Scratch::new("no-clock");
    let clock = scratch.path("clock");
    fs::write(&clock, "tomorrow").unwrap();
    let ended = Kpd::run(&["serve", "--address", "127.0.0.1:0", "--test-clock", &clock]);
    assert_eq!(ended.exit, 3, "{}", ended.all());
    let says = format!("--test-clock {clock}: a number of seconds is expected, and it holds \"tomorrow\"");
    assert!(ended.err.contains(&says), "{}", ended.all());
}
