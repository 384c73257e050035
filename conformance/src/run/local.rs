//! Steps that no server takes part in: a group is joined, a moment is awaited, saved values are looked at.

use std::time::Duration;

use serde_json::Value;

use crate::{
    mls::groups::Joined,
    recording::{Broken, Observed, Seen},
    run::{perform::Performed, vector_run::Runner, world::World},
    vector::{AwaitExpiry, AwaitKeyExpiry, AwaitRetry, Join, Step, expect::Reason},
};

/// A server that asks for more patience than this leaves a vector undecided. Seconds.
const RETRY_AFTER_MAX: u64 = 120;

impl Runner<'_> {
    /// Does the step, where no server takes part in it.
    pub(super) async fn locally(&self, step: &Step, world: &World) -> Result<Option<Performed>, Broken> {
        if let Some(hook) = step.hook() {
            return self.act_from_outside(hook, world).await.map(Some);
        }
        let done = |says: String| Performed::locally(says, Observed::Ok(Seen::Done {}), self.begun, world);
        if let Some(join) = &step.join {
            return self.join(join, world).map(Some);
        }
        if let Some(awaited) = &step.await_expiry {
            return self.await_expiry(awaited, world).await.map(done).map(Some);
        }
        if let Some(awaited) = &step.await_key_expiry {
            return self.await_key_expiry(awaited, world).await.map(done).map(Some);
        }
        if let Some(awaited) = &step.await_retry {
            return self.await_retry(awaited, world).await.map(done).map(Some);
        }
        Ok(step.recall.as_ref().map(|names| self.recall(names, world)))
    }

    fn recall(&self, names: &[String], world: &World) -> Performed {
        let values: Option<_> =
            names.iter().map(|name| world.saved.get(name.trim_start_matches('$')).cloned()).collect();
        let observed = values.map_or_else(
            || Observed::Unexpected("an earlier answer did not have all of it".into()),
            |values| Observed::Ok(Seen::Recalled(values)),
        );
        Performed::locally(format!("{} together", names.join(", ")), observed, self.begun, world)
    }

    fn join(&self, join: &Join, world: &World) -> Result<Performed, Broken> {
        let suite = |why: &str| Broken::Suite(format!("join: {why}"));
        let name = match join.key_package.strip_prefix('$') {
            Some(saved) => {
                world.saved.get(saved).and_then(Value::as_str).ok_or_else(|| suite("nothing was granted"))?
            }
            None => &join.key_package,
        };
        let says = format!("{} starts a group with {name}, and its owner joins by the Welcome", join.by);
        let Some(recipe) = self.vector.key_packages.get(name) else {
            // What was granted is nothing that anybody published: nobody has its private half.
            let observed = Observed::Unexpected("no client published what was granted".into());
            return Ok(Performed::locally(says, observed, self.begun, world));
        };
        let owner = world.actor(self.vector, &recipe.client).ok_or_else(|| suite("its owner is not here"))?;
        let by = world.actor(self.vector, &join.by).ok_or_else(|| suite("its requester is not here"))?;
        let granted = world.packages.get(name).ok_or_else(|| suite("it has copies: join by what was granted"))?;
        let observed = match by.mls.invite(&owner.mls, &granted.bare) {
            Joined::Yes => Observed::Ok(Seen::Done {}),
            Joined::NoMatchingKeyPackage => Observed::Refused(Reason::NoMatchingKeyPackage),
            Joined::Failed(why) => Observed::Unexpected(why),
        };
        Ok(Performed::locally(says, observed, self.begun, world))
    }

    async fn await_expiry(&self, awaited: &AwaitExpiry, world: &World) -> Result<String, Broken> {
        let lifetime = self.vector.key_packages.get(&awaited.key_package).and_then(|recipe| recipe.not_after);
        let moved = self.past(world.absolute(lifetime.unwrap_or_default())).await?;
        Ok(format!("{} expires{moved}", awaited.key_package))
    }

    async fn await_key_expiry(&self, awaited: &AwaitKeyExpiry, world: &World) -> Result<String, Broken> {
        let client = self.vector.client(&awaited.client);
        let expiry = client.and_then(|client| world.key_expiries.get(&client).copied());
        let never = || Broken::Suite(format!("the server took no expiry for the key of {}", awaited.client));
        let moved = self.past(expiry.ok_or_else(never)?).await?;
        Ok(format!("the signature key of {} expires{moved}", awaited.client))
    }

    /// Waits exactly as long as the server said: that it keeps its word is the question.
    async fn await_retry(&self, awaited: &AwaitRetry, world: &World) -> Result<String, Broken> {
        let seconds = patience(&awaited.from, world.saved.get(awaited.from.trim_start_matches('$')))?;
        if self.server.has_clock() {
            self.server.move_clock(seconds).await?;
            return Ok(format!("{seconds} s pass, as the refusal said{MOVED}"));
        }
        self.wait(tokio::time::sleep(Duration::from_secs(seconds))).await;
        Ok(format!("{seconds} s pass, as the refusal said"))
    }

    /// Waits until a moment has certainly passed by a clock that differs from ours by less than a second, or moves the
    /// server's there; what is to be said of it.
    async fn past(&self, moment: u64) -> Result<&'static str, Broken> {
        let passed = moment.saturating_add(1);
        if self.server.has_clock() {
            let left = passed.saturating_sub(self.server.now());
            if left > 0 {
                self.server.move_clock(left).await?;
            }
            return Ok(MOVED);
        }
        let wait = async {
            while self.server.now() < passed {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        self.wait(wait).await;
        Ok("")
    }

    async fn wait(&self, wait: impl Future<Output = ()>) {
        match self.place {
            Some(place) => place.left_for(wait).await,
            None => wait.await,
        }
    }
}

/// How a report tells it from real waiting.
const MOVED: &str = " (its clock is moved)";

fn patience(name: &str, told: Option<&Value>) -> Result<u64, Broken> {
    match told.and_then(Value::as_u64) {
        None => Err(Broken::Suite(format!("{name} is no number of seconds that a refusal told"))),
        Some(seconds) if seconds > RETRY_AFTER_MAX => Err(Broken::TooSlow(format!(
            "the server says to ask again in {seconds} s, and the suite waits {RETRY_AFTER_MAX} s at most"
        ))),
        Some(seconds) => Ok(seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_has_an_end_and_is_had_for_numbers_only() {
        let told = |value: Value| patience("$wait", Some(&value));
        assert_eq!((told(0.into()), told(120.into())), (Ok(0), Ok(120)));
        let absurd = "the server says to ask again in 31536000 s, and the suite waits 120 s at most";
        assert_eq!(told(31_536_000.into()), Err(Broken::TooSlow(absurd.into())));
        let nothing = Err(Broken::Suite("$wait is no number of seconds that a refusal told".into()));
        assert_eq!((told("3".into()), told((-1).into())), (nothing.clone(), nothing.clone()));
        assert_eq!(patience("$wait", None), nothing);
    }
}
