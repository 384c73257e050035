//! The steps of a replica and of the operator: what can be delivered, what is decided, whether that is allowed.

use crate::{
    history::{Claim, Event, State},
    mutants::Lie,
    rules::{History, Request, Shared},
    spec::{Decision, Op, Outcome, Reason, Refusal, Spec},
    system::{Action, REFINES, System, World},
};

impl System {
    /// The requests that are on the network: those of the scenario from the beginning, and an acknowledgement of
    /// whatever the owner has read.
    pub(super) fn deliverable(&self, world: &World) -> Vec<Shared<Request>> {
        let mut requests = self.scenario.requests.clone();
        for (request, outcomes) in world.history.answers() {
            let Op::Notifications { client, .. } = request.op else { continue };
            let read = outcomes.iter().filter_map(|outcome| match outcome {
                Outcome::Notifications(feed) => feed.last().map(|notified| notified.sequence),
                _ => None,
            });
            let acknowledge = |through| Request { number: 0, op: Op::Acknowledge { client, through } };
            requests.extend(read.map(acknowledge).map(Shared::new));
        }
        if requests.len() > self.scenario.requests.len() {
            requests.sort();
            requests.dedup();
        }
        requests
    }

    /// The steps that conclude a request for which a replica has loaded the log.
    pub(super) fn conclude(
        &self,
        world: &World,
        replica: usize,
        request: &Shared<Request>,
        version: usize,
        actions: &mut Vec<Action>,
    ) {
        let before = actions.len();
        let now = world.history.log().len();
        let op = &request.op;
        if matches!(self.lie(), Some(Lie::Hangs(lie)) if lie(world.history.state_at(version), op)) {
            return;
        }
        for (outcome, events) in self.decisions(&world.history, version, op) {
            let overrules = matches!(self.lie(), Some(Lie::Overrules(lie)) if lie(op, &outcome));
            if events.is_empty() || version == now || overrules {
                actions.push(self.answer(replica, request, version, outcome, events));
                continue;
            }
            match self.lie() {
                Some(Lie::OnConflict(lie)) => {
                    let all = log(&world.history, now);
                    let believed = lie(op, version, all);
                    for (outcome, events) in self.scenario.spec.decisions(&State::of(&believed), op) {
                        actions.push(self.answer(replica, request, now, outcome, events));
                    }
                }
                _ => actions.push(Action::LoadAgain { replica, request: request.clone(), version: now }),
            }
        }
        if actions.len() > before + 1 {
            // Several decisions can fail for the same reason.
            let mut own = actions.split_off(before);
            own.dedup();
            actions.append(&mut own);
        }
    }

    /// Every answer that a replica can decide on, with what it would append.
    fn decisions(&self, history: &History, version: usize, op: &Op) -> Vec<Decision> {
        let spec = &self.scenario.spec;
        let state = history.state_at(version);
        let honest = || spec.decisions(state, op);
        let on =
            |lie: fn(&Op, Vec<Event>) -> Vec<Event>| spec.decisions(&State::of(lie(op, log(history, version))), op);
        match self.lie() {
            Some(Lie::Believes(lie)) => on(lie),
            Some(Lie::AfterCrash(lie)) if history.crashed() => on(lie),
            Some(Lie::Wavers(lie)) => [honest(), on(lie)].concat(),
            Some(Lie::Hears(lie)) => misheard(spec, &log(history, version), op, lie),
            Some(Lie::Asks(lie)) => spec.decisions(state, &lie(state, op.clone())),
            Some(Lie::Accepts(lie)) => {
                honest().into_iter().map(|decision| accepted(state, op, decision, lie)).collect()
            }
            Some(Lie::Says(lie)) => {
                honest().into_iter().map(|(outcome, events)| (lie(state, op, outcome, &events), events)).collect()
            }
            Some(Lie::Writes(lie)) => honest()
                .into_iter()
                .map(|(outcome, events)| (outcome.clone(), lie(state, op, &outcome, events)))
                .collect(),
            _ => honest(),
        }
    }

