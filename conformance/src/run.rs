//! Does what vectors say, on several threads, and records what it sees. The only module of the suite that awaits.

mod declared;
mod local;
mod operation;
mod perform;
mod place;
mod reading;
pub mod transport;
mod vector_run;
mod whole;
pub mod world;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{task::JoinSet, time::Instant};

use crate::{
    binding::{
        Binding, Operation,
        classify::{Meaning, Record},
        render::Variables,
    },
    recording::Recording,
    run::{place::Places, transport::Lane},
    seed::Seed,
    vector::Vector,
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
    /// Whether the server is there.
    ///
    /// # Errors
    ///
    /// What was tried, and what came of it.
    pub async fn ready(&self) -> Result<(), String> {
        for endpoint in &self.endpoints {
            let request = self.binding.ready.render(&self.variables).map_err(|error| error.to_string())?;
            let lane = Lane::new(endpoint, self.timeout.min(Duration::from_secs(4)))?;
            let answer = lane.send(&request, None).await.map_err(|error| error.to_string())?;
            if !(200..300).contains(&answer.status) {
                let Answer { method, url, status } = Answer::of(&answer);
                return Err(format!("{method} {url} answered {status}, where 2xx says that the server is ready"));
            }
        }
        Ok(())
    }

    /// Asks the server what it declares, and takes the capabilities that it declares otherwise for absent.
    ///
    /// # Errors
    ///
    /// If there is an answer that the binding cannot read.
    pub async fn declare(&mut self) -> Result<(), String> {
        let binding = Arc::clone(&self.binding);
        let Some(exchange) = binding.operations.get(&Operation::Policy).and_then(|exchanges| exchanges.first()) else {
            self.declared(&BTreeMap::new());
            return Ok(());
        };
        let request = exchange.request.render(&self.variables).map_err(|error| error.to_string())?;
        let answer = self.lane(0)?.send(&request, None).await.map_err(|error| error.to_string())?;
        let Meaning::Ok(records) = exchange.classify(answer.status, &answer.body) else {
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
    let places = Places::new(options.jobs);
    let mut tasks = JoinSet::new();
    for index in order {
        let (server, vector, places) = (server.clone(), Arc::clone(&vectors[index]), places.clone());
        let seed = seed.child(&vector.id);
        tasks.spawn(async move {
            let place = places.take().await;
            let begun = Instant::now();
            let recording = vector_run::run(&server, &vector, seed, options.rounds, &place).await;
            Run { index, recording, took: begun.elapsed() }
        });
    }
    let mut runs = vec![];
    while let Some(run) = tasks.join_next().await {
        // A task that panicked has no recording; its vector is missing here, and the caller says so.
        if let Ok(run) = run {
            done(&run);
            runs.push(run);
        }
    }
    runs.sort_by_key(|run| run.index);
    runs
}
