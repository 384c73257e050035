//! Replacing: a batch takes the place of everything that is available, or nothing changes.

use kpd_directory::Policy;

use crate::{check, check_under, support::directory::Directory};

/// `PUB-ATOMIC`, `PUB-RETRY`: what is in the batch and available stays as it is, also in its place.
#[test]
fn the_batch_takes_the_place_of_the_rest() {
    check(
        "
        alice/phone publishes a1 a2 d1 z1* y1*
        carol/phone claims alice in 1 => laptop: exhausted, phone: a1
        alice/phone replaces a3 a2 z2* => a3 new, a2 there, z2* new; withdrawn: d1, y1*, z1*
        alice/phone counts => 2 of suite 1 and z2* unused, 0 of suite 2
        carol/phone claims alice => laptop: exhausted, phone: a2
        carol/phone claims alice => laptop: exhausted, phone: a3
        carol/phone claims alice => laptop: exhausted, phone: z2* (last resort)
        alice/phone replaces z2* => z2* there; withdrawn: nothing
        alice/phone counts => 0 of suite 1 and z2* used, 0 of suite 2
        alice/phone publishes d1 => refused: d1: published before, and withdrawn since
        ",
    );
}

/// `PUB-ATOMIC`: everything is validated before anything is withdrawn.
#[test]
fn a_refused_one_withdraws_nothing() {
    check(
        "
        alice/phone publishes a1 z1*
        alice/phone replaces a2 l1 => refused: l1: its signature key is not on the owner's list for client phone
        alice/phone replaces a2 a1twin => refused: a1twin: its init key came before, in a1
        alice/phone replaces z1* z2* => refused: z2*: a second last resort of suite 0x0001 in one batch
        alice/phone replaces => refused: no KeyPackage in the batch
        carol/phone replaces a1 => refused: no such client
        alice/phone counts => 1 of suite 1 and z1* unused
        carol/phone claims alice => laptop: exhausted, phone: a1
        alice/phone replaces a1 => refused: a1: published before, and granted since
        carol/phone claims alice => laptop: exhausted, phone: z1* (last resort)
        ",
    );
}

/// `PUB-LIMITS`: the stock counts as it is afterwards.
#[test]
fn a_full_stock_can_be_replaced() {
    check_under(
        Policy { stock_max: 2, ..Directory::fifo() },
        "
        alice/phone publishes a1 a2
        alice/phone replaces a3 a1 => a3 new, a1 there; withdrawn: a2
        alice/phone replaces a1 a3 short1 => refused:
        | 1 more regular KeyPackages of suite 0x0001 beside 2, where at most 2 are kept
        alice/phone counts => 2 of suite 1
        ",
    );
}

/// `LIFE-TERMINAL`: what has ended stays as it ended.
#[test]
fn what_has_ended_is_not_withdrawn() {
    check(
        "
        alice/phone adds alice/phone:spare
        alice/phone publishes short1 spare1 a1
        alice/phone removes alice/phone:spare
        wait 100
        alice/phone replaces a2 => a2 new; withdrawn: a1
        alice/phone compares => a1 withdrawn, a2 available, short1 expired, spare1 revoked
        ",
    );
}
