//! Each shape of an answer stands in a snapshot: an instance of it, and each of its members somewhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::{Map, Value};

use crate::support::Site;

#[tokio::test]
async fn every_shape_of_an_answer_has_an_instance_in_a_snapshot() {
    let site = Site::start().await;
    let document = site.get("/openapi.json").send().await.is(200);
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let shapes = answered(&document, schemas);
    assert!(shapes.len() >= 30, "only {} shapes were found in the document's answers", shapes.len());
    let objects = objects_in_snapshots();
    let mut missing = vec![];
    for name in &shapes {
        let Some(members) = members(&schemas[name], schemas) else { continue };
        let required: BTreeSet<_> = members.iter().filter(|(_, required)| **required).map(|(name, _)| name).collect();
        let instances = objects.iter().filter(|object| {
            object.keys().all(|name| members.contains_key(name))
                && required.iter().all(|name| object.contains_key(*name))
        });
        let seen: BTreeSet<_> = instances.flat_map(|object| object.keys()).collect();
        let unseen = members.keys().filter(|name| !seen.contains(name));
        missing.extend(unseen.map(|member| format!("{name}.{member}")));
    }
    assert!(missing.is_empty(), "in no snapshot of problems.rs or shapes.rs: {missing:?}");
}

/// The names of all schemas that answers in JSON consist of.
fn answered(document: &Value, schemas: &Map<String, Value>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            named(&operation["responses"], schemas, &mut found);
        }
    }
    found
}

fn named(value: &Value, schemas: &Map<String, Value>, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            let name = object.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
            if let Some(name) = name
                && found.insert(name.into())
            {
                named(&schemas[name], schemas, found);
            }
            object.values().for_each(|value| named(value, schemas, found));
        }
        Value::Array(values) => values.iter().for_each(|value| named(value, schemas, found)),
        _ => {}
    }
}

/// The members of an object, and whether it always has them; `None` for what is no object.
fn members(schema: &Value, schemas: &Map<String, Value>) -> Option<BTreeMap<String, bool>> {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return members(&schemas[name], schemas);
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return Some(parts.iter().filter_map(|part| members(part, schemas)).flatten().collect());
    }
    let required: Vec<_> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object()?;
    Some(properties.keys().map(|name| (name.clone(), required.contains(&name.as_str()))).collect())
}

/// Every object in the body of an answer, at any depth.
fn objects_in_snapshots() -> Vec<Map<String, Value>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http/snapshots");
    let mut objects = vec![];
    for file in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        if file.file_name().to_string_lossy().contains("document") {
            continue;
        }
        let text = fs::read_to_string(file.path()).unwrap();
        // Times are put aside there, in a way that is no JSON.
        let text = text.replace("[time]", "0").replace("[about a million]", "0");
        let body = text.find("\n{").and_then(|start| serde_json::from_str(&text[start..]).ok());
        collect(body.unwrap_or(Value::Null), &mut objects);
    }
    objects
}

fn collect(value: Value, objects: &mut Vec<Map<String, Value>>) {
    match value {
        Value::Object(object) => {
            object.values().for_each(|value| collect(value.clone(), objects));
            objects.push(object);
        }
        Value::Array(values) => values.into_iter().for_each(|value| collect(value, objects)),
        _ => {}
    }
}
