//! Claiming, and who may: a claim is decided on two histories, its requester's and then its user's.

use kpd_directory::{
    Decision, UserId,
    blocks::{BlockError, Blocked},
    claim::{Answered, ClaimError},
    event::Claim,
    limits::Limited,
};

use super::{ATTEMPTS_MAX, Directory, NotDone, stand_back};
use crate::{
    clock,
    seams::{Means, Scene, read},
    store::{Appended, Stream},
};

impl Directory {
    /// Claims one KeyPackage of each of a user's clients.
    ///
    /// Its requester is debited first, in a history of its own, unless the user's answers from memory. If the claim then
    /// fails, the requester has spent a claim and nobody a KeyPackage.
    ///
    /// # Errors
    ///
    /// See [`ClaimError`].
    pub async fn claim(&self, user: &UserId, claim: &Claim) -> Result<Answered, NotDone<ClaimError>> {
        if self.policy.limits.requester.is_some()
            && !self.is_answered(user, claim).await?
            && let Err(limited) = self.debit(user, claim).await?
        {
            return Ok(Answered::Limited(limited));
        }
        self.command(user, |scene| (self.seams.claim)(scene, claim)).await
    }

    /// What the answer to a claim gives away beside the answer: nothing, unless a mutant does.
    pub(crate) async fn gives_away(&self, user: &UserId) -> Option<usize> {
        let gives_away = self.seams.gives_away?;
        self.command(user, |scene| read(Ok::<_, ClaimError>(gives_away(scene)))).await.ok()
    }

    async fn is_answered(&self, user: &UserId, claim: &Claim) -> Result<bool, NotDone<ClaimError>> {
        let answered =
            |scene: &Scene<'_>| scene.state.answered_before(scene.policy, scene.now, claim).map(|it| it.is_some());
        self.command(user, |scene| read(answered(scene))).await
    }

    /// What the requester's own history says of a claim.
    async fn debit(&self, user: &UserId, claim: &Claim) -> Result<Result<(), Limited>, NotDone<ClaimError>> {
        let requester = &claim.requester.user;
        let stream = Stream::of_requester(requester);
        let turn = self.requesters.of(requester);
        let mut view = turn.lock().await;
        for conflicts in 0..ATTEMPTS_MAX {
            view.catch_up(&*self.stores.requesters, &stream).await?;
            let means = Means { policy: &self.policy, now: clock::now(), state: &view.state };
            let Decision { events, answer } = (self.seams.debit)(&means, user, claim).map_err(NotDone::Refused)?;
            if events.is_empty() {
                return Ok(answer);
            }
            let appended = self.stores.requesters.append(&stream, view.version, events.clone()).await;
            match appended? {
                Appended::Done => {
                    view.appended(events, &*self.stores.requesters, &stream).await;
                    return Ok(answer);
                }
                Appended::Conflict => stand_back(conflicts).await,
            }
        }
        Err(NotDone::Contended)
    }

    /// Shuts a requester, or all of a server, out from claiming a user's KeyPackages.
    ///
    /// # Errors
    ///
    /// See [`BlockError`].
    pub async fn block(&self, user: &UserId, blocked: &Blocked) -> Result<(), NotDone<BlockError>> {
        self.command(user, |scene| (self.seams.block)(scene, blocked)).await
    }

    /// Lifts a block.
    ///
    /// # Errors
    ///
    /// See [`BlockError`].
    pub async fn unblock(&self, user: &UserId, blocked: &Blocked) -> Result<(), NotDone<BlockError>> {
        self.command(user, |scene| (self.seams.unblock)(scene, blocked)).await
    }

    /// Who is shut out, and since when (Unix seconds).
    ///
    /// # Errors
    ///
    /// `Contended` and `Failed` only: nobody is shut out by a user that does not exist.
    pub async fn blocks(&self, user: &UserId) -> Result<Vec<(Blocked, u64)>, NotDone<BlockError>> {
        let blocks =
            |scene: &Scene<'_>| scene.state.blocks().map(|(blocked, since)| (blocked.clone(), since)).collect();
        self.command(user, |scene| read(Ok(blocks(scene)))).await
    }
}
