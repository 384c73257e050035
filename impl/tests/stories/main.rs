//! Each command in short stories: who does what, and what the directory answers.
//!
//! In Alice's pool a… and d… are regular KeyPackages of suites 1 and 2, z…* and y…* last resorts, on her phone; l…,
//! q… and x…* are on her laptop. Bob has b…, v…* and c…, u…*. Carol has no account. `support/world.rs` has them all.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
mod support;

mod publishing;

mod claiming;

mod last_resort;

mod retrying;

mod limits;

mod blocks;

mod selection;

mod notifications;

mod withdrawing;

mod replacing;

mod reconciling;

mod upkeep;

mod keys;

mod expiry;

mod recording;

use kpd_directory::Policy;
use support::{answer::Answer, command::Command, directory::Directory};

/// Plays a story and compares every answer: `command => answer`; without an answer, anything but a refusal will do. A
/// line that begins with a bar goes on with the one before.
///
/// The directory grants in the order of upload. Alice and Bob are enrolled, each client with a key of either scheme.
#[track_caller]
fn check(story: &str) {
    check_under(Directory::fifo(), story);
}

#[track_caller]
fn check_under(policy: Policy, story: &str) {
    let mut directory = Directory::peopled(policy);
    let mut told = String::new();
    let mut differs = false;
    for line in lines(story) {
        let (command, expected) =
            line.split_once(" => ").map_or((&line[..], None), |(command, answer)| (command, Some(answer)));
        let command = Command::parse(command);
        assert_eq!(Command::parse(&command.to_string()), command, "a command reads as it prints");
        let before = directory.state("alice");
        let answer = directory.run(&command);
        let found = answer.tell(&command);
        let refused = matches!(answer, Answer::Refused(_));
        assert!(!refused || directory.state("alice") == before, "{command}: a refusal changes nothing");
        let as_told = expected.map_or(!refused, |expected| found == expected);
        let mark = if as_told { "" } else { "        <= differs" };
        told += &format!("\n    {command} => {found}{mark}");
        differs |= !as_told;
    }
    assert!(!differs, "the story goes otherwise:{told}");
}

fn lines(story: &str) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for line in story.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match (line.strip_prefix('|'), lines.last_mut()) {
            (Some(more), Some(last)) => last.push_str(more),
            _ => lines.push(line.into()),
        }
    }
    lines
}
