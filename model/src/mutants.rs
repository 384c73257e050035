//! Systems that break one rule each, so that we know the rule is really checked.
//!
//! A mutant is one lie of a replica: about what has happened, what was asked, what it writes or says, or whether the
//! version has moved. Everything else is the correct system.

mod lies;
#[cfg(test)]
mod tests;

use crate::{
    history::{Claim, Event, State},
    spec::{Op, Outcome},
};

/// A directory with one fault.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// Its name.
    pub name: &'static str,
    /// The rule that it breaks.
    pub breaks: &'static str,
    /// What it does wrong.
    pub says: &'static str,
    /// Public reports of directories that did the like.
    pub seen_in: &'static [&'static str],
    /// The scenario that shows it.
    pub scenario: &'static str,
    pub(crate) lie: Lie,
}

/// What a replica gets wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lie {
    /// It decides on another log than the one that it loaded.
    Believes(fn(&Op, Vec<Event>) -> Vec<Event>),
    /// It decides on another claim than the one that was asked.
    Hears(fn(&mut Claim)),
    /// It answers something else than it decided, given what it appends.
    Says(fn(Outcome, &[Event]) -> Outcome),
    /// It appends something else than it decided.
    Writes(fn(&State, &Op, &Outcome, Vec<Event>) -> Vec<Event>),
    /// It appends these events in a step of their own, after the answer.
    WritesLater(fn(&Event) -> bool),
    /// It appends although the version has moved.
    Overrules(fn(&Op, &Outcome) -> bool),
    /// Where the version has moved, it does not load again, but decides at once on this log.
    OnConflict(fn(&Op, Vec<Event>) -> Vec<Event>),
}

/// The mutant of this name.
#[must_use]
pub fn mutant(name: &str) -> Option<&'static Mutant> {
    MUTANTS.iter().find(|mutant| mutant.name == name)
}

macro_rules! mutants {
    ($(
        $name:literal in $scenario:literal breaks $rule:literal:
            $says:literal, $lie:expr $(, seen in $($seen:literal)+)?;
    )*) => {
        /// All mutants, in the order of the rules that they break.
        pub const MUTANTS: &[Mutant] = &[$(Mutant {
            name: $name,
            breaks: $rule,
            says: $says,
            seen_in: &[$($($seen),+)?],
            scenario: $scenario,
            lie: $lie,
        }),*];
    };
}

