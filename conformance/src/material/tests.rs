//! What is made of each kind, and which vectors make sense with it.

use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};

use super::*;
use crate::{library::Library, seed::Seed, yaml};

fn recipe(last_resort: bool) -> Recipe {
    yaml::read("test", &format!("client: phone\nlast_resort: {last_resort}")).unwrap()
}

fn made(material: &str, name: &str, last_resort: bool) -> (MlsClient, Made) {
    let material: Material = yaml::read("test", material).unwrap();
    let mls = MlsClient::new("@alice:x", Seed::of_run(7));
    let seed = Seed::of_run(7).child(name);
    let surroundings = Surroundings { now: 1_700_000_000, same_init_key_as: None, identity: None, seed };
    let made = material.make(&mls, ("@alice:x", "PHONE"), &recipe(last_resort), &surroundings).unwrap();
    (mls, made)
}

fn verifies(mls: &MlsClient, message: &[u8], signature: &[u8]) -> bool {
    let key = VerifyingKey::from_bytes(&mls.public_key()).unwrap();
    key.verify(message, &Signature::from_slice(signature).unwrap()).is_ok()
}

#[test]
fn opaque_material_is_new_each_time_and_as_long_as_it_should_be() {
    let (mls, one) = made("{ kind: opaque, bytes: 33, prefix: '05' }", "a1", false);
    let (_, other) = made("{ kind: opaque, bytes: 33, prefix: '05' }", "a2", false);
    assert_eq!((one.bare.len(), one.bare[0], one.uploaded == one.bare), (33, 5, true));
    assert!(one.bare != other.bare && one.id != other.id && one.reference != other.reference);
    assert!(verifies(&mls, &one.bare, &one.signature));
    let (_, large) = made("{ kind: opaque, bytes: 100 }", "a1", false);
    assert_eq!(large.bare.len(), 100);
    assert_ne!(large.bare[..32], large.bare[32..64]);
}

#[test]
fn a_key_of_matrix_is_signed_over_its_canonical_json() {
    let (mls, key) = made("{ kind: signed_curve25519 }", "a1", false);
    let (_, fallback) = made("{ kind: signed_curve25519 }", "z", true);
    for (made, fallback) in [(&key, ""), (&fallback, r#""fallback":true,"#)] {
        let encoded = data_encoding::BASE64_NOPAD.encode(&made.bare);
        assert_eq!(made.object["key"], encoded);
        let signature = made.object["signatures"]["@alice:x"]["ed25519:PHONE"].as_str().unwrap();
        let signature = data_encoding::BASE64_NOPAD.decode(signature.as_bytes()).unwrap();
        let message = format!(r#"{{{fallback}"key":"{encoded}"}}"#);
        assert!(verifies(&mls, message.as_bytes(), &signature), "{message}");
    }
    let keys = device_keys(&mls, "@alice:x", "PHONE");
    assert_eq!(keys["keys"]["ed25519:PHONE"], data_encoding::BASE64_NOPAD.encode(&mls.public_key()));
    assert_eq!(canonical(&json!({ "b": [1, "é\""], "a": {} })), r#"{"a":{},"b":[1,"é\""]}"#);
}

#[test]
fn what_is_about_mls_itself_is_found_by_what_a_vector_uses() {
    let library = Library::embedded().unwrap();
    let opaque = Material { kind: MaterialKind::Opaque, ..Material::default() };
    let lacks = |id: &str| opaque.lacks(library.vectors.iter().find(|vector| vector.id == id).unwrap());
    for id in ["claim/once", "claim/race-n-for-n", "publish/again-after-grant", "last-resort/only-when-exhausted"] {
        assert_eq!(lacks(id), None, "{id}");
    }
    for (id, word) in [
        ("publish/trailing-byte", "encoding"),
        ("publish/framed", "encoding"),
        ("publish/other-clients-signer", "signed"),
        ("publish/foreign-identity", "signed"),
        ("publish/reused-init-key", "init key"),
        ("claim/expired-since-publication", "lifetime"),
        ("claim/suites", "suites"),
        ("last-resort/contradicted", "marked"),
        ("last-resort/marked-by-component", "marked"),
        ("claim/usable", "groups"),
    ] {
        assert!(lacks(id).is_some_and(|why| why.contains(word)), "{id}: {:?}", lacks(id));
    }
    let kept = library.vectors.iter().filter(|vector| opaque.lacks(vector).is_none()).count();
    assert!(kept > 120, "only {kept} vectors are left to other material");
    assert!(library.vectors.iter().all(|vector| Material::default().lacks(vector).is_none()));
}

#[test]
fn a_recipe_that_makes_no_sense_is_a_mistake() {
    let mistake = |yaml: &str| yaml::read::<Material>("test", yaml).unwrap().mistake();
    assert_eq!(mistake("{ kind: opaque, bytes: 33, prefix: '05' }"), None);
    for wrong in ["{ kind: opaque, bytes: 8 }", "{ kind: opaque, bytes: 20, prefix: '0102030405' }", "{ bytes: 32 }"] {
        assert!(mistake(wrong).is_some(), "{wrong}");
    }
    assert!(mistake("{ kind: opaque, prefix: 'xy' }").unwrap().contains("hexadecimal"));
}
