//! A file for each mistake that the lints know, and what is told of it: file, line, column, sentence and hint.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

use std::{fmt::Write as _, fs, path::Path};

use kpd_conformance::{
    binding::Binding,
    catalogue::Catalogue,
    vector::{Vector, lint::lint},
    yaml::{self, FileError},
};

/// What is wrong with vectors; `~` stands for what is right otherwise.
const VECTORS: [&str; 59] = [
    "id: y\n~steps: [ { recall: [] } ]",
    "id: x\ntitle: ' '\nwhy: w\nrules: [CLAIM-ONCE]\nusers: { bob: {} }\nsteps: [ { recall: [] } ]",
    "id: x\ntitle: t\nwhy: w\nrules: []\nusers: { bob: {} }\nsteps: [ { recall: [] } ]",
    "id: x\ntitle: t\nwhy: w\nrules: [NO-RULE]\nusers: { bob: {} }\nsteps: [ { recall: [] } ]",
    "id: x\n~",
    "id: x\n~before: [ { recall: [] } ]\nsteps: [ { recall: [] } ]",
    "id: x\n~race: { rounds: 1, judge: rules, lanes: { a: [ { recall: [] } ], b: [ { recall: [] } ] } }\n\
     steps: [ { recall: [] } ]",
    "id: x\n~race: { rounds: 1, judge: rules, lanes: { a: [ { recall: [] } ] } }",
    "id: x\n~race: { rounds: 0, judge: rules, lanes: { a: [ { recall: [] } ], b: [ { recall: [] } ] } }",
    "id: x\ntitle: t\nwhy: w\nrules: [CLAIM-ONCE]\nusers: { bob: { registered: false } }\n\
     race: { rounds: 1, judge: rules, lanes: { a: [ { recall: [] } ], b: [ { recall: [] } ] } }",
    "id: x\n~key_packages: { e1: { client: phone, not_after: 60 } }\n\
     race: { rounds: 1, judge: rules, lanes: { a: [ { recall: [] } ], b: [ { recall: [] } ] } }",
    "id: x\n~key_packages: { a1: { client: tablet } }\nsteps: [ { recall: [] } ]",
    "id: x\n~key_packages: { a1: { client: phone, same_init_key_as: a2 } }\nsteps: [ { recall: [] } ]",
    "id: x\n~steps: [ { claim: { as: bob, of: carol } } ]",
    "id: x\n~steps: [ { claim: { as: bob, of: alice }, expect: { ok: {}, loose: ' ' } } ]",
    "id: x\n~steps: [ { expect: { anything: true } } ]",
    "id: x\n~steps: [ { recall: [], keys: { of: alice } } ]",
    "id: x\n~key_packages: { a1: { client: phone, copies: 3 } }\n\
     steps: [ { join: { as: bob, key_package: a1 } } ]",
    "id: x\n~steps: [ { claim: { as: bob, of: alice }, expect: {} } ]",
    "id: x\n~steps: [ { kill: {} }, { keys: { of: alice } } ]",
    "id: x\n~steps: [ { kill: {} } ]",
    "id: x\n~steps: [ { start: {} } ]",
    "id: x\n~steps: [ { kill: {} }, { restart: {} } ]",
    "id: x\n~steps: [ { restore: {} } ]",
    "id: x\n~steps: [ { restart: {}, expect: { anything: true } } ]",
    "id: x\n~race: { rounds: 1, judge: rules, lanes: { a: [ { restart: {} } ], b: [ { recall: [] } ] } }",
    "id: x\n~race: { rounds: 1, judge: rules, lanes: { a: [ { claim: { as: bob, of: alice }, save: { s: phone } } ], \
     b: [ { recall: [] } ] } }",
    "id: x\n~steps: [ { await_key_expiry: { client: alice/phone } } ]",
    "id: x\n~steps: [ { recall: [$first] } ]",
    // Expectations that no answer can meet.
    "id: x\n~steps: [ { claim: { as: bob, of: alice }, expect: { ok: { phone: { kind: regluar } } } } ]",
    "id: x\n~steps: [ { claim: { as: bob, of: alice }, expect: { ok: { phone: { knd: regular } } } } ]",
    "id: x\n~steps: [ { claim: { as: bob, of: alice }, expect: { ok: { phon: { kind: { in: [regular, one_time] } } } } } ]",
    "id: x\n~steps: [ { stock: { as: phone }, expect: { ok: { regular: 1, last_resort: { not: unsued } } } } ]",
    "id: x\n~steps: [ { notifications: { as: phone }, expect: { ok: { contains: [ { kindd: regular } ] } } } ]",
    "id: x\n~steps: [ { publish: { as: phone, key_packages: [] }, expect: { ok: { acepted: 1 } } } ]",
    // Each is told where it stands.
    "id: x\n~steps:\n  - claim: { as: bob, of: alise }\n  - keys: { of: alice }\n  - claim: { as: bob, of: alise }",
    // What is wrong with the form.
    "id: x\n~steps: [ { claim: { as: bob, off: alice } } ]",
    "id: x\n~steps: [ { recall: [] } ]\ntitle: again",
    "id: x\n~steps: [ { recall: [] }",
    "id: [x]\n~steps: [ { recall: [] } ]",
    "id: x\n~steps: [ { keys: { of: alice }, expect: { ok: { keys: { in: one } } } } ]",
    "id: x\n~steps: [ { keys: { of: alice }, expect: { ok: { keys: { contains: one } } } } ]",
    "id: x\n~steps: [ { keys: { of: alice }, expect: { ok: { keys: { gte: many } } } } ]",
    "id: x\n~steps: [ { keys: { of: alice }, expect: { ok: { keys: { absent: 1 } } } } ]",
    "id: x\n~steps: [ { keys: { of: alice }, expect: { ok: { keys: { length: -1 } } } } ]",
    "id: x\n~steps: [ { keys: { of: alice }, expect: { ok: { keys: { includes: 3 } } } } ]",
    "id: x\n~steps: [ { keys: { of: alice }, expect: { ok: { keys: { gte: 1, keys: 2 } } } } ]",
    "id: x\n~steps: [ { keys: { of: alice }, expect: { ok: { keys: 1.5 } } } ]",
    "id: x\n~steps: [ { keys: { of: alice }, expect: { ok: { keys: { 7: seven } } } } ]",
    "id: x\n~steps: [ { keys: { of: alice }, expect: { ok: { keys: !secret x } } } ]",
    "id: x\n~steps: [ { keys: { of: alice }, expect: { refused: expried } } ]",
    "id: x\n~steps: [ { keys: { of: alice }, expect: { refused: [rate_limited, angry] } } ]",
    "id: x\n~race: { rounds: many, judge: rules, lanes: {} }",
    "id: x\n~race: { rounds: 1, judge: fairly, lanes: {} }",
    "id: x\n~key_packages: { a1: { client: phone, bad_signatur: true } }\nsteps: [ { recall: [] } ]",
    "",
    "- id: x",
    "id: x\n~steps: [ { recall: [] } ]\n---\nid: y",
    "id: x\n\ttitle: t",
];

