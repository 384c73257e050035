//! A round of a race in the terms of the model, with the times at which its clients saw it.

use kpd_model::{
    history::{Notified, Role},
    linearize::Operation,
    spec::{Op, Outcome, Reason as ModelReason},
};

use crate::{
    recording::{LastResortSeen, Observed, Recorded, Seen},
    vector::{Step, Vector, expect::Reason},
};

pub(super) use crate::translation::Names;

impl Names<'_> {
    /// The operation as the model knows it; `None` if it changes nothing that the model knows, or says nothing.
    pub(super) fn operation(
        &self,
        step: &Step,
        recorded: &Recorded,
        pairs: &[(&Step, &Recorded)],
    ) -> Option<Operation> {
        let vector = self.vector;
        if step.restore.is_some() {
            return Some(fenced(recorded));
        }
        let op = self.op(step)?;
        if let Some(stock) = &step.stock {
            // A vector asks for one suite; the model answers for all that a client ever had, which must be this one.
            let owner = vector.client(stock.of.as_ref().unwrap_or(&stock.by));
            let mut of_owner = vector.key_packages.values().filter(|recipe| vector.client(&recipe.client) == owner);
            if stock.cipher_suite != 1 || of_owner.any(|recipe| recipe.cipher_suite != 1) {
                return None;
            }
        }
        let (outcome, returned) = match &recorded.observed {
            // Of a suite of which there never was anything, a server says zero or nothing.
            Observed::Ok(Seen::Stock { regular: Some(0), last_resort: LastResortSeen::None, .. })
                if !self.published_before(&op, recorded, pairs) =>
            {
                return None;
            }
            Observed::Lost => (None, None),
            Observed::Ok(seen) => match self.outcome(&op, seen) {
                Some(outcome) => (Some(outcome), Some(micros(recorded.answered))),
                // A server may leave out how many there were: it was done all the same.
                None if matches!(op, Op::Replace { .. } | Op::RemoveClient { .. }) => (None, None),
                None => return None,
            },
            // A publication that a restore forgot comes again before the fence, and the judge's fence forgets nothing.
            Observed::Refused(Reason::BeforeFence) if restores(vector) => (None, None),
            Observed::Refused(reason) => {
                let reason = model_reason(vector, step, *reason)?;
                (Some(Outcome::Refused(reason)), Some(micros(recorded.answered)))
            }
            Observed::Unexpected(_) => return None,
        };
        Some(Operation { op, outcome, invoked: micros(recorded.sent), returned })
    }
}

impl Names<'_> {
    /// Whether it is sure that the client whose stock is asked for had published something by then.
    fn published_before(&self, stock: &Op, recorded: &Recorded, pairs: &[(&Step, &Recorded)]) -> bool {
        let Op::Stock { client } = stock else { return false };
        pairs.iter().any(|(step, published)| {
            let done = matches!(published.observed, Observed::Ok(_)) && published.answered <= recorded.sent;
            let of = self.op(step).and_then(|op| match op {
                Op::Publish { client, .. } | Op::Replace { client, .. } => Some(client),
                _ => None,
            });
            done && of == Some(*client)
        })
    }
}

/// A restore, as whoever asks sees it: what was available is so no more, and what was granted stays so. What the backup
/// did not know of is fenced off with the rest, so that it makes no difference when it was made. The memory of idempotency
/// keys, notifications, keys and blocks does go back: no vector with a restore asks for them in or after a race (lint).
fn fenced(recorded: &Recorded) -> Operation {
    let (invoked, returned) = (micros(recorded.sent), Some(micros(recorded.answered)));
    Operation { op: Op::Fence, outcome: Some(Outcome::Done), invoked, returned }
}

/// Who was granted what, for servers whose notifications do not say so.
pub(super) struct Takers(Vec<(String, String)>);

impl Takers {
    pub(super) fn of(vector: &Vector, pairs: &[(&Step, &Recorded)]) -> Self {
        let grants = pairs.iter().flat_map(|(step, recorded)| {
            let by = step.claim.as_ref().and_then(|claim| vector.client(&claim.by));
            let clients = match &recorded.observed {
                Observed::Ok(Seen::Claimed(clients)) => Some(clients.values()),
                _ => None,
            };
            let packages = clients.into_iter().flatten().filter_map(|client| client.key_package.clone());
            packages.filter_map(move |package| Some((package, by.clone()?.0)))
        });
        Self(grants.collect())
    }

