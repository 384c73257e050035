//! Names: what is one, and what is told about what is none.
#![allow(clippy::expect_used, reason = "a test that cannot go on has failed")]

use kpd_directory::{ClientName, IdempotencyKey, KeyPackageRef, SignatureKey, SignatureKeyId, SignatureScheme, UserId};

#[test]
fn users() {
    for good in ["acct:alice@example.org", "acct:A.b-c_d~e!f@localhost:8080", "acct:a@b"] {
        assert_eq!(UserId::parse(good).expect("a user").as_str(), good);
    }
    let too_long = format!("acct:{}@example.org", "a".repeat(65));
    let bad = [
        "",
        "alice@example.org",
        "acct:alice",
        "acct:@example.org",
        "acct:alice@",
        "acct:alice@Example.org",
        "acct:al ice@example.org",
        "acct:alice@example.org/phone",
        "acct:älice@example.org",
        "acct:alice@bob@example.org",
        "acct:alice\n@example.org",
        &too_long,
    ];
    bad.iter().for_each(|bad| assert!(UserId::parse(bad).is_err(), "{bad}"));
}

#[test]
fn clients_and_idempotency_keys() {
    assert!(ClientName::parse("alices-phone_2.0").is_ok());
    for bad in ["", "Phone", "my phone", "a/b", &"a".repeat(65)] {
        assert!(ClientName::parse(bad).is_err(), "{bad}");
    }
    assert!(IdempotencyKey::parse("0191-Zz!~").is_ok());
    for bad in ["", "a b", "a\tb", "é", &"a".repeat(129)] {
        assert!(IdempotencyKey::parse(bad).is_err(), "{bad}");
    }
}

/// One spelling for each, so that what differs as text differs as a name.
#[test]
fn digests_have_one_spelling() {
    let good = "A".repeat(43);
    assert_eq!(KeyPackageRef::parse(&good).expect("a reference").to_string(), good);
    assert_eq!(SignatureKeyId::parse(&good).expect("an id").to_string(), good);
    // Padding, a bit beyond the last byte, other alphabets, other lengths.
    let bad =
        [format!("{good}="), format!("{}B", &good[1..]), format!("{}+", &good[1..]), good[1..].into(), good.repeat(2)];
    bad.iter().for_each(|bad| assert!(KeyPackageRef::parse(bad).is_err(), "{bad}"));
}

#[test]
fn signature_keys_have_the_length_of_their_scheme() {
    assert!(SignatureKey::new(SignatureScheme::Ed25519, &[7; 32]).is_ok());
    assert!(SignatureKey::new(SignatureScheme::Ed25519, &[7; 31]).is_err());
    assert!(SignatureKey::new(SignatureScheme::EcdsaP256, &[4; 65]).is_ok());
    // Compressed, and empty.
    assert!(SignatureKey::new(SignatureScheme::EcdsaP256, &[2; 33]).is_err());
    assert!(SignatureKey::new(SignatureScheme::EcdsaP256, &[2; 65]).is_err());
    assert!(SignatureKey::new(SignatureScheme::EcdsaP256, &[]).is_err());
}

#[test]
fn the_error_says_what_was_given_and_what_would_be_right() {
    let told = ClientName::parse("My Phone").expect_err("no name").to_string();
    assert_eq!(told, "\"My Phone\" is not a client name: 1 to 64 of a-z, 0-9, '-', '.', '_'");
    let long = UserId::parse(&"x".repeat(1000)).expect_err("no name").to_string();
    assert!(long.len() < 250, "{long}");
}
