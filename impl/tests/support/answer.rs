//! What a directory answers, and how a story tells it.

use std::collections::{BTreeMap, BTreeSet};

use kpd_directory::{
    CipherSuite, ClientName, KeyPackageRef, UnixSeconds,
    blocks::BlockError,
    claim::{ClaimError, ClientAnswer},
    feed::{FeedError, Notification, Stock},
    key_package::Role,
    keys::{AddKeyError, ExtendKeyError, RemoveKeyError},
    limits::Limited,
    publish::PublishError,
    reconcile::Inventory,
    standing::{Ended, Standing},
    upkeep::RemoveClientError,
    withdraw::{WithdrawError, WithdrawnFate},
};

use crate::support::{
    command::Command,
    world::{PACKAGES, referenced},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Done,
    Published(Vec<(KeyPackageRef, bool)>),
    Claimed(Vec<(ClientName, ClientAnswer)>),
    Limited(Limited),
    Replaced {
        items: Vec<(KeyPackageRef, bool)>,
        withdrawn: Vec<KeyPackageRef>,
    },
    Inventory(Inventory),
    ClientRemoved {
        unread: usize,
    },
    Withdrawn(BTreeMap<KeyPackageRef, WithdrawnFate>),
    /// And whether the core calls that few.
    Stock(BTreeMap<CipherSuite, (Stock, bool)>),
    Notifications(Vec<(Notification, bool)>),
    Keys(BTreeSet<&'static str>),
    History(BTreeMap<&'static str, PastKey>),
    Standing(Standing),
    Refused(Refusal),
}

/// A key on a list, or formerly on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PastKey {
    pub(crate) added_at: UnixSeconds,
    pub(crate) ended: Option<(UnixSeconds, Ended)>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub(crate) enum Refusal {
    Publish(#[from] PublishError),
    Claim(#[from] ClaimError),
    Withdraw(#[from] WithdrawError),
    Feed(#[from] FeedError),
    AddKey(#[from] AddKeyError),
    ExtendKey(#[from] ExtendKeyError),
    RemoveKey(#[from] RemoveKeyError),
    Block(#[from] BlockError),
    RemoveClient(#[from] RemoveClientError),
}

impl Answer {
    /// In one line, with KeyPackages under the names of the cast.
    pub(crate) fn tell(&self, command: &Command) -> String {
        match self {
            Self::Done => "done".into(),
            Self::Published(items) => published(items),
            Self::Replaced { items, withdrawn } => {
                let mut names: Vec<_> =
                    withdrawn.iter().map(|reference| referenced(reference).name.to_owned()).collect();
                names.sort();
                format!("{}; withdrawn: {}", published(items), join(names.into_iter()))
            }
            Self::Inventory(inventory) => {
                let states = inventory.packages.iter().map(|kept| (kept.reference, kept.state)).collect();
                join(in_order_of_names(&states).map(|(name, state)| format!("{name} {}", state.as_str())))
            }
            Self::ClientRemoved { unread } => format!("{unread} unread"),
            Self::Claimed(clients) => join(clients.iter().map(|(name, answer)| format!("{name}: {}", granted(answer)))),
            Self::Limited(limited) => format!("too soon by {}", limited.retry_after),
            Self::Withdrawn(fates) => join(in_order_of_names(fates).map(|(name, fate)| {
                let fate = match fate {
                    WithdrawnFate::Withdrawn => "withdrawn",
                    WithdrawnFate::AlreadyGranted => "already granted",
                    WithdrawnFate::Unknown => "unknown",
                };
                format!("{name} {fate}")
            })),
            Self::Stock(stock) => join(stock.iter().map(|(suite, (stock, _))| {
                let last_resort = stock.last_resort.map(|last_resort| {
                    let used = if last_resort.used { "used" } else { "unused" };
                    format!(" and {} {used}", referenced(&last_resort.reference).name)
                });
                format!("{} of suite {}{}", stock.regular, suite.0, last_resort.unwrap_or_default())
            })),
            Self::Notifications(feed) => join(feed.iter().map(|(told, _)| notification(told))),
            Self::Keys(keys) => join(keys.iter().map(ToString::to_string)),
            Self::History(keys) => join(keys.iter().map(|(name, PastKey { added_at, ended })| {
                let ended = ended.map(|(at, how)| format!(" until {at} ({how:?})").to_lowercase());
                format!("{name} from {added_at}{}", ended.unwrap_or_default())
            })),
            Self::Standing(standing) => format!("{standing:?}").to_lowercase(),
            Self::Refused(Refusal::Publish(PublishError::Items(faults))) => {
                let names: Vec<_> = match command {
                    Command::Publish { items, .. } => items.iter().map(|(name, _)| *name).collect(),
                    Command::Replace { items, .. } => items.clone(),
                    _ => return format!("{faults:?}"),
                };
                let faults = faults.iter().map(|(position, fault)| format!("{}: {fault}", names[*position]));
                format!("refused: {}", with_names(join(faults)))
            }
            Self::Refused(refusal) => format!("refused: {refusal}"),
        }
    }
}

fn published(items: &[(KeyPackageRef, bool)]) -> String {
    join(
        items
            .iter()
            .map(|(reference, new)| format!("{} {}", referenced(reference).name, if *new { "new" } else { "there" })),
    )
}

fn granted(answer: &ClientAnswer) -> String {
    match answer {
        ClientAnswer::KeyPackage { reference, role, bytes } => {
            let package = referenced(reference);
            assert_eq!(bytes[..], package.bytes[..], "CLAIM-BYTES: not the bytes of {}", package.name);
            let role = if *role == Role::LastResort { " (last resort)" } else { "" };
            format!("{}{role}", package.name)
        }
        ClientAnswer::Exhausted => "exhausted".into(),
        ClientAnswer::Incompatible => "incompatible".into(),
    }
}

fn notification(told: &Notification) -> String {
    let Notification { sequence, reference, requester, remaining, .. } = told;
    let user = requester.user.as_str().trim_start_matches("acct:").split('@').next().unwrap_or("");
    let first_use = if told.role == Role::LastResort && told.first_use { " for the first time" } else { "" };
    let drain = told.drain.map(|drain| format!(" draining {} of {}", drain.taken, drain.of)).unwrap_or_default();
    format!(
        "{sequence}. {} to {user}/{}{first_use} with {remaining} left{drain}",
        referenced(reference).name,
        requester.client
    )
}

fn in_order_of_names<T>(by_reference: &BTreeMap<KeyPackageRef, T>) -> impl Iterator<Item = (&'static str, &T)> {
    let by_name: BTreeMap<_, _> =
        by_reference.iter().map(|(reference, value)| (referenced(reference).name, value)).collect();
    by_name.into_iter()
}

/// References differ from run to run; the names in a story do not.
fn with_names(text: String) -> String {
    PACKAGES.iter().fold(text, |text, package| text.replace(&package.reference.to_string(), package.name))
}

fn join(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<_> = parts.collect();
    if parts.is_empty() { "nothing".into() } else { parts.join(", ") }
}
