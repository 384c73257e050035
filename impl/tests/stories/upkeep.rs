//! Removing a client, forgetting what is over, and fencing what was restored.

use kpd_directory::{Policy, upkeep::Collected};

use crate::{
    check, check_under,
    support::{command::Command, directory::Directory, make::DAY},
};

/// `LIFE-REMOVE-CLIENT`: its keys, its packages and its last resort, in one act; what it had not read is counted.
#[test]
fn a_client_is_removed_with_all_that_it_had() {
    check(
        "
        alice/phone publishes a1 a2 a3 d1 z1*
        alice/laptop publishes l1
        carol/phone claims alice in 1
        carol/phone claims alice in 1
        alice/phone acknowledges 1
        alice/laptop dismisses phone => 1 unread
        carol/phone claims alice => laptop: exhausted
        alice/phone counts => refused: no such client
        alice/phone publishes a3 => refused: no such client
        alice/laptop dismisses phone => refused: no such client
        alice/laptop dismisses watch => refused: no such client
        bob/phone dismisses phone => 0 unread
        bob/phone counts => refused: no such client
        ",
    );
}

/// `LIFE-REMOVE-CLIENT`: what was published stays known, and the sequence goes on.
#[test]
fn a_later_client_of_the_same_name_goes_on_where_it_was() {
    check(
        "
        alice/phone publishes a1 a2
        carol/phone claims alice
        alice/laptop dismisses phone => 1 unread
        alice/phone adds alice/phone:ed => refused: this key is, or was, on a list already
        alice/phone adds alice/phone:spare
        alice/phone compares => a1 granted, a2 withdrawn
        alice/phone reads after 0 => nothing
        alice/phone publishes spare1
        carol/phone claims alice => laptop: exhausted, phone: spare1
        alice/phone reads after 0 => 2. spare1 to carol/phone with 0 left
        ",
    );
}

/// `LIFE-NO-EARLY-GC`: age alone removes nothing.
#[test]
fn what_has_not_ended_is_never_forgotten() {
    let month = 30 * DAY;
    check(&format!(
        "
        alice/phone publishes a1 a2 a3 z1*
        carol/phone claims alice
        alice/phone withdraws a2
        wait {}
        collect
        alice/phone compares => a1 granted, a2 withdrawn, a3 available, z1* available
        alice/phone publishes a1 => refused: a1: published before, and granted since
        alice/phone publishes a1twin => refused: a1twin: its init key came before, in a1
        carol/phone claims alice => laptop: exhausted, phone: a3
        ",
        month - 1
    ));
}

/// `LIFE-TOMBSTONE`: what has ended is forgotten; its suite is not, nor what was told of it.
#[test]
fn what_has_ended_is_forgotten() {
    check(
        "
        alice/phone publishes short1 short2* d1
        carol/phone claims alice in 1 key k => laptop: exhausted, phone: short1
        wait 99
        collect
        alice/phone compares => d1 available, short1 granted, short2* available
        wait 1
        collect
        alice/phone compares => d1 available
        alice/phone counts => 0 of suite 1, 1 of suite 2
        alice/phone publishes short1 => refused:
        | short1: valid only until 1000000100, and now it is 1000000100 (Unix seconds)
        alice/phone withdraws short1 => short1 unknown
        carol/phone claims alice in 1 key k => laptop: exhausted, phone: short1
        alice/phone publishes a1 => a1 new
        carol/phone claims alice in 2 => laptop: exhausted, phone: d1
        carol/phone claims alice => laptop: exhausted, phone: a1
        ",
    );
}

/// `LIFE-TOMBSTONE`, `CLAIM-RETRY`: an answer under an idempotency key is remembered to the end of its time.
#[test]
fn answers_are_forgotten_after_their_time() {
    let mut directory = Directory::peopled(Directory::fifo());
    let run = |directory: &mut Directory, command: &str| directory.run(&Command::parse(command));
    run(&mut directory, "carol/phone claims alice key k");
    let collected = |directory: &Directory| directory.state("alice").collect(&directory.policy, directory.now).answer;
    run(&mut directory, "wait 86399");
    assert_eq!(collected(&directory), Collected::default());
    run(&mut directory, "wait 1");
    assert_eq!(collected(&directory), Collected { packages: 0, answers: 1 });
    run(&mut directory, "collect");
    assert_eq!(collected(&directory), Collected::default());
}

/// `RATE-PAIR`: to forget does not refill.
#[test]
fn what_counts_is_not_forgotten() {
    let claims = "carol/phone claims alice\n".repeat(20);
    let after = "wait 100\n collect\n carol/phone claims alice => too soon by 3500";
    check(&format!("alice/phone publishes short1\n{claims}{after}"));
}

/// `LIFE-RESTORE`: what may have been granted in the part of the history that is lost is not granted again.
#[test]
fn a_fence_withdraws_what_was_available() {
    check(
        "
        alice/phone publishes a1 a2 z1*
        alice/laptop publishes l1
        carol/phone claims alice => laptop: l1, phone: a1
        wait 100
        fence
        carol/phone claims alice => laptop: exhausted, phone: exhausted
        alice/phone compares => a1 granted, a2 withdrawn, z1* withdrawn
        alice/phone publishes a2 a3 => refused:
        | a2: published before, and withdrawn since,
        | a3: valid from 1000000000, where since a restore only what is valid from 1000000401 on is accepted (Unix seconds)
        wait 600
        alice/phone publishes future1 => future1 new
        ",
    );
}

/// `LIFE-RESTORE`: what was accepted before the fence, as far ahead as clocks may run, may be in the part that is lost.
#[test]
fn a_fence_refuses_what_can_have_been_accepted_before() {
    for (skew, answer) in [
        (
            200,
            "refused:
            | late1: valid from 1000000200, where since a restore only what is valid from 1000000201 on is accepted \
             (Unix seconds)",
        ),
        (199, "late1 new"),
    ] {
        let policy = Policy { clock_skew_seconds: skew, ..Directory::fifo() };
        check_under(policy, &format!("fence\n wait 100\n alice/phone publishes late1 => {answer}"));
    }
}

/// `LIFE-RESTORE`: no number comes twice, not even to a client of which nothing is left.
#[test]
fn after_a_fence_the_feeds_go_on_far_ahead() {
    let ahead = 1_u64 << 32;
    check(&format!(
        "
        alice/phone publishes a1
        carol/phone claims alice
        fence
        alice/phone reads after 0 => 1. a1 to carol/phone with 0 left
        wait 700
        alice/phone publishes future1
        wait 300
        carol/phone claims alice => laptop: exhausted, phone: future1
        alice/phone reads after 1 => {}. future1 to carol/phone with 0 left
        ",
        ahead + 2
    ));
    let mut directory = Directory::enrolled(Policy::default());
    directory.run(&Command::Fence);
    for command in ["alice/phone adds alice/phone:ed", "wait 1000", "alice/phone publishes future1"] {
        directory.run(&Command::parse(command));
    }
    directory.run(&Command::parse("carol/phone claims alice"));
    let read = Command::parse("alice/phone reads after 0");
    assert_eq!(directory.run(&read).tell(&read), format!("{}. future1 to carol/phone with 0 left", ahead + 1));
}
