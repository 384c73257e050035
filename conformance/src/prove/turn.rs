//! What a step asks of the model, and what about it the model cannot say: a closed list, told by the step itself.

use std::{collections::BTreeMap, fmt};

use kpd_model::{
    history::State,
    names::{Sequence, User},
    spec::Op,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
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
    /// Flaws, marks, frames and unknown values in the bytes of a KeyPackage.
    Bytes,
    /// A random order, which only chance tells from another one.
    Chance,
    /// The headers of an answer.
    Headers,
    /// Groups that are joined.
    Groups,
    /// The identity in a credential.
    Identity,
    /// HTTP methods.
    Methods,
    /// Operations that the model does not have.
    Operations,
    /// Proofs that a signature key is held, and enrolment tokens.
    Possession,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authentication => "authentication",
            Self::Authorisation => "authorisation",
            Self::Bytes => "bytes",
            Self::Chance => "chance",
            Self::Headers => "headers",
            Self::Groups => "groups",
            Self::Identity => "identity",
            Self::Methods => "methods",
            Self::Operations => "operations",
            Self::Possession => "possession",
        })
    }
}

/// What a step asks of the model.
pub(super) enum Turn {
    /// An operation of the model; something beside it may not be the model's.
    Asked { op: Op, beside: Option<Why> },
    /// A user's keys, which the model's state has.
    Keys(User),
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

/// Why the model can say nothing at all about a vector: where one step is not the model's and can change anything, or
/// each answer is drawn by chance and only all of them together are looked at.
pub(super) fn all_outside(vector: &Vector) -> Option<Why> {
    let known = |step: &Step| OPERATIONS.contains(&step.operation()) && !goes_beyond(step);
    if vector.needs.contains(&Capability::RandomSelection) {
        Some(Why::Chance)
    } else if vector.needs.contains(&Capability::LowWater) || vector.all_steps().any(|(_, step)| !known(step)) {
        Some(Why::Operations)
    } else {
        None
    }
}

/// Whether a step asks more of an operation than the model knows of it.
fn goes_beyond(step: &Step) -> bool {
    step.publish.as_ref().is_some_and(|publish| publish.replace)
        || step.claim.as_ref().is_some_and(|claim| claim.until.is_some())
        || step.keys.as_ref().is_some_and(|keys| keys.history)
        || step.add_key.as_ref().is_some_and(|add| add.expires_in.is_some() || add.named.is_some())
}

/// What [`turn`] knows what to do with.
const OPERATIONS: [&str; 12] = [
    "publish",
    "claim",
    "withdraw",
    "stock",
    "notifications",
    "acknowledge",
    "keys",
    "add_key",
    "remove_key",
    "join",
    "await_expiry",
    "recall",
];

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
    if let Some(keys) = &step.keys {
        return Turn::Keys(names.user(&keys.of));
    }
    if let Some(recalled) = &step.recall {
        return Turn::Recalled(recalled.iter().map(|name| name.trim_start_matches('$').to_string()).collect());
    }
    let op = match op(names, step, saved) {
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
    Turn::Asked { op, beside: beside.or(headers.then_some(Why::Headers)) }
}

/// The operation, with what was saved in its place.
fn op(names: &Names<'_>, step: &Step, saved: &BTreeMap<String, Value>) -> Result<Op, String> {
    let cursor = |name: &String| -> Result<Sequence, String> {
        let value = saved.get(name.trim_start_matches('$')).and_then(Value::as_u64);
        value.ok_or_else(|| name.clone())
    };
    let nobody = || "an unknown name".to_string();
    if let Some(feed) = &step.notifications {
        let client = names.client(feed.of.as_ref().unwrap_or(&feed.by)).ok_or_else(nobody)?;
        return Ok(Op::Notifications { client, after: feed.after.as_ref().map_or(Ok(0), cursor)? });
    }
    if let Some(acknowledge) = &step.acknowledge {
        let client = names.client(&acknowledge.by).ok_or_else(nobody)?;
        return Ok(Op::Acknowledge { client, through: cursor(&acknowledge.through)? });
    }
    names.op(step).ok_or_else(nobody)
}

/// Why whoever asks is not listened to.
fn not_allowed(vector: &Vector, names: &Names<'_>, step: &Step, state: &State) -> Option<Why> {
    let proof = step.publish.as_ref().map(|it| it.proof).or(step.claim.as_ref().map(|it| it.proof));
    let forged_token = step.add_key.as_ref().is_some_and(|add| add.forged_token);
    let by = by(step)?;
    let listed = names.client(by).is_some_and(|client| state.client_exists(client));
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
        && same_user(step.add_key.as_ref().map(|add| &add.client))
        && same_user(step.remove_key.as_ref().map(|remove| &remove.client));
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
        step.remove_key.as_ref().map(|it| &it.by),
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
