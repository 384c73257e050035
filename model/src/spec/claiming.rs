//! What each client may give to a claim.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    history::{Account, Answer, Answered, Claim, Claimed, Event, Facts, Notified, PackageState, Role, State, Status},
    names::{Client, Feature, Sequence, Suite, Time, User},
    spec::{Selection, Spec, owner::regular_left},
};

/// What a claim can be answered with.
pub(super) enum Allowed {
    /// Answered before under the same key: the same answer again, and nothing happens (`CLAIM-RETRY`).
    Again(Answer),
    /// The idempotency key belongs to another question.
    Mismatch,
    /// Too many claims of this requester, for so many seconds (`RATE-REQUESTER`).
    RequesterLimited(Time),
    /// Too many claims of all requesters of this one's server, for so many seconds (`RATE-SERVER`).
    ServerLimited(Time),
    /// No such user.
    Unknown,
    /// The owner shut the requester out: answered like `Unknown` (`CLAIM-UNIFORM`).
    Blocked,
    /// Too many claims of this requester for this user, for so many seconds (`RATE-PAIR`).
    PairLimited(Time),
    /// Each client gives one of these.
    New(BTreeMap<Client, BTreeSet<Status>>),
}

impl Spec {
    pub(super) fn allowed(&self, state: &State, claim: &Claim) -> Allowed {
        if let Some(before) = self.remembered(state, claim) {
            return if before.claim == *claim { Allowed::Again(before.answer.clone()) } else { Allowed::Mismatch };
        }
        if let Some(wait) = self.wait(state, Account::Requester(claim.requester)) {
            return Allowed::RequesterLimited(wait);
        }
        if let Some(wait) = self.vouching(claim.requester).and_then(|server| self.wait(state, server)) {
            return Allowed::ServerLimited(wait);
        }
        if !state.keys.values().any(|key| key.user == claim.user) {
            return Allowed::Unknown;
        }
        if state.blocked.contains(&(claim.user, claim.requester)) {
            return Allowed::Blocked;
        }
        if let Some(wait) = self.wait(state, Account::Pair(claim.requester, claim.user)) {
            return Allowed::PairLimited(wait);
        }
        let clients = state.clients_of(claim.user).into_iter().filter(|client| Some(*client) != claim.requester_client);
        Allowed::New(clients.map(|client| (client, self.allowed_of(state, claim, client))).collect())
    }

    /// What was said before under the same key, for as long as that is remembered.
    pub(super) fn remembered<'a>(&self, state: &'a State, claim: &Claim) -> Option<&'a Answered> {
        let before = state.claims.get(&(claim.requester, claim.user, claim.key?))?;
        (state.now < before.at.saturating_add(self.claim_memory)).then_some(before)
    }

    fn allowed_of(&self, state: &State, claim: &Claim, client: Client) -> BTreeSet<Status> {
        let acceptable = |package: &&PackageState| claim.fits(&package.facts);
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
    pub(crate) fn claim_events(&self, state: &State, claim: &Claim, statuses: &BTreeMap<Client, Status>) -> Vec<Event> {
        let claimed = Event::Claimed(Claimed { claim: claim.clone(), statuses: statuses.clone() });
        let mut after = state.clone();
        after.apply(&claimed);
        let granted = statuses.iter().filter_map(|(client, status)| Some((*client, status.granted()?)));
        let told = granted.filter_map(|(client, package)| {
            let before = state.packages.get(&package)?;
            let (suite, role) = (before.facts.suite, before.facts.role);
            let remaining = regular_left(&after, client, suite);
            Some(Event::Notified(Notified {
                client,
                sequence: state.next_sequence(client),
                package,
                role,
                requester: claim.requester,
                first_use: !before.granted,
                remaining,
                low: self.is_low(remaining),
                drain: self.drain(state, (client, suite, role), claim.requester, remaining),
            }))
        });
        let pair = Account::Pair(claim.requester, claim.user);
        let mut events = self.counted(self.asking(claim).chain([pair]));
        events.push(claimed);
        events.extend(told);
        events
    }
}

/// What a client says that has nothing to grant. Where it has something of another kind *and* used up what it had of
/// the acceptable ones, both answers are true.
fn nothing_of(state: &State, claim: &Claim, client: Client) -> BTreeSet<Status> {
    let mut known = state.kinds.iter().filter(|(of, ..)| *of == client).map(|(_, suite, offers)| (*suite, offers));
    let knew_acceptable = known.clone().any(|(suite, offers)| claim.takes(suite, offers));
    let knew_other = known.any(|(suite, offers)| !claim.takes(suite, offers));
    let has_other = state.live(client).any(|package| !claim.fits(&package.facts));
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
    pub fn accepts(&self, suite: &Suite) -> bool {
        self.suites.is_empty() || self.suites.contains(suite)
    }

    /// Whether a package of this suite with these capabilities will do (`CLAIM-COMPATIBLE`).
    #[must_use]
    pub fn takes(&self, suite: Suite, offers: &BTreeSet<Feature>) -> bool {
        self.accepts(&suite) && self.requires.is_subset(offers)
    }

    /// Whether this package will do.
    #[must_use]
    pub fn fits(&self, facts: &Facts) -> bool {
        self.takes(facts.suite, &facts.offers)
    }
}

impl State {
    /// The clients of a user: those with a valid signature key.
    #[must_use]
    pub fn clients_of(&self, user: User) -> BTreeSet<Client> {
        self.keys.values().filter(|key| key.user == user && key.is_valid(self.now)).map(|key| key.client).collect()
    }

    /// The sequence of a client's next notification.
    #[must_use]
    pub fn next_sequence(&self, client: Client) -> Sequence {
        self.sequences.get(&client).copied().unwrap_or_default().max(self.sequence_floor) + 1
    }
}
