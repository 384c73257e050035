//! Backups: a copy of everything at one moment, made while the store is in use.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use kpd_directory::UnixSeconds;
use redb::{Database, ReadTransaction, ReadableDatabase as _, ReadableTable as _};

use super::{
    Durable,
    format::{EVENTS, SNAPSHOTS, begin, beside, name},
};
use crate::store::StoreError;

impl Durable {
    /// Writes all that is stored at this moment into a new file, `PATH.backup-SECONDS`, with the time (Unix seconds) in
    /// its name. It has that name once it is whole and on disk. Nobody waits for it but other backups.
    ///
    /// # Errors
    ///
    /// Where the store or the disk fails; the file is not there then.
    pub async fn back_up(&self, now: fn() -> UnixSeconds) -> Result<PathBuf, StoreError> {
        let _alone = self.0.backing_up.lock().await;
        let path = self.path().to_path_buf();
        let mut target = beside(&path, &format!("backup-{}", now()));
        while target.exists() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            target = beside(&path, &format!("backup-{}", now()));
        }
        let shared = std::sync::Arc::clone(&self.0.shared);
        let copied = tokio::task::spawn_blocking(move || {
            // The moment is that of this transaction; the store goes on meanwhile.
            let moment = shared.condition.look(|database| Ok(database.begin_read()?))?;
            let begun = beside(&path, "backup-begun");
            let copied = copy(&moment, &begun).and_then(|()| Ok(name(&begun, &target)?));
            let _ = fs::remove_file(&begun);
            copied.map(|()| target).map_err(StoreError::from)
        });
        copied.await.map_err(|error| StoreError(Box::new(error)))?
    }
}

fn copy(moment: &ReadTransaction, path: &Path) -> Result<(), redb::Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let database: Database = begin(path)?;
    let transaction = database.begin_write()?;
    {
        let mut events = transaction.open_table(EVENTS)?;
        for event in moment.open_table(EVENTS)?.iter()? {
            let (key, event) = event?;
            events.insert(key.value(), event.value())?;
        }
        let mut snapshots = transaction.open_table(SNAPSHOTS)?;
        for snapshot in moment.open_table(SNAPSHOTS)?.iter()? {
            let (key, snapshot) = snapshot?;
            snapshots.insert(key.value(), snapshot.value())?;
        }
    }
    transaction.commit()?;
    database.close()?;
    Ok(())
}
