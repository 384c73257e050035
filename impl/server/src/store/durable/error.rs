//! What can be wrong with the file: what, where, and how to mend it.

use std::{
    io,
    path::{Path, PathBuf},
};

use redb::{DatabaseError, StorageError};

use crate::store::StoreError;

/// Why a store cannot be opened. Nothing in it was changed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the sentence of a variant speaks of its fields")]
pub enum OpenError {
    /// Two processes over one file would each believe to be alone.
    #[error("{} is in use by another process: stop that one first, or name another file", path.display())]
    InUse { path: PathBuf },
    /// The name is of a place that does not exist.
    #[error("there is no {}: {}", path.display(), how(path))]
    Missing { path: PathBuf },
    /// The name is of a directory.
    #[error("{} is a directory: name a file in it, such as {}", path.display(), path.join("directory.kpd").display())]
    IsDirectory { path: PathBuf },
    /// The system does not let us.
    #[error("no permission to read and write {}: let the user of this process own it, and its directory", path.display())]
    Forbidden { path: PathBuf },
    /// The disk has no room: for opening, too, some is needed.
    #[error("there is no room on the disk of {}: make room first", path.display())]
    Full { path: PathBuf },
    /// The file is something else.
    #[error("{} is no store of kpd: {what}; name another file", path.display())]
    Foreign { path: PathBuf, what: String },
    /// The file is of a later version.
    #[error(
        "{} has format {found}, and this version of kpd knows format {known}: use the version that wrote it",
        path.display()
    )]
    UnknownFormat { path: PathBuf, found: u64, known: u64 },
    /// The file was cut off, or changed by something else.
    #[error(
        "{} is damaged: {why}; keep it aside, copy a backup to this name, and start with --fence",
        path.display()
    )]
    Damaged { path: PathBuf, why: String },
    /// Anything else that the system says.
    #[error("{} cannot be opened: {error}", path.display())]
    Failed {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
}

fn how(path: &Path) -> String {
    match path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.exists()) {
        Some(directory) => format!("make the directory {} first", directory.display()),
        None => "look for the right name".into(),
    }
}

impl OpenError {
    pub(super) fn of(path: &Path, error: impl Into<redb::Error>) -> Self {
        let path = path.to_path_buf();
        match error.into() {
            redb::Error::DatabaseAlreadyOpen => Self::InUse { path },
            redb::Error::UpgradeRequired(version) => {
                let what = format!("it is a redb file of the old version {version}");
                Self::Foreign { path, what }
            }
            redb::Error::Io(error) => Self::of_system(path, error),
            error => Self::Damaged { path, why: error.to_string() },
        }
    }

    fn of_system(path: PathBuf, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing { path },
            io::ErrorKind::IsADirectory => Self::IsDirectory { path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::Forbidden { path },
            io::ErrorKind::InvalidData => Self::Foreign { path, what: error.to_string() },
            io::ErrorKind::UnexpectedEof => Self::Damaged { path, why: "it ends too early".into() },
            kind if is_full(kind) => Self::Full { path },
            _ => Self::Failed { path, error },
        }
    }
}

/// Whether room is all that is missing.
pub(super) fn is_full(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

impl StoreError {
    /// With this reason.
    pub(crate) fn because(why: impl Into<String>) -> Self {
        Self(why.into().into())
    }
}

macro_rules! store_errors {
    ($($error:ty),*) => {
        $(impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                Self(Box::new(error))
            }
        })*
    };
}

store_errors!(redb::Error, StorageError, DatabaseError, redb::TableError, redb::TransactionError, redb::CommitError);
