//! Withdrawing: exactly one of owner and requester gets the package (`LIFE-WITHDRAW-RACE`).

use crate::check;

#[test]
fn the_owner_is_first() {
    check(
        "
        alice/phone publishes a1 a2 z1*
        alice/phone withdraws a1 z1* => a1 withdrawn, z1* withdrawn
        carol/phone claims alice => laptop: exhausted, phone: a2
        carol/phone claims alice => laptop: exhausted, phone: exhausted
        ",
    );
}

#[test]
fn a_requester_is_first() {
    check(
        "
        alice/phone publishes a1 z1*
        carol/phone claims alice
        alice/phone withdraws a1 => a1 already granted
        alice/phone reads after 0 => 1. a1 to carol/phone with 0 left
        ",
    );
}

#[test]
fn a_last_resort_can_be_taken_back_after_it_was_granted() {
    check(
        "
        alice/phone publishes z1*
        carol/phone claims alice
        alice/phone withdraws z1* => z1* withdrawn
        carol/phone claims alice => laptop: exhausted, phone: exhausted
        ",
    );
}

#[test]
fn twice_is_harmless() {
    check(
        "
        alice/phone publishes a1 z1*
        alice/phone publishes z2*
        alice/phone withdraws a1 => a1 withdrawn
        alice/phone withdraws a1 z1* => a1 withdrawn, z1* withdrawn
        carol/phone claims alice => laptop: exhausted, phone: z2* (last resort)
        ",
    );
}

#[test]
fn what_another_client_published_is_unknown() {
    check(
        "
        alice/phone publishes a1
        alice/laptop withdraws a1 l1 => a1 unknown, l1 unknown
        carol/phone withdraws a1 => refused: no such client
        carol/phone claims alice => laptop: exhausted, phone: a1
        ",
    );
}

#[test]
fn what_expired_can_still_be_taken_back() {
    check(
        "
        alice/phone publishes short1
        wait 100
        alice/phone withdraws short1 => short1 withdrawn
        ",
    );
}
