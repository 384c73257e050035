//! The packages of one round: made once the server has said what it calls everyone, and found again in its answers.

use std::{
    collections::BTreeSet,
    sync::{Arc, MutexGuard, PoisonError},
};

use serde_json::Value;

use crate::{
    binding::{render, scalar::text_of},
    mls::{
        MlsClient, key_package_ref,
        recipe::{Made, Surroundings},
    },
    recording::Broken,
    run::world::World,
    vector::Vector,
};

impl World {
    /// Makes every package, with lifetimes from this moment on.
    ///
    /// # Errors
    ///
    /// A recipe that cannot be followed.
    pub fn make_packages(&mut self, vector: &Vector, now: u64) -> Result<(), Broken> {
        self.made_at = now;
        self.give_credentials()?;
        let mut names: Vec<_> = vector.key_packages.keys().collect();
        // A package that takes over another's init key comes after it.
        names.sort_by_key(|name| vector.key_packages[*name].same_init_key_as.is_some());
        for name in names {
            for copy in vector.copies(name) {
                let made = self.make(vector, name, &copy);
                let mut made = made.map_err(|why| Broken::Suite(format!("KeyPackage `{name}`: {why}")))?;
                made.number = u32::try_from(self.packages.len() + 1).unwrap_or(u32::MAX);
                self.packages.insert(copy, made);
            }
        }
        Ok(())
    }

    /// The credentials of KeyPackages have the names that the server knows.
    fn give_credentials(&mut self) -> Result<(), Broken> {
        for (client, actor) in &mut self.actors {
            let identity = match &self.credential {
                None => actor.identity.clone(),
                Some(template) => {
                    let mut variables = actor.saved.clone();
                    variables.insert("user".into(), actor.identity.as_str().into());
                    variables.insert("client".into(), actor.client.as_str().into());
                    match render::text(template, &variables, &|value| value.into()) {
                        Ok(filled) => filled,
                        // Whom the server does not know has saved nothing.
                        Err(_) if !self.present.contains(client) => actor.identity.clone(),
                        Err(missing) => return Err(Broken::Suite(format!("credential: {missing}"))),
                    }
                }
            };
            if actor.mls.identity != identity {
                actor.mls = Arc::new(MlsClient::new(&identity, actor.seed));
            }
        }
        Ok(())
    }

    fn make(&self, vector: &Vector, name: &str, copy: &str) -> Result<Made, String> {
        let recipe = &vector.key_packages[name];
        let owner = self.actor(vector, &recipe.client).ok_or("its client is not declared")?;
        let identity = recipe.identity_of.as_ref().and_then(|user| self.identity(user));
        let surroundings = Surroundings {
            now: self.made_at,
            same_init_key_as: recipe.same_init_key_as.as_ref().and_then(|other| self.packages.get(other)),
            identity: identity.as_deref(),
            seed: self.seed.child(copy),
        };
        self.material.make(&owner.mls, (&owner.identity, &owner.client), recipe, &surroundings)
    }

    /// The name of a package by its bytes.
    #[must_use]
    pub fn package_of(&self, bytes: &[u8]) -> String {
        let found = self.packages.iter().find(|(_, made)| made.bare == bytes);
        found.map_or_else(|| unknown(&key_package_ref(bytes)), |(name, _)| name.clone())
    }

    /// The name of a package by its reference.
    #[must_use]
    pub fn package_referred(&self, reference: &[u8]) -> String {
        let found = self.packages.iter().find(|(_, made)| made.reference == reference);
        found.map_or_else(|| unknown(reference), |(name, _)| name.clone())
    }

    /// The name of a package by its id: that of the suite, as a word or as a number, or that of the server.
    #[must_use]
    pub fn package_with_id(&self, id: &Value) -> String {
        let text = text_of(id);
        let ours = self.packages.iter().find(|(_, made)| made.id == text || made.number.to_string() == text);
        let given = || self.ids.lock().unwrap_or_else(PoisonError::into_inner).get(&text).cloned();
        given().or_else(|| ours.map(|(name, _)| name.clone())).unwrap_or_else(|| format!("unknown {text}"))
    }

    /// The server calls a package so.
    pub fn give_id(&self, package: &str, id: &Value) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).insert(text_of(id), package.into());
    }

    /// A client, as the server names it, has published these.
    pub fn published(&self, user: &str, client: &str, packages: &[String]) {
        if packages.iter().any(|name| self.packages.get(name).is_some_and(|made| made.last_resort)) {
            self.last_resorts().insert((user.into(), client.into()));
        }
    }

    /// Whether a client, as the server names it, has published a last resort since it came to be.
    #[must_use]
    pub fn has_last_resort(&self, user: &str, client: &str) -> bool {
        self.last_resorts().contains(&(user.to_string(), client.to_string()))
    }

    pub(super) fn last_resorts(&self) -> MutexGuard<'_, BTreeSet<(String, String)>> {
        self.with_last_resort.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the server calls a package, if it has said so.
    #[must_use]
    pub fn given_id(&self, package: &str) -> Option<String> {
        let ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        ids.iter().find(|(_, name)| *name == package).map(|(id, _)| id.clone())
    }
}

fn unknown(reference: &[u8]) -> String {
    let hex = data_encoding::HEXLOWER.encode(reference);
    format!("unknown {}…", hex.get(..12).unwrap_or(&hex))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{binding::render::Variables, library, seed::Seed, yaml};

    #[test]
    fn whom_the_server_does_not_know_saved_nothing_and_hinders_nobody() {
        let vector = "id: x\ntitle: t\nwhy: w\nrules: []\nusers: { alice: { clients: [phone] }, ghost: {} }\n\
                      key_packages: { a1: { client: phone } }\n";
        let vector: Vector = yaml::read("x.yaml", vector).unwrap();
        let binding = library::reference_binding().unwrap();
        let binding = crate::binding::Binding { credential: Some("{user}@{home}".into()), ..binding };
        let mut world = World::new(&vector, &binding, Seed::of_run(7), 1_700_000_000);
        let learned = |name: &str| Variables::from([(name.to_string(), "there".into())]);
        let phone = ("alice".to_string(), "phone".to_string());
        world.introduce(&phone, learned("elsewhere"));
        let broken = world.make_packages(&vector, 1_700_000_000).unwrap_err();
        assert!(matches!(&broken, Broken::Suite(why) if why.starts_with("credential: ")), "{broken:?}");
        world.introduce(&phone, learned("home"));
        world.make_packages(&vector, 1_700_000_000).unwrap();
        assert!(world.actors[&phone].mls.identity.ends_with("@there"), "{}", world.actors[&phone].mls.identity);
    }
}