mutants! {
    "forgets-init-keys" in "publications" breaks "PUB-FRESH":
        "It forgets the init key of a package once that is used.",
        Lie::Believes(lies::without_used_packages_of_others);
    "revives-republished" in "race" breaks "PUB-RETRY":
        "A used package that is published again becomes available again.",
        Lie::Believes(lies::without_used_packages),
        seen in "https://github.com/matrix-org/matrix-spec/issues/1124";
    "refuses-republished" in "race" breaks "PUB-RETRY":
        "Publishing again what is still available is refused as already used.",
        Lie::Says(lies::refuse_what_changes_nothing);
    "one-role-at-a-time" in "publications" breaks "PUB-ONE-ROLE":
        "Init keys are compared among regular packages, and among last resorts, but not across.",
        Lie::Believes(lies::without_the_other_role);
    "stores-before-refusing" in "publications" breaks "PUB-ATOMIC":
        "What is new in a refused publication is stored.",
        Lie::Writes(lies::store_what_is_new);
    "keeps-claimed" in "race" breaks "CLAIM-ONCE":
        "A granted package stays available for other claims.",
        Lie::Believes(lies::without_other_claims);
    "appends-without-version" in "race" breaks "CLAIM-ONCE":
        "It appends without looking whether the log has grown since it was loaded.",
        Lie::Overrules(|_, _| true),
        seen in "https://github.com/phnx-im/air/pull/1396";
    "shares-claim-keys" in "race" breaks "CLAIM-ONCE":
        "A claim key of one requester finds the answer that another requester got under the same key.",
        Lie::Believes(lies::with_any_requesters_key);
    "mixes-up-clients" in "clients" breaks "CLAIM-BYTES":
        "The packages of all clients of a user are in one pool.",
        Lie::Believes(lies::with_one_pool);
    "answers-before-recording" in "race" breaks "CLAIM-DURABLE":
        "A claim is answered first and recorded later.",
        Lie::WritesLater(lies::of_a_claim);
    "forgets-claim-keys" in "race" breaks "CLAIM-RETRY":
        "A repeated claim is taken for a new one.",
        Lie::Believes(lies::without_claim_keys);
    "leaves-expiry-to-a-cleaner" in "endings" breaks "CLAIM-LIVE":
        "A claim does not look at the lifetime of packages.",
        Lie::Believes(lies::without_time),
        seen in "https://github.com/wireapp/wire-server/pull/2582";
    "ignores-suites" in "clients" breaks "CLAIM-COMPATIBLE":
        "A claim is given a package of any suite.",
        Lie::Hears(|claim| claim.suites.clear());
    "claims-from-one-client" in "clients" breaks "CLAIM-EACH-CLIENT":
        "Only one of a user's clients is asked for a package.",
        Lie::Believes(lies::with_the_first_client);
    "claims-from-oneself" in "clients" breaks "CLAIM-NOT-SELF":
        "A user's claim for itself takes a package of the claiming client, too.",
        Lie::Hears(|claim| claim.requester_client = None),
        seen in "https://github.com/wireapp/wire-server/pull/2287";
    "prefers-last-resort" in "race" breaks "LAST-ONLY-WHEN-EXHAUSTED":
        "The last resort is granted while regular packages are left.",
        Lie::Believes(lies::without_regular_beside_last_resort);
    "contention-looks-exhausted" in "race" breaks "LAST-ONLY-WHEN-EXHAUSTED":
        "A claim that meets another one takes the last resort, or nothing, instead of trying again.",
        Lie::OnConflict(lies::without_regular);
    "last-resort-without-version" in "replacement" breaks "LAST-ONLY-WHEN-EXHAUSTED":
        "Since nothing is consumed, a last resort is granted without looking whether the log has grown.",
        Lie::Overrules(lies::grants_no_regular);
    "consumes-last-resort" in "race" breaks "LAST-KEPT":
        "The last resort is gone after its first grant.",
        Lie::Believes(lies::with_last_resort_consumed),
        seen in "https://github.com/matrix-construct/tuwunel/pull/511";
    "ignores-refused-last-resort" in "clients" breaks "LAST-TOLD":
        "The last resort is granted to one who refuses it.",
        Lie::Hears(|claim| claim.last_resort_accepted = true);
    "clears-used" in "replacement" breaks "LAST-USED-STICKS":
        "Publishing the same last resort again makes it look unused.",
        Lie::Writes(lies::store_last_resort_again),
        seen in "https://github.com/matrix-org/synapse/pull/11382";
    "keeps-replaced-last-resort" in "replacement" breaks "LAST-REPLACED-WHOLE":
        "The first last resort is granted for ever, whatever was published later.",
        Lie::Believes(lies::with_the_first_last_resort);
    "notifies-later" in "race" breaks "NOTE-EVERY-GRANT":
        "The notification is written in a step of its own, after the answer.",
        Lie::WritesLater(|event| matches!(event, Event::Notified(_)));
    "no-note-for-last-resort" in "race" breaks "NOTE-EVERY-GRANT":
        "The grant of a last resort, which consumes nothing, makes no notification.",
        Lie::Writes(lies::no_note_for_last_resort),
        seen in "https://github.com/matrix-org/sliding-sync/pull/390";
    "notifies-repetitions" in "race" breaks "NOTE-EVERY-GRANT":
        "A repeated claim gets the same answer, and the owner another notification.",
        Lie::Writes(lies::note_again);
    "names-nobody" in "race" breaks "NOTE-NAMES-REQUESTER":
        "The notification does not name who claimed.",
        Lie::Writes(lies::name_nobody);
    "drops-read-notifications" in "notifications" breaks "NOTE-SURVIVES":
        "What was read once is gone, though it was never acknowledged.",
        Lie::Writes(lies::acknowledge_by_reading);
    "acknowledges-everything" in "notifications" breaks "NOTE-SURVIVES":
        "An acknowledgement lets go of all notifications, also of those that came later.",
        Lie::Writes(lies::acknowledge_all);
    "restarts-sequence" in "notifications" breaks "NOTE-SURVIVES":
        "Notifications are numbered among those that are unread, so that a number comes twice.",
        Lie::Writes(lies::number_among_unread);
    "ignores-removed-keys" in "endings" breaks "KEY-CASCADE":
        "A claim does not look whether the package's signature key is still listed.",
        Lie::Believes(lies::without_removals);
    "forgets-withdrawals" in "endings" breaks "LIFE-TERMINAL":
        "A withdrawn package is granted.",
        Lie::Believes(lies::without_withdrawals);
    "withdraws-what-is-granted" in "endings" breaks "LIFE-WITHDRAW-RACE":
        "A withdrawal that came too late says that it was in time.",
        Lie::Says(lies::always_in_time);
    "withdraws-without-version" in "endings" breaks "LIFE-WITHDRAW-RACE":
        "A withdrawal is written without looking whether a claim was first.",
        Lie::Overrules(|op, _| matches!(op, Op::Withdraw { .. }));
}
