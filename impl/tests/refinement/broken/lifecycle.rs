//! Directories that do not let go when they should, or let go of too much.

use kpd_directory::{ClientName, Event, SignatureKey};

use super::{changing, forgetting, found, granted, published};
use crate::support::{command::Command, directory::deciding::Belief, make::DAY};

#[test]
fn one_that_keeps_the_keys_of_a_removed_client() {
    found("CLAIM-EACH-CLIENT", |command, truth| match command {
        Command::Claim { .. } => forgetting(truth, |event| matches!(event, Event::ClientRemoved { .. })),
        _ => truth,
    });
}

#[test]
fn one_that_keeps_the_packages_of_a_removed_client() {
    found("NOTE-RECONCILE", |command, truth| match command {
        Command::Compare { .. } => removing_keys_alone(truth),
        _ => truth,
    });
}

#[test]
fn one_that_keeps_the_notifications_of_a_removed_client() {
    found("NOTE-EVERY-GRANT", |command, truth| match command {
        Command::Read { .. } => removing_keys_alone(truth),
        _ => truth,
    });
}

#[test]
fn one_that_counts_what_was_read_as_unread() {
    found("LIFE-REMOVE-CLIENT", |command, truth| match command {
        Command::RemoveClient { .. } => forgetting(truth, |event| matches!(event, Event::Acknowledged { .. })),
        _ => truth,
    });
}

#[test]
fn one_that_forgets_what_has_not_ended() {
    found("NOTE-RECONCILE", |command, truth| match command {
        Command::Collect => Belief { now: truth.now + 60 * DAY, ..truth },
        _ => truth,
    });
}

/// `LIFE-NO-EARLY-GC`
#[test]
fn one_that_forgets_what_was_used() {
    found("PUB-RETRY", |command, truth| match command {
        Command::Publish { .. } if truth.history.iter().any(|event| matches!(event, Event::Collected { .. })) => {
            let used = granted(&truth.history);
            published(truth, |all| all.retain(|facts| !used.contains(&facts.reference)))
        }
        _ => truth,
    });
}

#[test]
fn one_that_never_forgets() {
    found("NOTE-RECONCILE", |command, truth| match command {
        Command::Compare { .. } => forgetting(truth, |event| matches!(event, Event::Collected { .. })),
        _ => truth,
    });
}

#[test]
fn one_whose_fence_withdraws_nothing() {
    found("LIFE-TERMINAL", |command, truth| match command {
        Command::Claim { .. } => forgetting(truth, |event| matches!(event, Event::Fenced { .. })),
        _ => truth,
    });
}

#[test]
fn one_whose_fence_is_forgotten() {
    found("LIFE-RESTORE", |command, truth| match command {
        Command::Publish { .. } => changing(truth, |event| {
            if let Event::Fenced { from, .. } = event {
                *from = 0;
            }
        }),
        _ => truth,
    });
}

/// A package that was accepted just before the fence may begin just after it.
#[test]
fn one_whose_fence_does_not_cover_the_clock_skew() {
    found("LIFE-RESTORE", |command, truth| match command {
        Command::Publish { .. } => changing(truth, |event| {
            if let Event::Fenced { at, from } = event {
                *from = *at + 1;
            }
        }),
        _ => truth,
    });
}

#[test]
fn one_whose_numbers_go_on_as_before_a_fence() {
    found("NOTE-EVERY-GRANT", |command, truth| match command {
        Command::Read { .. } => forgetting(truth, |event| matches!(event, Event::Fenced { .. })),
        _ => truth,
    });
}

/// As if a removed client had lost its keys, and nothing else.
fn removing_keys_alone(mut truth: Belief) -> Belief {
    let keys: Vec<(ClientName, SignatureKey)> = truth.history.iter().filter_map(added).collect();
    let keys_of = |event: Event| match event {
        Event::ClientRemoved { at, client } => {
            let own = keys.iter().filter(|(of, _)| *of == client);
            own.map(|(_, key)| Event::KeyRemoved { at, key: key.id() }).collect()
        }
        other => vec![other],
    };
    truth.history = truth.history.into_iter().flat_map(keys_of).collect();
    truth
}

fn added(event: &Event) -> Option<(ClientName, SignatureKey)> {
    match event {
        Event::KeyAdded { client, key, .. } => Some((client.clone(), key.clone())),
        _ => None,
    }
}
