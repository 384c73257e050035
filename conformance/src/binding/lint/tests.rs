//! One mistake each, told with its place and how to mend it.

use super::*;

const HEAD: &str =
    "format: kpd-binding/1\nname: test\nready: { method: GET, path: / }\nprofiles: [core]\nuser: '{name}'\n";
const CLAIM: &str = "operations:\n  claim:\n    - request: { method: POST, path: '/{user}' }\n      outcomes:\n";

fn mistakes(text: &str) -> Vec<String> {
    let told = |error: FileError| {
        format!("{}:{} {} ({})", error.line, error.column, error.message, error.hint.unwrap_or_default())
    };
    Binding::read("test.yaml", text).err().unwrap_or_default().into_iter().map(told).collect()
}

#[track_caller]
fn one(text: &str, place: &str, part: &str) {
    let found = mistakes(text);
    assert!(found.len() == 1 && found[0].starts_with(place) && found[0].contains(part), "{found:#?}");
}

#[test]
fn a_binding_without_mistakes_has_none() {
    let text = format!(
        "{HEAD}{CLAIM}        - {{ when: {{ status: 2xx }}, ok: {{ each: /c, fields: {{ client: {{ key_of: '' }} }} }} }}\n"
    );
    assert_eq!(mistakes(&text), [] as [&str; 0]);
}

#[test]
fn what_is_absent_has_a_reason() {
    let success = "        - { when: { status: 200 } }\n";
    one(&format!("{HEAD}absent: {{ withdraw: ' ' }}\n{CLAIM}{success}"), "6:11", "no reason for withdraw");
}

#[test]
fn an_outcome_behind_a_wider_one_never_counts() {
    let wide = format!(
        "{HEAD}{CLAIM}        - {{ when: {{ status: 4xx }}, refused: any }}\n        - {{ when: {{ status: 404, json: {{ /e: x }} }}, refused: unknown_user }}\n"
    );
    one(&wide, "7:3", "outcome 2 never counts");
    let narrow = format!(
        "{HEAD}{CLAIM}        - {{ when: {{ status: 404, json: {{ /e: x }} }}, refused: unknown_user }}\n        - {{ when: {{ status: 4xx }}, refused: any }}\n"
    );
    assert_eq!(mistakes(&narrow), [] as [&str; 0]);
}

#[test]
fn variables_have_values_and_values_have_uses() {
    let success = "        - { when: { status: 200 } }\n";
    one(&format!("{HEAD}{}{success}", CLAIM.replace("{user}", "{usr}")), "8:41", "claim uses {usr}");
    one(&format!("{HEAD}variables: {{ token: {{ says: t }} }}\n{CLAIM}{success}"), "6:14", "nothing uses it");
    one(&format!("{HEAD}{CLAIM}{success}      save: {{ session: /s }}\n"), "11:15", "`session` is saved");
    let saved = format!("{HEAD}auth: {{ bearer: '{{as_session}}' }}\n{CLAIM}{success}      save: {{ session: /s }}\n");
    assert_eq!(mistakes(&saved), [] as [&str; 0]);
    one(&format!("{HEAD}{CLAIM}{success}      for_each: key_packages\n"), "11:17", "there is no list `key_packages`");
}

#[test]
fn fields_that_nobody_reads_or_that_come_from_two_places_are_mistakes() {
    let with = |field: &str| {
        format!("{HEAD}{CLAIM}        - {{ when: {{ status: 200 }}, ok: {{ fields: {{ {field} }} }} }}\n")
    };
    one(&with("klient: { at: /c }"), "10:52", "nobody reads a field `klient`");
    one(&with("client: { at: /c, header: X }"), "10:52", "comes from 2 places");
    one(&with("client: { words: { a: b } }"), "10:52", "comes from 0 places");
    one(&with("client: { at: '/c/{item}' }"), "10:71", "claim uses {item}");
    let each = with("client: { at: '/c/{item}' }").replace("ok: { fields", "ok: { each: /d, fields");
    assert_eq!(mistakes(&each), [] as [&str; 0]);
}

#[test]
fn what_makes_no_sense_as_a_whole_is_told() {
    let success = "        - { when: { status: 200 } }\n";
    one(
        &HEAD.replace("{name}", "alice").replace("user: ", &format!("{CLAIM}{success}user: ")).replace("/{user}", "/x"),
        "10:1",
        "the same identity",
    );
    one(HEAD, "", "no operations");
    one(
        &format!("{HEAD}adapter: {{ command: [a], operations: [claim] }}\n{CLAIM}{success}"),
        "6:1",
        "both an adapter and operations",
    );
    one(
        &format!("{}{CLAIM}{success}", HEAD.replace("ready: { method: GET, path: / }\n", "")),
        "",
        "when the server is ready",
    );
    one(&format!("{HEAD}material: {{ kind: opaque, bytes: 1 }}\n{CLAIM}{success}"), "6:1", "random bytes");
    one(&format!("{HEAD}{}{success}", CLAIM.replace("POST", "post")), "8:26", "no HTTP method");
    one(&format!("{HEAD}{}{success}", CLAIM.replace("'/{user}'", "'x'")), "8:39", "does not begin with `/`");
    one(
        &format!("{HEAD}{}{success}", CLAIM.replace("'/{user}'", "'/', json: {}, bytes: '{nonce}'")),
        "7:3",
        "one body",
    );
    one(
        &format!("{HEAD}{CLAIM}        - {{ when: {{ status: 200 }}, retry_after: {{ header: X }} }}\n"),
        "10:36",
        "of a success",
    );
    one(&format!("{HEAD}unknown: 1\n{CLAIM}{success}"), "6:1", "unknown field `unknown`");
}
