//! A round of a race in the terms of the model, with the times at which its clients saw it.

use kpd_model::{
    linearize::Operation,
    spec::{Outcome, Reason as ModelReason},
};

use crate::{
    recording::{Observed, Recorded},
    vector::{Step, Vector, expect::Reason},
};

pub(super) use crate::translation::Names;

impl Names<'_> {
    /// The operation as the model knows it; `None` if it changes nothing that the model knows.
    pub(super) fn operation(&self, step: &Step, recorded: &Recorded) -> Option<Operation> {
        let vector = self.vector;
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
            Observed::Lost => (None, None),
            Observed::Ok(seen) => (Some(self.outcome(&op, seen)?), Some(micros(recorded.answered))),
            Observed::Refused(reason) => {
                let reason = model_reason(vector, step, *reason)?;
                (Some(Outcome::Refused(reason)), Some(micros(recorded.answered)))
            }
            Observed::Unexpected(_) => return None,
        };
        Some(Operation { op, outcome, invoked: micros(recorded.sent), returned })
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
        Reason::ExpiryNotForward => ModelReason::ExpiryNotForward,
        _ => return None,
    })
}

fn blocks(vector: &Vector) -> bool {
    vector.all_steps().any(|(_, step)| step.block.is_some())
}

fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
