//! The types of problems: each with a stable name, and with what a client can do about it.

macro_rules! kinds {
    ($($kind:ident $name:literal [$($rule:literal)*] $title:literal, $what_to_do:literal;)*) => {
        /// A type of problem; the name is for ever.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum ProblemKind {
            $(#[doc = $title] $kind,)*
        }

        impl ProblemKind {
            pub(crate) const ALL: &[Self] = &[$(Self::$kind),*];

            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            pub(crate) fn title(self) -> &'static str {
                match self { $(Self::$kind => $title,)* }
            }

            pub(crate) fn what_to_do(self) -> &'static str {
                match self { $(Self::$kind => $what_to_do,)* }
            }

            /// As named in `vectors/rules.yaml`.
            pub(crate) fn rules(self) -> &'static [&'static str] {
                match self { $(Self::$kind => &[$($rule),*],)* }
            }
        }
    };
}

kinds! {
    // The request
    BadRequest "bad-request" [] "The request cannot be read",
        "Compare the request with /openapi.json; the detail says where it departs.";
    NotFound "not-found" [] "There is nothing at this path",
        "Compare the path with /openapi.json.";
    MethodNotAllowed "method-not-allowed" ["CLAIM-UNSAFE"] "This path does not take this method",
        "Use a method of the Allow header. Only a POST claims.";
    UnsupportedMediaType "unsupported-media-type" [] "The body is not announced as JSON",
        "Send JSON, with Content-Type: application/json.";
    TooLarge "too-large" ["PUB-LIMITS"] "The body or the KeyPackage is too large",
        "Read the limits at /v1/policy, and send less at a time.";
    TooSlow "too-slow" [] "The body did not come in time",
        "Nothing changed. Send the request again, over a faster connection or with less in it.";
    TimedOut "timed-out" [] "There was no answer in time",
        "Whether anything changed is unknown. Repeat the request; for a claim, with the same Idempotency-Key.";
    NotReady "not-ready" [] "This server should not be sent requests now",
        "Use another one, or wait; the detail says why.";
    Busy "busy" ["LAST-ONLY-WHEN-EXHAUSTED"] "Too many others at the same moment",
        "Nothing changed. Repeat the request after the time in Retry-After.";
    Failed "failed" [] "Something failed that should not",
        "Whether anything changed is unknown. Repeat the request; for a claim, with the same Idempotency-Key.";
    StoreFailed "store-failed" ["CLAIM-DURABLE"] "The store cannot be read or written now",
        "Whether anything changed is unknown. Repeat the request later; for a claim, with the same Idempotency-Key.";
    // Who asks
    Unauthenticated "unauthenticated" ["AUTH-REQUIRED"] "The request has no author that could be established",
        "Sign the request (RFC 9421) with a key on your list, as Accept-Signature says; the reason says what was amiss.";
    RequesterUnresolvable "requester-unresolvable" ["KEY-RESOLVE"] "What the server of the requester says of its keys is not known",
        "After the time in Retry-After, sign again: your server has to answer WebFinger for you, with a link to your keys.";
    OperatorOnly "operator-only" [] "This is for the operator alone",
        "Send Authorization: Bearer with the operator's token.";
    NotDurable "not-durable" [] "There is no file to back up",
        "Start the server with --store file:PATH.";
    NotOwner "not-owner" ["PUB-OWNER" "NOTE-PRIVATE" "KEY-PROOF"] "This is for its owner alone",
        "Sign with a key of the client, or for its list of keys of the user, that the path names.";
    InvalidToken "invalid-token" ["KEY-PROOF"] "The token is wrong, spent or expired",
        "Ask the operator for a new enrolment, or sign with a key that is on the list already.";
    // Users and signature keys
    UnknownUser "unknown-user" [] "No such user",
        "Check the name; a user without a signature key cannot be claimed from.";
    UnknownClient "unknown-client" [] "No such client",
        "Add a signature key for the client first.";
    UnknownKey "unknown-key" [] "No such signature key",
        "Read the list of keys again.";
    AlreadyEnrolled "already-enrolled" [] "The user is enrolled already",
        "Add further keys with a request that is signed by a key on the list.";
    KeyTaken "key-taken" ["KEY-UNIQUE" "KEY-NO-REVIVE"] "The signature key is, or was, on a list already",
        "Make a new key; no two clients share one, and none comes back.";
    ExpiryNotForward "expiry-not-forward" ["KEY-EXPIRY-FORWARD"] "The end of a signature key moves forward only",
        "Read the list of keys for the end that it has; a key without one is removed, and one for the future begins now.";
    KeyEnded "key-ended" ["KEY-NO-REVIVE"] "The signature key has ended",
        "Make a new key: what has expired or was removed does not come back.";
    InvalidProof "invalid-proof" ["KEY-PROOF"] "The new key is not proven to be possessed",
        "Sign the possession message for this user and client with the new key itself.";
    // Publishing
    KeyPackagesRefused "key-packages-refused" ["PUB-ATOMIC"] "Some KeyPackages are at fault, and none was published",
        "Each faulty one is named in items; publish the others without them.";
    BatchEmpty "batch-empty" [] "There is no KeyPackage in the batch",
        "Publish at least one.";
    BatchTooLarge "batch-too-large" ["PUB-LIMITS"] "There are too many KeyPackages in the batch",
        "Read the limit at /v1/policy, and publish in several batches.";
    StockFull "stock-full" ["PUB-LIMITS"] "The stock of this suite would be over its limit",
        "Wait until some were granted, or withdraw some first.";
    // What can be wrong with a KeyPackage
    Malformed "malformed" ["PUB-WELL-FORMED"] "Not exactly one KeyPackage",
        "Send one KeyPackage, bare or in an MLSMessage, and not a byte more.";
    UnsupportedVersion "unsupported-version" ["PUB-WELL-FORMED"] "Not a KeyPackage of MLS 1.0",
        "Use protocol version mls10.";
    VersionsDiffer "versions-differ" ["PUB-ENCODING"] "The MLSMessage and the KeyPackage in it differ in their version",
        "Use protocol version mls10 for both.";
    UnsupportedCipherSuite "unsupported-cipher-suite" ["PUB-WELL-FORMED"] "A cipher suite that is not served here",
        "Read the suites at /v1/policy.";
    WrongLeafNodeSource "wrong-leaf-node-source" ["PUB-WELL-FORMED"] "The LeafNode is not from a KeyPackage",
        "Its leaf_node_source has to be key_package.";
    InvalidLeafNodeSignature "invalid-leaf-node-signature" ["PUB-WELL-FORMED"] "The LeafNode's signature does not verify",
        "Make the KeyPackage anew.";
    InvalidSignature "invalid-signature" ["PUB-WELL-FORMED"] "The KeyPackage's signature does not verify",
        "Make the KeyPackage anew.";
    KeysEqual "keys-equal" ["PUB-KEYS-DIFFER"] "The init key is also the encryption key of the leaf",
        "Make the KeyPackage anew, with two keys.";
    UnlistedExtension "unlisted-extension" ["PUB-CAPABILITIES"] "An extension is used that the leaf's capabilities do not list",
        "List it in the capabilities. The extension of a last resort (0x000A) is one of them.";
    UnlistedCredential "unlisted-credential" ["PUB-CAPABILITIES"] "The credential type is not in the leaf's capabilities",
        "List it in the capabilities.";
    UnsupportedCredential "unsupported-credential" ["PUB-IDENTITY"] "Not a basic credential",
        "Use a basic credential whose identity is the user.";
    NotYetValid "not-yet-valid" ["PUB-LIFETIME"] "The lifetime has not begun",
        "Check the client's clock; publish it when it is valid.";
    Expired "expired" ["PUB-LIFETIME"] "The lifetime has ended",
        "Make a new KeyPackage; check the client's clock.";
    LifetimeTooLong "lifetime-too-long" ["PUB-LIFETIME"] "The lifetime is longer than is accepted",
        "Read the longest lifetime at /v1/policy.";
    IdentityMismatch "identity-mismatch" ["PUB-IDENTITY"] "The credential claims to be somebody else",
        "The identity has to be the user, letter for letter.";
    SignerNotListed "signer-not-listed" ["PUB-SIGNER-LISTED"] "The signature key is not on the list for this client",
        "Add the key to the list first, or make the KeyPackage with a key that is there.";
    RoleContradicted "role-contradicted" ["LAST-MARKED"] "The role beside the KeyPackage is not the one that it is marked with",
        "Leave the role out, or mark the KeyPackage.";
    AlreadyUsed "already-used" ["PUB-RETRY"] "It was published before, and granted or withdrawn since",
        "Forget that it is to be published: it will not be granted again. Keep its private key if it was granted.";
    BeforeFence "before-fence" ["LIFE-RESTORE"] "Its lifetime began before the directory was restored from a backup",
        "Make it anew, beginning now: what began before may have been granted in what was lost.";
    InitKeyReused "init-key-reused" ["PUB-FRESH"] "Its init key came before in another KeyPackage",
        "Make the KeyPackage anew, with a fresh init key.";
    RoleConflict "role-conflict" ["PUB-ONE-ROLE"] "Its init key came before in the other role",
        "Make the KeyPackage anew, with a fresh init key.";
    TwoLastResorts "two-last-resorts" ["LAST-ONE-PER-SUITE"] "Two last resorts of one suite in a batch",
        "Publish one of them; a later one takes the place of the former.";
    // Claiming and reading
    IdempotencyMismatch "idempotency-mismatch" ["CLAIM-RETRY"] "This idempotency key belongs to another claim",
        "Use a new key for each new claim; keep it for repetitions of the same.";
    RateLimited "rate-limited" ["RATE-REQUESTER" "RATE-SERVER" "RATE-PAIR" "RATE-RETRY-AFTER"] "Too many claims in too short a time",
        "Claim again after the seconds in Retry-After, under a new Idempotency-Key: the refusal of the old one is final.";
    AcknowledgedTooFar "acknowledged-too-far" ["NOTE-SURVIVES"] "There is no such notification yet",
        "Acknowledge through the highest sequence that was read.";
}
