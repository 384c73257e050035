//! What the owner is told: each grant once, in order, until it was acknowledged.

use kpd_directory::{Policy, policy::DrainAlert};

use crate::{check, check_under, support::directory::Directory};

/// `NOTE-EVERY-GRANT`, `NOTE-NAMES-REQUESTER`, `LAST-TOLD`
#[test]
fn each_grant_once_with_what_is_left() {
    check(
        "
        alice/phone publishes a1 a2 d1 z1*
        carol/phone claims alice in 1
        bob/laptop claims alice in 1
        bob/phone claims alice in 1
        carol/phone claims alice in 1
        carol/phone claims alice in 2
        alice/phone reads after 0 =>
        | 1. a1 to carol/phone with 1 left,
        | 2. a2 to bob/laptop with 0 left,
        | 3. z1* to bob/phone for the first time with 0 left,
        | 4. z1* to carol/phone with 0 left,
        | 5. d1 to carol/phone with 0 left
        alice/laptop reads after 0 => nothing
        ",
    );
}

/// `NOTE-EVERY-GRANT`: nothing but a grant makes one.
#[test]
fn nothing_else_is_told() {
    check(
        "
        alice/phone publishes a1 short1
        alice/phone withdraws a1
        wait 100
        carol/phone claims alice key k
        carol/phone claims alice in 2
        alice/phone removes alice/phone:p256
        alice/phone reads after 0 => nothing
        ",
    );
}

/// `NOTE-SURVIVES`
#[test]
fn they_wait_until_they_are_acknowledged() {
    check(
        "
        alice/phone publishes a1 a2 a3
        carol/phone claims alice
        carol/phone claims alice
        alice/phone reads after 0 => 1. a1 to carol/phone with 2 left, 2. a2 to carol/phone with 1 left
        alice/phone reads after 0 => 1. a1 to carol/phone with 2 left, 2. a2 to carol/phone with 1 left
        wait 8000000
        alice/phone reads after 1 => 2. a2 to carol/phone with 1 left
        alice/phone acknowledges 1
        alice/phone reads after 0 => 2. a2 to carol/phone with 1 left
        alice/phone acknowledges 1 => done
        alice/phone acknowledges 2 => done
        alice/phone reads after 0 => nothing
        alice/phone acknowledges 1 => done
        ",
    );
}

#[test]
fn their_numbers_go_on_after_an_acknowledgement() {
    check(
        "
        alice/phone publishes a1 a2
        carol/phone claims alice
        alice/phone acknowledges 1
        carol/phone claims alice
        alice/phone reads after 1 => 2. a2 to carol/phone with 0 left
        ",
    );
}

#[test]
fn what_was_not_delivered_is_not_acknowledged() {
    check(
        "
        alice/phone acknowledges 0 => done
        alice/phone acknowledges 1 => refused: notification 1 is acknowledged, but the newest is 0
        alice/phone publishes a1
        carol/phone claims alice
        alice/phone acknowledges 2 => refused: notification 2 is acknowledged, but the newest is 1
        alice/phone reads after 0 => 1. a1 to carol/phone with 0 left
        ",
    );
}

/// `NOTE-ZERO`
#[test]
fn an_empty_stock_is_told_as_zero() {
    check(
        "
        alice/phone counts => nothing
        alice/phone publishes a1
        carol/phone claims alice
        alice/phone counts => 0 of suite 1
        alice/phone publishes y1*
        alice/phone counts => 0 of suite 1, 0 of suite 2 and y1* unused
        ",
    );
}

#[test]
fn a_client_without_a_key_is_told_nothing() {
    check(
        "
        carol/phone counts => refused: no such client
        carol/phone reads after 0 => refused: no such client
        carol/phone acknowledges 0 => refused: no such client
        ",
    );
}

#[test]
fn a_key_that_follows_finds_what_is_unread() {
    check(
        "
        alice/phone publishes a1
        carol/phone claims alice
        alice/phone removes alice/phone:ed
        alice/phone removes alice/phone:p256
        alice/phone reads after 0 => refused: no such client
        alice/phone adds alice/phone:spare
        alice/phone reads after 0 => 1. a1 to carol/phone with 0 left
        ",
    );
}

/// `NOTE-DRAIN`: with the grant that crosses the share, and once.
#[test]
fn who_takes_more_than_its_share_is_told_of() {
    let drain = Some(DrainAlert { percent: 50, at_least: 2, seconds: 100 });
    check_under(
        Policy { drain, ..Directory::fifo() },
        "
        alice/phone publishes a1 a2 a3
        carol/phone claims alice
        carol/phone claims alice
        carol/phone claims alice
        alice/phone reads after 0 =>
        | 1. a1 to carol/phone with 2 left,
        | 2. a2 to carol/phone with 1 left draining 2 of 3,
        | 3. a3 to carol/phone with 0 left
        ",
    );
}
