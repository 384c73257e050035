//! The one place of the suite that reads the clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the runner's clock is read here and nowhere else")]
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
