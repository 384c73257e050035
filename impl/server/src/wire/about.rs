//! The shapes of what is published about the directory itself.

use kpd_directory::{
    CipherSuite, Policy,
    policy::{DrainAlert, Limit, Limits, Selection},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::feed::WAIT_SECONDS_MAX;

/// The limits and promises of this directory (`PUB-LIMITS`, `CLAIM-SELECTION`).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PolicyShape {
    /// The order in which regular KeyPackages are granted.
    selection: SelectionShape,
    #[schema(value_type = Vec<u16>)]
    cipher_suites: Vec<CipherSuite>,
    lifetime_seconds_max: u64,
    clock_skew_seconds: u64,
    /// Of one client and suite.
    stock_max: usize,
    batch_max: usize,
    key_package_bytes_max: usize,
    body_bytes_max: usize,
    idempotency_seconds: u64,
    enrolment_seconds: u64,
    /// How old a signed request may be, or how far ahead of the directory's clock.
    signature_window_seconds: u64,
    limits: LimitsShape,
    /// Fewer live regular KeyPackages of a suite than this are few (`NOTE-LOW-WATER`).
    low_water: usize,
    /// What is told as a drain; `null`: nothing is (`NOTE-DRAIN`).
    drain: Option<DrainAlertShape>,
    /// For how long a request for notifications can wait for the first one.
    notification_wait_seconds_max: u64,
}

/// One requester that takes more than such a share of a client's stock of a suite in so many seconds drains it. The stock
/// of these seconds is what was granted in them and what is left.
#[derive(Debug, Serialize, ToSchema)]
struct DrainAlertShape {
    /// More than so many of a hundred.
    percent: usize,
    /// And at least so many.
    at_least: usize,
    seconds: u64,
}

/// How often claims are answered; `null`: without limit. A requester is a user here, with all its clients.
#[derive(Debug, Serialize, ToSchema)]
struct LimitsShape {
    /// Of one requester, over all users that it claims from (`RATE-REQUESTER`).
    requester: Option<LimitShape>,
    /// Of all requesters that one other server vouches for, over all users that they claim from (`RATE-SERVER`). This
    /// directory's own are not counted together.
    server: Option<LimitShape>,
    /// Of one requester from one user (`RATE-PAIR`).
    pair: Option<LimitShape>,
}

/// So many claims in any stretch of so many seconds.
#[derive(Debug, Serialize, ToSchema)]
struct LimitShape {
    claims: usize,
    seconds: u64,
}

impl From<Limits> for LimitsShape {
    fn from(limits: Limits) -> Self {
        let shape = |Limit { claims, seconds }| LimitShape { claims, seconds };
        Self { requester: limits.requester.map(shape), server: limits.server.map(shape), pair: limits.pair.map(shape) }
    }
}

/// Uniformly at random, or in the order of upload.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SelectionShape {
    Random,
    Fifo,
}

impl PolicyShape {
    pub(crate) fn new(policy: &Policy, body_bytes_max: usize, signature_window_seconds: u64) -> Self {
        Self {
            selection: match policy.selection {
                Selection::Random => SelectionShape::Random,
                Selection::Fifo => SelectionShape::Fifo,
            },
            cipher_suites: policy.cipher_suites.clone(),
            lifetime_seconds_max: policy.lifetime_seconds_max,
            clock_skew_seconds: policy.clock_skew_seconds,
            stock_max: policy.stock_max,
            batch_max: policy.batch_max,
            key_package_bytes_max: policy.key_package_bytes_max,
            body_bytes_max,
            idempotency_seconds: policy.idempotency_seconds,
            enrolment_seconds: policy.enrolment_seconds,
            signature_window_seconds,
            limits: policy.limits.into(),
            low_water: policy.low_water,
            drain: policy.drain.map(|DrainAlert { percent, at_least, seconds }| DrainAlertShape {
                percent,
                at_least,
                seconds,
            }),
            notification_wait_seconds_max: WAIT_SECONDS_MAX,
        }
    }
}

/// The server answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    pub(crate) status: &'static str,
}
