//! The bytes of everything that is stored, so that none changes unnoticed: see [`super::format`] for how it may change.

use std::fmt::Write as _;

use data_encoding::HEXLOWER;
use kpd_directory::{
    Capabilities, CipherSuite, ClientName, Event, IdempotencyKey, KeyPackageRef, Requester, ServerName, SignatureKey,
    SignatureScheme, UserId, UserState,
    blocks::Blocked,
    event::{Claim, Granted, LastResort, Watched},
    feed::Drain,
    key_package::{Facts, Role},
    keys::KeyReserved,
    limits::{Limited, RequesterEvent, RequesterState},
    policy::Limit,
};
use serde::{Serialize, de::DeserializeOwned};

use super::format::{decode, encode};

fn user() -> UserId {
    UserId::parse("acct:bob@example.org").unwrap()
}

fn client() -> ClientName {
    ClientName::parse("phone").unwrap()
}

fn claim() -> Claim {
    Claim {
        requester: Requester { user: UserId::parse("acct:alice@example.net").unwrap(), client: client() },
        vouched_by: Some(ServerName::parse("example.net").unwrap()),
        cipher_suites: vec![CipherSuite(1), CipherSuite(2)],
        required_capabilities: Capabilities::new([10], [8], []),
        last_resort: LastResort::Refuse,
        idempotency_key: Some(IdempotencyKey::parse("k").unwrap()),
    }
}

fn limited() -> Limited {
    Limited { limit: Limit { claims: 3, seconds: 60 }, retry_after: 7 }
}

/// One of each kind, in their order.
fn events() -> Vec<Event> {
    let (at, client, key) = (1_700_000_000, client(), SignatureKey::new(SignatureScheme::Ed25519, &[7; 32]).unwrap());
    let reference = KeyPackageRef::parse(&"A".repeat(43)).unwrap();
    let facts = |role, suite| Facts {
        reference,
        init_key_digest: [1; 32],
        suite: CipherSuite(suite),
        role,
        capabilities: Capabilities::new([10, 0xff01], [], [1]),
        signer: SignatureKey::new(SignatureScheme::EcdsaP256, &[4; 65]).unwrap(),
        not_before: at,
        not_after: at + 60,
        bytes: vec![0xab; 3].into(),
    };
    let granted = Granted::KeyPackage { reference, role: Role::LastResort };
    let answers =
        [granted, Granted::Exhausted, Granted::Incompatible].map(|granted| (client.clone(), granted)).to_vec();
    let drain = Drain { taken: 6, of: 10, seconds: 60 };
    let watched = Watched { until: at + 60, drains: vec![(client.clone(), drain)] };
    let blocked = Blocked::Server(ServerName::parse("example.net").unwrap());
    vec![
        Event::Enrolled { at, user: user(), token_digest: [2; 32], not_after: at + 1 },
        Event::KeyAdded { at, client: client.clone(), key: key.clone(), by_token: true, expires_at: Some(at + 9) },
        Event::KeyExtended { at, key: key.id(), expires_at: at + 10 },
        Event::KeyRemoved { at, key: key.id() },
        Event::Published {
            at,
            client: client.clone(),
            key_packages: vec![facts(Role::Regular, 1), facts(Role::LastResort, 2)],
        },
        Event::Claimed { at, claim: claim(), answers, counts_until: Some(at + 60), watched: Some(watched) },
        Event::ClaimLimited { at, until: at + 60, claim: claim(), limited: limited() },
        Event::Withdrawn { at, client: client.clone(), references: vec![reference] },
        Event::ClientRemoved { at, client: client.clone() },
        Event::Collected { at, answers_through: None },
        Event::Fenced { at, from: at + 61 },
        Event::Blocked { at, blocked: Blocked::Requester(user()) },
        Event::Unblocked { at, blocked },
        Event::Acknowledged { at, client, through: 1 << 33 },
    ]
}

/// The place of its kind; a new kind belongs at the end, here as in its enum.
fn place(event: &Event) -> usize {
    match event {
        Event::Enrolled { .. } => 0,
        Event::KeyAdded { .. } => 1,
        Event::KeyExtended { .. } => 2,
        Event::KeyRemoved { .. } => 3,
        Event::Published { .. } => 4,
        Event::Claimed { .. } => 5,
        Event::ClaimLimited { .. } => 6,
        Event::Withdrawn { .. } => 7,
        Event::ClientRemoved { .. } => 8,
        Event::Collected { .. } => 9,
        Event::Fenced { .. } => 10,
        Event::Blocked { .. } => 11,
        Event::Unblocked { .. } => 12,
        Event::Acknowledged { .. } => 13,
    }
}

fn pinned<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(told: &mut String, what: &str, value: &T) {
    let bytes = encode(value).unwrap();
    let _ = writeln!(told, "{what}\n  {}", HEXLOWER.encode(&bytes));
    assert_eq!(&decode::<T>(&bytes).unwrap(), value);
    for end in 0..bytes.len() {
        assert!(decode::<T>(&bytes[..end]).is_err(), "{what} cut off at {end}");
    }
}

#[test]
fn what_is_stored_has_the_bytes_of_before() {
    let mut told = String::new();
    for (number, event) in events().iter().enumerate() {
        assert_eq!(place(event), number, "one of each kind");
        pinned(&mut told, &format!("event {number}"), event);
    }
    let at = 1_700_000_000;
    let requester = [
        RequesterEvent::Debited { at, until: at + 60 },
        RequesterEvent::Refused { at, until: at + 60, user: user(), claim: Box::new(claim()), limited: limited() },
    ];
    for (number, event) in requester.iter().enumerate() {
        pinned(&mut told, &format!("requester's event {number}"), event);
    }
    pinned(&mut told, "key's event", &KeyReserved { user: user(), client: client() });
    // What a user's state holds at its fullest: before things end.
    let lasting = events().into_iter().filter(|event| {
        !matches!(
            event,
            Event::KeyRemoved { .. }
                | Event::Withdrawn { .. }
                | Event::ClientRemoved { .. }
                | Event::Acknowledged { .. }
        )
    });
    pinned(&mut told, "state of a user", &UserState::of(&lasting.collect::<Vec<_>>()));
    pinned(&mut told, "state of a requester", &RequesterState::of(&requester));
    insta::assert_snapshot!("bytes", told);
}
