//! Steps that do something to the server from outside, and the wait until it answers again.

use std::{sync::atomic::Ordering, time::Duration};

use tokio::time::Instant;

use crate::{
    binding::{Hook, render::Variables},
    recording::{Broken, Observed, Seen},
    run::{Server, hooks, perform::Performed, transport::Lane, vector_run::Runner, world::World},
};

/// A server that takes longer to begin is not waited for.
const READY_AT_MOST: Duration = Duration::from_secs(30);

/// Whoever watches over a server has started it again by then.
const BACK_AT_MOST: Duration = Duration::from_secs(8);

const BETWEEN: Duration = Duration::from_millis(20);

/// Whoever says nothing for so long is silent.
const SOON: Duration = Duration::from_secs(4);

impl Runner<'_> {
    pub(super) async fn act_from_outside(&self, hook: Hook, world: &World) -> Result<Performed, Broken> {
        let begun = self.begun.elapsed();
        self.server.act(hook).await?;
        let mut done = Performed::locally(says(hook).into(), Observed::Ok(Seen::Done {}), self.begun, world);
        // It took effect at some moment since.
        done.recorded.sent = begun;
        Ok(done)
    }
}

impl Server {
    /// Does something to it from outside, and waits until that has come about.
    pub(crate) async fn act(&self, hook: Hook) -> Result<(), Broken> {
        let name = hooks::name(hook);
        let nobody = || Broken::Suite(format!("nobody is there to {name} the server"));
        let hooks = self.hooks.as_ref().filter(|hooks| hooks.has(hook)).ok_or_else(nobody)?;
        let begun = Instant::now();
        hooks.run(hook, self.hook_variables()).await.map_err(Broken::Setup)?;
        match hook {
            Hook::Kill => {
                self.dying.store(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
                let killed = self.until(Wanted::Silent, "it answers on, though the hook kill was run").await;
                killed.map_err(Broken::Setup)
            }
            Hook::Start | Hook::Restart | Hook::Restore => {
                let begun = self.until(Wanted::Ready, &format!("it does not answer after the hook {name}")).await;
                begun.map_err(Broken::Gone)
            }
            Hook::Snapshot | Hook::Clock => Ok(()),
        }
    }

    /// Moves its clock, and the suite's with it.
    pub(crate) async fn move_clock(&self, seconds: u64) -> Result<(), Broken> {
        let hooks = self.hooks.as_ref().filter(|hooks| hooks.has(Hook::Clock));
        let hooks = hooks.ok_or_else(|| Broken::Suite("nobody is there to move the server's clock".into()))?;
        let ahead = self.ahead.load(Ordering::Relaxed).saturating_add(seconds);
        let mut variables = self.hook_variables();
        variables.extend([("seconds".into(), seconds.into()), ("ahead".into(), ahead.into())]);
        hooks.run(Hook::Clock, variables).await.map_err(Broken::Setup)?;
        self.ahead.store(ahead, Ordering::Relaxed);
        Ok(())
    }

    fn hook_variables(&self) -> Variables {
        let mut variables = self.variables.clone();
        variables.extend(self.endpoints.first().map(|endpoint| ("target".into(), endpoint.as_str().into())));
        variables
    }

    /// Waits until it answers, for as long as a server may take to begin.
    ///
    /// # Errors
    ///
    /// If it does not.
    pub async fn begun(&self) -> Result<(), String> {
        self.until(Wanted::Ready, "it does not answer").await
    }

    /// Waits until a server that has gone by itself answers again.
    pub(super) async fn comes_back(&self) -> Result<(), String> {
        self.so_long(BACK_AT_MOST, Wanted::Ready, "it does not answer").await
    }

    /// Waits until the server answers on a lane, whose connection may have to be made anew.
    pub(super) async fn answers_on(&self, lane: &Lane) -> Result<(), String> {
        self.until(Wanted::On(lane), "it does not answer again").await
    }

    /// Waits for that, for as long as a server may take to begin.
    async fn until(&self, wanted: Wanted<'_>, otherwise: &str) -> Result<(), String> {
        self.so_long(READY_AT_MOST, wanted, otherwise).await
    }

    async fn so_long(&self, at_most: Duration, wanted: Wanted<'_>, otherwise: &str) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            let came = match wanted {
                Wanted::Ready => self.ready().await,
                Wanted::Silent => self.silent().await,
                Wanted::On(lane) => self.alive(lane).await,
            };
            match came {
                Ok(()) => return Ok(()),
                Err(why) if begun.elapsed() > at_most => {
                    return Err(format!("{otherwise}, {} s long: {why}", at_most.as_secs()));
                }
                Err(_) => tokio::time::sleep(BETWEEN).await,
            }
        }
    }

    /// Whether no endpoint answers.
    async fn silent(&self) -> Result<(), String> {
        for endpoint in &self.endpoints {
            // New connections each time: those of before lead nowhere.
            if self.alive(&Lane::new(endpoint, self.timeout.min(SOON))?).await.is_ok() {
                return Err(format!("{endpoint} answers"));
            }
        }
        Ok(())
    }
}

/// What is waited for.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    /// Every endpoint answers.
    Ready,
    /// None does.
    Silent,
    /// The server answers on a connection.
    On(&'a Lane),
}

fn says(hook: Hook) -> &'static str {
    match hook {
        Hook::Kill => "the server is killed",
        Hook::Start => "the server is started again",
        Hook::Restart => "the server is restarted",
        Hook::Snapshot => "the operator makes a backup",
        Hook::Restore => "the operator restores the backup",
        Hook::Clock => "the server's clock is moved",
    }
}
