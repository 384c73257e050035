//! Servers that lie to owners and requesters, about their keys, and about what has happened.

use kpd_directory::Decision;

use super::TRUTH;
use crate::{
    auth::AuthFailure,
    mutants::{Mutant, auth, keys, life, limits, notes, stores, withdraw},
    seams::{Ground, Seams, Wakes},
};

mutants! {
    /// In the order of the rules that they break.
    pub(super) PEOPLE:

    // The owner
    "no-note-for-last-resort" breaks "NOTE-EVERY-GRANT":
        "The grant of a last resort is not notified.",
        TRUTH with notifications: notes::no_note_for_last_resort;
    "notes-repetitions" breaks "NOTE-EVERY-GRANT":
        "A repeated claim, which grants nothing, is notified once more.",
        TRUTH with claim: notes::notes_repetitions;
    "counts-off-by-one" breaks "NOTE-EVERY-GRANT":
        "The number that remains counts the KeyPackage that was just granted.",
        TRUTH with notifications: notes::counts_off_by_one;
        seen in "https://github.com/signalapp/Signal-Server/commit/391b070";
    "names-owner-as-requester" breaks "NOTE-NAMES-REQUESTER":
        "A notification names the owner where it should name the requester.",
        TRUTH with notifications: notes::names_owner_as_requester;
    "drops-read-notifications" breaks "NOTE-SURVIVES":
        "Notifications are gone once they were delivered, though nobody acknowledged them.",
        TRUTH with notifications: notes::drops_read;
    "acknowledges-everything" breaks "NOTE-SURVIVES":
        "An acknowledgement lets go of later notifications, too.",
        TRUTH with acknowledge: notes::acknowledges_everything;
    "newest-first" breaks "NOTE-SURVIVES":
        "Notifications come in the opposite order.",
        TRUTH with notifications: notes::newest_first;
    "omits-zero" breaks "NOTE-ZERO":
        "A suite of which nothing is left is left out.",
        TRUTH with stock: notes::omits_zero;
        seen in "https://github.com/matrix-org/synapse/pull/10485"
            "https://github.com/matrix-org/synapse/pull/10457";
    "anyone-reads-notifications" breaks "NOTE-PRIVATE":
        "Every authenticated client reads everybody's stock and notifications.",
        TRUTH with admits: |ground, requester, user, client| {
            ground == Ground::Feed || (Seams::HONEST.admits)(ground, requester, user, client)
        };

    "lists-available-alone" breaks "NOTE-RECONCILE":
        "The owner's list of its KeyPackages leaves out what is not available.",
        TRUTH with inventory: life::lists_available_alone;
    "calls-granted-available" breaks "NOTE-RECONCILE":
        "The owner's list of its KeyPackages calls available what was granted.",
        TRUTH with inventory: life::calls_granted_available;
    "digest-without-states" breaks "NOTE-RECONCILE":
        "The digest over an owner's KeyPackages stays the same when their states change.",
        TRUTH with digest: life::digest_without_states;
    "never-low" breaks "NOTE-LOW-WATER":
        "No stock is ever called low.",
        TRUTH with is_low: |_, _| false;
    "low-at-zero" breaks "NOTE-LOW-WATER":
        "A stock is called low when nothing is left, and not before.",
        TRUTH with is_low: |_, remaining| remaining == 0;
    "never-tells-drains" breaks "NOTE-DRAIN":
        "No notification tells of a drain.",
        TRUTH with notifications: notes::never_tells_drains;
    "tells-every-drain" breaks "NOTE-DRAIN":
        "Every grant beyond the share is told as a drain, not the one alone that crosses it.",
        TRUTH with claim: notes::tells_every_drain;
    "counts-drains-alone" breaks "NOTE-DRAIN":
        "So many KeyPackages for one requester are told as a drain, however many there are.",
        TRUTH with claim: notes::counts_drains_alone;
    "wakes-nobody" breaks "NOTE-WAKES":
        "Whoever waits for a notification waits to the end, and is told nothing.",
        TRUTH with wakes: Wakes::Never;
        seen in "https://github.com/element-hq/synapse/issues/17820";
    "wakes-at-the-end" breaks "NOTE-WAKES":
        "Whoever waits for a notification is told when it has waited for as long as it would.",
        TRUTH with wakes: Wakes::AtTheEnd;
    "counts-a-claim-behind" breaks "NOTE-WAKES":
        "Within a second of a claim the stock is told as it was before.",
        TRUTH with stock: notes::counts_a_claim_behind;

    // Who asks
    "accepts-unsigned" breaks "AUTH-REQUIRED":
        "A request without a signature is somebody's.",
        TRUTH with anonymous: auth::somebody;
    "accepts-any-signature" breaks "AUTH-REQUIRED":
        "A request is whose keyid says, whatever the signature.",
        TRUTH with forgives: |failure| *failure == AuthFailure::Invalid;
    "accepts-any-body" breaks "AUTH-REQUIRED":
        "The body is not compared with the digest that was signed.",
        TRUTH with forgives: |failure| *failure == AuthFailure::DigestMismatch;
    "accepts-replayed" breaks "AUTH-REQUIRED":
        "A request is accepted again and again.",
        TRUTH with forgives: |failure| *failure == AuthFailure::Replayed;
    "accepts-stale" breaks "AUTH-REQUIRED":
        "A request is accepted however old its signature.",
        TRUTH with forgives: |failure| matches!(failure, AuthFailure::Stale { .. });

    "tells-what-remains" breaks "CLAIM-OPAQUE":
        "A header of the answer to a claim tells how many KeyPackages are left.",
        TRUTH with gives_away: Some(life::remaining_of_all);
    "calls-blocks-exhaustion" breaks "CLAIM-UNIFORM":
        "A blocked requester is told that nothing is left, where an unknown user is said to be unknown.",
        TRUTH with claim: limits::calls_blocks_exhaustion;
    "ignores-requester-limit" breaks "RATE-REQUESTER":
        "A requester claims from all users as often as it likes, whatever limit is published.",
        TRUTH with accounts: limits::ignores_requester_limit;
    "ignores-pair-limit" breaks "RATE-PAIR":
        "A requester claims from one user as often as it likes, whatever limit is published.",
        TRUTH with claim: limits::ignores_pair_limit;
    "limits-by-target" breaks "RATE-ISOLATED":
        "The limit of a requester and a user counts the claims of all requesters.",
        TRUTH with claim: limits::limits_by_target;
    "says-retry-at-once" breaks "RATE-RETRY-AFTER":
        "A claim that came too soon is told to come again at once.",
        TRUTH with claim: limits::says_at_once, debit: limits::debits_and_says_at_once;
    "limits-after-consuming" breaks "RATE-RETRY-AFTER":
        "A claim that comes too soon consumes KeyPackages before it is refused.",
        TRUTH with claim: limits::limits_after_consuming;
    "ignores-blocks" breaks "BLOCK-REQUESTER":
        "Whoever is blocked is answered all the same.",
        TRUTH with claim: limits::ignores_blocks;
    "ignores-server-blocks" breaks "BLOCK-REQUESTER":
        "Users of a blocked server are answered all the same.",
        TRUTH with claim: limits::ignores_server_blocks;

    // Signature keys
    "lists-removed-keys" breaks "KEY-LIST":
        "A removed signature key is still on the list that others read.",
        TRUTH with keys: keys::lists_removed;
    "lists-expired-keys" breaks "KEY-LIST":
        "A signature key that has expired is still on the list that others read.",
        TRUTH with keys: keys::lists_expired;
    "skips-possession-proof" breaks "KEY-PROOF":
        "A signature key is added without proof that it is possessed.",
        TRUTH with check_possession: |_, _| Ok(()), add_key: keys::skips_possession_proof;
        seen in "https://github.com/element-hq/element-web/issues/2215";
    "accepts-any-token" breaks "KEY-PROOF":
        "A signature key is added with a wrong, spent or expired token.",
        TRUTH with add_key: keys::accepts_any_token;
    "accepts-taken-key" breaks "KEY-UNIQUE":
        "A signature key is added that is on another client's list.",
        TRUTH with reserve: |_, _, _| Ok(None), add_key: keys::accepts_taken;
    "moves-expiry-back" breaks "KEY-EXPIRY-FORWARD":
        "The end of a signature key is moved to an earlier time.",
        TRUTH with extend_key: keys::moves_expiry_back;
    "forgets-extension" breaks "KEY-EXPIRY-FORWARD":
        "The end of a signature key is said to be moved, and stays where it was.",
        TRUTH with extend_key: keys::forgets_extension;
    "extends-ended-keys" breaks "KEY-NO-REVIVE":
        "A signature key that has ended is extended, and an expired one comes back by it.",
        TRUTH with extend_key: keys::extends_ended;
    "removal-does-not-cascade" breaks "KEY-CASCADE":
        "KeyPackages outlive the removal of the key that signed them.",
        TRUTH with claim: keys::removal_does_not_cascade;
        seen in "https://github.com/wireapp/kalium/issues/3994";
    "expiry-does-not-cascade" breaks "KEY-CASCADE":
        "KeyPackages outlive the expiry of the key that signed them.",
        TRUTH with claim: keys::expiry_does_not_cascade;
    "hides-ended-keys" breaks "KEY-HISTORY":
        "The history of signature keys leaves out those that have ended.",
        TRUTH with key_history: keys::hides_ended;
    "calls-expired-removed" breaks "KEY-HISTORY":
        "A signature key that has expired is said to have been removed.",
        TRUTH with key_history: keys::calls_expired_removed;
    "verifies-at-present" breaks "KEY-VERIFY":
        "A signature key is judged by what it is now, whatever time is asked about.",
        TRUTH with verify: keys::verifies_at_present;
    "verifies-for-ever" breaks "KEY-VERIFY":
        "A signature key that has ended still bears out its user's credential.",
        TRUTH with verify: keys::verifies_for_ever;

    "discovers-anybody" breaks "KEY-RESOLVE":
        "Discovery answers for users that do not exist.",
        TRUTH with discover: keys::discovers_anybody;
    "discovers-somebody-else" breaks "KEY-RESOLVE":
        "Discovery leads to the list of another user.",
        TRUTH with discover: keys::discovers_somebody_else;

    // Life and death
    "withdraw-does-nothing" breaks "LIFE-TERMINAL":
        "A KeyPackage is said to be withdrawn, and granted later.",
        TRUTH with withdraw: withdraw::does_nothing;
    "silent-withdraw" breaks "LIFE-WITHDRAW-RACE":
        "A KeyPackage that was granted is said to be withdrawn.",
        TRUTH with withdraw: withdraw::silent;
    "forgets-used-at-half-life" breaks "LIFE-TOMBSTONE":
        "A used KeyPackage is forgotten when half of its lifetime is over, and published again.",
        TRUTH with publish: life::forgets_used_at_half_life;
    "forgets-used-after-a-month" breaks "LIFE-TOMBSTONE":
        "A KeyPackage is forgotten a month after it was granted, whatever its lifetime, and published again.",
        TRUTH with publish: life::forgets_used_after_a_month;
    "removes-no-client" breaks "LIFE-REMOVE-CLIENT":
        "A client is said to be removed, and is still there.",
        TRUTH with remove_client: life::removes_no_client;
    "removes-keys-alone" breaks "LIFE-REMOVE-CLIENT":
        "What a removed client had not read is there for the next of its name.",
        TRUTH with remove_client: life::removes_keys_alone;
    "says-nothing-unread" breaks "LIFE-REMOVE-CLIENT":
        "A removed client is said to have read everything.",
        TRUTH with remove_client: life::says_nothing_unread;
    "purges-at-half-life" breaks "LIFE-NO-EARLY-GC":
        "A KeyPackage is purged when half of its lifetime is over.",
        TRUTH with claim: life::purges_at_half_life;

    // The end of a process
    "answers-before-stored" breaks "CLAIM-DURABLE":
        "What is done is answered before the disk has it, and gone after a kill.",
        TRUTH with store: stores::hasty;
    "spares-the-disk-under-load" breaks "CLAIM-DURABLE":
        "Once several wait for the disk together, everybody is answered before it has anything.",
        TRUTH with store: stores::hasty_under_load; by chance: "killed while several wait for the disk";
    "stores-nothing-while-it-stops" breaks "CLAIM-DURABLE":
        "Told to stop, it answers who is on the way, and stores nothing of it any more.",
        TRUTH with store: stores::closed_early; by chance: "told to stop while somebody is on the way";
    "forgets-limits" breaks "RATE-DURABLE":
        "After a restart nobody has claimed anything, as far as limits are concerned.",
        TRUTH with store: stores::forgets_limits;
    "forgets-notifications" breaks "LIFE-RESTART":
        "Notifications that nobody has read are gone after a restart.",
        TRUTH with store: stores::forgets_notifications;
    "forgets-blocks" breaks "LIFE-RESTART":
        "After a restart nobody is blocked.",
        TRUTH with store: stores::forgets_blocks;
    "forgets-withdrawals" breaks "LIFE-RESTART":
        "After a restart what was withdrawn or replaced is there again.",
        TRUTH with store: stores::forgets_withdrawals;
    "forgets-removed-keys" breaks "LIFE-RESTART":
        "After a restart a removed signature key is valid again.",
        TRUTH with store: stores::forgets_removals;
    "ignores-fence" breaks "LIFE-RESTORE":
        "What a restored backup has available is granted, whatever was granted since.",
        TRUTH with fence: |scene| Decision { events: vec![], ..(Seams::HONEST.fence)(scene) };
}

mutants! {
    /// Mutants of what the suite does not see: streams of events, which are another way to the same feed, and requesters
    /// of other servers. The server's own tests show each.
    pub UNSEEN_MUTANTS:

    "ignores-last-event-id" breaks "NOTE-SURVIVES":
        "A stream that is taken up again begins where the request says, and not after the last event that came.",
        TRUTH with resumes: false;
    "does-not-count-servers" breaks "RATE-SERVER":
        "The requesters of another server claim as often together as there are many of them, whatever limit is published.",
        TRUTH with accounts: limits::does_not_count_servers;
    "counts-its-own-together" breaks "RATE-ISOLATED":
        "This server's own requesters count together, as those of another server do.",
        TRUTH with accounts: limits::counts_its_own_together;
}
