//! A round of a race in the terms of the model: names become numbers, answers become outcomes.

use std::collections::{BTreeMap, BTreeSet};

use kpd_model::{
    history::{Claim, Event, Facts, Role, State, Status},
    linearize::Operation,
    names::{ClaimKey, Client, InitKey, Key, Package, Requester, Suite, User},
    spec::{Op, Outcome, Reason as ModelReason, Stock, WithdrawnFate},
};

use crate::{
    recording::{ClientSeen, LastResortSeen, Observed, Recorded, Seen},
    vector::{LastResort, Step, Vector, expect::Reason},
};

/// The numbers of a vector's names.
pub(super) struct Names<'a> {
    vector: &'a Vector,
    users: Vec<&'a String>,
    clients: Vec<(String, String)>,
    packages: Vec<&'a String>,
    claim_keys: Vec<&'a String>,
}

impl<'a> Names<'a> {
    pub(super) fn of(vector: &'a Vector) -> Self {
        let users: Vec<_> = vector.users.keys().collect();
        let main = ["main".to_string()];
        let declared = vector.users.iter().flat_map(|(user, declared)| {
            let clients: &[String] = if declared.clients.is_empty() { &main } else { &declared.clients };
            clients.iter().map(|client| (user.clone(), client.clone())).collect::<Vec<_>>()
        });
        let mut clients: Vec<_> = declared.collect();
        let added = vector.all_steps().filter_map(|(_, step)| vector.client(&step.add_key.as_ref()?.client));
        clients.extend(added.collect::<Vec<_>>());
        let packages = vector.key_packages.keys().collect();
        let keys = vector.all_steps().filter_map(|(_, step)| step.claim.as_ref()?.key.as_ref());
        let claim_keys = keys.collect::<BTreeSet<_>>().into_iter().collect();
        Self { vector, users, clients, packages, claim_keys }
    }

    /// Everyone declared has a listed key; nothing is published.
    pub(super) fn initial(&self) -> State {
        let declared = self.clients.iter().enumerate().filter(|(_, (user, client))| {
            let declared = &self.vector.users[user].clients;
            declared.contains(client) || (declared.is_empty() && client == "main")
        });
        let events: Vec<_> = declared
            .map(|(index, (user, _))| Event::KeyAdded {
                user: User(number(self.users.iter().position(|other| *other == user))),
                client: Client(index_number(index)),
                key: Key(index_number(index)),
            })
            .collect();
        State::of(&events)
    }

    /// The operation as the model knows it; `None` if it changes nothing that the model knows.
    pub(super) fn operation(&self, step: &Step, recorded: &Recorded) -> Option<Operation> {
        let op = self.op(step)?;
        let (outcome, returned) = match &recorded.observed {
            Observed::Lost => (None, None),
            Observed::Ok(seen) => (Some(self.outcome(&op, seen)?), Some(micros(recorded.answered))),
            Observed::Refused(reason) => {
                (Some(Outcome::Refused(model_reason(*reason)?)), Some(micros(recorded.answered)))
            }
            Observed::Unexpected(_) => return None,
        };
        Some(Operation { op, outcome, invoked: micros(recorded.sent), returned })
    }

    fn op(&self, step: &Step) -> Option<Op> {
        if let Some(publish) = step.publish.as_ref().filter(|publish| !publish.replace) {
            let client = self.client(publish.owner.as_ref().unwrap_or(&publish.by))?;
            let packages = publish.key_packages.iter().filter_map(|name| self.facts(name)).collect();
            return Some(Op::Publish { client, packages });
        }
        if let Some(claim) = &step.claim {
            let suites = claim.cipher_suites.clone().unwrap_or_else(|| vec![1]);
            let requester = self.client(&claim.by)?;
            let user = self.users.iter().position(|user| **user == claim.of)?;
            let own = self.vector.client(&claim.by).is_some_and(|(owner, _)| owner == claim.of);
            return Some(Op::Claim(Claim {
                requester: Requester(requester.0),
                requester_client: own.then_some(requester),
                user: User(index_number(user)),
                suites: suites.into_iter().map(|suite| Suite(suite.into())).collect(),
                last_resort_accepted: claim.last_resort == LastResort::Accept,
                key: claim
                    .key
                    .as_ref()
                    .map(|key| ClaimKey(number(self.claim_keys.iter().position(|other| *other == key)))),
            }));
        }
        if let Some(withdraw) = &step.withdraw {
            let packages = withdraw.key_packages.iter().filter_map(|name| self.package(name)).collect();
            return Some(Op::Withdraw { client: self.client(&withdraw.by)?, packages });
        }
        if let Some(remove) = &step.remove_key {
            let client = self.client(&remove.client)?;
            return Some(Op::RemoveKey { client, key: Key(client.0) });
        }
        if let Some(stock) = &step.stock {
            let owner = stock.of.as_ref().unwrap_or(&stock.by);
            // A vector asks for one suite; the model answers for all that a client ever had, which must be this one.
            let recipes = self.vector.key_packages.values();
            let mut of_owner = recipes.filter(|recipe| self.vector.client(&recipe.client) == self.vector.client(owner));
            let only = of_owner.all(|recipe| recipe.cipher_suite == 1) && stock.cipher_suite == 1;
            return Some(Op::Stock { client: self.client(owner).filter(|_| only)? });
        }
        None
    }

