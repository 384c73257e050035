//! The signature-key list: who gets on it, and what goes with a key that leaves.

use kpd_directory::{
    ClientName, Policy,
    keys::{AddKey, AddKeyError, Authority, EnrolError, KeyReserved, check_possession, possession_message, reserve},
};

use crate::{
    check,
    support::{
        directory::Directory,
        make::{DAY, START},
        world::{Who, key, user_id},
    },
};

fn token(text: &str) -> Authority {
    Authority::EnrolmentToken(text.into())
}

/// A request to add this key for the client that its name begins with.
fn add(name: &str, authority: Authority) -> AddKey {
    let (who, key) = (Who::parse(name.split(':').next().unwrap_or_default()), key(name));
    AddKey { client: who.client_name(), key: key.public.clone(), proof: key.proof(who), authority, expires_at: None }
}

fn enrolled() -> Directory {
    Directory::enrolled(Policy::default())
}

/// `KEY-PROOF`
#[test]
fn a_token_is_good_once() {
    let mut directory = enrolled();
    let first = add("alice/phone:ed", token("token of alice"));
    let id = directory.add("alice", &first).expect("the token is good");
    assert_eq!(
        directory.add("alice", &add("alice/laptop:ed", token("token of alice"))),
        Err(AddKeyError::InvalidToken)
    );
    // Once more the same: the answer may have been lost.
    assert_eq!(directory.add("alice", &first), Ok(id));
    assert_eq!(directory.history("alice").len(), 2, "enrolled, and one key added");
    assert_eq!(directory.enrol("alice", "another"), Err(EnrolError::AlreadyEnrolled));
    directory.add("alice", &add("alice/laptop:ed", Authority::ListedKey(id))).expect("a listed key is authority");
}

/// `KEY-PROOF`: who has lost every key gets in by a new token of the operator, and the old keys stay out.
#[test]
fn whoever_has_no_key_left_can_be_enrolled_again() {
    let mut directory = enrolled();
    let first = add("alice/phone:ed", token("token of alice"));
    let id = directory.add("alice", &first).expect("the token is good");
    directory.run(&crate::support::command::Command::parse("alice/phone removes alice/phone:ed"));
    directory.enrol("alice", "again").expect("no key is left");
    assert_eq!(directory.add("alice", &add("alice/phone:ed", token("again"))), Err(AddKeyError::KeyTaken));
    let second = directory.add("alice", &add("alice/laptop:ed", token("again"))).expect("a new key and a new token");
    assert_ne!(id, second);
}

/// `KEY-PROOF`
#[test]
fn a_wrong_token_and_an_expired_one() {
    let mut directory = enrolled();
    let wrong = add("alice/phone:ed", token("token of bob"));
    assert_eq!(directory.add("alice", &wrong), Err(AddKeyError::InvalidToken));
    directory.now = START + DAY;
    let late = add("alice/phone:ed", token("token of alice"));
    assert_eq!(directory.add("alice", &late), Err(AddKeyError::InvalidToken));
    assert_eq!(directory.enrol("alice", "a new one"), Ok(START + 2 * DAY));
    assert_eq!(directory.add("alice", &late), Err(AddKeyError::InvalidToken), "the new token replaces the old");
    directory.now = START + 2 * DAY - 1;
    directory.add("alice", &add("alice/phone:ed", token("a new one"))).expect("in its last second");
}

#[test]
fn nobody_adds_a_key_to_no_account() {
    let mut directory = Directory::empty(Policy::default());
    assert_eq!(directory.add("alice", &add("alice/phone:ed", token(""))), Err(AddKeyError::UnknownUser));
    assert!(!directory.state("alice").is_enrolled());
}

/// `KEY-PROOF`: whoever adds a key holds it.
#[test]
fn the_new_key_signs_for_this_user_and_this_client() {
    for name in ["alice/phone:ed", "alice/phone:p256"] {
        let good = add(name, token("token of alice"));
        assert_eq!(check_possession(&user_id("alice"), &good), Ok(()));
        let proofs = [
            vec![],
            vec![0; 64],
            key(name).proof(Who::parse("bob/phone")),
            key(name).proof(Who::parse("alice/laptop")),
            key("bob/phone:ed").proof(Who::parse("alice/phone")),
        ];
        for proof in proofs {
            let bad = AddKey { proof, ..good.clone() };
            assert_eq!(enrolled().add("alice", &bad), Err(AddKeyError::InvalidProof));
        }
    }
}

