//! The reference KeyPackage directory over HTTP: it moves bytes, keeps time and appends events; every rule is the core's.
//!
//! Read in this order: [`store`] (histories), `views` (what they lead to), `seams` (where mutants may lie), [`service`]
//! (load, decide, append), `auth` (who asks), `wire` (shapes), `extract` (from a request to its parts), `problem` and
//! `status` (what a refusal is in HTTP), `routes`, [`serve`], [`mutants`].

mod clock;

pub mod store;

mod views;

mod seams;

pub mod service;

mod auth;

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
    mutants::Mutant,
    serve::{Config, Running, StartError, start, start_over},
};
