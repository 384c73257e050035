//! One vector against one server: everyone is registered, then the steps, or the rounds of the race.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{sync::Barrier, task::JoinSet, time::Instant};

use crate::{
    clock,
    mls::groups::Joined,
    recording::{Broken, Observed, Recorded, Recording, Round, Seen},
    run::{
        Server, operation,
        perform::Performed,
        transport::{Gate, Lane},
        world::{Actor, World},
    },
    seed::Seed,
    vector::{AwaitExpiry, Join, Race, Step, Vector, expect::Reason},
};

/// Runs a vector, and stops where it cannot go on.
pub(super) async fn run(server: &Server, vector: &Arc<Vector>, seed: Seed, rounds: Option<u32>) -> Recording {
    let mut recording = Recording::default();
    let rounds = vector.race.as_ref().map_or(1, |race| rounds.unwrap_or(race.rounds));
    let lanes = match lanes(server, vector) {
        Ok(lanes) => lanes,
        Err(why) => return Recording { broken: Some(Broken::Suite(why)), ..recording },
    };
    for number in 0..rounds {
        let mut round = Round::default();
        let runner = Runner { server, vector, begun: Instant::now(), lanes: &lanes };
        let ended = runner.round(seed.child(&format!("round {number}")), &mut round).await;
        recording.rounds.push(round);
        if let Err(broken) = ended {
            recording.broken = Some(broken);
            break;
        }
    }
    recording
}

/// One for what comes in order, then one for each lane of the race, with connections that last for all rounds.
fn lanes(server: &Server, vector: &Vector) -> Result<Vec<Lane>, String> {
    let racing = vector.race.as_ref().map_or(0, |race| race.lanes.len());
    (0..=racing).map(|number| server.lane(number)).collect()
}

#[derive(Clone, Copy)]
pub(super) struct Runner<'a> {
    pub(super) server: &'a Server,
    vector: &'a Arc<Vector>,
    pub(super) begun: Instant,
    lanes: &'a [Lane],
}

