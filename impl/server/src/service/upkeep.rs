//! The end of things: removing clients, forgetting what is over, and the operator's fence after a restore.

use std::convert::Infallible;

use kpd_directory::{
    ClientName, Decision, UserId,
    upkeep::{Collected, RemoveClientError},
};

use super::{Directory, NotDone};

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
        let fence = |decision: Decision<_>| Decision { events: decision.events, answer: Ok(decision.answer) };
        self.command(user, |scene| fence(scene.state.fence(scene.policy, scene.now))).await
    }
}
