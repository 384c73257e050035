//! Directories that make something else of a signature key's end than it is.

use kpd_directory::Event;

use super::{changing, forgetting, found};
use crate::support::{command::Command, directory::deciding::Belief, make::START};

#[test]
fn one_that_grants_what_an_expired_key_signed() {
    found("KEY-CASCADE", |command, truth| match command {
        Command::Claim { .. } => without_ends(truth),
        _ => truth,
    });
}

#[test]
fn one_that_takes_what_an_expired_key_signed() {
    found("PUB-SIGNER-LISTED", |command, truth| match command {
        Command::Publish { .. } => without_ends(truth),
        _ => truth,
    });
}

#[test]
fn one_that_moves_an_end_backwards() {
    found("KEY-EXPIRY-FORWARD", |command, truth| match command {
        Command::ExtendKey { .. } => {
            let soon = truth.now + 1;
            let truth = forgetting(truth, |event| matches!(event, Event::KeyExtended { .. }));
            changing(truth, |event| {
                if let Event::KeyAdded { expires_at: Some(expires_at), .. } = event {
                    *expires_at = soon.min(*expires_at);
                }
            })
        }
        _ => truth,
    });
}

#[test]
fn one_that_gives_an_end_to_a_key_without() {
    found("KEY-EXPIRY-FORWARD", |command, truth| match command {
        Command::ExtendKey { .. } => {
            let soon = truth.now + 1;
            changing(truth, |event| {
                if let Event::KeyAdded { expires_at, .. } = event {
                    expires_at.get_or_insert(soon);
                }
            })
        }
        _ => truth,
    });
}

#[test]
fn one_that_extends_an_expired_key() {
    found("KEY-NO-REVIVE", |command, truth| match command {
        Command::ExtendKey { .. } => Belief { now: START, ..truth },
        _ => truth,
    });
}

#[test]
fn one_that_extends_a_removed_key() {
    found("KEY-NO-REVIVE", |command, truth| match command {
        Command::ExtendKey { .. } => forgetting(truth, |event| matches!(event, Event::KeyRemoved { .. })),
        _ => truth,
    });
}

#[test]
fn one_that_lists_an_expired_key() {
    found("KEY-LIST", |command, truth| match command {
        Command::Keys { .. } => without_ends(truth),
        _ => truth,
    });
}

#[test]
fn one_that_lists_a_removed_key() {
    found("KEY-LIST", |command, truth| match command {
        Command::Keys { .. } => forgetting(truth, |event| matches!(event, Event::KeyRemoved { .. })),
        _ => truth,
    });
}

#[test]
fn one_that_verifies_by_a_removed_key() {
    found("KEY-VERIFY", |command, truth| match command {
        Command::Verify { .. } => forgetting(truth, |event| matches!(event, Event::KeyRemoved { .. })),
        _ => truth,
    });
}

/// `KEY-HISTORY`
#[test]
fn one_whose_history_does_not_know_how_a_key_ended() {
    found("KEY-VERIFY", |command, truth| match command {
        Command::History { .. } => changing(truth, |event| {
            if let Event::KeyAdded { expires_at: Some(expires_at), at, .. } = event {
                *expires_at = *at;
            }
        }),
        _ => truth,
    });
}

/// As if no key had an end.
fn without_ends(truth: Belief) -> Belief {
    let truth = forgetting(truth, |event| matches!(event, Event::KeyExtended { .. }));
    changing(truth, |event| {
        if let Event::KeyAdded { expires_at, .. } = event {
            *expires_at = None;
        }
    })
}
