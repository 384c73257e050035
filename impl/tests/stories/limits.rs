//! Limits: how often a requester is answered, when it may come again, and that nobody else feels it.

use kpd_directory::{
    Policy,
    policy::{Limit, Limits},
};

use crate::{
    check, check_under,
    support::{command::Command, directory::Directory},
};

fn pair(claims: usize, seconds: u64) -> Policy {
    let limits = Limits { pair: Some(Limit { claims, seconds }), ..Limits::NONE };
    Policy { limits, ..Directory::fifo() }
}

fn requester(claims: usize, seconds: u64) -> Policy {
    let limits = Limits { requester: Some(Limit { claims, seconds }), ..Limits::NONE };
    Policy { limits, ..Directory::fifo() }
}

fn server(claims: usize, seconds: u64) -> Policy {
    let limits = Limits { server: Some(Limit { claims, seconds }), ..Limits::NONE };
    Policy { limits, ..Directory::fifo() }
}

/// `RATE-PAIR`, `RATE-RETRY-AFTER`, `CLAIM-REFUSAL-FREE`: the window slides, and the promise is kept to the second.
#[test]
fn of_one_requester_and_one_user() {
    check_under(
        pair(2, 10),
        "
        alice/phone publishes a1 a2 a3 z1*
        carol/phone claims alice => laptop: exhausted, phone: a1
        wait 3
        carol/phone claims alice => laptop: exhausted, phone: a2
        carol/phone claims alice => too soon by 7
        wait 6
        carol/phone claims alice => too soon by 1
        alice/phone counts => 1 of suite 1 and z1* unused
        wait 1
        carol/phone claims alice => laptop: exhausted, phone: a3
        carol/phone claims alice => too soon by 3
        wait 3
        carol/phone claims alice => laptop: exhausted, phone: z1* (last resort)
        carol/phone claims alice => too soon by 7
        alice/phone reads after 0 =>
        | 1. a1 to carol/phone with 2 left,
        | 2. a2 to carol/phone with 1 left,
        | 3. a3 to carol/phone with 0 left,
        | 4. z1* to carol/phone for the first time with 0 left
        ",
    );
}

/// `RATE-PAIR`: whoever makes another client is the same requester.
#[test]
fn a_requester_is_a_user_with_all_its_clients() {
    check_under(
        pair(1, 10),
        "
        alice/phone publishes a1 a2
        bob/phone claims alice => laptop: exhausted, phone: a1
        bob/laptop claims alice => too soon by 10
        carol/phone claims alice => laptop: exhausted, phone: a2
        ",
    );
}

/// `RATE-PAIR`: an answer counts though it granted nothing; a refusal and a repetition do not.
#[test]
fn what_counts_is_what_was_answered_once() {
    check_under(
        pair(2, 10),
        "
        carol/phone claims alice key k => laptop: exhausted, phone: exhausted
        carol/phone claims alice key k => laptop: exhausted, phone: exhausted
        wait 2
        carol/phone claims alice in 2 key k =>
        | refused: this idempotency key belongs to an earlier claim that asked for something else
        carol/phone claims alice => laptop: exhausted, phone: exhausted
        carol/phone claims alice => too soon by 8
        wait 8
        carol/phone claims alice => laptop: exhausted, phone: exhausted
        ",
    );
}

/// `CLAIM-RETRY`: the first answer under an idempotency key is final, also when it is a refusal.
#[test]
fn a_late_duplicate_of_a_refused_claim_is_refused() {
    for policy in [pair(1, 10), requester(1, 10), server(1, 10)] {
        check_under(
            policy,
            "
            alice/phone publishes a1 a2 d1
            carol/phone claims alice in 1 => laptop: exhausted, phone: a1
            carol/phone claims alice key k => too soon by 10
            wait 60
            carol/phone claims alice key k => too soon by 10
            carol/phone claims alice in 2 key k =>
            | refused: this idempotency key belongs to an earlier claim that asked for something else
            alice/phone counts => 1 of suite 1, 1 of suite 2
            carol/phone claims alice in 2 key new => laptop: exhausted, phone: d1
            wait 86340
            carol/phone claims alice key k => laptop: exhausted, phone: a2
            ",
        );
    }
}

/// Whoever comes too often can invent keys: what was refused under them is let go after its time, by whatever comes next.
#[test]
fn refusals_are_remembered_to_the_end_of_their_time() {
    let mut directory = Directory::peopled(Policy { idempotency_seconds: 100, ..pair(1, 200) });
    let mut run = |commands: &str| {
        commands.split("; ").for_each(|command| drop(directory.run(&Command::parse(command))));
        directory
            .state("alice")
            .collect(&Policy { idempotency_seconds: 0, ..directory.policy.clone() }, directory.now + 100)
    };
    let remembered = run("carol/phone claims alice; carol/phone claims alice key k1; carol/phone claims alice key k2");
    assert_eq!(remembered.answer.answers, 2);
    assert_eq!(run("wait 99; carol/phone claims alice key k3").answer.answers, 3);
    assert_eq!(run("wait 1; carol/phone claims alice key k4").answer.answers, 2);
    assert_eq!(run("wait 150; carol/phone claims alice").answer.answers, 0);
}

