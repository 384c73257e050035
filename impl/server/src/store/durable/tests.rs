//! What only a file can do wrong: it is in use, it is something else, it is torn, it has no room.

use std::{
    fs, io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use kpd_directory::{
    Capabilities, CipherSuite, ClientName, Event, KeyPackageRef, SignatureKey, SignatureScheme, UserId,
    key_package::{Facts, Role},
};
use redb::{Database, StorageBackend, TableDefinition, backends::FileBackend};
use sha2::{Digest as _, Sha256};

use super::{Durable, OpenError, Opening, format};
use crate::store::{
    Appended, Store, Stream,
    contract::{Note, durable, notes, stream},
};

const OPENING: Opening = Opening { create: true, keep_history: false };

fn error(path: &Path, opening: Opening) -> (OpenError, String) {
    let error = Durable::open(path, opening).expect_err("an error");
    let says = error.to_string();
    assert!(says.contains(&path.display().to_string()), "{says}");
    (error, says)
}

async fn all(store: &Durable, number: u8) -> Vec<u64> {
    Store::<Note>::load(store, &stream(number), 0).await.unwrap().events.into_iter().map(|note| note.0).collect()
}

#[test]
fn a_second_process_is_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let first = durable(directory.path());
    let (OpenError::InUse { .. }, says) = error(first.path(), OPENING) else { panic!("in use") };
    assert!(says.contains("stop that one first"), "{says}");
    let path = first.path().to_path_buf();
    drop(first);
    Durable::open(&path, OPENING).unwrap();
}

#[test]
fn what_is_not_there_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let (OpenError::Missing { .. }, says) = error(&directory.path().join("no/store.kpd"), OPENING) else { panic!() };
    assert!(says.contains("make the directory"), "{says}");
    let none = Opening { create: false, ..OPENING };
    let (OpenError::Missing { .. }, _) = error(&directory.path().join("store.kpd"), none) else { panic!() };
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "nothing is left behind");
    let (OpenError::IsDirectory { .. }, _) = error(directory.path(), OPENING) else { panic!() };
}

#[test]
fn what_is_something_else_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("notes.txt");
    fs::write(&text, "not a store\n".repeat(1_000)).unwrap();
    let (OpenError::Foreign { .. }, _) = error(&text, OPENING) else { panic!() };
    assert_eq!(fs::read_to_string(&text).unwrap(), "not a store\n".repeat(1_000));
    let (empty, other) = (directory.path().join("empty"), directory.path().join("other"));
    fs::write(&empty, "").unwrap();
    let (OpenError::Foreign { .. }, _) = error(&empty, OPENING) else { panic!() };
    let database = Database::create(&other).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(TableDefinition::<&str, u64>::new("prices")).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let (OpenError::Foreign { .. }, says) = error(&other, OPENING) else { panic!() };
    assert!(says.contains("prices"), "{says}");
}

#[test]
fn a_format_that_is_not_known_is_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.kpd");
    let database = format::begin(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    let formats = TableDefinition::<&str, u64>::new("format");
    transaction.open_table(formats).unwrap().insert("kpd directory", format::FORMAT + 1).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let (OpenError::UnknownFormat { found: 2, known: 1, .. }, _) = error(&path, OPENING) else { panic!() };
}

#[tokio::test]
async fn an_encoding_that_is_not_known_is_an_error_that_names_the_event() {
    let directory = tempfile::tempdir().unwrap();
    let store = durable(directory.path());
    store.append(&stream(1), 0, notes([1])).await.unwrap();
    let path = store.path().to_path_buf();
    drop(store);
    let database = format::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(format::EVENTS).unwrap().insert((stream(1).as_str(), 0), &[9, 1, 0][..]).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let store = durable(directory.path());
    let error = Store::<Note>::load(&store, &stream(1), 0).await.unwrap_err().to_string();
    assert!(error.contains(stream(1).as_str()) && error.contains("encoding 9"), "{error}");
}

