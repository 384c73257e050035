//! What the operator counts: claims, refusals, KeyPackages, requests, connections and the store; totals, and no names.

mod store;

use std::{fmt, sync::Arc, time::Duration};

use kpd_directory::{
    Event,
    claim::{Claimed, ClientAnswer},
    event::Granted,
    key_package::Role,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

/// All metrics of a process's directory.
pub(crate) struct Metrics {
    registry: Registry,
    claim_answers: Family<Kind, Counter>,
    refusals: Family<Refusal, Counter>,
    key_packages: Family<Fate, Counter>,
    requests: Family<Answered, Histogram, fn() -> Histogram>,
    connections: Gauge,
    connections_opened: Counter,
    connections_cut: Family<Reason, Counter>,
    appends: Family<Append, Histogram, fn() -> Histogram>,
}

/// A metric's name as it is scraped, its labels, and what it says.
pub type MetricDescription = (&'static str, &'static str, &'static str);

/// All metrics.
pub const METRICS: &[MetricDescription] =
    &[CLAIM_ANSWERS, REFUSALS, KEY_PACKAGES, REQUESTS, CONNECTIONS, CONNECTIONS_OPENED, CONNECTIONS_CUT, APPENDS];

const CLAIM_ANSWERS: MetricDescription = (
    "kpd_claim_answers",
    "kind",
    "What each client of a claimed user gave: regular, last_resort, exhausted, incompatible",
);
const REFUSALS: MetricDescription =
    ("kpd_refusals", "problem", "Requests refused, by the last part of the problem's type");
const KEY_PACKAGES: MetricDescription = (
    "kpd_key_packages",
    "fate",
    "KeyPackages published, granted as regular ones, withdrawn; the difference is the stock",
);
const REQUESTS: MetricDescription = (
    "kpd_http_request_duration_seconds",
    "method, route, status",
    "From the head of a request to the head of its answer",
);
const CONNECTIONS: MetricDescription = ("kpd_http_connections", "", "Connections that are open");
const CONNECTIONS_OPENED: MetricDescription = ("kpd_http_connections_opened", "", "Connections accepted");
const CONNECTIONS_CUT: MetricDescription =
    ("kpd_http_connections_cut", "reason", "Connections ended by the server: slow, idle, tls");
const APPENDS: MetricDescription =
    ("kpd_store_append_duration_seconds", "history, outcome", "Appending to a history: done, conflict, failed");

/// The metrics as a table in Markdown.
#[must_use]
pub fn table() -> String {
    let mut table = String::from("| metric | labels | what it counts |\n|---|---|---|\n");
    for (name, labels, says) in METRICS {
        table.push_str(&format!("| `{name}` | {labels} | {says} |\n"));
    }
    table
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refusal {
    problem: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Fate {
    fate: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: String,
    status: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Append {
    history: &'static str,
    outcome: &'static str,
}

impl Metrics {
    pub(crate) fn new() -> Arc<Self> {
        let mut metrics = Self {
            registry: Registry::default(),
            claim_answers: Family::default(),
            refusals: Family::default(),
            key_packages: Family::default(),
            requests: Family::new_with_constructor(request_histogram),
            connections: Gauge::default(),
            connections_opened: Counter::default(),
            connections_cut: Family::default(),
            appends: Family::new_with_constructor(append_histogram),
        };
        // Kinds that never came are 0, and not absent.
        for kind in ["regular", "last_resort", "exhausted", "incompatible"] {
            drop(metrics.claim_answers.get_or_create(&Kind { kind }));
        }
        for fate in ["published", "granted", "withdrawn"] {
            drop(metrics.key_packages.get_or_create(&Fate { fate }));
        }
        for reason in ["slow", "idle", "tls"] {
            drop(metrics.connections_cut.get_or_create(&Reason { reason }));
        }
        let registry = &mut metrics.registry;
        registry.register(CLAIM_ANSWERS.0, CLAIM_ANSWERS.2, metrics.claim_answers.clone());
        registry.register(REFUSALS.0, REFUSALS.2, metrics.refusals.clone());
        registry.register(KEY_PACKAGES.0, KEY_PACKAGES.2, metrics.key_packages.clone());
        let seconds = |name: &'static str| name.trim_end_matches("_seconds");
        registry.register_with_unit(seconds(REQUESTS.0), REQUESTS.2, Unit::Seconds, metrics.requests.clone());
        registry.register(CONNECTIONS.0, CONNECTIONS.2, metrics.connections.clone());
        registry.register(CONNECTIONS_OPENED.0, CONNECTIONS_OPENED.2, metrics.connections_opened.clone());
        registry.register(CONNECTIONS_CUT.0, CONNECTIONS_CUT.2, metrics.connections_cut.clone());
        registry.register_with_unit(seconds(APPENDS.0), APPENDS.2, Unit::Seconds, metrics.appends.clone());
        Arc::new(metrics)
    }

    /// In the text format of OpenMetrics, which Prometheus reads.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    pub(crate) fn claimed(&self, claimed: &Claimed) {
        for (_, answer) in &claimed.clients {
            let kind = match answer {
                ClientAnswer::KeyPackage { role: Role::Regular, .. } => "regular",
                ClientAnswer::KeyPackage { role: Role::LastResort, .. } => "last_resort",
                ClientAnswer::Exhausted => "exhausted",
                ClientAnswer::Incompatible => "incompatible",
            };
            self.claim_answers.get_or_create(&Kind { kind }).inc();
        }
    }

    pub(crate) fn refused(&self, problem: &'static str) {
        self.refusals.get_or_create(&Refusal { problem }).inc();
    }

    pub(crate) fn answered(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let labels = Answered { method, route: route.into(), status: status.into() };
        self.requests.get_or_create(&labels).observe(took.as_secs_f64());
    }

    pub(crate) fn opened(&self) {
        self.connections.inc();
        self.connections_opened.inc();
    }

    pub(crate) fn closed(&self) {
        self.connections.dec();
    }

    pub(crate) fn cut(&self, reason: &'static str) {
        self.connections_cut.get_or_create(&Reason { reason }).inc();
    }

    fn appended(&self, history: &'static str, outcome: &'static str, took: Duration) {
        self.appends.get_or_create(&Append { history, outcome }).observe(took.as_secs_f64());
    }

    /// What happened to a user's KeyPackages.
    fn happened(&self, events: &[Event]) {
        for event in events {
            let (fate, count) = match event {
                Event::Published { key_packages, .. } => ("published", key_packages.len()),
                Event::Withdrawn { references, .. } => ("withdrawn", references.len()),
                Event::Claimed { answers, .. } => {
                    let regular =
                        |granted: &Granted| matches!(granted, Granted::KeyPackage { role: Role::Regular, .. });
                    ("granted", answers.iter().filter(|(_, granted)| regular(granted)).count())
                }
                _ => continue,
            };
            self.key_packages.get_or_create(&Fate { fate }).inc_by(count as u64);
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// From half a millisecond, which is a claim, to ten seconds.
fn request_histogram() -> Histogram {
    Histogram::new([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0])
}

/// From memory, which is microseconds, to a disk in trouble.
fn append_histogram() -> Histogram {
    Histogram::new([0.00001, 0.0001, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 1.0])
}
