//! The cast: Alice and Bob with two clients each, Carol and Dave who only ask, their signature keys, and a pool of KeyPackages.

use std::{fmt, sync::LazyLock};

use kpd_directory::{
    ClientName, KeyPackageRef, Requester, ServerName, SignatureKey, SignatureKeyId, UnixSeconds, UserId,
    key_package::Role, keys::possession_message,
};
use openmls_basic_credential::SignatureKeyPair;
use openmls_traits::signatures::Signer as _;

use crate::support::{
    make::{DAY, Recipe, START, public, reference, signer},
    parts::{Capabilities, Extension, Parts, framed},
};

/// A client of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Who {
    pub(crate) user: &'static str,
    pub(crate) client: &'static str,
}

const ALICE_PHONE: Who = Who { user: "alice", client: "phone" };
const ALICE_LAPTOP: Who = Who { user: "alice", client: "laptop" };
const BOB_PHONE: Who = Who { user: "bob", client: "phone" };
const BOB_LAPTOP: Who = Who { user: "bob", client: "laptop" };
const CAROL_PHONE: Who = Who { user: "carol", client: "phone" };
const DAVE_PHONE: Who = Who { user: "dave", client: "phone" };

/// The users that the directory knows.
pub(crate) const USERS: [&str; 2] = ["alice", "bob"];
/// Their clients.
pub(crate) const CLIENTS: [Who; 4] = [ALICE_PHONE, ALICE_LAPTOP, BOB_PHONE, BOB_LAPTOP];
/// The users that may ask.
pub(crate) const ASKERS: [&str; 4] = ["alice", "bob", "carol", "dave"];
/// Who may ask.
pub(crate) const REQUESTERS: [Who; 6] = [CAROL_PHONE, BOB_PHONE, ALICE_PHONE, ALICE_LAPTOP, BOB_LAPTOP, DAVE_PHONE];

/// Those of them that have their accounts elsewhere, at one server.
pub(crate) const STRANGERS: [&str; 2] = ["carol", "dave"];

const HERE: &str = "example.org";
const ELSEWHERE: &str = "example.net";

/// A signature key with its private half.
pub(crate) struct Key {
    /// Such as `alice/phone:ed`.
    pub(crate) name: &'static str,
    pub(crate) owner: Who,
    pub(crate) pair: SignatureKeyPair,
    pub(crate) public: SignatureKey,
}

/// A KeyPackage under the name by which stories call it; the names of last resorts end with a star.
pub(crate) struct Package {
    pub(crate) name: &'static str,
    pub(crate) owner: Who,
    pub(crate) key: &'static str,
    pub(crate) suite: u16,
    pub(crate) role: Role,
    pub(crate) capabilities: Capabilities,
    pub(crate) not_before: UnixSeconds,
    pub(crate) not_after: UnixSeconds,
    pub(crate) init_key: Vec<u8>,
    /// Bare.
    pub(crate) bytes: Vec<u8>,
    /// As it is uploaded: a few come in an MLSMessage.
    pub(crate) upload: Vec<u8>,
    pub(crate) reference: KeyPackageRef,
}

pub(crate) static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let key = |name: &'static str| {
        let (owner, suite) = (owner(name), if name.ends_with("p256") { 2 } else { 1 });
        let pair = signer(suite);
        Key { name, owner, public: public(suite, &pair), pair }
    };
    KEY_NAMES.map(key).into()
});

/// The keys that everybody has at the beginning; `spare` is not listed until somebody adds it.
pub(crate) const KEY_NAMES: [&str; 11] = [
    "alice/phone:ed",
    "alice/phone:p256",
    "alice/laptop:ed",
    "alice/laptop:p256",
    "bob/phone:ed",
    "bob/phone:p256",
    "bob/laptop:ed",
    "bob/laptop:p256",
    "alice/phone:spare",
    "alice/laptop:spare",
    "bob/phone:spare",
];

pub(crate) static PACKAGES: LazyLock<Vec<Package>> = LazyLock::new(|| {
    let (month, long) = (START + 30 * DAY, START + 60 * DAY);
    let mut all = vec![
        // Suite 1 under `ed`, suite 2 under `p256`. The first ones of a client are what a story shrinks to.
        make("a1", "alice/phone:ed", START, month),
        make("a2", "alice/phone:ed", START, month),
        make("z1*", "alice/phone:ed", START, long),
        make("z2*", "alice/phone:ed", START, long),
        make("a3", "alice/phone:ed", START, month),
        make("d1", "alice/phone:p256", START, month),
        make("d2", "alice/phone:p256", START, month),
        make("y1*", "alice/phone:p256", START, long),
        make("short1", "alice/phone:ed", START, START + 100),
        make("short2*", "alice/phone:ed", START, START + 100),
        make("late1", "alice/phone:ed", START + 200, month),
        make("late2*", "alice/phone:ed", START + 200, month),
        make("future1", "alice/phone:ed", START + 1000, month),
        make("future2", "alice/phone:ed", START + 1000, month),
        make("toolong1", "alice/phone:ed", START, START + 91 * DAY),
        make("spare1", "alice/phone:spare", START, month),
        make("spare2*", "alice/phone:spare", START, month),
        make("l1", "alice/laptop:ed", START, month),
        make("x1*", "alice/laptop:ed", START, long),
        make("l2", "alice/laptop:ed", START, month),
        make("q1", "alice/laptop:p256", START, month),
        make("later1", "alice/laptop:ed", START + 200, month),
        make("other1", "alice/laptop:spare", START, month),
        make("other2*", "alice/laptop:spare", START, month),
        make("b1", "bob/phone:ed", START, month),
        make("v1*", "bob/phone:ed", START, long),
        make("b2", "bob/phone:ed", START, month),
        make("c1", "bob/laptop:ed", START, month),
        make("u1*", "bob/laptop:p256", START, long),
    ];
    // Other KeyPackages with the init key of a1: openmls makes none, so a1 is changed and signed by hand.
    let twins = [twin("a1twin", &all[0], |_| {}), twin("a1twin*", &all[0], |parts| parts.add_listed(last_resort()))];
    all.extend(twins);
    all
});

