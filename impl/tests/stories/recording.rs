//! What is recorded: each change in one event, and nothing for a refusal, a look or a repetition.

use kpd_directory::{
    Event, Policy,
    policy::{Limit, Limits},
};

use crate::support::{command::Command, directory::Directory};

/// The kinds of events that are added to Alice's history by each of these commands.
#[track_caller]
fn recorded(story: &[(&str, &[&str])]) {
    recorded_under(Directory::fifo(), story);
}

#[track_caller]
fn recorded_under(policy: Policy, story: &[(&str, &[&str])]) {
    let mut directory = Directory::peopled(policy);
    for (command, expected) in story {
        let before = directory.history("alice").len();
        directory.run(&Command::parse(command));
        let kinds: Vec<_> = directory.history("alice")[before..].iter().map(kind).collect();
        assert_eq!(kinds, *expected, "{command}");
    }
}

fn kind(event: &Event) -> &'static str {
    match event {
        Event::Enrolled { .. } => "enrolled",
        Event::KeyAdded { .. } => "key added",
        Event::KeyExtended { .. } => "key extended",
        Event::KeyRemoved { .. } => "key removed",
        Event::Published { .. } => "published",
        Event::Claimed { .. } => "claimed",
        Event::ClaimLimited { .. } => "claim limited",
        Event::Withdrawn { .. } => "withdrawn",
        Event::ClientRemoved { .. } => "client removed",
        Event::Collected { .. } => "collected",
        Event::Fenced { .. } => "fenced",
        Event::Blocked { .. } => "blocked",
        Event::Unblocked { .. } => "unblocked",
        Event::Acknowledged { .. } => "acknowledged",
    }
}

#[test]
fn each_change_once() {
    recorded(&[
        ("alice/phone adds alice/phone:spare for 100", &["key added"]),
        ("alice/phone adds alice/phone:spare", &[]),
        ("alice/phone extends alice/phone:spare for 200", &["key extended"]),
        ("alice/phone extends alice/phone:spare for 200", &[]),
        ("alice/phone extends alice/phone:spare for 100", &[]),
        ("alice/phone publishes a1 a2 z1*", &["published"]),
        ("alice/phone publishes a1 z1*", &[]),
        ("alice/phone publishes a1 a3", &["published"]),
        ("carol/phone claims alice key k", &["claimed"]),
        ("carol/phone claims alice key k", &[]),
        ("alice/phone withdraws a2 l1", &["withdrawn"]),
        ("alice/phone withdraws a2 l1 a1", &[]),
        ("alice/phone acknowledges 1", &["acknowledged"]),
        ("alice/phone acknowledges 1", &[]),
        ("alice/phone removes alice/phone:spare", &["key removed"]),
        ("alice/phone removes alice/phone:spare", &[]),
        ("alice/phone publishes short1", &["published"]),
        ("alice/phone replaces short1 a3 d1", &["withdrawn", "published"]),
        ("alice/phone replaces short1 a3 d1", &[]),
        ("alice/phone replaces a3 d1", &["withdrawn"]),
        ("wait 100", &[]),
        ("collect", &["collected"]),
        ("collect", &[]),
        ("alice/phone dismisses laptop", &["client removed"]),
        ("alice/phone dismisses laptop", &[]),
        ("fence", &["fenced"]),
        ("alice/phone blocks bob", &["blocked"]),
        ("alice/phone blocks bob", &[]),
        ("alice/phone unblocks bob", &["unblocked"]),
        ("alice/phone unblocks bob", &[]),
    ]);
}

#[test]
fn no_refusal_and_no_look() {
    recorded(&[
        ("alice/phone publishes a1 l1", &[]),
        ("alice/phone publishes a1 z1* z2*", &[]),
        ("alice/phone acknowledges 1", &[]),
        ("bob/phone removes alice/phone:ed", &[]),
        ("alice/phone adds bob/phone:ed", &[]),
        ("alice/phone counts", &[]),
        ("alice/phone reads after 0", &[]),
    ]);
}

/// A claim that got nothing has to be remembered only where somebody can ask for it again, or where it counts.
#[test]
fn nothing_is_recorded_under_an_idempotency_key_or_a_limit_only() {
    let unlimited = Policy { limits: Limits::NONE, ..Directory::fifo() };
    recorded_under(
        unlimited,
        &[
            ("carol/phone claims alice", &[]),
            ("carol/phone claims alice key k", &["claimed"]),
            ("carol/phone claims alice in 2 key k", &[]),
        ],
    );
    let once = Limits { pair: Some(Limit { claims: 1, seconds: 10 }), ..Limits::NONE };
    recorded_under(
        Policy { limits: once, ..Directory::fifo() },
        &[
            ("carol/phone claims alice", &["claimed"]),
            ("carol/phone claims alice", &[]),
            ("carol/phone claims alice key k", &["claim limited"]),
            ("carol/phone claims alice key k", &[]),
        ],
    );
}
