//! A vector in the terms of the model: names become numbers, recipes become facts, steps become operations.
//!
//! What judges a race and what proves a vector both look through here, so that a step means the same to both.

pub(crate) mod answers;
mod operations;

use std::collections::{BTreeMap, BTreeSet};

use kpd_model::{
    history::{Event, Facts, Role, State},
    names::{Client, Feature, InitKey, Key, Package, Requester, Suite, Time, User, features},
};

use crate::vector::{Capabilities, Mark, Place, Recipe, Vector};

/// The second at which everything of a vector is made: lifetimes count from here, and may begin before it.
pub(crate) const MADE_AT: Time = 1_000_000_000;

/// The numbers of a vector's names.
///
/// A requester is a user, since limits and blocks hold for all its clients together; what tells its clients apart, the
/// idempotency keys, are numbered for each of them.
pub(crate) struct Names<'a> {
    pub(crate) vector: &'a Vector,
    users: Vec<&'a String>,
    clients: Vec<Named>,
    packages: Vec<String>,
    /// Each with the user and client that it belongs to.
    claim_keys: Vec<((String, String), &'a String)>,
}

/// What the leaf of such a package lists: its own credential, how a last resort is marked, and what the recipe says.
fn offers(recipe: &Recipe) -> BTreeSet<Feature> {
    let Capabilities { extensions, proposals, credentials } = recipe.capabilities.clone();
    let mark = recipe.last_resort.then_some(if recipe.mark == Mark::Component { 0x0006 } else { 0x000a });
    features(extensions.into_iter().chain(mark), proposals, credentials.into_iter().chain([1]))
}

/// A client of a vector. Each has a signature key of its own.
struct Named {
    user: String,
    /// In the vector.
    client: String,
    /// On the server; two clients of one name there, one after the other, are one client of the model.
    called: String,
}

impl<'a> Names<'a> {
    pub(crate) fn of(vector: &'a Vector) -> Self {
        let main = ["main".to_string()];
        let named = |(user, client): (String, String), called: Option<&String>| {
            let called = called.unwrap_or(&client).clone();
            Named { user, client, called }
        };
        let declared = vector.users.iter().flat_map(|(user, declared)| {
            let clients: &[String] = if declared.clients.is_empty() { &main } else { &declared.clients };
            clients.iter().map(move |client| named((user.clone(), client.clone()), None)).collect::<Vec<_>>()
        });
        let mut clients: Vec<_> = declared.collect();
        for add in vector.all_steps().filter_map(|(_, step)| step.add_key.as_ref()) {
            let Some(added) = vector.client(&add.client) else { continue };
            if !clients.iter().any(|known| known.is(&added)) {
                clients.push(named(added, add.named.as_ref()));
            }
        }
        let packages = vector.key_packages.keys().flat_map(|name| vector.copies(name)).collect();
        let claims = vector.all_steps().filter_map(|(_, step)| step.claim.as_ref());
        let claim_keys = claims.filter_map(|claim| Some((vector.client(&claim.by)?, claim.key.as_ref()?)));
        let claim_keys = claim_keys.collect::<BTreeSet<_>>().into_iter().collect();
        Self { vector, users: vector.users.keys().collect(), clients, packages, claim_keys }
    }

    /// Everyone declared and registered has a listed key; nothing is published.
    pub(crate) fn initial(&self) -> State {
        let there = self.clients.iter().enumerate().filter(|(_, Named { user, client, .. })| {
            let declared = &self.vector.users[user];
            let named = declared.clients.contains(client) || (declared.clients.is_empty() && client == "main");
            named && declared.registered
        });
        let added = there.map(|(index, named)| Event::KeyAdded {
            user: self.user(&named.user),
            client: self.called(named),
            key: Key(index_number(index)),
            expires: None,
        });
        let events: Vec<_> = std::iter::once(Event::Ticked { to: MADE_AT }).chain(added).collect();
        State::of(&events)
    }

    pub(crate) fn user(&self, name: &str) -> User {
        User(number(self.users.iter().position(|user| *user == name)))
    }

    pub(crate) fn client(&self, name: &str) -> Option<Client> {
        Some(self.called(self.named(name)?))
    }

    /// The signature key of a client: its own, whatever other client had its name before.
    pub(crate) fn key(&self, name: &str) -> Option<Key> {
        let client = self.vector.client(name)?;
        self.clients.iter().position(|known| known.is(&client)).map(|index| Key(index_number(index)))
    }

