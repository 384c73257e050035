//! The people and packages of one round: all of them new, so that nothing has to be cleaned up.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use crate::{
    binding::{Binding, render::Variables},
    mls::{
        MlsClient,
        recipe::{Made, Surroundings},
    },
    recording::Broken,
    seed::Seed,
    vector::{Place, Vector},
};

/// One client with what its server told it.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The user's name in the vector.
    pub user: String,
    /// The client's name, as the server knows it.
    pub client: String,
    /// The user as the server knows it.
    pub identity: String,
    /// Its keys.
    pub mls: Arc<MlsClient>,
    /// What its registration saved.
    pub saved: Variables,
}

/// Everyone and everything of one round.
#[derive(Clone, Debug)]
pub struct World {
    /// By user and client, as the vector names them.
    pub actors: BTreeMap<(String, String), Actor>,
    /// By name in the vector.
    pub packages: BTreeMap<String, Made>,
    /// Values that steps saved.
    pub saved: BTreeMap<String, Value>,
    /// Of this round.
    pub seed: Seed,
    /// When the packages were made: lifetimes count from here. Seconds since 1970.
    pub made_at: u64,
    /// When signature keys expire, by user and client: what the server took. Seconds since 1970.
    pub key_expiries: BTreeMap<(String, String), u64>,
    /// The names of servers, as identities have them.
    pub servers: Vec<(Place, String)>,
}

impl World {
    /// Makes everyone's keys and every package.
    ///
    /// # Errors
    ///
    /// A recipe that cannot be followed.
    pub fn new(vector: &Vector, binding: &Binding, seed: Seed, now: u64) -> Result<Self, Broken> {
        let (actors, packages, saved, key_expiries) = Default::default();
        let named = [(Place::Here, &binding.server), (Place::Elsewhere, &binding.elsewhere)];
        let servers = named.into_iter().filter_map(|(place, name)| Some((place, name.clone()?))).collect();
        let mut world = Self { actors, packages, saved, seed, made_at: now, key_expiries, servers };
        for (user, declared) in &vector.users {
            let fresh = format!("{user}-{}", seed.child(user).short_name());
            let server = world.server(declared.server).unwrap_or_default();
            let identity = binding.user.replace("{name}", &fresh).replace("{server}", server);
            let main = ["main".to_string()];
            let clients: &[String] = if declared.clients.is_empty() { &main } else { &declared.clients };
            for client in clients {
                world.enlist(user, client, client, &identity);
            }
        }
        world.enlist_later(vector);
        let mut names: Vec<_> = vector.key_packages.keys().collect();
        // A package that takes over another's init key comes after it.
        names.sort_by_key(|name| vector.key_packages[*name].same_init_key_as.is_some());
        for name in names {
            for copy in vector.copies(name) {
                let made = world.make(vector, name, now);
                let made = made.map_err(|why| Broken::Suite(format!("KeyPackage `{name}`: {why}")))?;
                world.packages.insert(copy, made);
            }
        }
        Ok(world)
    }

    /// Clients that only a step adds, or asks about, have their keys from the beginning too.
    fn enlist_later(&mut self, vector: &Vector) {
        for (_, step) in vector.all_steps() {
            let added = step.add_key.as_ref().map(|add| (&add.client, add.named.as_ref()));
            let asked = step.verify.as_ref().map(|verify| (&verify.client, None));
            for (name, named) in added.into_iter().chain(asked) {
                if let Some((user, client)) = vector.client(name)
                    && let Some(identity) = self.identity(&user)
                    && !self.actors.contains_key(&(user.clone(), client.clone()))
                {
                    self.enlist(&user, &client, named.unwrap_or(&client), &identity);
                }
            }
        }
    }

    /// A client with fresh keys, not known to the server yet.
    fn enlist(&mut self, user: &str, client: &str, named: &str, identity: &str) {
        let mls = Arc::new(MlsClient::new(identity, self.seed.child(&format!("{user}/{client}"))));
        let (user, named, identity) = (user.to_string(), named.to_string(), identity.to_string());
        let actor = Actor { user: user.clone(), client: named, identity, mls, saved: Variables::new() };
        self.actors.insert((user, client.into()), actor);
    }

    fn make(&self, vector: &Vector, name: &str, now: u64) -> Result<Made, String> {
        let recipe = &vector.key_packages[name];
        let owner = self.actor(vector, &recipe.client).ok_or("its client is not declared")?;
        let identity = recipe.identity_of.as_ref().and_then(|user| self.identity(user));
        let surroundings = Surroundings {
            now,
            same_init_key_as: recipe.same_init_key_as.as_ref().and_then(|other| self.packages.get(other)),
            identity: identity.as_deref(),
            seed: self.seed.child(name),
        };
        owner.mls.make(recipe, &surroundings)
    }

    /// A client by its name in the vector.
    #[must_use]
    pub fn actor(&self, vector: &Vector, name: &str) -> Option<&Actor> {
        self.actors.get(&vector.client(name)?)
    }

    /// A user as the server knows it.
    #[must_use]
    pub fn identity(&self, user: &str) -> Option<String> {
        self.actors.values().find(|actor| actor.user == user).map(|actor| actor.identity.clone())
    }

    /// The name in the vector of a user that the server names.
    #[must_use]
    pub fn user_named(&self, identity: &str) -> String {
        let actor = self.actors.values().find(|actor| actor.identity == identity);
        actor.map_or_else(|| format!("unknown {identity}"), |actor| actor.user.clone())
    }

    /// A server as identities name it.
    #[must_use]
    pub fn server(&self, place: Place) -> Option<&str> {
        self.servers.iter().find(|(other, _)| *other == place).map(|(_, name)| name.as_str())
    }

    /// The word of the vector for a server that the server names.
    #[must_use]
    pub fn server_named(&self, name: &str) -> String {
        match self.servers.iter().find(|(_, other)| other == name) {
            Some((Place::Here, _)) => "here".into(),
            Some((Place::Elsewhere, _)) => "elsewhere".into(),
            None => format!("unknown {name}"),
        }
    }

    /// The name in the vector of the client whose signature key this is.
    #[must_use]
    pub fn client_with_key(&self, key: &[u8]) -> String {
        let holder = self.actors.iter().find(|(_, actor)| actor.mls.public_key().as_slice() == key);
        holder.map_or_else(|| "unknown".into(), |((user, client), _)| format!("{user}/{client}"))
    }

    /// A moment that a server names, in seconds from the beginning.
    #[must_use]
    pub fn relative(&self, moment: u64) -> i64 {
        moment.checked_signed_diff(self.made_at).unwrap_or(i64::MAX)
    }

    /// A moment that a vector names, in seconds since 1970.
    #[must_use]
    pub fn absolute(&self, seconds: i64) -> u64 {
        self.made_at.saturating_add_signed(seconds)
    }

    /// The name of a package by its bytes.
    #[must_use]
    pub fn package_of(&self, bytes: &[u8]) -> String {
        let found = self.packages.iter().find(|(_, made)| made.bare == bytes);
        found.map_or_else(|| unknown(&crate::mls::key_package_ref(bytes)), |(name, _)| name.clone())
    }

    /// The name of a package by its reference.
    #[must_use]
    pub fn package_referred(&self, reference: &[u8]) -> String {
        let found = self.packages.iter().find(|(_, made)| made.reference == reference);
        found.map_or_else(|| unknown(reference), |(name, _)| name.clone())
    }
}

fn unknown(reference: &[u8]) -> String {
    let hex = data_encoding::HEXLOWER.encode(reference);
    format!("unknown {}…", hex.get(..12).unwrap_or(&hex))
}
