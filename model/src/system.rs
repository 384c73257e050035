//! Replicas over one versioned store on a monotone network, explored by stateright.
//!
//! A replica takes two steps for a request: it *loads* the log, at a version; then it decides, appends and answers in
//! one step, which the store allows only if the version has not moved. Between the two another replica may act.
//!
//! What was sent stays deliverable for ever, and so does every answer. That contains loss, duplication, delay,
//! reordering and retries without a step for any of them: a lost answer is one that nobody looks at, a retry is one
//! more delivery. A replica may be killed between any two steps, which empties its hands; the operator may restore an
//! older state of the store, and fences it off.
//!
//! The system never restates the specification: it decides by [`Spec::decisions`](crate::spec::Spec::decisions), and
//! each step is checked to be a legal step of [`Spec::accepts`](crate::spec::Spec::accepts) (`REFINES`).

mod families;
mod properties;
mod scenario;
mod steps;
mod words;

pub use families::{Bounds, FAMILIES, Family, family, scenarios};
pub(crate) use families::{notifications, refill, rotation};
pub use properties::{REFINES, Verdict, Watch};
pub use scenario::Scenario;

use std::sync::Arc;

use stateright::{Model, Property};

use crate::{
    history::Event,
    mutants::{Lie, Mutant},
    names::Time,
    rules::{History, Request, Shared},
    spec::{Outcome, Refusal},
};

/// What is explored: a scenario, on a correct directory or on one that breaks a rule.
#[derive(Clone, Debug)]
pub struct System {
    /// Who asks what.
    pub scenario: Scenario,
    /// What is wrong with the directory.
    pub mutant: Option<&'static Mutant>,
    /// Which properties are looked at.
    pub watch: Watch,
}

/// A state of the system.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct World {
    /// The store's log, and the answers on the network.
    pub history: Arc<History>,
    /// What each replica is at.
    pub replicas: Vec<Replica>,
    /// The first step that the specification does not allow. Always `None` in a correct system.
    pub refused: Option<Arc<Refusal>>,
    /// How often a replica was killed.
    pub crashes: u8,
    /// How often a backup was restored.
    pub restores: u8,
    /// What the rules say of the history.
    pub verdict: Verdict,
}

/// What a replica is at. It remembers nothing else: all that lasts is in the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Replica {
    /// Ready for a request.
    Idle,
    /// It has loaded the log for a request, as long as it was then.
    Loaded {
        /// The request.
        request: Shared<Request>,
        /// The length of the log.
        version: usize,
    },
    /// It has answered and is still to append something. Only mutants owe.
    Owes {
        /// The request.
        request: Shared<Request>,
        /// What is to be appended.
        events: Vec<Event>,
    },
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A replica takes a request and loads the log.
    Load {
        /// Its place among the replicas.
        replica: usize,
        /// The request.
        request: Shared<Request>,
        /// The length of the log.
        version: usize,
    },
    /// A replica answers, having appended its events in the same step.
    Answer {
        /// Its place among the replicas.
        replica: usize,
        /// The request.
        request: Shared<Request>,
        /// The length of the log that it decided on.
        version: usize,
        /// The answer.
        outcome: Outcome,
        /// What is appended.
        events: Vec<Event>,
        /// What a mutant appends later.
        owed: Vec<Event>,
    },
    /// The version has moved: a replica loads again.
    LoadAgain {
        /// Its place among the replicas.
        replica: usize,
        /// The request.
        request: Shared<Request>,
        /// The length of the log.
        version: usize,
    },
    /// A mutant appends what it owes.
    Append {
        /// Its place among the replicas.
        replica: usize,
        /// The request that was answered.
        request: Shared<Request>,
        /// What is appended.
        events: Vec<Event>,
    },
    /// A replica is killed: what it had loaded or owed is gone. It starts again at once.
    Crash {
        /// Its place among the replicas.
        replica: usize,
    },
    /// The operator puts back the store as it was at an earlier version, and fences it off before it serves again.
    Restore {
        /// The length of the log in the backup.
        version: usize,
        /// What is appended then: the time, and the fence.
        events: Vec<Event>,
    },
    /// Time passes.
    Tick {
        /// The time then.
        to: Time,
    },
}