    fn answer(
        &self,
        replica: usize,
        request: &Shared<Request>,
        version: usize,
        outcome: Outcome,
        events: Vec<Event>,
    ) -> Action {
        let late = |event: &Event| matches!(self.lie(), Some(Lie::WritesLater(lie)) if lie(event));
        let (owed, events) = events.into_iter().partition(late);
        Action::Answer { replica, request: request.clone(), version, outcome, events, owed }
    }

    /// The operator can go back to every older state of the store, as far as the scenario allows it.
    pub(super) fn restores(&self, world: &World) -> Vec<Action> {
        if world.restores >= self.scenario.restores {
            return vec![];
        }
        let now = world.history.state().now;
        let restore = |version| {
            let behind = world.history.state_at(version).now < now;
            let mut events = if behind { vec![Event::Ticked { to: now }] } else { vec![] };
            match self.lie() {
                Some(Lie::Restores(lie)) => events.extend(lie(world.history.state_at(version))),
                _ => events.push(Event::Fenced),
            }
            Action::Restore { version, events }
        };
        world.history.backups().map(restore).collect()
    }

    /// Why a restore is not one that the specification allows: what is served after it is the backup, at the time that it
    /// is now, and fenced off.
    pub(super) fn refused_restore(&self, world: &World, version: usize, events: &[Event]) -> Option<Refusal> {
        let mut backup = world.history.state_at(version).clone();
        backup.apply(&Event::Ticked { to: world.history.state().now });
        let fenced = self.scenario.spec.accepts(&backup, &Op::Fence, &Outcome::Done);
        events.iter().for_each(|event| backup.apply(event));
        let why = "a backup is served that was not fenced off";
        (fenced.as_ref() != Ok(&backup)).then(|| Refusal::new("LIFE-RESTORE", why))
    }

    /// Time moves to the next moment of the scenario.
    pub(super) fn tick(&self, world: &World) -> Option<Action> {
        let to = self.scenario.ticks.iter().copied().find(|to| *to > world.history.state().now)?;
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
        let before = if events.is_empty() { world.history.state_at(version) } else { world.history.state() };
        match self.scenario.spec.accepts(before, &request.op, outcome) {
            Err(refusal) => Some(refusal),
            Ok(after) => {
                let mut appended = before.clone();
                events.iter().for_each(|event| appended.apply(event));
                let why = format_args!("{request} was answered with {outcome}, but what was appended says otherwise");
                (appended != after).then(|| Refusal::new(REFINES, why))
            }
        }
    }
}

/// The first events of a log, to be changed at will.
fn log(history: &History, version: usize) -> Vec<Event> {
    history.log()[..version].iter().map(|event| Event::clone(event)).collect()
}

/// The decisions on another claim than the one that was asked. It is recorded as asked.
fn misheard(spec: &Spec, log: &[Event], op: &Op, lie: fn(&mut Claim)) -> Vec<Decision> {
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

/// What is refused for one of these reasons is done all the same.
fn accepted(state: &State, op: &Op, decision: Decision, lie: fn(&State, &Op, Reason) -> bool) -> Decision {
    let (Outcome::Refused(reason), []) = (&decision.0, decision.1.as_slice()) else { return decision };
    let event = match op {
        Op::Publish { packages, .. } => {
            let new = packages.iter().filter(|facts| !state.packages.contains_key(&facts.package));
            Event::Published(new.cloned().collect())
        }
        Op::AddKey { user, client, key, expires } => {
            Event::KeyAdded { user: *user, client: *client, key: *key, expires: *expires }
        }
        Op::ExtendKey { key, expires, .. } => Event::KeyExtended { key: *key, expires: *expires },
        _ => return decision,
    };
    if lie(state, op, *reason) { (Outcome::Done, vec![event]) } else { decision }
}
