//! All mutants, in the order of the rules that they break.

use super::{Mutant, auth, claims, keys, last_resort, life, limits, notes, publish, stores, withdraw};
use kpd_directory::Decision;

use crate::{
    auth::AuthFailure,
    seams::{Ground, Seams},
    views::Keeping,
};

/// The truth, with the histories at hand that it can be bent with.
pub(super) const TRUTH: Seams = Seams { keeping: Keeping::Histories, ..Seams::HONEST };

/// Commands do not take turns, and the store takes its time: what breaks only when it is interrupted, breaks.
const HURRIED: Seams = Seams { keeping: Keeping::Nothing, store: stores::slow, ..Seams::HONEST };

mutants! {
    /// All mutants that the suite tells apart, in the order of the rules that they break.
    MUTANTS:

    // Publishing
    "skips-signature-check" breaks "PUB-WELL-FORMED":
        "A KeyPackage is published whose signatures do not verify.",
        TRUTH with publish: publish::skips_signature_check;
        seen in "https://github.com/signalapp/Signal-Server/commit/e38911b";
    "ignores-trailing-bytes" breaks "PUB-WELL-FORMED":
        "A KeyPackage is published though a byte follows it.",
        TRUTH with publish: publish::ignores_trailing_bytes;
    "accepts-any-version" breaks "PUB-WELL-FORMED":
        "A KeyPackage is published of a protocol version that does not exist.",
        TRUTH with publish: publish::accepts_any_version;
    "calls-unknown-suites-malformed" breaks "PUB-WELL-FORMED":
        "A KeyPackage of a suite that is not served is said to be no KeyPackage.",
        TRUTH with publish: publish::calls_unknown_suites_malformed;
    "accepts-equal-keys" breaks "PUB-KEYS-DIFFER":
        "A KeyPackage is published whose init key is its encryption key.",
        TRUTH with publish: publish::accepts_equal_keys;
    "accepts-unlisted-extension" breaks "PUB-CAPABILITIES":
        "A KeyPackage is published with an extension that its capabilities do not list.",
        TRUTH with publish: publish::accepts_unlisted_extension;
    "accepts-unlisted-credential" breaks "PUB-CAPABILITIES":
        "A KeyPackage is published whose capabilities do not list the type of its own credential.",
        TRUTH with publish: publish::accepts_unlisted_credential;
    "keeps-the-frame" breaks "PUB-ENCODING":
        "What came in an MLSMessage is kept, named and granted with the frame.",
        TRUTH with publish: publish::keeps_the_frame;
        seen in "https://github.com/swicg/activitypub-e2ee/issues/91";
    "anyone-publishes" breaks "PUB-OWNER":
        "Every authenticated client publishes and withdraws for every other.",
        TRUTH with admits: |ground, requester, user, client| {
            ground == Ground::KeyPackages || (Seams::HONEST.admits)(ground, requester, user, client)
        };
    "accepts-foreign-identity" breaks "PUB-IDENTITY":
        "A KeyPackage is published whose credential names somebody else than the owner.",
        TRUTH with publish: publish::accepts_foreign_identity;
    "accepts-unlisted-signer" breaks "PUB-SIGNER-LISTED":
        "A KeyPackage is published whose signature key is not on the owner's list.",
        TRUTH with publish: publish::accepts_unlisted_signer;
    "accepts-expired" breaks "PUB-LIFETIME":
        "A KeyPackage is published whose lifetime has ended.",
        TRUTH with publish: publish::accepts_expired;
    "accepts-unbegun" breaks "PUB-LIFETIME":
        "A KeyPackage is published whose lifetime has not begun.",
        TRUTH with publish: publish::accepts_unbegun;
    "accepts-any-lifetime" breaks "PUB-LIFETIME":
        "A KeyPackage is published whose lifetime is longer than the published maximum.",
        TRUTH with publish: publish::accepts_any_lifetime;
        seen in "https://github.com/Offline-Protocol/offline-protocol-sdk/issues/396";
    "accepts-reused-init-key" breaks "PUB-FRESH":
        "Only whole KeyPackages are compared, so an init key comes a second time in another one.",
        TRUTH with publish: publish::accepts_reused_init_key;
    "revives-republished" breaks "PUB-RETRY":
        "A used KeyPackage that is published again becomes available again.",
        TRUTH with publish: publish::revives_republished;
        seen in "https://github.com/matrix-org/matrix-spec/issues/1124"
            "https://github.com/element-hq/element-web/issues/3868";
    "refuses-republish" breaks "PUB-RETRY":
        "Publishing again what is still available is refused as already used.",
        TRUTH with publish: publish::refuses_republish;
    "mixes-roles" breaks "PUB-ONE-ROLE":
        "Init keys are compared within each role, but not across the two.",
        TRUTH with publish: publish::mixes_roles;
        seen in "https://github.com/signalapp/Signal-Android/pull/13021";
    "stores-prefix" breaks "PUB-ATOMIC":
        "A batch is stored up to its first faulty KeyPackage.",
        TRUTH with publish: publish::stores_prefix;
    "stores-before-refusing" breaks "PUB-ATOMIC":
        "A batch with a faulty KeyPackage is refused, but the others in it are stored.",
        TRUTH with publish: publish::stores_before_refusing;
    "replace-withdraws-first" breaks "PUB-ATOMIC":
        "A replacement withdraws what is available before it looks at the batch, and then refuses it.",
        TRUTH with replace: life::replace_withdraws_first;
    "accepts-any-batch" breaks "PUB-LIMITS":
        "A batch of any size is accepted, whatever limit is published.",
        TRUTH with publish: publish::accepts_any_batch;
    "drops-beyond-limit" breaks "PUB-LIMITS":
        "What does not fit into the stock is accepted and dropped.",
        TRUTH with publish: publish::drops_beyond_limit;

    // Claiming
    "keeps-claimed" breaks "CLAIM-ONCE":
        "A granted KeyPackage stays available for other claims.",
        TRUTH with claim: claims::keeps_claimed;
        seen in "https://github.com/guardyn/guardyn/issues/246";
    "append-without-version" breaks "CLAIM-ONCE":
        "Events are appended without looking whether the history has grown since the decision.",
        TRUTH with keeping: Keeping::Nothing, store: stores::careless;
        seen in "https://github.com/phnx-im/air/pull/1396";
    "grants-wrong-bytes" breaks "CLAIM-BYTES":
        "A KeyPackage is granted in an MLSMessage, though it was published without.",
        TRUTH with claim: claims::grants_wrong_bytes;
    "forgets-idempotency-key" breaks "CLAIM-RETRY":
        "A repeated claim is taken for a new one.",
        TRUTH with claim: claims::forgets_idempotency_key;
    "shares-idempotency-keys" breaks "CLAIM-RETRY":
        "Another requester's claim under the same key gets the answer of the first.",
        TRUTH with claim: claims::shares_idempotency_keys;
    "grants-refused-duplicates" breaks "CLAIM-RETRY":
        "A claim that was refused by a limit is granted when it comes again under its idempotency key.",
        TRUTH with claim: limits::forgets_refusals;
    "grants-expired" breaks "CLAIM-LIVE":
        "A claim does not look whether the lifetime has ended.",
        TRUTH with claim: claims::grants_expired;
    "grants-unbegun" breaks "CLAIM-LIVE":
        "A claim does not look whether the lifetime has begun.",
        TRUTH with claim: claims::grants_unbegun;
    "ignores-suites" breaks "CLAIM-COMPATIBLE":
        "A claim gets a KeyPackage of whatever suite.",
        TRUTH with claim: claims::ignores_suites;
    "calls-incompatible-exhausted" breaks "CLAIM-COMPATIBLE":
        "A client with KeyPackages of other suites alone is said to be exhausted.",
        TRUTH with claim: claims::calls_incompatible_exhausted;
    "first-client-only" breaks "CLAIM-EACH-CLIENT":
        "Only the first of a user's clients is asked for a KeyPackage.",
        TRUTH with claim: claims::first_client_only;
    "invents-users" breaks "CLAIM-EACH-CLIENT":
        "A claim of a user that does not exist is answered as of one without clients.",
        TRUTH with claim: claims::invents_users;
    "takes-two" breaks "CLAIM-MINIMUM":
        "A claim consumes one KeyPackage more of each client than it answers.",
        TRUTH with claim: claims::takes_two;
    "claims-own-client" breaks "CLAIM-NOT-SELF":
        "A user's claim for itself takes a KeyPackage of the claiming client, too.",
        TRUTH with claim: claims::claims_own_client;
        seen in "https://github.com/wireapp/wire-server/pull/2287";
    "lifo-selection" breaks "CLAIM-SELECTION":
        "It declares fifo, and grants the newest first.",
        TRUTH with policy: claims::declares_fifo, claim: claims::grants_the_newest;
    "always-the-oldest" breaks "CLAIM-SELECTION":
        "It declares random, and grants the oldest first.",
        TRUTH with policy: claims::declares_random, claim: claims::grants_the_oldest;
    "consumes-on-refusal" breaks "CLAIM-REFUSAL-FREE":
        "A claim that no suite fits consumes a KeyPackage, and the owner is told.",
        TRUTH with claim: claims::consumes_on_refusal;
    "consumes-on-read" breaks "CLAIM-UNSAFE":
        "Reading the stock uses a KeyPackage up.",
        TRUTH with stock: claims::consumes_on_read;
    "lets-caches-keep-claims" breaks "CLAIM-UNSAFE":
        "A cache may answer the next claim with the KeyPackage of this one.",
        TRUTH with claim_cache_control: "public, max-age=60";
    "spoils-signatures" breaks "CLAIM-USABLE":
        "The last bit of a KeyPackage is turned over when it is granted.",
        TRUTH with claim: claims::spoils_signatures;

    // Last resort
    "prefers-last-resort" breaks "LAST-ONLY-WHEN-EXHAUSTED":
        "The last resort is granted while regular KeyPackages are left.",
        TRUTH with claim: last_resort::prefers_last_resort;
    "withholds-last-resort" breaks "LAST-ONLY-WHEN-EXHAUSTED":
        "An exhausted client's last resort is not granted.",
        TRUTH with claim: last_resort::withholds_last_resort;
    "contention-looks-exhausted" breaks "LAST-ONLY-WHEN-EXHAUSTED":
        "A claim that was not the first to append takes the stock for exhausted.",
        HURRIED with claim: last_resort::contention_looks_exhausted;
    "consumes-last-resort" breaks "LAST-KEPT":
        "A last resort is granted once and then gone.",
        TRUTH with claim: last_resort::consumes_last_resort;
        seen in "https://github.com/matrix-construct/tuwunel/pull/511";
    "loses-last-resort-under-contention" breaks "LAST-KEPT":
        "Of claims at the same time, only one gets the last resort.",
        HURRIED with claim: last_resort::loses_last_resort_under_contention;
    "two-last-resorts" breaks "LAST-ONE-PER-SUITE":
        "A batch with two last resorts of one suite is accepted.",
        TRUTH with publish: last_resort::two_last_resorts;
    "trusts-the-flag" breaks "LAST-MARKED":
        "The role beside a KeyPackage overrules the KeyPackage's own mark.",
        TRUTH with publish: last_resort::trusts_the_flag;
    "hides-last-resort" breaks "LAST-TOLD":
        "A last resort is granted as if it were regular.",
        TRUTH with claim: last_resort::hides_last_resort;
    "ignores-last-resort-refusal" breaks "LAST-TOLD":
        "A requester that wants no last resort gets one.",
        TRUTH with claim: last_resort::ignores_refusal;
    "never-says-first-use" breaks "LAST-TOLD":
        "The owner is not told that a last resort was used for the first time.",
        TRUTH with notifications: notes::never_says_first_use;
    "republish-clears-used" breaks "LAST-USED-STICKS":
        "A used last resort that is published again is unused again.",
        TRUTH with publish: last_resort::republish_clears_used;
        seen in "https://github.com/matrix-org/synapse/pull/11382";
    "keeps-old-last-resort" breaks "LAST-REPLACED-WHOLE":
        "A new last resort is accepted, and the former one still granted.",
        TRUTH with claim: last_resort::keeps_old_last_resort;
    "last-resort-never-ends" breaks "LAST-SAME-CHECKS":
        "A last resort is granted after its lifetime has ended.",
        TRUTH with claim: last_resort::never_ends;

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
        TRUTH with debit: limits::ignores_requester_limit;
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
    "forgets-limits" breaks "RATE-DURABLE":
        "After a restart nobody has claimed anything, as far as limits are concerned.",
        TRUTH with store: stores::forgets_limits;
    "forgets-notifications" breaks "LIFE-RESTART":
        "Notifications that nobody has read are gone after a restart.",
        TRUTH with store: stores::forgets_notifications;
    "forgets-blocks" breaks "LIFE-RESTART":
        "After a restart nobody is blocked.",
        TRUTH with store: stores::forgets_blocks;
    "forgets-removed-keys" breaks "LIFE-RESTART":
        "After a restart a removed signature key is valid again.",
        TRUTH with store: stores::forgets_removals;
    "ignores-fence" breaks "LIFE-RESTORE":
        "What a restored backup has available is granted, whatever was granted since.",
        TRUTH with fence: |scene| Decision { events: vec![], ..(Seams::HONEST.fence)(scene) };
}
