//! What things are called in a vector, and what a server must offer for it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    history::{Claim, Event, Facts, Role},
    names::{ClaimKey, Client, Feature, InitKey, Key, Package, Requester, Suite, Time, User},
    spec::Op,
    trace::vector::NoVector,
};

pub(super) struct Names {
    owners: BTreeMap<Client, User>,
    requesters: BTreeMap<Requester, Option<Client>>,
    packages: BTreeMap<Package, Facts>,
    suites: BTreeSet<Suite>,
    /// Whether a claim requires a capability; where none does, packages need not say what they have.
    requires: bool,
    /// The claim keys that matter: others are left out, so that a server without such keys can be asked, too.
    keys: BTreeSet<ClaimKey>,
    /// The signature key of each client: a vector's clients have one.
    keys_of: BTreeMap<Key, Client>,
    /// The clients that a step adds.
    added: BTreeSet<Client>,
    /// When signature keys expire.
    ends: BTreeMap<Client, Time>,
    /// The last moment that is waited for.
    tick: Option<Time>,
    pub(super) needs: BTreeSet<&'static str>,
}

impl Names {
    /// `shared`: two requesters with one key are two claims, and that is what it is about.
    pub(super) fn of(setup: &[Event], asked: &[Op], shared: bool) -> Result<Self, NoVector> {
        let mut names = Self {
            owners: BTreeMap::new(),
            requesters: BTreeMap::new(),
            packages: BTreeMap::new(),
            suites: BTreeSet::new(),
            requires: false,
            keys: BTreeSet::new(),
            keys_of: BTreeMap::new(),
            added: BTreeSet::new(),
            ends: BTreeMap::new(),
            tick: None,
            needs: BTreeSet::new(),
        };
        let mut signers: BTreeMap<Client, BTreeSet<Key>> = BTreeMap::new();
        for event in setup {
            match event {
                Event::KeyAdded { user, client, key, expires } => {
                    names.owners.insert(*client, *user);
                    names.listed(*client, *key, *expires);
                    signers.entry(*client).or_default().insert(*key);
                }
                Event::Published(batch) => names.meet(batch),
                _ => {}
            }
        }
        let mut seen = BTreeSet::new();
        for op in asked {
            match op {
                Op::Publish { packages, .. } => names.meet(packages),
                Op::Claim(claim) => names.claim(claim, shared, &mut seen),
                Op::Withdraw { .. } => {
                    names.needs.insert("withdraw");
                }
                Op::RemoveKey { .. } => {
                    names.needs.insert("key_list");
                }
                Op::Tick { to } => names.tick = Some(*to),
                Op::AddKey { user, client, key, expires } => {
                    names.needs.insert("key_list");
                    names.owners.insert(*client, *user);
                    names.listed(*client, *key, *expires);
                    if signers.entry(*client).or_default().insert(*key) {
                        names.added.insert(*client);
                    }
                }
                Op::ExtendKey { .. } => {
                    names.needs.extend(["key_list", "key_expiry"]);
                }
                Op::RemoveClient { .. } | Op::Keys { .. } | Op::Verify { .. } => {
                    names.needs.insert("key_list");
                }
                Op::Replace { packages, .. } => names.meet(packages),
                Op::Block { requester, .. } | Op::Unblock { requester, .. } => {
                    names.requesters.entry(*requester).or_insert(None);
                }
                Op::Reconcile { .. } | Op::Collect | Op::Fence => {}
                Op::Stock { .. } | Op::Notifications { .. } | Op::Acknowledge { .. } => {}
            }
        }
        let about_keys = |op: &Op| {
            matches!(
                op,
                Op::AddKey { .. } | Op::ExtendKey { .. } | Op::RemoveKey { .. } | Op::Keys { .. } | Op::Verify { .. }
            )
        };
        let expiring = !names.ends.is_empty();
        if signers.values().any(|keys| keys.len() != 1) && (expiring || asked.iter().any(about_keys)) {
            return Err(NoVector("a client has two signature keys, and a vector's clients have one".into()));
        }
        if !names.ends.is_empty() {
            names.needs.insert("key_expiry");
        }
        if names.suites.len() > 1 {
            names.needs.insert("cipher_suites");
        }
        if names.requires {
            names.needs.insert("required_capabilities");
        }
        Ok(names)
    }

