//! Starting a directory on a socket, and stopping it.

mod activity;
mod connection;
mod listening;
mod observe;
mod operations;

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use sha2::{Digest, Sha256};
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    auth::Gate,
    config::{Config, HttpLimits},
    extract::{App, Shared},
    federation::Resolver,
    logs::TARGET,
    metrics::Metrics,
    routes::{operators_router, router},
    seams::Seams,
    service::{Directory, Fenced, NotDone},
    store::Stores,
    tls::{Tls, TlsError},
    wire::PolicyShape,
};
use connection::Service;

pub(crate) use connection::OverTls;
pub(crate) use observe::observe;
pub(crate) use operations::Operations;

/// A directory that runs; it ends when this is dropped.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    fenced: Option<Fenced>,
    metrics_address: Option<SocketAddr>,
    tls: Option<Arc<Tls>>,
    stopping: watch::Sender<bool>,
    closing: watch::Sender<bool>,
    serving: JoinHandle<()>,
    /// Ends all waiting when it closes.
    ending: JoinHandle<()>,
    /// Serves metrics and collects, until the end.
    aside: Vec<Aside>,
    patience: Duration,
}

/// A task that ends with its owner.
#[derive(Debug)]
struct Aside(JoinHandle<()>);

impl Drop for Aside {
    fn drop(&mut self) {
        self.0.abort();
    }
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
    /// The certificate or its key.
    #[error("{0}")]
    Tls(#[from] TlsError),
    /// The store failed before all of it was fenced; start again, and fence again.
    #[error("cannot fence the store: {0}")]
    Fence(#[source] NotDone<Infallible>),
    /// Other servers cannot be asked.
    #[error("no HTTPS client for other servers: {0}")]
    Federation(String),
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
    let tls = config.tls.clone().map(Tls::load).transpose()?.map(Arc::new);
    let (listener, address) = listening::bind(config.address).await?;
    let (limits, patience) = (config.http, Duration::from_secs(config.shutdown_seconds));
    let metrics = Metrics::new();
    let (stopping, is_stopping) = watch::channel(false);
    let (closing, is_closing) = watch::channel(false);
    let operators = match config.metrics_address {
        Some(address) => Some(listening::bind(address).await?),
        None => None,
    };
    let operations = Operations {
        http: limits,
        metrics: Arc::clone(&metrics),
        shows_metrics: operators.is_none(),
        stores: stores.clone(),
        stopping: is_stopping,
    };
    let fence = config.fence;
    let (router, app) = router(shared(metrics.measured(stores), config, operations)?);
    let fenced = if fence { Some(app.directory.fence_all().await.map_err(StartError::Fence)?) } else { None };
    let metrics_address = operators.as_ref().map(|(_, address)| *address);
    let mut aside = vec![task(collect_again_and_again(Arc::clone(&app)))];
    let ending = tokio::spawn(end_waiting_with(is_closing.clone(), Arc::clone(&app)));
    if let Some((listener, _)) = operators {
        let router = operators_router(app);
        let (limits, metrics) = (HttpLimits { connections_max: OPERATORS_MAX, ..limits }, Arc::clone(&metrics));
        let service = Service { router, limits, tls: None, metrics, closing: is_closing.clone() };
        aside.push(task(listening::listen(listener, service)));
    }
    let service = Service { router, limits, tls: tls.clone(), metrics, closing: is_closing };
    let serving = tokio::spawn(listening::listen(listener, service));
    Ok(Running { address, fenced, metrics_address, tls, stopping, closing, serving, ending, aside, patience })
}

fn task(work: impl Future<Output = ()> + Send + 'static) -> Aside {
    Aside(tokio::spawn(work))
}

/// Who waits for notifications is answered when the server stops: nobody's patience is to keep it from that.
async fn end_waiting_with(mut closing: watch::Receiver<bool>, app: App) {
    // An error means that `Running` was dropped: that stops the server, too.
    let _ = closing.wait_for(|closing| *closing).await;
    app.directory.end_waiting();
}

/// A directory without a socket and without a clock of its own.
#[cfg(any(test, fuzzing))]
pub(crate) fn in_process(config: Config) -> Result<(axum::Router, App), StartError> {
    let (stores, metrics) = (Stores::in_memory(), Metrics::new());
    let (http, stopping) = (config.http, watch::channel(false).1);
    let operations = Operations { http, metrics, shows_metrics: true, stores: stores.clone(), stopping };
    Ok(router(shared(stores, config, operations)?))
}

async fn collect_again_and_again(app: App) {
    loop {
        tokio::time::sleep(COLLECTION_PERIOD).await;
        app.directory.collect_kept().await;
    }
}

fn shared(stores: Stores, config: Config, operations: Operations) -> Result<Shared, StartError> {
    let seams = config.mutant.map_or(Seams::HONEST, |mutant| mutant.seams);
    let window = config.signature_window_seconds;
    let directory = Directory::with_seams(stores, config.policy, seams);
    let federation = config.federation.map(|federation| {
        let resolver = Resolver::new(federation.bounds, &federation.insecure_loopback);
        resolver.map(|resolver| (federation.domain, resolver))
    });
    let federation = federation.transpose().map_err(StartError::Federation)?;
    Ok(Shared {
        policy: PolicyShape::new(directory.policy(), config.http.body_bytes_max, window),
        directory,
        gate: Gate::new(config.origin, window, federation),
        operator_token_digest: Sha256::digest(config.operator_token).into(),
        document: String::new(),
        operations,
    })
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was fenced before it began to serve, if that was asked for.
    #[must_use]
    pub fn fenced(&self) -> Option<Fenced> {
        self.fenced
    }

    /// Where it shows its metrics, if not at [`address`](Self::address).
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Reads certificate and key again, for connections from now on; without TLS it does nothing.
    ///
    /// # Errors
    ///
    /// Where the files are wrong; the former ones stay in use.
    pub fn reload_tls(&self) -> Result<(), TlsError> {
        self.tls.as_ref().map_or(Ok(()), |tls| tls.reload())
    }

    /// Says at `/readyz` that it is going to stop, and goes on answering.
    pub fn announce_stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Stops: no new connections, and the requests under way are answered, if that does not take too long.
    pub async fn shutdown(self) {
        self.announce_stop();
        let Self { closing, mut serving, ending, aside, patience, .. } = self;
        closing.send_replace(true);
        if tokio::time::timeout(patience, &mut serving).await.is_err() {
            let seconds = patience.as_secs();
            tracing::warn!(target: TARGET, seconds, "requests were under way for too long, and are cut off");
            serving.abort();
            // Its end, not only the wish for it: nothing is served after this.
            let _ = serving.await;
        }
        // Until these have ended, too, the store is in use.
        let _ = ending.await;
        for mut task in aside {
            task.0.abort();
            let _ = (&mut task.0).await;
        }
    }
}

/// What is over is forgotten so much later.
const COLLECTION_PERIOD: Duration = Duration::from_secs(10 * 60);

/// Connections to the address of the metrics.
const OPERATORS_MAX: usize = 64;
