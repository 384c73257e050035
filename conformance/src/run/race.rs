//! A race: lanes that begin together, and what is done to the server while they run.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use rand::{Rng as _, RngExt as _};
use tokio::{
    sync::{Barrier, watch},
    task::JoinSet,
};

use crate::{
    binding::Hook,
    recording::{Broken, Observed, Recorded, Round},
    run::{
        transport::{Gate, Lane},
        vector_run::{Lanes, Runner},
        world::World,
    },
    vector::{Race, Step},
};

/// How far the lanes of a race have come; all of them look at the same one.
#[derive(Debug)]
pub(super) struct Course {
    /// Whether something is done to the server meanwhile: an answer that does not come is lost then, and the server is
    /// not gone.
    pub(super) interrupted: bool,
    /// Steps of requests, in all lanes.
    steps: usize,
    /// How many of them have ended.
    ended: watch::Sender<usize>,
    /// At how many of them something is done to the server; then the others go on less hastily, until that is over.
    due: AtomicUsize,
    /// Whether some lane does so.
    held: AtomicBool,
}

impl Course {
    fn of(race: &Race) -> Self {
        let steps = race.lanes.values().flatten().filter(|step| step.hook().is_none()).count();
        let (due, held) = (AtomicUsize::new(usize::MAX), AtomicBool::new(false));
        Self { interrupted: race.is_interrupted(), steps, ended: watch::Sender::new(0), due, held }
    }

    fn ends_one(&self) {
        self.ended.send_modify(|ended| *ended += 1);
    }

    /// Waits until so many more steps have ended as `draw` says, one at least and half of those that are left at most, so
    /// that something is on its way.
    async fn go_on(&self, draw: u64) {
        let ended = *self.ended.borrow();
        let left = self.steps.saturating_sub(ended);
        if left == 0 {
            return;
        }
        let choices = (left / 2).max(1);
        let further = 1 + usize::try_from(draw % choices as u64).unwrap_or_default();
        self.due.store(ended + further, Ordering::Relaxed);
        let mut course = self.ended.subscribe();
        // A lane that has broken off ends no step any more: the race is over then, and its verdict is another's.
        let _ = tokio::time::timeout(PATIENCE, course.wait_for(|now| *now >= ended + further)).await;
    }

    /// How long a lane waits with its next step, so that what is being done to the server meets some request: a command can
    /// take longer than all of them. The first is sent when that takes effect, as far as the last time tells; others
    /// before or after.
    fn hold(&self, dying: Duration, draw: f64) -> Duration {
        if *self.ended.borrow() < self.due.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        let first = !self.held.swap(true, Ordering::Relaxed);
        dying.mul_f64(if first { 0.95 + 0.3 * draw } else { 0.5 + draw })
    }
}

/// What a lane has seen, and why it did not come to its end, if so.
type Ended = (Vec<Recorded>, Option<Broken>);