    fn listed(&mut self, client: Client, key: Key, expires: Option<Time>) {
        self.keys_of.insert(key, client);
        if let Some(expires) = expires {
            self.ends.insert(client, expires);
            self.added.insert(client);
        }
    }

    /// The client of a signature key, with its user.
    pub(super) fn client_of(&self, key: Key) -> Result<String, NoVector> {
        let client = self.keys_of.get(&key).ok_or_else(|| NoVector(format!("nobody has {key}")))?;
        Ok(self.owner(*client))
    }

    /// Another client of the same user, or the same one where there is no other: who asks for what ends a client.
    pub(super) fn other(&self, client: Client) -> Result<String, NoVector> {
        let user = self.owners.get(&client);
        let endless = |other: &&Client| **other != client && !self.ends.contains_key(other);
        let other = self.owners.keys().filter(|other| self.owners.get(other) == user).find(endless);
        Ok(self.owner(*other.unwrap_or(&client)))
    }

    /// A client of a user that acts for it.
    pub(super) fn any_of(&self, user: User) -> Result<String, NoVector> {
        let of_user = |client: &&Client| self.owners.get(client) == Some(&user) && !self.ends.contains_key(client);
        let client = self.owners.keys().find(of_user).ok_or_else(|| NoVector(format!("{user} has no client")))?;
        Ok(self.owner(*client))
    }

    /// The client whose signature key expires at this moment.
    pub(super) fn ending(&self, at: Time) -> Option<String> {
        let client = self.ends.iter().find(|(_, end)| **end == at)?.0;
        Some(self.owner(*client))
    }

    /// A moment of the model in seconds from the beginning of the vector.
    pub(super) fn seconds(at: Time) -> Time {
        at
    }

    fn meet(&mut self, packages: &[Facts]) {
        self.suites.extend(packages.iter().map(|facts| facts.suite));
        self.packages.extend(packages.iter().map(|facts| (facts.package, facts.clone())));
    }

    fn claim(&mut self, claim: &Claim, shared: bool, seen: &mut BTreeSet<(Option<Requester>, ClaimKey)>) {
        self.requesters.insert(claim.requester, claim.requester_client);
        self.suites.extend(&claim.suites);
        self.requires |= !claim.requires.is_empty();
        if !claim.last_resort_accepted {
            self.needs.insert("refuse_last_resort");
        }
        let whose = Some(claim.requester).filter(|_| !shared);
        if let Some(key) = claim.key.filter(|key| !seen.insert((whose, *key))) {
            self.keys.insert(key);
            self.needs.insert("idempotency");
        }
    }

    pub(super) fn user(user: User) -> String {
        pick(&USERS, user.0, || user.to_string())
    }

    pub(super) fn client(client: Client) -> String {
        pick(&CLIENTS, client.0, || client.to_string())
    }

    /// A client with its user, as the one who acts.
    pub(super) fn owner(&self, client: Client) -> String {
        let user = self.owners.get(&client).copied().unwrap_or(User(1));
        format!("{}/{}", Self::user(user), Self::client(client))
    }

    pub(super) fn requester(&self, requester: Requester) -> String {
        match self.requesters.get(&requester) {
            Some(Some(own)) => self.owner(*own),
            _ => pick(&REQUESTERS, requester.0, || requester.to_string()),
        }
    }

    /// Whether the requester is called as in notifications: a client of the directory is named in its own way.
    pub(super) fn is_stranger(&self, requester: Requester) -> bool {
        self.requesters.get(&requester).is_none_or(Option::is_none)
    }

    /// The idempotency key, where it is needed.
    pub(super) fn key(&self, claim: &Claim) -> Option<String> {
        claim.key.filter(|key| self.keys.contains(key)).map(|key| key.to_string())
    }

