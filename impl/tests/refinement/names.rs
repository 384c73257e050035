//! The core's questions and answers in the model's words: bytes, references and names become small numbers.

use kpd_directory::{
    KeyPackageRef, Requester, UnixSeconds,
    claim::ClientAnswer,
    feed::{Notification, Stock},
    key_package::{KeyPackageFlaw, Role},
    publish::ItemFault,
    withdraw::WithdrawnFate,
};
use kpd_model::{
    history::{Claim, Facts, Notified, Role as ModelRole, State, Status},
    names::{ClaimKey, Client, InitKey, Key, Package, Suite, User},
    spec::{Op, Outcome, Reason, Stock as ModelStock, WithdrawnFate as ModelFate},
};

use crate::support::{
    answer::Answer,
    command::{Command, Wish},
    world::{self, CLIENTS, KEY_NAMES, PACKAGES, REQUESTERS, USERS, Who},
};

/// What was asked in this state, `now` being the time after it.
pub(crate) fn op(state: &State, now: UnixSeconds, command: &Command) -> Op {
    match command {
        Command::Publish { by, items } => {
            Op::Publish { client: client(*by), packages: items.iter().map(|(name, _)| facts(name)).collect() }
        }
        Command::Claim { by, claim } => Op::Claim(question(*by, claim)),
        Command::Withdraw { by, items } => {
            Op::Withdraw { client: client(*by), packages: items.iter().map(|name| package(name)).collect() }
        }
        Command::Count { by } => Op::Stock { client: client(*by) },
        Command::Read { by, after } => Op::Notifications { client: client(*by), after: *after },
        Command::Acknowledge { by, through } => Op::Acknowledge { client: client(*by), through: *through },
        Command::AddKey { by, key: name, .. } => {
            Op::AddKey { user: user(by.user), client: client(*by), key: key(name), expires: None }
        }
        Command::RemoveKey { by, key: name } => {
            // The core removes any key of the user's own list; which of the clients asks, does not matter to it.
            let listed = state.keys.get(&key(name)).filter(|listed| listed.user == user(by.user));
            Op::RemoveKey { client: listed.map_or(client(*by), |listed| listed.client), key: key(name) }
        }
        Command::Wait(_) => Op::Tick { to: now },
        Command::ExtendKey { .. }
        | Command::Block { .. }
        | Command::Unblock { .. }
        | Command::Replace { .. }
        | Command::Compare { .. }
        | Command::RemoveClient { .. }
        | Command::Collect
        | Command::Fence => panic!("not in the model: {command}"),
    }
}

/// What was answered, where it was not refused.
pub(crate) fn outcome(by: Who, answer: &Answer) -> Outcome {
    match answer {
        Answer::Done | Answer::Published(_) => Outcome::Done,
        Answer::Claimed(clients) => panic!("see `claimed`: {clients:?}"),
        Answer::Limited(_) | Answer::Replaced { .. } | Answer::Inventory(_) | Answer::ClientRemoved { .. } => {
            panic!("not in the model: {answer:?}")
        }
        Answer::Withdrawn(fates) => Outcome::Withdrawn(
            fates.iter().map(|(reference, fate)| (referenced(reference), withdrawn(*fate))).collect(),
        ),
        Answer::Stock(stock) => {
            let regular = |stock: &Stock| u32::try_from(stock.regular).expect("a small stock");
            let last_resorts = stock.iter().filter_map(|(suite, stock)| Some((suite, stock.last_resort?.used)));
            Outcome::Stock(ModelStock {
                regular: stock.iter().map(|(suite, stock)| (Suite(suite.0.into()), regular(stock))).collect(),
                last_resort: last_resorts.map(|(suite, used)| (Suite(suite.0.into()), used)).collect(),
                low: std::collections::BTreeSet::new(),
            })
        }
        Answer::Notifications(feed) => Outcome::Notifications(feed.iter().map(|told| notified(by, told)).collect()),
        Answer::Refused(refusal) => panic!("a refusal is no outcome by itself: {refusal}"),
    }
}

pub(crate) fn claimed(of: &Wish, clients: &[(kpd_directory::ClientName, ClientAnswer)]) -> Outcome {
    let client =
        |name: &str| client(*CLIENTS.iter().find(|who| who.user == of.user && who.client == name).expect("hers"));
    Outcome::Claimed(clients.iter().map(|(name, answer)| (client(name.as_str()), status(answer))).collect())
}

/// What the model calls the fault of an item.
pub(crate) fn reason(fault: &ItemFault) -> Reason {
    match fault {
        ItemFault::Flaw(KeyPackageFlaw::Expired { .. }) => Reason::Expired,
        ItemFault::Flaw(KeyPackageFlaw::NotYetValid { .. }) => Reason::NotYetValid,
        ItemFault::Flaw(KeyPackageFlaw::LifetimeTooLong { .. }) => Reason::LifetimeTooLong,
        // To the model, what belongs to another user is signed by a key that is not on this client's list.
        ItemFault::IdentityMismatch { .. } | ItemFault::SignerNotListed { .. } => Reason::SignerNotListed,
        ItemFault::AlreadyUsed { .. } => Reason::AlreadyUsed,
        ItemFault::InitKeyReused { .. } => Reason::InitKeyReused,
        ItemFault::RoleConflict { .. } => Reason::RoleConflict,
        ItemFault::TwoLastResorts { .. } => Reason::TwoLastResorts,
        other => panic!("nothing in the pool has this fault: {other}"),
    }
}

