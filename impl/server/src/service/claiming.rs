//! Claiming, and who may: a claim is decided on the history of its requester, then of its server, then of its user.

use kpd_directory::{
    Decision, UserId,
    blocks::{BlockError, Blocked},
    claim::{Answered, ClaimError},
    event::Claim,
    limits::{Account, Limited},
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
    /// Its requester is debited first, in a history of its own, unless the user's answers from memory; and then the server
    /// that vouches for it, where that is another one. If the claim then fails, these have spent a claim and nobody a
    /// KeyPackage.
    ///
    /// # Errors
    ///
    /// See [`ClaimError`].
    pub async fn claim(&self, user: &UserId, claim: &Claim) -> Result<Answered, NotDone<ClaimError>> {
        let accounts = (self.seams.accounts)(&self.policy.limits, claim);
        if !accounts.is_empty()
            && !self.is_answered(user, claim).await?
            && let Err(limited) = self.debit_all(&accounts, user, claim).await?
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

    /// What the accounts of a claim say, one after the other. What one of them has refused before costs none of them
    /// anything; the first one looks at that itself.
    async fn debit_all(
        &self,
        accounts: &[Account],
        user: &UserId,
        claim: &Claim,
    ) -> Result<Result<(), Limited>, NotDone<ClaimError>> {
        for account in accounts.iter().skip(1) {
            if let Some(limited) = self.refused_before(account, user, claim).await? {
                return Ok(Err(limited));
            }
        }
        for account in accounts {
            if let Err(limited) = self.debit(account, user, claim).await? {
                return Ok(Err(limited));
            }
        }
        Ok(Ok(()))
    }

    async fn refused_before(
        &self,
        account: &Account,
        user: &UserId,
        claim: &Claim,
    ) -> Result<Option<Limited>, NotDone<ClaimError>> {
        let turn = self.accounts.of(account);
        let mut view = turn.lock().await;
        view.catch_up(&*self.stores.requesters, &Stream::of_account(account)).await?;
        view.state.refused_before(clock::now(), user, claim).map_err(NotDone::Refused)
    }

    /// What an account's own history says of a claim.
    async fn debit(
        &self,
        account: &Account,
        user: &UserId,
        claim: &Claim,
    ) -> Result<Result<(), Limited>, NotDone<ClaimError>> {
        let stream = Stream::of_account(account);
        let turn = self.accounts.of(account);
        let mut view = turn.lock().await;
        for conflicts in 0..ATTEMPTS_MAX {
            view.catch_up(&*self.stores.requesters, &stream).await?;
            let means = Means { account, policy: &self.policy, now: clock::now(), state: &view.state };
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
