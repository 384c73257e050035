//! Servers that lie about KeyPackages: published, claimed, and kept for the last.

use super::{HURRIED, TRUTH};
use crate::{
    mutants::{Mutant, claims, last_resort, life, limits, notes, publish, stores},
    seams::{Ground, Seams},
    views::Keeping,
};

mutants! {
    /// In the order of the rules that they break.
    pub(super) PACKAGES:

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
    "keeps-one-in-a-hundred" breaks "CLAIM-ONCE":
        "Of a hundred KeyPackages one is granted again and again.",
        TRUTH with claim: claims::keeps_one_in_a_hundred;
        by chance: "once in a hundred times";
    "doubles-one-in-a-hundred" breaks "CLAIM-ONCE":
        "One in a hundred claims that lose a race is given the KeyPackage that the winner got.",
        HURRIED with claim: claims::doubles_one_in_a_hundred;
        by chance: "once in a hundred times";
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
    "ignores-required-capabilities" breaks "CLAIM-COMPATIBLE":
        "A claim gets a KeyPackage that lacks a capability which it requires.",
        TRUTH with claim: claims::ignores_required_capabilities;
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
    "falls-back-one-in-a-hundred" breaks "LAST-ONLY-WHEN-EXHAUSTED":
        "One in a hundred claims that lose a race is given the last resort, though regular KeyPackages are left.",
        HURRIED with claim: last_resort::falls_back_one_in_a_hundred;
        by chance: "once in a hundred times";
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
}
