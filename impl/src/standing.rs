//! Which signature key was valid when: the question that an Authentication Service is asked.

use serde::{Deserialize, Serialize};

use crate::{
    names::{SignatureKeyId, UnixSeconds},
    state::{ListedKey, UserState},
};

/// How a signature key came to its end (`KEY-HISTORY`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// By itself, at the time that was set for it.
    Expired,
    /// By its owner.
    Removed,
}

/// What can be said of a signature key at a time (`KEY-VERIFY`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It bears out a credential of this user.
    Valid,
    /// It was added later than that.
    NotYet,
    /// It had ended by itself.
    Expired,
    /// Its owner had removed it.
    Removed,
    /// It never was on this user's list.
    Unknown,
}

impl ListedKey {
    /// Whether it is valid at this time.
    #[must_use]
    pub fn is_valid(&self, at: UnixSeconds) -> bool {
        self.standing(at) == Standing::Valid
    }

    /// What can be said of it at this time; for a time to come, if its owner does nothing.
    #[must_use]
    pub fn standing(&self, at: UnixSeconds) -> Standing {
        match self.ended(at) {
            _ if at < self.added_at => Standing::NotYet,
            None => Standing::Valid,
            Some((_, Ended::Expired)) => Standing::Expired,
            Some((_, Ended::Removed)) => Standing::Removed,
        }
    }

    /// How and since when it is no longer valid at this time: it was from `added_at` until then, not including it.
    #[must_use]
    pub fn ended(&self, at: UnixSeconds) -> Option<(UnixSeconds, Ended)> {
        let removed = self.removed_at.map(|end| (end, Ended::Removed));
        let end = removed.or(self.expires_at.map(|end| (end, Ended::Expired)));
        end.filter(|(end, _)| *end <= at)
    }
}

impl UserState {
    /// The keys that are valid now (`KEY-LIST`).
    pub fn keys(&self, now: UnixSeconds) -> impl Iterator<Item = (&SignatureKeyId, &ListedKey)> {
        self.keys.iter().filter(move |(_, listed)| listed.is_valid(now))
    }

    /// A key that is valid now, by name.
    #[must_use]
    pub fn listed_key(&self, now: UnixSeconds, id: &SignatureKeyId) -> Option<&ListedKey> {
        self.keys.get(id).filter(|listed| listed.is_valid(now))
    }

    /// Every key that ever was on the list, for judging what was signed while it was (`KEY-HISTORY`).
    pub fn key_history(&self) -> impl Iterator<Item = (&SignatureKeyId, &ListedKey)> {
        self.keys.iter()
    }

    /// Whether a signature key, as it stands in a LeafNode, bears out a credential of this user at a time; with the key
    /// where it is known (`KEY-VERIFY`).
    #[must_use]
    pub fn verify(&self, signature_key: &[u8], at: UnixSeconds) -> (Standing, Option<&ListedKey>) {
        let listed = self.keys.values().find(|listed| listed.key.bytes() == signature_key);
        (listed.map_or(Standing::Unknown, |listed| listed.standing(at)), listed)
    }

    /// When the list changes by itself next: until then, and unless its owner changes it, it is as it is now.
    #[must_use]
    pub fn next_expiry(&self, now: UnixSeconds) -> Option<UnixSeconds> {
        self.keys(now).filter_map(|(_, listed)| listed.expires_at).min()
    }
}
