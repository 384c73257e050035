//! The last resort: when nothing else is left, kept, told, replaced.

use crate::check;

/// `LAST-ONLY-WHEN-EXHAUSTED`, `LAST-KEPT`, `LAST-TOLD`
#[test]
fn it_stays_while_regular_ones_remain_and_after_that() {
    check(
        "
        alice/phone publishes z1* a1
        carol/phone claims alice => laptop: exhausted, phone: a1
        carol/phone claims alice => laptop: exhausted, phone: z1* (last resort)
        bob/phone claims alice => laptop: exhausted, phone: z1* (last resort)
        alice/phone publishes a2
        carol/phone claims alice => laptop: exhausted, phone: a2
        ",
    );
}

#[test]
fn a_regular_one_of_another_suite_does_not_hold_it_back() {
    check(
        "
        alice/phone publishes z1* d1
        carol/phone claims alice in 1 => laptop: exhausted, phone: z1* (last resort)
        carol/phone claims alice in 1 2 => laptop: exhausted, phone: d1
        carol/phone claims alice in 2 => laptop: exhausted, phone: exhausted
        ",
    );
}

/// `LAST-TOLD`
#[test]
fn a_requester_can_rule_it_out() {
    check(
        "
        alice/phone publishes z1*
        carol/phone claims alice regular only => laptop: exhausted, phone: exhausted
        alice/phone counts => 0 of suite 1 and z1* unused
        carol/phone claims alice => laptop: exhausted, phone: z1* (last resort)
        ",
    );
}

/// `LAST-REPLACED-WHOLE`
#[test]
fn a_replaced_one_never_comes_back() {
    check(
        "
        alice/phone publishes z1* y1*
        alice/phone publishes z2* => z2* new
        carol/phone claims alice in 1 => laptop: exhausted, phone: z2* (last resort)
        carol/phone claims alice in 2 => laptop: exhausted, phone: y1* (last resort)
        alice/phone publishes z1* => refused: z1*: published before, and withdrawn since
        alice/phone withdraws z2*
        carol/phone claims alice in 1 => laptop: exhausted, phone: exhausted
        ",
    );
}

/// `PUB-ONE-ROLE`, `PUB-ATOMIC`: when the new one is refused, the former one stays.
#[test]
fn a_refused_one_leaves_the_old_one() {
    check(
        "
        alice/phone publishes a1 z1*
        alice/phone publishes a1twin* => refused: a1twin*: its init key came before, in a1, which is Regular
        alice/phone publishes z2* l1 => refused: l1: its signature key is not on the owner's list for client phone
        carol/phone claims alice => laptop: exhausted, phone: a1
        carol/phone claims alice => laptop: exhausted, phone: z1* (last resort)
        ",
    );
}

/// `LAST-ONE-PER-SUITE`
#[test]
fn there_is_one_for_each_suite() {
    check(
        "
        alice/phone publishes z1* y1* => z1* new, y1* new
        alice/phone publishes z2* z1* => refused: z1*: a second last resort of suite 0x0001 in one batch
        alice/phone counts => 0 of suite 1 and z1* unused, 0 of suite 2 and y1* unused
        ",
    );
}

/// `LAST-USED-STICKS`
#[test]
fn publishing_it_again_does_not_make_it_unused() {
    check(
        "
        alice/phone publishes z1*
        carol/phone claims alice
        alice/phone publishes z1* => z1* there
        alice/phone counts => 0 of suite 1 and z1* used
        alice/phone publishes z2*
        alice/phone counts => 0 of suite 1 and z2* unused
        ",
    );
}

/// `LAST-SAME-CHECKS`, `KEY-CASCADE`
#[test]
fn it_ends_with_its_lifetime_and_with_its_key() {
    check(
        "
        alice/phone publishes short2* y1*
        carol/phone claims alice in 1 => laptop: exhausted, phone: short2* (last resort)
        wait 100
        carol/phone claims alice in 1 => laptop: exhausted, phone: exhausted
        alice/phone removes alice/phone:p256
        carol/phone claims alice in 2 => laptop: exhausted, phone: exhausted
        alice/phone counts => 0 of suite 1, 0 of suite 2
        ",
    );
}