const RIGHT: &str = "title: t\nwhy: w\nrules: [CLAIM-ONCE]\nusers: { alice: { clients: [phone] }, bob: {} }\n";

const HEAD: &str = "format: kpd-binding/1\nname: test\nprofiles: [core]\n";
const READY: &str = "ready: { method: GET, path: / }\n";
const USER: &str = "user: '{name}'\n";

/// What is wrong with bindings; `~` stands for the head, `!` for how it is asked whether it is ready, `@` for the names.
const BINDINGS: [&str; 42] = [
    "~!@",
    "~!@adapter: { command: [./mine], operations: [claim] }\noperations: { claim: [ CLAIM ] }",
    "~!@adapter: { command: [], operations: [claim] }",
    "~@operations: { claim: [ CLAIM ] }",
    "~!user: same\noperations: { claim: [ CLAIM ] }",
    "~!@absent: { withdraw: ' ' }\noperations: { claim: [ CLAIM ] }",
    "~!@material: { prefix: '00' }\noperations: { claim: [ CLAIM ] }",
    "~!@hooks: { kill: { command: [] } }\noperations: { claim: [ CLAIM ] }",
    "~!@operations: { claim: [] }",
    "~!@operations: { claim: [ { request: { method: post, path: / }, outcomes: [ { when: { status: 200 } } ] } ] }",
    "~!@operations: { claim: [ { request: { method: GET, path: claims }, outcomes: [ { when: { status: 200 } } ] } ] }",
    "~!@operations: { claim: [ { request: { method: POST, path: /, json: {}, form: { a: b } }, outcomes: [ { when: { status: 200 } } ] } ] }",
    "~!@operations: { claim: [ { request: { method: POST, path: /, json: { a: .nan } }, outcomes: [ { when: { status: 200 } } ] } ] }",
    "~!@operations: { claim: [ { request: { method: GET, path: / }, outcomes: [] } ] }",
    "~!@operations: { claim: [ { request: { method: GET, path: / }, outcomes: [ { when: { status: 4xx }, refused: any }, { when: { status: 404 }, refused: unknown_user } ] } ] }",
    "~!@operations: { claim: [ { request: { method: GET, path: / }, outcomes: [ { when: { status: 200 }, ok: {}, refused: any } ] } ] }",
    "~!@operations: { claim: [ { request: { method: GET, path: / }, outcomes: [ { when: { status: 200 }, retry_after: { header: Retry-After } } ] } ] }",
    "~!@operations: { claim: [ { request: { method: GET, path: / }, outcomes: [ { when: { status: 429 }, refused: rate_limited, retry_after: {} } ] } ] }",
    "~!@operations: { keys: [ { request: { method: GET, path: / }, outcomes: [ { when: { status: 200 }, ok: { others: exhausted } } ] } ] }",
    "~!@operations: { claim: [ { request: { method: GET, path: / }, outcomes: [ { when: { status: 200 }, ok: { optional: true } } ] } ] }",
    "~!@operations: { claim: [ { request: { method: GET, path: / }, outcomes: [ { when: { status: 200 }, ok: { fields: { colour: { at: /c } } } } ] } ] }",
    "~!@operations: { block: [ { request: { method: GET, path: / }, outcomes: [ { when: { status: 200 }, ok: { fields: { colour: { at: /c } } } } ] } ] }",
    "~!@operations: { claim: [ { request: { method: GET, path: / }, outcomes: [ { when: { status: 200 }, ok: { fields: { kind: { at: /c, header: c } } } } ] } ] }",
    "~!@operations: { claim: [ { request: { method: GET, path: '/{usr}' }, outcomes: [ { when: { status: 200 } } ] } ] }",
    "~!@operations: { claim: [ { for_each: key_packages, request: { method: GET, path: / }, outcomes: [ { when: { status: 200 } } ] } ] }",
    "~!@variables: { token: { says: t } }\noperations: { claim: [ CLAIM ] }",
    "~!@operations: { claim: [ { request: { method: GET, path: / }, outcomes: [ { when: { status: 200 } } ], save: { session: /s } } ] }",
    "~!@variables: { place: { says: p, optional: true } }\noperations: { claim: [ { request: { method: GET, path: '/{place}' }, outcomes: [ { when: { status: 200 } } ] } ] }",
    // What is wrong with the form.
    "~!@operations: { clame: [ CLAIM ] }",
    "~!@operations: { claim: [ { request: { method: GET, paht: / }, outcomes: [] } ] }",
    "~!@format: kpd-binding/2",
    "format: kpd-binding/2\nname: test\nprofiles: [core]\n!@",
    "name: test\nprofiles: [core]\n!@",
    "~!@operations: { keys: [ { for_each: clients, request: { method: GET, path: / }, outcomes: [ { when: { status: 200 } } ] } ] }",
    "~!@operations: { claim: [ { request: { method: GET, path: / }, outcomes: [ { when: { status: 20 } } ] } ] }",
    "~!@operations: { claim: [ { request: { method: GET, path: / }, outcomes: [ { when: { status: 6xx } } ] } ] }",
    "~!@operations: { claim: [ { request: { method: GET, path: / }, outcomes: [ { when: { status: [] } } ] } ] }",
    "~!@operations: { claim: [ { request: { method: GET, path: / }, outcomes: [ { when: { status: good } } ] } ] }",
    "~!@operations: { claim: [ { request: { method: GET, path: / }, outcomes: [ { when: { status: 200, json: { at: /a, equals: [1] } } } ] } ] }",
    "~!@auth: { scheme: telepathy }\noperations: { claim: [ CLAIM ] }",
    "~!@hooks: { explode: { command: [x] } }\noperations: { claim: [ CLAIM ] }",
    "",
];

