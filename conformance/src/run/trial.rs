//! Tries every operation of a binding once, with one owner, one requester and a bystander; what it means is told by others.

use std::sync::Arc;

use tokio::time::Instant;

use crate::{
    binding::{Operation, classify::Look},
    catalogue::Profile,
    judge,
    recording::{Broken, Observed, Recorded},
    run::{
        Server, operation,
        perform::Performed,
        place::{Place, Places},
        transport::Lane,
        vector_run::{self, Runner},
        world::World,
    },
    seed::Seed,
    vector::{Proof, Step, Vector},
};

/// An operation that was tried.
#[derive(Clone, Debug)]
pub struct Tried {
    /// Which.
    pub operation: Operation,
    /// Its step in the walk; none for registrations, and for the policy.
    pub step: Option<Step>,
    /// What came of it.
    pub recorded: Recorded,
    /// What the binding finds in each answer; nothing of an adapter.
    pub looks: Vec<Look>,
    /// Why the suite could not even ask.
    pub suite: Option<String>,
}

/// What the walk comes to, one after the other.
#[derive(Clone, Debug)]
pub enum Met {
    /// An operation was tried.
    Tried(Box<Tried>),
    /// It was not, since an earlier one went wrong.
    Untried {
        /// Which.
        operation: Operation,
        /// The one that went wrong.
        because: Operation,
    },
}

/// Whether the server is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It is: what was sent, and the status that came.
    Ready(String),
    /// It answers, and not with success.
    Otherwise(String),
    /// It does not answer, or says that it is not ready.
    Away(String),
}

/// Whether the server answers on each endpoint, by the request that the binding names.
pub async fn readiness(server: &Server) -> Readiness {
    let Some(request) = server.binding.ready.as_ref().filter(|_| server.adapter.is_none()) else {
        return match server.ready().await {
            Ok(()) => Readiness::Ready("the adapter says so".into()),
            Err(why) => Readiness::Away(why),
        };
    };
    let request = match request.render(&server.variables) {
        Ok(request) => request,
        Err(missing) => return Readiness::Otherwise(missing.to_string()),
    };
    let mut last = Readiness::Away("no endpoint is given".into());
    for endpoint in &server.endpoints {
        let answer = match Lane::new(endpoint, server.timeout) {
            Ok(lane) => lane.send(&request).await.map_err(|error| error.to_string()),
            Err(why) => Err(why),
        };
        last = match answer {
            Err(why) => return Readiness::Away(why),
            Ok(answer) => {
                let says = format!("{} {} answered {}", answer.exchange.method, answer.exchange.url, answer.status);
                match answer.status {
                    200..=299 => Readiness::Ready(says),
                    500..=599 => return Readiness::Away(format!("{says}: it is not ready")),
                    _ => return Readiness::Otherwise(says),
                }
            }
        };
    }
    last
}

/// Goes through the steps of `walk` as far as the binding has their operations; `before` and `after` always, `steps` where
/// it offers last resorts. `met` hears of each, and says whether it
/// went well: what builds on one that did not is left out.
///
/// # Errors
///
/// If the server goes away.
pub async fn walk(
    server: &Server,
    walk: &Arc<Vector>,
    seed: u64,
    met: &mut dyn FnMut(&Met, &World) -> bool,
) -> Result<(), Broken> {
    let lanes = vector_run::lanes(server, walk).map_err(Broken::Suite)?;
    let place = Places::new(1).take().await;
    let world = World::new(walk, &server.binding, Seed::of_run(seed), server.now());
    let mut walker =
        Walker { server, vector: walk, lanes: &lanes, place: &place, world, wrong: vec![], blocked: false, met };
    walker.policy().await?;
    if !walker.register_all().await? {
        return Ok(());
    }
    walker.world.make_packages(walk, server.now())?;
    let last_resort = server.binding.profiles.contains(&Profile::LastResort);
    let steps = walk.steps.iter().filter(|_| last_resort);
    for step in walk.before.iter().chain(steps).chain(&walk.after) {
        walker.step(step).await?;
    }
    Ok(())
}

struct Walker<'a> {
    server: &'a Server,
    vector: &'a Arc<Vector>,
    lanes: &'a vector_run::Lanes,
    place: &'a Place,
    world: World,
    wrong: Vec<Operation>,
    /// Whether somebody is shut out at the moment.
    blocked: bool,
    met: &'a mut dyn FnMut(&Met, &World) -> bool,
}

