//! Every way in which a history can have been: all orders that are true to the times, with every use of a lost answer.

use std::collections::{BTreeMap, HashSet};

use crate::{
    history::{Claim, Event},
    linearize::Operation,
    rules::{History, Request, Rule, Shared},
    spec::{Op, Outcome},
    view::{
        Seen,
        testimony::Testimony,
        told::{Told, told},
    },
};

/// Rules that are broken, each with how.
pub(super) type Broken = BTreeMap<&'static str, String>;

/// The rules that are broken in every world; none of them is known if there are too many worlds.
pub(super) fn broken(seen: &Seen<'_>, rules: &[Rule], budget: usize) -> Option<Broken> {
    let history = History::begin(seen.spec.clone(), seen.setup.iter().cloned());
    let requests = seen.operations.iter().map(|operation| Shared::new(Request { number: 1, op: operation.op.clone() }));
    let testimony = Testimony::of(seen);
    let mut search = Search {
        seen,
        testimony,
        rules,
        requests: requests.collect(),
        left: budget,
        known: HashSet::new(),
        common: None,
    };
    let mut world = World { history, done: 0, broken: Broken::new() };
    search.ask(&mut world, None);
    search.explore(&world).ok()?;
    search.common
}

#[derive(Clone)]
struct World {
    history: History,
    /// The operations that have their place, a bit for each.
    done: u64,
    broken: Broken,
}

struct Search<'a> {
    seen: &'a Seen<'a>,
    testimony: Testimony<'a>,
    rules: &'a [Rule],
    requests: Vec<Shared<Request>>,
    left: usize,
    known: HashSet<(u64, History, Vec<&'static str>)>,
    /// What is broken in every world so far.
    common: Option<Broken>,
}

/// There are too many worlds.
struct TooMany;

impl Search<'_> {
    fn explore(&mut self, world: &World) -> Result<(), TooMany> {
        self.left = self.left.checked_sub(1).ok_or(TooMany)?;
        // A broken rule stays broken, so no world after this one says anything new.
        if self.common.as_ref().is_some_and(|common| common.keys().all(|rule| world.broken.contains_key(rule))) {
            return Ok(());
        }
        let names = world.broken.keys().copied().collect();
        if !self.known.insert((world.done, world.history.clone(), names)) {
            return Ok(());
        }
        let open = |at: &usize| world.done & (1 << at) == 0;
        let operations = self.seen.operations;
        let open: Vec<usize> = (0..operations.len()).filter(open).collect();
        let Some(first) = open.iter().filter_map(|at| operations[*at].returned).min() else {
            self.complete(world);
            return Ok(());
        };
        for at in open.into_iter().filter(|at| operations[*at].invoked <= first) {
            for (outcome, told) in self.ways(world, at) {
                let next = self.after(world, at, outcome, told);
                self.explore(&next)?;
            }
        }
        Ok(())
    }

    fn complete(&mut self, world: &World) {
        let broken = &world.broken;
        match &mut self.common {
            Some(common) => common.retain(|rule, _| broken.contains_key(rule)),
            None => self.common = Some(broken.clone()),
        }
    }

    /// What can have come of an operation: of a lost answer, all that changes anything, said to somebody who did not hear
    /// it. It may also never have happened.
    fn ways(&self, world: &World, at: usize) -> Vec<(Outcome, Told)> {
        let operation = &self.seen.operations[at];
        let Some(outcome) = &operation.outcome else {
            let decisions = self.seen.spec.decisions(world.history.state(), &operation.op).into_iter();
            let changes = decisions.filter(|(_, events)| !events.is_empty());
            return changes.map(|(outcome, events)| (outcome, Told { events, ..Told::default() })).collect();
        };
        let is_done = |place: &usize| world.done & (1 << place) != 0;
        let asked: Vec<&Claim> = (0..self.seen.operations.len())
            .filter(is_done)
            .filter_map(|place| match &self.seen.operations[place].op {
                Op::Claim(claim) => Some(claim),
                _ => None,
            })
            .collect();
        let asks = (&operation.op, outcome);
        let ways = told(self.seen.spec, &self.testimony, &world.history, at, asks, &asked);
        ways.into_iter().map(|told| (outcome.clone(), told)).collect()
    }

    fn after(&self, world: &World, at: usize, outcome: Outcome, told: Told) -> World {
        let mut next = world.clone();
        next.done |= 1 << at;
        if self.seen.killed.is_some_and(|killed| killed <= self.seen.operations[at].invoked) {
            next.history.crash();
        }
        told.before.into_iter().for_each(|event| next.history.append([event]));
        let version = next.history.log().len();
        if told.events.contains(&Event::Fenced) {
            // What the restore took away is not known; that there was one is.
            next.history.restore(version);
        }
        next.history.append(told.events);
        next.history.answer_at(version, &self.requests[at], outcome);
        self.ask(&mut next, Some(at));
        next
    }

    /// What the rules say of the newest step; an operation is told with the times at which its client saw it.
    fn ask(&self, world: &mut World, at: Option<usize>) {
        let times = || at.map_or_else(String::new, |at| in_time(&self.seen.operations[at]));
        for rule in self.rules {
            if !world.broken.contains_key(rule.id)
                && let Some(how) = (rule.broken)(&world.history)
            {
                world.broken.insert(rule.id, how + &times());
            }
        }
        world.history.judged();
    }
}

fn in_time(operation: &Operation) -> String {
    let Operation { invoked, returned, .. } = operation;
    match returned {
        Some(returned) => format!("{SENT}{invoked}, answered at {returned})"),
        None => format!("{SENT}{invoked}, never answered)"),
    }
}

const SENT: &str = " (sent at ";

/// How a rule is broken, without the times, for who shows them otherwise.
#[must_use]
pub fn without_times(how: &str) -> &str {
    how.split(SENT).next().unwrap_or(how)
}
