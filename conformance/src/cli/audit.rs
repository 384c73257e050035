//! `kpd audit`: judges what a stopped server has stored, by the rules of the model.
//!
//! Each user's events are told to the model one by one: whatever the directory recorded, the model could have done. How
//! many claims a limit allowed is not in the store, and so limits are not judged.

mod names;
mod retold;

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use clap::Args;
use kpd_directory::{Event, SignatureKeyId, UserId, event::Granted, keys::KeyReserved};
use kpd_server::{
    config::StoreSetting,
    store::{Durable, Loaded, Stores, Stream, durable::Opening},
};

use crate::{
    cli::{CliError, out::say},
    verdict::Exit,
};
use retold::Retold;

/// What to judge.
#[derive(Debug, Args)]
pub(super) struct AuditArguments {
    /// The store, as `file:PATH`; no server may be using it.
    #[arg(value_name = "file:PATH", value_parser = StoreSetting::from_str)]
    store: StoreSetting,
}

/// What was found.
#[derive(Debug, Default)]
struct Audit {
    users: usize,
    events: usize,
    packages: usize,
    grants: usize,
    blocks: usize,
    /// Histories whose beginning was dropped, and how many events that were.
    dropped: usize,
    dropped_events: usize,
    /// In whose history each signature key is.
    keys: BTreeMap<SignatureKeyId, BTreeSet<UserId>>,
    violations: Vec<String>,
}

pub(super) async fn audit(arguments: &AuditArguments) -> Result<Exit, CliError> {
    let StoreSetting::File(path) = &arguments.store else {
        return Err(CliError::Usage("what is in memory is gone when the server stops: give file:PATH".into()));
    };
    let failed = |error: &dyn std::fmt::Display| CliError::Failed(error.to_string());
    let opening = Opening { create: false, keep_history: true };
    let stores = Stores::durable(Durable::open(path, opening).map_err(|error| failed(&error))?);
    let mut audit = Audit::default();
    for user in stores.all_users().await.map_err(|error| failed(&error))? {
        let history = stores.users.load(&Stream::of_user(&user), 0).await.map_err(|error| failed(&error))?;
        audit.read(&user, &history);
    }
    audit.compare_keys(&stores).await.map_err(|error| failed(&error))?;
    audit.print();
    Ok(if audit.violations.is_empty() { Exit::Passed } else { Exit::Failed })
}

impl Audit {
    fn read(&mut self, user: &UserId, history: &Loaded<Event>) {
        self.users += 1;
        self.events += history.events.len();
        for event in &history.events {
            match event {
                Event::Published { key_packages, .. } => self.packages += key_packages.len(),
                Event::Claimed { answers, .. } => {
                    let granted = |granted: &Granted| matches!(granted, Granted::KeyPackage { .. });
                    self.grants += answers.iter().filter(|(_, answer)| granted(answer)).count();
                }
                Event::Blocked { .. } => self.blocks += 1,
                Event::KeyAdded { key, .. } => drop(self.keys.entry(key.id()).or_default().insert(user.clone())),
                _ => {}
            }
        }
        match &history.snapshot {
            Some((version, _)) => {
                self.dropped += 1;
                self.dropped_events += version;
            }
            None => {
                let judged = Retold::new(&history.events).judge(&history.events);
                self.violations.extend(judged.err().map(|why| format!("{user}, {why}")));
            }
        }
    }

    /// `KEY-UNIQUE`, over all users: a key has one owner, and its own history names it.
    async fn compare_keys(&mut self, stores: &Stores) -> Result<(), kpd_server::store::StoreError> {
        for (key, users) in &self.keys {
            let reserved = stores.keys.load(&Stream::of_key(key), 0).await?.events;
            let named: BTreeSet<_> = reserved.iter().map(|KeyReserved { user, .. }| user.clone()).collect();
            if users.len() != 1 || named != *users {
                let says = format!("key {key}: KEY-UNIQUE: it is on the lists of {users:?}, and belongs to {named:?}");
                self.violations.push(says);
            }
        }
        Ok(())
    }

    fn print(&self) {
        let Self { users, events, packages, grants, blocks, keys, .. } = self;
        say!("{users} users, {events} events");
        say!("{packages} KeyPackages published, {grants} granted, and as many notifications");
        say!("{} signature keys, {blocks} blocks", keys.len());
        if self.dropped > 0 {
            say!(
                "of {} users the first {} events were dropped, and a state stands for them: what they did cannot be judged, \
                 nor what came after (kpd serve --keep-history keeps all)",
                self.dropped,
                self.dropped_events
            );
        }
        say!("limits are not judged: what they were is not stored");
        self.violations.iter().for_each(|says| say!("VIOLATION {says}"));
        say!("{} violations in the histories of {} users", self.violations.len(), users - self.dropped);
    }
}
