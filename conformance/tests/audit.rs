//! `kpd audit` over stores that were made by hand: a good one passes, and each lie in it is found and named.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

#[allow(dead_code, reason = "not every test file needs all of it")]
mod support;

use std::path::Path;

use kpd_directory::{
    CipherSuite, ClientName, Event, KeyPackageRef, Requester, SignatureKey, SignatureScheme, UserId,
    capabilities::Capabilities,
    event::{Claim, Granted, LastResort},
    key_package::{Facts, Role},
    keys::KeyReserved,
};
use kpd_server::store::{Appended, Durable, Stores, Stream, durable::Opening};
use support::{Kpd, Scratch};

const AT: u64 = 1_700_000_000;

fn user(name: &str) -> UserId {
    UserId::parse(&format!("acct:{name}@example.org")).unwrap()
}

fn phone() -> ClientName {
    ClientName::parse("phone").unwrap()
}

fn key() -> SignatureKey {
    SignatureKey::new(SignatureScheme::Ed25519, &[7; 32]).unwrap()
}

fn reference(letter: char) -> KeyPackageRef {
    // The last character of 32 bytes has two bits that are always 0.
    KeyPackageRef::parse(&format!("{}A", letter.to_string().repeat(42))).unwrap()
}

/// Bob is let in, with a key and two regular KeyPackages.
fn beginning(of: &UserId) -> Vec<Event> {
    let facts = |letter: char| Facts {
        reference: reference(letter),
        init_key_digest: [letter as u8; 32],
        suite: CipherSuite(1),
        capabilities: Capabilities::default(),
        role: Role::Regular,
        signer: key(),
        not_before: AT - 60,
        not_after: AT + 86_400,
        bytes: vec![letter as u8; 3].into(),
    };
    vec![
        Event::Enrolled { at: AT, user: of.clone(), token_digest: [2; 32], not_after: AT + 60 },
        Event::KeyAdded { at: AT + 1, client: phone(), key: key(), by_token: true, expires_at: None },
        Event::Published { at: AT + 2, client: phone(), key_packages: vec![facts('a'), facts('b')] },
    ]
}

fn claimed(seconds: u64, by: &str, granted: Granted) -> Event {
    let requester = Requester { user: user(by), client: phone() };
    let claim = Claim {
        requester,
        vouched_by: None,
        cipher_suites: vec![],
        required_capabilities: Capabilities::default(),
        last_resort: LastResort::Accept,
        idempotency_key: None,
    };
    Event::Claimed { at: AT + seconds, claim, answers: vec![(phone(), granted)], counts_until: None, watched: None }
}

fn regular(letter: char) -> Granted {
    Granted::KeyPackage { reference: reference(letter), role: Role::Regular }
}

/// What the audit says of a store with these histories.
async fn audited(name: &str, histories: &[(UserId, Vec<Event>)]) -> Kpd {
    let scratch = Scratch::new(name);
    let path = scratch.path("store.kpd");
    let stores =
        Stores::durable(Durable::open(Path::new(&path), Opening { create: true, keep_history: true }).unwrap());
    for (user, events) in histories {
        let appended = stores.users.append(&Stream::of_user(user), 0, events.clone()).await.unwrap();
        assert_eq!(appended, Appended::Done);
    }
    let reserved = KeyReserved { user: histories[0].0.clone(), client: phone() };
    stores.keys.append(&Stream::of_key(&key().id()), 0, vec![reserved]).await.unwrap();
    drop(stores);
    Kpd::run(&["audit", &format!("file:{path}")])
}

#[tokio::test]
async fn a_good_history_passes() {
    let bob = user("bob");
    let more =
        [claimed(3, "alice", regular('a')), claimed(4, "eve", regular('b')), claimed(5, "eve", Granted::Exhausted)];
    let audit = audited("audit-good", &[(bob.clone(), [beginning(&bob), more.to_vec()].concat())]).await;
    assert_eq!(audit.exit, 0, "{}", audit.all());
    assert!(audit.out.contains("1 users, 6 events") && audit.out.contains(" 2 granted"), "{}", audit.out);
}

#[tokio::test]
async fn each_lie_is_found_and_named() {
    let bob = user("bob");
    let lies: [(&str, Vec<Event>, &[&str]); 4] = [
        (
            "granted-twice",
            vec![claimed(3, "alice", regular('a')), claimed(4, "eve", regular('a'))],
            &["event 4", "CLAIM-ONCE"],
        ),
        ("never-published", vec![claimed(3, "alice", regular('c'))], &["event 3"]),
        ("not-exhausted", vec![claimed(3, "alice", Granted::Exhausted)], &["event 3"]),
        (
            "signed-by-removed",
            vec![Event::KeyRemoved { at: AT + 3, key: key().id() }, claimed(4, "alice", regular('a'))],
            &["event 4"],
        ),
    ];
    for (name, more, words) in lies {
        let audit = audited(name, &[(bob.clone(), [beginning(&bob), more].concat())]).await;
        assert_eq!(audit.exit, 1, "{name}: {}", audit.all());
        let says = audit.out.lines().find(|line| line.starts_with("VIOLATION acct:bob@example.org")).unwrap();
        assert!(words.iter().all(|word| says.contains(word)), "{name}: {says}");
        assert!(audit.out.contains("1 violations"), "{name}: {}", audit.out);
    }
}

/// `KEY-UNIQUE`
#[tokio::test]
async fn a_key_on_two_lists_is_found() {
    let histories = ["bob", "carol"].map(|name| (user(name), beginning(&user(name))[..2].to_vec()));
    let audit = audited("audit-two-lists", &histories).await;
    assert_eq!(audit.exit, 1, "{}", audit.all());
    assert!(audit.out.contains("VIOLATION key ") && audit.out.contains("KEY-UNIQUE"), "{}", audit.out);
}