impl Runner<'_> {
    async fn round(&self, seed: Seed, round: &mut Round) -> Result<(), Broken> {
        let mut world = World::new(self.vector, &self.server.binding.user, seed, clock::now())?;
        self.register_all(&mut world).await?;
        let vector = self.vector;
        self.in_order("before", &vector.before, &mut world, round).await?;
        self.in_order("steps", &vector.steps, &mut world, round).await?;
        if let Some(race) = &vector.race {
            self.race(race, &mut world, round).await?;
        }
        self.in_order("after", &vector.after, &mut world, round).await
    }

    async fn register_all(&self, world: &mut World) -> Result<(), Broken> {
        let registered = |actor: &&Actor| self.vector.users.get(&actor.user).is_some_and(|user| user.registered);
        let actors: Vec<Actor> = world.actors.values().filter(registered).cloned().collect();
        // Clients that only a step adds are given keys here and registered there.
        for step in self.vector.all_steps().filter_map(|(_, step)| step.add_key.as_ref()) {
            if let Some((user, client)) = self.vector.client(&step.client)
                && let Some(identity) =
                    world.identity(&user).filter(|_| !world.actors.contains_key(&(user.clone(), client.clone())))
            {
                world.enlist(&user, &client, &identity);
            }
        }
        for (index, actor) in actors.iter().enumerate() {
            let first = actors[..index].iter().find(|first| first.user == actor.user);
            let first = first.and_then(|first| world.actors.get(&(first.user.clone(), first.client.clone())).cloned());
            let call = match &first {
                None => operation::register(actor),
                Some(first) => operation::register_further(first, actor),
            };
            let performed = self.perform(&self.lanes[0], world, call, None, None).await?;
            match &performed.recorded.observed {
                Observed::Ok(_) => performed.enlist(world),
                other => {
                    return Err(Broken::Setup(format!(
                        "{}: {other:?}{}",
                        performed.recorded.says,
                        raw(&performed.recorded)
                    )));
                }
            }
        }
        Ok(())
    }

    async fn in_order(&self, part: &str, steps: &[Step], world: &mut World, round: &mut Round) -> Result<(), Broken> {
        for (index, step) in steps.iter().enumerate() {
            let recorded = self.step(&self.lanes[0], format!("{part}[{index}]"), step, world, None).await?;
            round.steps.push(recorded);
        }
        Ok(())
    }

    async fn race(&self, race: &Race, world: &mut World, round: &mut Round) -> Result<(), Broken> {
        for lane in &self.lanes[1..] {
            self.warm(lane).await?;
        }
        let gate: Gate = Arc::new(Barrier::new(race.lanes.len()));
        let mut tasks = JoinSet::new();
        for (number, (name, steps)) in race.lanes.iter().enumerate() {
            let (server, vector, lane) = (self.server.clone(), Arc::clone(self.vector), self.lanes[number + 1].clone());
            let (gate, name, steps, begun) = (Arc::clone(&gate), name.clone(), steps.clone(), self.begun);
            let mut world = world.clone();
            tasks.spawn(async move {
                let runner = Runner { server: &server, vector: &vector, begun, lanes: &[] };
                let mut recorded = vec![];
                for (index, step) in steps.iter().enumerate() {
                    let path = format!("race.lanes.{name}[{index}]");
                    let gate = Some(&gate).filter(|_| index == 0);
                    match runner.step(&lane, path, step, &mut world, gate).await {
                        Ok(step) => recorded.push(step),
                        Err(broken) => return (recorded, Some(broken)),
                    }
                }
                (recorded, None)
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

    /// A connection that is open already takes part in a race on equal terms.
    async fn warm(&self, lane: &Lane) -> Result<(), Broken> {
        let request = self.server.binding.ready.render(&self.server.variables);
        let request = request.map_err(|error| Broken::Suite(error.to_string()))?;
        lane.send(&request, None).await.map(drop).map_err(|error| Broken::Gone(error.to_string()))
    }

    async fn step(
        &self,
        lane: &Lane,
        path: String,
        step: &Step,
        world: &mut World,
        gate: Option<&Gate>,
    ) -> Result<Recorded, Broken> {
        let performed = match (&step.join, &step.await_expiry, &step.recall) {
            (Some(join), ..) => self.join(join, world)?,
            (_, Some(awaited), _) => self.await_expiry(awaited, world).await,
            (.., Some(names)) => {
                let values: Option<_> =
                    names.iter().map(|name| world.saved.get(name.trim_start_matches('$')).cloned()).collect();
                let observed = values.map_or_else(
                    || Observed::Unexpected("an earlier answer did not have all of it".into()),
                    |values| Observed::Ok(Seen::Recalled(values)),
                );
                Performed::locally(format!("{} together", names.join(", ")), observed, self.begun, world)
            }
            (None, None, None) => {
                let call = operation::call(self.vector, world, step)?;
                let suite = step.stock.as_ref().map(|stock| u64::from(stock.cipher_suite));
                self.perform(lane, world, call, suite, gate).await?
            }
        };
        if matches!(performed.recorded.observed, Observed::Ok(_)) {
            performed.enlist(world);
        }
        let mut recorded = performed.recorded;
        recorded.path = path;
        if step.lose.is_some() {
            recorded.observed = Observed::Lost;
            recorded.exchanges.iter_mut().for_each(|exchange| exchange.response_body = "(lost)".into());
        }
        if let Some(view) = recorded.view() {
            for (name, path) in &step.save {
                let pointer = format!("/{path}");
                world.saved.extend(view.pointer(&pointer).map(|value| (name.clone(), value.clone())));
            }
        }
        recorded.saved.clone_from(&world.saved);
        Ok(recorded)
    }

    fn join(&self, join: &Join, world: &World) -> Result<Performed, Broken> {
        let suite = |why: &str| Broken::Suite(format!("join: {why}"));
        let name = match join.key_package.strip_prefix('$') {
            Some(saved) => {
                world.saved.get(saved).and_then(Value::as_str).ok_or_else(|| suite("nothing was granted"))?
            }
            None => &join.key_package,
        };
        let says = format!("{} starts a group with {name}, and its owner joins by the Welcome", join.by);
        let Some(recipe) = self.vector.key_packages.get(name) else {
            // What was granted is nothing that anybody published: nobody has its private half.
            let observed = Observed::Unexpected("no client published what was granted".into());
            return Ok(Performed::locally(says, observed, self.begun, world));
        };
        let owner = world.actor(self.vector, &recipe.client).ok_or_else(|| suite("its owner is not here"))?;
        let by = world.actor(self.vector, &join.by).ok_or_else(|| suite("its requester is not here"))?;
        let granted = world.packages.get(name).ok_or_else(|| suite("it has copies: join by what was granted"))?;
        let observed = match by.mls.invite(&owner.mls, &granted.bare) {
            Joined::Yes => Observed::Ok(Seen::Done {}),
            Joined::NoMatchingKeyPackage => Observed::Refused(Reason::NoMatchingKeyPackage),
            Joined::Failed(why) => Observed::Unexpected(why),
        };
        Ok(Performed::locally(says, observed, self.begun, world))
    }

    /// Waits until the package is certainly expired by a clock that differs from ours by less than a second.
    async fn await_expiry(&self, awaited: &AwaitExpiry, world: &World) -> Performed {
        let lifetime = self.vector.key_packages.get(&awaited.key_package).and_then(|recipe| recipe.not_after);
        let expired = world.made_at.saturating_add_signed(lifetime.unwrap_or_default()).saturating_add(1);
        while clock::now() < expired {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Performed::locally(format!("{} expires", awaited.key_package), Observed::Ok(Seen::Done {}), self.begun, world)
    }
}

/// The last answer as it was, for a reader who must find out why nothing could begin.
fn raw(recorded: &Recorded) -> String {
    recorded.exchanges.last().map_or_else(String::new, |exchange| {
        format!(" ({} {} answered {} {})", exchange.method, exchange.url, exchange.status, exchange.response_body)
    })
}
