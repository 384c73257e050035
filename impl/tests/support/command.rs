//! What can be asked of a directory, as a value that reads and prints as a sentence.

use std::fmt;

use kpd_directory::{ClientName, ServerName, UnixSeconds, blocks::Blocked, key_package::Role};

use crate::support::world::{ASKERS, Who, key, named, user_id};

/// One request, or the passing of time.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// `alice/phone publishes a1 z1*=last_resort`: the role that the publisher declares is optional.
    Publish { by: Who, items: Vec<(&'static str, Option<Role>)> },
    /// `carol/phone claims alice in 1 2 regular only key k1 die 3`: all after the user is optional; the die is the
    /// directory's choice under random selection.
    Claim { by: Who, claim: Wish },
    /// `alice/phone withdraws a1 a2`
    Withdraw { by: Who, items: Vec<&'static str> },
    /// `alice/phone counts`
    Count { by: Who },
    /// `alice/phone reads after 2`
    Read { by: Who, after: u64 },
    /// `alice/phone acknowledges 2`
    Acknowledge { by: Who, through: u64 },
    /// `alice/phone adds alice/phone:spare for 100`: without a number of seconds it has no end.
    AddKey { by: Who, key: &'static str, lasting: Option<u64> },
    /// `alice/phone extends alice/phone:spare for 200`, from now on.
    ExtendKey { by: Who, key: &'static str, lasting: u64 },
    /// `alice/phone removes alice/phone:ed`
    RemoveKey { by: Who, key: &'static str },
    /// `alice/phone blocks bob`, or all of a server: `alice/phone blocks at example.org`
    Block { by: Who, blocked: Blocked },
    /// `alice/phone unblocks bob`
    Unblock { by: Who, blocked: Blocked },
    /// `alice/phone replaces a1 z1*`
    Replace { by: Who, items: Vec<&'static str> },
    /// `alice/phone compares`
    Compare { by: Who },
    /// `alice/phone dismisses laptop`
    RemoveClient { by: Who, client: ClientName },
    /// `keys of alice`: the valid ones.
    Keys { user: &'static str },
    /// `history of alice`: all keys that she ever had.
    History { user: &'static str },
    /// `verify alice/phone:ed of alice at 1000000000`
    Verify { user: &'static str, key: &'static str, at: UnixSeconds },
    /// `collect`, for all users.
    Collect,
    /// `fence`, for all users.
    Fence,
    /// `wait 60`, in seconds.
    Wait(u64),
}

/// What a claim asks for.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) user: &'static str,
    /// Empty means any.
    pub(crate) suites: Vec<u16>,
    pub(crate) last_resort: bool,
    /// Whether only a client that has [`ABILITY`](crate::support::world::ABILITY) will do.
    pub(crate) able: bool,
    pub(crate) key: Option<String>,
    pub(crate) die: usize,
}

impl Command {
    pub(crate) fn parse(text: &str) -> Self {
        let mut words = text.split_whitespace();
        let first = words.next().expect("a command");
        let mut next = || words.next().unwrap_or_else(|| panic!("{text:?} ends too early"));
        match first {
            "wait" => return Self::Wait(number(next())),
            "collect" => return Self::Collect,
            "fence" => return Self::Fence,
            "keys" | "history" => {
                assert_eq!(next(), "of", "{text:?}");
                let user = user(next());
                return if first == "keys" { Self::Keys { user } } else { Self::History { user } };
            }
            "verify" => {
                let key = key(next()).name;
                let [of, owner, at, time] = [next(), next(), next(), next()];
                assert_eq!([of, at], ["of", "at"], "{text:?}");
                return Self::Verify { user: user(owner), key, at: number(time) };
            }
            _ => {}
        }
        let by = Who::parse(first);
        match next() {
            "publishes" => Self::Publish { by, items: words.map(item).collect() },
            "claims" => Self::Claim { by, claim: Wish::parse(words) },
            "withdraws" => Self::Withdraw { by, items: words.map(|name| named(name).name).collect() },
            "counts" => Self::Count { by },
            "reads" => {
                assert_eq!(next(), "after", "{text:?}");
                Self::Read { by, after: number(next()) }
            }
            "acknowledges" => Self::Acknowledge { by, through: number(next()) },
            "adds" => Self::AddKey { by, key: key(next()).name, lasting: words.nth(1).map(number) },
            "extends" => {
                let key = key(next()).name;
                assert_eq!(next(), "for", "{text:?}");
                Self::ExtendKey { by, key, lasting: number(next()) }
            }
            "removes" => Self::RemoveKey { by, key: key(next()).name },
            "replaces" => Self::Replace { by, items: words.map(|name| named(name).name).collect() },
            "compares" => Self::Compare { by },
            "dismisses" => Self::RemoveClient { by, client: ClientName::parse(next()).expect("a client name") },
            "blocks" => Self::Block { by, blocked: blocked(words) },
            "unblocks" => Self::Unblock { by, blocked: blocked(words) },
            verb => panic!("nobody {verb}, in {text:?}"),
        }
    }
}

impl Wish {
    /// Any KeyPackage of this user.
    pub(crate) fn any(user: &str) -> Self {
        Self { user: self::user(user), suites: vec![], last_resort: true, able: false, key: None, die: 0 }
    }

    fn parse<'a>(mut words: impl Iterator<Item = &'a str>) -> Self {
        let mut wish = Self::any(words.next().expect("a user"));
        while let Some(word) = words.next() {
            match word {
                "in" => {}
                "regular" => {
                    assert_eq!(words.next(), Some("only"));
                    wish.last_resort = false;
                }
                "able" => wish.able = true,
                "key" => wish.key = words.next().map(Into::into),
                "die" => wish.die = words.next().map_or(0, number),
                suite => wish.suites.push(number(suite)),
            }
        }
        wish
    }
}

fn user(name: &str) -> &'static str {
    ASKERS.into_iter().find(|known| *known == name).expect("a user of the cast")
}

fn item(text: &str) -> (&'static str, Option<Role>) {
    let (name, declared) = text.split_once('=').map_or((text, None), |(name, declared)| (name, Some(declared)));
    let declared = declared.map(|declared| match declared {
        "regular" => Role::Regular,
        "last_resort" => Role::LastResort,
        other => panic!("no role {other}"),
    });
    (named(name).name, declared)
}

fn blocked<'a>(mut words: impl Iterator<Item = &'a str>) -> Blocked {
    match (words.next().expect("somebody"), words.next()) {
        ("at", Some(server)) => Blocked::Server(ServerName::parse(server).expect("a server")),
        (user, _) => Blocked::Requester(user_id(user)),
    }
}

/// Bob, or at example.org.
struct Told<'a>(&'a Blocked);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Blocked::Server(server) => write!(f, "at {server}"),
            Blocked::Requester(user) => {
                f.write_str(user.as_str().trim_start_matches("acct:").split('@').next().unwrap_or(""))
            }
        }
    }
}

