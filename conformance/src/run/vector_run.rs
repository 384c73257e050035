//! One vector against one server: everyone is registered, then the steps, or the rounds of the race.

use std::{sync::Arc, time::Duration};

use rand::RngExt as _;
use tokio::time::Instant;

use crate::{
    binding::Operation,
    judge,
    recording::{Broken, Observed, Recorded, Recording, Round},
    run::{
        Server, operation,
        perform::Performed,
        place::Place,
        race::Course,
        transport::{Gate, Lane},
        world::{Actor, World},
    },
    seed::Seed,
    vector::{Race, Step, Until, Vector},
};

/// Runs a vector, and stops where it cannot go on.
pub(super) async fn run(
    server: &Server,
    vector: &Arc<Vector>,
    seed: Seed,
    rounds: Option<u32>,
    place: &Place,
) -> Recording {
    let mut recording = Recording::default();
    // A server takes its time to start: what is said of all races makes none longer in which it is stopped.
    let of_race = |race: &Race| match rounds {
        Some(rounds) if race.is_interrupted() => rounds.min(race.rounds),
        Some(rounds) => rounds,
        None => race.rounds,
    };
    let rounds = vector.race.as_ref().map_or(1, of_race);
    let lanes = match lanes(server, vector) {
        Ok(lanes) => lanes,
        Err(why) => return Recording { broken: Some(Broken::Suite(why)), ..recording },
    };
    let mut silent = 0;
    for number in 0..rounds {
        let mut round = Round::default();
        let runner = Runner { server, vector, begun: Instant::now(), lanes: &lanes, place: Some(place), course: None };
        let ended = runner.round(seed.child(&format!("round {number}")), &mut round).await;
        silent += usize::from(judge::silence(vector, &round).is_some());
        recording.rounds.push(round);
        if let Err(broken) = ended {
            recording.broken = Some(broken);
            break;
        }
        // It fails by these, and each round of that kind takes as long as an answer may.
        if silent >= SILENT_ROUNDS {
            break;
        }
    }
    recording
}

/// Of a race in which so many rounds had no answer that was owed, no more is asked.
const SILENT_ROUNDS: usize = 3;

/// Connections that last for all rounds.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    /// For what comes in order, one to each replica.
    pub(super) in_order: Vec<Lane>,
    /// One for each lane of the race.
    pub(super) racing: Vec<Lane>,
}

pub(super) fn lanes(server: &Server, vector: &Vector) -> Result<Lanes, String> {
    let racing = vector.race.as_ref().map_or(0, |race| race.lanes.len());
    let in_order = (0..server.endpoints.len().max(1)).map(|number| server.lane(number)).collect::<Result<_, _>>()?;
    // What comes in order has the first.
    let racing = (1..=racing).map(|number| server.lane(number)).collect::<Result<_, _>>()?;
    Ok(Lanes { in_order, racing })
}

#[derive(Clone, Copy)]
pub(super) struct Runner<'a> {
    pub(super) server: &'a Server,
    pub(super) vector: &'a Arc<Vector>,
    pub(super) begun: Instant,
    pub(super) lanes: &'a Lanes,
    /// None in the lanes of a race, which have that of their vector together.
    pub(super) place: Option<&'a Place>,
    /// How far the race has come, in its lanes.
    pub(super) course: Option<&'a Course>,
}

