//! The people and packages of one round: all of them new, so that nothing has to be cleaned up.

mod packages;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use serde_json::Value;

use crate::{
    binding::{Binding, render::Variables},
    material::Material,
    mls::{MlsClient, recipe::Made},
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
    /// The client's name, as a vector expects it in an answer.
    pub called: String,
    /// The user as the server knows it.
    pub identity: String,
    /// The fresh name that `{name}` stood for in its identity.
    pub fresh: String,
    /// Its keys.
    pub mls: Arc<MlsClient>,
    /// What its registration saved.
    pub saved: Variables,
    /// A password for servers that want one; all clients of a user have the same.
    pub secret: String,
    seed: Seed,
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
    /// The clients that the server knows.
    pub present: BTreeSet<(String, String)>,
    /// Packages by the ids that the server gave them, if it gives any; all lanes of a race learn together.
    ids: Arc<Mutex<BTreeMap<String, String>>>,
    /// The clients, as the server names them, that have published a last resort; all lanes of a race learn together.
    with_last_resort: Arc<Mutex<BTreeSet<(String, String)>>>,
    material: Material,
    credential: Option<String>,
}

impl World {
    /// Makes everyone's keys; [`Self::make_packages`] follows once the server has said what it calls them.
    #[must_use]
    pub fn new(vector: &Vector, binding: &Binding, seed: Seed, now: u64) -> Self {
        let (actors, packages, saved, key_expiries, present, ids, with_last_resort) = Default::default();
        let (material, credential) = (binding.material.clone(), binding.credential.clone());
        let named = [(Place::Here, &binding.server), (Place::Elsewhere, &binding.elsewhere)];
        let servers = named.into_iter().filter_map(|(place, name)| Some((place, name.clone()?))).collect();
        let made_at = now;
        let mut world = Self {
            actors,
            packages,
            saved,
            seed,
            made_at,
            key_expiries,
            servers,
            present,
            ids,
            with_last_resort,
            material,
            credential,
        };
        for (user, declared) in &vector.users {
            let fresh = format!("{user}-{}", seed.child(user).short_name());
            let server = world.server(declared.server).unwrap_or_default();
            let identity = binding.user.replace("{name}", &fresh).replace("{server}", server);
            let main = ["main".to_string()];
            let clients: &[String] = if declared.clients.is_empty() { &main } else { &declared.clients };
            for client in clients {
                world.enlist(user, (client, client), &fresh, &identity);
            }
        }
        world.enlist_later(vector);
        world
    }

    /// Clients that only a step adds, or asks about, have their keys from the beginning too.
    fn enlist_later(&mut self, vector: &Vector) {
        for (_, step) in vector.all_steps() {
            let added = step.add_key.as_ref().map(|add| (&add.client, add.named.as_ref()));
            let asked = step.verify.as_ref().map(|verify| (&verify.client, None));
            for (name, named) in added.into_iter().chain(asked) {
                if let Some((user, client)) = vector.client(name)
                    && let Some((fresh, identity)) =
                        self.of_user(&user).map(|of| (of.fresh.clone(), of.identity.clone()))
                    && !self.actors.contains_key(&(user.clone(), client.clone()))
                {
                    self.enlist(&user, (&client, named.unwrap_or(&client)), &fresh, &identity);
                }
            }
        }
    }

    /// A client with fresh keys, not known to the server yet.
    fn enlist(&mut self, user: &str, (client, named): (&str, &str), fresh: &str, identity: &str) {
        let seed = self.seed.child(&format!("{user}/{client}"));
        let mls = Arc::new(MlsClient::new(identity, seed));
        let secret = data_encoding::HEXLOWER.encode(&self.seed.child(&format!("secret of {user}")).bytes()[..16]);
        let (named, identity, saved) = (named.to_string(), identity.to_string(), Variables::new());
        let (user, client, fresh) = (user.to_string(), client.to_string(), fresh.to_string());
        let (of, called) = (user.clone(), named.clone());
        let actor = Actor { user, client: named, called, identity, fresh, mls, saved, secret, seed };
        self.actors.insert((of, client), actor);
    }

    /// A client has become known to the server, which may have names of its own for it and for its user.
    pub fn introduce(&mut self, client: &(String, String), mut learned: Variables) {
        let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_string);
        let (identity, called) = (learned.remove("user").map(text), learned.remove("client").map(text));
        if let Some(identity) = identity {
            let of_user = self.actors.values_mut().filter(|actor| actor.user == client.0);
            of_user.for_each(|actor| actor.identity.clone_from(&identity));
        }
        if let Some(actor) = self.actors.get_mut(client) {
            actor.saved.extend(learned);
            actor.client = called.unwrap_or_else(|| actor.client.clone());
            let anew = (actor.user.clone(), actor.client.clone());
            self.last_resorts().remove(&anew);
        }
        self.present.insert(client.clone());
    }

    /// The clients of a user that the server knows.
    pub fn clients_of<'a>(&'a self, user: &'a str) -> impl Iterator<Item = &'a Actor> {
        self.present.iter().filter(move |(of, _)| of == user).filter_map(|client| self.actors.get(client))
    }

    /// What a vector expects a client of a user to be called that the server names.
    #[must_use]
    pub fn client_named(&self, user: Option<&str>, name: &str) -> String {
        let known = |actor: &&Actor| actor.client == name && user.is_none_or(|user| actor.user == user);
        let known: Vec<_> = self.actors.values().filter(known).collect();
        known.first().map_or_else(|| name.to_string(), |actor| actor.called.clone())
    }

    /// A client by its name in the vector.
    #[must_use]
    pub fn actor(&self, vector: &Vector, name: &str) -> Option<&Actor> {
        self.actors.get(&vector.client(name)?)
    }

    /// A user as the server knows it.
    #[must_use]
    pub fn identity(&self, user: &str) -> Option<String> {
        self.of_user(user).map(|actor| actor.identity.clone())
    }

    fn of_user(&self, user: &str) -> Option<&Actor> {
        self.actors.values().find(|actor| actor.user == user)
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
}
