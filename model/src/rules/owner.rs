//! Rules on what an owner reads: it is true, and reading takes nothing away.

use crate::{
    history::{Event, Fate, Notified, State},
    names::{Client, Package},
    rules::{History, Request},
    spec::{Op, Outcome, Stock},
};

/// An answer to a read that is not true, in none of the states in which it may have been decided.
pub(super) struct Untrue<'a> {
    pub(super) request: &'a Request,
    pub(super) outcome: &'a Outcome,
    pub(super) states: Vec<&'a State>,
}

pub(super) fn untrue<'a>(history: &'a History, which: impl Fn(&Op) -> bool + 'a) -> impl Iterator<Item = Untrue<'a>> {
    let asked = history.answers_to_judge().filter(move |(request, ..)| which(&request.op));
    let says = |state: &State, op: &Op, outcome: &Outcome| {
        history.declared().decisions(state, op).iter().any(|(allowed, _)| allowed == outcome)
    };
    let untrue =
        asked.filter(move |(request, outcome, states)| !states.iter().any(|it| says(it, &request.op, outcome)));
    untrue.map(|(request, outcome, states)| Untrue { request, outcome, states })
}

/// `NOTE-ZERO`: a stock that never was, such as one with a number left out.
pub(super) fn miscounted(history: &History) -> Option<String> {
    let Untrue { request, outcome, .. } = stocks(history).find(|stock| !was_so_but_for_low(history, stock))?;
    Some(format!("{request} was answered with {outcome}, which it never was"))
}

pub(super) fn counted_zero(history: &History) -> bool {
    history.answered_with().any(|(_, outcome)| match outcome {
        Outcome::Stock(stock) => stock.regular.values().any(|left| *left == 0),
        _ => false,
    })
}

fn stocks(history: &History) -> impl Iterator<Item = Untrue<'_>> {
    untrue(history, |op| matches!(op, Op::Stock { .. }))
}

/// Whether the numbers at least are right.
fn was_so_but_for_low(history: &History, stock: &Untrue<'_>) -> bool {
    let numbers = |outcome: &Outcome| match outcome {
        Outcome::Stock(Stock { regular, last_resort, .. }) => Some((regular.clone(), last_resort.clone())),
        _ => None,
    };
    let told = numbers(stock.outcome);
    let was = |state: &&State| {
        history.declared().decisions(state, &stock.request.op).iter().any(|(it, _)| numbers(it) == told)
    };
    stock.states.iter().any(was)
}

/// `NOTE-LOW-WATER`: few are left and it is not said, or it is said while many are.
pub(super) fn not_called_low(history: &History) -> Option<String> {
    let read = stocks(history).find(|stock| was_so_but_for_low(history, stock));
    let read = read.map(|Untrue { request, outcome, .. }| {
        format!("{request} was answered with {outcome}, which is wrong on what is low")
    });
    let mark = history.declared().low_water;
    read.or_else(|| {
        history.find_new(|_, event| {
            let Event::Notified(notified) = event else { return None };
            let wrong = notified.low != (notified.remaining < mark);
            let Notified { remaining, low, .. } = notified;
            wrong
                .then(|| format!("notification {notified} says low: {low}, with {remaining} left and a mark of {mark}"))
        })
    })
}

/// One notification said that the stock is not low, and a later one that it is.
pub(super) fn became_low(history: &History) -> bool {
    let mut high = false;
    let found = history.find(|_, event| {
        let Event::Notified(notified) = event else { return None };
        high |= !notified.low;
        (high && notified.low).then_some(())
    });
    found.is_some()
}

/// `NOTE-RECONCILE`: what became of the packages, otherwise than it ever was.
pub(super) fn misreported(history: &History) -> Option<String> {
    let Untrue { request, outcome, .. } = untrue(history, |op| matches!(op, Op::Reconcile { .. })).next()?;
    Some(format!("{request} was answered with {outcome}, which they never were"))
}

pub(super) fn several_standings_reported(history: &History) -> bool {
    history.answered_with().any(|(_, outcome)| match outcome {
        Outcome::Packages(packages) => packages.values().collect::<std::collections::BTreeSet<_>>().len() >= 2,
        _ => false,
    })
}

/// `CLAIM-UNSAFE`: a package was taken away that nobody had asked to be taken away.
pub(super) fn taken_by_a_read(history: &History) -> Option<String> {
    let replaced = history.answers().keys().any(|request| matches!(request.op, Op::Replace { .. }));
    if history.answers().is_empty() || replaced {
        return None;
    }
    let (package, client) = taken_unasked(history).next()?;
    Some(format!("{package} of {client} is withdrawn, which nobody asked for"))
}

/// A read was answered while a package could have been taken away.
pub(super) fn read_beside_stock(history: &History) -> bool {
    let read = |(request, _): (&Request, &Outcome)| match &request.op {
        Op::Stock { client } | Op::Reconcile { client } | Op::Notifications { client, .. } => {
            let available = |state: &State| {
                let mut own = state.packages.values().filter(|known| known.facts.client == *client);
                own.any(|known| known.fate == Fate::Available)
            };
            available(history.state())
        }
        _ => false,
    };
    history.answered_with().any(read)
}

/// The packages that the log says were withdrawn, though no request that was not refused says so.
pub(super) fn taken_unasked(history: &History) -> impl Iterator<Item = (Package, Client)> {
    let withdrawn = history.log().iter().filter_map(|event| match **event {
        Event::Withdrawn { client, package } => Some((package, client)),
        _ => None,
    });
    withdrawn.filter(|(package, client)| {
        !history.answers().iter().any(|(request, outcomes)| match &request.op {
            Op::Withdraw { client: of, packages } => of == client && packages.contains(package),
            Op::Replace { client: of, .. } => {
                of == client && outcomes.iter().any(|outcome| matches!(outcome, Outcome::Replaced { .. }))
            }
            _ => false,
        })
    })
}
