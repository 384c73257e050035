//! The names of a store in the model's: small numbers, in the order in which they come.

use std::collections::{BTreeMap, BTreeSet};

use kpd_directory::{
    Capabilities, ClientName, IdempotencyKey, KeyPackageRef, Requester, SignatureKeyId, UserId,
    event::{Claim, LastResort},
    key_package::{Facts, Role},
};
use kpd_model::{
    history::{Claim as ModelClaim, Facts as ModelFacts, Role as ModelRole},
    names::{ClaimKey, Client, Feature, InitKey, Key, Package, Requester as ModelRequester, Suite, User, features},
};

/// A table of names of one kind.
#[derive(Debug)]
pub(super) struct Table<T>(BTreeMap<T, u32>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Clone + Ord> Table<T> {
    fn number(&mut self, name: &T) -> u32 {
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        *self.0.entry(name.clone()).or_insert(next)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = (&T, u32)> {
        self.0.iter().map(|(name, number)| (name, *number))
    }
}

/// The names in one user's history.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// The owner first; to the model a requester is a user with all its clients.
    pub(super) users: Table<UserId>,
    clients: Table<ClientName>,
    keys: Table<SignatureKeyId>,
    packages: Table<KeyPackageRef>,
    init_keys: Table<[u8; 32]>,
    claim_keys: Table<(Requester, IdempotencyKey)>,
}

/// Whose history it is.
pub(super) const OWNER: User = User(0);

impl Names {
    pub(super) fn requester(&mut self, user: &UserId) -> ModelRequester {
        ModelRequester(self.users.number(user))
    }

    pub(super) fn client(&mut self, name: &ClientName) -> Client {
        Client(self.clients.number(name))
    }

    pub(super) fn key(&mut self, key: &SignatureKeyId) -> Key {
        Key(self.keys.number(key))
    }

    pub(super) fn package(&mut self, reference: &KeyPackageRef) -> Package {
        Package(self.packages.number(reference))
    }

    pub(super) fn facts(&mut self, client: &ClientName, facts: &Facts) -> ModelFacts {
        ModelFacts {
            package: self.package(&facts.reference),
            client: self.client(client),
            suite: Suite(facts.suite.0.into()),
            offers: offered(&facts.capabilities),
            role: role(facts.role),
            init_key: InitKey(self.init_keys.number(&facts.init_key_digest)),
            signer: self.key(&facts.signer.id()),
            not_before: facts.not_before,
            not_after: facts.not_after,
        }
    }

    pub(super) fn claim(&mut self, claim: &Claim) -> ModelClaim {
        let requester = self.requester(&claim.requester.user);
        let own = requester.0 == OWNER.0;
        let key = claim.idempotency_key.clone().map(|key| (claim.requester.clone(), key));
        ModelClaim {
            requester,
            requester_client: own.then(|| self.client(&claim.requester.client)),
            user: OWNER,
            suites: claim.cipher_suites.iter().map(|suite| Suite(suite.0.into())).collect(),
            requires: offered(&claim.required_capabilities),
            last_resort_accepted: claim.last_resort == LastResort::Accept,
            key: key.map(|key| ClaimKey(self.claim_keys.number(&key))),
        }
    }

    /// The model's numbers back into names, the large ones first, since 1 begins 12.
    pub(super) fn told(&self, mut text: String) -> String {
        let packages = self.packages.0.iter().map(|(name, number)| (Package(*number).to_string(), name.to_string()));
        let keys = self.keys.0.iter().map(|(name, number)| (Key(*number).to_string(), name.to_string()));
        let clients = self.clients.0.iter().map(|(name, number)| (Client(*number).to_string(), name.to_string()));
        let mut names: Vec<_> = packages.chain(keys).chain(clients).collect();
        names.sort_by_key(|(number, _)| std::cmp::Reverse(number.len()));
        for (number, name) in names {
            text = text.replace(&number, &name);
        }
        text
    }
}

fn offered(capabilities: &Capabilities) -> BTreeSet<Feature> {
    let [extensions, proposals, credentials] = capabilities.types().map(|types| types.iter().copied());
    features(extensions, proposals, credentials)
}

fn role(role: Role) -> ModelRole {
    match role {
        Role::Regular => ModelRole::Regular,
        Role::LastResort => ModelRole::LastResort,
    }
}
