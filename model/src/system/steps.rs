//! The steps of a replica: what can be delivered, what it decides, and whether the specification allows it.

use crate::{
    history::{Claim, Event, State},
    mutants::Lie,
    rules::Request,
    spec::{Op, Outcome, Refusal, Spec},
    system::{Action, REFINES, System, World},
};

impl System {
    /// The requests that are on the network: those of the scenario from the beginning, and an acknowledgement of
    /// whatever the owner has read.
    pub(super) fn deliverable(&self, world: &World) -> Vec<Request> {
        let mut requests = self.scenario.requests.clone();
        for (request, outcomes) in &world.history.answers {
            let Op::Notifications { client, .. } = request.op else { continue };
            let read = outcomes.iter().filter_map(|outcome| match outcome {
                Outcome::Notifications(feed) => feed.last().map(|notified| notified.sequence),
                _ => None,
            });
            requests.extend(read.map(|through| Request { number: 0, op: Op::Acknowledge { client, through } }));
        }
        requests.sort();
        requests.dedup();
        requests
    }

    /// The steps that conclude a request for which a replica has loaded the log.
    pub(super) fn conclude(
        &self,
        world: &World,
        replica: usize,
        request: &Request,
        version: usize,
        actions: &mut Vec<Action>,
    ) {
        let now = world.history.log.len();
        if matches!(self.lie(), Some(Lie::Hangs(lie)) if lie(&State::of(&world.history.log[..version]), &request.op)) {
            return;
        }
        for (outcome, events) in self.decisions(&world.history.log[..version], &request.op) {
            let overrules = matches!(self.lie(), Some(Lie::Overrules(lie)) if lie(&request.op, &outcome));
            if events.is_empty() || version == now || overrules {
                actions.push(self.answer(replica, request, version, outcome, events));
                continue;
            }
            match self.lie() {
                Some(Lie::OnConflict(lie)) => {
                    let believed = lie(&request.op, world.history.log.clone());
                    for (outcome, events) in self.decisions(&believed, &request.op) {
                        actions.push(self.answer(replica, request, now, outcome, events));
                    }
                }
                _ => actions.push(Action::LoadAgain { replica, request: request.clone(), version: now }),
            }
        }
        actions.dedup();
    }

    /// Every answer that a replica can decide on, with what it would append.
    fn decisions(&self, log: &[Event], op: &Op) -> Vec<(Outcome, Vec<Event>)> {
        let spec = &self.scenario.spec;
        match self.lie() {
            Some(Lie::Believes(lie)) => spec.decisions(&State::of(&lie(op, log.to_vec())), op),
            Some(Lie::Wavers(lie)) => {
                let believed = spec.decisions(&State::of(&lie(op, log.to_vec())), op);
                [spec.decisions(&State::of(log), op), believed].concat()
            }
            Some(Lie::Hears(lie)) => misheard(spec, log, op, lie),
            Some(Lie::Says(lie)) => {
                let decisions = spec.decisions(&State::of(log), op).into_iter();
                decisions.map(|(outcome, events)| (lie(outcome, &events), events)).collect()
            }
            Some(Lie::Writes(lie)) => {
                let state = State::of(log);
                let decisions = spec.decisions(&state, op).into_iter();
                decisions.map(|(outcome, events)| (outcome.clone(), lie(&state, op, &outcome, events))).collect()
            }
            _ => spec.decisions(&State::of(log), op),
        }
    }

    fn answer(
        &self,
        replica: usize,
        request: &Request,
        version: usize,
        outcome: Outcome,
        events: Vec<Event>,
    ) -> Action {
        let late = |event: &Event| matches!(self.lie(), Some(Lie::WritesLater(lie)) if lie(event));
        let (owed, events) = events.into_iter().partition(late);
        Action::Answer { replica, request: request.clone(), version, outcome, events, owed }
    }

    /// Time moves to the next moment of the scenario.
    pub(super) fn tick(&self, world: &World) -> Option<Action> {
        let to = self.scenario.ticks.iter().copied().find(|to| *to > State::of(&world.history.log).now)?;
        Some(Action::Tick { to })
    }

    /// Why a step is not one that the specification allows. A step that appends nothing is judged in the state that
    /// the replica had loaded: it took place then.
    pub(super) fn refusal(
        &self,
        world: &World,
        request: &Request,
        version: usize,
        outcome: &Outcome,
        events: &[Event],
    ) -> Option<Refusal> {
        let log = &world.history.log;
        let before = State::of(if events.is_empty() { &log[..version] } else { log });
        match self.scenario.spec.accepts(&before, &request.op, outcome) {
            Err(refusal) => Some(refusal),
            Ok(after) => {
                let mut appended = before;
                events.iter().for_each(|event| appended.apply(event));
                let why = format_args!("{request} was answered with {outcome}, but what was appended says otherwise");
                (appended != after).then(|| Refusal::new(REFINES, why))
            }
        }
    }

    fn lie(&self) -> Option<Lie> {
        self.mutant.map(|mutant| mutant.lie)
    }
}

/// The decisions on another claim than the one that was asked. It is recorded as asked.
fn misheard(spec: &Spec, log: &[Event], op: &Op, lie: fn(&mut Claim)) -> Vec<(Outcome, Vec<Event>)> {
    let Op::Claim(asked) = op else { return spec.decisions(&State::of(log), op) };
    let mut heard = asked.clone();
    lie(&mut heard);
    let mut believed = log.to_vec();
    claims(&mut believed).for_each(lie);
    let mut decisions = spec.decisions(&State::of(&believed), &Op::Claim(heard));
    for (_, events) in &mut decisions {
        claims(events).for_each(|claim| *claim = asked.clone());
    }
    decisions
}

fn claims(events: &mut [Event]) -> impl Iterator<Item = &mut Claim> {
    events.iter_mut().filter_map(|event| match event {
        Event::Claimed(claimed) => Some(&mut claimed.claim),
        _ => None,
    })
}
