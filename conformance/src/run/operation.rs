//! One step in the terms of a binding: its operation, and the variables that its requests are filled with.

mod authority;

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{
    binding::{Operation, render::Variables},
    mls::MlsClient,
    recording::Broken,
    run::world::{Actor, World},
    vector::{Proof, Role, Step, Vector},
};

/// A step in the terms of a binding.
pub(super) struct Call<'a> {
    pub(super) operation: Operation,
    /// Who sends the request; nobody, where anyone may.
    pub(super) actor: Option<&'a Actor>,
    pub(super) variables: Variables,
    pub(super) proof: Proof,
    /// Sent with this HTTP method instead of the binding's, and without a body.
    pub(super) method: Option<&'a str>,
    /// The client that comes into being.
    pub(super) enlisted: Option<(String, String)>,
    /// Its keys.
    pub(super) newcomer: Option<Arc<MlsClient>>,
    /// Whether the answer is needed as a whole.
    pub(super) whole: bool,
    /// Whether it is asked what the binding finds in the answers.
    pub(super) look: bool,
    /// How much longer than others this request may take.
    pub(super) patience: Duration,
    /// The line is cut so long after the request, whatever the server does.
    pub(super) cut: Option<Duration>,
    /// The user whose clients the answer names, as the vector calls it.
    pub(super) target: Option<String>,
    /// The packages that it is about, in their order.
    pub(super) packages: Vec<String>,
    pub(super) says: String,
}

