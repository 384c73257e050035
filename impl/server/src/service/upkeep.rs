//! The end of things: removing clients, forgetting what is over, and the operator's fence after a restore.

use std::{convert::Infallible, path::PathBuf};

use kpd_directory::{
    ClientName, Decision, UserId,
    upkeep::{Collected, RemoveClientError},
};

use super::{Directory, NotDone};
use crate::{clock, store::StoreError};

/// What a fence withdrew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fenced {
    /// How many histories were fenced.
    pub users: usize,
    /// How many KeyPackages were available in them.
    pub key_packages: usize,
}

impl Directory {
    /// Removes a client with all that it has; how many notifications it had not acknowledged.
    ///
    /// # Errors
    ///
    /// See [`RemoveClientError`].
    pub async fn remove_client(&self, user: &UserId, client: &ClientName) -> Result<usize, NotDone<RemoveClientError>> {
        self.command(user, |scene| (self.seams.remove_client)(scene, client)).await
    }

    /// Forgets what is needed no longer of a user's history (`LIFE-TOMBSTONE`).
    ///
    /// # Errors
    ///
    /// `Contended` and `Failed` only.
    pub async fn collect(&self, user: &UserId) -> Result<Collected, NotDone<Infallible>> {
        let collect = |decision: Decision<_>| Decision { events: decision.events, answer: Ok(decision.answer) };
        self.command(user, |scene| collect(scene.state.collect(scene.policy, scene.now))).await
    }

    /// Does so for each user whose state is in memory: what is not costs no memory.
    pub(crate) async fn collect_kept(&self) {
        for user in self.views.kept() {
            // Where it fails the next round will do.
            let _ = self.collect(&user).await;
        }
    }

    /// For the operator that has restored the stores from an older backup, for each user in it and before anything is
    /// served: withdraws what is available, lets sequence numbers jump ahead, and refuses from now on what can have been
    /// accepted before (`LIFE-RESTORE`). How many KeyPackages were withdrawn.
    ///
    /// # Errors
    ///
    /// `Contended` and `Failed` only.
    pub async fn fence(&self, user: &UserId) -> Result<usize, NotDone<Infallible>> {
        self.command(user, self.seams.fence).await
    }

    /// Fences every history in the store.
    ///
    /// # Errors
    ///
    /// `Contended`, `Store` and `Failed` only. Those that come first are fenced already then; doing it again does no harm.
    pub async fn fence_all(&self) -> Result<Fenced, NotDone<Infallible>> {
        let mut fenced = Fenced::default();
        for user in self.stores.all_users().await? {
            fenced.key_packages += self.fence(&user).await?;
            fenced.users += 1;
        }
        Ok(fenced)
    }

    /// Writes a backup beside the store; `None` if the store is in memory.
    pub(crate) async fn back_up(&self) -> Option<Result<PathBuf, StoreError>> {
        match &self.stores.file {
            Some(file) => Some(file.back_up(clock::now).await),
            None => None,
        }
    }
}
