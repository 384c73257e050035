//! Claiming: one KeyPackage of each client, never the same twice, and only what is live.

use crate::check;

/// `CLAIM-EACH-CLIENT`, `CLAIM-MINIMUM`, `CLAIM-ONCE`
#[test]
fn one_of_each_client_and_none_twice() {
    check(
        "
        alice/phone publishes a1 a2
        alice/laptop publishes l1
        carol/phone claims alice => laptop: l1, phone: a1
        bob/phone claims alice => laptop: exhausted, phone: a2
        carol/phone claims alice => laptop: exhausted, phone: exhausted
        ",
    );
}

/// `CLAIM-NOT-SELF`
#[test]
fn a_client_gets_its_siblings_and_not_itself() {
    check(
        "
        alice/phone publishes a1
        alice/laptop publishes l1
        bob/phone publishes b1
        alice/phone claims alice => laptop: l1
        alice/laptop claims alice => phone: a1
        alice/phone claims bob => laptop: exhausted, phone: b1
        ",
    );
}

/// `CLAIM-COMPATIBLE`
#[test]
fn only_suites_that_will_do() {
    check(
        "
        alice/phone publishes a1 d1
        alice/laptop publishes l1
        carol/phone claims alice in 2 => laptop: incompatible, phone: d1
        carol/phone claims alice in 2 => laptop: incompatible, phone: exhausted
        carol/phone claims alice in 3 => laptop: incompatible, phone: incompatible
        carol/phone claims alice in 3 1 => laptop: l1, phone: a1
        bob/phone claims alice in 2 => laptop: incompatible, phone: exhausted
        ",
    );
}

/// `CLAIM-COMPATIBLE`
#[test]
fn only_with_the_capabilities_that_are_required() {
    check(
        "
        alice/phone publishes a1 a2 z1*
        alice/laptop publishes l1 x1*
        carol/phone claims alice able => laptop: incompatible, phone: a2
        carol/phone claims alice able => laptop: incompatible, phone: incompatible
        alice/phone publishes z2*
        carol/phone claims alice regular only able => laptop: incompatible, phone: incompatible
        carol/phone claims alice in 2 able => laptop: incompatible, phone: incompatible
        carol/phone claims alice able key k => laptop: incompatible, phone: z2* (last resort)
        carol/phone claims alice key k => refused: this idempotency key belongs to an earlier claim that asked for something else
        alice/laptop counts => 1 of suite 1 and x1* unused
        carol/phone claims alice => laptop: l1, phone: a1
        carol/phone claims alice able regular only => laptop: incompatible, phone: exhausted
        bob/phone claims bob able => laptop: exhausted
        ",
    );
}

#[test]
fn who_never_published_is_exhausted() {
    check("carol/phone claims alice in 1 => laptop: exhausted, phone: exhausted");
}

#[test]
fn who_is_unknown_is_unknown() {
    check(
        "
        alice/phone claims carol => refused: no such user
        alice/phone claims carol key k => refused: no such user
        ",
    );
}

/// `CLAIM-LIVE`: between publishing and claiming, a package can end.
#[test]
fn what_expired_in_the_meantime_is_not_granted() {
    check(
        "
        alice/phone publishes short1 short2*
        wait 99
        alice/phone counts => 1 of suite 1 and short2* unused
        wait 1
        alice/phone counts => 0 of suite 1
        carol/phone claims alice => laptop: exhausted, phone: exhausted
        alice/phone publishes a1
        carol/phone claims alice => laptop: exhausted, phone: a1
        ",
    );
}

/// `CLAIM-BYTES`, `PUB-ENCODING`: a2 is uploaded in an MLSMessage; `support/answer.rs` compares the bytes.
#[test]
fn the_bytes_come_out_bare() {
    check(
        "
        alice/phone publishes a2 a1
        carol/phone claims alice => laptop: exhausted, phone: a2
        carol/phone claims alice => laptop: exhausted, phone: a1
        ",
    );
}

/// `CLAIM-REFUSAL-FREE`, `CLAIM-UNSAFE`
#[test]
fn what_is_refused_and_what_only_looks_consumes_nothing() {
    check(
        "
        alice/phone publishes a1
        carol/phone claims alice in 2 => laptop: exhausted, phone: incompatible
        alice/phone counts => 1 of suite 1
        alice/phone reads after 0 => nothing
        carol/phone claims bob key k
        carol/phone claims bob regular only key k =>
        | refused: this idempotency key belongs to an earlier claim that asked for something else
        alice/phone counts => 1 of suite 1
        carol/phone claims alice => laptop: exhausted, phone: a1
        ",
    );
}
