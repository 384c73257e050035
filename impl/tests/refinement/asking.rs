//! What was asked of the core, in the model's words.

use kpd_directory::{UnixSeconds, blocks::Blocked};
use kpd_model::{
    history::{Claim, State},
    names::{ClaimKey, Key, Suite, features},
    spec::Op,
};

use crate::{
    feeds::Feeds,
    names::{client, facts, key, package, requester, user},
    support::{
        command::{Command, Wish},
        world::{ABILITY, CLIENTS, REQUESTERS, Who, user_id},
    },
};

/// What was asked in this state, `now` being the time after it. Blocks and histories are several questions of the model:
/// see `Model::steps`.
pub(crate) fn op(state: &State, feeds: &Feeds, now: UnixSeconds, command: &Command) -> Op {
    // The core changes any key of the user's own list; which of the clients asks, does not matter to it.
    let holder = |by: Who, key: Key| {
        let listed = state.keys.get(&key).filter(|listed| listed.user == user(by.user));
        listed.map_or(client(by), |listed| listed.client)
    };
    match command {
        Command::Publish { by, items } => {
            Op::Publish { client: client(*by), packages: items.iter().map(|(name, _)| facts(name)).collect() }
        }
        Command::Replace { by, items } => {
            Op::Replace { client: client(*by), packages: items.iter().map(|name| facts(name)).collect() }
        }
        Command::Claim { by, claim } => Op::Claim(question(*by, claim)),
        Command::Withdraw { by, items } => {
            Op::Withdraw { client: client(*by), packages: items.iter().map(|name| package(name)).collect() }
        }
        Command::Count { by } => Op::Stock { client: client(*by) },
        Command::Compare { by } => Op::Reconcile { client: client(*by) },
        Command::Read { by, after } => {
            Op::Notifications { client: client(*by), after: feeds.sequence(client(*by), *after) }
        }
        Command::Acknowledge { by, through } => {
            Op::Acknowledge { client: client(*by), through: feeds.sequence(client(*by), *through) }
        }
        Command::AddKey { by, key: name, lasting } => {
            let expires = lasting.map(|seconds| now + seconds);
            Op::AddKey { user: user(by.user), client: client(*by), key: key(name), expires }
        }
        Command::ExtendKey { by, key: name, lasting } => {
            let key = key(name);
            Op::ExtendKey { client: holder(*by, key), key, expires: now + lasting }
        }
        Command::RemoveKey { by, key: name } => {
            let key = key(name);
            Op::RemoveKey { client: holder(*by, key), key }
        }
        Command::RemoveClient { by, client: name } => Op::RemoveClient { client: client(by.beside(name)) },
        Command::Keys { user: name } => Op::Keys { user: user(name) },
        Command::Verify { user: name, key: of, at } => Op::Verify { user: user(name), key: key(of), at: *at },
        Command::Collect => Op::Collect,
        Command::Fence => Op::Fence,
        Command::Wait(_) => Op::Tick { to: now },
        Command::Block { .. } | Command::Unblock { .. } | Command::History { .. } => {
            unreachable!("several questions: {command}")
        }
    }
}

/// Whether this block shuts that user out: the model has blocks of requesters only.
pub(crate) fn names(blocked: &Blocked, user: &str) -> bool {
    match blocked {
        Blocked::Requester(requester) => *requester == user_id(user),
        Blocked::Server(server) => *server == user_id(user).server(),
    }
}

fn question(by: Who, wish: &Wish) -> Claim {
    Claim {
        requester: requester(by.user),
        requester_client: CLIENTS.contains(&by).then(|| client(by)),
        user: user(wish.user),
        suites: wish.suites.iter().map(|suite| Suite((*suite).into())).collect(),
        requires: features(wish.able.then_some(ABILITY), [], []),
        last_resort_accepted: wish.last_resort,
        key: wish.key.as_deref().map(|key| claim_key(by, key)),
    }
}

/// To the model a requester has one set of idempotency keys, and is a user; in the core each of its clients has its own.
fn claim_key(by: Who, key: &str) -> ClaimKey {
    let chosen: u32 = key.trim_start_matches('k').parse().expect("k1 or k2");
    let asking = REQUESTERS.iter().position(|who| *who == by).and_then(|place| u32::try_from(place).ok());
    ClaimKey(10 * asking.expect("a small cast") + chosen)
}
