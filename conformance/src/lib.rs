//! Judges any KeyPackage directory over HTTP by YAML vectors, with the model as the judge.
//!
//! The way of a vector: [`library`] finds the file, [`yaml`] and [`vector`] read it, [`run`] does what it says through a
//! [`binding`] and records what was observed, [`judge`] decides, purely, and [`report`] tells.

pub mod yaml;

pub mod catalogue;

pub mod vector;

pub mod binding;

pub mod library;

pub mod seed;

mod clock;

pub mod mls;

pub mod material;

pub mod signing;

pub mod recording;

pub mod run;

mod translation;

pub mod judge;

pub mod prove;

pub mod verdict;

pub mod report;

pub mod power;

pub mod fuzz;

pub mod doctor;

mod embedded;

pub mod cli;