impl System {
    /// The correct system in a scenario, with all its properties.
    #[must_use]
    pub fn new(scenario: Scenario) -> Self {
        Self { scenario, mutant: None, watch: Watch::All }
    }

    fn lie(&self) -> Option<Lie> {
        self.mutant.map(|mutant| mutant.lie)
    }
}

impl Model for System {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let mut history = History::begin(self.scenario.spec.clone(), self.scenario.setup.clone());
        let verdict = self.judge(&mut history, Verdict::default());
        vec![World {
            history: Arc::new(history),
            replicas: vec![Replica::Idle; self.scenario.replicas],
            refused: None,
            crashes: 0,
            restores: 0,
            verdict,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        // Replicas are alike, so it is enough that the first idle one takes a request.
        if let Some(replica) = world.replicas.iter().position(|replica| *replica == Replica::Idle) {
            let version = world.history.log().len();
            let load = |request| Action::Load { replica, request, version };
            actions.extend(self.deliverable(world).into_iter().map(load));
        }
        for (place, replica) in world.replicas.iter().enumerate() {
            match replica {
                Replica::Idle => continue,
                Replica::Loaded { request, version } => self.conclude(world, place, request, *version, actions),
                Replica::Owes { request, events } => {
                    let (request, events) = (request.clone(), events.clone());
                    actions.push(Action::Append { replica: place, request, events });
                }
            }
            if world.crashes < self.scenario.crashes {
                actions.push(Action::Crash { replica: place });
            }
        }
        actions.extend(self.restores(world));
        actions.extend(self.tick(world));
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        match action {
            Action::Load { replica, request, version } | Action::LoadAgain { replica, request, version } => {
                *next.replicas.get_mut(replica)? = Replica::Loaded { request, version };
                return Some(next);
            }
            Action::Answer { replica, request, version, outcome, events, owed } => {
                if next.refused.is_none() {
                    next.refused = self.refusal(world, &request, version, &outcome, &events).map(Arc::new);
                }
                // What was said before is no news: a repetition changes nothing but the replica.
                if !events.is_empty() || !world.history.has_answered(&request, &outcome) {
                    self.happens(&mut next, |history| {
                        history.append(events);
                        history.answer_at(version, &request, outcome);
                    });
                }
                let after = if owed.is_empty() { Replica::Idle } else { Replica::Owes { request, events: owed } };
                *next.replicas.get_mut(replica)? = after;
            }
            Action::Append { replica, request, events } => {
                let late = || Arc::new(Refusal::new(REFINES, format_args!("{}: too late", *request)));
                next.refused = next.refused.or_else(|| Some(late()));
                self.happens(&mut next, |history| history.append(events));
                *next.replicas.get_mut(replica)? = Replica::Idle;
            }
            Action::Crash { replica } => {
                *next.replicas.get_mut(replica)? = Replica::Idle;
                next.crashes += 1;
                self.happens(&mut next, History::crash);
            }
            Action::Restore { version, events } => {
                next.replicas.fill(Replica::Idle);
                next.restores += 1;
                if next.refused.is_none() {
                    next.refused = self.refused_restore(world, version, &events).map(Arc::new);
                }
                self.happens(&mut next, |history| {
                    history.restore(version);
                    history.append(events);
                });
            }
            Action::Tick { to } => self.happens(&mut next, |history| history.append([Event::Ticked { to }])),
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::of(self)
    }

    /// The log of a correct directory is bounded by the scenario: claims carry keys, and everything else that is
    /// asked twice changes nothing the second time. Some mutants would append for ever.
    fn within_boundary(&self, world: &World) -> bool {
        self.mutant.is_none() || world.history.log().len() <= self.scenario.setup.len() + LOG_MAX_OF_MUTANTS
    }

    fn format_action(&self, action: &Action) -> String {
        action.to_string()
    }

    fn format_step(&self, world: &World, action: Action) -> Option<String> {
        self.next_state(world, action).map(|next| next.to_string())
    }
}

const LOG_MAX_OF_MUTANTS: usize = 16;
