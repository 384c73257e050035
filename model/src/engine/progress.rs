//! What is owed can be paid, and is paid, if replicas go on and the owner asks again: liveness, with fairness spelt out.
//!
//! The rules say what must never happen; a directory that never answers breaks none of them. So here are obligations.
//! From the moment when something is owed until it is paid, over the whole graph:
//!
//! 1. no step forgets it: each leaves it owed, or pays it;
//! 2. in every state a step that helps is possible: the delivery of a request of the owner that would pay, or the
//!    conclusion of whatever a replica has begun; so nothing stands still while something is owed;
//! 3. from every state the helping steps alone lead to the payment: nobody else has to do anything;
//! 4. every fair run pays. Fair means two things and no more: a replica that has loaded the log concludes, and a
//!    request that the owner sends again and again is taken up by an idle replica at some time.

mod owed;

use std::{
    collections::{BTreeSet, VecDeque},
    fmt::{self, Display, Formatter},
};

use crate::{
    engine::{Fair, Graph, Strength, stall},
    mutants::{Mutant, STALLING},
    names::{Client, Package, Requester},
    system::{Action, Bounds, Scenario, System, Watch, World},
};

pub use owed::{OBLIGATIONS, obligation};

/// Something that a directory owes to an owner as soon as something else has happened.
#[derive(Clone, Copy, Debug)]
pub struct Obligation {
    /// Its name.
    pub name: &'static str,
    /// What is owed.
    pub says: &'static str,
    /// Where it is looked at.
    pub scenario: fn(Bounds) -> Scenario,
    pub(crate) owed: fn(&Scenario, &World) -> BTreeSet<Debt>,
    pub(crate) paid: fn(&World, &Debt) -> bool,
    pub(crate) pays: fn(&Debt, &crate::rules::Request) -> bool,
}

/// One thing that is owed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Debt {
    /// To whom.
    pub client: Client,
    /// What it is about.
    pub package: Package,
    /// Who got it, where that matters.
    pub requester: Option<Requester>,
}

/// What became of an obligation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The obligation.
    pub obligation: &'static str,
    /// The fault that the system had, if any.
    pub mutant: Option<&'static str>,
    /// How many states there are.
    pub states: usize,
    /// In how many of them something is owed.
    pub owing: usize,
    /// The most helping steps that are needed from any of them.
    pub farthest: usize,
    /// Whether every state was seen, and something was owed and paid in some of them.
    pub complete: bool,
    /// How it fails, if it does.
    pub failure: Option<Failure>,
}

/// How an obligation fails, and a shortest way to the state where it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which of the four demands is not met, in words.
    pub why: &'static str,
    /// What is owed.
    pub debt: Debt,
    /// The steps to that state, in words.
    pub story: Vec<String>,
}

impl Progress {
    /// Whether everything was seen, something was owed and paid, and it never failed.
    #[must_use]
    pub fn verified(&self) -> bool {
        self.complete && self.failure.is_none()
    }
}

/// Looks at every obligation on a correct directory.
#[must_use]
pub fn progress_all() -> Vec<Progress> {
    OBLIGATIONS.iter().map(|obligation| progress(obligation, None)).collect()
}

/// Looks at every mutant that breaks an obligation.
#[must_use]
pub fn progress_of_mutants() -> Vec<Progress> {
    let known = STALLING.iter().filter_map(|mutant| Some((obligation(mutant.breaks)?, mutant)));
    known.map(|(obligation, mutant)| progress(obligation, Some(mutant))).collect()
}

/// Looks at one obligation, on a correct directory or on one with a fault.
#[must_use]
pub fn progress(obligation: &Obligation, mutant: Option<&'static Mutant>) -> Progress {
    let scenario = (obligation.scenario)(Bounds::Small);
    let system = System { scenario, mutant, watch: Watch::All };
    let graph = Graph::of(&system, STATES_MAX);
    let owed: Vec<_> = graph.states().iter().map(|world| (obligation.owed)(&system.scenario, world)).collect();
    let debts: BTreeSet<_> = owed.iter().flatten().cloned().collect();
    let accounts: Vec<_> = debts.into_iter().map(|debt| Account::of(obligation, &graph, &owed, debt)).collect();
    Progress {
        obligation: obligation.name,
        mutant: mutant.map(|mutant| mutant.name),
        states: graph.states().len(),
        owing: owed.iter().filter(|debts| !debts.is_empty()).count(),
        farthest: accounts.iter().flat_map(|account| &account.steps_to_payment).flatten().copied().max().unwrap_or(0),
        complete: graph.complete() && accounts.iter().any(|account| !account.owing.is_empty() && account.ever_paid),
        failure: accounts.iter().find_map(|account| account.failure(&system, &graph)),
    }
}

/// One debt over the whole graph.
struct Account<'a> {
    obligation: &'a Obligation,
    debt: Debt,
    owing: Vec<usize>,
    owes: Vec<bool>,
    ever_paid: bool,
    /// For each state the number of helping steps to the payment, if they lead there.
    steps_to_payment: Vec<Option<usize>>,
}

