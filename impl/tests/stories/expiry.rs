//! Signature keys that end by themselves, and what can be said of a key at any time.

use kpd_directory::{
    Policy,
    keys::{AddKey, AddKeyError, Authority, EnrolError},
    standing::{Ended, Standing},
};

use crate::{
    check,
    support::{
        command::Command,
        directory::Directory,
        make::START,
        world::{Who, key},
    },
};

/// `KEY-EXPIRY-FORWARD`: the same time again is harmless, since an answer may have been lost.
#[test]
fn an_end_moves_forward_only() {
    check(
        "
        alice/phone adds alice/phone:spare for 100
        wait 99
        alice/phone extends alice/phone:spare for 10 => done
        alice/phone extends alice/phone:spare for 10 => done
        alice/laptop extends alice/phone:spare for 9 => refused:
        | the key ends at 1000000109, and would end at 1000000108: an end moves forward only (Unix seconds)
        wait 9
        alice/phone publishes spare1 => spare1 new
        alice/phone extends alice/phone:ed for 1000000 => refused:
        | the key ends at no time, and would end at 1001000108: an end moves forward only (Unix seconds)
        bob/phone extends alice/phone:spare for 100 => refused: no such key on this user's list
        alice/phone adds alice/phone:spare => done
        wait 1
        alice/phone counts => 0 of suite 1
        ",
    );
}

/// `KEY-EXPIRY-FORWARD`
#[test]
fn no_key_begins_with_its_end() {
    let refusal = "refused: the key would end at 1000000000, and now it is 1000000000 (Unix seconds)";
    check(&format!("alice/phone adds alice/phone:spare for 0 => {refusal}"));
}

/// `KEY-NO-REVIVE`
#[test]
fn what_has_ended_does_not_come_back() {
    check(
        "
        alice/phone adds alice/phone:spare for 100
        wait 100
        alice/phone extends alice/phone:spare for 100 =>
        | refused: this key has ended at 1000000100 (Unix seconds), and does not come back
        alice/phone adds alice/phone:spare for 100 => refused: this key is, or was, on a list already
        alice/phone removes alice/phone:ed
        alice/phone extends alice/phone:ed for 100 =>
        | refused: this key has ended at 1000000100 (Unix seconds), and does not come back
        ",
    );
}

/// `KEY-CASCADE`: in the second of its end, and the last resort with it.
#[test]
fn what_an_expired_key_signed_goes_with_it() {
    check(
        "
        alice/phone adds alice/phone:spare for 100
        alice/phone publishes spare1 spare2* d1
        wait 99
        alice/phone counts => 1 of suite 1 and spare2* unused, 1 of suite 2
        carol/phone claims alice in 1 => laptop: exhausted, phone: spare1
        carol/phone claims alice in 1 => laptop: exhausted, phone: spare2* (last resort)
        wait 1
        alice/phone counts => 0 of suite 1, 1 of suite 2
        carol/phone claims alice in 1 => laptop: exhausted, phone: exhausted
        carol/phone claims alice in 2 => laptop: exhausted, phone: d1
        alice/phone publishes spare2* =>
        | refused: spare2*: its signature key is not on the owner's list for client phone
        ",
    );
}

/// `KEY-CASCADE`: a client without a valid key is no client, and no authority; its unread notifications wait.
#[test]
fn a_client_goes_with_its_last_key_until_it_has_another() {
    check(
        "
        alice/phone removes alice/phone:p256
        alice/phone adds alice/phone:spare for 100
        alice/phone removes alice/phone:ed
        alice/phone publishes spare1
        carol/phone claims alice => laptop: exhausted, phone: spare1
        wait 100
        carol/phone claims alice => laptop: exhausted
        alice/phone counts => refused: no such client
        alice/phone reads after 0 => refused: no such client
        alice/phone publishes a1 => refused: no such client
        ",
    );
}

fn after(commands: &[&str]) -> Directory {
    let mut directory = Directory::peopled(Policy::default());
    for command in commands {
        directory.run(&Command::parse(command));
    }
    directory
}

