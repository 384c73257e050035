//! What a step asks of the model, and what about it the model cannot say: a closed list, told by the step itself.

use std::{collections::BTreeMap, fmt};

use kpd_model::{
    history::State,
    names::{Sequence, Time, User},
    spec::Op,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    prove::servers::by_server,
    translation::Names,
    vector::{Capability, Flaw, Mark, Proof, Publish, Recipe, Role, Step, Vector},
};

/// Why the model cannot say all that a step asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Proofs of authentication: the model's requesters are who they say they are.
    Authentication,
    /// Who may act for whom: the model's clients act for themselves.
    Authorisation,
    /// Backups: the model's history has no way back.
    Backups,
    /// Flaws, marks, frames and unknown values in the bytes of a KeyPackage.
    Bytes,
    /// A random order, which only chance tells from another one.
    Chance,
    /// Looking up by name who is not there: the model's users all are.
    Discovery,
    /// The headers of an answer.
    Headers,
    /// Races with more orders than can be followed: there the judge has the model's word on each order that was seen.
    Crowds,
    /// Groups that are joined.
    Groups,
    /// The identity in a credential.
    Identity,
    /// HTTP methods.
    Methods,
    /// Proofs that a signature key is held, and enrolment tokens.
    Possession,
    /// How long an answer takes: the model's come at some moment.
    Waiting,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authentication => "authentication",
            Self::Authorisation => "authorisation",
            Self::Backups => "backups",
            Self::Bytes => "bytes",
            Self::Chance => "chance",
            Self::Discovery => "discovery",
            Self::Headers => "headers",
            Self::Crowds => "crowds",
            Self::Groups => "groups",
            Self::Identity => "identity",
            Self::Methods => "methods",
            Self::Possession => "possession",
            Self::Waiting => "waiting",
        })
    }
}

/// What a step asks of the model.
pub(super) enum Turn {
    /// An operation of the model; something beside it may not be the model's.
    Asked { op: Op, beside: Option<Why> },
    /// Every key that a user ever had, which the model's state has.
    KeyHistory(User),
    /// Whom a user shuts out, which the model's state has.
    Blocks(User),
    /// Nothing, to a directory that keeps its history: it is killed, started, copied.
    Unchanged,
    /// Saved values, which no server takes part in.
    Recalled(Vec<String>),
    /// Refused, with no change but what `first` brought, where the request had been sent before. That much is the
    /// model's; the word of the refusal is not.
    Refused { why: Why, first: Option<Op> },
    /// Nothing of the model's, and without change to what it knows.
    Outside(Why),
    /// Needs a saved value that no answer had.
    Unsaved(String),
}

/// Why the model can say nothing at all about a vector: where a backup is restored, where each answer is drawn by chance and
/// only all of them together are looked at, or where there are more orders of a race than anybody follows.
pub(super) fn all_outside(vector: &Vector) -> Option<Why> {
    let restores = vector.all_steps().any(|(_, step)| step.restore.is_some()).then_some(Why::Backups);
    let racing: usize = vector.race.iter().flat_map(|race| race.lanes.values()).map(Vec::len).sum();
    let chance = vector.needs.contains(&Capability::RandomSelection).then_some(Why::Chance);
    restores.or(chance).or((racing > RACING_MAX).then_some(Why::Crowds))
}

/// So many steps of lanes have ten thousand orders and more.
const RACING_MAX: usize = 16;

