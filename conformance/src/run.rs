//! Does what vectors say, on several threads, and records what it sees. The only module of the suite that awaits.

pub mod adapter;
mod declared;
pub mod hooks;
mod local;
mod operation;
mod outside;
mod perform;
mod place;
mod race;
mod reading;
mod request;
pub mod transport;
pub mod trial;
mod vector_run;
mod whole;
pub mod world;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use tokio::{sync::Mutex, task::JoinSet, time::Instant};

use crate::{
    binding::{
        Binding, Hook, Operation,
        classify::{Given, Meaning, Record},
        render::{self, Variables},
    },
    clock,
    recording::{Broken, Recording},
    run::{
        adapter::{Adapter, NoAnswer},
        hooks::{Commands, Hooks},
        place::Places,
        transport::Lane,
    },
    seed::Seed,
    vector::{Capability, Vector},
};

/// A server under test.
#[derive(Clone, Debug)]
pub struct Server {
    /// How to speak with it.
    pub binding: Arc<Binding>,
    /// Its base URLs: one, or one for each replica.
    pub endpoints: Vec<String>,
    /// What the binding may use everywhere, such as an operator's token.
    pub variables: Variables,
    /// How long to wait for an answer.
    pub timeout: Duration,
    /// Who does to it what no request can: the binding's commands, or whoever started it.
    pub hooks: Option<Arc<dyn Hooks>>,
    /// The program that does the operations, where the binding has one.
    pub adapter: Option<Arc<Adapter>>,
    /// By how many seconds its clock was moved ahead of ours.
    ahead: Arc<AtomicU64>,
    /// How long the command took that last ended it; microseconds.
    dying: Arc<AtomicU64>,
}

/// How to run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many vectors at a time; one that waits for a moment does not count meanwhile.
    pub jobs: usize,
    /// Where keys, packages and the order come from.
    pub seed: u64,
    /// Rounds of each race, where that is to differ from what the vectors say.
    pub rounds: Option<u32>,
}

/// A vector with what was seen of it.
#[derive(Debug)]
pub struct Run {
    /// Its place in the list that was given.
    pub index: usize,
    /// What was seen.
    pub recording: Recording,
    /// How long it took.
    pub took: Duration,
}

impl Server {
    /// A server that is spoken with as a binding says. Variables that nobody gives have the binding's defaults.
    #[must_use]
    pub fn new(binding: Binding, endpoints: Vec<String>, mut variables: Variables, timeout: Duration) -> Self {
        for (name, variable) in &binding.variables {
            let default = variable.default.as_deref();
            default.map(|default| variables.entry(name.clone()).or_insert_with(|| default.into()));
        }
        Self {
            binding: Arc::new(binding),
            endpoints,
            variables,
            timeout,
            hooks: None,
            adapter: None,
            ahead: Arc::default(),
            dying: Arc::default(),
        }
    }

    /// Fills in what the binding leaves to variables, and starts its adapter.
    ///
    /// # Errors
    ///
    /// A variable that nobody gave; an adapter that cannot be started.
    pub fn begin(&mut self) -> Result<(), String> {
        let mut binding = Binding::clone(&self.binding);
        let mut needed = binding.variables.iter().filter(|(_, variable)| !variable.optional);
        if let Some((name, variable)) = needed.find(|(name, _)| !self.variables.contains_key(*name)) {
            let environment = name.to_uppercase();
            let says = variable.says.trim();
            return Err(format!(
                "the binding needs {name} ({says}): --var {name}=…, or KPD_{environment} in the environment"
            ));
        }
        let commands = || Commands::of(&binding, &self.variables).map(|commands| Arc::new(commands) as Arc<dyn Hooks>);
        self.hooks = self.hooks.take().or_else(commands);
        let fill = |name: &mut String| match render::text(name, &self.variables, &|value| value.into()) {
            Ok(filled) => {
                *name = filled;
                Ok(())
            }
            Err(missing) => Err(missing.to_string()),
        };
        binding.server.iter_mut().chain(&mut binding.elsewhere).try_for_each(fill)?;
        if let Some(adapter) = &binding.adapter {
            self.adapter = Some(Arc::new(Adapter::start(adapter, binding.directory.as_deref(), &self.variables)?));
        }
        self.binding = Arc::new(binding);
        Ok(())
    }

