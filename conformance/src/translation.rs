//! A vector in the terms of the model: names become numbers, recipes become facts, steps become operations.
//!
//! What judges a race and what proves a vector both look through here, so that a step means the same to both.

pub(crate) mod answers;

use std::collections::{BTreeMap, BTreeSet};

use kpd_model::{
    history::{Claim, Event, Facts, Role, State},
    names::{ClaimKey, Client, InitKey, Key, Package, Requester, Suite, Time, User},
    spec::Op,
};

use crate::vector::{LastResort, Step, Vector};

/// The second at which everything of a vector is made: lifetimes count from here, and may begin before it.
pub(crate) const MADE_AT: Time = 1_000_000_000;

/// The numbers of a vector's names.
pub(crate) struct Names<'a> {
    pub(crate) vector: &'a Vector,
    users: Vec<&'a String>,
    clients: Vec<(String, String)>,
    packages: Vec<String>,
    claim_keys: Vec<&'a String>,
}

impl<'a> Names<'a> {
    pub(crate) fn of(vector: &'a Vector) -> Self {
        let users: Vec<_> = vector.users.keys().collect();
        let main = ["main".to_string()];
        let declared = vector.users.iter().flat_map(|(user, declared)| {
            let clients: &[String] = if declared.clients.is_empty() { &main } else { &declared.clients };
            clients.iter().map(|client| (user.clone(), client.clone())).collect::<Vec<_>>()
        });
        let mut clients: Vec<_> = declared.collect();
        for added in vector.all_steps().filter_map(|(_, step)| vector.client(&step.add_key.as_ref()?.client)) {
            if !clients.contains(&added) {
                clients.push(added);
            }
        }
        let packages = vector.key_packages.keys().flat_map(|name| vector.copies(name)).collect();
        let keys = vector.all_steps().filter_map(|(_, step)| step.claim.as_ref()?.key.as_ref());
        let claim_keys = keys.collect::<BTreeSet<_>>().into_iter().collect();
        Self { vector, users, clients, packages, claim_keys }
    }

    /// Everyone declared and registered has a listed key; nothing is published.
    pub(crate) fn initial(&self) -> State {
        let there = self.clients.iter().enumerate().filter(|(_, (user, client))| {
            let declared = &self.vector.users[user];
            let named = declared.clients.contains(client) || (declared.clients.is_empty() && client == "main");
            named && declared.registered
        });
        let added = there.map(|(index, (user, _))| Event::KeyAdded {
            user: self.user(user),
            client: Client(index_number(index)),
            key: Key(index_number(index)),
        });
        let events: Vec<_> = std::iter::once(Event::Ticked { to: MADE_AT }).chain(added).collect();
        State::of(&events)
    }

    /// The step as the model knows it, whatever its proof of authentication; `None` if it is no operation of the model,
    /// or one that holds what a server has chosen, such as a cursor.
    pub(crate) fn op(&self, step: &Step) -> Option<Op> {
        if let Some(publish) = &step.publish {
            let client = self.client(publish.owner.as_ref().unwrap_or(&publish.by))?;
            let names = publish.key_packages.iter().flat_map(|name| {
                let copies = self.vector.copies(name).into_iter();
                copies.map(move |copy| (name, copy))
            });
            let packages = names.filter_map(|(recipe, name)| self.facts(recipe, &name)).collect();
            return Some(Op::Publish { client, packages });
        }
        if let Some(claim) = &step.claim {
            let suites = claim.cipher_suites.clone().unwrap_or_else(|| vec![1]);
            let requester = self.client(&claim.by)?;
            let own = self.vector.client(&claim.by).is_some_and(|(owner, _)| owner == claim.of);
            let key = |key: &String| ClaimKey(number(self.claim_keys.iter().position(|other| *other == key)));
            return Some(Op::Claim(Claim {
                requester: Requester(requester.0),
                requester_client: own.then_some(requester),
                user: self.user(&claim.of),
                suites: suites.into_iter().map(|suite| Suite(suite.into())).collect(),
                last_resort_accepted: claim.last_resort == LastResort::Accept,
                key: claim.key.as_ref().map(key),
            }));
        }
        if let Some(withdraw) = &step.withdraw {
            let names = withdraw.key_packages.iter().flat_map(|name| self.vector.copies(name));
            let packages = names.filter_map(|name| self.package(&name)).collect();
            return Some(Op::Withdraw { client: self.client(&withdraw.by)?, packages });
        }
        if let Some(add) = &step.add_key {
            let (user, _) = self.vector.client(&add.client)?;
            let client = self.client(&add.client)?;
            let key = Key(add.key_of.as_ref().map_or(Some(client), |owner| self.client(owner))?.0);
            return Some(Op::AddKey { user: self.user(&user), client, key });
        }
        if let Some(remove) = &step.remove_key {
            let client = self.client(&remove.client)?;
            return Some(Op::RemoveKey { client, key: Key(client.0) });
        }
        if let Some(stock) = &step.stock {
            return Some(Op::Stock { client: self.client(stock.of.as_ref().unwrap_or(&stock.by))? });
        }
        if let Some(awaited) = &step.await_expiry {
            let facts = self.facts(&awaited.key_package, &awaited.key_package)?;
            return Some(Op::Tick { to: facts.not_after.saturating_add(1) });
        }
        None
    }

