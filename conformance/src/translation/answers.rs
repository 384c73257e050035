//! Answers of the model in the words of a vector, and back.

use kpd_model::{
    history::{Notified, Role, Status},
    names::{Client, Package, Suite},
    spec::{Op, Outcome, Reason as ModelReason, Stock, WithdrawnFate},
};

use crate::{
    recording::{ClientSeen, LastResortSeen, NotificationSeen, Observed, Seen},
    translation::{Names, number},
    vector::{Step, expect::Reason},
};

impl Names<'_> {
    /// A successful answer as the model has it; `None` if it says what the model does not know.
    pub(crate) fn outcome(&self, op: &Op, seen: &Seen) -> Option<Outcome> {
        Some(match seen {
            Seen::Claimed(clients) => {
                let Op::Claim(claim) = op else { return None };
                let user = self.users.get(claim.user.0 as usize)?;
                let statuses = clients.iter().map(|(client, seen)| {
                    let client = self.clients.iter().position(|known| known.0 == **user && known.1 == *client);
                    (Client(number(client)), self.status(seen))
                });
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
            _ => return None,
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

    /// What a server that gives this outcome is seen to answer to this step. Cursors are the feed's own numbers.
    pub(crate) fn observed(&self, step: &Step, outcome: &Outcome) -> Observed {
        Observed::Ok(match outcome {
            Outcome::Refused(reason) => return Observed::Refused(reason_of(*reason)),
            Outcome::Done => match &step.publish {
                Some(publish) => {
                    let all = publish.key_packages.iter().map(|name| self.vector.copies(name).len() as u64);
                    Seen::Published { accepted: Some(all.sum()) }
                }
                None => Seen::Done {},
            },
            Outcome::Claimed(statuses) => {
                let seen = statuses.iter().filter_map(|(client, status)| {
                    Some((self.client_named(*client)?.1.clone(), self.client_seen(*status)))
                });
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
                Seen::Stock { regular, last_resort, low: None }
            }
            Outcome::Limited { .. } => return Observed::Refused(Reason::RateLimited),
            Outcome::Replaced { .. }
            | Outcome::ClientRemoved { .. }
            | Outcome::Keys(_)
            | Outcome::Standing(_)
            | Outcome::Packages(_) => Seen::Done {},
            Outcome::Notifications(feed) => {
                Seen::Notifications(feed.iter().map(|notified| self.notification_seen(notified)).collect())
            }
        })
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
            requester: self.client_named(Client(notified.requester.0)).map(|(user, _)| user.clone()),
            first_use: Some(notified.first_use),
            remaining: Some(notified.remaining.into()),
            low: None,
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

/// The suite's word for a refusal of the model: the two have the same names.
fn reason_of(reason: ModelReason) -> Reason {
    let name = serde_json::to_value(reason).ok();
    name.and_then(|name| serde_json::from_value(name).ok()).unwrap_or(Reason::Any)
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
        ];
        for reason in all {
            assert_ne!(reason_of(reason), Reason::Any, "{reason:?}");
        }
    }
}