    /// Whether the server is there.
    ///
    /// # Errors
    ///
    /// What was tried, and what came of it.
    pub async fn ready(&self) -> Result<(), String> {
        for endpoint in &self.endpoints {
            self.alive(&Lane::new(endpoint, self.timeout.min(Duration::from_secs(4)))?).await?;
        }
        Ok(())
    }

    /// Whether the server answers on a lane, with success.
    pub(crate) async fn alive(&self, lane: &Lane) -> Result<(), String> {
        if let Some(adapter) = &self.adapter {
            let question = serde_json::json!({ "operation": "ready", "endpoint": lane.base });
            return match adapter.ask(question, self.timeout).await {
                Ok(answer) if answer["ok"].is_array() => Ok(()),
                Ok(answer) => Err(format!("the adapter says that it is not ready: {answer}")),
                Err(NoAnswer::Ended(why)) => Err(why),
                Err(NoAnswer::Late(waited)) => Err(format!("the adapter did not answer within {} s", waited.as_secs())),
            };
        }
        let Some(ready) = &self.binding.ready else { return Err("the binding does not say when it is ready".into()) };
        let request = ready.render(&self.variables).map_err(|error| error.to_string())?;
        let answer = lane.send(&request).await.map_err(|error| error.to_string())?;
        if !(200..300).contains(&answer.status) {
            let Answer { method, url, status } = Answer::of(&answer);
            return Err(format!("{method} {url} answered {status}, where 2xx says that the server is ready"));
        }
        Ok(())
    }

    /// What its clock says by what we know of it. Seconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        clock::now().saturating_add(self.ahead.load(Ordering::Relaxed))
    }

    /// Whether somebody can move its clock.
    pub(crate) fn has_clock(&self) -> bool {
        self.hooks.as_ref().is_some_and(|hooks| hooks.has(Hook::Clock))
    }

    /// Whether a vector does something to it that others would feel.
    fn is_disturbed_by(&self, vector: &Vector) -> bool {
        vector.needs_hooks() || (self.has_clock() && vector.all_steps().any(|(_, step)| step.waits_for_a_moment()))
    }

    /// Whether a variable must not be seen in reports.
    pub(crate) fn is_secret(&self, name: &str) -> bool {
        !self.binding.variables.get(name).is_some_and(|variable| variable.public)
    }

    /// Asks the server what it declares, and takes the capabilities that it declares otherwise for absent.
    ///
    /// # Errors
    ///
    /// If there is an answer that the binding cannot read.
    pub async fn declare(&mut self) -> Result<(), String> {
        let binding = Arc::clone(&self.binding);
        if let Some(adapter) = self.adapter.clone().filter(|_| binding.has(Operation::Policy)) {
            let policy = adapter.policy(&self.lane(0)?.base, self.timeout).await?;
            self.declared(&policy);
            return Ok(());
        }
        let Some(exchange) = binding.operations.get(&Operation::Policy).and_then(|exchanges| exchanges.first()) else {
            self.declared(&BTreeMap::new());
            return Ok(());
        };
        let request = exchange.request.render(&self.variables).map_err(|error| error.to_string())?;
        let answer = self.lane(0)?.send(&request).await.map_err(|error| error.to_string())?;
        let given = Given { status: answer.status, headers: &answer.exchange.response_headers, body: &answer.body };
        let Meaning::Ok(records) = exchange.classify(given, &self.variables) else {
            return Err(format!("the policy cannot be read: {} {}", answer.status, answer.exchange.response_body));
        };
        self.declared(records.first().unwrap_or(&BTreeMap::new()));
        Ok(())
    }

    /// What is not declared is not promised.
    fn declared(&mut self, policy: &Record) {
        let mut binding = Binding::clone(&self.binding);
        for (capability, why) in declared::absent(policy) {
            binding.absent.entry(capability).or_insert(why);
        }
        let can = |hook| self.hooks.as_ref().is_some_and(|hooks| hooks.has(hook));
        let lacking = [
            (Capability::Restart, Hook::Restart, "nobody can kill and start it: the binding has no such hooks"),
            (Capability::Restore, Hook::Restore, "nobody can restore it from a backup: the binding has no such hooks"),
            (Capability::Clock, Hook::Clock, "nobody can move its clock: the binding has no such hook"),
        ];
        for (capability, _, why) in lacking.into_iter().filter(|(_, hook, _)| !can(*hook)) {
            binding.absent.entry(capability).or_insert_with(|| why.into());
        }
        self.binding = Arc::new(binding);
    }

    fn lane(&self, number: usize) -> Result<Lane, String> {
        let endpoint = self.endpoints.get(number % self.endpoints.len().max(1)).ok_or("no endpoint is given")?;
        Lane::new(endpoint, self.timeout)
    }

    /// Sets a variable that the binding may use everywhere.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.variables.insert(name.into(), value.into());
    }
}