const CLAIM: &str = "{ request: { method: GET, path: / }, outcomes: [ { when: { status: 200 } } ] }";

fn told(errors: &[FileError]) -> String {
    let told = errors.iter().map(|error| format!("  {error}\n    ({})\n", error.hint.as_deref().unwrap_or("no hint")));
    told.collect()
}

fn vectors() -> String {
    let catalogue = Catalogue::read("rules.yaml", include_str!("../../vectors/rules.yaml")).unwrap();
    let mut all = String::new();
    for wrong in VECTORS {
        let text = wrong.replace('~', RIGHT);
        let errors = match yaml::read::<Vector>("x.yaml", &text) {
            Ok(vector) => lint("x.yaml", &text, &vector, &catalogue),
            Err(error) => vec![*error],
        };
        assert!(!errors.is_empty(), "nothing is wrong with {text}");
        writeln!(all, "{wrong}\n{}", told(&errors)).unwrap();
    }
    all
}

fn bindings() -> String {
    let mut all = String::new();
    for wrong in BINDINGS {
        let text = wrong.replace('~', HEAD).replace('!', READY).replace('@', USER).replace("CLAIM", CLAIM);
        let errors = Binding::read("binding.yaml", &text).err().unwrap_or_default();
        assert!(!errors.is_empty(), "nothing is wrong with {text}");
        writeln!(all, "{wrong}\n{}", told(&errors)).unwrap();
    }
    all
}

