//! The one thread that writes: it takes whatever waits, commits it at once, and answers all.

use std::{
    sync::{atomic::Ordering, mpsc},
    time::Duration,
};

use redb::{Database, Durability, ReadableTable as _, Table, WriteTransaction};
use tokio::sync::oneshot;

use super::{
    Shared,
    format::{EVENTS, SNAPSHOTS, after},
};
use crate::store::{Appended, StoreError, Stream};

/// Something to write, and who waits for it.
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) answer: oneshot::Sender<Result<Appended, StoreError>>,
}

pub(super) enum Work {
    Append { stream: Stream, version: u64, events: Vec<Vec<u8>> },
    Compact { stream: Stream, version: u64, state: Vec<u8> },
}

/// Until there is nobody any more who could want anything.
pub(super) fn write(shared: &Shared, jobs: &mpsc::Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let batch: Vec<_> = std::iter::once(first).chain(jobs.try_iter().take(BATCH_MAX - 1)).collect();
        let (works, answers): (Vec<_>, Vec<_>) = batch.into_iter().map(|job| (job.work, job.answer)).unzip();
        let written = shared.condition.write(|database| commit(shared, database, &works));
        // Whoever has gone meanwhile gets no answer, and what it wanted is done all the same.
        match written {
            Ok(done) => answers.into_iter().zip(done).for_each(|(answer, done)| drop(answer.send(Ok(done)))),
            Err(error) => {
                let why = error.0.to_string();
                answers.into_iter().for_each(|answer| drop(answer.send(Err(StoreError::because(why.clone())))));
            }
        }
    }
}

/// All in one transaction: the whole of it is on disk, or nothing.
fn commit(shared: &Shared, database: &Database, works: &[Work]) -> Result<Vec<Appended>, redb::Error> {
    let mut transaction = database.begin_write()?;
    let hasty = works.len() >= shared.hasty.load(Ordering::Relaxed);
    if hasty {
        shared.hasty.store(1, Ordering::Relaxed);
    }
    let durability = if hasty { Durability::None } else { Durability::Immediate };
    transaction.set_durability(durability).map_err(|error| redb::Error::Corrupted(error.to_string()))?;
    let done = write_down(&transaction, works)?;
    if done.contains(&Appended::Done) {
        std::thread::sleep(Duration::from_micros(shared.slower.load(Ordering::Relaxed)));
        transaction.commit()?;
    } else {
        transaction.abort()?;
    }
    Ok(done)
}

fn write_down(transaction: &WriteTransaction, works: &[Work]) -> Result<Vec<Appended>, redb::Error> {
    let mut events = transaction.open_table(EVENTS)?;
    let mut snapshots = transaction.open_table(SNAPSHOTS)?;
    let mut done = vec![];
    for work in works {
        done.push(match work {
            Work::Append { stream, version, events: new } => {
                if next(&events, &snapshots, stream)? == *version {
                    for (event, place) in new.iter().zip(*version..) {
                        events.insert((stream.as_str(), place), event.as_slice())?;
                    }
                    Appended::Done
                } else {
                    Appended::Conflict
                }
            }
            Work::Compact { stream, version, state } => {
                let kept = kept(&snapshots, stream)?;
                if kept < *version && *version <= next(&events, &snapshots, stream)? {
                    snapshots.insert(stream.as_str(), (*version, state.as_slice()))?;
                    events.retain_in((stream.as_str(), 0)..(stream.as_str(), *version), |_, _| false)?;
                    Appended::Done
                } else {
                    Appended::Conflict
                }
            }
        });
    }
    Ok(done)
}

/// The version of a history.
fn next(events: &Events<'_>, snapshots: &Snapshots<'_>, stream: &Stream) -> Result<u64, redb::Error> {
    match events.range(after(stream, 0))?.next_back().transpose()? {
        Some((key, _)) => Ok(key.value().1 + 1),
        None => kept(snapshots, stream),
    }
}

/// How many events its snapshot stands for.
fn kept(snapshots: &Snapshots<'_>, stream: &Stream) -> Result<u64, redb::Error> {
    Ok(snapshots.get(stream.as_str())?.map_or(0, |kept| kept.value().0))
}

type Events<'a> = Table<'a, (&'static str, u64), &'static [u8]>;
type Snapshots<'a> = Table<'a, &'static str, (u64, &'static [u8])>;

/// More than ever wait in one server, and little enough to be committed in some milliseconds.
const BATCH_MAX: usize = 1_024;
