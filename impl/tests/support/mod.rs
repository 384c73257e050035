//! What the tests of this crate share: real KeyPackages, a small cast that owns them, and a directory to play with.
//!
//! Read in this order: [`parts`], [`make`], [`world`], [`command`], [`directory`], [`answer`].
#![allow(dead_code, reason = "each test binary uses its own part of this")]

pub(crate) mod parts;

pub(crate) mod make;

pub(crate) mod world;

pub(crate) mod command;

pub(crate) mod directory;

pub(crate) mod answer;
