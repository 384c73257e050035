//! Lies to the owner.

use kpd_directory::{
    ClientName, Decision, Event, Policy, Requester, UserState,
    claim::{Answered, ClientAnswer},
    event::{Claim, Granted},
    feed::{FeedError, Notification},
    key_package::Role,
    policy::DrainAlert,
};

use super::lies::ClaimRuling;
use crate::seams::{Ruling, Scene, Seams, Stocks, claim_from, read};

type NotesRuling = Ruling<Vec<Notification>, FeedError>;

fn truth(scene: &Scene<'_>, client: &ClientName, after: u64) -> NotesRuling {
    (Seams::HONEST.notifications)(scene, client, after)
}

fn each(mut ruling: NotesRuling, lie: impl FnMut(&mut Notification)) -> NotesRuling {
    ruling.answer.iter_mut().flatten().for_each(lie);
    ruling
}

pub(super) fn never_says_first_use(scene: &Scene<'_>, client: &ClientName, after: u64) -> NotesRuling {
    each(truth(scene, client, after), |note| note.first_use &= note.role == Role::Regular)
}

pub(super) fn counts_off_by_one(scene: &Scene<'_>, client: &ClientName, after: u64) -> NotesRuling {
    each(truth(scene, client, after), |note| note.remaining += usize::from(note.role == Role::Regular))
}

pub(super) fn names_owner_as_requester(scene: &Scene<'_>, client: &ClientName, after: u64) -> NotesRuling {
    let owner = Requester { user: scene.user.clone(), client: client.clone() };
    each(truth(scene, client, after), |note| note.requester = owner.clone())
}

pub(super) fn no_note_for_last_resort(scene: &Scene<'_>, client: &ClientName, after: u64) -> NotesRuling {
    let mut ruling = truth(scene, client, after);
    ruling.answer.iter_mut().for_each(|notes| notes.retain(|note| note.role == Role::Regular));
    ruling
}

/// The answer of before is recorded as if it had been another claim.
pub(super) fn notes_repetitions(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let Decision { mut events, answer } = (Seams::HONEST.claim)(scene, claim);
    if let (Ok(Answered::Claimed(claimed)), true, true) = (&answer, events.is_empty(), claim.idempotency_key.is_some())
    {
        let granted = claimed.clients.iter().filter_map(|(client, answer)| match answer {
            ClientAnswer::KeyPackage { reference, role, .. } => {
                Some((client.clone(), Granted::KeyPackage { reference: *reference, role: *role }))
            }
            _ => None,
        });
        let again = Claim { idempotency_key: None, ..claim.clone() };
        let (at, claim, answers) = (scene.now, again, granted.collect());
        events.push(Event::Claimed { at, claim, answers, counts_until: None, watched: None });
    }
    Decision { events, answer }
}

pub(super) fn drops_read(scene: &Scene<'_>, client: &ClientName, after: u64) -> NotesRuling {
    let Decision { mut events, answer } = truth(scene, client, after);
    if let Some(newest) = answer.iter().flatten().last() {
        events.push(Event::Acknowledged { at: scene.now, client: client.clone(), through: newest.sequence });
    }
    Decision { events, answer }
}

pub(super) fn newest_first(scene: &Scene<'_>, client: &ClientName, after: u64) -> NotesRuling {
    let mut ruling = truth(scene, client, after);
    ruling.answer.iter_mut().for_each(|notes| notes.reverse());
    ruling
}

pub(super) fn never_tells_drains(scene: &Scene<'_>, client: &ClientName, after: u64) -> NotesRuling {
    each(truth(scene, client, after), |note| note.drain = None)
}

/// The claim is decided as if the owner had not been told of any drain before.
pub(super) fn tells_every_drain(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let mut history = scene.history.to_vec();
    for event in &mut history {
        if let Event::Claimed { watched: Some(watched), .. } = event {
            watched.drains.clear();
        }
    }
    claim_from(scene, &UserState::of(&history), claim)
}

/// The claim is decided as if any share of a stock were a drain; what is declared is true.
pub(super) fn counts_drains_alone(scene: &Scene<'_>, claim: &Claim) -> ClaimRuling {
    let drain = scene.policy.drain.map(|drain| DrainAlert { percent: 0, ..drain });
    let policy = Policy { drain, ..scene.policy.clone() };
    claim_from(&Scene { policy: &policy, ..*scene }, scene.state, claim)
}

/// The last claim is not seen for a second.
pub(super) fn counts_a_claim_behind(scene: &Scene<'_>, client: &ClientName) -> Ruling<Stocks, FeedError> {
    let late = |event: &&Event| matches!(event, Event::Claimed { at, .. } if scene.now <= at.saturating_add(1));
    let state = UserState::of(scene.history.iter().filter(|event| !late(event)));
    read(state.stock(scene.now, client))
}

pub(super) fn acknowledges_everything(scene: &Scene<'_>, client: &ClientName, through: u64) -> Ruling<(), FeedError> {
    let Decision { mut events, answer } = (Seams::HONEST.acknowledge)(scene, client, through);
    for event in &mut events {
        if let Event::Acknowledged { through, .. } = event {
            *through = u64::MAX;
        }
    }
    Decision { events, answer }
}

pub(super) fn omits_zero(scene: &Scene<'_>, client: &ClientName) -> Ruling<Stocks, FeedError> {
    let mut ruling = (Seams::HONEST.stock)(scene, client);
    ruling.answer.iter_mut().for_each(|stocks| stocks.retain(|_, stock| stock.regular > 0));
    ruling
}
