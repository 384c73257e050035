//! Random stories, which shrink to short ones and print as numbered sentences.

use std::{collections::BTreeSet, fmt};

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};

use crate::support::{
    command::{Command, Wish},
    world::{CLIENTS, KEY_NAMES, PACKAGES, REQUESTERS, USERS, Who, key},
};

/// What happens, and in which order the directory grants.
#[derive(Clone)]
pub(crate) struct Story {
    pub(crate) fifo: bool,
    pub(crate) commands: Vec<Command>,
}

pub(crate) fn stories() -> impl Strategy<Value = Story> {
    (any::<bool>(), vec(command(), 1..40)).prop_map(|(fifo, commands)| Story { fifo, commands })
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        8 => publish(),
        10 => claim(),
        3 => withdraw(),
        2 => (client(), 0..3_u64).prop_map(|(by, after)| Command::Read { by, after }),
        2 => (client(), 0..4_u64).prop_map(|(by, through)| Command::Acknowledge { by, through }),
        2 => key_command(|by, key| Command::AddKey { by, key, lasting: None }),
        1 => key_command(|by, key| Command::RemoveKey { by, key }),
        2 => select(vec![60, 60, 150, 150, 1000, 31 * 86_400]).prop_map(Command::Wait),
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
    (by, user, suites, last_resort, key, 0..3_usize).prop_map(|(by, user, suites, last_resort, key, die)| {
        Command::Claim { by, claim: Wish { suites, last_resort, key, die, ..Wish::any(user) } }
    })
}

/// One of a client's own packages or keys, or rarely anybody's; chosen before it is known which client's, so that the
/// two shrink apart from each other.
#[derive(Clone, Debug)]
struct Choice {
    index: Index,
    own: bool,
}

fn package() -> impl Strategy<Value = Choice> {
    (any::<Index>(), prop_oneof![24 => Just(true), 1 => Just(false)]).prop_map(|(index, own)| Choice { index, own })
}

impl Choice {
    fn of(&self, by: Who) -> &'static str {
        let own: Vec<_> = PACKAGES.iter().filter(|package| !self.own || package.owner == by).collect();
        self.index.get(&own).name
    }
}

fn key_command(make: fn(Who, &'static str) -> Command) -> impl Strategy<Value = Command> {
    (client(), package()).prop_map(move |(by, Choice { index, own })| {
        let of_client: Vec<_> = KEY_NAMES.into_iter().filter(|name| !own || key(name).owner == by).collect();
        make(by, of_client[index.index(of_client.len())])
    })
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "granting {}", if self.fifo { "in the order of upload" } else { "at random" })?;
        (1..).zip(&self.commands).try_for_each(|(number, command)| writeln!(f, "{number}. {command}"))
    }
}

impl fmt::Debug for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}
