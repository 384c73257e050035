//! What stands in the file, and how it may change.
//!
//! The file is a redb database with three tables: `format`, `events` (by history and place) and `snapshots` (by history:
//! for how many events it stands, and the state). Each event and each state is a byte that names its encoding, and then
//! what postcard makes of the core's own types. That encoding has no names in it: the place of a variant and the order of
//! fields are all.
//!
//! To change what is stored:
//!
//! - A new kind of event is a new variant at the end of its enum. Nothing else need be done, and older files can be read.
//! - Any other change of an event, and every change of a state, needs a new encoding: count [`ENCODING`] up, keep the old
//!   shape as a type beside the new one with a `From` between them, and let [`decode`] choose by the first byte. Old values
//!   stay as they are and are read through the old shape.
//! - Another layout of tables is another [`FORMAT`]; a file of a format that is not known is not touched.
//!
//! A test holds the bytes of each kind of event, so that none changes unnoticed.

use std::{fs, io, ops::RangeInclusive, path::Path};

use redb::{Database, DatabaseError, ReadTransaction, TableDefinition, TableError, TableHandle as _};
use serde::{Serialize, de::DeserializeOwned};

use super::OpenError;
use crate::store::{StoreError, Stream};

/// The layout of the tables.
pub(super) const FORMAT: u64 = 1;

/// How events and states are written.
pub(super) const ENCODING: u8 = 1;

/// Under one name only: which format the file has.
const FORMATS: TableDefinition<'_, &str, u64> = TableDefinition::new("format");

/// By history and place from 0.
pub(super) const EVENTS: TableDefinition<'_, (&str, u64), &[u8]> = TableDefinition::new("events");

/// By history: how many events the state stands for, and the state.
pub(super) const SNAPSHOTS: TableDefinition<'_, &str, (u64, &[u8])> = TableDefinition::new("snapshots");

const NAME: &str = "kpd directory";

/// Little against the memory of a server, and enough for the histories that are in use.
const CACHE_BYTES: usize = 128 << 20;

/// What is written is made in memory, so it never fails but for a type that postcard cannot write.
pub(super) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    postcard::to_extend(value, vec![ENCODING]).map_err(|error| StoreError(Box::new(error)))
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    match bytes.split_first() {
        Some((&ENCODING, rest)) => match postcard::take_from_bytes(rest) {
            Ok((value, [])) => Ok(value),
            Ok((_, more)) => Err(StoreError::because(format!("{} bytes follow it", more.len()))),
            Err(error) => Err(StoreError(Box::new(error))),
        },
        Some((other, _)) => Err(StoreError::because(format!(
            "it is written in encoding {other}, and this version of kpd reads encoding {ENCODING}: use the version that wrote it"
        ))),
        None => Err(StoreError::because("it is empty")),
    }
}

/// The keys of a history from a place on.
pub(super) fn after(stream: &Stream, since: u64) -> RangeInclusive<(&str, u64)> {
    (stream.as_str(), since)..=(stream.as_str(), u64::MAX)
}

/// The first histories after this one, by name.
pub(super) fn streams(
    transaction: &ReadTransaction,
    after: Option<&Stream>,
    max: usize,
) -> Result<Vec<Stream>, redb::Error> {
    let (events, snapshots) = (transaction.open_table(EVENTS)?, transaction.open_table(SNAPSHOTS)?);
    let mut found: Vec<Stream> = vec![];
    while found.len() < max {
        let last = found.last().or(after).map_or("", Stream::as_str);
        // No name is a beginning of this one followed by less than U+0001.
        let beyond = if last.is_empty() { String::new() } else { format!("{last}\0") };
        let event = events.range((beyond.as_str(), 0)..)?.next().transpose()?;
        let snapshot = snapshots.range(beyond.as_str()..)?.next().transpose()?;
        let event = event.map(|(key, _)| key.value().0.to_string());
        let snapshot = snapshot.map(|(key, _)| key.value().to_string());
        match event.into_iter().chain(snapshot).min() {
            Some(name) => found.push(Stream::named(&name)),
            None => break,
        }
    }
    Ok(found)
}

pub(super) fn open(path: &Path) -> Result<Database, DatabaseError> {
    Database::builder().set_cache_size(CACHE_BYTES).open(path)
}

/// Makes a new file, if there is none. It has its name only once it is whole, so that whoever is interrupted here leaves
/// nothing that could not be opened.
pub(super) fn make(path: &Path) -> Result<(), OpenError> {
    if path.exists() {
        return Ok(());
    }
    let begun = beside(path, &format!("new-{}", std::process::id()));
    let made = begin(&begun).and_then(|database| {
        database.close()?;
        Ok(name(&begun, path)?)
    });
    // Its second name, or what a failure has left of it.
    let _ = fs::remove_file(&begun);
    match made {
        Err(redb::Error::Io(error)) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map_err(|error| OpenError::of(path, error)),
    }
}

/// A new database with empty tables.
pub(super) fn begin(path: &Path) -> Result<Database, redb::Error> {
    let database = Database::builder().set_cache_size(CACHE_BYTES).create(path)?;
    let transaction = database.begin_write()?;
    transaction.open_table(FORMATS)?.insert(NAME, FORMAT)?;
    transaction.open_table(EVENTS)?;
    transaction.open_table(SNAPSHOTS)?;
    transaction.commit()?;
    Ok(database)
}

/// Gives a file its name, unless that is taken, and has the disk know it.
pub(super) fn name(file: &Path, name: &Path) -> io::Result<()> {
    fs::hard_link(file, name)?;
    let directory = name.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(directory)?.sync_all()
}

/// `PATH.WHAT`.
pub(super) fn beside(path: &Path, what: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{what}"));
    name.into()
}

/// Whether the file is of a format that is known here.
pub(super) fn check(path: &Path, transaction: &ReadTransaction) -> Result<(), OpenError> {
    let path = || path.to_path_buf();
    let found = match transaction.open_table(FORMATS) {
        Ok(formats) => formats.get(NAME).map_err(|error| OpenError::of(&path(), error))?.map(|found| found.value()),
        Err(TableError::TableDoesNotExist(_) | TableError::TableTypeMismatch { .. }) => None,
        Err(error) => return Err(OpenError::of(&path(), error)),
    };
    match found {
        Some(FORMAT) => Ok(()),
        Some(found) => Err(OpenError::UnknownFormat { path: path(), found, known: FORMAT }),
        None => {
            let tables = transaction.list_tables().map_err(|error| OpenError::of(&path(), error))?;
            let tables: Vec<_> = tables.map(|table| table.name().to_string()).collect();
            let what = format!("it is a database of something else, with the tables {tables:?}");
            Err(OpenError::Foreign { path: path(), what })
        }
    }
}
