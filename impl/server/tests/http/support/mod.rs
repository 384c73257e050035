//! Servers, people with keys, KeyPackages and signed requests.

pub(crate) mod call;
pub(crate) mod key;
pub(crate) mod package;
pub(crate) mod site;

pub(crate) use call::{Answer, Call, Signing};
pub(crate) use key::Key;
pub(crate) use package::Recipe;
pub(crate) use site::{Person, Site};

/// An empty directory for one test.
pub(crate) fn scratch(name: &str) -> std::path::PathBuf {
    let thread = format!("{:?}", std::thread::current().id()).replace(['(', ')'], "");
    let directory = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{thread}"));
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).unwrap();
    directory
}
