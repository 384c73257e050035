//! How a directory is to run: what code sets, and the list of what an operator may set, from where, and what it says.

mod file;
mod list;
mod settings;

use std::{net::SocketAddr, path::PathBuf};

use kpd_directory::{
    Policy,
    policy::{Limit, Limits},
};

use crate::{auth::Origin, federation::Federation, mutants::Mutant};

pub use list::{SETTINGS, Setting, table};
pub use settings::{Settings, SettingsError, StoreSetting};

/// How a directory is to run.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// What the operator shows to let users in.
    pub operator_token: String,
    /// The limits.
    pub policy: Policy,
    /// How old a signed request may be, or how far ahead of our clock.
    pub signature_window_seconds: u64,
    /// Withdraws whatever the store has available before anybody is served: it was restored from a backup (`LIFE-RESTORE`).
    pub fence: bool,
    /// The origin under which clients know this server; without it, what the request says (see [`Origin`]).
    pub origin: Option<Origin>,
    /// Whom other servers may vouch for; without it every user is this server's own.
    pub federation: Option<Federation>,
    /// Breaks one rule on purpose.
    pub mutant: Option<Mutant>,
    /// What one connection and one request may take.
    pub http: HttpLimits,
    /// HTTPS instead of HTTP.
    pub tls: Option<TlsFiles>,
    /// Where `/metrics` is served instead of at `address`; port 0 takes a free one.
    pub metrics_address: Option<SocketAddr>,
    /// How long requests under way may take when the server stops; what is left then is cut off.
    pub shutdown_seconds: u64,
}

/// What one connection and one request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// The largest body of a request.
    pub body_bytes_max: usize,
    /// The largest head of a request; at least 8192.
    pub header_bytes_max: usize,
    /// How long a TLS handshake or the head of a request may take, from the connection or its first byte on.
    pub header_seconds: u64,
    /// How long the body of a request may take.
    pub body_seconds: u64,
    /// How long a request may take to its answer; reading notifications, where a client may wait for news, is exempt.
    pub request_seconds: u64,
    /// How long a connection is kept with no request under way.
    pub idle_seconds: u64,
    /// How many connections are open at once; further ones wait until one ends.
    pub connections_max: usize,
}

/// PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate first, then those that lead to a known authority.
    pub certificate: PathBuf,
    /// The private key of the first certificate.
    pub key: PathBuf,
}

impl Config {
    /// A directory on a free port of the loopback interface, with the default policy but for its limits: 40 claims of a
    /// requester from a user in 4 seconds, so that a refusal and its end can be seen in seconds, and no limit for a
    /// requester, or for another server, over all users.
    #[must_use]
    pub fn new(operator_token: impl Into<String>) -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            operator_token: operator_token.into(),
            policy: Policy { limits: LOOPBACK_LIMITS, ..Policy::default() },
            signature_window_seconds: 60,
            fence: false,
            origin: None,
            federation: None,
            mutant: None,
            http: HttpLimits::default(),
            tls: None,
            metrics_address: None,
            shutdown_seconds: 5,
        }
    }
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            body_bytes_max: 4 * 1024 * 1024,
            header_bytes_max: 16 * 1024,
            header_seconds: 10,
            body_seconds: 30,
            request_seconds: 60,
            idle_seconds: 120,
            connections_max: 4096,
        }
    }
}

const LOOPBACK_LIMITS: Limits = Limits { pair: Some(Limit { claims: 40, seconds: 4 }), ..Limits::NONE };
