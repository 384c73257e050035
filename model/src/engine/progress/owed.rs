//! What is owed to an owner: to learn of grants, to be rid of a used last resort, to have a stock again.

use std::collections::BTreeSet;

use crate::{
    engine::progress::{Debt, Obligation},
    history::{Event, Facts, Fate, Role, Status},
    names::Client,
    rules::Request,
    spec::{Op, Outcome},
    system::{Scenario, World, notifications, refill, rotation},
};

/// All obligations.
pub const OBLIGATIONS: &[Obligation] = &[
    Obligation {
        name: "GRANT-IS-TOLD",
        says: "The owner learns of every grant by reading its notifications.",
        scenario: notifications,
        owed: untold,
        paid: |world, debt| told(world).contains(debt),
        pays: |debt, request| matches!(request.op, Op::Notifications { client, .. } if client == debt.client),
    },
    Obligation {
        name: "USED-LAST-RESORT-IS-REPLACED",
        says: "A last resort that was used is replaced by the new one that its owner has.",
        scenario: rotation,
        owed: used_last_resorts,
        paid: |world, debt| {
            let state = world.history.state();
            state.packages.get(&debt.package).is_some_and(|known| known.fate == Fate::Withdrawn)
        },
        pays: |debt, request| brings(request, debt.client, Role::LastResort),
    },
    Obligation {
        name: "STOCK-COMES-BACK",
        says: "An owner whose stock ran out while it was away has one again, once it publishes what it has.",
        scenario: refill,
        owed: exhausted,
        paid: |world, debt| was_published(world, |facts| facts.package == debt.package),
        pays: |debt, request| brings(request, debt.client, Role::Regular),
    },
];

/// The obligation of this name.
#[must_use]
pub fn obligation(name: &str) -> Option<&'static Obligation> {
    OBLIGATIONS.iter().find(|obligation| obligation.name == name)
}

/// The grants that the log records, and that the owner did not learn of by any answer.
fn untold(_: &Scenario, world: &World) -> BTreeSet<Debt> {
    let granted = world.history.log().iter().flat_map(|event| match &**event {
        Event::Claimed(claimed) => {
            let granted = claimed.statuses.iter().filter_map(|(client, status)| Some((*client, status.granted()?)));
            let requester = Some(claimed.claim.requester);
            granted.map(|(client, package)| Debt { client, package, requester }).collect()
        }
        _ => vec![],
    });
    let told = told(world);
    granted.filter(|debt| !told.contains(debt)).collect()
}

fn told(world: &World) -> BTreeSet<Debt> {
    let answers = world.history.answers().values().flat_map(|outcomes| &**outcomes);
    let read = answers.flat_map(|outcome| match outcome {
        Outcome::Notifications(feed) => feed.as_slice(),
        _ => &[],
    });
    read.map(|note| Debt { client: note.client, package: note.package, requester: Some(note.requester) }).collect()
}

/// The last resorts in place that were granted, while the owner has another that the directory never had.
fn used_last_resorts(scenario: &Scenario, world: &World) -> BTreeSet<Debt> {
    let state = world.history.state();
    let granted = world.history.log().iter().flat_map(|event| match &**event {
        Event::Claimed(claimed) => claimed.statuses.iter().map(|(client, status)| (*client, *status)).collect(),
        _ => vec![],
    });
    let used = granted.filter_map(|(client, status)| match status {
        Status::LastResort(package) => Some(Debt { client, package, requester: None }),
        _ => None,
    });
    let in_place = |debt: &Debt| state.packages.get(&debt.package).is_some_and(|known| known.fate == Fate::Available);
    let spare = |debt: &Debt| spares(scenario, world, debt.client, Role::LastResort).next().is_some();
    used.filter(|debt| in_place(debt) && spare(debt)).collect()
}

/// The packages that would fill an empty stock, and that the directory never had.
fn exhausted(scenario: &Scenario, world: &World) -> BTreeSet<Debt> {
    let state = world.history.state();
    let clients: BTreeSet<_> = state.packages.values().map(|known| known.facts.client).collect();
    let empty = clients.into_iter().filter(|client| state.regular(*client).next().is_none());
    let debts = empty.flat_map(|client| {
        let spares = spares(scenario, world, client, Role::Regular);
        spares.map(move |facts| Debt { client, package: facts.package, requester: None }).collect::<Vec<_>>()
    });
    debts.collect()
}

fn spares<'a>(scenario: &'a Scenario, world: &'a World, client: Client, role: Role) -> impl Iterator<Item = &'a Facts> {
    let publications = scenario.requests.iter().filter(move |request| brings(request, client, role));
    let packages = publications.flat_map(|request| match &request.op {
        Op::Publish { packages, .. } => packages.as_slice(),
        _ => &[],
    });
    let new = |facts: &&Facts| !was_published(world, |known| known.package == facts.package);
    packages.filter(move |facts| facts.role == role).filter(new)
}

fn was_published(world: &World, is: impl Fn(&Facts) -> bool) -> bool {
    world.history.log().iter().any(|event| matches!(&**event, Event::Published(batch) if batch.iter().any(&is)))
}

/// Whether a request is a publication of this client with a package of this role.
fn brings(request: &Request, client: Client, role: Role) -> bool {
    let Op::Publish { client: owner, packages } = &request.op else { return false };
    *owner == client && packages.iter().any(|facts| facts.role == role)
}
