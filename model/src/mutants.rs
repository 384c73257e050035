//! Systems that break one rule each, so that we know the rule is really checked.
//!
//! A mutant is one lie of a replica: about what has happened, what was asked, what it writes or says, or whether the
//! version has moved. Everything else is the correct system.

mod deeds;
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
    /// It decides on the log that it loaded, or on another one, as it happens.
    Wavers(fn(&Op, Vec<Event>) -> Vec<Event>),
    /// It never answers.
    Hangs(fn(&State, &Op) -> bool),
}

impl Mutant {
    /// Whether it goes wrong only where two things happen at once, or something happens between an answer and what
    /// should have come before it.
    #[must_use]
    pub fn only_in_a_race(&self) -> bool {
        matches!(self.lie, Lie::Overrules(_) | Lie::OnConflict(_) | Lie::WritesLater(_))
    }
}

/// The mutant of this name.
#[must_use]
pub fn mutant(name: &str) -> Option<&'static Mutant> {
    MUTANTS.iter().find(|mutant| mutant.name == name)
}

macro_rules! mutants {
    ($(#[$doc:meta])* $table:ident: $(
        $name:literal in $scenario:literal breaks $rule:literal:
            $says:literal, $lie:expr $(, seen in $($seen:literal)+)?;
    )*) => {
        $(#[$doc])*
        pub const $table: &[Mutant] = &[$(Mutant {
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
    /// All mutants that break a rule, in the order of the rules.
    MUTANTS:
    "forgets-init-keys" in "publications" breaks "PUB-FRESH":
        "It forgets the init key of a package once that is used.",
        Lie::Believes(lies::without_used_packages_of_others);
    "compares-init-keys-in-one-batch" in "publications" breaks "PUB-FRESH":
        "Init keys are compared within one publication, but not with those of earlier ones.",
        Lie::Believes(lies::without_packages_of_others);
    "revives-republished" in "race" breaks "PUB-RETRY":
        "A used package that is published again becomes available again.",
        Lie::Believes(lies::without_used_packages),
        seen in "https://github.com/matrix-org/matrix-spec/issues/1124";
    "refuses-republished" in "race" breaks "PUB-RETRY":
        "Publishing again what is still available is refused as already used.",
        Lie::Says(deeds::refuse_what_changes_nothing);
    "one-role-at-a-time" in "publications" breaks "PUB-ONE-ROLE":
        "Init keys are compared among regular packages, and among last resorts, but not across.",
        Lie::Believes(lies::without_the_other_role);
    "stores-before-refusing" in "publications" breaks "PUB-ATOMIC":
        "What is new in a refused publication is stored.",
        Lie::Writes(deeds::store_what_is_new);
    "answers-before-storing" in "publications" breaks "PUB-ATOMIC":
        "A publication is answered first and stored later.",
        Lie::WritesLater(|event| matches!(event, Event::Published(_)));
    "keeps-claimed" in "race" breaks "CLAIM-ONCE":
        "A granted package stays available for other claims.",
        Lie::Believes(lies::without_other_claims),
        seen in "https://github.com/guardyn/guardyn/issues/246";
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
        Lie::WritesLater(deeds::of_a_claim);
    "forgets-claim-keys" in "race" breaks "CLAIM-RETRY":
        "A repeated claim is taken for a new one.",
        Lie::Believes(lies::without_claim_keys);
    "remembers-only-grants" in "race" breaks "CLAIM-RETRY":
        "A claim that got nothing is taken for a new one when it is repeated.",
        Lie::Believes(lies::without_keys_of_empty_answers);
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
    "leaves-out-empty-clients" in "clients" breaks "CLAIM-EACH-CLIENT":
        "A client that has no regular package left is not in the answer.",
        Lie::Believes(lies::without_clients_without_stock);
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
    "stays-with-last-resort" in "replacement" breaks "LAST-ONLY-WHEN-EXHAUSTED":
        "Once a last resort was granted, it is granted for ever, whatever is published.",
        Lie::Believes(lies::without_regular_after_last_resort);
    "last-resort-without-version" in "replacement" breaks "LAST-ONLY-WHEN-EXHAUSTED":
        "Since nothing is consumed, a last resort is granted without looking whether the log has grown.",
        Lie::Overrules(deeds::grants_no_regular);
    "consumes-last-resort" in "race" breaks "LAST-KEPT":
        "The last resort is gone after its first grant.",
        Lie::Believes(lies::with_last_resort_consumed),
        seen in "https://github.com/matrix-construct/tuwunel/pull/511";
    "contended-last-resort-looks-gone" in "race" breaks "LAST-KEPT":
        "A claim that meets another one at the last resort finds it locked, and gets nothing.",
        Lie::OnConflict(lies::without_any_package);
    "ignores-refused-last-resort" in "clients" breaks "LAST-TOLD":
        "The last resort is granted to one who refuses it.",
        Lie::Hears(|claim| claim.last_resort_accepted = true);
    "does-not-see-the-mark" in "race" breaks "LAST-TOLD":
        "A claim does not look at the mark of a last resort, and takes it for a regular package.",
        Lie::Believes(lies::without_marks);
    "clears-used" in "replacement" breaks "LAST-USED-STICKS":
        "Publishing the same last resort again makes it look unused.",
        Lie::Writes(deeds::store_last_resort_again),
        seen in "https://github.com/matrix-org/synapse/pull/11382";
    "keeps-replaced-last-resort" in "replacement" breaks "LAST-REPLACED-WHOLE":
        "The first last resort is granted for ever, whatever was published later.",
        Lie::Believes(lies::with_the_first_last_resort);
    "notifies-later" in "race" breaks "NOTE-EVERY-GRANT":
        "The notification is written in a step of its own, after the answer.",
        Lie::WritesLater(|event| matches!(event, Event::Notified(_)));
    "no-note-for-last-resort" in "race" breaks "NOTE-EVERY-GRANT":
        "The grant of a last resort, which consumes nothing, makes no notification.",
        Lie::Writes(deeds::no_note_for_last_resort),
        seen in "https://github.com/matrix-org/sliding-sync/pull/390";
    "notifies-one-client" in "clients" breaks "NOTE-EVERY-GRANT":
        "Of all clients that gave a package to one claim, only the first is notified.",
        Lie::Writes(deeds::note_one_client);
    "notifies-repetitions" in "race" breaks "NOTE-EVERY-GRANT":
        "A repeated claim gets the same answer, and the owner another notification.",
        Lie::Writes(deeds::note_again);
    "names-nobody" in "race" breaks "NOTE-NAMES-REQUESTER":
        "The notification does not name who claimed.",
        Lie::Writes(deeds::name_nobody);
    "drops-read-notifications" in "notifications" breaks "NOTE-SURVIVES":
        "What was read once is gone, though it was never acknowledged.",
        Lie::Writes(deeds::acknowledge_by_reading);
    "reads-newest-first" in "notifications" breaks "NOTE-SURVIVES":
        "Notifications are read from the newest to the oldest, so that the last one read is not the last.",
        Lie::Says(deeds::newest_first);
    "acknowledges-everything" in "notifications" breaks "NOTE-SURVIVES":
        "An acknowledgement lets go of all notifications, also of those that came later.",
        Lie::Writes(deeds::acknowledge_all);
    "restarts-sequence" in "notifications" breaks "NOTE-SURVIVES":
        "Notifications are numbered among those that are unread, so that a number comes twice.",
        Lie::Writes(deeds::number_among_unread);
    "ignores-removed-keys" in "endings" breaks "KEY-CASCADE":
        "A claim does not look whether the package's signature key is still listed.",
        Lie::Believes(lies::without_removals);
    "claims-without-version" in "endings" breaks "KEY-CASCADE":
        "A claim that was in flight when a key was removed is granted what that key signed.",
        Lie::Overrules(|op, _| matches!(op, Op::Claim(_)));
    "forgets-withdrawals" in "endings" breaks "LIFE-TERMINAL":
        "A withdrawn package is granted.",
        Lie::Believes(lies::without_withdrawals);
    "withdraws-what-is-granted" in "endings" breaks "LIFE-WITHDRAW-RACE":
        "A withdrawal that came too late says that it was in time.",
        Lie::Says(deeds::always_in_time);
    "withdraws-without-version" in "endings" breaks "LIFE-WITHDRAW-RACE":
        "A withdrawal is written without looking whether a claim was first.",
        Lie::Overrules(|op, _| matches!(op, Op::Withdraw { .. }));
}

mutants! {
    /// Mutants that break an obligation: what they owe is never paid, whatever the owner does.
    STALLING:
    "is-not-woken-by-claims" in "notifications" breaks "GRANT-IS-TOLD":
        "A read of notifications waits for the next publication, and no claim wakes it.",
        Lie::Hangs(deeds::waits_for_a_publication),
        seen in "https://github.com/element-hq/synapse/issues/17474";
    "reads-from-a-cache" in "notifications" breaks "GRANT-IS-TOLD":
        "A read of notifications is answered from what was there before the first of them.",
        Lie::Believes(lies::before_the_first_notification);
    "sometimes-reads-from-a-cache" in "notifications" breaks "GRANT-IS-TOLD":
        "One worker of several answers reads of notifications from what was there before the first of them.",
        Lie::Wavers(lies::before_the_first_notification);
    "keeps-a-used-last-resort" in "rotation" breaks "USED-LAST-RESORT-IS-REPLACED":
        "A new last resort is accepted and dropped while the old one is there.",
        Lie::Writes(deeds::drop_a_second_last_resort);
    "stores-last-resorts-as-regular" in "rotation" breaks "USED-LAST-RESORT-IS-REPLACED":
        "A last resort beside another one is stored as a regular package.",
        Lie::Writes(deeds::store_as_regular);
    "counts-what-was-granted" in "refill" breaks "STOCK-COMES-BACK":
        "What was granted still counts as stock, so that the stock is full for ever.",
        Lie::Believes(lies::without_claims_for_publications);
}
