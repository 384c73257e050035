//! One operation on the wire: its requests filled, authenticated and sent, its last answer read.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::{
    binding::{
        Exchange as BoundExchange, Operation,
        classify::{Given, Look, Meaning, Record, left_out},
        render::{self, Variables},
    },
    recording::{Broken, Observed, Recorded, Seen, Told},
    run::{
        operation::Call,
        reading::{self, Asked},
        transport::{Gate, Lane, Manner, NoAnswer, Whose},
        vector_run::Runner,
        whole,
        world::{Actor, World},
    },
    vector::{Proof, Vector, expect::Reason},
};

impl Runner<'_> {
    /// Sends the exchanges of an operation; the last one's answer is the operation's.
    pub(super) async fn perform<'w>(
        &self,
        lane: &Lane,
        world: &'w World,
        mut call: Call<'w>,
        gate: Option<&Gate>,
    ) -> Result<Performed, Broken> {
        for (name, value) in &self.server.variables {
            // What the operation itself says goes first: an environment must not rename users.
            call.variables.entry(name.clone()).or_insert_with(|| value.clone());
        }
        if self.server.adapter.is_some() {
            return self.by_adapter(lane, world, call, gate).await;
        }
        let exchanges = self.server.binding.operations.get(&call.operation);
        let exchanges =
            exchanges.ok_or_else(|| Broken::Suite(format!("the binding has no operation {:?}", call.operation)))?;
        if call.actor.is_none() && exchanges.iter().any(|exchange| self.must_be_somebody(exchange)) {
            call.actor = anyone(self.vector, world);
        }
        let mut learned = call.actor.map(|actor| actor.saved.clone()).unwrap_or_default();
        if matches!(call.operation, Operation::AddKey | Operation::AddKeyByToken | Operation::AddClient) {
            learned.clear();
        }
        let mut recorded = self.begin(&mut call, world);
        let (mut gate, mut looks, mut secrets) = (gate, vec![], vec![]);
        for (number, exchange) in exchanges.iter().enumerate() {
            let mut variables = call.variables.clone();
            variables.extend(learned.clone());
            let each = match &exchange.for_each {
                None => vec![variables],
                Some(list) => render::items(list, &variables).unwrap_or_default(),
            };
            let (mut records, sent_any) = (vec![], !each.is_empty());
            let mut meaning = Meaning::Ok(vec![]);
            for mut variables in each {
                let first = recorded.exchanges.is_empty();
                // An effect can come with the first request: from there on counts, and there the lanes meet.
                let sent = self.send(lane, &call, exchange, &mut variables, gate.take()).await?;
                let answer = match sent {
                    Ok(answer) => answer,
                    Err(mut error) => {
                        secrets.extend(self.secrets(exchange, &call, &learned));
                        error.exchange.mask(secrets.iter().map(String::as_str));
                        recorded.mask(&secrets);
                        return self.unanswered(lane, recorded, error).await;
                    }
                };
                if first {
                    recorded.sent = answer.sent.duration_since(self.begun);
                }
                recorded.answered = answer.answered.duration_since(self.begun);
                let headers = &answer.exchange.response_headers;
                let given = Given { status: answer.status, headers, body: &answer.body };
                meaning = match call.method {
                    Some(_) if (200..300).contains(&answer.status) => Meaning::Ok(vec![]),
                    Some(_) => Meaning::Refused(Reason::MethodNotAllowed),
                    None => exchange.classify(given, &variables),
                };
                if call.look {
                    looks.push(exchange.look(number, given, &variables));
                }
                recorded.told = Told {
                    retry_after: exchange.retry_after(given, &variables),
                    answer: call.whole.then(|| whole::answer(&answer, world, &self.server.binding.varies)),
                };
                learned.extend(exchange.saved(given, &variables));
                let others = exchange.reading(given, &variables).and_then(|reading| reading.others.clone());
                secrets.extend(self.secrets(exchange, &call, &learned));
                recorded.exchanges.push(answer.exchange);
                let Meaning::Ok(read) = &meaning else { break };
                records.extend(read.clone());
                if let Some(kind) = others.filter(|_| call.method.is_none()) {
                    add_left_out(&mut records, &kind, call.target.as_deref(), call.actor, world);
                }
            }
            if sent_any {
                recorded.observed = observed(&call, meaning, &records, world);
            }
            if !matches!(recorded.observed, Observed::Ok(_)) {
                break;
            }
        }
        recorded.mask(&secrets);
        let enlisted = call.enlisted.map(|client| (client, learned));
        Ok(Performed { recorded, enlisted, looks })
    }

    pub(super) fn begin(&self, call: &mut Call<'_>, world: &World) -> Recorded {
        Recorded {
            path: String::new(),
            says: std::mem::take(&mut call.says),
            sent: self.begun.elapsed(),
            answered: Duration::ZERO,
            observed: Observed::Ok(Seen::Done {}),
            told: Told::default(),
            exchanges: vec![],
            saved: world.saved.clone(),
        }
    }

    /// Whether a request shows who asks, also where anybody may.
    fn must_be_somebody(&self, exchange: &BoundExchange) -> bool {
        let auth = exchange.auth.as_ref().unwrap_or(&self.server.binding.auth);
        let mut names = auth.templates().flat_map(|template| render::used(template));
        names.any(|name| name.starts_with("as_")) || exchange.request.names_who_asks()
    }

    async fn send(
        &self,
        lane: &Lane,
        call: &Call<'_>,
        exchange: &BoundExchange,
        variables: &mut Variables,
        gate: Option<&Gate>,
    ) -> Result<Result<super::transport::Answer, NoAnswer>, Broken> {
        let request = self.request(lane, call, exchange, variables)?;
        if call.proof == Proof::Replayed {
            lane.send(&request).await.map_err(|error| Broken::Gone(error.to_string()))?;
        }
        Ok(lane.send_so(&request, Manner { gate, longer: call.patience, cut: call.cut }).await)
    }

    /// No answer came. In a race that is a lost answer, which may have done anything; elsewhere a server that goes on
    /// living has failed to answer, and one that does not is gone, unless the race itself has killed it.
    async fn unanswered(&self, lane: &Lane, mut recorded: Recorded, error: NoAnswer) -> Result<Performed, Broken> {
        recorded.answered = self.begun.elapsed();
        let says = error.to_string();
        let NoAnswer { whose, exchange, .. } = error;
        recorded.exchanges.push(*exchange);
        recorded.observed = match whose {
            Whose::Bindings => return Err(Broken::Suite(format!("the binding's request cannot be sent: {says}"))),
            Whose::ServersLink => Observed::Unexpected(says),
            Whose::Servers => {
                let interrupted = self.course.is_some_and(|course| course.interrupted);
                if !interrupted && self.server.alive(lane).await.is_err() {
                    return Err(Broken::Gone(says));
                }
                let racing = self.course.is_some();
                if racing { Observed::Lost } else { Observed::Unexpected(format!("{UNANSWERED}: {says}")) }
            }
        };
        Ok(Performed { recorded, enlisted: None, looks: vec![] })
    }
}

