//! The list of settings: file, environment, flags, `--print-config` and the table in the README are made from it.

use std::fmt::Write as _;

use kpd_directory::{
    CipherSuite, ServerName,
    policy::{Limit, Selection},
};

use super::settings::{STORE_EXPECTED, Settings};
use crate::{
    auth::Origin,
    federation::Federation,
    logs::{LogFormat, LogLevel},
};

/// One thing that an operator may set: `name` in the file, `KPD_NAME` in the environment, `--name` as a flag.
#[derive(Debug)]
pub struct Setting {
    /// In lower case, with underscores.
    pub name: &'static str,
    /// What stands for a value in help texts.
    pub takes: &'static str,
    /// What a value has to be, after "expected".
    pub expects: &'static str,
    /// What it is for; one sentence.
    pub says: &'static str,
    /// Whether its value is shown to nobody.
    pub secret: bool,
    /// Whether the file writes it as a number, else as a string.
    pub number: bool,
    /// The value, as it would be written; `None` where there is none.
    pub(super) get: fn(&Settings) -> Option<String>,
    /// Takes a value, unless it is none.
    pub(super) set: fn(&mut Settings, &str) -> Option<()>,
}

impl Setting {
    /// As a flag, without the dashes in front.
    #[must_use]
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// In the environment.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("KPD_{}", self.name.to_ascii_uppercase())
    }
}

macro_rules! number {
    ($name:literal, $takes:literal, $min:literal..=$max:literal, $($path:ident).+, $says:literal) => {
        Setting {
            name: $name,
            takes: $takes,
            expects: concat!("a whole number from ", $min, " to ", $max),
            says: $says,
            secret: false,
            number: true,
            get: |settings| Some(settings.$($path).+.to_string()),
            set: |settings, text| {
                let number = text.parse().ok().filter(|number| ($min..=$max).contains(number))?;
                settings.$($path).+ = number;
                Some(())
            },
        }
    };
}

macro_rules! text {
    ($name:literal, $takes:literal, $expects:expr, $get:expr, $set:expr, $says:literal) => {
        Setting {
            name: $name,
            takes: $takes,
            expects: $expects,
            says: $says,
            secret: false,
            number: false,
            get: $get,
            set: $set,
        }
    };
}