impl<'a> Call<'a> {
    fn new(operation: Operation, actor: Option<&'a Actor>, says: String) -> Self {
        let (variables, packages, proof, patience) = (Variables::new(), vec![], Proof::Good, Duration::ZERO);
        let (method, enlisted, newcomer, target) = (None, None, None, None);
        let (whole, look, cut) = (false, false, None);
        Self {
            operation,
            actor,
            variables,
            proof,
            method,
            enlisted,
            newcomer,
            whole,
            look,
            patience,
            cut,
            target,
            packages,
            says,
        }
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// The client whose things these are: its names, and what its registration saved, as `of_…`.
    fn of(mut self, owner: &Actor) -> Self {
        self.variables.extend(owner.saved.iter().map(|(name, value)| (format!("of_{name}"), value.clone())));
        self.target = Some(owner.user.clone());
        let named = self.with("user", owner.identity.as_str()).with("client", owner.client.as_str());
        named.with("name", owner.called.as_str()).with("secret", owner.secret.as_str())
    }

    /// These packages: all together, and each kind apart.
    fn about(
        mut self,
        vector: &Vector,
        world: &World,
        names: &[String],
        declared: Option<Role>,
    ) -> Result<Self, Broken> {
        self.packages = names.iter().flat_map(|name| vector.copies(name)).collect();
        let items = self.packages.iter().map(|name| package(world, name, declared)).collect::<Result<Vec<_>, _>>()?;
        let of = |kind: &str| items.iter().filter(|item| item["kind"] == kind).cloned().collect::<Vec<_>>();
        let (regular, last_resorts) = (of("regular"), of("last_resort"));
        Ok(self.with("key_packages", items).with("regular", regular).with("last_resorts", last_resorts))
    }
}

/// A step in the terms of a binding.
///
/// # Errors
///
/// Names that the round does not know; the lint finds them first.
pub(super) fn call<'a>(vector: &Vector, world: &'a World, step: &'a Step) -> Result<Call<'a>, Broken> {
    let compares = step.expect.as_ref().is_some_and(|expect| expect.same_as.is_some());
    let call = of_packages(vector, world, step)?;
    Ok(Call { whole: compares || step.save_answer.is_some(), ..call })
}

fn of_packages<'a>(vector: &Vector, world: &'a World, step: &'a Step) -> Result<Call<'a>, Broken> {
    let actor = |name: &str| named(vector, world, name);
    let operation = step.bound_operation();
    let operation = operation.ok_or_else(|| Broken::Suite(format!("`{}` asks no server", step.operation())))?;
    if let Some(publish) = &step.publish {
        let owner = actor(publish.owner.as_ref().unwrap_or(&publish.by))?;
        let does = if publish.replace { "replaces what is there by" } else { "publishes" };
        let says = format!("{} {does} {}", publish.by, publish.key_packages.join(", "));
        let mut call = Call::new(operation, Some(actor(&publish.by)?), says).of(owner);
        call.proof = publish.proof;
        return call.about(vector, world, &publish.key_packages, publish.declared);
    }
    if let Some(claim) = &step.claim {
        let says = format!("{} claims of {}", claim.by, claim.of);
        let mut call = Call::new(operation, Some(actor(&claim.by)?), says);
        call.proof = claim.proof;
        call.method = claim.method.as_deref();
        call.target = Some(claim.of.clone());
        let suites = claim.cipher_suites.clone().unwrap_or_else(|| vec![1]);
        let clients = world.clients_of(&claim.of).map(|client| {
            let of = client.saved.iter().map(|(name, value)| (format!("of_{name}"), value.clone()));
            of.chain([("client".to_string(), client.client.as_str().into())]).collect::<Value>()
        });
        let clients: Vec<Value> = clients.collect();
        let refuses = claim.last_resort == crate::vector::LastResort::Refuse;
        let call = call
            .with("user", identity(world, &claim.of)?)
            .with("cipher_suite", suites.first().copied().unwrap_or(1))
            .with("cipher_suites", suites)
            .with("clients", clients)
            .with("last_resort", if refuses { "refuse" } else { "accept" });
        let call = match &claim.requires {
            Some(required) => call.with("required_capabilities", json!(required)),
            None => call,
        };
        return Ok(match &claim.key {
            Some(key) => call.with("idempotency_key", world.seed.child(&format!("key {key}")).short_name()),
            None => call,
        });
    }
    if let Some(withdraw) = &step.withdraw {
        let by = actor(&withdraw.by)?;
        let says = format!("{} withdraws {}", withdraw.by, withdraw.key_packages.join(", "));
        return Call::new(operation, Some(by), says).of(by).about(vector, world, &withdraw.key_packages, None);
    }
    if let Some(stock) = &step.stock {
        let owner = actor(stock.of.as_ref().unwrap_or(&stock.by))?;
        let says = format!("{} asks for the stock of {}/{}", stock.by, owner.user, owner.client);
        let call = Call::new(operation, Some(actor(&stock.by)?), says);
        return Ok(call.of(owner).with("cipher_suite", stock.cipher_suite));
    }
    if let Some(feed) = &step.notifications {
        let owner = actor(feed.of.as_ref().unwrap_or(&feed.by))?;
        let does = if feed.wait.is_some() { "waits for" } else { "reads" };
        let says = format!("{} {does} the notifications of {}/{}", feed.by, owner.user, owner.client);
        let after = feed.after.as_ref().map_or(Ok(json!(0)), |name| saved(world, name))?;
        let mut call = Call::new(operation, Some(actor(&feed.by)?), says).of(owner).with("after", after);
        if let Some(seconds) = feed.wait {
            call.patience = Duration::from_secs(seconds.into());
            call = call.with("wait", seconds);
        }
        return Ok(call);
    }
    if let Some(acknowledge) = &step.acknowledge {
        let by = actor(&acknowledge.by)?;
        let says = format!("{} acknowledges through {}", acknowledge.by, acknowledge.through);
        let through = saved(world, &acknowledge.through)?;
        return Ok(Call::new(operation, Some(by), says).of(by).with("through", through));
    }
    if let Some(packages) = &step.packages {
        let owner = actor(packages.of.as_ref().unwrap_or(&packages.by))?;
        let says = format!("{} lists the packages of {}/{}", packages.by, owner.user, owner.client);
        return Ok(Call::new(operation, Some(actor(&packages.by)?), says).of(owner));
    }
    authority::call(operation, vector, world, step)
}

/// The question what the server declares.
pub(super) fn policy<'a>() -> Call<'a> {
    Call::new(Operation::Policy, None, "anyone asks what the server declares".into())
}

/// The registration of a user with its first client.
pub(super) fn register<'a>(actor: &'a Actor) -> Call<'a> {
    let says = format!("{}/{} is registered", actor.user, actor.client);
    let mut call = Call::new(Operation::Register, Some(actor), says).of(actor);
    call.enlisted = Some((actor.user.clone(), actor.called.clone()));
    call.newcomer = Some(Arc::clone(&actor.mls));
    call.variables.extend(key_variables(actor, actor, actor));
    call
}