    /// The suites of a claim, where they are not the usual one alone. A claim for any names all that there are.
    pub(super) fn suites(&self, claim: &Claim) -> Option<String> {
        let wanted = if claim.suites.is_empty() { &self.suites } else { &claim.suites };
        let wanted: Vec<_> = wanted.iter().map(|suite| Self::suite(*suite).to_string()).collect();
        (self.suites.len() > 1).then(|| wanted.join(", "))
    }

    /// Capabilities, as extension types for private use (RFC 9420 §17.3).
    pub(super) fn capabilities(features: &BTreeSet<Feature>) -> Option<String> {
        let kinds: Vec<_> = features.iter().map(|feature| (0xff00 + feature.0).to_string()).collect();
        (!kinds.is_empty()).then(|| format!("{{ extensions: [{}] }}", kinds.join(", ")))
    }

    /// All suites that occur.
    pub(super) fn all_suites(&self) -> impl Iterator<Item = Suite> {
        self.suites.iter().copied()
    }

    /// The number of a suite that servers know: those of RFC 9420 with X25519 come first.
    pub(super) fn suite(suite: Suite) -> u32 {
        if suite.0 == 2 { 3 } else { suite.0 }
    }

    /// The package that expires at this moment.
    pub(super) fn expiring(&self, at: Time) -> Option<Package> {
        self.packages.values().find(|facts| facts.not_after == at).map(|facts| facts.package)
    }

    pub(super) fn users(&self) -> String {
        let users: BTreeSet<_> = self.owners.values().collect();
        let with_clients = users.into_iter().map(|user| {
            let clients = self.owners.iter().filter(|(_, owner)| *owner == user);
            let clients = clients.filter(|(client, _)| !self.added.contains(client));
            let clients: Vec<_> = clients.map(|(client, _)| Self::client(*client)).collect();
            format!("{}: {{ clients: [{}] }}", Self::user(*user), clients.join(", "))
        });
        let strangers = self.requesters.keys().filter(|requester| self.is_stranger(**requester));
        let strangers = strangers.map(|requester| format!("{}: {{}}", self.requester(*requester)));
        format!("{{ {} }}", with_clients.chain(strangers).collect::<Vec<_>>().join(", "))
    }

    pub(super) fn recipes(&self) -> Vec<String> {
        let mut first: BTreeMap<(Client, InitKey), Package> = BTreeMap::new();
        let recipe = |facts: &Facts| {
            let mut parts = vec![format!("client: {}", self.owner(facts.client))];
            if facts.role == Role::LastResort {
                parts.push("last_resort: true".into());
            }
            if Self::suite(facts.suite) != 1 {
                parts.push(format!("cipher_suite: {}", Self::suite(facts.suite)));
            }
            let offers = Self::capabilities(&facts.offers).filter(|_| self.requires);
            parts.extend(offers.map(|offers| format!("capabilities: {offers}")));
            let same = *first.entry((facts.client, facts.init_key)).or_insert(facts.package);
            if same != facts.package {
                parts.push(format!("same_init_key_as: {same}"));
            }
            if facts.not_after == 0 {
                parts.push("not_before: -7200, not_after: -3600".into());
            } else if self.tick.is_some_and(|tick| facts.not_after <= tick) {
                parts.push(format!("not_after: {LIFETIME_SECONDS}"));
            }
            if !self.keys_of.contains_key(&facts.signer) {
                parts.push("unlisted_signer: true".into());
            }
            format!("{}: {{ {} }}", facts.package, parts.join(", "))
        };
        self.packages.values().map(recipe).collect()
    }
}

fn pick(names: &[&str], number: u32, other: impl Fn() -> String) -> String {
    let place = usize::try_from(number).unwrap_or(usize::MAX).wrapping_sub(1);
    names.get(place).map_or_else(other, |name| (*name).to_string())
}

const USERS: [&str; 1] = ["alice"];
const CLIENTS: [&str; 3] = ["phone", "tablet", "laptop"];
const REQUESTERS: [&str; 4] = ["bob", "carol", "dave", "erin"];
/// Enough for what comes before; the shorter, the shorter is the wait.
const LIFETIME_SECONDS: u32 = 4;