/// All settings, in the order of the table.
#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    text!("address", "ADDRESS:PORT", "an address and a port, such as 127.0.0.1:8080",
        |it| Some(it.config.address.to_string()),
        |it, text| text.parse().ok().map(|address| it.config.address = address),
        "Where to listen; port 0 takes a free one."),
    Setting { secret: true, ..text!("operator_token", "TOKEN", "at least one character, and no space",
        |it| it.operator_token.clone(),
        |it, text| token(text).map(|token| it.operator_token = Some(token)),
        "What the operator's requests carry to let users in; random, and printed, unless given.") },
    text!("operator_token_file", "FILE", "the path of a file",
        |it| path_of(it.operator_token_file.as_ref()),
        |it, text| path(text).map(|path| it.operator_token_file = Some(path)),
        "A file with the operator's token; white space around it is ignored."),
    text!("origin", "URL", "a scheme and a host, such as https://directory.example.org",
        |it| it.config.origin.as_ref().map(ToString::to_string),
        |it, text| Origin::parse(text).ok().map(|origin| it.config.origin = Some(origin)),
        "The URL under which clients know this server: requests signed for another are refused. Without it, the Host \
         that a request names is taken."),
    text!("domain", "HOST", "a host, such as example.org",
        |it| it.config.federation.as_ref().map(|federation| federation.domain.to_string()),
        |it, text| ServerName::parse(text).ok().map(|domain| it.config.federation = Some(Federation::new(domain))),
        "The host in the names of this directory's own users: those of other hosts are looked up there by WebFinger, over \
         HTTPS. Without it, every user is let in by the operator."),
    text!("store", "STORE", STORE_EXPECTED,
        |it| Some(it.store.to_string()),
        |it, text| text.parse().ok().map(|store| it.store = store),
        "Where histories are kept: in a file, on disk before an answer leaves; or in `memory`, where they end with the \
         process."),
    text!("selection", "ORDER", "`random` or `fifo`",
        |it| Some(if it.config.policy.selection == Selection::Fifo { "fifo" } else { "random" }.into()),
        |it, text| selection(text).map(|selection| it.config.policy.selection = selection),
        "The order in which KeyPackages are granted: at random, or as they were uploaded."),
    text!("cipher_suites", "NUMBERS", "numbers of cipher suites out of 1, 2 and 3, such as 1,2",
        |it| Some(suites_of(&it.config.policy.cipher_suites)),
        |it, text| suites(text).map(|suites| it.config.policy.cipher_suites = suites),
        "The cipher suites that are accepted."),
    text!("pair_limit", "CLAIMS/SECONDS", "a limit such as 20/3600, or `none`",
        |it| Some(limit_of(it.config.policy.limits.pair)),
        |it, text| limit(text).map(|limit| it.config.policy.limits.pair = limit),
        "How many claims of one requester from one user are answered in how many seconds."),
    text!("requester_limit", "CLAIMS/SECONDS", "a limit such as 600/3600, or `none`",
        |it| Some(limit_of(it.config.policy.limits.requester)),
        |it, text| limit(text).map(|limit| it.config.policy.limits.requester = limit),
        "The same over all users that a requester claims from."),
    text!("server_limit", "CLAIMS/SECONDS", "a limit such as 6000/3600, or `none`",
        |it| Some(limit_of(it.config.policy.limits.server)),
        |it, text| limit(text).map(|limit| it.config.policy.limits.server = limit),
        "The same over all requesters that one other server vouches for; this server's own are not counted together."),
    number!("low_water", "PACKAGES", 0..=1000000, config.policy.low_water,
        "Fewer live regular KeyPackages of a suite than this are told to their owner as few."),
    number!("stock_max", "PACKAGES", 1..=1000000, config.policy.stock_max,
        "The most regular KeyPackages of one client and suite."),
    number!("batch_max", "PACKAGES", 1..=10000, config.policy.batch_max,
        "The most KeyPackages in one publication."),
    number!("key_package_bytes_max", "BYTES", 256..=1048576, config.policy.key_package_bytes_max,
        "The largest KeyPackage."),
    number!("lifetime_seconds_max", "SECONDS", 1..=3153600000, config.policy.lifetime_seconds_max,
        "The longest lifetime of a KeyPackage."),
    number!("clock_skew_seconds", "SECONDS", 0..=86400, config.policy.clock_skew_seconds,
        "How far a client's clock may run ahead."),
    number!("idempotency_seconds", "SECONDS", 1..=31536000, config.policy.idempotency_seconds,
        "How long the answer to a claim is remembered under its idempotency key."),
    number!("enrolment_seconds", "SECONDS", 1..=31536000, config.policy.enrolment_seconds,
        "How long an enrolment token is good."),
    number!("signature_window_seconds", "SECONDS", 1..=3600, config.signature_window_seconds,
        "How old a signed request may be, or how far ahead of this server's clock."),
    text!("tls_certificate", "FILE", "the path of a PEM file",
        |it| path_of(it.tls_certificate.as_ref()),
        |it, text| path(text).map(|path| it.tls_certificate = Some(path)),
        "Serve HTTPS with this chain of certificates (PEM); read again on SIGHUP."),
    text!("tls_key", "FILE", "the path of a PEM file",
        |it| path_of(it.tls_key.as_ref()),
        |it, text| path(text).map(|path| it.tls_key = Some(path)),
        "The private key of the first certificate (PEM)."),
    text!("metrics_address", "ADDRESS:PORT", "an address and a port, such as 127.0.0.1:9090",
        |it| it.config.metrics_address.map(|address| address.to_string()),
        |it, text| text.parse().ok().map(|address| it.config.metrics_address = Some(address)),
        "Serve /metrics here, and not at `address`, where strangers can read them."),
    text!("log_format", "FORMAT", "`text`, `json` or `off`",
        |it| Some(it.log.format.to_string()),
        |it, text| LogFormat::parse(text).map(|format| it.log.format = format),
        "How logs are written to standard error."),
    text!("log_level", "LEVEL", "`error`, `warn`, `info` or `debug`",
        |it| Some(it.log.level.to_string()),
        |it, text| LogLevel::parse(text).map(|level| it.log.level = level),
        "From which level on; `debug` shows paths, and so the names of users."),
    number!("body_bytes_max", "BYTES", 1024..=268435456, config.http.body_bytes_max,
        "The largest body of a request."),
    number!("header_bytes_max", "BYTES", 8192..=1048576, config.http.header_bytes_max,
        "The largest head of a request."),
    number!("header_seconds", "SECONDS", 1..=3600, config.http.header_seconds,
        "How long a TLS handshake or the head of a request may take."),
    number!("body_seconds", "SECONDS", 1..=3600, config.http.body_seconds,
        "How long the body of a request may take."),
    number!("request_seconds", "SECONDS", 1..=3600, config.http.request_seconds,
        "How long a request may take to its answer; reading notifications is exempt."),
    number!("idle_seconds", "SECONDS", 1..=86400, config.http.idle_seconds,
        "How long a connection is kept with no request under way."),
    number!("connections_max", "CONNECTIONS", 1..=1000000, config.http.connections_max,
        "How many connections are open at once; further ones wait until one ends."),
    number!("shutdown_delay_seconds", "SECONDS", 0..=3600, shutdown_delay_seconds,
        "How long /readyz says 503 before the server stops to accept, so that a load balancer sees it."),
    number!("shutdown_seconds", "SECONDS", 0..=3600, config.shutdown_seconds,
        "How long requests under way may take when the server stops."),
];

