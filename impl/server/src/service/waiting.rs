//! Owners that wait to be told: who changes a user's history wakes them, and each then reads its feed for itself.
//!
//! Nothing is sent through here but "look": a slow reader costs no queue. What another server over the same store has
//! appended wakes nobody here, so who waits also asks the store, every [`LOOK_AGAIN`], for what came after its version.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kpd_directory::{
    ClientName, UserId,
    feed::{FeedError, Notification},
};
use tokio::{sync::watch, time::Instant};

use super::{Directory, NotDone};
use crate::{
    auth::{AuthFailure, Signer},
    clock,
    seams::Wakes,
    store::{Stream, Version},
};

/// Who waits, by user. Invariant: there is an entry for those users alone for whom somebody waits.
#[derive(Debug, Default)]
pub(crate) struct Waiters(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    users: HashMap<UserId, watch::Sender<()>>,
    over: bool,
}

/// One that waits, for as long as it lives.
#[derive(Debug)]
struct Waiter {
    among: Arc<Waiters>,
    user: UserId,
    woken: watch::Receiver<()>,
}

/// A client's feed, read from a place on and waited at.
#[derive(Debug)]
pub(crate) struct Reader {
    signer: Signer,
    user: UserId,
    client: ClientName,
    after: u64,
    waiter: Waiter,
    /// The length of the user's history that was looked at.
    version: Version,
    /// When the key of the request ends by itself (Unix seconds).
    key_until: Option<u64>,
}

/// What a reader that waited is told.
#[derive(Debug)]
pub(crate) enum Heard {
    /// These, oldest first; there is at least one.
    Notifications(Vec<Notification>),
    /// Nothing in that time.
    Nothing,
    /// Nothing, and there will be nothing: the server stops.
    Over,
}

/// Why a reader is told nothing more.
#[derive(Debug)]
pub(crate) enum HearError {
    /// The client is no client any more.
    Feed(FeedError),
    /// The key of the request has ended (`KEY-CASCADE`), or it could not be looked up.
    Author(AuthFailure),
    /// There are as many readers of this user's feeds as are served at once.
    TooMany,
}

impl Waiters {
    fn join(self: &Arc<Self>, user: &UserId) -> Option<Waiter> {
        let mut waiting = self.lock();
        let woken = if waiting.over {
            watch::channel(()).1
        } else {
            let sender = waiting.users.entry(user.clone()).or_insert_with(|| watch::channel(()).0);
            if sender.receiver_count() >= READERS_MAX {
                return None;
            }
            sender.subscribe()
        };
        Some(Waiter { among: Arc::clone(self), user: user.clone(), woken })
    }

    /// Has everybody look who waits for this user.
    pub(super) fn wake(&self, user: &UserId) {
        if let Some(sender) = self.lock().users.get(user) {
            sender.send_replace(());
        }
    }

    /// Ends all waiting, for ever.
    fn end(&self) {
        let mut waiting = self.lock();
        waiting.over = true;
        waiting.users.clear();
    }

    /// Nothing panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut waiting = self.among.lock();
        if waiting.users.get(&self.user).is_some_and(|sender| sender.receiver_count() <= 1) {
            waiting.users.remove(&self.user);
        }
    }
}

impl Directory {
    /// Begins to read a client's feed after a place in it.
    ///
    /// # Errors
    ///
    /// `TooMany`.
    pub(crate) fn reader(
        &self,
        signer: Signer,
        user: UserId,
        client: ClientName,
        after: u64,
    ) -> Result<Reader, HearError> {
        let waiter = self.waiters.join(&user).ok_or(HearError::TooMany)?;
        Ok(Reader { signer, user, client, after, waiter, version: 0, key_until: None })
    }

    /// Answers everybody that waits, and lets nobody wait any more: the server is to stop.
    pub(crate) fn end_waiting(&self) {
        self.waiters.end();
    }

    /// How many users somebody waits for.
    #[cfg(test)]
    fn waited_for(&self) -> usize {
        self.waiters.lock().users.len()
    }
}