/// The addition of a further client by the first one of the same user.
pub(super) fn register_further<'a>(operation: Operation, first: &'a Actor, further: &Actor) -> Call<'a> {
    let says = format!("{}/{} is added", further.user, further.client);
    let mut call = Call::new(operation, Some(first), says).of(further);
    call.enlisted = Some((further.user.clone(), further.called.clone()));
    call.newcomer = Some(Arc::clone(&further.mls));
    call.variables.extend(key_variables(further, further, further));
    call
}

/// The key that is added, and what a binding needs to make the proof that `holder` holds it.
fn key_variables(key_of: &Actor, holder: &Actor, client: &Actor) -> Variables {
    let key = data_encoding::BASE64.encode(&key_of.mls.public_key());
    let mut variables = Variables::new();
    let in_url = data_encoding::BASE64URL_NOPAD.encode(&key_of.mls.public_key());
    let unpadded = data_encoding::BASE64_NOPAD.encode(&key_of.mls.public_key());
    variables.insert("signature_key".into(), key.into());
    variables.insert("signature_key_base64url".into(), in_url.into());
    variables.insert("signature_key_unpadded".into(), unpadded.into());
    variables.insert(POSSESSION_SEED.into(), data_encoding::HEXLOWER.encode(&holder.mls.private_key()).into());
    variables.insert("user".into(), client.identity.as_str().into());
    variables.insert("user_name".into(), client.fresh.as_str().into());
    variables.insert("client".into(), client.client.as_str().into());
    variables
}

/// Holds the private key of the proof of possession until the runner has made the proof; never rendered.
pub(super) const POSSESSION_SEED: &str = " possession seed";

/// What a request can be filled with for one package.
fn package(world: &World, name: &str, declared: Option<Role>) -> Result<Value, Broken> {
    let made = world.packages.get(name).ok_or_else(|| Broken::Suite(format!("no KeyPackage `{name}`")))?;
    let kind = if made.last_resort { Role::LastResort } else { Role::Regular };
    let mut item = json!({
        "key_package": data_encoding::BASE64.encode(&made.uploaded),
        "key_package_base64url": data_encoding::BASE64URL_NOPAD.encode(&made.uploaded),
        "key_package_unpadded": data_encoding::BASE64_NOPAD.encode(&made.uploaded),
        "key_package_hex": data_encoding::HEXLOWER.encode(&made.uploaded),
        "reference": data_encoding::BASE64URL_NOPAD.encode(&made.reference),
        "reference_base64": data_encoding::BASE64.encode(&made.reference),
        "reference_hex": data_encoding::HEXLOWER.encode(&made.reference),
        "kind": kind,
        "is_last_resort": made.last_resort,
        "id": made.id,
        "number": made.number,
    });
    if let Some(role) = declared {
        item["role"] = serde_json::to_value(role).unwrap_or_default();
    }
    if let Some(id) = world.given_id(name) {
        item["given_id"] = id.into();
    }
    if !made.object.is_null() {
        item["object"] = made.object.clone();
    }
    if !made.signature.is_empty() {
        item["signature"] = data_encoding::BASE64.encode(&made.signature).into();
    }
    Ok(item)
}

fn named<'a>(vector: &Vector, world: &'a World, name: &str) -> Result<&'a Actor, Broken> {
    world.actor(vector, name).ok_or_else(|| Broken::Suite(format!("nobody is called `{name}` in this round")))
}

fn identity(world: &World, user: &str) -> Result<String, Broken> {
    world.identity(user).ok_or_else(|| Broken::Suite(format!("there is no user `{user}` in this round")))
}

fn saved(world: &World, name: &str) -> Result<Value, Broken> {
    let name = name.trim_start_matches('$');
    let value = world.saved.get(name).cloned();
    value.ok_or_else(|| Broken::Suite(format!("`${name}` was not saved: an earlier answer did not have it")))
}
