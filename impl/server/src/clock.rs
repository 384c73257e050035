//! The one file of the server that reads the clock.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use kpd_directory::UnixSeconds;

/// Now; 0 on a machine whose clock stands before 1970, where nothing is valid yet.
#[expect(clippy::disallowed_methods, reason = "everywhere else time is an argument")]
pub(crate) fn now() -> UnixSeconds {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let Some(file) = TEST_CLOCK.get() else { return now };
    // What cannot be read at the moment was written over: the clock stays where it is, and never goes back.
    if let Ok(seconds) = read(file) {
        AHEAD.fetch_max(seconds, Ordering::Relaxed);
    }
    now.saturating_add(AHEAD.load(Ordering::Relaxed))
}

/// From here on this process's clock goes ahead of the machine's by as many seconds as the file holds at the time, or has
/// held: for tests of what takes months. A file that is not there holds none.
///
/// # Errors
///
/// A file that cannot be read, or holds something else; a second file.
pub fn go_ahead_by(file: &Path) -> io::Result<()> {
    read(file)?;
    let again = |_| io::Error::new(io::ErrorKind::AlreadyExists, "this process has a test clock already");
    TEST_CLOCK.set(file.into()).map_err(again)
}

fn read(file: &Path) -> io::Result<u64> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let wrong = || {
        let says = format!("a number of seconds is expected, and it holds {:?}", text.trim());
        io::Error::new(io::ErrorKind::InvalidData, says)
    };
    text.trim().parse().map_err(|_| wrong())
}

static TEST_CLOCK: OnceLock<PathBuf> = OnceLock::new();
static AHEAD: AtomicU64 = AtomicU64::new(0);
