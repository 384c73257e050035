//! What vectors that the model writes are there for, where they kill no mutant of the reference (`kpd mutants --idle`).

/// What the vector of this name documents.
pub(super) fn of(name: &str) -> Option<&'static str> {
    DOCUMENTS.iter().find(|(other, _)| *other == name).map(|(_, documents)| *documents)
}

const DOCUMENTS: [(&str, &str); 6] = [
    (
        "last-client-1",
        "a claim of a user whose only client is gone has a success or a refusal for its answer, the same when it is repeated, and no error",
    ),
    (
        "replacement-3",
        "the answer to a replacement counts all that it withdrew, the last resort among it, also where nothing of the batch was there",
    ),
    (
        "answers-before-storing",
        "a publication that was acknowledged is there for the next request, against servers whose answers do not wait for their store, or whose replicas lag; no mutant of the reference does that to publications",
    ),
    (
        "forgets-claim-keys",
        "a claim that gets nothing is answered in the same way when it is repeated, also where nothing was ever published; a server that forgets it shows only once something is",
    ),
    (
        "remembers-only-grants",
        "a key under which nothing was granted is no error when it comes again; that it is remembered shows only once something is published in between",
    ),
    (
        "removes-keys-only",
        "a removal of a client that has everything (regular packages, a last resort, nothing unread) is accepted and counts nothing unread",
    ),
];
