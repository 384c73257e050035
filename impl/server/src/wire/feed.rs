//! The shapes of what only the owner is told: stock and notifications.

use kpd_directory::{
    CipherSuite, ClientName, KeyPackageRef, Requester, ServerName, UnixSeconds, UserId,
    feed::{Drain, Notification},
    key_package::Role,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{seams::Stocks, wire::RoleShape};

/// What is left of a client's KeyPackages.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StockShape {
    /// Each suite that the client ever published, also when nothing is left.
    suites: Vec<SuiteStock>,
}

/// What is left of one suite.
#[derive(Debug, Serialize, ToSchema)]
struct SuiteStock {
    #[schema(value_type = u16)]
    cipher_suite: CipherSuite,
    /// Those that a claim could get now.
    regular: usize,
    /// Whether these are fewer than the policy's `low_water`: time for new ones (`NOTE-LOW-WATER`).
    low: bool,
    last_resort: Option<LastResortStock>,
}

/// A last resort as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
struct LastResortStock {
    #[schema(value_type = String)]
    reference: KeyPackageRef,
    /// Whether it was ever granted: if so, it is time for a new one.
    used: bool,
}

impl StockShape {
    pub(crate) fn new(stocks: Stocks, is_low: impl Fn(usize) -> bool) -> Self {
        let suite = |(cipher_suite, stock): (_, kpd_directory::feed::Stock)| {
            let last_resort = stock.last_resort.map(|it| LastResortStock { reference: it.reference, used: it.used });
            SuiteStock { cipher_suite, regular: stock.regular, low: is_low(stock.regular), last_resort }
        };
        Self { suites: stocks.into_iter().map(suite).collect() }
    }
}

/// What a client has not acknowledged yet, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Notifications {
    notifications: Vec<NotificationShape>,
}

/// One grant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NotificationShape {
    /// From 1, without gaps but for one where the directory was restored from a backup.
    sequence: u64,
    /// Unix seconds.
    at: UnixSeconds,
    #[schema(value_type = String)]
    reference: KeyPackageRef,
    #[schema(value_type = u16)]
    cipher_suite: CipherSuite,
    #[schema(value_type = RoleShape)]
    role: Role,
    requester: RequesterShape,
    /// Whether it was granted for the first time: only a last resort is granted again.
    first_use: bool,
    /// How many regular KeyPackages of the suite were left.
    remaining: usize,
    /// Whether these were fewer than the policy's `low_water`.
    low: bool,
    /// With this one, the requester has taken more than the policy's share of the stock: told once in a window.
    #[serde(skip_serializing_if = "Option::is_none")]
    drain: Option<DrainShape>,
}

/// What one requester, with all its clients, has taken of the regular KeyPackages of the suite.
#[derive(Debug, Serialize, ToSchema)]
struct DrainShape {
    /// So many, this one among them,
    taken: usize,
    /// of so many: those that anybody got in these seconds, and those that are left.
    of: usize,
    seconds: u64,
}

/// Who got it, as authenticated.
#[derive(Debug, Serialize, ToSchema)]
struct RequesterShape {
    #[schema(value_type = String, example = "acct:alice@example.org")]
    user: UserId,
    #[schema(value_type = String, example = "alice-laptop")]
    client: ClientName,
    /// The server on whose word the user is named, where that is another one than this.
    #[schema(value_type = Option<String>, example = "other.example")]
    vouched_by: Option<ServerName>,
}

impl Notifications {
    pub(crate) fn new(notifications: Vec<Notification>, is_low: impl Fn(usize) -> bool) -> Self {
        let shape = |notification| NotificationShape::new(notification, &is_low);
        Self { notifications: notifications.into_iter().map(shape).collect() }
    }
}

impl NotificationShape {
    pub(crate) fn new(notification: Notification, is_low: impl Fn(usize) -> bool) -> Self {
        let Requester { user, client } = notification.requester;
        let drain = notification.drain.map(|Drain { taken, of, seconds }| DrainShape { taken, of, seconds });
        Self {
            sequence: notification.sequence,
            at: notification.at,
            reference: notification.reference,
            cipher_suite: notification.suite,
            role: notification.role,
            requester: RequesterShape { user, client, vouched_by: notification.vouched_by },
            first_use: notification.first_use,
            remaining: notification.remaining,
            low: is_low(notification.remaining),
            drain,
        }
    }
}

/// For how long a request for notifications can wait for the first one.
pub(crate) const WAIT_SECONDS_MAX: u64 = 60;

/// How far the notifications were read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Acknowledge {
    /// The highest sequence that was read.
    pub(crate) through: u64,
}
