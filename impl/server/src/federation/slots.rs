//! How many lookups may be under way: in all, at one host, and at one host in a minute.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kpd_directory::ServerName;
use tokio::time::Instant;

use super::Bounds;

/// Gives out permission to look something up. Nobody waits for it: who gets none may come again.
#[derive(Clone, Debug)]
pub(super) struct Slots(Arc<Mutex<Taken>>);

#[derive(Debug)]
struct Taken {
    under_way: usize,
    hosts: HashMap<ServerName, Host>,
    bounds: Bounds,
}

#[derive(Debug)]
struct Host {
    under_way: usize,
    /// When the minute began in which lookups are counted, and how many have begun in it.
    minute: Instant,
    begun: usize,
}

/// Permission for one lookup, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Slots,
    host: ServerName,
}

impl Slots {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Mutex::new(Taken { under_way: 0, hosts: HashMap::new(), bounds })))
    }

    /// Takes a slot, if there is one.
    pub(super) fn take(&self, host: &ServerName, now: Instant) -> Option<Slot> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bounds = taken.bounds;
        if taken.under_way >= bounds.lookups_max {
            return None;
        }
        if taken.hosts.len() >= HOSTS_MAX && !taken.hosts.contains_key(host) {
            taken.hosts.retain(|_, host| host.under_way > 0 || now.duration_since(host.minute) < MINUTE);
            if taken.hosts.len() >= HOSTS_MAX {
                return None;
            }
        }
        let entry = taken.hosts.entry(host.clone()).or_insert(Host { under_way: 0, minute: now, begun: 0 });
        if now.duration_since(entry.minute) >= MINUTE {
            (entry.minute, entry.begun) = (now, 0);
        }
        let full = entry.begun >= bounds.lookups_per_host_and_minute_max;
        if full || entry.under_way >= bounds.lookups_per_host_max {
            return None;
        }
        entry.under_way += 1;
        entry.begun += 1;
        taken.under_way += 1;
        Some(Slot { slots: self.clone(), host: host.clone() })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.under_way -= 1;
        if let Some(host) = taken.hosts.get_mut(&self.host) {
            host.under_way -= 1;
        }
    }
}

const MINUTE: Duration = Duration::from_secs(60);

/// Hosts whose lookups of the last minute are counted.
const HOSTS_MAX: usize = 20_000;
