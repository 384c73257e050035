//! The shapes of users.

use kpd_directory::{UnixSeconds, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A user to be let in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Enrol {
    #[schema(value_type = String, example = "acct:bob@example.org")]
    pub(crate) user: UserId,
}

/// A user that was let in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Enrolled {
    #[schema(value_type = String, example = "acct:bob@example.org")]
    pub(crate) user: UserId,
    /// Adds the first signature key; shown once, here.
    pub(crate) enrolment_token: String,
    /// Unix seconds.
    pub(crate) not_after: UnixSeconds,
}

/// A client that was removed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClientRemoved {
    /// How many notifications it had not acknowledged; they are gone.
    pub(crate) unread: usize,
}