pub(crate) fn facts(name: &str) -> Facts {
    let made = world::named(name);
    let role = role(made.role);
    let same_init_key = PACKAGES.iter().position(|other| other.init_key == made.init_key);
    Facts {
        package: package(name),
        client: client(made.owner),
        suite: Suite(made.suite.into()),
        role,
        init_key: InitKey(number(same_init_key)),
        signer: key(made.key),
        not_before: made.not_before,
        not_after: made.not_after,
    }
}

fn question(by: Who, wish: &Wish) -> Claim {
    Claim {
        requester: requester(by),
        requester_client: CLIENTS.contains(&by).then(|| client(by)),
        user: user(wish.user),
        suites: wish.suites.iter().map(|suite| Suite((*suite).into())).collect(),
        last_resort_accepted: wish.last_resort,
        key: wish.key.as_deref().map(|key| claim_key(wish.user, key)),
    }
}

/// Each user has a history of its own, and with it its own idempotency keys: one that was used for a claim of Alice's
/// packages is another one when it is used for Bob's.
fn claim_key(of: &str, key: &str) -> ClaimKey {
    let chosen: u32 = key.trim_start_matches('k').parse().expect("k1 or k2");
    ClaimKey(100 * user(of).0 + chosen)
}

fn status(answer: &ClientAnswer) -> Status {
    match answer {
        ClientAnswer::KeyPackage { reference, role, bytes } => {
            assert_eq!(bytes[..], world::referenced(reference).bytes[..], "CLAIM-BYTES");
            let granted = referenced(reference);
            if *role == Role::Regular { Status::Regular(granted) } else { Status::LastResort(granted) }
        }
        ClientAnswer::Exhausted => Status::Exhausted,
        ClientAnswer::Incompatible => Status::Incompatible,
    }
}

fn notified(by: Who, told: &Notification) -> Notified {
    assert_eq!(told.suite.0, world::referenced(&told.reference).suite);
    Notified {
        client: client(by),
        sequence: told.sequence,
        package: referenced(&told.reference),
        role: role(told.role),
        requester: asker(&told.requester),
        first_use: told.first_use,
        remaining: u32::try_from(told.remaining).expect("a small stock"),
        low: false,
    }
}

fn withdrawn(fate: WithdrawnFate) -> ModelFate {
    match fate {
        WithdrawnFate::Withdrawn => ModelFate::Withdrawn,
        WithdrawnFate::AlreadyGranted => ModelFate::AlreadyGranted,
        WithdrawnFate::Unknown => ModelFate::Unknown,
    }
}

fn role(role: Role) -> ModelRole {
    match role {
        Role::Regular => ModelRole::Regular,
        Role::LastResort => ModelRole::LastResort,
    }
}

fn user(name: &str) -> User {
    User(number(USERS.iter().chain(&["carol"]).position(|known| *known == name)))
}

pub(crate) fn client(who: Who) -> Client {
    // Carol's phone is nobody's client here: a number that the model never hears of otherwise.
    Client(CLIENTS.iter().position(|known| *known == who).map_or(99, |position| number(Some(position))))
}

fn requester(who: Who) -> kpd_model::names::Requester {
    kpd_model::names::Requester(number(REQUESTERS.iter().position(|known| *known == who)))
}

fn asker(asked: &Requester) -> kpd_model::names::Requester {
    requester(*REQUESTERS.iter().find(|who| who.requester() == *asked).expect("somebody of the cast"))
}

fn key(name: &str) -> Key {
    Key(number(KEY_NAMES.iter().position(|known| *known == name)))
}

fn package(name: &str) -> Package {
    Package(number(PACKAGES.iter().position(|known| known.name == name)))
}

fn referenced(reference: &KeyPackageRef) -> Package {
    package(world::referenced(reference).name)
}

/// The model's numbers back into the names of the story; the large ones first, since 1 begins 12.
pub(crate) fn with_names(text: String) -> String {
    let packages = PACKAGES.iter().map(|package| package.name).enumerate();
    let text = packages.rev().fold(text, |text, (number, name)| {
        text.replace(&Package(u32::try_from(number).expect("a small cast")).to_string(), name)
    });
    let keys = KEY_NAMES.into_iter().enumerate();
    keys.fold(text, |text, (number, name)| {
        text.replace(&Key(u32::try_from(number).expect("few keys")).to_string(), name)
    })
}

fn number(position: Option<usize>) -> u32 {
    u32::try_from(position.expect("a name of the cast")).expect("a small cast")
}
