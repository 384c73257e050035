//! The people and packages of one round: all of them new, so that nothing has to be cleaned up.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use crate::{
    binding::render::Variables,
    mls::{
        MlsClient,
        recipe::{Made, Surroundings},
    },
    recording::Broken,
    seed::Seed,
    vector::Vector,
};

/// One client with what its server told it.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The user's name in the vector.
    pub user: String,
    /// The client's name.
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
    /// By user and client.
    pub actors: BTreeMap<(String, String), Actor>,
    /// By name in the vector.
    pub packages: BTreeMap<String, Made>,
    /// Values that steps saved.
    pub saved: BTreeMap<String, Value>,
    /// Of this round.
    pub seed: Seed,
    /// When the packages were made: lifetimes count from here. Seconds since 1970.
    pub made_at: u64,
}

impl World {
    /// Makes everyone's keys and every package.
    ///
    /// # Errors
    ///
    /// A recipe that cannot be followed.
    pub fn new(vector: &Vector, user_template: &str, seed: Seed, now: u64) -> Result<Self, Broken> {
        let (actors, packages, saved) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut world = Self { actors, packages, saved, seed, made_at: now };
        for (user, declared) in &vector.users {
            let fresh = format!("{user}-{}", seed.child(user).short_name());
            let identity = user_template.replace("{name}", &fresh);
            let main = ["main".to_string()];
            let clients: &[String] = if declared.clients.is_empty() { &main } else { &declared.clients };
            for client in clients {
                world.enlist(user, client, &identity);
            }
        }
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

    /// A client with fresh keys, not known to the server yet.
    pub fn enlist(&mut self, user: &str, client: &str, identity: &str) {
        let mls = Arc::new(MlsClient::new(identity, self.seed.child(&format!("{user}/{client}"))));
        let (user, client, identity) = (user.to_string(), client.to_string(), identity.to_string());
        let actor = Actor { user: user.clone(), client: client.clone(), identity, mls, saved: Variables::new() };
        self.actors.insert((user, client), actor);
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