/// Whether the server is away for good: then nobody waits for it once more with each vector.
#[derive(Debug)]
struct Gone {
    why: Mutex<Option<String>>,
    /// Vectors that have not ended.
    left: AtomicUsize,
}

impl Gone {
    fn before(vectors: usize) -> Self {
        Self { why: Mutex::default(), left: vectors.into() }
    }

    async fn since(&self) -> Option<String> {
        self.why.lock().await.clone()
    }

    /// After a vector that the server did not live through, looks whether it comes back: others wait for what comes of that.
    async fn ended(&self, server: &Server, recording: &Recording) {
        let others = self.left.fetch_sub(1, Ordering::Relaxed) > 1;
        if !others || !matches!(recording.broken, Some(Broken::Gone(_))) {
            return;
        }
        let mut gone = self.why.lock().await;
        if gone.is_none()
            && let Err(why) = server.comes_back().await
        {
            *gone = Some(format!("not asked, since the server had gone before: {why}"));
        }
    }
}

struct Answer<'a> {
    method: &'a str,
    url: &'a str,
    status: u16,
}

impl<'a> Answer<'a> {
    fn of(answer: &'a transport::Answer) -> Self {
        Self { method: &answer.exchange.method, url: &answer.exchange.url, status: answer.status }
    }
}

/// Runs vectors, some at a time, in an order that depends on the seed; `done` hears of each as it ends.
pub async fn run(server: &Server, vectors: &[Arc<Vector>], options: Options, mut done: impl FnMut(&Run)) -> Vec<Run> {
    let seed = Seed::of_run(options.seed);
    let mut order: Vec<usize> = (0..vectors.len()).collect();
    seed.child("order").shuffle(&mut order);
    // Those that wait begin first, or the last of them would be waited for at the end.
    order.sort_by_key(|index| !vectors[*index].all_steps().any(|(_, step)| step.waits()));
    // Those that kill the server, set it back or move its clock come last and alone.
    let (alone, together): (Vec<_>, Vec<_>) =
        order.into_iter().partition(|index| server.is_disturbed_by(&vectors[*index]));
    let places = Places::new(options.jobs);
    let gone = Arc::new(Gone::before(vectors.len()));
    let mut tasks = JoinSet::new();
    let one = |index: usize, places: Places| {
        let (server, vector, gone) = (server.clone(), Arc::clone(&vectors[index]), Arc::clone(&gone));
        let seed = seed.child(&vector.id);
        async move {
            let place = places.take().await;
            let begun = Instant::now();
            let recording = match gone.since().await {
                Some(why) => Recording { broken: Some(Broken::Gone(why)), ..Recording::default() },
                None => vector_run::run(&server, &vector, seed, options.rounds, &place).await,
            };
            gone.ended(&server, &recording).await;
            Run { index, recording, took: begun.elapsed() }
        }
    };
    for index in together {
        tasks.spawn(one(index, places.clone()));
    }
    let mut runs = vec![];
    while let Some(run) = tasks.join_next().await {
        // A task that panicked has no recording; its vector is missing here, and the caller says so.
        if let Ok(run) = run {
            done(&run);
            runs.push(run);
        }
    }
    for index in alone {
        let run = tokio::spawn(one(index, places.clone())).await;
        run.iter().for_each(&mut done);
        runs.extend(run);
    }
    runs.sort_by_key(|run| run.index);
    runs
}