impl Walker<'_> {
    async fn policy(&mut self) -> Result<(), Broken> {
        if self.server.binding.has(Operation::Policy) && self.server.adapter.is_none() {
            let call = operation::policy();
            self.ask(call, None).await?;
        }
        Ok(())
    }

    /// Whether everyone who takes part is there.
    async fn register_all(&mut self) -> Result<bool, Broken> {
        let binding = &self.server.binding;
        let further = if binding.has(Operation::AddClient) { Operation::AddClient } else { Operation::AddKey };
        for (user, declared) in self.vector.users.iter().filter(|(_, declared)| declared.registered) {
            let name = (user.clone(), declared.clients.first().cloned().unwrap_or_else(|| "main".into()));
            let Some(first) = self.world.actors.get(&name).cloned() else { continue };
            if !self.ask(operation::register(&first), None).await? {
                // Whoever cannot be registered cannot be so a second time either.
                return Ok(false);
            }
            for client in declared.clients.iter().skip(1).filter(|_| binding.has(further)) {
                let name_of_further = (user.clone(), client.clone());
                let first = self.world.actors.get(&name).cloned();
                let actor = self.world.actors.get(&name_of_further).cloned();
                if let (Some(first), Some(actor)) = (first, actor) {
                    let call = operation::register_further(further, &first, &actor);
                    self.ask(call, None).await?;
                }
            }
        }
        Ok(true)
    }

    async fn step(&mut self, step: &Step) -> Result<(), Broken> {
        let Some(operation) = step.bound_operation().filter(|operation| self.server.binding.has(*operation)) else {
            return Ok(());
        };
        if !self.makes_sense(step) {
            return Ok(());
        }
        let because = before(operation, step).iter().find(|before| self.wrong.contains(before));
        if let Some(because) = because {
            (self.met)(&Met::Untried { operation, because: *because }, &self.world);
            return Ok(());
        }
        let world = self.world.clone();
        match operation::call(self.vector, &world, step) {
            Ok(call) => self.ask(call, Some(step)).await.map(drop),
            // A value that no answer gave.
            Err(Broken::Suite(_)) => Ok(()),
            Err(broken) => Err(broken),
        }
    }

    /// Whether the binding can mean such a step.
    fn makes_sense(&self, step: &Step) -> bool {
        let binding = &self.server.binding;
        if judge::unread(step, self.vector, binding) {
            return false;
        }
        let unproved = step.claim.as_ref().is_some_and(|claim| claim.proof == Proof::Missing);
        let anyone = binding.operations.get(&Operation::Claim).into_iter().flatten().all(|exchange| {
            let auth = exchange.auth.as_ref().unwrap_or(&binding.auth);
            auth.templates().next().is_none()
        });
        let server = step.block.as_ref().or(step.unblock.as_ref()).is_some_and(|block| block.server.is_some());
        // Who comes later stands in the list only where it came.
        let newcomer = ("dora".to_string(), "slate".to_string());
        let of_newcomer = step.keys.as_ref().is_some_and(|keys| keys.of == newcomer.0);
        let makes_none = [
            unproved && anyone,
            server && binding.elsewhere.is_none(),
            // Whom the step before has shut out stands in the list.
            step.blocks.is_some() && !self.blocked,
            of_newcomer && !self.world.present.contains(&newcomer),
        ];
        !makes_none.contains(&true)
    }

    /// Asks, tells what came, and keeps what is needed later; whether it went well.
    async fn ask(&mut self, mut call: operation::Call<'_>, step: Option<&Step>) -> Result<bool, Broken> {
        let runner = Runner {
            server: self.server,
            vector: self.vector,
            begun: Instant::now(),
            lanes: self.lanes,
            place: Some(self.place),
            course: None,
        };
        call.look = true;
        let operation = call.operation;
        let says = call.says.clone();
        let mut tried = match runner.perform(&self.lanes.in_order[0], &self.world, call, None).await {
            Ok(performed) => {
                if matches!(performed.recorded.observed, Observed::Ok(_)) {
                    performed.enlist(&mut self.world);
                    self.blocked = matches!(operation, Operation::Block | Operation::BlockServer | Operation::Blocks)
                        && step.is_some();
                    step.iter().for_each(|step| vector_run::save(step, &performed.recorded, &mut self.world));
                }
                Tried { operation, step: None, recorded: performed.recorded, looks: performed.looks, suite: None }
            }
            Err(Broken::Suite(why)) => {
                let blank = Performed::locally(says, Observed::Unexpected(why.clone()), runner.begun, &self.world);
                Tried { operation, step: None, recorded: blank.recorded, looks: vec![], suite: Some(why) }
            }
            Err(broken) => return Err(broken),
        };
        tried.step = step.cloned();
        let well = (self.met)(&Met::Tried(Box::new(tried)), &self.world);
        if !well && !self.wrong.contains(&operation) {
            self.wrong.push(operation);
        }
        Ok(well)
    }
}

/// What must have gone well before.
fn before(operation: Operation, step: &Step) -> &'static [Operation] {
    use Operation as O;
    match operation {
        O::Claim if step.expect.as_ref().is_some_and(|expect| expect.refused.is_some()) => &[],
        O::Claim | O::Stock | O::Packages | O::Withdraw | O::Replace => &[O::Publish],
        O::Notifications | O::AwaitNotifications => &[O::Publish, O::Claim],
        O::Acknowledge => &[O::Publish, O::Claim, O::Notifications],
        O::Blocks | O::Unblock => &[O::Block],
        O::UnblockServer => &[O::BlockServer],
        O::ExtendKey | O::RemoveKey => &[O::AddKey],
        O::RemoveClient => &[O::AddClient, O::AddKey],
        _ => &[],
    }
}
