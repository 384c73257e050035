//! The signature-key list: keys are added, extended, end, and are asked about (KEY- rules).

use crate::{
    history::{Event, KeyState, Standing, State},
    names::{Client, Key, Time, User},
    spec::{
        Outcome, Reason,
        claiming::count,
        outcomes::{Decision, refused},
    },
};

pub(super) fn add(state: &State, user: User, client: Client, key: Key, expires: Option<Time>) -> Decision {
    let same = |known: &KeyState| known.client == client && known.user == user && known.is_valid(state.now);
    match state.keys.get(&key) {
        // Adding again what is there changes nothing: an answer may have been lost.
        Some(known) if same(known) => (Outcome::Done, vec![]),
        // Neither another client's, nor one that ended (`KEY-NO-REVIVE`).
        Some(_) => refused(Reason::KeyTaken),
        None if expires.is_some_and(|expires| expires <= state.now) => refused(Reason::ExpiryNotForward),
        None => (Outcome::Done, vec![Event::KeyAdded { user, client, key, expires }]),
    }
}

pub(super) fn extend(state: &State, client: Client, key: Key, expires: Time) -> Decision {
    let Some(known) = state.keys.get(&key).filter(|known| known.client == client) else {
        return refused(Reason::UnknownKey);
    };
    if !known.is_valid(state.now) {
        return refused(Reason::KeyEnded);
    }
    match known.expires {
        Some(before) if before == expires => (Outcome::Done, vec![]),
        Some(before) if before < expires => (Outcome::Done, vec![Event::KeyExtended { key, expires }]),
        // A key without an expiry has the latest one already.
        _ => refused(Reason::ExpiryNotForward),
    }
}

pub(super) fn remove(state: &State, client: Client, key: Key) -> Decision {
    match state.keys.get(&key).filter(|known| known.client == client) {
        None => refused(Reason::UnknownKey),
        Some(known) if known.is_valid(state.now) => (Outcome::Done, vec![Event::KeyRemoved { key }]),
        // It has ended: what it ended by stays (`KEY-HISTORY`).
        Some(_) => (Outcome::Done, vec![]),
    }
}

pub(super) fn remove_client(state: &State, client: Client) -> Decision {
    if !state.client_exists(client) {
        return refused(Reason::UnknownClient);
    }
    let unread = count(state.notifications.get(&client).into_iter().flatten());
    (Outcome::ClientRemoved { unread }, vec![Event::ClientRemoved { client }])
}

pub(super) fn list(state: &State, user: User) -> Decision {
    if !state.keys.values().any(|key| key.user == user) {
        return refused(Reason::UnknownUser);
    }
    (Outcome::Keys(state.valid_keys(user).collect()), vec![])
}

pub(super) fn verify(state: &State, user: User, key: Key, at: Time) -> Decision {
    let known = state.keys.get(&key).filter(|known| known.user == user);
    (Outcome::Standing(known.map_or(Standing::Unknown, |known| known.standing(at))), vec![])
}

impl State {
    /// The signature keys of a user that are valid now.
    pub fn valid_keys(&self, user: User) -> impl Iterator<Item = Key> {
        let valid = move |known: &KeyState| known.user == user && known.is_valid(self.now);
        self.keys.iter().filter(move |(_, known)| valid(known)).map(|(key, _)| *key)
    }

    /// Whether this client has a valid signature key.
    #[must_use]
    pub fn client_exists(&self, client: Client) -> bool {
        self.keys.values().any(|key| key.client == client && key.is_valid(self.now))
    }

    /// Whether this key is valid now.
    #[must_use]
    pub fn is_valid_key(&self, key: Key) -> bool {
        self.keys.get(&key).is_some_and(|key| key.is_valid(self.now))
    }
}
