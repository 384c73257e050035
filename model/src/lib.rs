//! The business rules of a KeyPackage directory: a sequential specification, a model of replicas, a history checker.
//!
//! Nothing here knows bytes, clocks or sockets, nor that an implementation exists. Read in this order:
//!
//! 1. [`names`]: the identifiers of users, clients, packages, requesters.
//! 2. [`history`]: events, and a history as a list of them; the state that a history leads to.
//! 3. [`spec`]: what a directory may do: `outcomes`, `accepts`, `label`, three faces of one function.
//! 4. [`rules`]: the rules as predicates on whole histories, each with the witness that its premise was reached.
//! 5. [`system`]: two replicas over one versioned store on a monotone network, explored by stateright.
//! 6. [`mutants`]: systems that break one rule each, so that we know the rule is really checked.
//! 7. [`check`]: runs the checker: verified, or the shortest counterexample.
//! 8. [`engine`]: a search of our own beside stateright's: the whole graph, and progress over it.
//! 9. [`trace`]: a path as a story, a sequence diagram, a trace for other tools, or a vector for a live server.
//! 10. [`cover`]: tours through the specification that take every kind of step, as vectors.
//! 11. [`stories`]: random stories for live servers, and how they get smaller.
//! 12. [`linearize`]: whether what clients of a real server saw can be explained by the specification.
//! 13. [`monitor`]: the same for a million operations, without a search.
//! 14. [`view`]: the rules of 4 on a log alone and on what clients saw: broken, kept, or unknown.

pub mod names;

pub mod history;

mod words;

pub mod spec;

pub mod rules;

pub mod system;

pub mod mutants;

pub mod check;

pub mod engine;

pub mod trace;

pub mod cover;

pub mod stories;

pub mod linearize;

pub mod monitor;

pub mod view;
