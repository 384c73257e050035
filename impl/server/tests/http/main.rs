//! The reference server over real HTTP, on a free port of this machine.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod another_implementation;
mod authentication;
mod complete;
mod document;
mod federation;
mod garbage;
mod lifecycle;
mod metrics;
mod mutants;
mod problems;
mod replicas;
mod settings;
mod shapes;
mod slow;
mod stopping;
mod story;
mod streams;
mod support;
mod tls;
mod tour;
mod waiting;