#[test]
fn each_mistake_in_a_vector_is_told_in_these_words() {
    insta::assert_snapshot!("vectors", vectors());
}

#[test]
fn each_mistake_in_a_binding_is_told_in_these_words() {
    insta::assert_snapshot!("bindings", bindings());
}

/// The texts in quotation marks of a Rust file, without comments and tests.
fn sentences(source: &str) -> Vec<String> {
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code =
        code.map(|line| line.strip_suffix('\\').map_or_else(|| format!("{line}\n"), |line| format!("{line}\u{3}")));
    // A text that goes on in the next line goes on where that begins.
    let code = code.collect::<String>();
    let code = code.split('\u{3}').map(str::trim_start).collect::<String>();
    // No text of a lint holds a quotation mark.
    let texts = code.split('"').skip(1).step_by(2).map(str::to_string);
    texts.filter(|text| text.contains(' ')).collect()
}

/// The longest part of a text that is not filled in.
fn fixed(text: &str) -> String {
    let mut parts = vec![];
    for (number, part) in text.replace("{{", "\u{1}").replace("}}", "\u{2}").split('{').enumerate() {
        let part = if number == 0 { part } else { part.split_once('}').map_or(part, |(_, rest)| rest) };
        parts.push(part.replace('\u{1}', "{").replace('\u{2}', "}"));
    }
    parts.into_iter().max_by_key(String::len).unwrap()
}

#[test]
fn every_sentence_of_the_lints_is_told_by_some_test() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let unfolded = include_str!("lint.rs").lines().map(|line| line.strip_suffix('\\').unwrap_or(line).trim_start());
    let tested = format!("{}{}{}", vectors(), bindings(), unfolded.collect::<String>());
    let mut untold = vec![];
    for file in ["vector/lint.rs", "vector/lint/steps.rs", "vector/lint/outside.rs", "binding/lint.rs"] {
        let found = sentences(&fs::read_to_string(sources.join(file)).unwrap());
        // Each lint has a sentence and a hint: fewer would mean that none is looked at.
        assert!(found.len() > 15, "{file}: {found:?}");
        for text in found {
            // `{}` alone is a word of YAML in a hint, where nothing is filled in.
            if !tested.contains(&fixed(&text)) && !tested.contains(&text) {
                untold.push(format!("{file}: {text}"));
            }
        }
    }
    assert_eq!(untold, [] as [&str; 0], "give each a vector or binding above that shows it");
}
