//! The reference KeyPackage directory over HTTP: it moves bytes, keeps time and appends events; every rule is the core's.
//!
//! Read in this order: [`store`] (histories), `views` (what they lead to), `seams` (where mutants may lie), [`service`]
//! (load, decide, append), `auth` (who asks), [`federation`] (who vouches for users of other servers), `wire` (shapes),
//! `extract` (from a request to its parts), `problem` and `status` (what a refusal is in HTTP), `routes`, [`config`] and
//! [`logs`] (what an operator sets), [`metrics`], `tls`, [`serve`], [`mutants`].

pub mod clock;

pub mod config;

pub mod logs;

pub mod metrics;

mod tls;

pub mod store;

mod views;

mod seams;

pub mod service;

mod auth;

pub mod federation;

mod wire;

mod extract;

mod problem;

mod status;

mod routes;

pub mod serve;

pub mod mutants;

#[cfg(any(test, fuzzing))]
pub mod fuzzing;

pub use kpd_directory::policy::{Limit, Limits, Policy, Selection};

pub use crate::{
    auth::Origin,
    config::{Config, HttpLimits, TlsFiles},
    mutants::Mutant,
    serve::{Running, StartError, start, start_over},
    tls::TlsError,
};