    /// Somebody who got it and was not yet taken.
    fn take(&mut self, package: &str) -> Option<String> {
        let at = self.0.iter().position(|(granted, _)| granted == package)?;
        Some(self.0.swap_remove(at).1)
    }
}

impl Names<'_> {
    /// A reading of a whole feed. Its cursors are the server's own, so that it is numbered by the order in which it is read.
    pub(super) fn reading(&self, step: &Step, recorded: &Recorded, takers: &mut Takers) -> Option<Operation> {
        let feed = step.notifications.as_ref()?;
        let client = self.client(feed.of.as_ref().unwrap_or(&feed.by))?;
        let Observed::Ok(Seen::Notifications(notifications)) = &recorded.observed else { return None };
        let told = notifications.iter().zip(1..).map(|(seen, sequence)| {
            let recipe = self.vector.key_packages.get(seen.key_package.split('#').next().unwrap_or_default());
            let last_resort = recipe.is_some_and(|recipe| recipe.last_resort);
            let requester = seen.requester.clone().or_else(|| takers.take(&seen.key_package));
            Notified {
                client,
                sequence,
                package: self.package_or_none(&seen.key_package),
                role: if last_resort { Role::LastResort } else { Role::Regular },
                requester: requester.map_or(Self::NOBODY, |requester| self.requester(&requester)),
                first_use: true,
                remaining: 0,
                low: false,
                drain: None,
            }
        });
        let outcome = Some(Outcome::Notifications(told.collect()));
        let (invoked, returned) = (micros(recorded.sent), Some(micros(recorded.answered)));
        Some(Operation { op: Op::Notifications { client, after: 0 }, outcome, invoked, returned })
    }

    /// Notifications that are let go, as many as may be.
    pub(super) fn letting_go(&self, step: &Step, recorded: &Recorded) -> Option<Operation> {
        let client = self.client(&step.acknowledge.as_ref()?.by)?;
        let op = Op::Acknowledge { client, through: 0 };
        Some(Operation { op, outcome: None, invoked: micros(recorded.sent), returned: None })
    }
}

/// The model's word for a refusal; `None` for refusals that change nothing and are not the model's.
pub(crate) fn model_reason(vector: &Vector, step: &Step, reason: Reason) -> Option<ModelReason> {
    Some(match reason {
        // Who is shut out should not be told so (`CLAIM-UNIFORM`); if it is, that still was no grant.
        Reason::Forbidden if step.claim.is_some() && blocks(vector) => ModelReason::UnknownUser,
        // A server without finer words refuses a replayed publication so; nothing else is refused in a race.
        Reason::AlreadyUsed | Reason::Invalid => ModelReason::AlreadyUsed,
        Reason::InitKeyReused => ModelReason::InitKeyReused,
        Reason::RoleConflict => ModelReason::RoleConflict,
        Reason::SignerNotListed => ModelReason::SignerNotListed,
        Reason::TwoLastResorts => ModelReason::TwoLastResorts,
        Reason::IdempotencyMismatch => ModelReason::IdempotencyMismatch,
        Reason::UnknownUser => ModelReason::UnknownUser,
        Reason::UnknownClient => ModelReason::UnknownClient,
        Reason::KeyTaken => ModelReason::KeyTaken,
        Reason::UnknownKey => ModelReason::UnknownKey,
        Reason::KeyEnded => ModelReason::KeyEnded,
        Reason::BeforeFence => ModelReason::BeforeFence,
        Reason::ExpiryNotForward => ModelReason::ExpiryNotForward,
        _ => return None,
    })
}

fn restores(vector: &Vector) -> bool {
    vector.all_steps().any(|(_, step)| step.restore.is_some())
}

fn blocks(vector: &Vector) -> bool {
    vector.all_steps().any(|(_, step)| step.block.is_some())
}

fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
