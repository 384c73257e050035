//! Answers of several APIs, read by the outcomes of a binding.

use serde_json::json;

use super::*;

fn exchange(outcomes: &str) -> Exchange {
    crate::yaml::read("test", &format!("request: {{ method: GET, path: / }}\noutcomes: {outcomes}")).unwrap()
}

fn variables() -> Variables {
    Variables::from([("user".into(), "@alice:x".into()), ("client".into(), "phone".into())])
}

fn meaning(exchange: &Exchange, status: u16, headers: &[(&str, &str)], body: &[u8]) -> Meaning {
    let headers = headers.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string())).collect();
    exchange.classify(Given { status, headers: &headers, body }, &variables())
}

fn records(exchange: &Exchange, body: &Value) -> Vec<Value> {
    match meaning(exchange, 200, &[("x-left", "3")], body.to_string().as_bytes()) {
        Meaning::Ok(records) => records.into_iter().map(|record| json!(record)).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refusal_tells_when_to_ask_again_in_seconds_or_not_at_all() {
    let exchange = exchange(
        "[{ when: { status: 429 }, refused: rate_limited, retry_after: { header: Retry-After } },\
         { when: { status: 403 }, refused: rate_limited, retry_after: { milliseconds: /wait } }]",
    );
    let told = |status, value: &str, body: &[u8]| {
        let headers = BTreeMap::from([("retry-after".into(), value.into())]);
        exchange.retry_after(Given { status, headers: &headers, body }, &variables())
    };
    assert_eq!((told(429, "3", b""), told(429, " 3 ", b""), told(420, "3", b"")), (Some(3), Some(3), None));
    assert_eq!((told(429, "-1", b""), told(429, "soon", b""), told(429, "1.5", b"")), (None, None, None));
    assert_eq!((told(403, "", br#"{"wait":2001}"#), told(403, "9", br#"{"wait":"x"}"#)), (Some(3), None));
}

#[test]
fn what_stands_beside_a_list_is_a_record_of_its_own() {
    let exchange = exchange(
        "[{ when: { status: 200 }, ok: { beside: { digest: { at: /digest } }, each: /all, fields: { a: { at: /a } } } }]",
    );
    let read = records(&exchange, &json!({ "digest": "d", "all": [{ "a": 1 }, { "a": 2 }] }));
    assert_eq!(read, [json!({ "digest": "d" }), json!({ "a": 1 }), json!({ "a": 2 })]);
}

#[test]
fn an_object_is_gone_through_with_its_names_and_only_entries() {
    let exchange = exchange(
        "[{ when: { status: 2xx }, ok: { each: '/keys/{user}', optional: true, fields: {
            client: { key_of: '' },
            id: { key_of: '/*', after: 'curve:' },
            kind: { at: /*/fallback, words: { true: last_resort }, absent: regular },
            key_package: { at: /*/key, decode: base64_unpadded } } } }]",
    );
    let body = json!({ "keys": { "@alice:x": {
        "phone": { "curve:A": { "key": "AQI" } }, "tablet": { "curve:B": { "key": "Aw", "fallback": true } } } } });
    let phone = json!({ "client": "phone", "id": "A", "kind": "regular", "key_package": "0102" });
    let tablet = json!({ "client": "tablet", "id": "B", "kind": "last_resort", "key_package": "03" });
    assert_eq!(records(&exchange, &body), [phone, tablet]);
    assert_eq!(records(&exchange, &json!({ "keys": {} })), [] as [Value; 0]);
    let two = json!({ "keys": { "@alice:x": { "phone": { "curve:A": {}, "curve:B": {} } } } }).to_string();
    let Meaning::Unexpected(why) = meaning(&exchange, 200, &[], two.as_bytes()) else {
        panic!("two entries were read")
    };
    assert!(why.contains("2 entries"), "{why}");
}

#[test]
fn absent_means_zero_and_words_headers_counts_and_templates_are_values_too() {
    let exchange = exchange(
        "[{ when: { status: 200 }, ok: { fields: {
            regular: { at: /counts/curve, absent: 0 }, left: { header: X-Left }, ids: { count: /ids },
            client: { is: '{client}' }, role: { is: as_published },
            kind: { at: /id, words: { 65535: last_resort }, otherwise: regular } } } }]",
    );
    let read = records(&exchange, &json!({ "counts": {}, "ids": [1, 2], "id": 65535 }));
    let expected =
        json!({ "regular": 0, "left": "3", "ids": 2, "client": "phone", "role": AS_PUBLISHED, "kind": "last_resort" });
    assert_eq!(read, [expected]);
    assert_eq!(records(&exchange, &json!({ "counts": { "curve": 7 }, "id": 1 }))[0]["kind"], "regular");
}

#[test]
fn a_body_of_bytes_is_a_value_and_outcomes_look_at_more_than_the_status() {
    let exchange = exchange(
        "[{ when: { status: 200, headers: { Content-Type: message/mls } }, ok: { fields: { key_package: { body: true } } } },
          { when: { status: 200, json: { /error: 7 } }, refused: invalid },
          { when: { status: 200, has: [/gone] }, refused: unknown_user },
          { when: { status: 200, lacks: [/x] }, refused: forbidden }]",
    );
    let bytes = Meaning::Ok(vec![Record::from([("key_package".into(), "00ff".into())])]);
    assert_eq!(meaning(&exchange, 200, &[("content-type", "message/mls")], &[0, 255]), bytes);
    assert_eq!(meaning(&exchange, 200, &[], br#"{"error":7}"#), Meaning::Refused(Reason::Invalid));
    assert_eq!(meaning(&exchange, 200, &[], br#"{"gone":1,"x":1}"#), Meaning::Refused(Reason::UnknownUser));
    assert_eq!(meaning(&exchange, 200, &[], br#"{"y":1}"#), Meaning::Refused(Reason::Forbidden));
    let Meaning::Unexpected(why) = meaning(&exchange, 200, &[], br#"{"x":1}"#) else {
        panic!("it was given a meaning")
    };
    assert!(why.contains("no outcome for status 200"), "{why}");
}

#[test]
fn a_place_can_have_the_name_of_its_item_in_it() {
    let exchange = exchange(
        "[{ when: { status: 200 }, ok: { each: /devices, fields: { signature_key: { at: '/keys/ed:{item}' } } } }]",
    );
    let body =
        json!({ "devices": { "d1": { "keys": { "ed:d1": "k1", "x:d1": "x1" } }, "d2": { "keys": { "x:d2": "x2" } } } });
    assert_eq!(records(&exchange, &body), [json!({ "signature_key": "k1" }), json!({})]);
}
