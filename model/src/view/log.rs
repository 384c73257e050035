//! A store's log alone: all that happened, and nothing of what was said about it.

use crate::{
    history::{Claim, Claimed},
    history::{Event, Fate, Role, State, Status},
    names::Requester,
    rules::{History, RULES},
    spec::Spec,
    view::{Finding, Findings},
};

/// What a log proves about each rule. It is exact, but for rules on answers: of these it knows nothing.
#[must_use]
pub fn audit(spec: &Spec, setup: &[Event], log: impl IntoIterator<Item = Event>) -> Findings {
    let mut history = History::begin(spec.clone(), setup.iter().cloned());
    log.into_iter().for_each(|event| history.append([event]));
    let finding = |broken: Option<String>| broken.map_or(Finding::Kept, Finding::Broken);
    RULES.iter().map(|rule| (rule.id, finding((rule.broken)(&history)))).collect()
}

/// A log that leads to the keys and the packages of a state: what had happened before anybody looked.
#[must_use]
pub fn setup_of(state: &State) -> Vec<Event> {
    let mut log = vec![];
    for (key, known) in &state.keys {
        let (user, client, expires) = (known.user, known.client, known.expires);
        log.push(Event::KeyAdded { user, client, key: *key, expires });
    }
    let mut packages: Vec<_> = state.packages.values().collect();
    packages.sort_by_key(|known| (known.batch, known.facts.client));
    for batch in packages.chunk_by(|one, other| (one.batch, one.facts.client) == (other.batch, other.facts.client)) {
        log.push(Event::Published(batch.iter().map(|known| known.facts.clone()).collect()));
    }
    if state.now > 0 {
        log.push(Event::Ticked { to: state.now });
    }
    log.extend(
        state.keys.iter().filter(|(_, known)| known.removed.is_some()).map(|(key, _)| Event::KeyRemoved { key: *key }),
    );
    for known in packages {
        let (client, package) = (known.facts.client, known.facts.package);
        let granted = match (known.facts.role, known.fate, known.granted) {
            (Role::Regular, Fate::Granted, _) => Some(Status::Regular(package)),
            (Role::LastResort, _, true) => Some(Status::LastResort(package)),
            _ => None,
        };
        if let (Some(status), Some(user)) = (granted, state.keys.get(&known.facts.signer).map(|key| key.user)) {
            let requester = Requester(u32::MAX);
            let suites = [known.facts.suite].into();
            let claim = Claim {
                requester,
                requester_client: None,
                user,
                suites,
                requires: [].into(),
                last_resort_accepted: true,
                key: None,
            };
            log.push(Event::Claimed(Claimed { claim, statuses: [(client, status)].into() }));
        }
        if known.fate == Fate::Withdrawn {
            log.push(Event::Withdrawn { client, package });
        }
    }
    log
}
