//! Directories that tell an owner what is not so, or lose what is an owner's.

use kpd_directory::{Event, key_package::Role};

use super::{changing, forgetting, found, published};
use crate::support::{command::Command, world::PACKAGES};

#[test]
fn one_that_withdraws_before_it_validates() {
    found("NOTE-RECONCILE", |command, mut truth| {
        if let Command::Replace { by, items } = command {
            let others = PACKAGES.iter().filter(|package| !items.contains(&package.name));
            let references = others.map(|package| package.reference).collect();
            truth.rashly.push(Event::Withdrawn { at: truth.now, client: by.client_name(), references });
        }
        truth
    });
}

#[test]
fn one_that_replaces_no_last_resort() {
    found("PUB-ATOMIC", |command, truth| match command {
        Command::Replace { .. } => published(truth, |all| all.retain(|facts| facts.role == Role::Regular)),
        _ => truth,
    });
}

#[test]
fn one_that_calls_what_it_granted_available() {
    found("NOTE-RECONCILE", |command, truth| match command {
        Command::Compare { .. } => forgetting(truth, |event| matches!(event, Event::Claimed { .. })),
        _ => truth,
    });
}

#[test]
fn one_that_does_not_say_that_few_are_left() {
    found("NOTE-LOW-WATER", |command, mut truth| {
        if let Command::Count { .. } = command {
            truth.policy.low_water = 0;
        }
        truth
    });
}

#[test]
fn one_that_does_not_notify_that_few_are_left() {
    found("NOTE-EVERY-GRANT", |command, mut truth| {
        if let Command::Read { .. } = command {
            truth.policy.low_water = 0;
        }
        truth
    });
}

#[test]
fn one_that_tells_drains_for_ever() {
    found("NOTE-EVERY-GRANT", |command, mut truth| {
        if let (Command::Claim { .. }, Some(alert)) = (command, &mut truth.policy.drain) {
            alert.seconds += 100;
        }
        truth
    });
}

#[test]
fn one_that_names_another_client_of_the_requester() {
    found("NOTE-NAMES-REQUESTER", |command, truth| match command {
        Command::Read { by, .. } => changing(truth, |event| {
            if let Event::Claimed { claim, .. } = event
                && claim.requester.user != by.user_id()
            {
                claim.requester.client = kpd_directory::ClientName::parse("laptop").expect("a client name");
            }
        }),
        _ => truth,
    });
}
