//! What may be published, and what is wrong with what may not.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    history::{Facts, Fate, PackageState, Role, State},
    names::{Client, Suite},
    spec::{Reason, Spec},
};

/// Everything that is wrong with a publication; empty if it may be stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// What is wrong with the publication as a whole.
    pub whole: BTreeSet<Reason>,
    /// What is wrong with its items, by position.
    pub items: BTreeMap<usize, BTreeSet<Reason>>,
}

impl Faults {
    /// Whether the publication may be stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.items.is_empty()
    }

    /// All reasons, each of which a refusal may give.
    pub fn reasons(&self) -> impl Iterator<Item = Reason> {
        let items = self.items.values().flatten();
        self.whole.iter().chain(items).copied().collect::<BTreeSet<_>>().into_iter()
    }
}

impl Spec {
    /// What is wrong with this publication (PUB- rules).
    #[must_use]
    pub fn faults(&self, state: &State, client: Client, packages: &[Facts]) -> Faults {
        let mut faults = Faults::default();
        if !state.client_exists(client) {
            faults.whole.insert(Reason::UnknownClient);
            return faults;
        }
        if packages.len() > self.batch_max {
            faults.whole.insert(Reason::BatchTooLarge);
        }
        for (position, facts) in packages.iter().enumerate() {
            let reasons = self.item_faults(state, client, facts, &packages[..position]);
            if !reasons.is_empty() {
                faults.items.insert(position, reasons);
            }
        }
        if self.overflows(state, client, packages) {
            faults.whole.insert(Reason::StockFull);
        }
        faults
    }

    fn item_faults(&self, state: &State, client: Client, facts: &Facts, before: &[Facts]) -> BTreeSet<Reason> {
        let mut reasons = BTreeSet::new();
        if facts.not_before > state.now.saturating_add(self.skew) {
            reasons.insert(Reason::NotYetValid);
        }
        if facts.not_after <= state.now || facts.not_after <= facts.not_before {
            reasons.insert(Reason::Expired);
        }
        if facts.not_after.saturating_sub(facts.not_before) > self.lifetime_max {
            reasons.insert(Reason::LifetimeTooLong);
        }
        if !state.keys.get(&facts.signer).is_some_and(|key| key.client == client && key.is_valid(state.now)) {
            reasons.insert(Reason::SignerNotListed);
        }
        // What is known from before the fence was fenced off itself; what is not known may have been lost with the log.
        // Until the fence, a package was accepted that begins to be valid as late as the skew after it.
        let fenced = state.fenced.is_some_and(|fenced| facts.not_before <= fenced.saturating_add(self.skew));
        if fenced && !state.packages.contains_key(&facts.package) {
            reasons.insert(Reason::BeforeFence);
        }
        if facts.role == Role::LastResort
            && before.iter().any(|other| other.role == facts.role && other.suite == facts.suite)
        {
            reasons.insert(Reason::TwoLastResorts);
        }
        if state.packages.get(&facts.package).is_some_and(|known| known.fate != Fate::Available) {
            reasons.insert(Reason::AlreadyUsed);
        }
        let published = state.packages.values().map(|package| &package.facts);
        for other in published.filter(|other| other.package != facts.package).chain(before) {
            if other.client == client && other.init_key == facts.init_key {
                let roles_differ = other.role != facts.role;
                reasons.insert(if roles_differ { Reason::RoleConflict } else { Reason::InitKeyReused });
            }
        }
        reasons
    }

    fn overflows(&self, state: &State, client: Client, packages: &[Facts]) -> bool {
        let mut sizes: BTreeMap<Suite, usize> = BTreeMap::new();
        for facts in self.fresh(state, packages).filter(|facts| facts.role == Role::Regular) {
            *sizes.entry(facts.suite).or_default() += 1;
        }
        sizes.into_iter().any(|(suite, added)| {
            let kept = state.kept_regular(client).filter(|package| package.facts.suite == suite).count();
            kept + added > self.stock_max
        })
    }

    /// The packages of a publication that the directory does not have yet: publishing again changes nothing.
    pub(super) fn fresh<'a>(&self, state: &'a State, packages: &'a [Facts]) -> impl Iterator<Item = &'a Facts> {
        packages.iter().filter(|facts| !state.packages.contains_key(&facts.package))
    }
}

impl State {
    /// The regular packages of a client that may be granted now or later: those whose lifetime has yet to begin count too.
    pub fn kept_regular(&self, client: Client) -> impl Iterator<Item = &PackageState> {
        self.packages.values().filter(move |package| {
            let Facts { client: owner, role, not_after, signer, .. } = &package.facts;
            let signed = self.is_valid_key(*signer);
            let kept = package.fate == Fate::Available && self.now < *not_after && signed;
            *owner == client && *role == Role::Regular && kept
        })
    }

    /// The live regular packages of a client.
    pub fn regular(&self, client: Client) -> impl Iterator<Item = &PackageState> {
        self.live(client).filter(|package| package.facts.role == Role::Regular)
    }

    /// The live packages of a client: available, within their lifetime (`CLAIM-LIVE`), signed by a listed key
    /// (`KEY-CASCADE`).
    pub fn live(&self, client: Client) -> impl Iterator<Item = &PackageState> {
        self.packages.values().filter(move |package| {
            package.facts.client == client && package.fate == Fate::Available && self.is_live(&package.facts)
        })
    }

    /// Whether the clock and the key list allow a grant of this package.
    #[must_use]
    pub fn is_live(&self, facts: &Facts) -> bool {
        let within = facts.not_before <= self.now && self.now < facts.not_after;
        within && self.is_valid_key(facts.signer)
    }
}
