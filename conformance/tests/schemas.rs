//! The JSON Schemas beside the vectors are those of the types, and every vector and report keeps them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

use std::{fs, path::Path, process::Command};

use serde_json::Value;

fn vectors() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors")
}

fn kpd(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_kpd")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn schemas_are_up_to_date() {
    for name in ["vector", "binding", "report"] {
        let path = vectors().join(format!("schema/{name}.schema.json"));
        let kept = fs::read_to_string(&path).unwrap_or_default();
        let hint = format!("run: cargo run --release -- schema {name} > vectors/schema/{name}.schema.json");
        assert!(kept == kpd(&["schema", name]), "{} is out of date; {hint}", path.display());
    }
}

#[test]
fn every_vector_keeps_the_schema() {
    let schema: Value = serde_json::from_str(&kpd(&["schema", "vector"])).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut seen = 0;
    for directory in fs::read_dir(vectors()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
            if path.extension().is_some_and(|ending| ending == "yaml") {
                let value: serde_yaml::Value = serde_yaml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
                let value = serde_json::to_value(value).unwrap();
                let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
                assert!(errors.is_empty(), "{}: {errors:?}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen >= 90, "only {seen} vectors were looked at");
}

#[test]
fn a_vector_with_an_unknown_key_does_not_keep_the_schema() {
    let schema: Value = serde_json::from_str(&kpd(&["schema", "vector"])).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong = serde_json::json!({ "id": "a", "title": "b", "why": "c", "rules": [], "users": {}, "stepps": [] });
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn what_is_exported_as_json_keeps_the_exported_schema() {
    let directory = std::env::temp_dir().join(format!("kpd-export-{}", std::process::id()));
    kpd(&["export", directory.to_str().unwrap()]);
    let read = |path: &Path| serde_json::from_str::<Value>(&fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&read(&directory.join("schema/vector.schema.json"))).unwrap();
    let once = read(&directory.join("claim/once.json"));
    assert_eq!(once["id"], "claim/once");
    assert!(validator.is_valid(&once), "{once:#}");
    let rules = read(&directory.join("rules.json"));
    assert!(rules["rules"].as_array().unwrap().iter().any(|rule| rule["id"] == "CLAIM-ONCE"));
    let exported = fs::read_dir(directory.join("claim")).unwrap().count();
    assert_eq!(exported, fs::read_dir(vectors().join("claim")).unwrap().count());
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn every_binding_keeps_the_schema() {
    let schema: Value = serde_json::from_str(&kpd(&["schema", "binding"])).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let keeps = |text: &str| {
        let value: serde_yaml::Value = serde_yaml::from_str(text).unwrap();
        // JSON has texts alone as names: a word such as 65535 or true is quoted.
        let value = kpd_conformance::yaml::to_json(&value).unwrap();
        validator.iter_errors(&value).map(|error| error.to_string()).collect::<Vec<_>>()
    };
    let reference = include_str!("../bindings/reference.yaml");
    assert_eq!(keeps(reference), [] as [&str; 0]);
    assert!(!keeps(&reference.replace("operations:", "operashuns:")).is_empty());
    assert_eq!(keeps(include_str!("../bindings/matrix.yaml")), [] as [&str; 0]);
}