/// An extension type for private use (RFC 9420 §17.3) that some clients have, and some claims require.
pub(crate) const ABILITY: u16 = 0xff01;
/// The KeyPackages whose leaves list it.
const ABLE: [&str; 7] = ["a2", "a3", "d2", "z2*", "y1*", "l2", "b2"];

fn make(name: &'static str, key: &'static str, not_before: UnixSeconds, not_after: UnixSeconds) -> Package {
    let suite = if key.ends_with("p256") { 2 } else { 1 };
    let identity = owner(key).user_id();
    let recipe =
        Recipe { identity: identity.as_str(), not_before, not_after, ..Recipe::new(suite, &self::key(key).pair) };
    let listed = if ABLE.contains(&name) { vec![ABILITY] } else { vec![] };
    package(name, key, Recipe { role: role(name), listed, ..recipe }.bytes())
}

fn twin(name: &'static str, of: &Package, change: fn(&mut Parts)) -> Package {
    let mut parts = Parts::of(&of.bytes);
    parts.set_span(of.not_before, of.not_after + 1);
    change(&mut parts);
    parts.sign(&key(of.key).pair);
    package(name, of.key, parts.bytes())
}

fn package(name: &'static str, key: &'static str, bytes: Vec<u8>) -> Package {
    let parts = Parts::of(&bytes);
    let crate::support::parts::Source::KeyPackage(span) = parts.leaf.source else { unreachable!("made above") };
    let upload = if name.ends_with('2') { framed(1, &bytes) } else { bytes.clone() };
    Package {
        name,
        owner: owner(key),
        key,
        suite: parts.suite,
        role: role(name),
        capabilities: parts.leaf.capabilities.clone(),
        not_before: span.not_before,
        not_after: span.not_after,
        init_key: parts.init_key.into(),
        reference: reference(&bytes),
        bytes,
        upload,
    }
}

/// The mark that implementations ship (draft-ietf-mls-extensions-04).
pub(crate) fn last_resort() -> Extension {
    Extension::new(0x000a, &[])
}

fn role(name: &str) -> Role {
    if name.ends_with('*') { Role::LastResort } else { Role::Regular }
}

fn owner(key: &str) -> Who {
    Who::parse(key.split(':').next().unwrap_or_default())
}

pub(crate) fn key(name: &str) -> &'static Key {
    KEYS.iter().find(|key| key.name == name).unwrap_or_else(|| panic!("no key {name}"))
}

pub(crate) fn key_named(id: &SignatureKeyId) -> &'static str {
    KEYS.iter().find(|key| key.public.id() == *id).expect("a key of the cast").name
}

pub(crate) fn named(name: &str) -> &'static Package {
    PACKAGES.iter().find(|package| package.name == name).unwrap_or_else(|| panic!("no KeyPackage {name}"))
}

pub(crate) fn referenced(reference: &KeyPackageRef) -> &'static Package {
    let found = PACKAGES.iter().find(|package| package.reference == *reference);
    found.unwrap_or_else(|| panic!("nobody made a KeyPackage {reference}"))
}

impl Key {
    /// The proof that its holder wants it listed for this client.
    pub(crate) fn proof(&self, who: Who) -> Vec<u8> {
        let message = possession_message(&who.user_id(), &who.client_name(), &self.public);
        self.pair.sign(&message).expect("a signature")
    }
}

impl Who {
    pub(crate) fn parse(text: &str) -> Self {
        let found = REQUESTERS.into_iter().find(|who| who.to_string() == text);
        found.unwrap_or_else(|| panic!("nobody is called {text}"))
    }

    /// The client of this name of the same user; nobody of the cast, if she has none.
    pub(crate) fn beside(self, client: &ClientName) -> Self {
        let known = CLIENTS.into_iter().find(|who| who.user == self.user && who.client == client.as_str());
        known.unwrap_or(Self { client: "none of hers", ..self })
    }

    pub(crate) fn user_id(self) -> UserId {
        user_id(self.user)
    }

    pub(crate) fn client_name(self) -> ClientName {
        ClientName::parse(self.client).expect("a client name")
    }

    pub(crate) fn requester(self) -> Requester {
        Requester { user: self.user_id(), client: self.client_name() }
    }

    /// The server that vouches for this client, where it is another one than the directory's.
    pub(crate) fn vouched_by(self) -> Option<ServerName> {
        STRANGERS.contains(&self.user).then(|| self.user_id().server())
    }
}

pub(crate) fn user_id(name: &str) -> UserId {
    let server = if STRANGERS.contains(&name) { ELSEWHERE } else { HERE };
    UserId::parse(&format!("acct:{name}@{server}")).expect("a user")
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.user, self.client)
    }
}
