//! Signature keys: their list, their end, and what can be said of them at any time.

use kpd_directory::{
    Decision, SignatureKeyId, UnixSeconds, UserId,
    keys::{AddKey, AddKeyError, AddedKey, ExtendKeyError, RemoveKeyError},
    standing::Standing,
    state::ListedKey,
};

use super::{ATTEMPTS_MAX, Directory, NotDone};
use crate::{
    seams::{PastKey, Ruling, Scene, UnknownUser, read},
    store::{Appended, Stream},
};

/// An answer about keys, and how long it stays true if nobody does anything.
#[derive(Debug)]
pub struct Lasting<T> {
    /// The answer.
    pub answer: T,
    /// In seconds, until the next key ends by itself; `None` if none will.
    pub seconds: Option<u64>,
}

/// What can be said of a signature key at a time (`KEY-VERIFY`).
#[derive(Debug)]
pub struct Verified {
    /// The time, in Unix seconds.
    pub at: UnixSeconds,
    /// What can be said.
    pub standing: Standing,
    /// The key, where it ever was on the list.
    pub key: Option<PastKey>,
}

impl Directory {
    /// Adds a signature key. Its own history, which says whose it is for ever, is written first: if the user's is then
    /// not written, the same client can still add the key, and nobody else ever could.
    ///
    /// # Errors
    ///
    /// See [`AddKeyError`].
    pub async fn add_key(&self, user: &UserId, add: &AddKey) -> Result<AddedKey, NotDone<AddKeyError>> {
        (self.seams.check_possession)(user, add).map_err(NotDone::Refused)?;
        // Only an addition that would go through may take a key for its user.
        self.command(user, |scene| read((self.seams.add_key)(scene, add).answer)).await?;
        self.reserve(user, add).await?;
        self.command(user, |scene| (self.seams.add_key)(scene, add)).await
    }

    async fn reserve(&self, user: &UserId, add: &AddKey) -> Result<(), NotDone<AddKeyError>> {
        let stream = Stream::of_key(&add.key.id());
        for _ in 0..ATTEMPTS_MAX {
            let history = self.stores.keys.load(&stream, 0).await?.events;
            let reserved = (self.seams.reserve)(&history, user, &add.client).map_err(NotDone::Refused)?;
            let Some(reserved) = reserved else { return Ok(()) };
            let appended = self.stores.keys.append(&stream, history.len(), vec![reserved]).await;
            if appended? == Appended::Done {
                return Ok(());
            }
        }
        Err(NotDone::Contended)
    }

    /// Moves the end of a signature key forward: to the time that it now has, in Unix seconds.
    ///
    /// # Errors
    ///
    /// See [`ExtendKeyError`].
    pub async fn extend_key(
        &self,
        user: &UserId,
        key: &SignatureKeyId,
        expires_at: UnixSeconds,
    ) -> Result<UnixSeconds, NotDone<ExtendKeyError>> {
        self.command(user, |scene| (self.seams.extend_key)(scene, key, expires_at)).await
    }

    /// Removes a signature key.
    ///
    /// # Errors
    ///
    /// See [`RemoveKeyError`].
    pub async fn remove_key(&self, user: &UserId, key: &SignatureKeyId) -> Result<(), NotDone<RemoveKeyError>> {
        self.command(user, |scene| (self.seams.remove_key)(scene, key)).await
    }

    /// A user's signature keys that are valid now.
    ///
    /// # Errors
    ///
    /// `UnknownUser`.
    pub async fn keys(&self, user: &UserId) -> Result<Lasting<Vec<ListedKey>>, NotDone<UnknownUser>> {
        self.command(user, |scene| lasting(scene, (self.seams.keys)(scene))).await
    }

    /// Every signature key that a user ever had (`KEY-HISTORY`).
    ///
    /// # Errors
    ///
    /// `UnknownUser`.
    pub async fn key_history(&self, user: &UserId) -> Result<Lasting<Vec<PastKey>>, NotDone<UnknownUser>> {
        self.command(user, |scene| lasting(scene, (self.seams.key_history)(scene))).await
    }

    /// Whether a signature key bears out a credential of a user at a time, or else now (`KEY-VERIFY`). A user that does
    /// not exist is one without this key.
    ///
    /// # Errors
    ///
    /// `Contended` and `Failed` only.
    pub async fn verify(
        &self,
        user: &UserId,
        signature_key: &[u8],
        at: Option<UnixSeconds>,
    ) -> Result<Lasting<Verified>, NotDone<UnknownUser>> {
        let verified = |scene: &Scene<'_>| {
            let at = at.unwrap_or(scene.now);
            let (standing, key) = (self.seams.verify)(scene, signature_key, at);
            read(Ok(Verified { at, standing, key }))
        };
        self.command(user, |scene| lasting(scene, verified(scene))).await
    }

    /// The user whose list is to be read for this one: itself, if it exists (`KEY-RESOLVE`).
    ///
    /// # Errors
    ///
    /// `UnknownUser`.
    pub async fn discover(&self, user: &UserId) -> Result<UserId, NotDone<UnknownUser>> {
        self.command(user, |scene| (self.seams.discover)(scene)).await
    }

    /// A signature key on a user's list, with the client whose it is.
    ///
    /// # Errors
    ///
    /// `UnknownUser`.
    pub async fn listed_key(
        &self,
        user: &UserId,
        key: &SignatureKeyId,
    ) -> Result<Option<ListedKey>, NotDone<UnknownUser>> {
        self.command(user, |scene| read(Ok(scene.state.listed_key(scene.now, key).cloned()))).await
    }
}

fn lasting<T, E>(scene: &Scene<'_>, ruling: Ruling<T, E>) -> Ruling<Lasting<T>, E> {
    let seconds = scene.state.next_expiry(scene.now).map(|end| end.saturating_sub(scene.now));
    let Decision { events, answer } = ruling;
    Decision { events, answer: answer.map(|answer| Lasting { answer, seconds }) }
}
