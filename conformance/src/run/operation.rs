//! One step in the terms of a binding: its operation, and the variables that its requests are filled with.

mod authority;

use serde_json::{Value, json};

use crate::{
    binding::{Operation, render::Variables},
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
    /// Whether the answer is needed as a whole.
    pub(super) whole: bool,
    pub(super) says: String,
}

impl<'a> Call<'a> {
    fn new(operation: Operation, actor: Option<&'a Actor>, says: String) -> Self {
        let variables = Variables::new();
        Self { operation, actor, variables, proof: Proof::Good, method: None, enlisted: None, whole: false, says }
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// The client whose things these are: its names, and what its registration saved, as `of_…`.
    fn of(mut self, owner: &Actor) -> Self {
        self.variables.extend(owner.saved.iter().map(|(name, value)| (format!("of_{name}"), value.clone())));
        self.with("user", owner.identity.as_str()).with("client", owner.client.as_str())
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
        let packages = packages(vector, world, &publish.key_packages, publish.declared)?;
        return Ok(call.with("key_packages", packages));
    }
    if let Some(claim) = &step.claim {
        let says = format!("{} claims of {}", claim.by, claim.of);
        let mut call = Call::new(operation, Some(actor(&claim.by)?), says);
        call.proof = claim.proof;
        call.method = claim.method.as_deref();
        let suites = claim.cipher_suites.clone().unwrap_or_else(|| vec![1]);
        let refuses = claim.last_resort == crate::vector::LastResort::Refuse;
        let call = call
            .with("user", identity(world, &claim.of)?)
            .with("cipher_suites", suites)
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
        let packages = packages(vector, world, &withdraw.key_packages, None)?;
        return Ok(Call::new(operation, Some(by), says).of(by).with("key_packages", packages));
    }
    if let Some(stock) = &step.stock {
        let owner = actor(stock.of.as_ref().unwrap_or(&stock.by))?;
        let says = format!("{} asks for the stock of {}/{}", stock.by, owner.user, owner.client);
        let call = Call::new(operation, Some(actor(&stock.by)?), says);
        return Ok(call.of(owner).with("cipher_suite", stock.cipher_suite));
    }
    if let Some(feed) = &step.notifications {
        let owner = actor(feed.of.as_ref().unwrap_or(&feed.by))?;
        let says = format!("{} reads the notifications of {}/{}", feed.by, owner.user, owner.client);
        let after = feed.after.as_ref().map_or(Ok(json!(0)), |name| saved(world, name))?;
        return Ok(Call::new(operation, Some(actor(&feed.by)?), says).of(owner).with("after", after));
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

/// The registration of a user with its first client.
pub(super) fn register<'a>(actor: &'a Actor) -> Call<'a> {
    let says = format!("{}/{} is registered", actor.user, actor.client);
    let mut call = Call::new(Operation::Register, Some(actor), says).of(actor);
    call.enlisted = Some((actor.user.clone(), actor.client.clone()));
    call.variables.extend(key_variables(actor, actor, actor));
    call
}

/// The addition of a further client by the first one of the same user.
pub(super) fn register_further<'a>(first: &'a Actor, further: &Actor) -> Call<'a> {
    let says = format!("{}/{} is added", further.user, further.client);
    let mut call = Call::new(Operation::AddKey, Some(first), says).of(further);
    call.enlisted = Some((further.user.clone(), further.client.clone()));
    call.variables.extend(key_variables(further, further, further));
    call
}

/// The key that is added, and what a binding needs to make the proof that `holder` holds it.
fn key_variables(key_of: &Actor, holder: &Actor, client: &Actor) -> Variables {
    let key = data_encoding::BASE64.encode(&key_of.mls.public_key());
    let mut variables = Variables::new();
    let in_url = data_encoding::BASE64URL_NOPAD.encode(&key_of.mls.public_key());
    variables.insert("signature_key".into(), key.into());
    variables.insert("signature_key_base64url".into(), in_url.into());
    variables.insert(POSSESSION_SEED.into(), data_encoding::HEXLOWER.encode(&holder.mls.private_key()).into());
    variables.insert("user".into(), client.identity.as_str().into());
    variables.insert("client".into(), client.client.as_str().into());
    variables
}

/// Holds the private key of the proof of possession until the runner has made the proof; never rendered.
pub(super) const POSSESSION_SEED: &str = " possession seed";

fn packages(vector: &Vector, world: &World, names: &[String], declared: Option<Role>) -> Result<Value, Broken> {
    let item = |name: String| {
        let made = world.packages.get(&name).ok_or_else(|| Broken::Suite(format!("no KeyPackage `{name}`")))?;
        let mut item = json!({
            "key_package": data_encoding::BASE64.encode(&made.uploaded),
            "reference": data_encoding::BASE64URL_NOPAD.encode(&made.reference),
        });
        if let Some(role) = declared {
            item["role"] = serde_json::to_value(role).unwrap_or_default();
        }
        Ok(item)
    };
    names.iter().flat_map(|name| vector.copies(name)).map(item).collect()
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