/// How a report begins to tell of an answer that was owed.
const UNANSWERED: &str = "no answer, though it goes on";

/// What an answer means in the words of the vector.
pub(super) fn observed(call: &Call<'_>, meaning: Meaning, records: &[Record], world: &World) -> Observed {
    let asked = Asked {
        operation: call.operation,
        of: call.target.as_deref(),
        client: call.variables.get("client").and_then(Value::as_str),
        packages: &call.packages,
        cipher_suite: call.variables.get("cipher_suite").and_then(Value::as_u64),
    };
    match meaning {
        Meaning::Ok(_) => match reading::seen(&asked, records, world) {
            Ok(seen) => Observed::Ok(seen),
            Err(why) => Observed::Unexpected(why),
        },
        Meaning::Refused(reason) => Observed::Refused(reason),
        Meaning::Unexpected(why) => Observed::Unexpected(why),
    }
}

/// Some client that the server knows; of a user that has nothing to do with the matter, if there is one.
fn anyone<'a>(vector: &Vector, world: &'a World) -> Option<&'a Actor> {
    let present = || world.present.iter().filter_map(|client| world.actors.get(client));
    let others = |actor: &&Actor| vector.users.get(&actor.user).is_some_and(|user| user.clients.is_empty());
    present().find(others).or_else(|| present().next())
}

/// Clients that the server knows and that its answer leaves out; whoever asks is left out anyway.
fn add_left_out(records: &mut Vec<Record>, kind: &str, user: Option<&str>, asks: Option<&Actor>, world: &World) {
    let itself = |actor: &&Actor| asks.is_some_and(|asks| (&asks.user, &asks.client) == (&actor.user, &actor.client));
    let clients = user.into_iter().flat_map(|user| world.clients_of(user)).filter(|actor| !itself(actor));
    let clients = clients.map(|actor| actor.client.clone());
    for client in clients.collect::<Vec<_>>() {
        if !records.iter().any(|record| record.get("client").and_then(Value::as_str) == Some(&client)) {
            records.push(left_out(kind, &client));
        }
    }
}

/// A step that was done, and what its client learned by it.
pub(super) struct Performed {
    pub(super) recorded: Recorded,
    pub(super) enlisted: Option<((String, String), Variables)>,
    /// What the binding finds in each answer, where the call asks for that.
    pub(super) looks: Vec<Look>,
}

impl Performed {
    /// A step that no server takes part in.
    pub(super) fn locally(says: String, observed: Observed, begun: Instant, world: &World) -> Self {
        let now = begun.elapsed();
        let (path, exchanges, saved) = (String::new(), vec![], world.saved.clone());
        let told = Told::default();
        let recorded = Recorded { path, says, sent: now, answered: now, observed, told, exchanges, saved };
        Self { recorded, enlisted: None, looks: vec![] }
    }

    pub(super) fn enlist(&self, world: &mut World) {
        if let Some((client, learned)) = &self.enlisted {
            world.introduce(client, learned.clone());
        }
    }
}
