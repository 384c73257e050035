//! Discovery and federation (`KEY-RESOLVE`): which keys a user of another server has, asked of that server.
//!
//! A request whose author is `acct:bob@other.example` is checked with the list that other.example has for bob: WebFinger
//! (RFC 7033) over HTTPS, its link to the list, the list. What it says is believed for a while and never stored as ours;
//! the server that vouches is the host in the name, wherever its list lies. Everything that a stranger can make this
//! server do is bounded: how many lookups, how long, how many bytes, and to which addresses.

mod address;
mod cache;
mod documents;
mod fetch;
mod resolver;
mod slots;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

pub use kpd_directory::{ServerName, UserId, standing::Standing, state::ListedKey};

pub(crate) use documents::canonical;
pub use resolver::{ForeignKeys, ResolveError, Resolver};

/// The relation of a user to the list of its signature keys, in the answer of WebFinger: at the link's target is what
/// `GET /v1/users/{user}/keys` of the OpenAPI document describes. A tag URI (RFC 4151) under a name that RFC 2606 keeps
/// free: it is an identifier, and nothing is to be fetched from it.
pub const SIGNATURE_KEYS: &str = "tag:key-package-directory.example,2026:signature-keys";

/// The relation of a user to the place where its KeyPackages are claimed: `POST /v1/users/{user}/claims`.
pub const CLAIMS: &str = "tag:key-package-directory.example,2026:claims";

/// Whom a directory lets other servers vouch for.
#[derive(Clone, Debug)]
pub struct Federation {
    /// The host in the names of this directory's own users; all other users are looked up at their servers.
    pub domain: ServerName,
    /// How much strangers can make this directory do.
    pub bounds: Bounds,
    /// Where servers of tests are: these hosts, spelt with their port where an URL has one, are reached over plain HTTP
    /// at these addresses, of which only those of the loopback interface count. Nothing else is exempt from anything.
    pub insecure_loopback: BTreeMap<ServerName, SocketAddr>,
}

/// How much strangers can make a resolver do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long a whole lookup may take, all redirects included.
    pub lookup_timeout: Duration,
    /// How large an answer of WebFinger may be, in bytes.
    pub jrd_bytes_max: usize,
    /// How large a list of keys may be, in bytes.
    pub list_bytes_max: usize,
    /// How many redirects are followed for each of the two.
    pub redirects_max: usize,
    /// A list is believed for so long, in seconds, though its server says less.
    pub fresh_seconds_min: u64,
    /// A list is believed no longer than so long, in seconds, though its server says more, or nothing: after a removal
    /// there, the key is good here for at most this time.
    pub fresh_seconds_max: u64,
    /// After a lookup that failed, none is tried for so long, in seconds.
    pub failure_seconds: u64,
    /// How many users' lists are remembered.
    pub cached_max: usize,
    /// How many bytes these have together, about.
    pub cached_bytes_max: usize,
    /// How many lookups are under way at once.
    pub lookups_max: usize,
    /// How many of these at one host.
    pub lookups_per_host_max: usize,
    /// How many lookups at one host begin in a minute.
    pub lookups_per_host_and_minute_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            lookup_timeout: Duration::from_secs(8),
            jrd_bytes_max: 16 * 1024,
            list_bytes_max: 128 * 1024,
            redirects_max: 3,
            fresh_seconds_min: 5,
            fresh_seconds_max: 300,
            failure_seconds: 30,
            cached_max: 10_000,
            cached_bytes_max: 16 * 1024 * 1024,
            lookups_max: 64,
            lookups_per_host_max: 8,
            lookups_per_host_and_minute_max: 240,
        }
    }
}

impl Federation {
    /// For a directory whose users have names at this host; no bound moved, nothing insecure.
    #[must_use]
    pub fn new(domain: ServerName) -> Self {
        Self { domain, bounds: Bounds::default(), insecure_loopback: BTreeMap::new() }
    }
}
