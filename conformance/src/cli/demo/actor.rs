//! The people of the story: each client with its key, its KeyPackages and its name at the directory.

use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::{
    clock,
    mls::{MlsClient, recipe::Surroundings},
    seed::Seed,
    vector::Recipe,
};

/// One client of a user.
#[derive(Debug)]
pub(super) struct Actor {
    pub(super) user: String,
    pub(super) client: String,
    pub(super) mls: MlsClient,
    /// The id of its signature key, once the directory has listed it.
    pub(super) key_id: String,
    seed: Seed,
}

impl Actor {
    pub(super) fn new(name: &str, client: &str, seed: Seed) -> Self {
        let (user, seed) = (format!("acct:{name}@example.org"), seed.child(client));
        let mls = MlsClient::new(&user, seed);
        Self { user, client: client.into(), mls, key_id: String::new(), seed }
    }

    pub(super) fn path(&self, rest: &str) -> String {
        format!("/v1/users/{}/{rest}", self.user)
    }

    /// A path below the client's own.
    pub(super) fn own(&self, rest: &str) -> String {
        self.path(&format!("clients/{}/{rest}", self.client))
    }

    /// The body that adds its key, with the proof that it holds the private half.
    pub(super) fn addition(&self) -> Value {
        let key = BASE64.encode(&self.mls.public_key());
        let message = format!("key-package-directory add-key v1\n{}\n{}\n{key}\n", self.user, self.client);
        let proof = BASE64.encode(&self.mls.sign(message.as_bytes()));
        json!({ "client": self.client, "scheme": "ed25519", "signature_key": key, "proof": proof })
    }

    /// Makes KeyPackages, as the body that publishes them.
    pub(super) fn batch(&self, regular: usize, last_resorts: usize) -> Result<Value, String> {
        let roles = std::iter::repeat_n(false, regular).chain(std::iter::repeat_n(true, last_resorts));
        let made = roles.map(|last_resort| {
            let recipe = json!({ "client": self.client, "last_resort": last_resort });
            let recipe: Recipe = serde_json::from_value(recipe).map_err(|error| error.to_string())?;
            let surroundings =
                Surroundings { now: clock::now(), same_init_key_as: None, identity: None, seed: self.seed };
            let made = self.mls.make(&recipe, &surroundings)?;
            Ok(json!({ "key_package": BASE64.encode(&made.uploaded) }))
        });
        Ok(json!({ "key_packages": made.collect::<Result<Vec<_>, String>>()? }))
    }
}