impl Reader {
    /// The notifications that come next, at once if there are any, else as soon as there are, or nothing after `wait`.
    /// The reader's place moves behind them.
    ///
    /// # Errors
    ///
    /// `Feed` and `Author`; what failed otherwise is in the [`NotDone`].
    pub(crate) async fn next(&mut self, directory: &Directory, wait: Duration) -> Result<Heard, NotDone<HearError>> {
        let until = Instant::now() + wait;
        loop {
            // Boxed, since who waits does not look, and most of the time it waits.
            let notifications = Box::pin(self.look(directory)).await?;
            if let Some(newest) = notifications.last() {
                self.after = newest.sequence;
                return Ok(Heard::Notifications(notifications));
            }
            loop {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Ok(Heard::Nothing);
                }
                let key_left = self.key_until.map(|end| Duration::from_secs(end.saturating_sub(clock::now()).max(1)));
                let pause = left.min(LOOK_AGAIN).min(key_left.unwrap_or(LOOK_AGAIN));
                if directory.seams.wakes == Wakes::AtTheEnd {
                    tokio::time::sleep(left).await;
                    break;
                }
                match tokio::time::timeout(pause, self.waiter.woken.changed()).await {
                    Ok(Ok(())) => break,
                    Ok(Err(_)) => return Ok(Heard::Over),
                    Err(_) if self.key_until.is_some_and(|end| end <= clock::now()) => break,
                    Err(_) if Box::pin(self.moved(directory)).await => break,
                    Err(_) => {}
                }
            }
        }
    }

    async fn look(&mut self, directory: &Directory) -> Result<Vec<Notification>, NotDone<HearError>> {
        let listed = directory.listed_key(&self.signer.requester.user, &self.signer.key).await;
        let listed = listed.map_err(|_| NotDone::Refused(HearError::Author(AuthFailure::Unavailable)))?;
        let listed = listed.ok_or(NotDone::Refused(HearError::Author(AuthFailure::UnknownKey)))?;
        self.key_until = listed.expires_at;
        let (mut notifications, version) = directory.feed(&self.user, &self.client, self.after).await?;
        // What is left stays in the feed, and is read when these have gone out.
        notifications.truncate(AT_ONCE_MAX);
        self.version = version;
        Ok(notifications)
    }

    /// Whether the user's history has grown since the last look, whoever did it. A store that does not answer is asked
    /// again next time.
    async fn moved(&self, directory: &Directory) -> bool {
        if directory.seams.wakes != Wakes::AtOnce {
            return false;
        }
        let news = directory.stores.users.load(&Stream::of_user(&self.user), self.version).await;
        news.is_ok_and(|news| news.snapshot.is_some() || !news.events.is_empty())
    }
}

/// After so long a reader is told what another server has granted.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// The most notifications that a reader has in its hands; the others wait in the feed.
const AT_ONCE_MAX: usize = 64;

/// The most readers of one user's feeds at the same time, on one server.
const READERS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Stores;

    fn user() -> UserId {
        UserId::parse("acct:bob@example.org").unwrap()
    }

    #[tokio::test]
    async fn nothing_is_kept_of_those_that_wait_no_more() {
        let directory = Directory::new(Stores::in_memory(), kpd_directory::Policy::default());
        let (first, second) = (directory.waiters.join(&user()).unwrap(), directory.waiters.join(&user()).unwrap());
        assert_eq!(directory.waited_for(), 1);
        drop(first);
        assert_eq!(directory.waited_for(), 1, "the second still waits");
        drop(second);
        assert_eq!(directory.waited_for(), 0);
    }

    #[tokio::test]
    async fn all_that_wait_for_a_user_are_woken_and_nobody_else() {
        let waiters = Arc::new(Waiters::default());
        let carol = UserId::parse("acct:carol@example.org").unwrap();
        let mut of_bob = [waiters.join(&user()).unwrap(), waiters.join(&user()).unwrap()];
        let of_carol = waiters.join(&carol).unwrap();
        waiters.wake(&user());
        for waiter in &mut of_bob {
            waiter.woken.changed().await.unwrap();
        }
        assert!(!of_carol.woken.has_changed().unwrap());
    }

    #[tokio::test]
    async fn the_end_is_told_to_those_that_wait_and_to_those_that_come_later() {
        let waiters = Arc::new(Waiters::default());
        let mut before = waiters.join(&user()).unwrap();
        waiters.end();
        let mut after = waiters.join(&user()).unwrap();
        assert!(before.woken.changed().await.is_err());
        assert!(after.woken.changed().await.is_err());
    }

    #[test]
    fn one_user_does_not_take_every_place() {
        let waiters = Arc::new(Waiters::default());
        let all: Vec<_> = (0..READERS_MAX).map(|_| waiters.join(&user()).unwrap()).collect();
        assert!(waiters.join(&user()).is_none());
        drop(all);
        assert!(waiters.join(&user()).is_some());
    }
}
