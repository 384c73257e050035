//! One operation on the wire: its requests filled, authenticated and sent, its last answer read.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::{
    binding::{Exchange as BoundExchange, Operation, classify::Meaning, render},
    clock,
    recording::{Broken, Observed, Recorded, Seen, Told},
    run::{
        operation::{Call, POSSESSION_SEED},
        reading,
        transport::{Gate, Lane, NoAnswer},
        vector_run::Runner,
        whole,
        world::World,
    },
    signing,
    vector::{Proof, expect::Reason},
};

impl Runner<'_> {
    /// Sends the exchanges of an operation; the last one's answer is the operation's.
    pub(super) async fn perform(
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
            told: Told::default(),
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
            let sent = lane.send_patiently(&request, gate.filter(|_| number == 0), call.patience).await;
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
            recorded.told = Told {
                retry_after: exchange.retry_after(answer.status, &answer.exchange.response_headers, &answer.body),
                answer: call.whole.then(|| whole::answer(&answer, world, &binding.varies)),
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
pub(super) struct Performed {
    pub(super) recorded: Recorded,
    enlisted: Option<((String, String), render::Variables)>,
}

impl Performed {
    /// A step that no server takes part in.
    pub(super) fn locally(says: String, observed: Observed, begun: Instant, world: &World) -> Self {
        let now = begun.elapsed();
        let (path, exchanges, saved) = (String::new(), vec![], world.saved.clone());
        let told = Told::default();
        let recorded = Recorded { path, says, sent: now, answered: now, observed, told, exchanges, saved };
        Self { recorded, enlisted: None }
    }

    pub(super) fn enlist(&self, world: &mut World) {
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