/// Wherever a file is cut off or changed, that is an error or goes unnoticed for being unused; it is never a panic, and
/// never another history.
#[tokio::test]
async fn a_torn_or_spoilt_file_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let store = durable(directory.path());
    for number in 1..20 {
        store.append(&stream(number), 0, vec![Note(number.into(), vec![number; 2_000])]).await.unwrap();
    }
    let path = store.path().to_path_buf();
    drop(store);
    let whole = fs::read(&path).unwrap();
    let spoilt = directory.path().join("spoilt.kpd");
    let mut refused = 0;
    let torn = (0..16).map(|sixteenth| whole[..whole.len() * sixteenth / 16].to_vec());
    let changed = (0..48).map(|place| {
        let mut bytes = whole.clone();
        let at = if place < 16 { place * 20 } else { bytes.len() * (place - 15) / 40 };
        bytes[at..at + 8].iter_mut().for_each(|byte| *byte ^= 0x55);
        bytes
    });
    for bytes in torn.chain(changed) {
        fs::write(&spoilt, &bytes).unwrap();
        match Durable::open(&spoilt, OPENING) {
            Err(error) => {
                refused += 1;
                assert!(!matches!(error, OpenError::InUse { .. }), "{error}");
            }
            Ok(store) => {
                for number in 1..20 {
                    if let Ok(loaded) = Store::<Note>::load(&store, &stream(number), 0).await {
                        let told = loaded.events.first().map(|note| note.0);
                        assert!(told.is_none_or(|told| told == u64::from(number)), "{number} is told as {told:?}");
                    }
                }
            }
        }
    }
    assert!(refused >= 16, "only {refused} were refused");
}

/// A disk on which so many bytes can still be written.
#[derive(Debug)]
struct Small(FileBackend, Arc<AtomicI64>);

impl StorageBackend for Small {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let length = i64::try_from(data.len()).unwrap();
        match self.1.fetch_sub(length, Ordering::SeqCst) {
            left if left < length && left > BROKEN => Err(io::ErrorKind::StorageFull.into()),
            left if left < length => Err(io::Error::other("the disk is broken")),
            _ => self.0.write(offset, data),
        }
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }
}

const BROKEN: i64 = i64::MIN / 2;

fn on_small_disk(path: &Path) -> (Durable, Arc<AtomicI64>) {
    let room = Arc::new(AtomicI64::new(i64::MAX / 2));
    let left = Arc::clone(&room);
    let open = move |path: &Path| {
        let file = fs::OpenOptions::new().read(true).write(true).open(path).map_err(redb::StorageError::from)?;
        Database::builder().create_with_backend(Small(FileBackend::new(file)?, Arc::clone(&left)))
    };
    (Durable::open_by(path, OPENING, Box::new(open)).unwrap(), room)
}

/// `CLAIM-DURABLE`: what is acknowledged is there, whatever happened in between, and goes on where it was.
#[tokio::test]
async fn a_full_disk_refuses_and_loses_nothing_and_goes_on_when_there_is_room() {
    let directory = tempfile::tempdir().unwrap();
    let (store, room) = on_small_disk(&directory.path().join("store.kpd"));
    let mut acknowledged = vec![];
    let mut refused = 0;
    for round in 0..6 {
        room.store(20_000 + 7_000 * round, Ordering::SeqCst);
        for _ in 0..400 {
            let next = acknowledged.len() as u64;
            // After a failure it is unknown whether the event is there: the store tells.
            match store.append(&stream(1), acknowledged.len(), vec![Note(next, vec![0; 500])]).await {
                Ok(Appended::Done) => acknowledged.push(next),
                Ok(Appended::Conflict) => panic!("nobody else appends"),
                Err(error) => {
                    assert!(error.to_string().contains("no room"), "{error}");
                    refused += 1;
                    break;
                }
            }
        }
        assert!(store.append(&stream(2), 0, notes([1])).await.is_err(), "round {round}: it is still full");
        room.store(i64::MAX / 2, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let there = all(&store, 1).await;
        assert!(there.starts_with(&acknowledged), "{there:?} without {acknowledged:?}");
        assert!(there.len() <= acknowledged.len() + 1);
        acknowledged = there;
        assert!(all(&store, 2).await.is_empty());
    }
    assert_eq!(refused, 6);
    assert!(acknowledged.len() > 6, "it went on in between: {}", acknowledged.len());
}

/// After any other failure nothing that the system says of the file can be trusted, so nothing is.
#[tokio::test]
async fn a_broken_disk_shuts_the_store_until_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let (store, room) = on_small_disk(&directory.path().join("store.kpd"));
    store.append(&stream(1), 0, notes([1])).await.unwrap();
    room.store(i64::MIN / 2 - (1 << 40), Ordering::SeqCst);
    let error = store.append(&stream(1), 1, notes([2])).await.unwrap_err().to_string();
    assert!(error.contains("start the server again"), "{error}");
    room.store(i64::MAX / 2, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert!(Store::<Note>::load(&store, &stream(1), 0).await.is_err());
    drop(store);
    assert_eq!(all(&durable(directory.path()), 1).await[..1], [1]);
}

#[tokio::test]
async fn a_backup_is_of_one_moment_and_opens_like_the_store() {
    let directory = tempfile::tempdir().unwrap();
    let store = durable(directory.path());
    store.append(&stream(1), 0, notes([1, 2])).await.unwrap();
    store.append(&stream(2), 0, notes([3])).await.unwrap();
    let first = store.back_up(|| 1_700_000_000).await.unwrap();
    assert!(first.to_string_lossy().ends_with("store.kpd.backup-1700000000"), "{}", first.display());
    store.append(&stream(2), 1, notes([4])).await.unwrap();
    let backup = Durable::open(&first, Opening { create: false, ..OPENING }).unwrap();
    assert_eq!((all(&backup, 1).await, all(&backup, 2).await), (vec![1, 2], vec![3]));
    assert_eq!(all(&store, 2).await, [3, 4]);
    let names = fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().file_name());
    assert_eq!(names.count(), 2, "the store, and the backup");
}

