//! What an owner asks of its own packages: taking them back, how many are left, what became of each.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    history::{Event, Fate as PackageFate, PackageStanding, PackageState, Role, State},
    names::{Client, Package, Sequence, Suite},
    spec::{Outcome, Spec, Stock, WithdrawnFate, claiming::count, outcomes::Decision},
};

pub(super) fn withdraw(state: &State, client: Client, packages: &[Package]) -> Decision {
    let mut fates = BTreeMap::new();
    let mut events = vec![];
    for package in packages.iter().collect::<BTreeSet<_>>() {
        let known = state.packages.get(package).filter(|known| known.facts.client == client);
        let fate = match known.map(|known| known.fate) {
            None => WithdrawnFate::Unknown,
            Some(PackageFate::Granted) => WithdrawnFate::AlreadyGranted,
            Some(PackageFate::Withdrawn) => WithdrawnFate::Withdrawn,
            Some(PackageFate::Available) => {
                events.push(Event::Withdrawn { client, package: *package });
                WithdrawnFate::Withdrawn
            }
        };
        fates.insert(*package, fate);
    }
    (Outcome::Withdrawn(fates), events)
}

pub(super) fn stock(spec: &Spec, state: &State, client: Client) -> Decision {
    let mut stock = Stock::default();
    for suite in state.kinds.iter().filter(|(of, ..)| *of == client).map(|(_, suite, _)| *suite) {
        let left = regular_left(state, client, suite);
        stock.regular.insert(suite, left);
        if spec.is_low(left) {
            stock.low.insert(suite);
        }
        let mut of_suite = state.live(client).filter(|package| package.facts.suite == suite);
        if let Some(last_resort) = of_suite.find(|package| package.facts.role == Role::LastResort) {
            stock.last_resort.insert(suite, last_resort.granted);
        }
    }
    (Outcome::Stock(stock), vec![])
}

pub(super) fn reconcile(state: &State, client: Client) -> Decision {
    let own = state.packages.values().filter(|package| package.facts.client == client);
    let standings = own.map(|package| (package.facts.package, state.standing(package)));
    (Outcome::Packages(standings.collect()), vec![])
}

pub(super) fn notifications(state: &State, client: Client, after: Sequence) -> Decision {
    let unread = state.notifications.get(&client).into_iter().flatten();
    (Outcome::Notifications(unread.filter(|notified| notified.sequence > after).cloned().collect()), vec![])
}

pub(super) fn acknowledge(state: &State, client: Client, through: Sequence) -> Decision {
    let mut unread = state.notifications.get(&client).into_iter().flatten();
    let changes = unread.any(|notified| notified.sequence <= through);
    (Outcome::Done, if changes { vec![Event::Acknowledged { client, through }] } else { vec![] })
}

/// Drops what no publication could bring back: it would be refused as expired (`LIFE-TOMBSTONE`).
pub(super) fn collect(state: &State) -> Decision {
    let ended = state.packages.values().filter(|package| package.facts.not_after <= state.now);
    let packages: BTreeSet<_> = ended.map(|package| package.facts.package).collect();
    (Outcome::Done, if packages.is_empty() { vec![] } else { vec![Event::Forgotten { packages }] })
}

/// How many live regular packages of a suite a client has.
pub(super) fn regular_left(state: &State, client: Client, suite: Suite) -> u32 {
    count(state.regular(client).filter(|package| package.facts.suite == suite))
}

impl Spec {
    pub(super) fn is_low(&self, left: u32) -> bool {
        left < self.low_water
    }
}

impl State {
    /// What became of a package, as its owner is told.
    #[must_use]
    pub fn standing(&self, package: &PackageState) -> PackageStanding {
        match package.fate {
            PackageFate::Granted => PackageStanding::Granted,
            PackageFate::Withdrawn => PackageStanding::Withdrawn,
            PackageFate::Available if !self.is_valid_key(package.facts.signer) => PackageStanding::Revoked,
            PackageFate::Available if package.facts.not_after <= self.now => PackageStanding::Expired,
            PackageFate::Available => PackageStanding::Available,
        }
    }
}
