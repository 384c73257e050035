//! The rules as predicates on whole histories, each with the witness that its premise was reached.
//!
//! A rule fires on what a history proves and stays silent on what it leaves open, so the same rules judge the model's
//! states, a directory's log, and what clients saw of a server.

mod claiming;
mod history;
mod keys;
mod last_resort;
mod life;
mod limits;
mod notifying;
mod owner;
mod publishing;
mod restarts;
mod shared;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::spec::Refusal;

pub use history::{Answers, History, Request};
pub(crate) use notifying::same_number;
pub use shared::Shared;

/// A rule that a history can be judged by.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its identifier in the catalogue.
    pub id: &'static str,
    /// The name of the property that its premise is reached.
    pub witness: &'static str,
    /// How the history breaks it: one sentence with both sides, if it does.
    pub broken: fn(&History) -> Option<String>,
    /// Whether the history reaches its premise, without which it would hold for want of an occasion.
    pub exercised: fn(&History) -> bool,
}

macro_rules! rule {
    ($id:literal, $broken:path, $exercised:path) => {
        Rule { id: $id, witness: concat!($id, " exercised"), broken: $broken, exercised: $exercised }
    };
}

/// All rules on histories, in the order of the catalogue.
pub const RULES: &[Rule] = &[
    rule!("PUB-SIGNER-LISTED", publishing::signer_not_listed, publishing::signer_refused),
    rule!("PUB-LIFETIME", publishing::outside_lifetime, publishing::lifetime_refused),
    rule!("PUB-FRESH", publishing::init_key_reused, publishing::init_key_refused),
    rule!("PUB-RETRY", publishing::published_twice, publishing::published_again),
    rule!("PUB-ONE-ROLE", publishing::two_roles, publishing::second_role_refused),
    rule!("PUB-ATOMIC", publishing::stored_in_part, publishing::refused_with_something_new),
    rule!("PUB-LIMITS", publishing::over_the_limit, publishing::limit_refused),
    rule!("CLAIM-ONCE", claiming::granted_twice, claiming::claimed_after_grant),
    rule!("CLAIM-BYTES", claiming::not_published, claiming::two_clients_gave),
    rule!("CLAIM-DURABLE", claiming::answered_unrecorded, claiming::granted),
    rule!("CLAIM-RETRY", claiming::answered_differently, claiming::keyed_then_another),
    rule!("CLAIM-LIVE", claiming::not_valid, claiming::claimed_beside_expired),
    rule!("CLAIM-COMPATIBLE", claiming::wrong_kind, claiming::claimed_beside_other_kind),
    rule!("CLAIM-EACH-CLIENT", claiming::wrong_clients, claiming::two_clients_answered),
    rule!("CLAIM-MINIMUM", claiming::more_than_answered, claiming::granted_beside_another),
    rule!("CLAIM-NOT-SELF", claiming::own_touched, claiming::claimed_by_own_client),
    rule!("CLAIM-SELECTION", claiming::out_of_order, claiming::granted_beside_a_later_one),
    rule!("CLAIM-REFUSAL-FREE", limits::refused_and_recorded, limits::refused_beside_stock),
    rule!("CLAIM-UNSAFE", owner::taken_by_a_read, owner::read_beside_stock),
    rule!("CLAIM-UNIFORM", limits::told_apart, limits::unknown_and_blocked),
    rule!("LAST-ONLY-WHEN-EXHAUSTED", last_resort::too_early, last_resort::after_regular),
    rule!("LAST-KEPT", last_resort::gone, last_resort::granted_to_several),
    rule!("LAST-ONE-PER-SUITE", last_resort::two_in_a_batch, last_resort::second_refused),
    rule!("LAST-TOLD", last_resort::not_told, last_resort::not_accepted),
    rule!("LAST-USED-STICKS", last_resort::first_again, last_resort::used_again),
    rule!("LAST-REPLACED-WHOLE", last_resort::old_one, last_resort::replaced),
    rule!("LAST-SAME-CHECKS", last_resort::not_live, last_resort::claimed_beside_a_dead_one),
    rule!("NOTE-EVERY-GRANT", notifying::unequal, notifying::both_roles_told),
    rule!("NOTE-NAMES-REQUESTER", notifying::another_named, notifying::two_requesters_told),
    rule!("NOTE-SURVIVES", notifying::lost, notifying::read_and_acknowledged_in_part),
    rule!("NOTE-ZERO", owner::miscounted, owner::counted_zero),
    rule!("NOTE-RECONCILE", owner::misreported, owner::several_standings_reported),
    rule!("NOTE-LOW-WATER", owner::not_called_low, owner::became_low),
    rule!("NOTE-DRAIN", notifying::drain_told_wrongly, notifying::told_once_of_several),
    rule!("RATE-REQUESTER", limits::too_many_of_one, limits::limited_by_its_own),
    rule!("RATE-SERVER", limits::too_many_of_a_server, limits::limited_by_the_server),
    rule!("RATE-PAIR", limits::too_many_of_a_pair, limits::limited_by_the_pair),
    rule!("RATE-ISOLATED", limits::limited_by_others, limits::limited_beside_another),
    rule!("RATE-RETRY-AFTER", limits::told_a_wrong_time, limits::answered_after_the_wait),
    rule!("RATE-DURABLE", restarts::limit_forgotten, restarts::limited_after_a_crash),
    rule!("BLOCK-REQUESTER", limits::blocked_got_something, limits::blocked_beside_stock),
    rule!("KEY-LIST", keys::listed_wrongly, keys::listed_after_an_end),
    rule!("KEY-UNIQUE", keys::listed_twice, keys::second_refused),
    rule!("KEY-EXPIRY-FORWARD", keys::moved_back, keys::moved_and_refused),
    rule!("KEY-NO-REVIVE", keys::revived, keys::revival_refused),
    rule!("KEY-CASCADE", life::signer_ended, life::claimed_beside_ended_signer),
    rule!("KEY-HISTORY", keys::past_rewritten, keys::both_ends_told),
    rule!("KEY-VERIFY", keys::vouched_wrongly, keys::vouched_and_not),
    rule!("LIFE-TERMINAL", life::granted_and_withdrawn, life::claimed_beside_withdrawn),
    rule!("LIFE-WITHDRAW-RACE", life::told_wrongly, life::withdrawal_lost),
    rule!("LIFE-TOMBSTONE", life::forgotten_early, life::forgotten_beside_used),
    rule!("LIFE-RESTART", restarts::acknowledged_and_lost, restarts::granted_and_crashed),
    rule!("LIFE-RESTORE", restarts::granted_across_a_restore, restarts::claimed_after_a_restore),
    rule!("LIFE-REMOVE-CLIENT", keys::client_left_behind, keys::client_removed_with_all),
    rule!("LIFE-NO-EARLY-GC", life::collected_early, life::collected_beside_available),
];

/// The rule of this name.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

/// Every rule that the model can name: by judging a history, or by refusing an outcome.
#[must_use]
pub fn named() -> BTreeSet<&'static str> {
    RULES.iter().map(|rule| rule.id).chain(Refusal::RULES.iter().copied()).collect()
}
