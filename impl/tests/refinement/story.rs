//! Random stories, which shrink to short ones and print as numbered sentences.

use std::{collections::BTreeSet, fmt};

use kpd_directory::{ClientName, ServerName, blocks::Blocked};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};

use crate::{
    feeds::JUMP,
    support::{
        command::{Command, Wish},
        make::{DAY, START},
        world::{ASKERS, CLIENTS, KEY_NAMES, PACKAGES, REQUESTERS, USERS, Who, key, user_id},
    },
};

/// What happens, in which order the directory grants, and whether it limits claims.
#[derive(Clone)]
pub(crate) struct Story {
    pub(crate) fifo: bool,
    pub(crate) limited: bool,
    pub(crate) commands: Vec<Command>,
}

pub(crate) fn stories() -> impl Strategy<Value = Story> {
    let story = |(fifo, limited, commands)| Story { fifo, limited, commands };
    (any::<bool>(), any::<bool>(), vec(command(), 1..40)).prop_map(story)
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        16 => publish(),
        20 => claim(),
        6 => withdraw(),
        4 => (client(), number()).prop_map(|(by, after)| Command::Read { by, after }),
        4 => (client(), number()).prop_map(|(by, through)| Command::Acknowledge { by, through }),
        12 => keys(),
        5 => block(),
        6 => replace(),
        2 => (client(), select(vec!["phone", "phone", "laptop", "watch"])).prop_map(|(by, name)| {
            Command::RemoveClient { by, client: ClientName::parse(name).expect("a client name") }
        }),
        2 => Just(Command::Collect),
        2 => Just(Command::Fence),
        7 => select(vec![60, 60, 100, 150, 150, 300, 1000, 1000, 31 * DAY]).prop_map(Command::Wait),
    ]
}

fn client() -> impl Strategy<Value = Who> {
    // Alice's phone has most of the packages.
    prop_oneof![5 => Just(CLIENTS[0]), 3 => select(&CLIENTS[..])]
}

fn publish() -> impl Strategy<Value = Command> {
    let items = prop_oneof![6 => vec(package(), 1..=2), 2 => vec(package(), 3..=5)];
    (client(), items).prop_map(|(by, items)| {
        let mut seen = BTreeSet::new();
        let items = items.iter().map(|package| (package.of(by), None));
        // None comes twice: on a package that is available and comes twice in one batch, core and model differ.
        Command::Publish { by, items: items.filter(|(name, _)| seen.insert(*name)).collect() }
    })
}

fn replace() -> impl Strategy<Value = Command> {
    (client(), vec(package(), 1..=3)).prop_map(|(by, items)| {
        let items: BTreeSet<_> = items.iter().map(|package| package.of(by)).collect();
        Command::Replace { by, items: items.into_iter().collect() }
    })
}

fn withdraw() -> impl Strategy<Value = Command> {
    (client(), vec(package(), 1..3))
        .prop_map(|(by, items)| Command::Withdraw { by, items: items.iter().map(|package| package.of(by)).collect() })
}

fn claim() -> impl Strategy<Value = Command> {
    let any = || vec![];
    let suites = select(vec![any(), any(), any(), vec![1], vec![1], vec![2], vec![1, 2], vec![2, 1], vec![3]]);
    let last_resort = prop_oneof![4 => Just(true), 1 => Just(false)];
    let key = prop_oneof![4 => Just(None), 4 => Just(Some("k1".to_owned())), 1 => Just(Some("k2".to_owned()))];
    let user = prop_oneof![12 => Just(USERS[0]), 4 => Just(USERS[1]), 1 => Just("carol")];
    let by = prop_oneof![Just(REQUESTERS[0]), select(&REQUESTERS[..])];
    let able = prop_oneof![4 => Just(false), 1 => Just(true)];
    let any = (by, user, suites, last_resort, able, key, 0..3_usize);
    let any = any.prop_map(|(by, user, suites, last_resort, able, key, die)| Command::Claim {
        by,
        claim: Wish { suites, last_resort, able, key, die, ..Wish::any(user) },
    });
    // One that comes again and again: two that agree in everything are rare otherwise.
    let claim = Wish { key: Some("k1".into()), ..Wish::any(USERS[0]) };
    prop_oneof![5 => any, 1 => Just(Command::Claim { by: REQUESTERS[0], claim })]
}

