//! Each type of problem has an instance in a snapshot, word for word.

use std::{collections::BTreeSet, fs, path::Path};

use axum::{body::to_bytes, response::IntoResponse as _};
use kpd_directory::claim::ClaimError;
use serde_json::Value;

use super::{Problem, ProblemKind};
use crate::{service::NotDone, store::StoreError};

/// Those that a client cannot bring about over HTTP.
#[tokio::test]
async fn of_the_servers_own_troubles() {
    let failed = || NotDone::<ClaimError>::Failed("what only the operator is told".into());
    let store = NotDone::<ClaimError>::Store(StoreError::because("what only the operator is told"));
    for (name, trouble) in [("busy", NotDone::Contended), ("failed", failed()), ("store-failed", store)] {
        let answer = Problem::from(trouble).into_response();
        let headers = answer.headers().iter().map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()));
        let head = format!("{}\n{}", answer.status().as_u16(), headers.collect::<String>());
        let body: Value = serde_json::from_slice(&to_bytes(answer.into_body(), usize::MAX).await.unwrap()).unwrap();
        insta::with_settings!({ omit_expression => true }, {
            insta::assert_snapshot!(name, format!("{head}{body:#}"));
        });
    }
}

#[test]
fn every_type_has_an_instance_in_a_snapshot() {
    let mut named = BTreeSet::new();
    for directory in ["src/problem/snapshots", "tests/http/snapshots"] {
        for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            // As a member of a problem document; the OpenAPI document has examples of it, which are none.
            let types = text.split(r#""type": "/problems/"#).skip(1);
            named.extend(types.filter_map(|rest| Some(rest.split_once('"')?.0.to_string())));
        }
    }
    let missing: Vec<_> =
        ProblemKind::ALL.iter().map(|kind| kind.name()).filter(|name| !named.contains(*name)).collect();
    assert!(missing.is_empty(), "no snapshot in tests/http/problems.rs, or here, for {missing:?}");
    let names: BTreeSet<_> = ProblemKind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(names.len(), ProblemKind::ALL.len(), "two types have one name");
}
