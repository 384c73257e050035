//! What the core answered, in the model's words.

use std::collections::BTreeMap;

use kpd_directory::{
    ClientName, UnixSeconds,
    claim::ClientAnswer,
    feed::{Drain, Notification, Stock},
    key_package::Role,
    reconcile::PackageState,
    standing::{Ended, Standing},
    withdraw::WithdrawnFate,
};
use kpd_model::{
    history::{Drain as ModelDrain, Notified, PackageStanding, Standing as ModelStanding, Status},
    names::Suite,
    spec::{Op, Outcome, Stock as ModelStock, WithdrawnFate as ModelFate},
};

use crate::{
    feeds::Feeds,
    names::{client, key, referenced, requester, role, user},
    support::{
        answer::{Answer, PastKey},
        command::{Command, Wish},
        world::{self, CLIENTS, KEY_NAMES, REQUESTERS, Who},
    },
};

/// What `by` was answered, where it was not refused.
pub(crate) fn outcome(feeds: &Feeds, by: Who, command: &Command, answer: &Answer) -> Result<Outcome, String> {
    Ok(match (command, answer) {
        (_, Answer::Done | Answer::Published(_)) => Outcome::Done,
        (Command::Claim { claim, .. }, Answer::Claimed(clients)) => claimed(claim, clients),
        (_, Answer::Limited(limited)) => Outcome::Limited { retry_after: limited.retry_after },
        (_, Answer::Replaced { withdrawn, .. }) => Outcome::Replaced { withdrawn: count(withdrawn.len()) },
        (_, Answer::ClientRemoved { unread }) => Outcome::ClientRemoved { unread: count(*unread) },
        (_, Answer::Withdrawn(fates)) => Outcome::Withdrawn(
            fates.iter().map(|(reference, fate)| (referenced(reference), withdrawn_fate(*fate))).collect(),
        ),
        (_, Answer::Inventory(inventory)) => {
            let standing = |state| match state {
                PackageState::Granted => PackageStanding::Granted,
                PackageState::Withdrawn => PackageStanding::Withdrawn,
                PackageState::Revoked => PackageStanding::Revoked,
                PackageState::Expired => PackageStanding::Expired,
                PackageState::Available => PackageStanding::Available,
            };
            let kept = inventory.packages.iter();
            Outcome::Packages(kept.map(|kept| (referenced(&kept.reference), standing(kept.state))).collect())
        }
        (_, Answer::Stock(stock)) => Outcome::Stock(left(stock)),
        (_, Answer::Notifications(feed)) => {
            feed.iter().try_for_each(|(told, _)| feeds.check_requester(client(by), told))?;
            Outcome::Notifications(feed.iter().map(|(told, low)| notified(feeds, by, told, *low)).collect())
        }
        (_, Answer::Keys(keys)) => Outcome::Keys(keys.iter().map(|name| key(name)).collect()),
        (_, Answer::Standing(standing)) => Outcome::Standing(model_standing(*standing)),
        (_, Answer::Claimed(_) | Answer::History(_) | Answer::Refused(_)) => {
            unreachable!("no outcome of {command} by itself: {answer:?}")
        }
    })
}

/// What a history of keys says, as answers to questions after single moments: it is the same, said at once
/// (`KEY-HISTORY`).
pub(crate) fn past(now: UnixSeconds, of: &str, history: &BTreeMap<&'static str, PastKey>) -> Vec<(Op, Outcome)> {
    let at_times = |name| match history.get(name) {
        None => vec![(now, ModelStanding::Unknown)],
        Some(PastKey { added_at, ended: None }) => {
            vec![(added_at - 1, ModelStanding::NotYet), (*added_at, ModelStanding::Valid), (now, ModelStanding::Valid)]
        }
        Some(PastKey { added_at, ended: Some((end, how)) }) => {
            let how = if *how == Ended::Expired { ModelStanding::Expired } else { ModelStanding::Removed };
            let before = if added_at < end { ModelStanding::Valid } else { ModelStanding::NotYet };
            vec![(added_at - 1, ModelStanding::NotYet), (end - 1, before), (*end, how), (now, how)]
        }
    };
    let verify = |name, at| Op::Verify { user: user(of), key: key(name), at };
    let answers = |name| at_times(name).into_iter().map(move |(at, then)| (verify(name, at), Outcome::Standing(then)));
    KEY_NAMES.into_iter().flat_map(answers).collect()
}

fn claimed(of: &Wish, clients: &[(ClientName, ClientAnswer)]) -> Outcome {
    let client =
        |name: &str| client(*CLIENTS.iter().find(|who| who.user == of.user && who.client == name).expect("hers"));
    Outcome::Claimed(clients.iter().map(|(name, answer)| (client(name.as_str()), status(answer))).collect())
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

/// What is low is what the core calls so.
fn left(stock: &BTreeMap<kpd_directory::CipherSuite, (Stock, bool)>) -> ModelStock {
    let of_suite = || stock.iter().map(|(suite, (stock, low))| (Suite(suite.0.into()), stock, *low));
    ModelStock {
        regular: of_suite().map(|(suite, stock, _)| (suite, count(stock.regular))).collect(),
        last_resort: of_suite().filter_map(|(suite, stock, _)| Some((suite, stock.last_resort?.used))).collect(),
        low: of_suite().filter(|(_, _, low)| *low).map(|(suite, ..)| suite).collect(),
    }
}

fn notified(feeds: &Feeds, by: Who, told: &Notification, low: bool) -> Notified {
    assert_eq!(told.suite.0, world::referenced(&told.reference).suite);
    let asker = REQUESTERS.iter().find(|who| who.requester() == told.requester).expect("somebody of the cast");
    Notified {
        client: client(by),
        sequence: feeds.sequence(client(by), told.sequence),
        package: referenced(&told.reference),
        role: role(told.role),
        requester: requester(asker.user),
        first_use: told.first_use,
        remaining: count(told.remaining),
        low,
        drain: told.drain.map(|Drain { taken, of, seconds }| ModelDrain {
            taken: count(taken),
            of: count(of),
            seconds,
        }),
    }
}

fn withdrawn_fate(fate: WithdrawnFate) -> ModelFate {
    match fate {
        WithdrawnFate::Withdrawn => ModelFate::Withdrawn,
        WithdrawnFate::AlreadyGranted => ModelFate::AlreadyGranted,
        WithdrawnFate::Unknown => ModelFate::Unknown,
    }
}

fn model_standing(standing: Standing) -> ModelStanding {
    match standing {
        Standing::Valid => ModelStanding::Valid,
        Standing::NotYet => ModelStanding::NotYet,
        Standing::Expired => ModelStanding::Expired,
        Standing::Removed => ModelStanding::Removed,
        Standing::Unknown => ModelStanding::Unknown,
    }
}

pub(crate) fn count(many: usize) -> u32 {
    u32::try_from(many).expect("a small story")
}
