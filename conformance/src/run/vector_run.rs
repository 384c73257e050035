//! One vector against one server: everyone is registered, then the steps, or the rounds of the race.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{sync::Barrier, task::JoinSet, time::Instant};

use crate::{
    binding::{Exchange as BoundExchange, Operation, classify::Meaning, render},
    clock,
    mls::groups::Joined,
    recording::{Broken, Observed, Recorded, Recording, Round, Seen},
    run::{
        Server,
        operation::{self, Call, POSSESSION_SEED},
        reading,
        transport::{Gate, Lane, NoAnswer},
        world::{Actor, World},
    },
    seed::Seed,
    signing,
    vector::{AwaitExpiry, Join, Proof, Race, Step, Vector, expect::Reason},
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
struct Runner<'a> {
    server: &'a Server,
    vector: &'a Arc<Vector>,
    begun: Instant,
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

    /// Sends the exchanges of an operation; the last one's answer is the operation's.
    async fn perform(
        &self,
        lane: &Lane,
        world: &World,
        mut call: Call<'_>,
        cipher_suite: Option<u64>,
        gate: Option<&Gate>,
    ) -> Result<Performed, Broken> {
        let binding = &self.server.binding;
        let exchanges = binding.operations.get(&call.operation);
        let exchanges =
            exchanges.ok_or_else(|| Broken::Suite(format!("the binding has no operation {:?}", call.operation)))?;
        for (name, value) in &self.server.variables {
            // What the operation itself says goes first: an environment must not rename users.
            call.variables.entry(name.clone()).or_insert_with(|| value.clone());
        }
        let mut learned = call.actor.map(|actor| actor.saved.clone()).unwrap_or_default();
        if matches!(call.operation, Operation::AddKey | Operation::AddKeyByToken) {
            learned.clear();
        }
        let mut recorded = Recorded {
            path: String::new(),
            says: std::mem::take(&mut call.says),
            sent: self.begun.elapsed(),
            answered: Duration::ZERO,
            observed: Observed::Ok(Seen::Done {}),
            exchanges: vec![],
            saved: world.saved.clone(),
        };
        for (number, exchange) in exchanges.iter().enumerate() {
            call.variables.extend(learned.clone());
            let request = self.request(lane, &mut call, exchange)?;
            if call.proof == Proof::Replayed {
                lane.send(&request, None).await.map_err(|error| Broken::Gone(error.to_string()))?;
            }
            // An effect can come with the first request: from there on counts, and there the lanes meet.
            let sent = lane.send(&request, gate.filter(|_| number == 0)).await;
            let Ok(answer) = sent else {
                return self.unanswered(lane, recorded, &sent.map(drop), gate.is_some()).await;
            };
            if number == 0 {
                recorded.sent = answer.sent.duration_since(self.begun);
            }
            recorded.answered = answer.answered.duration_since(self.begun);
            let meaning = match call.method {
                Some(_) if (200..300).contains(&answer.status) => Meaning::Ok(vec![]),
                Some(_) => Meaning::Refused(Reason::MethodNotAllowed),
                None => exchange.classify(answer.status, &answer.body),
            };
            let mut shown = answer.exchange;
            shown.mask(self.server.variables.values().filter_map(Value::as_str));
            recorded.exchanges.push(shown);
            let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let saves = exchange.save.iter().filter_map(|(name, at)| Some((name.clone(), body.pointer(at)?.clone())));
            learned.extend(saves);
            recorded.observed = match meaning {
                Meaning::Ok(records) => match reading::seen(call.operation, &records, world, cipher_suite) {
                    Ok(seen) => Observed::Ok(seen),
                    Err(why) => Observed::Unexpected(why),
                },
                Meaning::Refused(reason) => Observed::Refused(reason),
                Meaning::Unexpected(why) => Observed::Unexpected(why),
            };
            if !matches!(recorded.observed, Observed::Ok(_)) {
                break;
            }
        }
        let enlisted = call.enlisted.map(|client| (client, learned));
        Ok(Performed { recorded, enlisted })
    }

    /// No answer came. In a race that is a lost answer, which may have done anything; elsewhere a server that goes on
    /// living has failed to answer, and one that does not is gone.
    async fn unanswered(
        &self,
        lane: &Lane,
        mut recorded: Recorded,
        error: &Result<(), NoAnswer>,
        racing: bool,
    ) -> Result<Performed, Broken> {
        let error = error.as_ref().err().map_or_else(String::new, ToString::to_string);
        let ready = self.server.binding.ready.render(&self.server.variables);
        let ready = ready.map_err(|error| Broken::Suite(error.to_string()))?;
        if lane.send(&ready, None).await.is_err() {
            return Err(Broken::Gone(error));
        }
        recorded.answered = self.begun.elapsed();
        recorded.observed = if racing {
            Observed::Lost
        } else {
            Observed::Unexpected(format!("no answer, though it goes on: {error}"))
        };
        Ok(Performed { recorded, enlisted: None })
    }

    fn request(&self, lane: &Lane, call: &mut Call<'_>, exchange: &BoundExchange) -> Result<render::Rendered, Broken> {
        let suite = |why: String| Broken::Suite(why);
        if let (Some(template), Some(Value::String(seed))) =
            (&self.server.binding.possession, call.variables.remove(POSSESSION_SEED))
        {
            let message = render::text(template, &call.variables, &|value| value.into());
            let message = message.map_err(|error| suite(error.to_string()))?;
            let proof = possession(&seed, message.as_bytes()).ok_or_else(|| suite("no key for a proof".into()))?;
            call.variables.insert("possession".into(), proof.into());
        }
        let mut request = exchange.request.render(&call.variables).map_err(|error| suite(error.to_string()))?;
        if let Some(method) = call.method {
            request.method = method.into();
            request.body = None;
        }
        let mut variables = call.variables.clone();
        if let Some(actor) = call.actor {
            variables.extend(actor.saved.iter().map(|(name, value)| (format!("as_{name}"), value.clone())));
            variables.insert("as_user".into(), actor.identity.as_str().into());
            variables.insert("as_client".into(), actor.client.as_str().into());
        }
        let fill = |template: &str| render::text(template, &variables, &|value| value.into());
        let auth = exchange.auth.as_ref().unwrap_or(&self.server.binding.auth);
        if let Some(template) = auth.bearer.as_ref().filter(|_| call.proof != Proof::Missing) {
            let token = fill(template).map_err(|error| suite(error.to_string()))?;
            let forged = if call.proof == Proof::Forged { "forged" } else { "" };
            request.headers.insert("authorization".into(), format!("Bearer {token}{forged}"));
        }
        if let Some(signatures) = &auth.http_message_signatures {
            let actor = call.actor.ok_or_else(|| suite("nobody is there to sign the request".into()))?;
            let keyid = fill(&signatures.keyid).map_err(|error| suite(error.to_string()))?;
            let signer = signing::Signer {
                private_key: actor.mls.private_key(),
                keyid: &keyid,
                now: clock::now(),
                nonce: format!("{:032x}", rand::random::<u128>()),
                proof: call.proof,
            };
            signing::sign(&mut request, &lane.base, &signer).map_err(suite)?;
        }
        Ok(request)
    }
}

