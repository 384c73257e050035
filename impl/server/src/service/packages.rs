//! A client's KeyPackages: published, replaced, withdrawn, counted, compared; and what it is told of them.

use std::{collections::BTreeSet, sync::OnceLock};

use kpd_directory::{
    ClientName, Decision, KeyPackageRef, Policy, UserId,
    feed::{FeedError, Notification},
    key_package::{KeyPackageFlaw, Role, UnverifiedKeyPackage},
    publish::{Item, PublishError, Published, Replaced},
    reconcile::Inventory,
    withdraw::WithdrawError,
};

use tokio::sync::Semaphore;

use super::{Directory, HearError, NotDone};
use crate::{
    clock,
    seams::{Batch, Fates, Scene, Stocks},
    store::Version,
};

/// What came in as a KeyPackage, and the role that its publisher gave it.
pub type Upload = (Vec<u8>, Option<Role>);

impl Directory {
    /// Publishes a batch of KeyPackages.
    ///
    /// # Errors
    ///
    /// See [`PublishError`].
    pub async fn publish(
        &self,
        user: &UserId,
        client: &ClientName,
        uploads: Vec<Upload>,
    ) -> Result<Published, NotDone<PublishError>> {
        let batch = self.verified(client, uploads).await?;
        self.command(user, |scene| (self.seams.publish)(scene, &batch)).await
    }

    /// Publishes a batch that takes the place of everything available.
    ///
    /// # Errors
    ///
    /// See [`PublishError`].
    pub async fn replace(
        &self,
        user: &UserId,
        client: &ClientName,
        uploads: Vec<Upload>,
    ) -> Result<Replaced, NotDone<PublishError>> {
        let batch = self.verified(client, uploads).await?;
        self.command(user, |scene| (self.seams.replace)(scene, &batch)).await
    }

    /// Verifies on other threads than those that serve: a full batch is tens of milliseconds of computing, and claims
    /// wait for nothing of it. No more of them at once than half the processors: threads of batches would else outnumber
    /// those that serve (`benches/benches/beside.rs` has the figures).
    async fn verified(&self, client: &ClientName, uploads: Vec<Upload>) -> Result<Batch, NotDone<PublishError>> {
        let (client, policy) = (client.clone(), self.policy.clone());
        let turn = verifiers().acquire().await.map_err(NotDone::failed)?;
        let verify = move || {
            // Held by the thread: who asked may be gone before it is done.
            let _turn = turn;
            Batch::verified(client, uploads, &policy)
        };
        tokio::task::spawn_blocking(verify).await.map_err(NotDone::failed)
    }

    /// Takes KeyPackages back.
    ///
    /// # Errors
    ///
    /// See [`WithdrawError`].
    pub async fn withdraw(
        &self,
        user: &UserId,
        client: &ClientName,
        references: &BTreeSet<KeyPackageRef>,
    ) -> Result<Fates, NotDone<WithdrawError>> {
        self.command(user, |scene| (self.seams.withdraw)(scene, client, references)).await
    }

    /// What is left of a client's KeyPackages.
    ///
    /// # Errors
    ///
    /// See [`FeedError`].
    pub async fn stock(&self, user: &UserId, client: &ClientName) -> Result<Stocks, NotDone<FeedError>> {
        self.command(user, |scene| (self.seams.stock)(scene, client)).await
    }

    /// What a client has not acknowledged yet.
    ///
    /// # Errors
    ///
    /// See [`FeedError`].
    pub async fn notifications(
        &self,
        user: &UserId,
        client: &ClientName,
        after: u64,
    ) -> Result<Vec<Notification>, NotDone<FeedError>> {
        self.command(user, |scene| (self.seams.notifications)(scene, client, after)).await
    }

    /// The same, and the length of the user's history that it was read from.
    pub(super) async fn feed(
        &self,
        user: &UserId,
        client: &ClientName,
        after: u64,
    ) -> Result<(Vec<Notification>, Version), NotDone<HearError>> {
        let read = |scene: &Scene<'_>| {
            let Decision { events, answer } = (self.seams.notifications)(scene, client, after);
            let answer = answer.map(|notifications| (notifications, scene.version)).map_err(HearError::Feed);
            Decision { events, answer }
        };
        self.command(user, read).await
    }

    /// Lets go of what a client has read.
    ///
    /// # Errors
    ///
    /// See [`FeedError`].
    pub async fn acknowledge(
        &self,
        user: &UserId,
        client: &ClientName,
        through: u64,
    ) -> Result<(), NotDone<FeedError>> {
        self.command(user, |scene| (self.seams.acknowledge)(scene, client, through)).await
    }

    /// All KeyPackages of a client that are remembered, each with what has become of it (`NOTE-RECONCILE`).
    ///
    /// # Errors
    ///
    /// See [`FeedError`].
    pub async fn inventory(&self, user: &UserId, client: &ClientName) -> Result<Inventory, NotDone<FeedError>> {
        self.command(user, |scene| (self.seams.inventory)(scene, client)).await
    }
}

/// One for all directories of the process, as its processors are.
fn verifiers() -> &'static Semaphore {
    static VERIFIERS: OnceLock<Semaphore> = OnceLock::new();
    let half = || std::thread::available_parallelism().map_or(1, |processors| processors.get().div_ceil(2));
    VERIFIERS.get_or_init(|| Semaphore::new(half()))
}

impl Batch {
    fn verified(client: ClientName, uploads: Vec<Upload>, policy: &Policy) -> Self {
        let now = clock::now();
        // What is beyond the limit is not looked at: the core refuses the batch for its size, before it looks itself.
        let unread = || Err(KeyPackageFlaw::Malformed { why: "not looked at".into() });
        let verify = |(position, (bytes, declared)): (usize, &Upload)| {
            let within = position < policy.batch_max;
            let key_package =
                if within { UnverifiedKeyPackage::new(bytes.clone()).verify(policy, now) } else { unread() };
            Item { key_package, declared: *declared }
        };
        let items = uploads.iter().enumerate().map(verify).collect();
        Self { client, items, uploads: uploads.into_iter().map(|(bytes, _)| bytes).collect() }
    }
}