impl Runner<'_> {
    pub(super) async fn race(&self, race: &Race, world: &World, round: &mut Round) -> Result<(), Broken> {
        let course = Arc::new(Course::of(race));
        for lane in &self.lanes.racing {
            self.warm(lane, course.interrupted).await?;
        }
        let gate: Gate = Arc::new(Barrier::new(race.lanes.len()));
        let mut tasks = JoinSet::new();
        for (number, (name, steps)) in race.lanes.iter().enumerate() {
            let (server, vector, lane) =
                (self.server.clone(), Arc::clone(self.vector), self.lanes.racing[number].clone());
            let (gate, course) = (Arc::clone(&gate), Arc::clone(&course));
            let (name, steps, begun, world) = (name.clone(), steps.clone(), self.begun, world.clone());
            tasks.spawn(async move {
                let course = Some(&*course);
                let lanes = Lanes::default();
                let runner = Runner { server: &server, vector: &vector, begun, lanes: &lanes, place: None, course };
                runner.lane(&lane, &name, &steps, world, &gate).await
            });
        }
        let mut broken = None;
        while let Some(lane) = tasks.join_next().await {
            match lane {
                Ok((recorded, why)) => {
                    round.steps.extend(recorded);
                    broken = broken.or(why);
                }
                Err(error) => broken = Some(Broken::Suite(format!("a lane ended: {error}"))),
            }
        }
        round.steps.sort_by_key(|recorded| recorded.sent);
        broken.map_or(Ok(()), Err)
    }

    async fn lane(&self, lane: &Lane, name: &str, steps: &[Step], mut world: World, gate: &Gate) -> Ended {
        let mut recorded: Vec<Recorded> = vec![];
        for (index, step) in steps.iter().enumerate() {
            let path = format!("race.lanes.{name}[{index}]");
            match self.in_lane(lane, path, step, &mut world, Some(gate).filter(|_| index == 0)).await {
                Ok(step) => recorded.push(step),
                Err(broken) => return (recorded, Some(broken)),
            }
        }
        (recorded, None)
    }

    async fn in_lane(
        &self,
        lane: &Lane,
        path: String,
        step: &Step,
        world: &mut World,
        gate: Option<&Gate>,
    ) -> Result<Recorded, Broken> {
        let Some(course) = self.course else { return Err(Broken::Suite("a lane without a race".into())) };
        if let Some(hook) = step.hook() {
            if let Some(gate) = gate {
                super::transport::pass(gate).await;
            }
            if hook != Hook::Start {
                course.go_on(world.seed.child(&path).rng().next_u64()).await;
            }
            let done = self.step(lane, path, step, world, None).await;
            course.due.store(usize::MAX, Ordering::Relaxed);
            return done;
        }
        if course.interrupted && gate.is_none() {
            let dying = Duration::from_micros(self.server.dying.load(Ordering::Relaxed)).min(PATIENCE);
            tokio::time::sleep(course.hold(dying, world.seed.child(&path).rng().random())).await;
        }
        let mut recorded = self.step(lane, path, step, world, gate).await?;
        if course.interrupted && is_of_nobody(&recorded) {
            recorded.observed = Observed::Lost;
        }
        course.ends_one();
        if course.interrupted && recorded.observed == Observed::Lost {
            // Whoever was not answered goes on once there is somebody to ask.
            self.server.answers_on(lane).await.map_err(Broken::Gone)?;
        }
        Ok(recorded)
    }

    /// A connection that is open already takes part in a race on equal terms.
    async fn warm(&self, lane: &Lane, interrupted: bool) -> Result<(), Broken> {
        // Where the server was killed in the round before, the connection may have to find out that it is none.
        let warm = if interrupted { self.server.answers_on(lane).await } else { self.server.alive(lane).await };
        warm.map_err(Broken::Gone)
    }
}

/// Whether that is how whoever stands before a server says that there is none: by a status, or an adapter, which has none,
/// by saying that it does not know what came.
fn is_of_nobody(recorded: &Recorded) -> bool {
    match recorded.exchanges.last().map(|exchange| exchange.status) {
        Some(502..=504) => true,
        Some(0) => matches!(recorded.observed, Observed::Unexpected(_)),
        _ => false,
    }
}

/// The lanes of a race get no further, if not in this time.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::recording::{Exchange, Told};

    #[test]
    fn what_stands_before_a_dead_server_or_speaks_for_it_says_nothing_of_it() {
        let answered = |status, observed: Observed| {
            let (url, says) = (String::new(), String::new());
            let (method, request_body, response_body) = Default::default();
            let (request_headers, response_headers) = Default::default();
            let exchanges =
                vec![Exchange { method, url, request_headers, request_body, status, response_headers, response_body }];
            let (sent, answered, told, saved) = (Duration::ZERO, Duration::ZERO, Told::default(), BTreeMap::new());
            is_of_nobody(&Recorded { path: String::new(), says, sent, answered, observed, told, exchanges, saved })
        };
        let unexpected = || Observed::Unexpected("connection refused".into());
        let limited = Observed::Refused(crate::vector::expect::Reason::RateLimited);
        assert!(answered(503, unexpected()) && answered(503, limited.clone()) && answered(0, unexpected()));
        assert!(!answered(500, unexpected()) && !answered(0, limited) && !answered(200, unexpected()));
    }
}
