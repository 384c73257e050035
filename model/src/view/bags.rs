//! What is certain whatever the order was: the answers to one claim, and the notifications of one package.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    history::{Claim, Claimed, Event, Notified, Role, Status},
    linearize::Operation,
    names::{ClaimKey, Client, Package, Requester, Time, User},
    rules::{History, Request, Shared, rule, same_number},
    spec::{Op, Outcome},
    view::{Seen, worlds::Broken},
};

/// The rules that are broken by what was said, in any order.
pub(super) fn broken(seen: &Seen<'_>) -> Broken {
    let mut all = Broken::new();
    let fenced = seen.operations.iter().any(|operation| operation.op == Op::Fence);
    if seen.spec.claim_memory == Time::MAX && !fenced {
        answers_by_key(seen).values().for_each(|answers| ask(&mut all, "CLAIM-RETRY", &said(answers)));
    }
    for feed in feeds_by_client(seen).values() {
        if let Some(how) = same_number(&said(feed)) {
            all.entry("NOTE-SURVIVES").or_insert(how);
        }
    }
    // Of what happened before, nobody knows who was told of it; a restore takes notifications away with the rest.
    let told_all = !fenced && !seen.setup.iter().any(|event| matches!(event, Event::Claimed(_)));
    for notes in notes_by_package(seen).values() {
        notes.judge_grants(&mut all);
        if told_all {
            notes.judge_told(&mut all);
        }
    }
    all
}

fn ask(all: &mut Broken, id: &str, history: &History) {
    if let Some(rule) = rule(id)
        && let Some(how) = (rule.broken)(history)
    {
        all.entry(rule.id).or_insert(how);
    }
}

/// A history of nothing but answers.
fn said(operations: &[&Operation]) -> History {
    let mut history = History::default();
    for operation in operations {
        let request = Shared::new(Request { number: 1, op: operation.op.clone() });
        operation.outcome.iter().for_each(|outcome| history.answer(&request, outcome.clone()));
    }
    history
}

fn answers_by_key<'a>(seen: &Seen<'a>) -> BTreeMap<(Requester, User, ClaimKey), Vec<&'a Operation>> {
    let mut answers: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for operation in seen.operations {
        if let Op::Claim(Claim { requester, user, key: Some(key), .. }) = operation.op {
            answers.entry((requester, user, key)).or_default().push(operation);
        }
    }
    answers
}

fn feeds_by_client<'a>(seen: &Seen<'a>) -> BTreeMap<Client, Vec<&'a Operation>> {
    let mut feeds: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for operation in seen.operations {
        if let Op::Notifications { client, .. } = operation.op {
            feeds.entry(client).or_default().push(operation);
        }
    }
    feeds
}

/// The grants and the notifications of one package.
#[derive(Default)]
struct Notes<'a> {
    /// Each claim that was answered with it, with the first time at which that is certain.
    grants: BTreeMap<(&'a Claim, usize), (Client, Status, u64)>,
    told: BTreeSet<&'a Notified>,
    role: Option<Role>,
    /// When the last reading of the whole feed was sent that nothing had been let go of, if any was.
    read: Option<u64>,
    /// How many claims were lost that may have got it.
    perhaps_lost: usize,
}

impl Notes<'_> {
    /// What was granted as a regular package, to whomever, is granted once.
    fn judge_grants(&self, all: &mut Broken) {
        let regular = self.grants.values().all(|(_, status, _)| matches!(status, Status::Regular(_)));
        if regular && self.grants.len() >= 2 {
            ask(all, "CLAIM-ONCE", &self.history());
        }
    }

    fn judge_told(&self, all: &mut Broken) {
        let regular = self.role == Some(Role::Regular);
        // Each notification has a number of its own, so that the same one read twice is one.
        let missing = self.told.len() < self.grants.values().filter(|(.., until)| self.read >= Some(*until)).count();
        let twice = regular && self.told.len() >= 2;
        let for_nothing = self.told.len() > self.grants.len() + self.perhaps_lost;
        if missing || twice || for_nothing {
            ask(all, "NOTE-EVERY-GRANT", &self.history());
        }
        if regular {
            ask(all, "NOTE-NAMES-REQUESTER", &self.history());
        }
    }

    /// The grants, and then the notifications: a history for rules that do not look at the order.
    fn history(&self) -> History {
        let mut history = History::default();
        for ((claim, _), (client, status, _)) in &self.grants {
            let statuses = [(*client, *status)].into();
            history.append([Event::Claimed(Claimed { claim: (*claim).clone(), statuses })]);
        }
        self.told.iter().for_each(|told| history.append([Event::Notified((*told).clone())]));
        history
    }
}

fn notes_by_package<'a>(seen: &Seen<'a>) -> BTreeMap<Package, Notes<'a>> {
    let mut notes: BTreeMap<Package, Notes<'_>> = BTreeMap::new();
    let mut lost: BTreeMap<Requester, usize> = BTreeMap::new();
    let mut let_go: BTreeMap<Client, u64> = BTreeMap::new();
    for (at, operation) in seen.operations.iter().enumerate() {
        match (&operation.op, &operation.outcome) {
            (Op::Claim(claim), Some(Outcome::Claimed(statuses))) => {
                let until = operation.returned.unwrap_or(u64::MAX);
                // The same claim again, under its key, is the same grant, and certain with the first answer.
                let place = if claim.key.is_some() { 0 } else { at };
                for (client, status) in statuses {
                    let Some(package) = status.granted() else { continue };
                    let grants = &mut notes.entry(package).or_default().grants;
                    let grant = grants.entry((claim, place)).or_insert((*client, *status, until));
                    grant.2 = grant.2.min(until);
                }
            }
            (Op::Claim(claim), None) => {
                *lost.entry(claim.requester).or_default() += 1;
            }
            (Op::Notifications { .. }, Some(Outcome::Notifications(feed))) => {
                for told in feed {
                    let of = notes.entry(told.package).or_default();
                    of.told.insert(told);
                    of.role = Some(told.role);
                }
            }
            (Op::Acknowledge { client, .. } | Op::RemoveClient { client }, _) => {
                let first = let_go.entry(*client).or_insert(u64::MAX);
                *first = operation.invoked.min(*first);
            }
            _ => {}
        }
    }
    let read = last_readings(seen, &let_go);
    for of in notes.values_mut() {
        let told_to: BTreeSet<Requester> = of.told.iter().map(|told| told.requester).collect();
        of.perhaps_lost = told_to.iter().filter_map(|requester| lost.get(requester)).sum();
        let client = of.grants.values().map(|(client, ..)| *client).next();
        of.read = client.and_then(|client| read.get(&client).copied());
    }
    notes
}

/// When each client last sent for its whole feed, before anything of it can have been let go.
fn last_readings(seen: &Seen<'_>, let_go: &BTreeMap<Client, u64>) -> BTreeMap<Client, u64> {
    let mut last = BTreeMap::new();
    for Operation { op, outcome, invoked, returned } in seen.operations {
        let (Op::Notifications { client, after: 0 }, Some(_), Some(returned)) = (op, outcome, returned) else {
            continue;
        };
        if let_go.get(client).is_none_or(|first| returned < first) {
            let last: &mut u64 = last.entry(*client).or_default();
            *last = (*last).max(*invoked);
        }
    }
    last
}