impl Runner<'_> {
    async fn round(&self, seed: Seed, round: &mut Round) -> Result<(), Broken> {
        let mut world = World::new(self.vector, &self.server.binding, seed, self.server.now());
        self.register_all(&mut world).await?;
        world.make_packages(self.vector, self.server.now())?;
        let vector = self.vector;
        self.in_order("before", &vector.before, &mut world, round).await?;
        self.in_order("steps", &vector.steps, &mut world, round).await?;
        if let Some(race) = &vector.race {
            self.race(race, &world, round).await?;
        }
        self.in_order("after", &vector.after, &mut world, round).await
    }

    async fn register_all(&self, world: &mut World) -> Result<(), Broken> {
        let declared = |((user, client), actor): (&(String, String), &Actor)| {
            let declared = self.vector.users.get(user).filter(|declared| declared.registered)?;
            let main = declared.clients.is_empty() && client == "main";
            (main || declared.clients.contains(client)).then(|| actor.clone())
        };
        let actors: Vec<Actor> = world.actors.iter().filter_map(declared).collect();
        let binding = &self.server.binding;
        let further = if binding.has(Operation::AddClient) { Operation::AddClient } else { Operation::AddKey };
        for (index, actor) in actors.iter().enumerate() {
            // As it is called by now: the server may have named its user.
            let named = world.actors.get(&(actor.user.clone(), actor.called.clone())).cloned();
            let actor = named.as_ref().unwrap_or(actor);
            let first = actors[..index].iter().find(|first| first.user == actor.user);
            let first = first.and_then(|first| world.actors.get(&(first.user.clone(), first.client.clone())).cloned());
            let call = match &first {
                None => operation::register(actor),
                Some(first) => operation::register_further(further, first, actor),
            };
            let performed = self.perform(self.turn(index, world)?, world, call, None).await?;
            match &performed.recorded.observed {
                Observed::Ok(_) => performed.enlist(world),
                other => {
                    return Err(Broken::Setup(format!(
                        "{}: {}{}",
                        performed.recorded.says,
                        judge::in_words(other),
                        raw(&performed.recorded)
                    )));
                }
            }
        }
        Ok(())
    }

    async fn in_order(&self, part: &str, steps: &[Step], world: &mut World, round: &mut Round) -> Result<(), Broken> {
        for (index, step) in steps.iter().enumerate() {
            let turn = self.turn(index, world)?;
            let recorded = self.step(turn, format!("{part}[{index}]"), step, world, None).await?;
            round.steps.push(recorded);
        }
        Ok(())
    }

    /// Replicas are asked in turn: in one run one after the other, in another each twice, so that neither a step and the
    /// next, nor a step and the one after that, always meet the same one.
    fn turn(&self, index: usize, world: &World) -> Result<&Lane, Broken> {
        let replicas = self.lanes.in_order.len().max(1);
        let twice = world.seed.child("turn").rng().random_bool(0.5);
        let turn = if twice { index.div_ceil(2) } else { index };
        self.lanes.in_order.get(turn % replicas).ok_or_else(|| Broken::Suite("no endpoint is given".into()))
    }

    pub(super) async fn step(
        &self,
        lane: &Lane,
        path: String,
        step: &Step,
        world: &mut World,
        gate: Option<&Gate>,
    ) -> Result<Recorded, Broken> {
        let performed = match self.locally(step, world).await? {
            Some(performed) => performed,
            None => match step.claim.as_ref().and_then(|claim| claim.until) {
                Some(until) => self.repeat(lane, world, step, until).await?,
                None => self.ask(lane, world, step, gate).await?,
            },
        };
        if matches!(performed.recorded.observed, Observed::Ok(_)) {
            performed.enlist(world);
            self.expiry_given(step, world);
            let gone = step.remove_client.as_ref().map(|remove| &remove.client);
            let gone = gone.or(step.remove_key.as_ref().map(|remove| &remove.client));
            if let Some(gone) = gone.and_then(|name| self.vector.client(name)) {
                world.present.remove(&gone);
            }
        }
        let mut recorded = performed.recorded;
        recorded.path = path;
        // Of a line that was cut, it is told that. What was not done has no answer to lose: in order, what comes next is
        // about a thing done, and what cannot be understood is told as ever.
        let lost = match recorded.observed {
            Observed::Ok(_) => true,
            Observed::Refused(_) => self.course.is_some(),
            Observed::Unexpected(_) | Observed::Lost => false,
        };
        if step.lose.is_some() && lost {
            recorded.observed = Observed::Lost;
            recorded.exchanges.iter_mut().for_each(|exchange| exchange.response_body = "(lost)".into());
        }
        save(step, &recorded, world);
        let answer = recorded.told.answer.as_ref().filter(|_| recorded.observed != Observed::Lost);
        world.saved.extend(step.save_answer.clone().zip(answer.cloned()));
        recorded.saved.clone_from(&world.saved);
        Ok(recorded)
    }

    /// One operation of a server.
    async fn ask(&self, lane: &Lane, world: &World, step: &Step, gate: Option<&Gate>) -> Result<Performed, Broken> {
        let mut call = operation::call(self.vector, world, step)?;
        call.cut = self.cut(step, world);
        self.perform(lane, world, call, gate).await
    }

    /// When the line is cut, where an answer is to be lost. In every other round of a race it is not: there the answer is
    /// thrown away when it has come, so that what it was about has surely been done. In order, it is always so: what
    /// comes next is about a thing done.
    fn cut(&self, step: &Step, world: &World) -> Option<Duration> {
        let mut rng = world.seed.child("cut").rng();
        let cut = step.lose.is_some() && self.course.is_some() && rng.random_bool(0.5);
        cut.then(|| CUT_WITHIN.mul_f64(rng.random()))
    }

    /// The same claim again, as a new one each time; its first and its last answer are kept.
    async fn repeat(&self, lane: &Lane, world: &World, step: &Step, until: Until) -> Result<Performed, Broken> {
        let mut performed = self.ask(lane, world, step, None).await?;
        let (sent, first) = (performed.recorded.sent, performed.recorded.exchanges.clone());
        let mut times = 1;
        while times < until.at_most && matches!(performed.recorded.observed, Observed::Ok(_)) {
            performed = self.ask(lane, world, step, None).await?;
            times += 1;
        }
        let recorded = &mut performed.recorded;
        recorded.sent = sent;
        recorded.says = format!("{}, again and again, {times} times", recorded.says);
        if times > 1 {
            recorded.exchanges.splice(0..0, first);
        }
        Ok(performed)
    }

    /// Keeps what the server took for the expiry of a key, so that a later step can wait for it.
    fn expiry_given(&self, step: &Step, world: &mut World) {
        let added = step.add_key.as_ref().and_then(|add| Some((&add.client, add.expires_in?)));
        let extended = step.extend_key.as_ref().map(|extend| (&extend.client, extend.expires_in));
        if let Some((name, seconds)) = added.or(extended)
            && let Some(client) = self.vector.client(name)
        {
            world.key_expiries.insert(client, world.absolute(seconds));
        }
    }
}

/// A server that is quick has done everything by then, and a slow one has begun.
const CUT_WITHIN: Duration = Duration::from_millis(4);

/// Keeps what a step saves of its answer.
pub(super) fn save(step: &Step, recorded: &Recorded, world: &mut World) {
    let Some(view) = recorded.to_save() else { return };
    for (name, path) in &step.save {
        let pointer = format!("/{path}");
        world.saved.extend(view.pointer(&pointer).map(|value| (name.clone(), value.clone())));
    }
}

/// The last answer as it was, for a reader who must find out why nothing could begin.
fn raw(recorded: &Recorded) -> String {
    recorded.exchanges.last().map_or_else(String::new, |exchange| {
        format!(" ({} {} answered {} {})", exchange.method, exchange.url, exchange.status, exchange.response_body)
    })
}
