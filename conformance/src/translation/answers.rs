//! Answers of the model in the words of a vector, and back.

use std::collections::BTreeMap;

use kpd_model::{
    history::{KeyState, Notified, PackageStanding, Role, Standing, State, Status},
    names::{Key, Package, Requester, Suite, Time, User},
    spec::{Op, Outcome, Reason as ModelReason, Stock, WithdrawnFate},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    recording::{BlockSeen, ClientSeen, DrainSeen, KeySeen, LastResortSeen, NotificationSeen, Observed, Seen},
    translation::{MADE_AT, Names, index_number, number},
    vector::{Place, Publish, Step, expect::Reason},
};

impl Names<'_> {
    /// A successful answer as the model has it; `None` if it says what the model does not know.
    pub(crate) fn outcome(&self, op: &Op, seen: &Seen) -> Option<Outcome> {
        Some(match seen {
            Seen::Claimed(clients) => {
                let Op::Claim(claim) = op else { return None };
                let user = self.users.get(claim.user.0 as usize)?;
                let statuses =
                    clients.iter().map(|(client, seen)| (self.client_called(user, client), self.status(seen)));
                Outcome::Claimed(statuses.collect())
            }
            Seen::Withdrawn(fates) => Outcome::Withdrawn(
                fates.iter().filter_map(|(name, fate)| Some((self.package(name)?, withdrawn(fate)?))).collect(),
            ),
            Seen::Stock { regular, last_resort, .. } => {
                let suite = Suite(1);
                let mut stock = Stock::default();
                stock.regular.insert(suite, u32::try_from((*regular)?).ok()?);
                if *last_resort != LastResortSeen::None {
                    stock.last_resort.insert(suite, *last_resort == LastResortSeen::Used);
                }
                Outcome::Stock(stock)
            }
            Seen::Published { .. } | Seen::Done {} => Outcome::Done,
            Seen::Replaced { withdrawn, .. } => Outcome::Replaced { withdrawn: u32::try_from((*withdrawn)?).ok()? },
            Seen::ClientRemoved { unread } => Outcome::ClientRemoved { unread: u32::try_from((*unread)?).ok()? },
            Seen::Standing { standing } => Outcome::Standing(named(standing)?),
            Seen::Packages { key_packages, .. } => {
                let standing = |(name, word): (&String, &String)| Some((self.package(name)?, named(word)?));
                Outcome::Packages(key_packages.iter().map(standing).collect::<Option<_>>()?)
            }
            Seen::Keys(keys) => {
                let key = |seen: &KeySeen| self.key(&seen.client);
                Outcome::Keys(keys.iter().map(key).collect::<Option<_>>()?)
            }
            Seen::Notifications(_) | Seen::Blocks(_) | Seen::Recalled(_) => return None,
        })
    }

    fn status(&self, seen: &ClientSeen) -> Status {
        // A package that nobody made keeps a number that nobody has: the model calls it by its rule.
        let package = Package(number(
            seen.key_package.as_ref().and_then(|name| self.packages.iter().position(|known| known == name)),
        ));
        match seen.kind.as_str() {
            "regular" => Status::Regular(package),
            "last_resort" => Status::LastResort(package),
            "incompatible" => Status::Incompatible,
            _ => Status::Exhausted,
        }
    }

    /// What a server that gives this outcome, and is in this state then, is seen to answer to this step. Cursors are the
    /// feed's own numbers.
    pub(crate) fn observed(&self, step: &Step, outcome: &Outcome, state: &State) -> Observed {
        Observed::Ok(match outcome {
            Outcome::Refused(reason) => return Observed::Refused(reason_of(*reason)),
            Outcome::Limited { .. } => return Observed::Refused(Reason::RateLimited),
            Outcome::Done => match &step.publish {
                Some(publish) => Seen::Published { accepted: Some(self.batch(publish)) },
                None => Seen::Done {},
            },
            Outcome::Replaced { withdrawn } => {
                let accepted = step.publish.as_ref().map(|publish| self.batch(publish));
                Seen::Replaced { accepted, withdrawn: Some((*withdrawn).into()) }
            }
            Outcome::ClientRemoved { unread } => Seen::ClientRemoved { unread: Some((*unread).into()) },
            Outcome::Standing(standing) => Seen::Standing { standing: word(standing) },
            Outcome::Keys(keys) => Seen::Keys(
                keys.iter()
                    .filter_map(|key| Some(self.key_seen(*key, state.keys.get(key)?, state.now, false)))
                    .collect(),
            ),
            Outcome::Packages(standings) => {
                let seen = standings
                    .iter()
                    .filter_map(|(package, standing)| Some((self.package_named(*package)?.clone(), word(standing))));
                let key_packages: BTreeMap<_, _> = seen.collect();
                // Whatever it is made of, it differs where the states do, and only there.
                let digest = serde_json::to_string(&key_packages).ok().map(Into::into);
                Seen::Packages { digest, key_packages }
            }
            Outcome::Claimed(statuses) => {
                let seen = statuses
                    .iter()
                    .filter_map(|(client, status)| Some((self.name_of(*client)?.clone(), self.client_seen(*status))));
                Seen::Claimed(seen.collect())
            }
            Outcome::Withdrawn(fates) => {
                let seen = fates.iter().filter_map(|(package, fate)| {
                    Some((self.package_named(*package)?.clone(), fate_word(*fate).to_string()))
                });
                Seen::Withdrawn(seen.collect())
            }
            Outcome::Stock(stock) => {
                let suite = Suite(step.stock.as_ref().map_or(1, |stock| stock.cipher_suite.into()));
                let last_resort = match stock.last_resort.get(&suite) {
                    None => LastResortSeen::None,
                    Some(false) => LastResortSeen::Unused,
                    Some(true) => LastResortSeen::Used,
                };
                let regular = stock.regular.get(&suite).map(|left| u64::from(*left));
                Seen::Stock { regular, last_resort, low: regular.map(|_| stock.low.contains(&suite)) }
            }
            Outcome::Notifications(feed) => {
                Seen::Notifications(feed.iter().map(|notified| self.notification_seen(notified)).collect())
            }
        })
    }

    /// Every signature key that a user ever had, as its history tells.
    pub(crate) fn key_history(&self, user: User, state: &State) -> Vec<KeySeen> {
        let own = state.keys.iter().filter(|(_, known)| known.user == user);
        own.map(|(key, known)| self.key_seen(*key, known, state.now, true)).collect()
    }

    fn key_seen(&self, key: Key, known: &KeyState, now: Time, history: bool) -> KeySeen {
        let moment = |at: Time| i64::try_from(i128::from(at) - i128::from(MADE_AT)).ok();
        let (ended, at) = match known.standing(now) {
            Standing::Expired => (Some("expired"), known.expires),
            Standing::Removed => (Some("removed"), known.removed),
            _ => (None, None),
        };
        KeySeen {
            client: self.client_with_key(key).unwrap_or_default(),
            expires_in: known.expires.and_then(moment),
            added_in: history.then(|| moment(known.added)).flatten(),
            ended_in: at.filter(|_| history).and_then(moment),
            ended: ended.filter(|_| history).map(str::to_string),
        }
    }

    /// Whom a user shuts out.
    pub(crate) fn blocks(&self, user: User, state: &State) -> Vec<BlockSeen> {
        let shut_out = state.blocked.iter().filter(|(owner, _)| *owner == user).map(|(_, requester)| requester);
        shut_out.map(|requester| self.block_seen(user, *requester)).collect()
    }

    fn block_seen(&self, owner: User, requester: Requester) -> BlockSeen {
        for (place, name) in [(Place::Here, "here"), (Place::Elsewhere, "elsewhere")] {
            if requester == Self::server(place) {
                return BlockSeen { requester: None, server: Some(name.into()) };
            }
        }
        let user = if requester == Self::ITSELF { owner } else { User(requester.0) };
        BlockSeen { requester: self.user_named(user), server: None }
    }

    fn user_named(&self, user: User) -> Option<String> {
        self.users.get(user.0 as usize).map(ToString::to_string)
    }

    /// How many packages are in a batch.
    fn batch(&self, publish: &Publish) -> u64 {
        publish.key_packages.iter().map(|name| u64::from(index_number(self.vector.copies(name).len()))).sum()
    }

    fn client_seen(&self, status: Status) -> ClientSeen {
        let kind = match status {
            Status::Regular(_) => "regular",
            Status::LastResort(_) => "last_resort",
            Status::Exhausted => "exhausted",
            Status::Incompatible => "incompatible",
        };
        let key_package = status.granted().and_then(|package| self.package_named(package)).cloned();
        ClientSeen { kind: kind.into(), key_package }
    }

    fn notification_seen(&self, notified: &Notified) -> NotificationSeen {
        let kind = if notified.role == Role::LastResort { "last_resort" } else { "regular" };
        NotificationSeen {
            cursor: Some(notified.sequence.into()),
            key_package: self.package_named(notified.package).cloned().unwrap_or_default(),
            kind: Some(kind.into()),
            requester: self.user_named(User(notified.requester.0)),
            first_use: Some(notified.first_use),
            remaining: Some(notified.remaining.into()),
            low: Some(notified.low),
            drain: notified.drain.map(|drain| DrainSeen { taken: Some(drain.taken.into()), of: Some(drain.of.into()) }),
        }
    }
}