/// What `step` asks after the answers that led to `state` and `saved`.
pub(super) fn turn(
    vector: &Vector,
    names: &Names<'_>,
    step: &Step,
    state: &State,
    saved: &BTreeMap<String, Value>,
) -> Turn {
    if step.join.is_some() {
        return Turn::Outside(Why::Groups);
    }
    if let Some(keys) = step.keys.as_ref().filter(|keys| keys.history) {
        return Turn::KeyHistory(names.user(&keys.of));
    }
    let registered = |user: &String| vector.users.get(user).is_some_and(|user| user.registered);
    if step.resolve.as_ref().is_some_and(|resolve| !resolve.of.as_ref().is_some_and(registered)) {
        return Turn::Refused { why: Why::Discovery, first: None };
    }
    if step.hook().is_some() {
        return Turn::Unchanged;
    }
    if let Some(recalled) = &step.recall {
        return Turn::Recalled(recalled.iter().map(|name| name.trim_start_matches('$').to_string()).collect());
    }
    if let Some(blocks) = &step.blocks {
        let owner = vector.client(blocks.of.as_ref().unwrap_or(&blocks.by)).map(|(owner, _)| owner);
        let refused = not_allowed(vector, names, step, state).map(|why| Turn::Refused { why, first: None });
        return refused.unwrap_or(Turn::Blocks(names.user(&owner.unwrap_or_default())));
    }
    let op = match op(vector, names, step, state, saved) {
        Ok(op) => op,
        Err(name) => return Turn::Unsaved(name),
    };
    if let Some(claim) = &step.claim {
        if claim.method.is_some() {
            return Turn::Outside(Why::Methods);
        }
        if claim.proof == Proof::Replayed {
            return Turn::Refused { why: Why::Authentication, first: Some(op) };
        }
    }
    if let Some(why) = not_allowed(vector, names, step, state) {
        return Turn::Refused { why, first: None };
    }
    let beside = match &step.publish {
        Some(publish) => match bytes(vector, publish) {
            Bytes::Good => None,
            Bytes::Odd => Some(Why::Bytes),
            Bytes::Wrong(why) => return Turn::Refused { why, first: None },
        },
        None => None,
    };
    let headers = step
        .expect
        .as_ref()
        .is_some_and(|expect| !expect.headers.is_empty() || expect.status.is_some() || expect.same_as.is_some());
    let timed = step.expect.as_ref().is_some_and(|expect| expect.within.is_some());
    let beside = beside.or(headers.then_some(Why::Headers)).or(timed.then_some(Why::Waiting));
    Turn::Asked { op, beside }
}

/// The operation, with what was saved in its place, and what depends on the state.
fn op(
    vector: &Vector,
    names: &Names<'_>,
    step: &Step,
    state: &State,
    saved: &BTreeMap<String, Value>,
) -> Result<Op, String> {
    let number = |name: &String| -> Result<Sequence, String> {
        let value = saved.get(name.trim_start_matches('$')).and_then(Value::as_u64);
        value.ok_or_else(|| name.clone())
    };
    let nobody = || "an unknown name".to_string();
    if let Some(feed) = &step.notifications {
        let client = names.client(feed.of.as_ref().unwrap_or(&feed.by)).ok_or_else(nobody)?;
        return Ok(Op::Notifications { client, after: feed.after.as_ref().map_or(Ok(0), number)? });
    }
    if let Some(acknowledge) = &step.acknowledge {
        let client = names.client(&acknowledge.by).ok_or_else(nobody)?;
        return Ok(Op::Acknowledge { client, through: number(&acknowledge.through)? });
    }
    if let Some(awaited) = &step.await_retry {
        return Ok(Op::Tick { to: state.now.saturating_add(number(&awaited.from)?) });
    }
    if let Some(awaited) = &step.await_key_expiry {
        let expires = |client: &String| -> Option<Time> { state.keys.get(&names.key(client)?)?.expires };
        return Ok(Op::Tick { to: expires(&awaited.client).ok_or_else(nobody)?.saturating_add(1) });
    }
    Ok(match names.op(step).ok_or_else(nobody)? {
        Op::Verify { user, key, .. } if step.verify.as_ref().is_some_and(|verify| verify.at.is_none()) => {
            Op::Verify { user, key, at: state.now }
        }
        // An owner's blocks never shut its own clients out.
        Op::Claim(claim) if claim.requester != Names::requester_of(claim.user) => {
            let by = step.claim.as_ref().and_then(|claim| vector.client(&claim.by));
            let server = by.and_then(|(user, _)| vector.users.get(&user)).map(|user| user.server);
            Op::Claim(by_server(state, claim, Names::server(server.unwrap_or_default())))
        }
        op => op,
    })
}

