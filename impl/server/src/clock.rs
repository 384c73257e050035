//! The one file of the server that reads the clock.

use std::time::{SystemTime, UNIX_EPOCH};

use kpd_directory::UnixSeconds;

/// Now; 0 on a machine whose clock stands before 1970, where nothing is valid yet.
#[expect(clippy::disallowed_methods, reason = "everywhere else time is an argument")]
pub(crate) fn now() -> UnixSeconds {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