pub(crate) const FATES: [WithdrawnFate; 3] =
    [WithdrawnFate::Withdrawn, WithdrawnFate::AlreadyGranted, WithdrawnFate::Unknown];

pub(crate) fn fate_word(fate: WithdrawnFate) -> &'static str {
    match fate {
        WithdrawnFate::Withdrawn => "withdrawn",
        WithdrawnFate::AlreadyGranted => "already_granted",
        WithdrawnFate::Unknown => "unknown",
    }
}

fn withdrawn(word: &str) -> Option<WithdrawnFate> {
    FATES.into_iter().find(|fate| fate_word(*fate) == word)
}

pub(crate) const STANDINGS: [Standing; 5] =
    [Standing::Valid, Standing::NotYet, Standing::Expired, Standing::Removed, Standing::Unknown];

pub(crate) const PACKAGE_STANDINGS: [PackageStanding; 5] = [
    PackageStanding::Granted,
    PackageStanding::Withdrawn,
    PackageStanding::Revoked,
    PackageStanding::Expired,
    PackageStanding::Available,
];

/// The suite's word for something of the model's: the two have the same.
pub(crate) fn word(of: &impl Serialize) -> String {
    let word = serde_json::to_value(of).unwrap_or_default();
    word.as_str().unwrap_or_default().to_string()
}

/// What has this word in the model; nothing, if it is a server's own.
fn named<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(word.into()).ok()
}

/// The suite's word for a refusal of the model.
fn reason_of(reason: ModelReason) -> Reason {
    named(&word(&reason)).unwrap_or(Reason::Any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_of_the_model_is_a_reason_of_the_suite() {
        use ModelReason::*;
        let all = [
            AlreadyUsed,
            InitKeyReused,
            RoleConflict,
            Expired,
            NotYetValid,
            LifetimeTooLong,
            SignerNotListed,
            TwoLastResorts,
            StockFull,
            BatchTooLarge,
            UnknownUser,
            UnknownClient,
            IdempotencyMismatch,
            KeyTaken,
            UnknownKey,
            BeforeFence,
            ExpiryNotForward,
            KeyEnded,
        ];
        for reason in all {
            assert_ne!(reason_of(reason), Reason::Any, "{reason:?}");
        }
        let words = STANDINGS.iter().map(word).chain(PACKAGE_STANDINGS.iter().map(word));
        assert!(words.into_iter().all(|word| !word.is_empty()));
    }
}