    pub(crate) fn user(&self, name: &str) -> User {
        User(number(self.users.iter().position(|user| *user == name)))
    }

    pub(crate) fn client(&self, name: &str) -> Option<Client> {
        let client = self.vector.client(name)?;
        self.clients.iter().position(|known| *known == client).map(|index| Client(index_number(index)))
    }

    /// User and client behind a number.
    pub(crate) fn client_named(&self, client: Client) -> Option<&(String, String)> {
        self.clients.get(usize::try_from(client.0).ok()?)
    }

    /// The clients that a user has, had, or is given by a step.
    pub(crate) fn clients_of<'b>(&'b self, user: &'b str) -> impl Iterator<Item = &'b String> {
        self.clients.iter().filter(move |(owner, _)| owner == user).map(|(_, client)| client)
    }

    /// Every package that the vector makes, copies by their own names.
    pub(crate) fn packages(&self) -> &[String] {
        &self.packages
    }

    fn package(&self, name: &str) -> Option<Package> {
        self.packages.iter().position(|known| known == name).map(|index| Package(index_number(index)))
    }

    fn package_named(&self, package: Package) -> Option<&String> {
        self.packages.get(usize::try_from(package.0).ok()?)
    }

    /// What the model knows of a package: `name` is the recipe's, or that of one of its copies.
    fn facts(&self, recipe: &str, name: &str) -> Option<Facts> {
        let recipe = self.vector.key_packages.get(recipe)?;
        let package = self.package(name)?;
        let client = self.client(&recipe.client)?;
        let init_key = recipe.same_init_key_as.as_ref().and_then(|other| self.package(other)).unwrap_or(package);
        let (from, until) = recipe.lifetime();
        Some(Facts {
            package,
            client,
            suite: Suite(recipe.cipher_suite.into()),
            role: if recipe.last_resort { Role::LastResort } else { Role::Regular },
            init_key: InitKey(init_key.0),
            // Clients count up, and strangers down.
            signer: if recipe.unlisted_signer { Key(u32::MAX - package.0) } else { Key(client.0) },
            not_before: MADE_AT.saturating_add_signed(from),
            not_after: MADE_AT.saturating_add_signed(until),
        })
    }

    /// Names in a sentence of the model give way to those of the vector.
    pub(crate) fn translate(&self, sentence: &str) -> String {
        let packages = self.packages.iter().enumerate();
        let packages = packages.map(|(index, name)| (Package(index_number(index)), name.clone()));
        let packages: Vec<_> = packages.chain([(Package(u32::MAX), "a package of nobody".into())]).collect();
        let clients = self.clients.iter().enumerate();
        let clients = clients.map(|(index, (user, client))| (Client(index_number(index)), format!("{user}/{client}")));
        let clients: Vec<_> = clients.collect();
        let in_packages =
            |sentence: String, (package, name): &(Package, String)| sentence.replace(&format!("{package:?}"), name);
        let in_clients =
            |sentence: String, (client, name): &(Client, String)| sentence.replace(&format!("{client:?}"), name);
        let sentence = clients.iter().fold(packages.iter().fold(sentence.to_string(), in_packages), in_clients);
        let packages = packages.into_iter().map(|(package, name)| (package.to_string(), name));
        let clients = clients.into_iter().map(|(client, name)| (client.to_string(), name));
        let table: BTreeMap<String, String> = packages.chain(clients).collect();
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

pub(crate) fn index_number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn number(index: Option<usize>) -> u32 {
    index.map_or(u32::MAX, index_number)
}
