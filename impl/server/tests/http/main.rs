//! The reference server over real HTTP, on a free port of this machine.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod another_implementation;
mod authentication;
mod complete;
mod document;
mod garbage;
mod lifecycle;
mod mutants;
mod problems;
mod replicas;
mod shapes;
mod story;
mod support;
mod tour;
