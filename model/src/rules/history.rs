//! A history: the store's events and what was said about them, made one step at a time.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    fmt,
    hash::{Hash, Hasher},
    ops::Deref,
    sync::Arc,
};

use crate::{
    history::{Claim, Claimed, Event, Facts, Role, State, Status},
    names::{Client, Package},
    rules::shared::{Shared, hash},
    spec::{Op, Outcome, Spec},
};

/// What happened, and what was said about it.
///
/// It only grows, but for a restore, which keeps what it takes away for the rules to look at. Everything in it is shared,
/// so that a copy is cheap; the state before each event is kept, so that looking back is, too.
#[derive(Clone, Debug)]
pub struct History {
    log: Vec<Arc<Event>>,
    /// The state before each event of the log, and after the last. A function of the log.
    states: Vec<Arc<State>>,
    answers: Answers,
    /// For each restore the version that it went back to, and the history before it.
    lost: Vec<(usize, Arc<History>)>,
    /// What the directory declares.
    declared: Arc<Spec>,
    /// Whether a replica was killed at some time.
    crashed: bool,
    /// How long the log was after each append: what was appended at once is there wholly or not at all.
    commits: Vec<usize>,
    /// How long the log was when answers began to be recorded.
    begun: usize,
    /// How much of the log was judged before: what rules on single events need not look at again.
    judged: usize,
    /// The newest answer, with the version of the log that it was decided on, if answers are recorded one by one.
    latest: Option<(Shared<Request>, Outcome, usize)>,
    /// Hashes of `log`, `answers` and `lost`, kept up step by step.
    hashes: [u64; 3],
}

/// Every request that was answered, with all its answers.
pub type Answers = BTreeMap<Shared<Request>, Arc<BTreeSet<Outcome>>>;

/// One request. However often it is sent and delivered, it is the same one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    /// Tells two requests apart that ask the same.
    pub number: u32,
    /// Who asks, and what.
    pub op: Op,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.op.fmt(f)
    }
}

impl Default for History {
    fn default() -> Self {
        Self {
            log: vec![],
            states: vec![Arc::default()],
            answers: BTreeMap::new(),
            lost: vec![],
            declared: Arc::default(),
            crashed: false,
            commits: vec![0],
            begun: 0,
            judged: 0,
            latest: None,
            hashes: [0; 3],
        }
    }
}

impl History {
    /// The history of a directory that declares this, where these events were appended one by one before anybody looked.
    pub fn begin(declared: Spec, log: impl IntoIterator<Item = Event>) -> Self {
        let mut history = Self { declared: Arc::new(declared), ..Self::default() };
        log.into_iter().for_each(|event| history.append([event]));
        history.begun = history.log.len();
        history
    }

    /// The history of a log of which no answers are known.
    pub fn of(log: impl IntoIterator<Item = Event>) -> Self {
        Self::begin(Spec::default(), log)
    }

    /// Takes events into the log, all at once.
    pub fn append(&mut self, events: impl IntoIterator<Item = Event>) {
        let before = self.log.len();
        events.into_iter().for_each(|event| self.push(event));
        if self.log.len() > before {
            self.commits.push(self.log.len());
            self.hashes[0] = hash(&(self.hashes[0], self.log.len()));
        }
    }

    fn push(&mut self, event: Event) {
        let mut state = State::clone(self.state());
        state.apply(&event);
        self.hashes[0] = hash(&(self.hashes[0], &event));
        self.states.push(Arc::new(state));
        self.log.push(Arc::new(event));
    }

    /// Takes one answer in, which was decided on a version of the log.
    pub fn answer_at(&mut self, version: usize, request: &Shared<Request>, outcome: Outcome) {
        self.latest = Some((request.clone(), outcome.clone(), version));
        self.answer(request, outcome);
    }

    /// Takes one answer in.
    pub fn answer(&mut self, request: &Shared<Request>, outcome: Outcome) {
        let outcomes = self.answers.entry(request.clone()).or_default();
        if !outcomes.contains(&outcome) {
            // Answers have no order, so their hashes are added up without one.
            self.hashes[1] ^= hash(&(request, &outcome));
            Arc::make_mut(outcomes).insert(outcome);
        }
    }

