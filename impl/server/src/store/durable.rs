//! Histories in one file, on disk before an append is answered.
//!
//! All kinds of histories share the file, and one thread writes: it takes whatever waits, commits it at once, and answers
//! all. So a commit costs the same for one claim as for hundreds, and nobody is answered before the disk has it.
//!
//! A commit that fails leaves open whether it took place. Nothing is answered then but that the store failed; the file is
//! closed and opened again, and what it holds is the truth: views read on from there. Where the disk was full that goes on
//! by itself once there is room. After any other failure the system may believe in pages that never reached the disk, so
//! the store stays shut until the process is started again.

mod backup;
mod condition;
mod error;
mod format;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
#[cfg(test)]
mod pinned;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

use redb::{Database, ReadableDatabase as _};
use tokio::sync::oneshot;

use crate::store::{Answer, Appended, Loaded, Recorded, Store, StoreError, Stream, Version, memory::COMPACTS_AFTER};
use condition::Condition;
use format::{EVENTS, SNAPSHOTS, after, decode, encode};
use writer::{Job, Work};

pub use error::OpenError;

/// A file of histories. Copies of it are the same file, which is closed with the last of them.
#[derive(Clone)]
pub struct Durable(Arc<Handle>);

/// How a file is to be opened.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// Makes the file if there is none.
    pub create: bool,
    /// Keeps all events for ever, so that the whole history can be audited.
    pub keep_history: bool,
}

struct Handle {
    shared: Arc<Shared>,
    /// Gone once it is closed.
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    opening: Opening,
    /// One backup at a time.
    backing_up: tokio::sync::Mutex<()>,
}

/// What the writer's thread needs, too.
struct Shared {
    path: PathBuf,
    condition: Condition,
    /// Once so many wait together, everybody is answered before the disk has anything: for mutants that do so.
    hasty: AtomicUsize,
    /// How much longer each commit takes than the disk makes it; microseconds.
    slower: AtomicU64,
}

impl Durable {
    /// Opens a file, or makes it. Nobody else can open it until it is closed.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(path: &Path, opening: Opening) -> Result<Self, OpenError> {
        Self::open_by(path, opening, Box::new(format::open))
    }

    /// The same, for tests with disks that fail.
    fn open_by(path: &Path, opening: Opening, open: Opener) -> Result<Self, OpenError> {
        if opening.create {
            format::make(path)?;
        }
        let condition = Condition::open(path, open)?;
        let hasty = AtomicUsize::new(usize::MAX);
        let shared = Arc::new(Shared { path: path.into(), condition, hasty, slower: AtomicU64::new(0) });
        let (queue, jobs) = mpsc::channel();
        let writing = Arc::clone(&shared);
        let writer = std::thread::Builder::new().name("store".into()).spawn(move || writer::write(&writing, &jobs));
        let writer = writer.map_err(|error| OpenError::Failed { path: path.into(), error })?;
        let (queue, writer) = (Mutex::new(Some(queue)), Mutex::new(Some(writer)));
        Ok(Self(Arc::new(Handle { shared, queue, writer, opening, backing_up: tokio::sync::Mutex::default() })))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.shared.path
    }

    /// Answers before the disk has anything, once so many have waited for it together: a lie, for the mutants that tell it.
    pub(crate) fn be_hasty(&self, together: usize) {
        self.0.shared.hasty.store(together, Ordering::Relaxed);
    }

    /// Makes each commit take so much longer from now on, as on a disk that syncs slowly: for benchmarks.
    pub fn slow_down(&self, by: Duration) {
        let by = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.0.shared.slower.store(by, Ordering::Relaxed);
    }

    /// Makes the file as small as it can be. Takes as long as copying it.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub fn shrink(&self) -> Result<(), StoreError> {
        self.0.shared.condition.exclusively(|database| while_shrinking(database).map_err(redb::Error::from))
    }

    /// Hands work to the writer, and waits until it is on disk.
    async fn write(&self, work: Result<Work, StoreError>) -> Result<Appended, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job = Job { work: work?, answer };
        let sent = {
            let queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.as_ref().is_some_and(|queue| queue.send(job).is_ok())
        };
        if !sent {
            return Err(StoreError::because("its writer has stopped"));
        }
        answered.await.unwrap_or_else(|_| Err(StoreError::because("its writer has stopped")))
    }

    fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Database) -> Result<T, StoreError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + 'static {
        let shared = Arc::clone(&self.0.shared);
        async move { shared.condition.look(look) }
    }
}