    /// Whom the model knows a user by when it asks.
    pub(crate) fn requester(&self, user: &str) -> Requester {
        if self.users.iter().any(|known| *known == user) { Self::requester_of(self.user(user)) } else { Self::NOBODY }
    }

    /// The same of a number.
    pub(crate) fn requester_of(user: User) -> Requester {
        Requester(user.0)
    }

    /// The name by which owners shut out themselves.
    const ITSELF: Requester = Requester(u32::MAX - 2);

    /// Whom a notification names that no user of the vector is.
    pub(crate) const NOBODY: Requester = Requester(u32::MAX - 3);

    /// The name by which all users of a server are shut out together.
    pub(crate) fn server(place: Place) -> Requester {
        match place {
            Place::Here => Requester(u32::MAX),
            Place::Elsewhere => Requester(u32::MAX - 1),
        }
    }

    fn named(&self, name: &str) -> Option<&Named> {
        let client = self.vector.client(name)?;
        self.clients.iter().find(|known| known.is(&client))
    }

    fn called(&self, named: &Named) -> Client {
        self.client_called(&named.user, &named.called)
    }

    fn client_called(&self, user: &str, called: &str) -> Client {
        Client(number(self.clients.iter().position(|known| known.user == user && known.called == called)))
    }

    /// What the server calls a client of the model.
    fn name_of(&self, client: Client) -> Option<&String> {
        Some(&self.clients.get(usize::try_from(client.0).ok()?)?.called)
    }

    /// The client of the vector that has a signature key.
    pub(crate) fn client_with_key(&self, key: Key) -> Option<String> {
        let named = self.clients.get(usize::try_from(key.0).ok()?)?;
        Some(format!("{}/{}", named.user, named.client))
    }

    /// The clients that a user has, had, or is given by a step, as the server calls them.
    pub(crate) fn clients_of(&self, user: &str) -> BTreeSet<&String> {
        self.clients.iter().filter(|known| known.user == user).map(|known| &known.called).collect()
    }

    /// Every package that the vector makes, copies by their own names.
    pub(crate) fn packages(&self) -> &[String] {
        &self.packages
    }

    fn package(&self, name: &str) -> Option<Package> {
        self.packages.iter().position(|known| known == name).map(|index| Package(index_number(index)))
    }

    /// The same; a package that nobody made has a number that nobody has: the model calls it by its rule.
    pub(crate) fn package_or_none(&self, name: &str) -> Package {
        self.package(name).unwrap_or(Package(u32::MAX))
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
            offers: offers(recipe),
            role: if recipe.last_resort { Role::LastResort } else { Role::Regular },
            init_key: InitKey(init_key.0),
            // Clients count up, and strangers down.
            signer: if recipe.unlisted_signer { Key(u32::MAX - 1 - package.0) } else { self.key(&recipe.client)? },
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
        let clients =
            clients.map(|(index, named)| (Client(index_number(index)), format!("{}/{}", named.user, named.client)));
        let clients: Vec<_> = clients.collect();
        let in_packages =
            |sentence: String, (package, name): &(Package, String)| sentence.replace(&format!("{package:?}"), name);
        let in_clients =
            |sentence: String, (client, name): &(Client, String)| sentence.replace(&format!("{client:?}"), name);
        let sentence = clients.iter().fold(packages.iter().fold(sentence.to_string(), in_packages), in_clients);
        let packages = packages.into_iter().map(|(package, name)| (package.to_string(), name));
        let clients = clients.into_iter().map(|(client, name)| (client.to_string(), name));
        let requesters = self.users.iter().map(|user| (self.requester(user).to_string(), (*user).clone()));
        let users = self.users.iter().map(|user| (self.user(user).to_string(), (*user).clone()));
        let nobody = [(Self::NOBODY.to_string(), "somebody who did not ask".to_string())];
        let table: BTreeMap<String, String> =
            packages.chain(clients).chain(requesters).chain(users).chain(nobody).collect();
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

impl Named {
    fn is(&self, (user, client): &(String, String)) -> bool {
        self.user == *user && self.client == *client
    }
}

pub(crate) fn index_number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn number(index: Option<usize>) -> u32 {
    index.map_or(u32::MAX, index_number)
}
