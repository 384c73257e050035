//! Directories that break a limit, or let in whom their owner shut out.

use kpd_directory::{Event, limits::RequesterEvent, policy::Limits};

use super::{changing, forgetting, found};
use crate::support::{command::Command, directory::deciding::Belief};

#[test]
fn one_that_lets_a_requester_ask_everybody() {
    found("RATE-REQUESTER", |command, mut truth| {
        if let Command::Claim { .. } = command {
            truth.policy.limits = Limits { requester: None, ..truth.policy.limits };
        }
        truth
    });
}

#[test]
fn one_that_lets_a_server_ask_in_the_name_of_many() {
    found("RATE-SERVER", |command, mut truth| {
        if let Command::Claim { .. } = command {
            truth.policy.limits = Limits { server: None, ..truth.policy.limits };
        }
        truth
    });
}

#[test]
fn one_that_lets_a_requester_ask_on_and_on() {
    found("RATE-PAIR", |command, mut truth| {
        if let Command::Claim { .. } = command {
            truth.policy.limits = Limits { pair: None, ..truth.policy.limits };
        }
        truth
    });
}

/// It would let one requester lock the others out.
#[test]
fn one_that_counts_for_all_requesters_together() {
    found("RATE-RETRY-AFTER", |command, truth| match command {
        Command::Claim { by, .. } => {
            let user = by.user_id();
            changing(truth, |event| {
                if let Event::Claimed { claim, .. } = event {
                    claim.requester.user = user.clone();
                }
            })
        }
        _ => truth,
    });
}

#[test]
fn one_that_counts_a_second_too_long() {
    found("RATE-RETRY-AFTER", |command, truth| match command {
        Command::Claim { .. } => {
            let mut truth = changing(truth, |event| {
                if let Event::Claimed { counts_until: Some(until), .. } = event {
                    *until += 1;
                }
            });
            truth.requester.iter_mut().for_each(|event| {
                if let RequesterEvent::Debited { until, .. } = event {
                    *until += 1;
                }
            });
            truth
        }
        _ => truth,
    });
}

#[test]
fn one_that_forgets_whom_it_refused() {
    found("CLAIM-RETRY", |command, truth| match command {
        Command::Claim { .. } => {
            let mut truth = forgetting(truth, |event| matches!(event, Event::ClaimLimited { .. }));
            truth.requester.retain(|event| !matches!(event, RequesterEvent::Refused { .. }));
            truth
        }
        _ => truth,
    });
}

/// The memory has an end, too: a client that comes back after it has a new question.
#[test]
fn one_that_remembers_for_ever() {
    found("CLAIM-ONCE", |command, mut truth| {
        if let Command::Claim { .. } = command {
            truth.policy.idempotency_seconds = u64::MAX;
        }
        truth
    });
}

#[test]
fn one_that_ignores_blocks() {
    found("BLOCK-REQUESTER", |command, truth| match command {
        Command::Claim { .. } => forgetting(truth, |event| matches!(event, Event::Blocked { .. })),
        _ => truth,
    });
}

#[test]
fn one_that_lifts_all_blocks_with_one() {
    found("BLOCK-REQUESTER", |command, truth| match command {
        Command::Claim { .. } => {
            let lifted =
                |truth: &Belief| truth.history.iter().rposition(|event| matches!(event, Event::Unblocked { .. }));
            let Some(last) = lifted(&truth) else { return truth };
            let mut place = 0;
            forgetting(truth, |event| {
                place += 1;
                place <= last && matches!(event, Event::Blocked { .. })
            })
        }
        _ => truth,
    });
}

#[test]
fn one_that_lifts_no_block() {
    found("CLAIM-EACH-CLIENT", |command, truth| match command {
        Command::Claim { .. } => forgetting(truth, |event| matches!(event, Event::Unblocked { .. })),
        _ => truth,
    });
}
