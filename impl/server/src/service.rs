//! The directory as a service: it loads a history, lets the core decide, appends, and answers only then.

mod claiming;
mod keys;
mod packages;
mod upkeep;
mod waiting;

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use kpd_directory::{
    ClientName, Decision, Event, Policy, Requester, UnixSeconds, UserId,
    keys::EnrolError,
    limits::{Account, RequesterEvent},
};

use crate::{
    clock,
    seams::{Ground, Ruling, Scene, Seams, Wakes, ruling},
    store::{Appended, StoreError, Stores, Stream},
    views::Views,
};

pub use keys::{Lasting, Verified};
pub use packages::Upload;
pub use upkeep::Fenced;
pub(crate) use waiting::{HearError, Heard, Reader};

/// A directory over a store; any number of them over one store are replicas of one directory.
#[derive(Debug)]
pub struct Directory {
    stores: Stores,
    policy: Policy,
    views: Views<Event>,
    accounts: Views<RequesterEvent, Account>,
    waiters: Arc<waiting::Waiters>,
    seams: Seams,
}

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum NotDone<E> {
    /// The core refused it, and nothing changed.
    #[error(transparent)]
    Refused(E),
    /// Others were first each time; nothing changed. It is no refusal: the same command may succeed at once.
    #[error("too many others changed the same history")]
    Contended,
    /// The store failed. Whether anything changed is unknown, and the next look at the store tells.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something failed that should not. Whether anything changed is unknown.
    #[error("{0}")]
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

impl Directory {
    /// A directory that keeps these limits.
    #[must_use]
    pub fn new(stores: Stores, policy: Policy) -> Self {
        Self::with_seams(stores, policy, Seams::HONEST)
    }

    pub(crate) fn with_seams(stores: Stores, policy: Policy, seams: Seams) -> Self {
        let (views, accounts) = (Views::new(seams.keeping), Views::new(seams.keeping));
        let (stores, policy, waiters) = ((seams.store)(stores), (seams.policy)(policy), Arc::default());
        Self { stores, policy, views, accounts, waiters, seams }
    }

    /// The limits that it keeps.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(crate) fn seams(&self) -> &Seams {
        &self.seams
    }

    /// Lets a user in: the token that adds the first signature key, and until when it is good.
    ///
    /// # Errors
    ///
    /// See [`EnrolError`].
    pub async fn enrol(&self, user: &UserId) -> Result<(String, UnixSeconds), NotDone<EnrolError>> {
        let token = BASE64URL_NOPAD.encode(&rand::random::<[u8; 32]>());
        let enrol = |scene: &Scene<'_>| ruling(scene.state.enrol(scene.policy, scene.now, user, &token));
        let not_after = self.command(user, enrol).await?;
        Ok((token, not_after))
    }

    /// Whether a requester may do what is for this client alone.
    pub(crate) fn admits(&self, ground: Ground, requester: &Requester, user: &UserId, client: &ClientName) -> bool {
        (self.seams.admits)(ground, requester, user, client)
    }

    /// The way of every command: look, decide, append; and if others were first, once more from the beginning.
    async fn command<A, E>(&self, user: &UserId, decide: impl Fn(&Scene<'_>) -> Ruling<A, E>) -> Result<A, NotDone<E>> {
        let stream = Stream::of_user(user);
        let turn = self.views.of(user);
        let mut view = turn.lock().await;
        for conflicts in 0..ATTEMPTS_MAX {
            view.catch_up(&*self.stores.users, &stream).await?;
            let (state, history) = (&view.state, view.history.as_slice());
            let (policy, now, version) = (&self.policy, clock::now(), view.version);
            let scene = Scene { user, policy, now, state, version, history, conflicts };
            let Decision { events, answer } = decide(&scene);
            if events.is_empty() {
                return answer.map_err(NotDone::Refused);
            }
            let appended = self.stores.users.append(&stream, view.version, events.clone()).await;
            match appended? {
                Appended::Done => {
                    view.appended(events, &*self.stores.users, &stream).await;
                    if self.seams.wakes != Wakes::Never {
                        self.waiters.wake(user);
                    }
                    return answer.map_err(NotDone::Refused);
                }
                Appended::Conflict => stand_back(conflicts).await,
            }
        }
        Err(NotDone::Contended)
    }
}

impl<E> NotDone<E> {
    fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// Lets a competitor on another server finish, for a moment that grows with the number of conflicts.
async fn stand_back(conflicts: usize) {
    let longest_ms = 1 << conflicts.min(5);
    tokio::time::sleep(std::time::Duration::from_micros(rand::random_range(0..longest_ms * 1_000))).await;
}

/// About a second of standing back: long enough for a burst, short enough for a client that waits.
const ATTEMPTS_MAX: usize = 64;
