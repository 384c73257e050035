//! Whether the file can be used, and how it comes back after it could not.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
    time::{Duration, Instant},
};

use redb::{Database, ReadableDatabase as _};

use super::{OpenError, Opener, error::is_full, format};
use crate::store::StoreError;

/// The database, while there is one.
pub(super) struct Condition {
    path: PathBuf,
    open: Opener,
    now: RwLock<Now>,
}

enum Now {
    Open(Database),
    Shut(Failure),
}

enum Failure {
    /// The disk was full, and at that time it is worth another try.
    Full(Instant),
    /// What stands in the file was not written by its writer.
    Damaged(String),
    /// It failed in a way after which nothing is certain but what a new process reads.
    Broken(String),
}

impl Failure {
    fn of(error: &redb::Error) -> Self {
        match error {
            redb::Error::Io(error) if is_full(error.kind()) => Self::Full(Instant::now() + PATIENCE),
            redb::Error::Corrupted(why) => Self::Damaged(why.clone()),
            error => Self::Broken(error.to_string()),
        }
    }

    fn says(&self, path: &Path) -> StoreError {
        let path = path.display();
        StoreError::because(match self {
            Self::Full(_) => format!("there is no room on the disk of {path}; it goes on by itself when there is"),
            Self::Damaged(why) => {
                format!("{path} is damaged ({why}): keep it aside, copy a backup to its name, start with --fence")
            }
            Self::Broken(why) => format!("{path} failed ({why}); look after the disk, then start the server again"),
        })
    }
}

impl Condition {
    pub(super) fn open(path: &Path, open: Opener) -> Result<Self, OpenError> {
        let database = checked(path, &open)?;
        Ok(Self { path: path.into(), open, now: RwLock::new(Now::Open(database)) })
    }

    /// Looks into the database, together with others.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Database) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.revive();
        match &*self.now.read().unwrap_or_else(PoisonError::into_inner) {
            Now::Open(database) => caught(|| look(database)).unwrap_or_else(|damage| Err(damage.says(&self.path))),
            Now::Shut(failure) => Err(failure.says(&self.path)),
        }
    }

    /// Writes; after a failure the database is closed, since it would say no more than that it failed before.
    pub(super) fn write<T>(&self, write: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, StoreError> {
        let mut failed = None;
        let written = self.look(|database| {
            let written = caught(|| write(database));
            written.and_then(|written| written.map_err(|error| Failure::of(&error))).map_err(|failure| {
                let says = failure.says(&self.path);
                failed = Some(failure);
                says
            })
        });
        if let Some(failure) = failed {
            eprintln!("kpd: {}", failure.says(&self.path));
            // The old database is closed here, and lets the file go.
            close(&mut self.now.write().unwrap_or_else(PoisonError::into_inner), failure);
        }
        written
    }

    /// Does what nobody may look at meanwhile.
    pub(super) fn exclusively(
        &self,
        work: impl FnOnce(&mut Database) -> Result<(), redb::Error>,
    ) -> Result<(), StoreError> {
        match &mut *self.now.write().unwrap_or_else(PoisonError::into_inner) {
            Now::Open(database) => Ok(caught(|| work(database)).map_err(|damage| damage.says(&self.path))??),
            Now::Shut(failure) => Err(failure.says(&self.path)),
        }
    }

    /// Opens it again, if it is time to try.
    fn revive(&self) {
        let due = |now: &Now| matches!(now, Now::Shut(Failure::Full(at)) if *at <= Instant::now());
        if !due(&self.now.read().unwrap_or_else(PoisonError::into_inner)) {
            return;
        }
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        if !due(&now) {
            return;
        }
        *now = match checked(&self.path, &self.open) {
            Ok(database) => {
                eprintln!("kpd: the store {} is open again", self.path.display());
                Now::Open(database)
            }
            Err(OpenError::Full { .. }) => Now::Shut(Failure::Full(Instant::now() + PATIENCE)),
            Err(OpenError::Damaged { why, .. }) => Now::Shut(Failure::Damaged(why)),
            Err(error) => Now::Shut(Failure::Broken(error.to_string())),
        };
    }
}

impl Drop for Condition {
    fn drop(&mut self) {
        let now = self.now.get_mut().unwrap_or_else(PoisonError::into_inner);
        close(now, Failure::Broken("it is closed".into()));
    }
}

/// To close writes, too, and can come upon damage that nothing has read before: the next to open it will be told.
fn close(now: &mut Now, failure: Failure) {
    let before = mem::replace(now, Now::Shut(failure));
    let _ = caught(|| drop(before));
}

/// Opens the database and looks whether it is ours.
fn checked(path: &Path, open: &Opener) -> Result<Database, OpenError> {
    if path.is_dir() {
        return Err(OpenError::IsDirectory { path: path.into() });
    }
    let opened = caught(|| {
        let database = open(path).map_err(|error| OpenError::of(path, error))?;
        let transaction = database.begin_read().map_err(|error| OpenError::of(path, error))?;
        format::check(path, &transaction)?;
        drop(transaction);
        Ok(database)
    });
    opened.unwrap_or_else(|_| Err(OpenError::Damaged { path: path.into(), why: GAVE_UP.into() }))
}

/// The database believes the pages that it reads, and panics over some that nobody wrote like that: here it is an error.
fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Failure::Damaged(GAVE_UP.into()))
}

const GAVE_UP: &str = "its reader gave up";

/// Between two tries: to open a file that was not closed takes reading all of it.
const PATIENCE: Duration = Duration::from_secs(1);
