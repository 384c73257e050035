//! What later reads tell of what only the directory knows: the feed, and what became of each package.
//!
//! It decides nothing about whether a history is legal. It tells, where none is, which of the worlds it was: a grant that
//! the owner was never told of, a publication that was never stored.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    history::{Event, Facts, Notified, PackageStanding, Role},
    linearize::Operation,
    names::{Client, Package},
    spec::{Op, Outcome},
    view::Seen,
};

pub(super) struct Testimony<'a> {
    operations: &'a [Operation],
    facts: BTreeMap<Package, &'a Facts>,
    /// Every notification that was ever read, by the package that it tells of.
    entries: BTreeMap<Package, BTreeSet<&'a Notified>>,
    /// Who read its whole feed, by the place of the reading.
    feeds: Vec<(usize, Client, &'a [Notified])>,
    /// Who was told what became of its packages.
    standings: Vec<(usize, Client, &'a BTreeMap<Package, PackageStanding>)>,
    /// Who let go of notifications, or is gone itself.
    let_go: BTreeSet<Client>,
    granted: BTreeSet<Package>,
    /// Whether the directory may have dropped the memory of packages.
    pub(super) collects: bool,
}

impl<'a> Testimony<'a> {
    pub(super) fn of(seen: &Seen<'a>) -> Self {
        let mut all = Self {
            operations: seen.operations,
            facts: BTreeMap::new(),
            entries: BTreeMap::new(),
            feeds: vec![],
            standings: vec![],
            let_go: BTreeSet::new(),
            granted: BTreeSet::new(),
            collects: false,
        };
        let published = seen.setup.iter().filter_map(|event| match event {
            Event::Published(batch) => Some(batch),
            _ => None,
        });
        all.facts.extend(published.flatten().map(|facts| (facts.package, facts)));
        seen.operations.iter().enumerate().for_each(|(at, operation)| all.read(at, operation));
        all
    }

    fn read(&mut self, at: usize, operation: &'a Operation) {
        match (&operation.op, &operation.outcome) {
            (Op::Publish { packages, .. } | Op::Replace { packages, .. }, _) => {
                self.facts.extend(packages.iter().map(|facts| (facts.package, facts)));
            }
            (Op::Notifications { client, after }, Some(Outcome::Notifications(feed))) => {
                for told in feed {
                    self.entries.entry(told.package).or_default().insert(told);
                }
                if *after == 0 {
                    self.feeds.push((at, *client, feed));
                }
            }
            (Op::Reconcile { client }, Some(Outcome::Packages(packages))) => {
                self.standings.push((at, *client, packages));
            }
            (Op::Claim(_), Some(Outcome::Claimed(statuses))) => {
                self.granted.extend(statuses.values().filter_map(|status| status.granted()));
            }
            (Op::Acknowledge { client, .. } | Op::RemoveClient { client }, _) => {
                self.let_go.insert(*client);
            }
            (Op::Collect, _) => self.collects = true,
            _ => {}
        }
    }

    pub(super) fn facts(&self, package: Package) -> Option<&'a Facts> {
        self.facts.get(&package).copied()
    }

    /// The notifications that were read of a package, in the order of the feed.
    pub(super) fn entries(&self, package: Package) -> impl Iterator<Item = &'a Notified> + '_ {
        let mut entries: Vec<_> = self.entries.get(&package).into_iter().flatten().copied().collect();
        entries.sort_by_key(|told| told.sequence);
        entries.into_iter()
    }

    /// Whether the owner read its whole feed after this operation, let go of nothing, and did not find the package there.
    pub(super) fn untold(&self, at: usize, client: Client, package: Package) -> bool {
        let read = |(read, of, feed): &(usize, Client, &[Notified])| {
            *of == client && self.is_before(at, *read) && feed.iter().all(|told| told.package != package)
        };
        !self.let_go.contains(&client) && !self.entries.contains_key(&package) && self.feeds.iter().any(read)
    }

    /// Whether a package of an accepted publication was certainly never there.
    pub(super) fn absent(&self, at: usize, client: Client, package: Package) -> bool {
        let mut own = self.standings.iter().filter(|(_, of, _)| *of == client).peekable();
        let looked = self.standings.iter().any(|(read, of, _)| *of == client && self.is_before(at, *read));
        own.peek().is_some()
            && looked
            && own.all(|(.., packages)| !packages.contains_key(&package))
            && !self.granted.contains(&package)
            && !self.collects
    }

    /// Whether both the feed and the list of packages say, after it, that nobody was granted this regular package.
    pub(super) fn unrecorded(&self, at: usize, client: Client, package: Package) -> bool {
        let mut after =
            self.standings.iter().filter(|(read, of, _)| *of == client && self.is_before(at, *read)).peekable();
        let regular = self.facts(package).is_some_and(|facts| facts.role == Role::Regular);
        regular
            && after.peek().is_some()
            && after.all(|(.., packages)| packages.get(&package) == Some(&PackageStanding::Available))
            && self.untold(at, client, package)
    }

    /// Whether something of a client is said to be there, after it was removed, that has only lost its key.
    pub(super) fn left_behind(&self, at: usize, client: Client) -> bool {
        let stays =
            |standing: &PackageStanding| matches!(standing, PackageStanding::Revoked | PackageStanding::Available);
        self.standings
            .iter()
            .any(|(read, of, packages)| *of == client && self.is_before(at, *read) && packages.values().any(stays))
    }

    fn is_before(&self, at: usize, read: usize) -> bool {
        self.operations[at].returned.is_some_and(|returned| returned <= self.operations[read].invoked)
    }
}