#[test]
fn the_message_names_user_client_and_key() {
    let public = &key("alice/phone:ed").public;
    let message = String::from_utf8(possession_message(&user_id("alice"), &name("phone"), public)).expect("text");
    let lines: Vec<_> = message.lines().collect();
    let encoded = data_encoding::BASE64.encode(public.bytes());
    assert_eq!(lines, ["key-package-directory add-key v1", "acct:alice@example.org", "phone", &encoded]);
}

/// `KEY-PROOF`
#[test]
fn a_key_of_somebody_else_and_a_removed_one_are_no_authority() {
    let mut directory = enrolled();
    let bob = directory.add("bob", &add("bob/phone:ed", token("token of bob"))).expect("a key");
    let refused = directory.add("alice", &add("alice/phone:ed", Authority::ListedKey(bob)));
    assert_eq!(refused, Err(AddKeyError::NotListed));
    directory.run(&crate::support::command::Command::parse("bob/phone removes bob/phone:ed"));
    let refused = directory.add("bob", &add("bob/laptop:ed", Authority::ListedKey(bob)));
    assert_eq!(refused, Err(AddKeyError::NotListed));
}

/// `KEY-UNIQUE`, `KEY-NO-REVIVE`
#[test]
fn a_key_is_one_clients_for_ever() {
    let taken = "refused: this key is, or was, on a list already";
    check(&format!(
        "
        alice/laptop adds alice/phone:ed => {taken}
        bob/phone adds alice/phone:ed => {taken}
        alice/phone adds alice/phone:ed => done
        alice/phone removes alice/phone:ed => done
        alice/phone removes alice/phone:ed => done
        alice/phone adds alice/phone:ed => {taken}
        alice/laptop adds alice/phone:ed => {taken}
        bob/phone adds alice/phone:ed => {taken}
        "
    ));
}

#[test]
fn nobody_removes_a_key_from_another_list() {
    check("bob/phone removes alice/phone:ed => refused: no such key on this user's list");
    check("alice/phone removes alice/phone:spare => refused: no such key on this user's list");
}

/// `KEY-CASCADE`
#[test]
fn what_a_removed_key_signed_goes_with_it() {
    check(
        "
        alice/phone adds alice/phone:spare
        alice/phone publishes a1 spare1 spare2* d1
        alice/phone removes alice/phone:spare
        alice/phone counts => 1 of suite 1, 1 of suite 2
        carol/phone claims alice in 1 => laptop: exhausted, phone: a1
        carol/phone claims alice in 1 => laptop: exhausted, phone: exhausted
        carol/phone claims alice in 2 => laptop: exhausted, phone: d1
        ",
    );
}

#[test]
fn a_client_goes_with_its_last_key() {
    check(
        "
        alice/laptop publishes l1
        alice/laptop removes alice/laptop:ed
        alice/laptop removes alice/laptop:p256
        carol/phone claims alice => phone: exhausted
        alice/phone removes alice/phone:ed
        alice/phone removes alice/phone:p256
        carol/phone claims alice => nothing
        alice/phone adds alice/phone:spare => refused: the enrolment token is wrong, spent or expired
        ",
    );
}

/// `KEY-LIST`
#[test]
fn the_list_has_what_was_added_and_not_removed() {
    let mut directory = Directory::peopled(Policy::default());
    directory.run(&crate::support::command::Command::parse("alice/phone removes alice/phone:ed"));
    let state = directory.state("alice");
    let clients: Vec<_> = state.keys(START).map(|(_, listed)| listed.client.to_string()).collect();
    assert_eq!(clients.iter().filter(|client| *client == "phone").count(), 1);
    assert_eq!(clients.iter().filter(|client| *client == "laptop").count(), 2);
    assert_eq!(state.listed_key(START, &key("alice/phone:ed").public.id()), None);
    assert!(state.listed_key(START, &key("alice/phone:p256").public.id()).is_some());
}

/// `KEY-UNIQUE`: over all users, since each key has a history of its own.
#[test]
fn a_reservation_is_made_once() {
    let (alice, bob, phone) = (user_id("alice"), user_id("bob"), name("phone"));
    let reserved = KeyReserved { user: alice.clone(), client: phone.clone() };
    assert_eq!(reserve(&[], &alice, &phone), Ok(Some(reserved.clone())));
    let history = [reserved];
    assert_eq!(reserve(&history, &alice, &phone), Ok(None));
    assert_eq!(reserve(&history, &alice, &name("laptop")), Err(AddKeyError::KeyTaken));
    assert_eq!(reserve(&history, &bob, &phone), Err(AddKeyError::KeyTaken));
}

fn name(client: &str) -> ClientName {
    ClientName::parse(client).expect("a client name")
}
