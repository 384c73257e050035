//! Blocks: whoever is shut out cannot tell it from a user that does not exist.

use kpd_directory::{UserState, blocks::BlockError};

use crate::{
    check,
    support::{command::Command, directory::Directory, world::user_id},
};

/// `BLOCK-REQUESTER`, `CLAIM-UNIFORM`, `CLAIM-REFUSAL-FREE`: at once, with all its clients, and until it is lifted.
#[test]
fn a_requester_is_shut_out() {
    check(
        "
        alice/phone publishes a1 a2 z1*
        bob/phone claims alice => laptop: exhausted, phone: a1
        alice/laptop blocks bob => done
        bob/phone claims alice => refused: no such user
        bob/laptop claims alice key k => refused: no such user
        bob/phone claims carol => refused: no such user
        alice/phone counts => 1 of suite 1 and z1* unused
        alice/phone reads after 1 => nothing
        carol/phone claims alice => laptop: exhausted, phone: a2
        alice/phone unblocks bob => done
        bob/laptop claims alice key k => laptop: exhausted, phone: z1* (last resort)
        ",
    );
}

/// `BLOCK-REQUESTER`: the owner's own clients live on the server, too, and are not shut out.
#[test]
fn a_server_is_shut_out() {
    check(
        "
        alice/phone publishes a1 a2
        alice/phone blocks at example.net
        carol/phone claims alice => refused: no such user
        bob/phone claims alice => laptop: exhausted, phone: a1
        alice/phone blocks at example.org
        carol/phone claims alice => refused: no such user
        bob/phone claims alice => refused: no such user
        alice/laptop claims alice => phone: a2
        alice/phone unblocks at example.net
        carol/phone claims alice => laptop: exhausted, phone: exhausted
        bob/phone claims alice => refused: no such user
        alice/phone unblocks at example.org
        bob/phone claims alice => laptop: exhausted, phone: exhausted
        ",
    );
}

/// `CLAIM-RETRY`: what was answered before the block is answered again; the requester has had these bytes.
#[test]
fn a_repetition_is_answered_from_memory() {
    check(
        "
        alice/phone publishes a1
        bob/phone claims alice key k => laptop: exhausted, phone: a1
        alice/phone blocks bob
        bob/phone claims alice key k => laptop: exhausted, phone: a1
        bob/phone claims alice key other => refused: no such user
        ",
    );
}

/// `BLOCK-REQUESTER`: the owner sees whom it shut out.
#[test]
fn they_are_listed_since_when_they_are_set() {
    let mut directory = Directory::peopled(Directory::fifo());
    for command in ["alice/phone blocks bob", "wait 5", "alice/phone blocks bob", "alice/phone blocks at example.net"] {
        directory.run(&Command::parse(command));
    }
    let state = directory.state("alice");
    let listed: Vec<_> = state.blocks().map(|(_, since)| since).collect();
    assert_eq!(listed, [directory.now - 5, directory.now]);
    let blocked = kpd_directory::blocks::Blocked::Requester(user_id("bob"));
    assert_eq!(UserState::default().block(0, &blocked), Err(BlockError::UnknownUser));
    assert_eq!(UserState::default().unblock(0, &blocked), Err(BlockError::UnknownUser));
}
