//! Events, requests and answers in words, for traces and reports.

use std::fmt::{self, Display, Formatter};

use crate::{
    history::{Claim, Claimed, Event, Facts, Notified, Role, Status},
    names::Client,
    spec::{Op, Outcome},
};

impl Display for Op {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddKey { user, client, key } => write!(f, "the addition of {key} for {client} of {user}"),
            Self::RemoveKey { client, key } => write!(f, "{client}'s removal of {key}"),
            Self::Publish { client, packages } => write!(f, "{client}'s publication of {}", list(packages)),
            Self::Claim(claim) => claim.fmt(f),
            Self::Withdraw { client, packages } => write!(f, "{client}'s withdrawal of {}", list(packages)),
            Self::Stock { client } => write!(f, "{client}'s look at its stock"),
            Self::Notifications { client, after } => write!(f, "{client}'s reading of notifications after {after}"),
            Self::Acknowledge { client, through } => {
                write!(f, "{client}'s acknowledgement of notifications through {through}")
            }
            Self::Tick { to } => write!(f, "the passing of time to {to}"),
        }
    }
}

impl Display for Claim {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}'s claim", self.requester)?;
        if let Some(key) = self.key {
            write!(f, " {key}")?;
        }
        if !self.suites.is_empty() {
            write!(f, " for {}", list(&self.suites))?;
        }
        if !self.last_resort_accepted {
            f.write_str(" without last resort")?;
        }
        Ok(())
    }
}

impl Display for Outcome {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Claimed(statuses) => f.write_str(&in_words(statuses)),
            Self::Withdrawn(fates) => {
                let fates: Vec<_> = fates.iter().map(|(package, fate)| format!("{package} {fate:?}")).collect();
                f.write_str(&fates.join(", "))
            }
            Self::Stock(stock) => write!(f, "{stock:?}"),
            Self::Notifications(feed) if feed.is_empty() => f.write_str("no notifications"),
            Self::Notifications(feed) => f.write_str(&list(feed)),
            Self::Refused(reason) => write!(f, "refused as {reason:?}"),
        }
    }
}

impl Display for Event {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyAdded { user, client, key } => write!(f, "{key} is listed for {client} of {user}"),
            Self::KeyRemoved { key } => write!(f, "{key} is removed"),
            Self::Published(batch) => write!(f, "published: {}", list(batch)),
            Self::Claimed(Claimed { claim, statuses }) => write!(f, "{claim} got {}", in_words(statuses)),
            Self::Notified(notified) => write!(f, "notification {notified} for {}", notified.client),
            Self::Withdrawn { client, package } => write!(f, "{package} is withdrawn by {client}"),
            Self::Acknowledged { client, through } => write!(f, "{client} let go of notifications through {through}"),
            Self::Ticked { to } => write!(f, "it is {to} o'clock"),
        }
    }
}

impl Display for Notified {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { sequence, package, requester, remaining, .. } = self;
        let first = match (self.role, self.first_use) {
            (Role::Regular, _) => "",
            (Role::LastResort, true) => ", a last resort for the first time",
            (Role::LastResort, false) => ", a last resort used before",
        };
        write!(f, "{sequence} ({package} to {requester}{first}, {remaining} left)")
    }
}

impl Display for Facts {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let role = if self.role == Role::LastResort { " (last resort)" } else { "" };
        write!(f, "{}{role}", self.package)
    }
}

impl Display for Status {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Regular(package) => package.fmt(f),
            Self::LastResort(package) => write!(f, "the last resort {package}"),
            Self::Exhausted => f.write_str("nothing, as exhausted"),
            Self::Incompatible => f.write_str("nothing, as incompatible"),
        }
    }
}

fn in_words(statuses: &std::collections::BTreeMap<Client, Status>) -> String {
    if statuses.is_empty() {
        return "nothing, as there is no client".into();
    }
    statuses.iter().map(|(client, status)| format!("{status} from {client}")).collect::<Vec<_>>().join(" and ")
}

/// Several things, with commas between them.
pub(crate) fn list<T: Display>(things: impl IntoIterator<Item = T>) -> String {
    things.into_iter().map(|thing| thing.to_string()).collect::<Vec<_>>().join(", ")
}