/// Why whoever asks is not listened to.
fn not_allowed(vector: &Vector, names: &Names<'_>, step: &Step, state: &State) -> Option<Why> {
    let proof = step.publish.as_ref().map(|it| it.proof).or(step.claim.as_ref().map(|it| it.proof));
    let forged_token = step.add_key.as_ref().is_some_and(|add| add.forged_token);
    let by = by(step)?;
    let listed = names.key(by).is_some_and(|key| state.is_valid_key(key));
    if forged_token {
        return Some(Why::Possession);
    }
    if proof.is_some_and(|proof| proof != Proof::Good) || !listed {
        return Some(Why::Authentication);
    }
    let itself = |owner: Option<&String>| owner.is_none_or(|owner| vector.client(owner) == vector.client(by));
    let user = |name: &str| vector.client(name).map(|(user, _)| user);
    let same_user = |client: Option<&String>| client.is_none_or(|client| user(client) == user(by));
    let allowed = itself(step.publish.as_ref().and_then(|publish| publish.owner.as_ref()))
        && itself(step.stock.as_ref().and_then(|stock| stock.of.as_ref()))
        && itself(step.notifications.as_ref().and_then(|feed| feed.of.as_ref()))
        && itself(step.packages.as_ref().and_then(|packages| packages.of.as_ref()))
        && same_user(step.add_key.as_ref().map(|add| &add.client))
        && same_user(step.extend_key.as_ref().map(|extend| &extend.client))
        && same_user(step.remove_key.as_ref().map(|remove| &remove.client))
        && same_user(step.remove_client.as_ref().map(|remove| &remove.client))
        && same_user(step.block.as_ref().or(step.unblock.as_ref()).and_then(|block| block.owner.as_ref()))
        && same_user(step.blocks.as_ref().and_then(|blocks| blocks.of.as_ref()));
    if !allowed {
        return Some(Why::Authorisation);
    }
    step.add_key.as_ref().filter(|add| add.forged_possession).map(|_| Why::Possession)
}

fn by(step: &Step) -> Option<&String> {
    let all = [
        step.publish.as_ref().map(|it| &it.by),
        step.claim.as_ref().map(|it| &it.by),
        step.withdraw.as_ref().map(|it| &it.by),
        step.stock.as_ref().map(|it| &it.by),
        step.notifications.as_ref().map(|it| &it.by),
        step.acknowledge.as_ref().map(|it| &it.by),
        step.add_key.as_ref().map(|it| &it.by),
        step.extend_key.as_ref().map(|it| &it.by),
        step.remove_key.as_ref().map(|it| &it.by),
        step.remove_client.as_ref().map(|it| &it.by),
        step.packages.as_ref().map(|it| &it.by),
        step.block.as_ref().map(|it| &it.by),
        step.unblock.as_ref().map(|it| &it.by),
        step.blocks.as_ref().map(|it| &it.by),
    ];
    all.into_iter().flatten().next()
}

/// What the bytes of a publication are.
enum Bytes {
    /// As the model has them.
    Good,
    /// Unusual in what the model does not know, and to be accepted all the same.
    Odd,
    /// To be refused for what the model does not know.
    Wrong(Why),
}

fn bytes(vector: &Vector, publish: &Publish) -> Bytes {
    let recipes: Vec<_> = publish.key_packages.iter().filter_map(|name| vector.key_packages.get(name)).collect();
    let contradicted = publish
        .declared
        .is_some_and(|declared| recipes.iter().any(|recipe| recipe.last_resort != (declared == Role::LastResort)));
    if contradicted || recipes.iter().any(|recipe| recipe.flaw.is_some_and(|flaw| flaw != Flaw::Grease)) {
        return Bytes::Wrong(Why::Bytes);
    }
    if recipes.iter().any(|recipe| recipe.identity_of.is_some()) {
        return Bytes::Wrong(Why::Identity);
    }
    let odd = |recipe: &&Recipe| {
        recipe.framed || recipe.flaw.is_some() || (recipe.last_resort && recipe.mark == Mark::Component)
    };
    if recipes.iter().any(odd) { Bytes::Odd } else { Bytes::Good }
}
