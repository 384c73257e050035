//! Steps about signature keys, about clients, and about whom an owner lets ask.

use std::sync::Arc;

use crate::{
    binding::Operation,
    recording::Broken,
    run::{
        operation::{Call, identity, key_variables, named},
        world::World,
    },
    vector::{Block, Place, Step, Vector},
};

/// A step in the terms of a binding.
pub(super) fn call<'a>(
    operation: Operation,
    vector: &Vector,
    world: &'a World,
    step: &'a Step,
) -> Result<Call<'a>, Broken> {
    let actor = |name: &str| named(vector, world, name);
    if let Some(keys) = &step.keys {
        let which = if keys.history { "every signature key ever" } else { "the signature keys" };
        let call = Call::new(operation, None, format!("anyone reads {which} of {}", keys.of));
        return Ok(call.with("user", identity(world, &keys.of)?));
    }
    if let Some(resolve) = &step.resolve {
        let whom = resolve.of.as_deref().unwrap_or("nobody");
        let call = Call::new(operation, None, format!("anyone looks {whom} up by name"));
        return Ok(match &resolve.of {
            Some(user) => call.with("user", identity(world, user)?),
            None => call,
        });
    }
    if let Some(add) = &step.add_key {
        let by = actor(&add.by)?;
        let client = vector.client(&add.client).ok_or_else(|| Broken::Suite(format!("no client {}", add.client)))?;
        let new = actor(&add.client)?;
        let key_of = add.key_of.as_ref().map_or(Ok(new), |name| actor(name))?;
        let holder = if add.forged_possession { by } else { key_of };
        let says = format!("{} adds a signature key for {}", add.by, add.client);
        let mut call = Call::new(operation, Some(by), says).of(new).with("forged_token", "nobody-gave-this-out");
        call.enlisted = Some(client);
        call.newcomer = Some(Arc::clone(&new.mls));
        call.variables.extend(key_variables(key_of, holder, new));
        return Ok(match add.expires_in {
            Some(seconds) => call.with("expires_at", world.absolute(seconds)).with("expires_in", seconds),
            None => call,
        });
    }
    if let Some(extend) = &step.extend_key {
        let seconds = extend.expires_in;
        let says = format!("{} moves the expiry of the key of {} to {seconds} s", extend.by, extend.client);
        let call = Call::new(operation, Some(actor(&extend.by)?), says).of(actor(&extend.client)?);
        return Ok(call.with("expires_at", world.absolute(seconds)).with("expires_in", seconds));
    }
    if let Some(remove) = &step.remove_key {
        let says = format!("{} removes the signature key of {}", remove.by, remove.client);
        return Ok(Call::new(operation, Some(actor(&remove.by)?), says).of(actor(&remove.client)?));
    }
    if let Some(remove) = &step.remove_client {
        let says = format!("{} removes the client {}", remove.by, remove.client);
        return Ok(Call::new(operation, Some(actor(&remove.by)?), says).of(actor(&remove.client)?));
    }
    if let Some(verify) = &step.verify {
        let asked = actor(&verify.client)?;
        let when = verify.at.map_or(String::new(), |seconds| format!(" at {seconds} s"));
        let says = format!("anyone asks whether the key of {} bears out {}{when}", verify.client, verify.of);
        let mut call = Call::new(operation, None, says);
        call.variables.extend(key_variables(asked, asked, asked));
        let call = call.with("user", identity(world, &verify.of)?);
        return Ok(match verify.at {
            Some(seconds) => call.with("at", world.absolute(seconds)),
            None => call,
        });
    }
    if let Some(block) = &step.block {
        return blocking(operation, "shuts out", block, vector, world);
    }
    if let Some(block) = &step.unblock {
        return blocking(operation, "lets in again", block, vector, world);
    }
    if let Some(blocks) = &step.blocks {
        let owner = actor(blocks.of.as_ref().unwrap_or(&blocks.by))?;
        let says = format!("{} lists whom {} shuts out", blocks.by, owner.user);
        return Ok(Call::new(operation, Some(actor(&blocks.by)?), says).of(owner));
    }
    Err(Broken::Suite(format!("`{}` is no operation of a server", step.operation())))
}

fn blocking<'a>(
    operation: Operation,
    does: &str,
    block: &Block,
    vector: &Vector,
    world: &'a World,
) -> Result<Call<'a>, Broken> {
    let by = named(vector, world, &block.by)?;
    let owner = named(vector, world, block.owner.as_ref().unwrap_or(&block.by))?;
    let whom = match (&block.requester, block.server) {
        (Some(requester), _) => requester.as_str(),
        (None, Some(Place::Elsewhere)) => "another server",
        (None, _) => "its own server",
    };
    let mut call = Call::new(operation, Some(by), format!("{} {does} {whom}", block.by)).of(owner);
    if let Some(requester) = &block.requester {
        call = call.with("requester", identity(world, requester)?);
    }
    if let Some(server) = block.server.and_then(|place| world.server(place)) {
        call = call.with("server", server);
    }
    Ok(call)
}
