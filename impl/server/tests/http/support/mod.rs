//! Servers, people with keys, KeyPackages and signed requests.

pub(crate) mod call;
pub(crate) mod key;
pub(crate) mod package;
pub(crate) mod site;

pub(crate) use call::{Answer, Call, Signing};
pub(crate) use key::Key;
pub(crate) use package::Recipe;
pub(crate) use site::{Person, Site};