impl<'a> Account<'a> {
    fn of(obligation: &'a Obligation, graph: &Graph<System>, owed: &[BTreeSet<Debt>], debt: Debt) -> Self {
        let owes: Vec<_> = owed.iter().map(|debts| debts.contains(&debt)).collect();
        let owing = (0..owes.len()).filter(|state| owes[*state]).collect();
        let mut account =
            Self { obligation, debt, owing, owes, ever_paid: false, steps_to_payment: vec![None; owed.len()] };
        account.ever_paid = graph.states().iter().any(|world| account.is_paid(world));
        account.measure(graph);
        account
    }

    fn is_paid(&self, world: &World) -> bool {
        (self.obligation.paid)(world, &self.debt)
    }

    /// A step that helps: the owner's request that would pay is taken up, or something that was begun is concluded.
    fn helps(&self, action: &Action) -> bool {
        concludes(action).is_some() || self.is_asked(action)
    }

    fn is_asked(&self, action: &Action) -> bool {
        matches!(action, Action::Load { request, .. } if (self.obligation.pays)(&self.debt, request))
    }

    /// Backwards from the payment, along helping steps.
    fn measure(&mut self, graph: &Graph<System>) {
        let mut back = vec![vec![]; graph.states().len()];
        for from in &self.owing {
            let helping = graph.edges(*from).iter().filter(|edge| self.helps(&edge.action));
            helping.for_each(|edge| back[edge.to].push(*from));
        }
        let paid =
            (0..graph.states().len()).filter(|state| !self.owes[*state] && self.is_paid(&graph.states()[*state]));
        let mut queue: VecDeque<_> = paid.map(|state| (state, 0)).collect();
        while let Some((state, steps)) = queue.pop_front() {
            for from in std::mem::take(&mut back[state]) {
                if self.steps_to_payment[from].is_none() {
                    self.steps_to_payment[from] = Some(steps + 1);
                    queue.push_back((from, steps + 1));
                }
            }
        }
    }

    fn failure(&self, system: &System, graph: &Graph<System>) -> Option<Failure> {
        let forgotten = |state: &usize| {
            let lost = |to: usize| !self.owes[to] && !self.is_paid(&graph.states()[to]);
            graph.edges(*state).iter().any(|edge| lost(edge.to))
        };
        let helpless = |state: &usize| !graph.edges(*state).iter().any(|edge| self.helps(&edge.action));
        let hopeless = |state: &usize| self.steps_to_payment[*state].is_none();
        let first = |demand: &dyn Fn(&usize) -> bool| self.owing.iter().copied().find(demand);
        let (why, state) = None
            .or_else(|| Some(("a step forgets it", first(&forgotten)?)))
            .or_else(|| Some(("it stands still: no step that helps is possible", first(&helpless)?)))
            .or_else(|| Some(("no number of steps that help leads to it", first(&hopeless)?)))
            .or_else(|| {
                let stalled = stall(graph, &self.fair(system.scenario.replicas), &self.owing)?;
                Some(("a fair run puts it off for ever", stalled.into_iter().min()?))
            })?;
        let story = graph.path(state).iter().map(ToString::to_string).collect();
        Some(Failure { why, debt: self.debt.clone(), story })
    }

    fn fair(&self, replicas: usize) -> Vec<Fair<System>> {
        let concluding = (0..replicas).map(|replica| Fair {
            says: format!("Replica {} concludes what it has begun.", replica + 1),
            strength: Strength::Weak,
            steps: Box::new(move |_, action| concludes(action) == Some(replica)),
        });
        let (pays, debt) = (self.obligation.pays, self.debt.clone());
        let asked = Fair {
            says: "What the owner asks again and again is taken up.".into(),
            strength: Strength::Strong,
            steps: Box::new(move |_, action| matches!(action, Action::Load { request, .. } if pays(&debt, request))),
        };
        concluding.chain([asked]).collect()
    }
}

/// The replica that goes on with what it has begun, if this is such a step.
fn concludes(action: &Action) -> Option<usize> {
    match action {
        Action::Answer { replica, .. } | Action::LoadAgain { replica, .. } | Action::Append { replica, .. } => {
            Some(*replica)
        }
        Action::Load { .. } | Action::Crash { .. } | Action::Restore { .. } | Action::Tick { .. } => None,
    }
}

impl Display for Progress {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let verdict = match (&self.failure, self.complete) {
            (Some(_), _) => "broken",
            (None, true) => "verified",
            (None, false) => "incomplete, so nothing is verified",
        };
        write!(f, "{}", self.obligation)?;
        if let Some(mutant) = self.mutant {
            write!(f, " with {mutant}")?;
        }
        let Self { states, owing, farthest, .. } = self;
        write!(f, ": {verdict}; owed in {owing} of {states} states, at most {farthest} helping steps from payment")?;
        let Some(failure) = &self.failure else { return Ok(()) };
        for (place, step) in failure.story.iter().enumerate() {
            write!(f, "\n{:>3}. {step}", place + 1)?;
        }
        let Debt { client, package, requester } = &failure.debt;
        write!(f, "\n{client} is owed something about {package}")?;
        if let Some(requester) = requester {
            write!(f, " and {requester}")?;
        }
        write!(f, ": {}", failure.why)
    }
}

/// More than any of the scenarios has.
const STATES_MAX: usize = 1_000_000;
