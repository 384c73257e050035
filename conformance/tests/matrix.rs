//! The binding of a Matrix homeserver, and what is known of Synapse: read together, without a server.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

use std::path::Path;

use kpd_conformance::{binding::Binding, judge, library::Library};

const BINDING: &str = include_str!("../bindings/matrix.yaml");
const BY_HAND: &str = include_str!("../strangers/synapse_by_hand.py");

fn binding() -> Binding {
    Binding::read("matrix.yaml", BINDING).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

fn skipped(id: &str) -> Option<String> {
    let library = Library::embedded().unwrap();
    let vector = library.vectors.iter().find(|vector| vector.id == id).unwrap_or_else(|| panic!("no vector {id}"));
    judge::skipped(vector, &binding(), &library.catalogue)
}

/// A known failure that is never run, or that nobody can repeat, is worth nothing.
#[test]
fn what_is_known_of_synapse_is_run_and_was_shown_without_the_suite() {
    for database in ["sqlite", "postgres"] {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("strangers/synapse.{database}.known-failures.yaml"));
        let known: serde_yaml::Value = serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let known = known.as_sequence().unwrap();
        assert!(known.len() >= 5, "{database}: {}", known.len());
        for entry in known {
            let (id, comment) = (entry["id"].as_str().unwrap(), entry["comment"].as_str().unwrap());
            assert_eq!(skipped(id), None, "{database}: {id}");
            let (_, named) = comment.split_once("By hand: ").unwrap_or_else(|| panic!("{id}: {comment}"));
            let name: String =
                named.chars().take_while(|letter| letter.is_ascii_lowercase() || *letter == '_').collect();
            assert!(BY_HAND.contains(&format!("def {name}():")), "{id}: there is no {name} in synapse_by_hand.py");
        }
    }
}

#[test]
fn what_the_matrix_api_cannot_be_asked_is_left_out_with_its_reason() {
    let why = |id| skipped(id).unwrap_or_else(|| panic!("{id} is run"));
    assert!(why("publish/only-the-owner").contains("no other can be named"), "{}", why("publish/only-the-owner"));
    let race = why("keys/race-removal-with-claims");
    assert!(race.contains("whether it is gone or has nothing left"), "{race}");
    assert!(why("claim/unknown-user").contains("as for one without keys"), "{}", why("claim/unknown-user"));
    assert!(why("claim/not-self").contains("leaves its own out by itself"), "{}", why("claim/not-self"));
    assert_eq!(skipped("keys/removal-cascades"), None);
    assert_eq!(skipped("last-resort/used-sticks"), None);
}