/// A place in a feed, perhaps after a fence.
fn number() -> impl Strategy<Value = u64> {
    (prop_oneof![3 => Just(0), 1 => Just(1_u64)], 0..4_u64).prop_map(|(fences, number)| fences * JUMP + number)
}

fn block() -> impl Strategy<Value = Command> {
    let requester = |name| Blocked::Requester(user_id(name));
    let server = |name| Blocked::Server(ServerName::parse(name).expect("a server"));
    let blocked = prop_oneof![
        3 => Just(requester("carol")),
        2 => select(ASKERS.map(requester).to_vec()),
        2 => Just(server("example.org")),
        1 => Just(server("example.net")),
    ];
    (client(), blocked, any::<bool>()).prop_map(|(by, blocked, lift)| {
        if lift { Command::Unblock { by, blocked } } else { Command::Block { by, blocked } }
    })
}

fn keys() -> impl Strategy<Value = Command> {
    let lasting = || select(vec![50, 100, 100, 150, 300, 1000]);
    let ends = prop_oneof![2 => Just(None), 5 => lasting().prop_map(Some), 1 => Just(Some(0))];
    let user = || prop_oneof![4 => Just(USERS[0]), 2 => Just(USERS[1])];
    let time =
        select(vec![START - 1, START, START + 59, START + 60, START + 100, START + 150, START + 250, START + DAY]);
    prop_oneof![
        5 => (client(), key_choice(), ends).prop_map(|(by, key, lasting)| Command::AddKey { by, key: key.key_of(by), lasting }),
        4 => (client(), key_choice(), lasting())
            .prop_map(|(by, key, lasting)| Command::ExtendKey { by, key: key.key_of(by), lasting }),
        2 => (client(), key_choice()).prop_map(|(by, key)| Command::RemoveKey { by, key: key.key_of(by) }),
        1 => user().prop_map(|user| Command::Keys { user }),
        1 => user().prop_map(|user| Command::History { user }),
        3 => (user(), client(), key_choice(), time)
            .prop_map(|(user, by, key, at)| Command::Verify { user, key: key.key_of(by), at }),
    ]
}

/// One of a client's own packages or keys, or rarely anybody's; chosen before it is known which client's, so that the
/// two shrink apart from each other.
#[derive(Clone, Debug)]
struct Choice {
    index: Index,
    own: bool,
    among: Among,
}

/// What is rare in the pool, and takes more than one step to matter.
#[derive(Clone, Copy, Debug)]
enum Among {
    All,
    /// Keys that nobody has at the beginning, and what they signed.
    Spare,
    /// Packages that begin later, and so may come after a fence.
    Later,
}

fn package() -> impl Strategy<Value = Choice> {
    choice(prop_oneof![8 => Just(Among::All), 2 => Just(Among::Spare), 2 => Just(Among::Later)])
}

fn key_choice() -> impl Strategy<Value = Choice> {
    choice(prop_oneof![3 => Just(Among::Spare), 2 => Just(Among::All)])
}

fn choice(among: impl Strategy<Value = Among>) -> impl Strategy<Value = Choice> {
    let own = prop_oneof![24 => Just(true), 1 => Just(false)];
    (any::<Index>(), own, among).prop_map(|(index, own, among)| Choice { index, own, among })
}

impl Choice {
    fn of(&self, by: Who) -> &'static str {
        let own = || PACKAGES.iter().filter(|package| !self.own || package.owner == by);
        let rare: Vec<_> = own().filter(|package| self.among.holds(package.key, package.not_before)).collect();
        if rare.is_empty() { self.index.get(&own().collect::<Vec<_>>()).name } else { self.index.get(&rare).name }
    }

    fn key_of(&self, by: Who) -> &'static str {
        let own = || KEY_NAMES.into_iter().filter(|name| !self.own || key(name).owner == by);
        let rare: Vec<_> = own().filter(|name| self.among.holds(name, START)).collect();
        let names = if rare.is_empty() { own().collect() } else { rare };
        names[self.index.index(names.len())]
    }
}

impl Among {
    fn holds(self, key: &str, not_before: u64) -> bool {
        match self {
            Self::All => true,
            Self::Spare => key.ends_with("spare"),
            Self::Later => not_before > START,
        }
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = if self.fifo { "in the order of upload" } else { "at random" };
        writeln!(f, "granting {order}{}", if self.limited { ", with limits" } else { "" })?;
        (1..).zip(&self.commands).try_for_each(|(number, command)| writeln!(f, "{number}. {command}"))
    }
}

impl fmt::Debug for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}
