//! What things are called in a vector, and what a server must offer for it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    history::{Claim, Event, Facts, Role},
    names::{ClaimKey, Client, InitKey, Key, Package, Requester, Suite, Time, User},
    spec::Op,
    trace::{Trace, vector::NoVector},
};

pub(super) struct Names {
    owners: BTreeMap<Client, User>,
    requesters: BTreeMap<Requester, Option<Client>>,
    packages: BTreeMap<Package, Facts>,
    suites: BTreeSet<Suite>,
    /// The claim keys that matter: others are left out, so that a server without such keys can be asked, too.
    keys: BTreeSet<ClaimKey>,
    /// The moment that is waited for.
    tick: Option<Time>,
    pub(super) needs: BTreeSet<&'static str>,
}

impl Names {
    pub(super) fn of(trace: &Trace, asked: &[Op]) -> Result<Self, NoVector> {
        let mut names = Self {
            owners: BTreeMap::new(),
            requesters: BTreeMap::new(),
            packages: BTreeMap::new(),
            suites: BTreeSet::new(),
            keys: BTreeSet::new(),
            tick: None,
            needs: BTreeSet::new(),
        };
        let mut signers: BTreeMap<Client, BTreeSet<Key>> = BTreeMap::new();
        for event in &trace.scenario.setup {
            match event {
                Event::KeyAdded { user, client, key, .. } => {
                    names.owners.insert(*client, *user);
                    signers.entry(*client).or_default().insert(*key);
                }
                Event::Published(batch) => names.meet(batch),
                _ => {}
            }
        }
        // Two requesters with one key are two claims: only these rules are about that.
        let shared = trace.broken.as_ref().is_some_and(|(rule, _)| ["CLAIM-ONCE", "CLAIM-RETRY"].contains(rule));
        let mut seen = BTreeSet::new();
        for op in asked {
            match op {
                Op::Publish { packages, .. } => names.meet(packages),
                Op::Claim(claim) => names.claim(claim, shared, &mut seen),
                Op::Withdraw { .. } => {
                    names.needs.insert("withdraw");
                }
                Op::RemoveKey { client, .. } => {
                    names.needs.insert("key_list");
                    if signers.get(client).is_none_or(|keys| keys.len() != 1) {
                        return Err(NoVector(format!(
                            "{client} has two signature keys, and a vector's clients have one"
                        )));
                    }
                }
                Op::Tick { to } => names.tick = Some(*to),
                Op::AddKey { .. } => return Err(NoVector("a key is added".into())),
                Op::ExtendKey { .. }
                | Op::RemoveClient { .. }
                | Op::Keys { .. }
                | Op::Verify { .. }
                | Op::Replace { .. }
                | Op::Block { .. }
                | Op::Unblock { .. }
                | Op::Reconcile { .. }
                | Op::Collect
                | Op::Fence => return Err(NoVector(format!("a vector has no words for {op}"))),
                Op::Stock { .. } | Op::Notifications { .. } | Op::Acknowledge { .. } => {}
            }
        }
        if names.suites.len() > 1 {
            names.needs.insert("cipher_suites");
        }
        Ok(names)
    }

    fn meet(&mut self, packages: &[Facts]) {
        self.suites.extend(packages.iter().map(|facts| facts.suite));
        self.packages.extend(packages.iter().map(|facts| (facts.package, facts.clone())));
    }

    fn claim(&mut self, claim: &Claim, shared: bool, seen: &mut BTreeSet<(Option<Requester>, ClaimKey)>) {
        self.requesters.insert(claim.requester, claim.requester_client);
        self.suites.extend(&claim.suites);
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
            let same = *first.entry((facts.client, facts.init_key)).or_insert(facts.package);
            if same != facts.package {
                parts.push(format!("same_init_key_as: {same}"));
            }
            if self.tick.is_some_and(|tick| facts.not_after <= tick) {
                parts.push(format!("not_after: {LIFETIME_SECONDS}"));
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
