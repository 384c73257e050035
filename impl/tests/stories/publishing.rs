//! Publishing: whole or not at all, again, and within the limits.

use kpd_directory::{ClientName, Policy, UserState, publish::PublishError};

use crate::{check, check_under, support::directory::Directory};

#[test]
fn what_is_published_is_there() {
    check(
        "
        alice/phone publishes a1 d1 z1* => a1 new, d1 new, z1* new
        alice/phone counts => 1 of suite 1 and z1* unused, 1 of suite 2
        ",
    );
}

/// `PUB-ATOMIC`
#[test]
fn a_batch_is_stored_whole_or_not_at_all_and_each_faulty_item_is_named() {
    check(
        "
        wait 100
        alice/phone publishes a1 short1 a2 l1 b1 future1 toolong1 => refused:
        | short1: valid only until 1000000100, and now it is 1000000100 (Unix seconds),
        | l1: its signature key is not on the owner's list for client phone,
        | b1: the credential claims \"acct:bob@example.org\", and the owner is \"acct:alice@example.org\",
        | future1: valid only from 1000001000, and now it is 1000000100 (Unix seconds; clocks may differ by 300),
        | toolong1: valid for 7862400 seconds, where at most 7776000 are accepted
        alice/phone counts => nothing
        carol/phone claims alice => laptop: exhausted, phone: exhausted
        alice/phone publishes a1 a2 => a1 new, a2 new
        ",
    );
}

/// `PUB-RETRY`
#[test]
fn again_while_it_is_available_changes_nothing() {
    check(
        "
        alice/phone publishes a1 a2 => a1 new, a2 new
        alice/phone publishes a1 a2 => a1 there, a2 there
        alice/phone publishes a2 a3 => a2 there, a3 new
        alice/phone counts => 3 of suite 1
        ",
    );
}

/// `PUB-RETRY`, `CLAIM-ONCE`
#[test]
fn again_after_a_grant_it_stays_out_of_stock() {
    check(
        "
        alice/phone publishes a1
        carol/phone claims alice => laptop: exhausted, phone: a1
        alice/phone publishes a1 => refused: a1: published before, and granted since
        alice/phone publishes a2 a1 => refused: a1: published before, and granted since
        alice/phone counts => 0 of suite 1
        ",
    );
}

/// `LIFE-TERMINAL`
#[test]
fn again_after_a_withdrawal_it_stays_out_of_stock() {
    check(
        "
        alice/phone publishes a1 z1*
        alice/phone withdraws a1 z1*
        alice/phone publishes a1 => refused: a1: published before, and withdrawn since
        alice/phone publishes z1* => refused: z1*: published before, and withdrawn since
        ",
    );
}

/// `PUB-FRESH`
#[test]
fn an_init_key_comes_once() {
    check(
        "
        alice/phone publishes a1
        alice/phone publishes a1twin => refused: a1twin: its init key came before, in a1
        carol/phone claims alice => laptop: exhausted, phone: a1
        alice/phone publishes a1twin => refused: a1twin: its init key came before, in a1
        ",
    );
    check("alice/phone publishes a1twin a1 => refused: a1: its init key came before, in a1twin");
    let twice = "alice/phone publishes a1 a1 => refused: a1: its init key came before, in a1";
    check(&format!("{twice}\nalice/phone publishes a1\n{twice}"));
}

/// `PUB-ONE-ROLE`
#[test]
fn an_init_key_serves_in_one_role() {
    let over_two = [("a1", "a1twin*", "Regular"), ("a1twin*", "a1", "LastResort")];
    for (first, second, role) in over_two {
        check(&format!(
            "
            alice/phone publishes {first}
            alice/phone publishes {second} => refused: {second}: its init key came before, in {first}, which is {role}
            "
        ));
        check(&format!(
            "alice/phone publishes {first} {second} => refused:
            | {second}: its init key came before, in {first}, which is {role}"
        ));
    }
}

/// `LAST-MARKED`
#[test]
fn a_declared_role_must_not_contradict_the_mark() {
    check(
        "
        alice/phone publishes a1=regular z1*=last_resort => a1 new, z1* new
        alice/phone publishes a2=last_resort z2*=regular => refused:
        | a2: declared as LastResort, but the KeyPackage marks itself as Regular,
        | z2*: declared as Regular, but the KeyPackage marks itself as LastResort
        ",
    );
}

/// `PUB-IDENTITY`
#[test]
fn the_credential_claims_its_owner() {
    check(
        "
        alice/phone publishes b1 => refused: b1: the credential claims \"acct:bob@example.org\", and the owner is \
         \"acct:alice@example.org\"
        alice/phone counts => nothing
        ",
    );
}

/// `PUB-SIGNER-LISTED`
#[test]
fn the_signer_is_on_the_list_of_that_client() {
    let refusal = "refused: spare1: its signature key is not on the owner's list for client phone";
    check(&format!(
        "
        alice/phone publishes spare1 => {refusal}
        alice/phone adds alice/phone:spare
        alice/phone publishes spare1
        alice/phone removes alice/phone:spare
        alice/phone publishes spare1 => {refusal}
        "
    ));
}

/// `PUB-LIFETIME`: the clocks of clients may run ahead; what begins later is kept, but not granted before.
#[test]
fn a_package_of_the_near_future_waits() {
    check(
        "
        alice/phone publishes late1
        alice/phone counts => 0 of suite 1
        carol/phone claims alice => laptop: exhausted, phone: exhausted
        wait 200
        alice/phone counts => 1 of suite 1
        carol/phone claims alice => laptop: exhausted, phone: late1
        ",
    );
}

/// `PUB-LIMITS`
#[test]
fn a_stock_and_a_batch_have_an_end() {
    let limits = Policy { stock_max: 2, batch_max: 3, ..Directory::fifo() };
    check_under(
        limits,
        "
        alice/phone publishes a1 a2 d1 z1* => refused: 4 KeyPackages in the batch, where at most 3 are accepted
        alice/phone publishes a1 a2 => a1 new, a2 new
        alice/phone publishes d1 a3 => refused:
        | 1 more regular KeyPackages of suite 0x0001 beside 2, where at most 2 are kept
        alice/phone publishes a1 d1 z1* => a1 there, d1 new, z1* new
        carol/phone claims alice in 1
        alice/phone publishes a3 => a3 new
        ",
    );
}

/// `PUB-LIMITS`: what will be valid soon counts, too, or a client with a fast clock could go beyond any limit.
#[test]
fn the_unbegun_take_room() {
    check_under(
        Policy { stock_max: 1, ..Directory::fifo() },
        "
        alice/phone publishes late1 => late1 new
        alice/phone counts => 0 of suite 1
        alice/phone publishes a1 => refused:
        | 1 more regular KeyPackages of suite 0x0001 beside 1, where at most 1 are kept
        ",
    );
}

/// `PUB-LIMITS`: what has expired makes room.
#[test]
fn the_expired_make_room() {
    check_under(
        Policy { stock_max: 1, ..Directory::fifo() },
        "
        alice/phone publishes short1
        wait 100
        alice/phone publishes a1 => a1 new
        ",
    );
}

#[test]
fn an_empty_batch_is_surely_a_mistake() {
    check("alice/phone publishes => refused: no KeyPackage in the batch");
}

#[test]
fn nobody_publishes_for_a_client_without_a_key() {
    let phone = ClientName::parse("phone").expect("a name");
    let refusal = UserState::default().publish(&Policy::default(), 0, &phone, &[]);
    assert_eq!(refusal, Err(PublishError::UnknownClient));
    check("carol/phone publishes a1 => refused: no such client");
}