    /// Whether this was answered to that before.
    #[must_use]
    pub fn has_answered(&self, request: &Shared<Request>, outcome: &Outcome) -> bool {
        self.answers.get(request).is_some_and(|outcomes| outcomes.contains(outcome))
    }

    /// Takes the log back to what it was when it had so many events: an older backup. What is lost stays known here.
    pub fn restore(&mut self, version: usize) {
        // Answers are not undone, so they need not be kept twice.
        let [log, _, lost] = self.hashes;
        let before = Self { answers: Answers::new(), latest: None, hashes: [log, 0, lost], ..self.clone() };
        self.hashes[2] = hash(&(self.hashes[0], self.hashes[2], version));
        self.log.truncate(version);
        self.states.truncate(version + 1);
        self.commits.retain(|commit| *commit <= version);
        self.hashes[0] = hash(&(&self.log, &self.commits));
        self.judged = self.judged.min(version);
        self.lost.push((version, Arc::new(before)));
    }

    /// A replica was killed: what it had in hand is gone.
    pub fn crash(&mut self) {
        self.crashed = true;
    }

    /// Everything so far was judged: rules on single events look at the next ones only.
    pub fn judged(&mut self) {
        self.judged = self.log.len();
        self.latest = None;
    }

    /// The store's events, in order.
    #[must_use]
    pub fn log(&self) -> &[Arc<Event>] {
        &self.log
    }

    /// Whatever was asked, with every answer that the network ever carried back. Empty if only the log is known.
    #[must_use]
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    /// For each restore the length of the log that it went back to, and the history before it.
    #[must_use]
    pub fn lost(&self) -> &[(usize, Arc<History>)] {
        &self.lost
    }

    /// What the directory declares.
    #[must_use]
    pub fn declared(&self) -> &Spec {
        &self.declared
    }

    /// The lengths that the log had between two appends since answers were recorded: what a backup can hold.
    pub fn backups(&self) -> impl Iterator<Item = usize> {
        let (begun, now) = (self.begun, self.log.len());
        self.commits.iter().copied().filter(move |commit| (begun..now).contains(commit))
    }

    /// Whether a replica was killed at some time.
    #[must_use]
    pub fn crashed(&self) -> bool {
        self.crashed
    }

    /// The state that the log leads to.
    #[must_use]
    pub fn state(&self) -> &State {
        self.state_at(self.log.len())
    }

    /// The state that the first `version` events of the log lead to.
    #[must_use]
    pub fn state_at(&self, version: usize) -> &State {
        &self.states[version.min(self.log.len())]
    }

    /// The log, and the logs that restores took away.
    pub(super) fn timelines(&self) -> impl Iterator<Item = &History> + Clone {
        std::iter::once(self).chain(self.lost.iter().map(|(_, before)| &**before))
    }

    /// Every state that the store was in since answers were recorded.
    pub(super) fn states(&self) -> impl Iterator<Item = &State> {
        self.timelines().flat_map(|timeline| timeline.states.iter().skip(timeline.begun).map(Deref::deref))
    }

    /// The answers that are still to be judged, each with the states in which it may have been decided: the very one, if
    /// that is known.
    pub(super) fn answers_to_judge(&self) -> impl Iterator<Item = (&Request, &Outcome, Vec<&State>)> {
        let latest = self.latest.as_ref();
        let known = latest.map(|(request, outcome, version)| (&**request, outcome, vec![self.state_at(*version)]));
        let all = self.answered_with().filter(move |_| latest.is_none() && self.judged == 0);
        known.into_iter().chain(all.map(|(request, outcome)| (request, outcome, self.states().collect())))
    }

    /// The claims that the log records.
    pub(super) fn recorded(&self) -> impl Iterator<Item = &Claimed> + Clone {
        self.log.iter().filter_map(|event| match &**event {
            Event::Claimed(claimed) => Some(claimed),
            _ => None,
        })
    }

    /// Every request with each of its answers.
    pub(super) fn answered_with(&self) -> impl Iterator<Item = (&Request, &Outcome)> {
        self.answers.iter().flat_map(|(request, outcomes)| outcomes.iter().map(move |outcome| (&**request, outcome)))
    }

