//! A claim repeated under its idempotency key: the same answer, and nothing consumed (`CLAIM-RETRY`).

use crate::check;

const MISMATCH: &str = "refused: this idempotency key belongs to an earlier claim that asked for something else";

#[test]
fn the_same_answer_and_nothing_consumed() {
    check(
        "
        alice/phone publishes a1 a2
        carol/phone claims alice key k => laptop: exhausted, phone: a1
        alice/laptop publishes l1
        carol/phone claims alice key k => laptop: exhausted, phone: a1
        alice/phone counts => 1 of suite 1
        alice/phone reads after 0 => 1. a1 to carol/phone with 1 left
        ",
    );
}

#[test]
fn nothing_is_an_answer_too() {
    check(
        "
        carol/phone claims alice key k => laptop: exhausted, phone: exhausted
        alice/phone publishes a1
        carol/phone claims alice key k => laptop: exhausted, phone: exhausted
        carol/phone claims alice key other => laptop: exhausted, phone: a1
        ",
    );
}

#[test]
fn the_same_key_of_another_requester_is_another_claim() {
    check(
        "
        alice/phone publishes a1 a2 a3
        carol/phone claims alice key k => laptop: exhausted, phone: a1
        bob/phone claims alice key k => laptop: exhausted, phone: a2
        bob/laptop claims alice key k => laptop: exhausted, phone: a3
        bob/phone claims alice key k => laptop: exhausted, phone: a2
        ",
    );
}

#[test]
fn the_same_key_for_another_question_is_a_mistake() {
    check(&format!(
        "
        alice/phone publishes a1 a2 d1
        carol/phone claims alice in 1 2 key k => laptop: exhausted, phone: a1
        carol/phone claims alice in 1 key k => {MISMATCH}
        carol/phone claims alice in 1 2 regular only key k => {MISMATCH}
        carol/phone claims alice key k => {MISMATCH}
        alice/phone counts => 1 of suite 1, 1 of suite 2
        "
    ));
}

/// A client that keeps its suites in a set may list them in another order when it asks again.
#[test]
fn the_order_of_the_suites_is_no_other_question() {
    check(
        "
        alice/phone publishes a1 a2
        carol/phone claims alice in 1 2 key k => laptop: exhausted, phone: a1
        carol/phone claims alice in 2 1 1 key k => laptop: exhausted, phone: a1
        ",
    );
}

#[test]
fn a_key_is_forgotten_after_a_day() {
    check(
        "
        alice/phone publishes a1 a2
        carol/phone claims alice key k => laptop: exhausted, phone: a1
        wait 86399
        carol/phone claims alice key k => laptop: exhausted, phone: a1
        wait 1
        carol/phone claims alice key k => laptop: exhausted, phone: a2
        wait 86399
        carol/phone claims alice key k => laptop: exhausted, phone: a2
        ",
    );
}

/// The requester has had these bytes already: to say so again gives nothing away.
#[test]
fn what_was_granted_is_told_again_even_after_its_end() {
    check(
        "
        alice/phone publishes short1
        carol/phone claims alice key k => laptop: exhausted, phone: short1
        wait 200
        alice/phone removes alice/phone:ed
        carol/phone claims alice key k => laptop: exhausted, phone: short1
        ",
    );
}