/// `RATE-REQUESTER`: over all users that it claims from, known or not, whatever becomes of the claims.
#[test]
fn of_one_requester_over_all_users() {
    check_under(
        requester(4, 10),
        "
        alice/phone publishes a1 a2
        bob/phone publishes b1
        alice/phone blocks carol
        carol/phone claims bob => laptop: exhausted, phone: b1
        carol/phone claims carol => refused: no such user
        wait 4
        carol/phone claims alice => refused: no such user
        carol/phone claims bob key k => laptop: exhausted, phone: exhausted
        carol/phone claims bob key k => laptop: exhausted, phone: exhausted
        carol/phone claims bob => too soon by 6
        carol/phone claims alice => too soon by 6
        carol/phone claims carol => too soon by 6
        bob/phone claims alice => laptop: exhausted, phone: a1
        wait 6
        carol/phone claims bob => laptop: exhausted, phone: exhausted
        carol/phone claims bob => laptop: exhausted, phone: exhausted
        carol/phone claims bob => too soon by 4
        ",
    );
}

/// `RATE-SERVER`, `RATE-RETRY-AFTER`, `RATE-ISOLATED`: of all requesters that another server vouches for, over all users,
/// known or not; those of the directory's own are not counted together.
#[test]
fn of_all_requesters_of_one_server() {
    check_under(
        server(3, 10),
        "
        alice/phone publishes a1 a2 a3
        bob/phone publishes b1
        carol/phone claims bob => laptop: exhausted, phone: b1
        carol/phone claims carol => refused: no such user
        wait 4
        dave/phone claims alice => laptop: exhausted, phone: a1
        dave/phone claims alice => too soon by 6
        carol/phone claims alice => too soon by 6
        bob/phone claims alice => laptop: exhausted, phone: a2
        bob/phone claims alice => laptop: exhausted, phone: a3
        bob/phone claims alice => laptop: exhausted, phone: exhausted
        bob/phone claims alice => laptop: exhausted, phone: exhausted
        wait 6
        carol/phone claims alice => laptop: exhausted, phone: exhausted
        dave/phone claims alice => laptop: exhausted, phone: exhausted
        dave/phone claims alice => too soon by 4
        alice/phone counts => 0 of suite 1
        ",
    );
}

/// `RATE-SERVER`: what a requester asks beyond its own limit takes nothing from the others of its server, and what is
/// repeated costs neither anything.
#[test]
fn a_servers_allowance_is_debited_after_its_requesters() {
    let limit = |claims| Some(Limit { claims, seconds: 10 });
    let limits = Limits { requester: limit(2), server: limit(3), pair: None };
    check_under(
        Policy { limits, ..Directory::fifo() },
        "
        alice/phone publishes a1 a2 a3
        carol/phone claims alice => laptop: exhausted, phone: a1
        carol/phone claims alice => laptop: exhausted, phone: a2
        carol/phone claims alice => too soon by 10
        carol/phone claims alice => too soon by 10
        wait 4
        dave/phone claims alice key k => laptop: exhausted, phone: a3
        dave/phone claims alice key k => laptop: exhausted, phone: a3
        dave/phone claims alice key l => too soon by 6
        dave/phone claims alice key l => too soon by 6
        dave/phone claims alice => too soon by 10
        wait 6
        carol/phone claims alice => laptop: exhausted, phone: exhausted
        carol/phone claims alice => laptop: exhausted, phone: exhausted
        dave/phone claims alice key l => too soon by 6
        ",
    );
}

/// `RATE-ISOLATED`: a limit per target alone would let the first one lock out all others.
#[test]
fn what_one_uses_up_nobody_else_feels() {
    let limits = Limits {
        pair: Some(Limit { claims: 1, seconds: 1_000 }),
        requester: Some(Limit { claims: 1, seconds: 1_000 }),
        server: None,
    };
    check_under(
        Policy { limits, ..Directory::fifo() },
        "
        alice/phone publishes a1 a2 a3
        carol/phone claims alice => laptop: exhausted, phone: a1
        carol/phone claims alice => too soon by 1000
        bob/phone claims alice => laptop: exhausted, phone: a2
        bob/phone claims alice => too soon by 1000
        alice/laptop claims alice => phone: a3
        ",
    );
}

/// `RATE-PAIR`: less than a full stock at once.
#[test]
fn the_default_burst_is_below_the_default_stock() {
    let policy = Policy::default();
    assert!(policy.limits.pair.is_some_and(|pair| pair.claims < policy.stock_max));
    let claims = "carol/phone claims alice => laptop: exhausted, phone: exhausted\n".repeat(20);
    check(&format!("{claims} carol/phone claims alice => too soon by 3600"));
}
