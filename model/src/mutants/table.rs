//! All mutants: the name, the family that shows it, the rule that it breaks, one sentence, the lie, public reports.

use crate::{
    history::Event,
    mutants::{Lie, Mutant, deeds, lies},
    spec::{Op, Reason},
};

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
            family: $scenario,
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
    "withdraws-before-it-validates" in "replace" breaks "PUB-ATOMIC":
        "A replacement takes away what is there before it looks at what is to come.",
        Lie::Writes(deeds::withdraw_before_validating),
        seen in "https://github.com/wireapp/wire-server/pull/3654";
    "takes-dead-lifetimes" in "refusals" breaks "PUB-LIFETIME":
        "A package that has ended is stored.",
        Lie::Accepts(|_, _, reason| reason == Reason::Expired),
        seen in "https://github.com/wireapp/wire-server/pull/2582";
    "takes-any-signer" in "refusals" breaks "PUB-SIGNER-LISTED":
        "Nobody looks whether the key that signed a package is on its owner's list.",
        Lie::Accepts(|_, _, reason| reason == Reason::SignerNotListed),
        seen in "https://github.com/wireapp/wire-server/pull/2692";
    "has-no-limits" in "refusals" breaks "PUB-LIMITS":
        "Any number of packages is stored.",
        Lie::Accepts(|_, _, reason| matches!(reason, Reason::BatchTooLarge | Reason::StockFull)),
        seen in "https://github.com/element-hq/synapse/pull/20162";
    "takes-two-last-resorts" in "refusals" breaks "LAST-ONE-PER-SUITE":
        "Two last resorts of one suite in one batch are stored.",
        Lie::Accepts(|_, _, reason| reason == Reason::TwoLastResorts);
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
    "grants-a-refused-duplicate" in "limits" breaks "CLAIM-RETRY":
        "A claim that was refused by a limit is granted when it comes once more later, though nobody waits for it.",
        Lie::Writes(deeds::forget_refusals);
    "leaves-expiry-to-a-cleaner" in "endings" breaks "CLAIM-LIVE":
        "A claim does not look at the lifetime of packages.",
        Lie::Believes(lies::without_time),
        seen in "https://github.com/wireapp/wire-server/pull/2582";
    "ignores-suites" in "clients" breaks "CLAIM-COMPATIBLE":
        "A claim is given a package of any suite.",
        Lie::Hears(|claim| claim.suites.clear());
    "ignores-capabilities" in "capabilities" breaks "CLAIM-COMPATIBLE":
        "A claim is given a package that lacks a capability which the group requires.",
        Lie::Hears(|claim| claim.requires.clear());
    "claims-from-one-client" in "clients" breaks "CLAIM-EACH-CLIENT":
        "Only one of a user's clients is asked for a package.",
        Lie::Believes(lies::with_the_first_client);
    "leaves-out-empty-clients" in "clients" breaks "CLAIM-EACH-CLIENT":
        "A client that has no regular package left is not in the answer.",
        Lie::Believes(lies::without_clients_without_stock);
    "takes-two" in "clients" breaks "CLAIM-MINIMUM":
        "A claim takes two packages of a client, and answers with one.",
        Lie::Writes(deeds::take_one_more),
        seen in "https://github.com/element-hq/element-web/issues/24138";
    "claims-from-oneself" in "clients" breaks "CLAIM-NOT-SELF":
        "A user's claim for itself takes a package of the claiming client, too.",
        Lie::Hears(|claim| claim.requester_client = None),
        seen in "https://github.com/wireapp/wire-server/pull/2287";
    "orders-by-name" in "selection" breaks "CLAIM-SELECTION":
        "The order of upload is promised, and packages are granted in the order of their names, whenever they came.",
        Lie::Believes(lies::with_one_batch),
        seen in "https://github.com/element-hq/synapse/pull/17903";
    "spends-before-it-refuses" in "limits" breaks "CLAIM-REFUSAL-FREE":
        "The limit is looked at when the package is spent already.",
        Lie::Writes(deeds::spend_before_refusing);
    "purges-on-count" in "reading" breaks "CLAIM-UNSAFE":
        "Asking how much is left takes a package away.",
        Lie::Writes(deeds::purge_on_count);
    "tells-blocked-apart" in "blocks" breaks "CLAIM-UNIFORM":
        "Who is shut out is told so, in another way than who asks for nobody.",
        Lie::Says(deeds::tell_blocked_apart);
    "prefers-last-resort" in "race" breaks "LAST-ONLY-WHEN-EXHAUSTED":
        "The last resort is granted while regular packages are left.",
        Lie::Believes(lies::without_regular_beside_last_resort);
    "contention-looks-exhausted" in "race" breaks "LAST-ONLY-WHEN-EXHAUSTED":
        "A claim that meets another one takes the last resort, or nothing, instead of trying again.",
        Lie::OnConflict(|op, _, log| lies::without_regular(op, log));
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
    "one-last-resort-each" in "race" breaks "LAST-KEPT":
        "A requester that got the last resort once does not get it again.",
        Lie::Believes(lies::with_last_resort_given_once),
        seen in "https://github.com/matrix-construct/tuwunel/pull/511";
    "contended-last-resort-looks-gone" in "race" breaks "LAST-KEPT":
        "A claim that meets another one at the last resort finds it locked, and gets nothing.",
        Lie::OnConflict(|op, _, log| lies::without_any_package(op, log));
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
    "spares-last-resorts" in "keys" breaks "LAST-SAME-CHECKS":
        "A last resort is granted after the key that signed it has ended.",
        Lie::Believes(lies::with_last_resorts_for_ever);
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
    "restarts-sequences-after-a-restore" in "restored-feed" breaks "NOTE-SURVIVES":
        "After a restore the feed goes on with numbers that the owner has seen on other notifications.",
        Lie::Restores(deeds::withdraw_all);
    "leaves-out-zero" in "reading" breaks "NOTE-ZERO":
        "A suite of which nothing is left is left out of the count.",
        Lie::Says(deeds::leave_out_zero),
        seen in "https://github.com/matrix-org/synapse/pull/10485" "https://github.com/matrix-org/synapse/pull/10457";
    "counts-one-too-many" in "reading" breaks "NOTE-ZERO":
        "The count is one more than there are.",
        Lie::Says(deeds::count_one_more),
        seen in "https://github.com/element-hq/synapse/issues/10766";
    "reports-used-as-available" in "reading" breaks "NOTE-RECONCILE":
        "The owner's list of its packages does not tell those that were granted.",
        Lie::Says(deeds::report_available),
        seen in "https://github.com/element-hq/element-meta/issues/2406";
    "is-never-low" in "reading" breaks "NOTE-LOW-WATER":
        "A low stock is called low only when nothing is left to count.",
        Lie::Writes(deeds::never_low);
    "never-tells-drains" in "drain" breaks "NOTE-DRAIN":
        "No notification tells of a drain.",
        Lie::Writes(deeds::never_drained);
    "tells-every-drain" in "drain" breaks "NOTE-DRAIN":
        "Every grant beyond the share is told as a drain.",
        Lie::Believes(lies::without_told_drains);
    "takes-all-for-one" in "drain" breaks "NOTE-DRAIN":
        "What others have taken counts as taken by this requester.",
        Lie::Believes(lies::with_grants_to_one);
    "drains-for-ever" in "drain" breaks "NOTE-DRAIN":
        "What was taken before the window still counts.",
        Lie::Believes(lies::with_grants_just_now);
    "does-not-count-claims" in "limits" breaks "RATE-REQUESTER":
        "The claims of a requester are not counted.",
        Lie::Believes(lies::without_counts_of_requesters),
        seen in "https://github.com/element-hq/synapse/issues/3608";
    "does-not-count-servers" in "servers" breaks "RATE-SERVER":
        "The claims of one server's requesters are not counted together.",
        Lie::Believes(lies::without_counts_of_servers);
    "does-not-count-pairs" in "limits" breaks "RATE-PAIR":
        "The claims of a requester for one user are not counted.",
        Lie::Believes(lies::without_counts_of_pairs),
        seen in "https://github.com/element-hq/synapse/issues/3608";
    "reads-the-limit-too-early" in "limits" breaks "RATE-PAIR":
        "The limit is looked at once, and not again when another claim was counted meanwhile.",
        Lie::OnConflict(lies::with_counts_as_loaded);
    "limits-the-target" in "limits" breaks "RATE-ISOLATED":
        "All claims for a user count together, whoever makes them.",
        Lie::Believes(lies::with_counts_of_all),
        seen in "https://github.com/wireapp/wire-server/pull/3923";
    "counts-all-servers-together" in "servers" breaks "RATE-ISOLATED":
        "The claims of the requesters of all other servers count together.",
        Lie::Believes(lies::with_counts_of_all_servers);
    "tells-no-time" in "limits" breaks "RATE-RETRY-AFTER":
        "Who is refused by a limit is told to come back at once.",
        Lie::Says(deeds::tell_no_time);
    "counts-in-memory" in "crash" breaks "RATE-DURABLE":
        "What was counted is kept in memory, which a restart empties.",
        Lie::AfterCrash(lies::without_counts);
    "forgets-blocks" in "blocks" breaks "BLOCK-REQUESTER":
        "A claim does not look whether its requester is shut out.",
        Lie::Believes(lies::without_blocks);
    "grants-in-flight-to-the-blocked" in "blocks" breaks "BLOCK-REQUESTER":
        "A claim that was in flight when its requester was shut out is granted.",
        Lie::Overrules(|op, _| matches!(op, Op::Claim(_)));
    "lists-ended-keys" in "reading" breaks "KEY-LIST":
        "A key that has expired stays on the list.",
        Lie::Says(deeds::list_ended_keys);
    "takes-ended-keys-again" in "keys" breaks "KEY-UNIQUE":
        "A key that was listed before is listed once more.",
        Lie::Accepts(|_, _, reason| reason == Reason::KeyTaken);
    "moves-expiry-back" in "keys" breaks "KEY-EXPIRY-FORWARD":
        "The expiry of a key can be moved to any time.",
        Lie::Accepts(|_, _, reason| reason == Reason::ExpiryNotForward);
    "extends-ended-keys" in "keys" breaks "KEY-NO-REVIVE":
        "A key that has expired is extended, and is valid again.",
        Lie::Accepts(|_, _, reason| reason == Reason::KeyEnded);
    "ignores-removed-keys" in "endings" breaks "KEY-CASCADE":
        "A claim does not look whether the package's signature key is still listed.",
        Lie::Believes(lies::without_removals);
    "claims-without-version" in "endings" breaks "KEY-CASCADE":
        "A claim that was in flight when a key was removed is granted what that key signed.",
        Lie::Overrules(|op, _| matches!(op, Op::Claim(_)));
    "ignores-expiry-of-keys" in "keys" breaks "KEY-CASCADE":
        "A claim looks whether a key was removed, and not whether it has expired.",
        Lie::Believes(lies::without_expiry_of_keys),
        seen in "https://github.com/wireapp/kalium/pull/3994" "https://github.com/wireapp/wire-webapp/pull/20852";
    "calls-every-end-a-removal" in "keys" breaks "KEY-HISTORY":
        "Keys that have expired are told like keys that were removed.",
        Lie::Says(deeds::call_removed);
    "vouches-for-the-present" in "keys" breaks "KEY-VERIFY":
        "Whatever time is asked about, the answer is about now.",
        Lie::Asks(deeds::about_now);
    "forgets-withdrawals" in "endings" breaks "LIFE-TERMINAL":
        "A withdrawn package is granted.",
        Lie::Believes(lies::without_withdrawals);
    "withdraws-what-is-granted" in "endings" breaks "LIFE-WITHDRAW-RACE":
        "A withdrawal that came too late says that it was in time.",
        Lie::Says(deeds::always_in_time);
    "withdraws-without-version" in "endings" breaks "LIFE-WITHDRAW-RACE":
        "A withdrawal is written without looking whether a claim was first.",
        Lie::Overrules(|op, _| matches!(op, Op::Withdraw { .. }));
    "collects-used-early" in "collection" breaks "LIFE-TOMBSTONE":
        "What was granted is forgotten at once, as if it could not come again.",
        Lie::Writes(deeds::forget_used);
    "purges-by-age" in "collection" breaks "LIFE-NO-EARLY-GC":
        "What lay there for some time is dropped, though it is valid.",
        Lie::Writes(deeds::forget_old);
    "answers-before-it-is-on-disk" in "crash" breaks "LIFE-RESTART":
        "What is answered is written to the disk a little later, and a crash comes first.",
        Lie::WritesLater(|_| true),
        seen in "https://github.com/signalapp/Signal-Server/commit/aaa36fd";
    "restores-without-fence" in "restore" breaks "LIFE-RESTORE":
        "A backup is put back, and what was in it is granted once more.",
        Lie::Restores(|_| vec![]),
        seen in "https://github.com/element-hq/element-meta/issues/2155";
    "takes-lost-packages-again" in "restore" breaks "LIFE-RESTORE":
        "After a restore a late publication brings back what was granted in the lost part of history.",
        Lie::Believes(lies::without_fence);
    "fences-without-skew" in "restore" breaks "LIFE-RESTORE":
        "The fence lets pass what begins after it, though the skew had let that in before it as well.",
        Lie::Accepts(deeds::begins_after_the_fence);
    "removes-keys-only" in "removal" breaks "LIFE-REMOVE-CLIENT":
        "A removed client loses its keys, and what it published and was told stays behind.",
        Lie::Writes(deeds::remove_keys_only),
        seen in "https://github.com/matrix-org/dendrite/pull/2208" "https://github.com/signalapp/Signal-Server/commit/14863b5";
    "keeps-quiet-about-unread" in "removal" breaks "LIFE-REMOVE-CLIENT":
        "A client is removed, and that it had unread notifications is not said.",
        Lie::Says(deeds::nothing_unread);
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