/// A step that was done, and what its client learned by it.
struct Performed {
    recorded: Recorded,
    enlisted: Option<((String, String), render::Variables)>,
}

impl Performed {
    /// A step that no server takes part in.
    fn locally(says: String, observed: Observed, begun: Instant, world: &World) -> Self {
        let now = begun.elapsed();
        let (path, exchanges, saved) = (String::new(), vec![], world.saved.clone());
        Self { recorded: Recorded { path, says, sent: now, answered: now, observed, exchanges, saved }, enlisted: None }
    }

    fn enlist(&self, world: &mut World) {
        if let Some((client, learned)) = &self.enlisted
            && let Some(actor) = world.actors.get_mut(client)
        {
            actor.saved.extend(learned.clone());
        }
    }
}

fn possession(seed: &str, message: &[u8]) -> Option<String> {
    use ed25519_dalek::Signer as _;
    let seed = data_encoding::HEXLOWER.decode(seed.as_bytes()).ok()?;
    let key = ed25519_dalek::SigningKey::from_bytes(&seed.try_into().ok()?);
    Some(data_encoding::BASE64.encode(&key.sign(message).to_bytes()))
}

/// The last answer as it was, for a reader who must find out why nothing could begin.
fn raw(recorded: &Recorded) -> String {
    recorded.exchanges.last().map_or_else(String::new, |exchange| {
        format!(" ({} {} answered {} {})", exchange.method, exchange.url, exchange.status, exchange.response_body)
    })
}
