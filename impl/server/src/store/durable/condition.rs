//! Whether the file can be used, and how it comes back after it could not.

use std::{
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
    /// The disk was full, and at that time it is worth another try.
    Full(Instant),
    /// It failed in a way after which nothing is certain but what a new process reads.
    Broken(String),
}

impl Condition {
    pub(super) fn open(path: &Path, open: Opener) -> Result<Self, OpenError> {
        let database = checked(path, &open)?;
        Ok(Self { path: path.into(), open, now: RwLock::new(Now::Open(database)) })
    }

    /// Looks into the database, together with others. Whatever its reader makes of damage, it is an error here, too.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Database) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.revive();
        match &*self.now.read().unwrap_or_else(PoisonError::into_inner) {
            Now::Open(database) => {
                catch_unwind(AssertUnwindSafe(|| look(database))).unwrap_or_else(|_| Err(self.damaged()))
            }
            Now::Full(_) => Err(self.full()),
            Now::Broken(why) => Err(self.broken(why)),
        }
    }

    /// Writes; after a failure the database is closed, since it would say no more than that it failed before.
    pub(super) fn write<T>(&self, write: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, StoreError> {
        let mut failure = None;
        let written = self.look(|database| {
            write(database).map_err(|error| {
                let says = StoreError::because(error.to_string());
                failure = Some(error);
                says
            })
        });
        if let Some(error) = failure {
            return Err(self.fail(&error));
        }
        written
    }

    /// Does what nobody may look at meanwhile.
    pub(super) fn exclusively(
        &self,
        work: impl FnOnce(&mut Database) -> Result<(), redb::Error>,
    ) -> Result<(), StoreError> {
        match &mut *self.now.write().unwrap_or_else(PoisonError::into_inner) {
            Now::Open(database) => Ok(work(database)?),
            _ => Err(StoreError::because("it is not open")),
        }
    }

    fn fail(&self, error: &redb::Error) -> StoreError {
        let full = matches!(error, redb::Error::Io(error) if is_full(error.kind()));
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        // The old database is dropped here, and lets the file go.
        *now = if full { Now::Full(Instant::now() + PATIENCE) } else { Now::Broken(error.to_string()) };
        drop(now);
        let says = if full { self.full() } else { self.broken(&error.to_string()) };
        eprintln!("kpd: {says}");
        says
    }

    /// Opens it again, if it is time to try.
    fn revive(&self) {
        let due = |now: &Now| matches!(now, Now::Full(at) if *at <= Instant::now());
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
            Err(OpenError::Full { .. }) => Now::Full(Instant::now() + PATIENCE),
            Err(error) => Now::Broken(error.to_string()),
        };
    }

    fn damaged(&self) -> StoreError {
        let path = self.path.display();
        StoreError::because(format!("{path} is damaged: keep it aside, copy a backup to its name, start with --fence"))
    }

    fn full(&self) -> StoreError {
        let path = self.path.display();
        StoreError::because(format!("there is no room on the disk of {path}; it goes on by itself when there is"))
    }

    fn broken(&self, why: &str) -> StoreError {
        let path = self.path.display();
        StoreError::because(format!("{path} failed ({why}); look after the disk, then start the server again"))
    }
}

/// Opens the database and looks whether it is ours. Whatever its reader makes of a damaged file, it is an error.
fn checked(path: &Path, open: &Opener) -> Result<Database, OpenError> {
    if path.is_dir() {
        return Err(OpenError::IsDirectory { path: path.into() });
    }
    let opened = catch_unwind(AssertUnwindSafe(|| {
        let database = open(path).map_err(|error| OpenError::of(path, error))?;
        let transaction = database.begin_read().map_err(|error| OpenError::of(path, error))?;
        format::check(path, &transaction)?;
        drop(transaction);
        Ok(database)
    }));
    let damaged = || OpenError::Damaged { path: path.into(), why: "its reader gave up".into() };
    opened.unwrap_or_else(|_| Err(damaged()))
}

/// Between two tries: to open a file that was not closed takes reading all of it.
const PATIENCE: Duration = Duration::from_secs(1);
