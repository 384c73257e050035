//! Rules on what outlives a crash and a restore.

use crate::{
    history::{Claimed, Event, Status},
    names::{Client, Package},
    rules::{History, Request, limits},
    spec::{Op, Outcome},
};

/// `LIFE-RESTART`: a replica was killed, and something that was acknowledged is not in the store.
pub(super) fn acknowledged_and_lost(history: &History) -> Option<String> {
    if !history.crashed() {
        return None;
    }
    history.answered_with().find_map(|(request, outcome)| {
        let lost = owed(request, outcome).into_iter().find(|(_, is_kept)| {
            !history.timelines().any(|timeline| timeline.log().iter().any(|event| is_kept(event)))
        });
        lost.map(|(what, _)| format!("{request} was answered with {outcome}, but {what} is lost"))
    })
}

type Kept<'a> = Box<dyn Fn(&Event) -> bool + 'a>;

/// What the store must hold if this was answered.
fn owed<'a>(request: &'a Request, outcome: &'a Outcome) -> Vec<(String, Kept<'a>)> {
    match (&request.op, outcome) {
        (Op::Claim(claim), Outcome::Claimed(statuses)) => {
            let granted = statuses.iter().filter_map(|(client, status)| Some((*client, status.granted()?)));
            let record = |(client, package): (Client, Package)| {
                let is_record = move |event: &Event| {
                    let Event::Claimed(it) = event else { return false };
                    it.claim == *claim && it.statuses.get(&client).and_then(Status::granted) == Some(package)
                };
                (format!("the grant of {package}"), Box::new(is_record) as Kept)
            };
            granted.map(record).collect()
        }
        (Op::Publish { packages, .. }, Outcome::Done) | (Op::Replace { packages, .. }, Outcome::Replaced { .. }) => {
            let record = |package: Package| {
                let is_record = move |event: &Event| match event {
                    Event::Published(batch) => batch.iter().any(|facts| facts.package == package),
                    _ => false,
                };
                (package.to_string(), Box::new(is_record) as Kept)
            };
            packages.iter().map(|facts| record(facts.package)).collect()
        }
        (Op::RemoveKey { key, .. }, Outcome::Done) => {
            let ends = move |event: &Event| matches!(event, Event::KeyRemoved { key: of } if of == key);
            let with_client = |event: &Event| matches!(event, Event::ClientRemoved { .. } | Event::Ticked { .. });
            vec![(format!("the end of {key}"), Box::new(move |event| ends(event) || with_client(event)))]
        }
        (Op::Block { user, requester }, Outcome::Done) => {
            let blocks = move |event: &Event| *event == Event::Blocked { user: *user, requester: *requester };
            vec![(format!("the block of {requester}"), Box::new(blocks))]
        }
        _ => vec![],
    }
}

/// Something was granted, and a replica was killed.
pub(super) fn granted_and_crashed(history: &History) -> bool {
    history.crashed() && history.answered().any(|(_, _, statuses)| statuses.values().any(|it| it.granted().is_some()))
}

/// `RATE-DURABLE`: more was answered than a limit allows, and a replica was killed.
pub(super) fn limit_forgotten(history: &History) -> Option<String> {
    limits::any_limit_broken(history).filter(|_| history.crashed())
}

pub(super) fn limited_after_a_crash(history: &History) -> bool {
    history.crashed() && history.answered_with().any(|(_, outcome)| matches!(outcome, Outcome::Limited { .. }))
}

/// `LIFE-RESTORE`: granted after a restore, though the owner had published it before, so that it may have been granted in
/// what was lost.
pub(super) fn granted_across_a_restore(history: &History) -> Option<String> {
    let (version, restored) = history.lost().last()?;
    history.steps().skip(*version).find_map(|(_, event)| {
        let Event::Claimed(Claimed { claim, statuses }) = event else { return None };
        let before = |package: &Package| {
            restored.timelines().any(|timeline| timeline.published().any(|facts| facts.package == *package))
        };
        let package = statuses.values().filter_map(Status::granted).find(before)?;
        Some(format!("{claim} got {package}, which was published before the restore"))
    })
}

/// A grant was lost with the log that a restore took away, and a claim was answered since.
pub(super) fn claimed_after_a_restore(history: &History) -> bool {
    let Some((version, restored)) = history.lost().last() else { return false };
    let granted = |event: &Event| match event {
        Event::Claimed(claimed) => claimed.statuses.values().any(|status| status.granted().is_some()),
        _ => false,
    };
    let lost = restored.log().iter().skip(*version).any(|event| granted(event));
    lost && history.log().iter().skip(*version).any(|event| matches!(**event, Event::Claimed(_)))
}
