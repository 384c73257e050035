//! The reference server as a process of its own, over a file: it can be killed, started, backed up and restored.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    binding::{Hook, render::Variables, scalar::text_of},
    run::hooks::{Done, Hooks},
};

/// `kpd serve` in a folder of its own; the process and the folder end with it.
#[derive(Clone, Debug)]
pub(crate) struct Killable(Arc<Place>);

#[derive(Debug)]
struct Place {
    folder: PathBuf,
    address: String,
    operator_token: String,
    mutant: Option<&'static str>,
    process: Mutex<Option<Child>>,
}

impl Killable {
    /// Starts it, whole or with a mutation, by the program that runs now.
    pub(crate) fn start(mutant: Option<&'static str>) -> Result<Self, String> {
        let said = |error: std::io::Error| format!("the reference server over a file: {error}");
        let name = format!("kpd-{}-{:016x}", std::process::id(), rand::random::<u64>());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).map_err(said)?;
        // Whoever takes this port before the server does makes it fail to start, and that is told.
        let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).map_err(said)?.to_string();
        let operator_token = format!("{:032x}", rand::random::<u128>());
        let killable = Self(Arc::new(Place { folder, address, operator_token, mutant, process: Mutex::default() }));
        killable.0.begin(false)?;
        Ok(killable)
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// What its operator's requests carry.
    pub(crate) fn operator_token(&self) -> &str {
        &self.0.operator_token
    }
}

impl Hooks for Killable {
    fn has(&self, _: Hook) -> bool {
        true
    }

    fn run(&self, hook: Hook, variables: Variables) -> Done {
        let place = Arc::clone(&self.0);
        Box::pin(async move {
            match hook {
                Hook::Kill => place.kill(),
                Hook::Start => place.begin(false),
                Hook::Restart => {
                    place.stop().await?;
                    place.begin(false)
                }
                Hook::Snapshot => place.back_up().await,
                Hook::Clock => place.go_ahead(&variables),
                Hook::Restore => {
                    place.kill()?;
                    fs::copy(place.backup(), place.store()).map_err(|error| format!("restoring: {error}"))?;
                    // As its operator has to.
                    place.begin(true)
                }
            }
        })
    }
}

impl Place {
    fn store(&self) -> PathBuf {
        self.folder.join("store.kpd")
    }

    /// By how much its clock goes ahead of the machine's.
    fn clock(&self) -> PathBuf {
        self.folder.join("clock")
    }

    fn go_ahead(&self, variables: &Variables) -> Result<(), String> {
        let ahead = variables.get("ahead").map(text_of).unwrap_or_default();
        // Whole at once: the server reads it whenever it is asked what time it is.
        let new = self.folder.join("clock.new");
        let written = fs::write(&new, ahead).and_then(|()| fs::rename(new, self.clock()));
        written.map_err(|error| format!("moving the clock: {error}"))
    }

    fn backup(&self) -> PathBuf {
        self.folder.join("backup.kpd")
    }

    /// Whoever calls waits until it answers.
    fn begin(&self, fenced: bool) -> Result<(), String> {
        let program = std::env::current_exe().map_err(|error| format!("which program is this? {error}"))?;
        let mut command = Command::new(program);
        command.args(["serve", "--address", &self.address, "--operator-token", &self.operator_token]);
        command.arg("--store").arg(format!("file:{}", self.store().display()));
        command.arg("--test-clock").arg(self.clock());
        command.args(["--pair-limit", PAIR_LIMIT, "--requester-limit", REQUESTER_LIMIT, "--log-format", "off"]);
        command.args(self.mutant.iter().flat_map(|mutant| ["--mutant", mutant]));
        command.args(fenced.then_some("--fence"));
        // What stands there for a binding, or for another server, is no setting of this one.
        let others = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KPD_"));
        for (name, _) in others {
            command.env_remove(name);
        }
        let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let started = started.map_err(|error| format!("the reference server cannot be started: {error}"))?;
        *self.process() = Some(started);
        Ok(())
    }

    /// With SIGKILL, where there is such a thing; gone when this returns.
    fn kill(&self) -> Result<(), String> {
        let Some(mut process) = self.process().take() else { return Ok(()) };
        let killed = process.kill().and_then(|()| process.wait());
        killed.map(drop).map_err(|error| format!("the reference server cannot be killed: {error}"))
    }

    /// As it is stopped for an update: it answers whoever is on the way first.
    async fn stop(&self) -> Result<(), String> {
        self.terminate()?;
        let begun = Instant::now();
        while begun.elapsed() < STOPS_WITHIN {
            let ended = match self.process().as_mut().map(Child::try_wait) {
                Some(ended) => ended.map_err(|error| format!("the reference server cannot be waited for: {error}"))?,
                None => return Ok(()),
            };
            if let Some(status) = ended {
                *self.process() = None;
                let otherwise = || Err(format!("the reference server was told to stop, and ended with {status}"));
                return if status.success() { Ok(()) } else { otherwise() };
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err(format!("the reference server was told to stop, and has not {} s later", STOPS_WITHIN.as_secs()))
    }

    #[cfg(unix)]
    fn terminate(&self) -> Result<(), String> {
        use rustix::process::{Pid, Signal, kill_process};
        let process = self.process();
        let Some(pid) = process.as_ref().and_then(|process| Pid::from_raw(process.id().cast_signed())) else {
            return Ok(());
        };
        kill_process(pid, Signal::TERM).map_err(|error| format!("the reference server cannot be told to stop: {error}"))
    }

    /// Nothing else is there to tell it by.
    #[cfg(not(unix))]
    fn terminate(&self) -> Result<(), String> {
        self.kill()
    }

    async fn back_up(&self) -> Result<(), String> {
        let url = format!("http://{}/v1/operator/backups", self.address);
        let said = |error: reqwest::Error| format!("POST {url}: {error}");
        let client = reqwest::Client::builder().no_proxy().build().map_err(said)?;
        let answer = client.post(&url).bearer_auth(&self.operator_token).send().await;
        let answer = answer.and_then(reqwest::Response::error_for_status).map_err(said)?;
        let bytes = answer.bytes().await.map_err(said)?;
        let answer: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| format!("{url}: {error}"))?;
        let name = answer["name"].as_str().ok_or_else(|| format!("{url} names no file: {answer}"))?;
        let made = self.folder.join(Path::new(name).file_name().unwrap_or_default());
        fs::rename(made, self.backup()).map_err(|error| format!("the backup {name}: {error}"))
    }

    /// Nothing panics while it holds the lock.
    fn process(&self) -> MutexGuard<'_, Option<Child>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What cannot be cleaned up lies where the system cleans up.
        let _ = self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Few claims, that count for longer than any restart takes: what is looked at here is whether they still count after one.
const PAIR_LIMIT: &str = "15/600";
const REQUESTER_LIMIT: &str = "20/600";

/// More than it takes to answer who is on the way.
const STOPS_WITHIN: Duration = Duration::from_secs(20);