    /// The claims that were answered with statuses.
    pub(super) fn answered(&self) -> impl Iterator<Item = (&Request, &Claim, &BTreeMap<Client, Status>)> {
        self.answered_with().filter_map(|(request, outcome)| match (&request.op, outcome) {
            (Op::Claim(claim), Outcome::Claimed(statuses)) => Some((request, claim, statuses)),
            _ => None,
        })
    }

    /// What was asked to be published, with the answers.
    pub(super) fn publications(&self) -> impl Iterator<Item = (&[Facts], &BTreeSet<Outcome>)> {
        self.answers.iter().filter_map(|(request, outcomes)| match &request.op {
            Op::Publish { packages, .. } | Op::Replace { packages, .. } => Some((packages.as_slice(), &**outcomes)),
            _ => None,
        })
    }

    /// What the log says was published, in order.
    pub(super) fn published(&self) -> impl Iterator<Item = &Facts> {
        self.log.iter().flat_map(|event| match &**event {
            Event::Published(batch) => batch.as_slice(),
            _ => &[],
        })
    }

    /// What was published since answers were recorded.
    pub(super) fn published_since(&self) -> impl Iterator<Item = &Facts> {
        self.log.iter().skip(self.begun).flat_map(|event| match &**event {
            Event::Published(batch) => batch.as_slice(),
            _ => &[],
        })
    }

    /// Whether the package was published as a last resort.
    pub(super) fn is_last_resort(&self, package: Package) -> bool {
        let last_resort = |facts: &Facts| facts.package == package && facts.role == Role::LastResort;
        self.timelines().any(|timeline| timeline.published().any(last_resort))
    }

    /// Each event of the log with the state before it.
    pub(super) fn steps(&self) -> impl Iterator<Item = (&State, &Event)> + Clone {
        self.states.iter().map(Deref::deref).zip(self.log.iter().map(Deref::deref))
    }

    /// The first finding in the whole log, each event with the state before it.
    pub(super) fn find<T>(&self, mut judge: impl FnMut(&State, &Event) -> Option<T>) -> Option<T> {
        self.steps().find_map(|(state, event)| judge(state, event))
    }

    /// The first finding in what was not judged before: for rules whose judgement of an event depends on nothing but
    /// the state before it.
    pub(super) fn find_new<T>(&self, mut judge: impl FnMut(&State, &Event) -> Option<T>) -> Option<T> {
        self.steps().skip(self.judged).find_map(|(state, event)| judge(state, event))
    }

    /// The first finding among the statuses that the log records, each with the state before its claim.
    pub(super) fn find_status<T>(
        &self,
        mut judge: impl FnMut(&State, &Claim, Client, Status) -> Option<T>,
    ) -> Option<T> {
        self.find(|state, event| statuses(state, event, &mut judge))
    }

    /// The same in what was not judged before.
    pub(super) fn find_new_status<T>(
        &self,
        mut judge: impl FnMut(&State, &Claim, Client, Status) -> Option<T>,
    ) -> Option<T> {
        self.find_new(|state, event| statuses(state, event, &mut judge))
    }

    fn compared(&self) -> impl Ord {
        (&self.log, &self.commits, &self.answers, &self.lost, self.crashed)
    }
}

fn statuses<T>(
    state: &State,
    event: &Event,
    judge: &mut impl FnMut(&State, &Claim, Client, Status) -> Option<T>,
) -> Option<T> {
    let Event::Claimed(Claimed { claim, statuses }) = event else { return None };
    statuses.iter().find_map(|(client, status)| judge(state, claim, *client, *status))
}

/// Two histories are the same if log, answers and what was lost are: all else follows from these, or is no part of what
/// happened.
impl PartialEq for History {
    fn eq(&self, other: &Self) -> bool {
        self.hashes == other.hashes && self.compared() == other.compared()
    }
}

impl Eq for History {}

impl PartialOrd for History {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for History {
    fn cmp(&self, other: &Self) -> Ordering {
        self.compared().cmp(&other.compared())
    }
}

impl Hash for History {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (self.hashes, self.crashed).hash(hasher);
    }
}