    fn outcome(&self, op: &Op, seen: &Seen) -> Option<Outcome> {
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
            seen.key_package.as_ref().and_then(|name| self.packages.iter().position(|known| *known == name)),
        ));
        match seen.kind.as_str() {
            "regular" => Status::Regular(package),
            "last_resort" => Status::LastResort(package),
            "incompatible" => Status::Incompatible,
            _ => Status::Exhausted,
        }
    }

    fn client(&self, name: &str) -> Option<Client> {
        let client = self.vector.client(name)?;
        self.clients.iter().position(|known| *known == client).map(|index| Client(index_number(index)))
    }

    fn package(&self, name: &str) -> Option<Package> {
        self.packages.iter().position(|known| *known == name).map(|index| Package(index_number(index)))
    }

    fn facts(&self, name: &str) -> Option<Facts> {
        let recipe = &self.vector.key_packages[name];
        let package = self.package(name)?;
        let client = self.client(&recipe.client)?;
        let init_key = recipe.same_init_key_as.as_ref().and_then(|other| self.package(other)).unwrap_or(package);
        Some(Facts {
            package,
            client,
            suite: Suite(recipe.cipher_suite.into()),
            role: if recipe.last_resort { Role::LastResort } else { Role::Regular },
            init_key: InitKey(init_key.0),
            signer: Key(client.0),
            // The lint allows no lifetimes in a race.
            not_before: 0,
            not_after: u64::MAX,
        })
    }

    /// Names in a sentence of the model give way to those of the vector.
    pub(super) fn translate(&self, sentence: &str) -> String {
        let table: BTreeMap<String, String> =
            (self.packages.iter().enumerate())
                .map(|(index, name)| (Package(index_number(index)).to_string(), (*name).clone()))
                .chain(self.clients.iter().enumerate().map(|(index, (user, client))| {
                    (Client(index_number(index)).to_string(), format!("{user}/{client}"))
                }))
                .collect();
        let word = |word: &str| table.get(word).cloned().unwrap_or_else(|| word.to_string());
        let mut translated = String::new();
        let mut current = String::new();
        for c in sentence.chars() {
            if c.is_alphanumeric() {
                current.push(c);
            } else {
                translated.push_str(&word(&std::mem::take(&mut current)));
                translated.push(c);
            }
        }
        translated + &word(&current)
    }
}

fn withdrawn(fate: &str) -> Option<WithdrawnFate> {
    match fate {
        "withdrawn" => Some(WithdrawnFate::Withdrawn),
        "already_granted" => Some(WithdrawnFate::AlreadyGranted),
        "unknown" => Some(WithdrawnFate::Unknown),
        _ => None,
    }
}

/// The model's word for a refusal; `None` for refusals that change nothing and are not the model's.
pub(super) fn model_reason(reason: Reason) -> Option<ModelReason> {
    Some(match reason {
        // A server without finer words refuses a replayed publication so; nothing else is refused in a race.
        Reason::AlreadyUsed | Reason::Invalid => ModelReason::AlreadyUsed,
        Reason::InitKeyReused => ModelReason::InitKeyReused,
        Reason::RoleConflict => ModelReason::RoleConflict,
        Reason::SignerNotListed => ModelReason::SignerNotListed,
        Reason::TwoLastResorts => ModelReason::TwoLastResorts,
        Reason::IdempotencyMismatch => ModelReason::IdempotencyMismatch,
        Reason::UnknownUser => ModelReason::UnknownUser,
        Reason::UnknownClient => ModelReason::UnknownClient,
        _ => return None,
    })
}

fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn index_number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn number(index: Option<usize>) -> u32 {
    index.map_or(u32::MAX, index_number)
}
