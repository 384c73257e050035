//! Withdrawing: the owner takes KeyPackages back, unless a claim was first.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Decision, Event,
    names::{ClientName, KeyPackageRef, UnixSeconds},
    state::{Fate, UserState},
};

/// What became of a KeyPackage that its owner wanted back (`LIFE-WITHDRAW-RACE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithdrawnFate {
    /// It is withdrawn: by this request, or before.
    Withdrawn,
    /// A claim was first.
    AlreadyGranted,
    /// This client never published it.
    Unknown,
}

/// Why nothing was withdrawn. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WithdrawError {
    /// The client has no signature key on the list.
    #[error("no such client")]
    UnknownClient,
}

impl UserState {
    /// Takes KeyPackages back and says what became of each. Withdrawing twice is harmless.
    ///
    /// # Errors
    ///
    /// `UnknownClient`.
    pub fn withdraw(
        &self,
        now: UnixSeconds,
        name: &ClientName,
        references: &BTreeSet<KeyPackageRef>,
    ) -> Result<Decision<BTreeMap<KeyPackageRef, WithdrawnFate>>, WithdrawError> {
        let client = self.client(now, name).ok_or(WithdrawError::UnknownClient)?;
        let fate = |reference| client.packages.get(reference).map(|record| record.fate);
        let available = references.iter().filter(|reference| fate(reference) == Some(Fate::Available));
        let available: Vec<_> = available.copied().collect();
        let answer = references.iter().map(|reference| {
            let fate = match fate(reference) {
                Some(Fate::Available | Fate::Withdrawn) => WithdrawnFate::Withdrawn,
                Some(Fate::Granted) => WithdrawnFate::AlreadyGranted,
                None => WithdrawnFate::Unknown,
            };
            (*reference, fate)
        });
        let event = Event::Withdrawn { at: now, client: name.clone(), references: available.clone() };
        let events = if available.is_empty() { vec![] } else { vec![event] };
        Ok(Decision { events, answer: answer.collect() })
    }
}
