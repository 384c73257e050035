//! Starts the reference server for the occasion: the one place of the suite that knows it.

mod killable;

use kpd_server::{Config, Limit, Limits, Policy, Running};

pub(crate) use killable::Killable;
pub(crate) use kpd_server::Mutant;

/// Few enough claims to be made while they count, even on a busy machine, and over soon enough to be waited for. Vectors
/// that are not about limits claim less. That of a requester is out of reach for one who claims of a single user, or else
/// it would hide that the other one is missing.
const LIMITS: Limits = Limits {
    requester: Some(Limit { claims: 110, seconds: 60 }),
    server: None,
    pair: Some(Limit { claims: 15, seconds: 6 }),
};

/// A reference server on a free port of this machine.
pub(crate) struct Embedded {
    running: Running,
    operator_token: String,
}

impl Embedded {
    /// Starts it, whole or with a mutation.
    pub(crate) async fn start(mutant: Option<Mutant>) -> Result<Self, String> {
        let operator_token = format!("{:032x}", rand::random::<u128>());
        let policy = Policy { limits: LIMITS, ..Policy::default() };
        let config = Config { mutant, policy, ..Config::new(operator_token.clone()) };
        let running =
            kpd_server::start(config).await.map_err(|error| format!("cannot start the reference server: {error}"))?;
        Ok(Self { running, operator_token })
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.running.address())
    }

    /// What its operator's requests carry.
    pub(crate) fn operator_token(&self) -> &str {
        &self.operator_token
    }

    /// Stops it once its last answers are out.
    pub(crate) async fn stop(self) {
        self.running.shutdown().await;
    }
}