fn number<N: std::str::FromStr>(text: &str) -> N {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is not a number"))
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Publish { by, items } => {
                write!(f, "{by} publishes")?;
                items.iter().try_for_each(|(name, declared)| match declared {
                    None => write!(f, " {name}"),
                    Some(Role::Regular) => write!(f, " {name}=regular"),
                    Some(Role::LastResort) => write!(f, " {name}=last_resort"),
                })
            }
            Self::Claim { by, claim } => write!(f, "{by} claims {claim}"),
            Self::Withdraw { by, items } => write!(f, "{by} withdraws {}", items.join(" ")),
            Self::Count { by } => write!(f, "{by} counts"),
            Self::Read { by, after } => write!(f, "{by} reads after {after}"),
            Self::Acknowledge { by, through } => write!(f, "{by} acknowledges {through}"),
            Self::AddKey { by, key, lasting: None } => write!(f, "{by} adds {key}"),
            Self::AddKey { by, key, lasting: Some(seconds) } => write!(f, "{by} adds {key} for {seconds}"),
            Self::ExtendKey { by, key, lasting } => write!(f, "{by} extends {key} for {lasting}"),
            Self::RemoveKey { by, key } => write!(f, "{by} removes {key}"),
            Self::Block { by, blocked } => write!(f, "{by} blocks {}", Told(blocked)),
            Self::Unblock { by, blocked } => write!(f, "{by} unblocks {}", Told(blocked)),
            Self::Replace { by, items } => write!(f, "{by} replaces {}", items.join(" ")),
            Self::Compare { by } => write!(f, "{by} compares"),
            Self::RemoveClient { by, client } => write!(f, "{by} dismisses {client}"),
            Self::Keys { user } => write!(f, "keys of {user}"),
            Self::History { user } => write!(f, "history of {user}"),
            Self::Verify { user, key, at } => write!(f, "verify {key} of {user} at {at}"),
            Self::Collect => f.write_str("collect"),
            Self::Fence => f.write_str("fence"),
            Self::Wait(seconds) => write!(f, "wait {seconds}"),
        }
    }
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.user)?;
        if !self.suites.is_empty() {
            f.write_str(" in")?;
            self.suites.iter().try_for_each(|suite| write!(f, " {suite}"))?;
        }
        if !self.last_resort {
            f.write_str(" regular only")?;
        }
        if self.able {
            f.write_str(" able")?;
        }
        self.key.iter().try_for_each(|key| write!(f, " key {key}"))?;
        if self.die > 0 { write!(f, " die {}", self.die) } else { Ok(()) }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
