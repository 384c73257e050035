//! Starting a directory on a socket, and stopping it.

use std::{net::SocketAddr, time::Duration};

use kpd_directory::{
    Policy,
    policy::{Limit, Limits},
};
use sha2::{Digest as _, Sha256};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::{
    auth::{Gate, Origin},
    extract::{App, BODY_BYTES_MAX, Shared},
    mutants::Mutant,
    routes::router,
    seams::Seams,
    service::Directory,
    store::Stores,
    wire::PolicyShape,
};

/// How a directory is to run.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// What the operator shows to let users in.
    pub operator_token: String,
    /// The limits.
    pub policy: Policy,
    /// How old a signed request may be, or how far ahead of our clock.
    pub signature_window_seconds: u64,
    /// The origin under which clients know this server; without it, what the request says (see [`Origin`]).
    pub origin: Option<Origin>,
    /// Breaks one rule on purpose.
    pub mutant: Option<Mutant>,
}

/// A directory that runs.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

/// Why a directory does not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, not ours, or not allowed.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        error: std::io::Error,
    },
}

impl Config {
    /// A directory on a free port of the loopback interface, with the default policy but for its limits: 40 claims of a
    /// requester from a user in 4 seconds, so that a refusal and its end can be seen in seconds, and no limit for a
    /// requester over all users.
    #[must_use]
    pub fn new(operator_token: impl Into<String>) -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            operator_token: operator_token.into(),
            policy: Policy { limits: LOOPBACK_LIMITS, ..Policy::default() },
            signature_window_seconds: 60,
            origin: None,
            mutant: None,
        }
    }
}

/// Starts a directory that keeps its histories in memory.
///
/// # Errors
///
/// See [`StartError`].
pub async fn start(config: Config) -> Result<Running, StartError> {
    start_over(Stores::in_memory(), config).await
}

/// Starts a directory over stores; others may run over the same ones.
///
/// # Errors
///
/// See [`StartError`].
pub async fn start_over(stores: Stores, config: Config) -> Result<Running, StartError> {
    let listening = |error| StartError::Listen { address: config.address, error };
    let listener = TcpListener::bind(config.address).await.map_err(listening)?;
    let address = listener.local_addr().map_err(listening)?;
    let (router, app) = router(shared(stores, config));
    let (stop, stopped) = oneshot::channel::<()>();
    let serve = axum::serve(listener, router).with_graceful_shutdown(async {
        // An error means that `Running` was dropped: that stops the server, too.
        let _ = stopped.await;
    });
    let serving = tokio::spawn(async move {
        tokio::select! {
            // It cannot fail: `axum::serve` goes on after errors of single connections.
            _ = serve.into_future() => {}
            () = collect_again_and_again(app) => {}
        }
    });
    Ok(Running { address, stop, serving })
}

/// A directory without a socket and without a clock of its own.
#[cfg(any(test, fuzzing))]
pub(crate) fn in_process(config: Config) -> (axum::Router, App) {
    router(shared(Stores::in_memory(), config))
}

async fn collect_again_and_again(app: App) {
    loop {
        tokio::time::sleep(COLLECTION_PERIOD).await;
        app.directory.collect_kept().await;
    }
}

fn shared(stores: Stores, config: Config) -> Shared {
    let seams = config.mutant.map_or(Seams::HONEST, |mutant| mutant.seams);
    let window = config.signature_window_seconds;
    let directory = Directory::with_seams(stores, config.policy, seams);
    Shared {
        policy: PolicyShape::new(directory.policy(), BODY_BYTES_MAX, window),
        directory,
        gate: Gate::new(config.origin, window),
        operator_token_digest: Sha256::digest(config.operator_token).into(),
        document: String::new(),
    }
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops: no new connections, and the requests under way are answered, if that does not take too long.
    pub async fn shutdown(self) {
        let Self { stop, serving, .. } = self;
        drop(stop);
        let abort = serving.abort_handle();
        if tokio::time::timeout(PATIENCE, serving).await.is_err() {
            abort.abort();
        }
    }
}

const LOOPBACK_LIMITS: Limits = Limits { requester: None, pair: Some(Limit { claims: 40, seconds: 4 }) };

/// What is over is forgotten so much later.
const COLLECTION_PERIOD: Duration = Duration::from_secs(10 * 60);

const PATIENCE: Duration = Duration::from_secs(5);
