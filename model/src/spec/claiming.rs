//! What each client may give to a claim.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    history::{Claim, Claimed, Event, Notified, PackageState, Role, State, Status},
    names::{Client, User},
    spec::{Reason, Selection, Spec},
};

/// How the directory's free choice in a claim is bounded.
pub(super) enum Allowed {
    /// Answered before under the same key: the same answer again, and nothing happens (`CLAIM-RETRY`).
    Again(BTreeMap<Client, Status>),
    /// Each client gives one of these.
    New(BTreeMap<Client, BTreeSet<Status>>),
    /// No.
    Refused(Reason),
}

impl Spec {
    pub(super) fn allowed(&self, state: &State, claim: &Claim) -> Allowed {
        if let Some(before) = claim.key.and_then(|key| state.claims.get(&(claim.requester, key))) {
            return if before.claim == *claim {
                Allowed::Again(before.statuses.clone())
            } else {
                Allowed::Refused(Reason::IdempotencyMismatch)
            };
        }
        if !state.keys.values().any(|key| key.user == claim.user) {
            return Allowed::Refused(Reason::UnknownUser);
        }
        let clients = state.clients_of(claim.user).into_iter().filter(|client| Some(*client) != claim.requester_client);
        Allowed::New(clients.map(|client| (client, self.allowed_of(state, claim, client))).collect())
    }

    fn allowed_of(&self, state: &State, claim: &Claim, client: Client) -> BTreeSet<Status> {
        let acceptable = |package: &&PackageState| claim.accepts(&package.facts.suite);
        let regular: Vec<_> = state.regular(client).filter(acceptable).collect();
        if !regular.is_empty() {
            return self.selectable(&regular).map(|package| Status::Regular(package.facts.package)).collect();
        }
        let last_resorts = state.live(client).filter(|package| package.facts.role == Role::LastResort);
        let last_resorts: BTreeSet<_> = last_resorts
            .filter(acceptable)
            .filter(|_| claim.last_resort_accepted)
            .map(|package| Status::LastResort(package.facts.package))
            .collect();
        if !last_resorts.is_empty() {
            return last_resorts;
        }
        nothing_of(state, claim, client)
    }

    fn selectable<'a>(&self, regular: &[&'a PackageState]) -> impl Iterator<Item = &'a PackageState> {
        let oldest = regular.iter().map(|package| package.batch).min();
        let fifo = self.selection == Selection::Fifo;
        regular
            .iter()
            .copied()
            .filter(move |package| !fifo || Some(package.batch) == oldest)
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// The events of a claim that was answered so.
    pub(super) fn claim_events(&self, state: &State, claim: &Claim, statuses: &BTreeMap<Client, Status>) -> Vec<Event> {
        let claimed = Event::Claimed(Claimed { claim: claim.clone(), statuses: statuses.clone() });
        let mut after = state.clone();
        after.apply(&claimed);
        let granted = statuses.iter().filter_map(|(client, status)| Some((*client, status.granted()?)));
        let told = granted.filter_map(|(client, package)| {
            let before = state.packages.get(&package)?;
            let suite = before.facts.suite;
            Some(Event::Notified(Notified {
                client,
                sequence: state.sequences.get(&client).copied().unwrap_or_default() + 1,
                package,
                role: before.facts.role,
                requester: claim.requester,
                first_use: !before.granted,
                remaining: count(after.regular(client).filter(|other| other.facts.suite == suite)),
            }))
        });
        std::iter::once(claimed).chain(told).collect()
    }
}

/// What a client says that has nothing to grant. Where it has something of another suite *and* used up what it had of
/// the acceptable ones, both answers are true.
fn nothing_of(state: &State, claim: &Claim, client: Client) -> BTreeSet<Status> {
    let mut known = state.packages.values().filter(|package| package.facts.client == client);
    let knew_acceptable = known.clone().any(|package| claim.accepts(&package.facts.suite));
    let knew_other = known.any(|package| !claim.accepts(&package.facts.suite));
    let has_other = state.live(client).any(|package| !claim.accepts(&package.facts.suite));
    let mut allowed = BTreeSet::new();
    if knew_acceptable || !has_other {
        allowed.insert(Status::Exhausted);
    }
    if has_other || (knew_other && !knew_acceptable) {
        allowed.insert(Status::Incompatible);
    }
    allowed
}

pub(super) fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}

impl Claim {
    /// Whether a package of this suite will do.
    #[must_use]
    pub fn accepts(&self, suite: &crate::names::Suite) -> bool {
        self.suites.is_empty() || self.suites.contains(suite)
    }
}

impl State {
    /// The clients of a user: those with a listed signature key.
    #[must_use]
    pub fn clients_of(&self, user: User) -> BTreeSet<Client> {
        self.keys.values().filter(|key| key.user == user && !key.removed).map(|key| key.client).collect()
    }
}