/// `KEY-PROOF`
#[test]
fn an_expired_key_is_no_authority_and_its_user_can_be_enrolled_again() {
    let mut directory = Directory::enrolled(Policy::default());
    let add = |name: &str, authority| {
        let (who, key) = (Who::parse(name.split(':').next().expect("a client")), key(name));
        let (client, proof) = (who.client_name(), key.proof(who));
        AddKey { client, key: key.public.clone(), proof, authority, expires_at: Some(START + 100) }
    };
    let token = Authority::EnrolmentToken("token of alice".into());
    let id = directory.add("alice", &add("alice/phone:ed", token)).expect("the token is good");
    directory.now += 99;
    assert_eq!(directory.enrol("alice", "again"), Err(EnrolError::AlreadyEnrolled));
    directory.now += 1;
    let refused = directory.add("alice", &add("alice/laptop:ed", Authority::ListedKey(id)));
    assert_eq!(refused, Err(AddKeyError::NotListed));
    directory.enrol("alice", "again").expect("no key is valid");
}

/// `KEY-HISTORY`: what ended first is how it ended; a removal after the end changes nothing.
#[test]
fn the_history_tells_how_and_when_each_key_ended() {
    let directory = after(&[
        "alice/phone adds alice/phone:spare for 100",
        "wait 50",
        "alice/phone removes alice/phone:ed",
        "wait 50",
        "alice/phone removes alice/phone:spare",
    ]);
    let state = directory.state("alice");
    let end = |name: &str, at| {
        let listed = state.key_history().find(|(id, _)| **id == key(name).public.id()).expect("ever listed").1;
        (listed.added_at, listed.ended(at))
    };
    let now = directory.now;
    assert_eq!(end("alice/phone:spare", now), (START, Some((START + 100, Ended::Expired))));
    assert_eq!(end("alice/phone:ed", now), (START, Some((START + 50, Ended::Removed))));
    assert_eq!(end("alice/phone:p256", now), (START, None));
    assert_eq!(end("alice/phone:spare", now - 1), (START, None), "not before its end");
    assert_eq!(state.keys(now).count(), 3);
    assert_eq!(state.key_history().count(), 5);
}

/// `KEY-VERIFY`
#[test]
fn a_key_bears_out_a_credential_while_it_is_valid() {
    let directory = after(&[
        "wait 10",
        "alice/phone adds alice/phone:spare for 100",
        "wait 50",
        "alice/phone removes alice/phone:ed",
    ]);
    let state = directory.state("alice");
    let standing = |name: &str, at| state.verify(key(name).public.bytes(), at).0;
    let (spare, removed) = ("alice/phone:spare", "alice/phone:ed");
    assert_eq!(standing(spare, START + 9), Standing::NotYet);
    assert_eq!(standing(spare, START + 10), Standing::Valid);
    assert_eq!(standing(spare, START + 109), Standing::Valid);
    assert_eq!(standing(spare, START + 110), Standing::Expired);
    assert_eq!(standing(removed, START + 59), Standing::Valid);
    assert_eq!(standing(removed, START + 60), Standing::Removed);
    assert_eq!(standing(removed, u64::MAX), Standing::Removed);
    assert_eq!(standing("bob/phone:ed", START + 60), Standing::Unknown, "somebody else's");
    assert_eq!(directory.state("carol").verify(key(spare).public.bytes(), START), (Standing::Unknown, None));
    let (_, listed) = state.verify(key(spare).public.bytes(), START);
    assert_eq!(listed.map(|listed| listed.client.as_str()), Some("phone"));
}

/// `KEY-LIST`: how long an answer stays true, if nobody does anything.
#[test]
fn the_list_changes_by_itself_at_the_next_end() {
    let directory = after(&["alice/phone adds alice/phone:spare for 100"]);
    let state = directory.state("alice");
    assert_eq!(state.next_expiry(START), Some(START + 100));
    assert_eq!(state.next_expiry(START + 100), None);
}
