//! The order of grants: as declared (`CLAIM-SELECTION`).

use std::collections::BTreeSet;

use kpd_directory::Policy;

use crate::{
    check, check_under,
    support::{answer::Answer, command::Command, directory::Directory},
};

#[test]
fn first_in_first_out() {
    check(
        "
        alice/phone publishes a3
        alice/phone publishes a1 a2
        carol/phone claims alice => laptop: exhausted, phone: a3
        carol/phone claims alice => laptop: exhausted, phone: a1
        carol/phone claims alice => laptop: exhausted, phone: a2
        ",
    );
}

#[test]
fn first_in_first_out_over_all_suites_that_will_do() {
    check(
        "
        alice/phone publishes d1
        alice/phone publishes a1
        alice/phone publishes d2
        carol/phone claims alice => laptop: exhausted, phone: d1
        carol/phone claims alice in 2 1 => laptop: exhausted, phone: a1
        carol/phone claims alice => laptop: exhausted, phone: d2
        ",
    );
}

#[test]
fn publishing_again_does_not_move_it_back() {
    check(
        "
        alice/phone publishes a1
        alice/phone publishes a2 a1
        carol/phone claims alice => laptop: exhausted, phone: a1
        ",
    );
}

#[test]
fn random_is_whatever_the_die_says() {
    check_under(
        Policy::default(),
        "
        alice/phone publishes a1 a2 d1
        carol/phone claims alice die 2 => laptop: exhausted, phone: d1
        carol/phone claims alice die 1 => laptop: exhausted, phone: a2
        carol/phone claims alice die 7 => laptop: exhausted, phone: a1
        ",
    );
}

/// Each package is one face of the die, so that a fair die makes a fair choice.
#[test]
fn random_can_pick_each_one() {
    let picked = (0..5).map(|die| {
        let mut directory = Directory::peopled(Policy::default());
        directory.run(&Command::parse("alice/phone publishes a1 a2 a3 d1 d2 z1*"));
        let claim = Command::parse(&format!("carol/phone claims alice die {die}"));
        let answer = directory.run(&claim);
        assert!(matches!(answer, Answer::Claimed(_)));
        answer.tell(&claim)
    });
    let picked: BTreeSet<_> = picked.collect();
    assert_eq!(picked.len(), 5, "{picked:?}");
}