/// The settings as a table in Markdown.
#[must_use]
pub fn table() -> String {
    let defaults = Settings::default();
    let mut table = String::from("| setting | default | what it is |\n|---|---|---|\n");
    for setting in SETTINGS {
        let default = (setting.get)(&defaults).map_or_else(String::new, |value| format!("`{value}`"));
        let _ = writeln!(table, "| `{}` | {default} | {} |", setting.name, setting.says);
    }
    table
}

fn token(text: &str) -> Option<String> {
    (!text.is_empty() && text.chars().all(|c| c.is_ascii_graphic())).then(|| text.into())
}

fn path(text: &str) -> Option<std::path::PathBuf> {
    (!text.is_empty()).then(|| text.into())
}

fn path_of(path: Option<&std::path::PathBuf>) -> Option<String> {
    path.map(|path| path.display().to_string())
}

fn selection(text: &str) -> Option<Selection> {
    match text {
        "random" => Some(Selection::Random),
        "fifo" => Some(Selection::Fifo),
        _ => None,
    }
}

fn suites(text: &str) -> Option<Vec<CipherSuite>> {
    let suite = |number: &str| number.trim().parse().ok().filter(|number| (1..=3).contains(number)).map(CipherSuite);
    text.split(',').map(suite).collect()
}

fn suites_of(suites: &[CipherSuite]) -> String {
    suites.iter().map(|suite| suite.0.to_string()).collect::<Vec<_>>().join(",")
}

#[expect(clippy::option_option, reason = "no limit is a value, too")]
fn limit(text: &str) -> Option<Option<Limit>> {
    if text == "none" {
        return Some(None);
    }
    let (claims, seconds) = text.split_once('/')?;
    let limit = Limit { claims: claims.parse().ok()?, seconds: seconds.parse().ok()? };
    (limit.claims > 0 && limit.seconds > 0).then_some(Some(limit))
}

fn limit_of(limit: Option<Limit>) -> String {
    limit.map_or_else(|| "none".into(), |Limit { claims, seconds }| format!("{claims}/{seconds}"))
}