#[tokio::test]
async fn what_was_dropped_makes_room() {
    let directory = tempfile::tempdir().unwrap();
    let store = durable(directory.path());
    let size = || fs::metadata(store.path()).unwrap().len();
    let mut version = 0;
    let mut sizes = vec![];
    for _ in 0..6 {
        for _ in 0..20 {
            let events: Vec<_> = (0..10).map(|number| Note(number, vec![7; 5_000])).collect();
            store.append(&stream(1), version, events).await.unwrap();
            version += 10;
        }
        Store::<Note>::compact(&store, &stream(1), version, &Default::default()).await.unwrap();
        sizes.push(size());
    }
    assert_eq!(sizes[2], sizes[5], "room is used again: {sizes:?}");
    store.shrink().unwrap();
    assert!(size() < sizes[5] / 2, "{} of {}", size(), sizes[5]);
}

/// What was stored is there after a start, however it ended; of how many users, `STORED_USERS` says. How long a start takes
/// with a million KeyPackages: `STORED_USERS=100 cargo test --release -p kpd-server --lib many -- --nocapture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_key_packages_are_there_after_a_start() {
    let each = std::env::var("STORED_USERS").map_or(2, |number| number.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let store = durable(directory.path());
    let path = store.path().to_path_buf();
    let made = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..100 {
        let store = store.clone();
        tasks.spawn(async move {
            for user in 0..each {
                let user = UserId::parse(&format!("acct:user-{task}-{user}@example.org")).unwrap();
                let published = published(&user);
                let appended = store.append(&Stream::of_user(&user), 0, vec![published]).await.unwrap();
                assert_eq!(appended, Appended::Done);
            }
        });
    }
    tasks.join_all().await;
    eprintln!("made in {:?}, {} MB", made.elapsed(), fs::metadata(&path).unwrap().len() >> 20);
    // As after a kill: a copy of the file while it is open.
    let killed = directory.path().join("killed.kpd");
    fs::copy(&path, &killed).unwrap();
    drop(store);
    for (what, path) in [("closed", path), ("killed", killed)] {
        let begun = Instant::now();
        let store = Durable::open(&path, OPENING).unwrap();
        let opened = begun.elapsed();
        let user = Stream::of_user(&UserId::parse("acct:user-57-1@example.org").unwrap());
        let loaded = Store::<Event>::load(&store, &user, 0).await.unwrap();
        assert_eq!(loaded.events.len(), 1);
        eprintln!("{what}: opened in {opened:?}, a first user in {:?}", begun.elapsed() - opened);
    }
}

/// A hundred KeyPackages, each with 300 bytes that are no others'.
fn published(user: &UserId) -> Event {
    let signer = SignatureKey::new(SignatureScheme::Ed25519, &[7; 32]).unwrap();
    let facts = |number: u8| {
        let digest: [u8; 32] = Sha256::digest(format!("{user} {number}")).into();
        Facts {
            reference: KeyPackageRef::parse(&data_encoding::BASE64URL_NOPAD.encode(&digest)).unwrap(),
            init_key_digest: digest,
            suite: CipherSuite(1),
            role: Role::Regular,
            capabilities: Capabilities::default(),
            signer: signer.clone(),
            not_before: 0,
            not_after: u64::MAX,
            bytes: digest.iter().copied().cycle().take(300).collect(),
        }
    };
    let client = ClientName::parse("phone").unwrap();
    Event::Published { at: 0, client, key_packages: (0..100).map(facts).collect() }
}

#[tokio::test]
async fn with_all_history_kept_nothing_is_dropped() {
    let directory = tempfile::tempdir().unwrap();
    let store = Durable::open(&directory.path().join("store.kpd"), Opening { keep_history: true, ..OPENING }).unwrap();
    store.append(&stream(1), 0, notes([1, 2])).await.unwrap();
    Store::<Note>::compact(&store, &stream(1), 2, &Default::default()).await.unwrap();
    assert_eq!(all(&store, 1).await, [1, 2]);
    assert_eq!(Store::<Note>::compacts_after(&store), None);
}
