//! What was found lately, good and bad, in bounds.

use std::{collections::HashMap, sync::Arc, time::Duration};

use kpd_directory::UserId;
use tokio::time::Instant;

use super::{Bounds, ForeignKeys, ResolveError};

/// What a lookup came to.
pub(super) type Found = Result<Arc<ForeignKeys>, ResolveError>;

/// What was found, by user. What is not fresh answers nothing: it only spares the transfer of a list that is the same.
#[derive(Debug)]
pub(super) struct Cache {
    entries: HashMap<UserId, Entry>,
    bytes: usize,
    entries_max: usize,
    bytes_max: usize,
}

/// What was found at one time.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) found: Found,
    pub(super) at: Instant,
    pub(super) fresh_for: Duration,
    /// Where the list was, and the tag that it had there.
    pub(super) tag: Option<(String, String)>,
}

impl Entry {
    fn is_fresh(&self, now: Instant) -> bool {
        now.duration_since(self.at) < self.fresh_for
    }

    /// About: what a list costs in memory is a small multiple of this.
    fn bytes(&self, user: &UserId) -> usize {
        let keys = self.found.as_ref().map_or(0, |keys| keys.bytes());
        let tag = self.tag.as_ref().map_or(0, |(url, tag)| url.len() + tag.len());
        size_of::<Self>() + 2 * user.as_str().len() + keys + tag
    }
}

impl Cache {
    pub(super) fn new(bounds: &Bounds) -> Self {
        let (entries_max, bytes_max) = (bounds.cached_max, bounds.cached_bytes_max);
        Self { entries: HashMap::new(), bytes: 0, entries_max, bytes_max }
    }

    /// What was found for this user, while that is fresh.
    pub(super) fn fresh(&self, user: &UserId, now: Instant) -> Option<&Entry> {
        self.entries.get(user).filter(|entry| entry.is_fresh(now))
    }

    /// The list that was found at last, however long ago, where it had a tag.
    pub(super) fn tagged(&self, user: &UserId) -> Option<(Arc<ForeignKeys>, String, String)> {
        let entry = self.entries.get(user)?;
        let (url, tag) = entry.tag.clone()?;
        Some((Arc::clone(entry.found.as_ref().ok()?), url, tag))
    }

    /// Remembers what was found. A failure does not take the place of a list that is still fresh: nobody could be locked
    /// out by asking in a bad moment.
    pub(super) fn put(&mut self, user: &UserId, entry: Entry) {
        let now = entry.at;
        if entry.found.is_err() && self.fresh(user, now).is_some_and(|known| known.found.is_ok()) {
            return;
        }
        self.forget(user);
        let bytes = entry.bytes(user);
        if bytes > self.bytes_max || self.entries_max == 0 {
            return;
        }
        if self.entries.len() + 1 > self.entries_max || self.bytes + bytes > self.bytes_max {
            self.make_room(bytes, now);
        }
        self.bytes += bytes;
        self.entries.insert(user.clone(), entry);
    }

    fn forget(&mut self, user: &UserId) {
        if let Some(entry) = self.entries.remove(user) {
            self.bytes -= entry.bytes(user);
        }
    }

    /// What is not fresh goes, and then the oldest, until a quarter is free and this fits.
    fn make_room(&mut self, bytes: usize, now: Instant) {
        let mut order: Vec<_> =
            self.entries.iter().map(|(user, entry)| (entry.is_fresh(now), entry.at, user.clone())).collect();
        order.sort_by_key(|(fresh, at, _)| (*fresh, *at));
        let (entries, room) = (self.entries_max / 4 * 3, self.bytes_max.saturating_sub(bytes));
        for (fresh, _, user) in order {
            let fits = self.entries.len() <= entries.min(self.entries_max.saturating_sub(1))
                && self.bytes <= room.min(self.bytes_max / 4 * 3);
            if fresh && fits {
                break;
            }
            self.forget(&user);
        }
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, usize) {
        (self.entries.len(), self.bytes)
    }
}
