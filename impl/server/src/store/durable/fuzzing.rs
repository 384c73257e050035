//! What must hold for any log and any file; for fuzzers, and for the test that replays what they found.

use std::{fs, io, sync::OnceLock};

use kpd_directory::{Event, UserState};
use redb::{Database, ReadableDatabase as _, StorageBackend, backends::InMemoryBackend};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Condition, Stream, format,
    format::{EVENTS, SNAPSHOTS, decode, encode},
    load,
};
use crate::store::StoreError;

/// Between two stored values of an input.
pub(crate) const BETWEEN: [u8; 2] = [0xfe, 0xff];

/// The history that an input is.
const STREAM: &str = "user acct:bob@example.org";

/// Stores an input as a user's history, its parts as the bytes of one event each, and reads it: an error that names the
/// first part that is no event, or the events, of which a state can be made whatever they say.
///
/// # Panics
///
/// Where that does not hold.
pub fn store_log(bytes: &[u8]) {
    events_of_log(bytes);
}

/// How many events the log has; `None` if it cannot be read.
pub(crate) fn events_of_log(bytes: &[u8]) -> Option<usize> {
    let parts = parts(bytes);
    let good = parts.iter().take_while(|part| comes_back::<Event>(part)).count();
    parts.iter().for_each(|part| _ = comes_back::<UserState>(part));
    #[expect(clippy::expect_used, reason = "memory does not fail")]
    let database = with_events(&parts).expect("a database in memory");
    match load::<Event>(&database, &Stream::named(STREAM), 0) {
        Ok(loaded) => {
            assert_eq!(loaded.events.len(), parts.len());
            let state = UserState::of(&loaded.events);
            assert_eq!(decode::<UserState>(&encode(&state).unwrap_or_default()).ok(), Some(state));
            Some(good)
        }
        Err(error) => {
            assert!(good < parts.len(), "{error}");
            assert!(error.0.to_string().starts_with(&format!("{STREAM} at {good}: ")), "{error}");
            None
        }
    }
}

/// Changes bytes of a whole file (each 5 bytes of an input: where, and by what), cuts it where a change says by 0, and
/// opens, reads, writes and closes it: whatever there is, nothing panics outside.
pub fn store_file(bytes: &[u8]) {
    read_damaged(bytes);
}

/// How many histories were read from the damaged file; `None` if it could not be opened.
pub(crate) fn read_damaged(damage: &[u8]) -> Option<usize> {
    let mut file = whole().to_vec();
    for change in damage.chunks_exact(5) {
        let [a, b, c, d, by] = *change else { continue };
        let at = u32::from_be_bytes([a, b, c, d]) as usize % file.len().max(1);
        match (by, file.get_mut(at)) {
            (0, _) => file.truncate(at),
            (_, Some(byte)) => *byte ^= by,
            (_, None) => {}
        }
    }
    let open = move |_: &std::path::Path| {
        let backend = Disk(InMemoryBackend::new());
        backend.set_len(file.len() as u64)?;
        backend.write(0, &file)?;
        Database::builder().create_with_backend(backend)
    };
    let condition = Condition::open("damaged.kpd".as_ref(), Box::new(open)).ok()?;
    let streams = condition.look(|database| Ok(format::streams(&database.begin_read()?, None, 100)?));
    let read = |stream: &Stream| condition.look(|database| load::<Event>(database, stream, 0)).is_ok();
    let count = streams.unwrap_or_default().iter().filter(|stream| read(stream)).count();
    let _ = condition.write(|database| {
        let transaction = database.begin_write()?;
        transaction.open_table(EVENTS)?.insert((STREAM, 0), [0; 1_000].as_slice())?;
        Ok(transaction.commit()?)
    });
    Some(count)
}

/// Memory in the place of a file, with as much room as a small disk has: a damaged file can ask to be grown to terabytes,
/// of which a file system would make holes.
#[derive(Debug)]
struct Disk(InMemoryBackend);

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if len > ROOM { Err(io::ErrorKind::StorageFull.into()) } else { self.0.set_len(len) }
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }
}

const ROOM: u64 = 16 << 20;

/// Whether it can be read; what can be read is read again as the same from how it would be written.
fn comes_back<T: Serialize + DeserializeOwned + PartialEq>(bytes: &[u8]) -> bool {
    let Ok(value) = decode::<T>(bytes) else { return false };
    let again = encode(&value).and_then(|bytes| decode::<T>(&bytes));
    assert!(again.is_ok_and(|again| again == value), "it does not come back as it was");
    true
}

fn parts(bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = vec![];
    let mut rest = bytes;
    while let Some(at) = rest.windows(BETWEEN.len()).position(|window| window == BETWEEN) {
        parts.push(&rest[..at]);
        rest = &rest[at + BETWEEN.len()..];
    }
    parts.push(rest);
    parts
}

fn with_events(parts: &[&[u8]]) -> Result<Database, StoreError> {
    let database = Database::builder().create_with_backend(InMemoryBackend::new())?;
    let transaction = database.begin_write()?;
    transaction.open_table(SNAPSHOTS)?;
    for (place, part) in (0..).zip(parts) {
        transaction.open_table(EVENTS)?.insert((STREAM, place), *part)?;
    }
    transaction.commit()?;
    Ok(database)
}

/// The bytes of a file with some histories.
fn whole() -> &'static [u8] {
    static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
    #[expect(clippy::expect_used, reason = "without a file there is nothing to be damaged")]
    let make = || make_whole().expect("a file");
    WHOLE.get_or_init(make)
}

fn make_whole() -> Result<Vec<u8>, redb::Error> {
    let path = std::env::temp_dir().join(format!("kpd-damaged-{}.kpd", std::process::id()));
    let _ = fs::remove_file(&path);
    let database = format::begin(&path)?;
    let transaction = database.begin_write()?;
    let event = encode(&Event::Fenced { at: 1, from: 1 << 40 }).unwrap_or_default();
    for user in 0..HISTORIES {
        for place in 0..20_u64 {
            let name = format!("user acct:{user}@example.org");
            transaction.open_table(EVENTS)?.insert((name.as_str(), place), event.as_slice())?;
        }
    }
    transaction.commit()?;
    drop(database);
    let bytes = fs::read(&path)?;
    fs::remove_file(&path)?;
    Ok(bytes)
}

/// In the file that is damaged.
pub(crate) const HISTORIES: usize = 20;
