//! Events, requests and answers in words, for traces and reports.

use std::fmt::{self, Display, Formatter};

use crate::{
    history::{Account, Answer, Claim, Claimed, Drain, Event, Facts, Notified, Role, Status},
    names::{Client, Time},
    spec::{Op, Outcome, Stock},
};

impl Display for Op {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddKey { user, client, key, expires } => {
                write!(f, "the addition of {key} for {client} of {user}{}", until(*expires))
            }
            Self::ExtendKey { client, key, expires } => write!(f, "{client}'s extension of {key} to {expires}"),
            Self::RemoveKey { client, key } => write!(f, "{client}'s removal of {key}"),
            Self::RemoveClient { client } => write!(f, "the removal of {client}"),
            Self::Keys { user } => write!(f, "a look at the keys of {user}"),
            Self::Verify { user, key, at } => write!(f, "the question whether {key} stood for {user} at {at}"),
            Self::Publish { client, packages } => write!(f, "{client}'s publication of {}", list(packages)),
            Self::Replace { client, packages } => {
                write!(f, "{client}'s replacement of everything by {}", list(packages))
            }
            Self::Claim(claim) => claim.fmt(f),
            Self::Withdraw { client, packages } => write!(f, "{client}'s withdrawal of {}", list(packages)),
            Self::Block { user, requester } => write!(f, "{user}'s block of {requester}"),
            Self::Unblock { user, requester } => write!(f, "{user}'s lifting of the block of {requester}"),
            Self::Stock { client } => write!(f, "{client}'s look at its stock"),
            Self::Reconcile { client } => write!(f, "{client}'s look at its packages"),
            Self::Notifications { client, after } => write!(f, "{client}'s reading of notifications after {after}"),
            Self::Acknowledge { client, through } => {
                write!(f, "{client}'s acknowledgement of notifications through {through}")
            }
            Self::Collect => f.write_str("the collection of what has ended"),
            Self::Fence => f.write_str("the operator's fence"),
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
        if !self.requires.is_empty() {
            write!(f, " with {}", list(&self.requires))?;
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
            Self::Limited { retry_after } => write!(f, "refused by a limit for {retry_after} s"),
            Self::Replaced { withdrawn } => write!(f, "done in place of {withdrawn}"),
            Self::ClientRemoved { unread } => write!(f, "done, with {unread} unread"),
            Self::Keys(keys) if keys.is_empty() => f.write_str("no keys"),
            Self::Keys(keys) => f.write_str(&list(keys)),
            Self::Standing(standing) => f.write_str(&word(standing)),
            Self::Packages(packages) => {
                let packages = packages.iter().map(|(package, standing)| format!("{package} {}", word(standing)));
                f.write_str(&list(packages))
            }
            Self::Withdrawn(fates) => {
                let fates: Vec<_> = fates.iter().map(|(package, fate)| format!("{package} {}", word(fate))).collect();
                f.write_str(&fates.join(", "))
            }
            Self::Stock(stock) => stock.fmt(f),
            Self::Notifications(feed) if feed.is_empty() => f.write_str("no notifications"),
            Self::Notifications(feed) => f.write_str(&list(feed)),
            Self::Refused(reason) => write!(f, "refused as {}", word(reason)),
        }
    }
}

/// What stands for a name of the code in a sentence: `already_used`, as vectors and wires have it.
pub(crate) fn word(of: &impl fmt::Debug) -> String {
    let mut word = String::new();
    for c in format!("{of:?}").chars() {
        if c.is_uppercase() && !word.is_empty() {
            word.push('_');
        }
        word.extend(c.to_lowercase());
    }
    word
}

impl Display for Stock {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let regular = self.regular.iter().map(|(suite, left)| format!("{left} of {suite}"));
        let used = |granted: &bool| if *granted { "a used" } else { "an unused" };
        let last = self.last_resort.iter().map(|(suite, granted)| format!("{} last resort of {suite}", used(granted)));
        let low = self.low.iter().map(|suite| format!("{suite} low"));
        let all: Vec<_> = regular.chain(last).chain(low).collect();
        f.write_str(&if all.is_empty() { "nothing".into() } else { all.join(", ") })
    }
}

impl Display for Answer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Statuses(statuses) => f.write_str(&in_words(statuses)),
            Self::Limited(wait) => write!(f, "to wait for {wait} s"),
        }
    }
}

impl Display for Event {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyAdded { user, client, key, expires } => {
                write!(f, "{key} is listed for {client} of {user}{}", until(*expires))
            }
            Self::KeyExtended { key, expires } => write!(f, "{key} expires at {expires}"),
            Self::KeyRemoved { key } => write!(f, "{key} is removed"),
            Self::ClientRemoved { client } => write!(f, "{client} is removed"),
            Self::Counted(Account::Requester(requester)) => write!(f, "counted for {requester}"),
            Self::Counted(Account::Server(server)) => write!(f, "counted for {server}"),
            Self::Counted(Account::Pair(requester, user)) => write!(f, "counted for {requester} with {user}"),
            Self::Limited { claim, retry_after } => write!(f, "{claim} was refused for {retry_after} s"),
            Self::Blocked { user, requester } => write!(f, "{user} shuts {requester} out"),
            Self::Unblocked { user, requester } => write!(f, "{user} lets {requester} in again"),
            Self::Forgotten { packages } => write!(f, "forgotten: {}", list(packages)),
            Self::Fenced => f.write_str("what was available is fenced off"),
            Self::Published(batch) => write!(f, "published: {}", list(batch)),
            Self::Claimed(Claimed { claim, statuses }) => write!(f, "{claim} got {}", in_words(statuses)),
            Self::Notified(notified) => write!(f, "notification {notified} for {}", notified.client),
            Self::Withdrawn { client, package } => write!(f, "{package} is withdrawn by {client}"),
            Self::Acknowledged { client, through } => write!(f, "{client} let go of notifications through {through}"),
            Self::Ticked { to } => write!(f, "it is {to} o'clock"),
        }
    }
}

impl Display for Drain {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { taken, of, seconds } = self;
        write!(f, "{taken} taken of {of} in {seconds} s")
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
        let drain = self.drain.map_or_else(String::new, |drain| format!(", {drain}"));
        write!(f, "{sequence} ({package} to {requester}{first}, {remaining} left{drain})")
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

pub(crate) fn in_words(statuses: &std::collections::BTreeMap<Client, Status>) -> String {
    if statuses.is_empty() {
        return "nothing, as there is no client".into();
    }
    statuses.iter().map(|(client, status)| format!("{status} from {client}")).collect::<Vec<_>>().join(" and ")
}

fn until(expires: Option<Time>) -> String {
    expires.map_or_else(String::new, |expires| format!(" until {expires}"))
}

/// Several things, with commas between them.
pub(crate) fn list<T: Display>(things: impl IntoIterator<Item = T>) -> String {
    things.into_iter().map(|thing| thing.to_string()).collect::<Vec<_>>().join(", ")
}
