//! `kpd new`: what it writes is good as it is, and nothing is ever overwritten.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

#[allow(dead_code, reason = "other tests use the rest of it")]
mod support;

use std::fs;

use support::{Kpd, Scratch};

#[test]
fn a_new_binding_has_no_mistakes_and_is_not_overwritten() {
    let scratch = Scratch::new("new-binding");
    let path = scratch.path("deep/mine.yaml");
    let ended = Kpd::run(&["new", "--binding", &path]);
    assert_eq!(ended.exit, 0, "{}", ended.all());
    assert!(ended.out.contains("kpd doctor --target"), "{}", ended.out);
    // Nothing is wrong with it but that nobody answers.
    let doctor = Kpd::run(&["doctor", "--target", "http://127.0.0.1:1", "--binding", &path, "--var", "admin_token=x"]);
    assert_eq!(doctor.exit, 4, "{}", doctor.all());
    assert!(!doctor.out.contains("WRONG"), "{}", doctor.out);
    let schema = serde_json::from_str(&Kpd::run(&["schema", "binding"]).out).unwrap();
    let value: serde_yaml::Value = serde_yaml::from_str(&scratch.read("deep/mine.yaml")).unwrap();
    let value = kpd_conformance::yaml::to_json(&value).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&value));
    scratch.write("deep/mine.yaml", "mine");
    let again = Kpd::run(&["new", "--binding", &path]);
    assert_eq!(again.exit, 3, "{}", again.all());
    assert!(again.err.contains("is there already; nothing is overwritten"), "{}", again.err);
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}

#[test]
fn a_new_vector_has_no_mistakes_is_proved_and_passes() {
    let scratch = Scratch::new("new-vector");
    let path = scratch.path("vectors/twice.yaml");
    let ended = Kpd::run(&["new", "--vector", &path]);
    assert_eq!(ended.exit, 0, "{}", ended.all());
    let vectors = scratch.path("vectors");
    let lint = Kpd::run(&["lint", &vectors]);
    assert!(lint.exit == 0 && lint.out.starts_with("1 vector and"), "{}", lint.all());
    let prove = Kpd::run(&["prove", &vectors, "--write"]);
    assert_eq!(prove.exit, 0, "{}", prove.all());
    let run = Kpd::run(&["run", "--vectors", &vectors]);
    assert!(run.exit == 0 && run.out.contains("PASS  twice "), "{}", run.all());
    assert_eq!(Kpd::run(&["new", "--vector", &path]).exit, 3);
}

#[test]
fn what_cannot_be_written_is_told() {
    for wrong in [&["new"][..], &["new", "--binding", "a.yaml", "--vector", "b.yaml"]] {
        assert_eq!(Kpd::run(wrong).exit, 3, "{wrong:?}");
    }
    let named = Kpd::run(&["new", "--vector", "Mine.yaml"]);
    assert!(named.exit == 3 && named.err.contains("the path of a vector is its id"), "{}", named.all());
    let scratch = Scratch::new("new-file");
    scratch.write("file", "");
    let below = Kpd::run(&["new", "--binding", &scratch.path("file/mine.yaml")]);
    assert!(below.exit == 3 && below.err.contains("cannot write"), "{}", below.all());
}

#[test]
fn what_a_vector_documents_is_listed_and_reported() {
    let scratch = Scratch::new("documents");
    let path = scratch.path("vectors/told.yaml");
    assert_eq!(Kpd::run(&["new", "--vector", &path]).exit, 0);
    let text =
        scratch.read("vectors/told.yaml").replace("\nusers:", "\ndocuments: a promise of servers elsewhere\nusers:");
    scratch.write("vectors/told.yaml", &text);
    let vectors = scratch.path("vectors");
    let list = Kpd::run(&["list", "--vectors", &vectors]);
    assert!(list.exit == 0 && list.out.contains("documents: a promise of servers elsewhere"), "{}", list.all());
    let run = Kpd::run(&["run", "--vectors", &vectors, "--report", &scratch.path("report")]);
    assert_eq!(run.exit, 0, "{}", run.all());
    assert!(scratch.read("report/report.html").contains("documents: a promise of servers elsewhere"));
}