/// How the database is opened.
type Opener = Box<dyn Fn(&Path) -> Result<Database, redb::DatabaseError> + Send + Sync>;

fn while_shrinking(database: &mut Database) -> Result<(), redb::CompactionError> {
    while database.compact()? {}
    Ok(())
}

impl<E: Recorded> Store<E> for Durable {
    fn load<'a>(&'a self, stream: &'a Stream, since: Version) -> Answer<'a, Loaded<E>> {
        let name = stream.clone();
        let read = self.look(move |database| load(database, &name, since));
        // A view that reads on finds little, and that in memory; a whole history may have to come from the disk.
        if since > 0 {
            return Box::pin(read);
        }
        let name = stream.clone();
        let shared = Arc::clone(&self.0.shared);
        Box::pin(async move {
            let whole = move || shared.condition.look(|database| load(database, &name, since));
            tokio::task::spawn_blocking(whole).await.map_err(|error| StoreError(Box::new(error)))?
        })
    }

    fn append<'a>(&'a self, stream: &'a Stream, version: Version, events: Vec<E>) -> Answer<'a, Appended> {
        let events = events.iter().map(encode).collect::<Result<_, _>>();
        let work = events.map(|events| Work::Append { stream: stream.clone(), version: version as u64, events });
        Box::pin(self.write(work))
    }

    fn compact<'a>(&'a self, stream: &'a Stream, version: Version, state: &'a E::State) -> Answer<'a, ()> {
        let version = version as u64;
        let work = encode(state).map(|state| Work::Compact { stream: stream.clone(), version, state });
        Box::pin(async move {
            if !self.0.opening.keep_history {
                self.write(work).await?;
            }
            Ok(())
        })
    }

    fn compacts_after(&self) -> Option<Version> {
        (!self.0.opening.keep_history).then_some(COMPACTS_AFTER)
    }

    fn streams<'a>(&'a self, after: Option<&'a Stream>, max: usize) -> Answer<'a, Vec<Stream>> {
        let after = after.cloned();
        Box::pin(self.look(move |database| Ok(format::streams(&database.begin_read()?, after.as_ref(), max)?)))
    }
}

fn load<E: Recorded>(database: &Database, stream: &Stream, since: Version) -> Result<Loaded<E>, StoreError> {
    let transaction = database.begin_read()?;
    let since = since as u64;
    let spoilt =
        |version: u64, error: StoreError| StoreError::because(format!("{} at {version}: {}", stream.as_str(), error.0));
    let snapshots = transaction.open_table(SNAPSHOTS)?;
    let kept = snapshots.get(stream.as_str())?;
    let kept = kept.as_ref().map(redb::AccessGuard::value).filter(|(version, _)| since < *version);
    let snapshot = match kept {
        Some((version, state)) => Some((version, decode(state).map_err(|error| spoilt(version, error))?)),
        None => None,
    };
    let from = snapshot.as_ref().map_or(since, |(version, _)| *version);
    let mut events = vec![];
    for event in transaction.open_table(EVENTS)?.range(after(stream, from))? {
        let (key, event) = event?;
        let (_, version) = key.value();
        if version != from + events.len() as u64 {
            return Err(StoreError::because(format!(
                "{}: event {} is missing",
                stream.as_str(),
                from + events.len() as u64
            )));
        }
        events.push(decode(event.value()).map_err(|error| spoilt(version, error))?);
    }
    let snapshot = snapshot.map(|(version, state)| (usize::try_from(version).unwrap_or(usize::MAX), state));
    Ok(Loaded { snapshot, events })
}

/// Closes the file: whatever waits is written first.
impl Drop for Handle {
    fn drop(&mut self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(writer) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A writer that panicked has told so already.
            let _ = writer.join();
        }
    }
}

impl fmt::Debug for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Durable({})", self.path().display())
    }
}
