//! The classes of failures that real directories have shown, and the mutants that stand for them.

/// A class of public reports.
#[derive(Clone, Copy, Debug)]
pub struct Class {
    /// What goes wrong.
    pub says: &'static str,
    /// A public report of it, or who ships the statement.
    pub seen_in: &'static str,
    /// The mutants that go wrong so; none, if the model cannot.
    pub mutants: &'static [&'static str],
    /// Why the model cannot, if it cannot.
    pub out: Option<&'static str>,
}

macro_rules! classes {
    ($($says:literal, $seen_in:literal: [$($mutant:literal)*] $(out $out:literal)?;)*) => {
        /// All classes: kinds of failures, then claim statements as databases are asked them.
        pub const CLASSES: &[Class] = &[$(Class {
            says: $says,
            seen_in: $seen_in,
            mutants: &[$($mutant),*],
            out: classes!(@ $($out)?),
        }),*];
    };
    (@ $out:literal) => { Some($out) };
    (@) => { None };
}

classes! {
    "one package to two claims, one after the other", "https://github.com/guardyn/guardyn/issues/246": ["keeps-claimed"];
    "one package to two claims at once", "https://github.com/phnx-im/air/pull/1396": ["appends-without-version"];
    "two claims on a full pool, and one goes empty", "https://github.com/element-hq/synapse/pull/17241":
        ["contention-looks-exhausted"];
    "two claims on a last resort alone, and one goes empty", "https://github.com/matrix-construct/tuwunel/pull/511":
        ["contended-last-resort-looks-gone" "one-last-resort-each" "consumes-last-resort"];
    "a publication whose answer was lost is sent again", "https://github.com/matrix-org/matrix-spec/issues/1124":
        ["revives-republished" "refuses-republished"];
    "an identifier is used again after its key was granted", "https://github.com/wireapp/wire-ios/pull/1608":
        ["forgets-init-keys"];
    "one key in two roles or two batches", "https://github.com/signalapp/Signal-Android/pull/13021":
        ["one-role-at-a-time" "compares-init-keys-in-one-batch"];
    "a batch is refused and stored in part", "https://github.com/matrix-org/synapse/pull/2053":
        ["stores-before-refusing" "withdraws-before-it-validates"];
    "the order of upload is not kept", "https://github.com/element-hq/synapse/pull/17903": ["orders-by-name"];
    "a count is wrong on one of several channels", "https://github.com/element-hq/synapse/issues/10766":
        ["counts-one-too-many"];
    "zero is left out", "https://github.com/matrix-org/synapse/pull/10485": ["leaves-out-zero"];
    "a claim does not wake its owner", "https://github.com/element-hq/synapse/issues/17474": ["is-not-woken-by-claims"];
    "the use of a last resort is forgotten", "https://github.com/matrix-org/synapse/pull/11382":
        ["clears-used" "no-note-for-last-resort"];
    "what a deleted device had stays or comes again", "https://github.com/matrix-org/dendrite/pull/2208":
        ["removes-keys-only"];
    "packages of a former identity are granted", "https://github.com/wireapp/kalium/pull/3994":
        ["ignores-removed-keys" "ignores-expiry-of-keys"];
    "a crash in the middle of a publication or a claim", "https://github.com/signalapp/Signal-Server/commit/aaa36fd":
        ["answers-before-it-is-on-disk" "answers-before-recording" "notifies-later"];
    "a backup is restored", "https://github.com/element-hq/element-meta/issues/2155":
        ["restores-without-fence" "takes-lost-packages-again" "restarts-sequences-after-a-restore"];
    "two replicas, each with a lock or a cache of its own", "https://github.com/matrix-org/synapse/pull/10504":
        ["appends-without-version" "sometimes-reads-from-a-cache"];
    "limits that are missing, shared or forgotten", "https://github.com/wireapp/wire-server/pull/3923":
        ["does-not-count-pairs" "does-not-count-servers" "limits-the-target" "counts-in-memory" "reads-the-limit-too-early"];
    "what should not have been accepted: expired, of a foreign signer, too much", "https://github.com/wireapp/wire-server/pull/2582":
        ["takes-dead-lifetimes" "takes-any-signer" "has-no-limits"];
    "one bad target spoils a whole answer", "https://github.com/signalapp/Signal-Server/commit/37d67f1":
        ["leaves-out-empty-clients" "claims-from-one-client"];
    "a claim over a slow or failed peer burns keys", "https://github.com/element-hq/synapse/issues/6699":
        [] out "The model has no federation; that a lost answer burns no second package is remembered answers' part.";
    "a safe method consumes", "https://github.com/openmls/openmls/tree/main/delivery-service": ["purges-on-count"];
    "a claim that is repeated consumes again", "https://github.com/CovidShield/server/issues/5":
        ["forgets-claim-keys" "remembers-only-grants" "grants-a-refused-duplicate"];
    "SELECT … LIMIT 1, then DELETE, with the number of rows ignored", "one homeserver": ["appends-without-version"];
    "FOR UPDATE SKIP LOCKED on a CTE, which locks nothing", "https://github.com/phnx-im/air/pull/1396":
        ["appends-without-version"];
    "UPDATE … WHERE id IN (SELECT … WHERE free), free not tested again", "one MLS server": ["appends-without-version"];
    "DELETE … WHERE id = (SELECT … LIMIT 1) RETURNING: the loser gets nothing", "a common form":
        ["contention-looks-exhausted"];
    "SKIP LOCKED over one-time and last-resort rows together", "one MLS server": ["contended-last-resort-looks-gone"];
    "SKIP LOCKED over one-time rows alone", "one MLS server": [] out "It is right.";
    "a mutex in each process", "Wire": ["appends-without-version"];
    "query and conditional delete, again on loss", "Signal": [] out "It is right.";
}
