//! The OpenAPI document and the server say the same.

use reqwest::Method;
use serde_json::Value;

use crate::support::{Answer, Call, Site};

const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

#[tokio::test]
async fn every_documented_route_is_served_and_no_other() {
    let site = Site::start().await;
    let document = site.get("/openapi.json").send().await.is(200);
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 19, "paths are counted, so that none gets lost");
    for (path, operations) in paths {
        for method in METHODS {
            let answer = Call::new(&site, method.clone(), example(path)).send().await;
            let documented = operations.get(method.as_str().to_lowercase());
            match documented {
                None => assert_eq!((answer.status, answer.problem()), (405, "method-not-allowed"), "{method} {path}"),
                Some(operation) => assert!(is_documented(operation, &answer), "{method} {path}: {}", answer.status),
            }
            let allowed = answer.header("allow");
            assert!(documented.is_some() || !allowed.is_empty(), "{method} {path} has to say what is allowed");
        }
    }
}

/// Every answer so far has a status that the document names for its route.
pub(crate) async fn says_all_of(site: &Site) {
    let document = site.get("/openapi.json").send().await.is(200);
    let paths = document["paths"].as_object().unwrap();
    for (method, path, status) in site.seen.lock().unwrap().iter() {
        let (_, route) = paths.iter().find(|(template, _)| fits(template, path)).unwrap();
        let responses = &route[method.as_str().to_lowercase()]["responses"];
        assert!(responses.get(status.to_string()).is_some(), "{method} {path} answers {status}");
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split(['?']).next().unwrap_or("").split('/'));
    template.clone().count() == path.clone().count()
        && template.zip(path).all(|(expected, given)| expected == given || expected.starts_with('{'))
}

#[tokio::test]
async fn the_document_is_as_before() {
    let site = Site::start().await;
    let document = site.get("/openapi.json").send().await.is(200);
    insta::assert_json_snapshot!("openapi", document, { ".info.version" => "[version]" });
}

#[tokio::test]
async fn all_schemas_that_are_named_are_there() {
    let site = Site::start().await;
    let document = site.get("/openapi.json").send().await.is(200);
    let mut names = vec![];
    references(&document, &mut names);
    assert!(!names.is_empty());
    for name in names {
        assert!(document.pointer(name.trim_start_matches('#')).is_some(), "{name} is missing");
    }
}

fn example(path: &str) -> String {
    let path = path.replace("{user}", "acct:bob@example.org").replace("{client}", "bob-phone");
    path.replace("{id}", &"A".repeat(43)).replace("{kind}", "not-owner")
}

fn is_documented(operation: &Value, answer: &Answer) -> bool {
    operation["responses"].get(answer.status.to_string()).is_some()
}

fn references<'a>(value: &'a Value, names: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            names.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|value| references(value, names));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, names)),
        _ => {}
    }
}
