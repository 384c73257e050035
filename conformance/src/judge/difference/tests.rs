//! What is said of an answer that is not as it should be, beside its meaning.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use crate::{
    judge::difference::difference,
    recording::{Exchange, Observed, Recorded, Told},
    vector::expect::{Expect, Reason},
    yaml,
};

/// A claim that was refused by a limit, with this answer as a whole, after another one was kept as `$kept`.
fn refused(retry_after: Option<u64>, answer: Option<Value>) -> Recorded {
    let kept =
        json!({ "status": 404, "headers": { "vary": "accept" }, "body": { "type": "unknown", "user": "(user)" } });
    let exchange = Exchange {
        method: "POST".into(),
        url: "http://server/".into(),
        request_headers: BTreeMap::new(),
        request_body: String::new(),
        status: 429,
        response_headers: BTreeMap::new(),
        response_body: String::new(),
    };
    Recorded {
        path: "steps[1]".into(),
        says: "bob claims".into(),
        sent: Duration::ZERO,
        answered: Duration::ZERO,
        observed: Observed::Refused(Reason::RateLimited),
        told: Told { retry_after, answer },
        exchanges: vec![exchange],
        saved: BTreeMap::from([("kept".into(), kept)]),
    }
}

fn told(expect: &str, recorded: &Recorded) -> Option<String> {
    let expect: Expect = yaml::read("test", expect).unwrap();
    difference(&expect, recorded).map(|difference| difference.sentence)
}

#[test]
fn an_answer_that_was_lost_is_not_what_it_should_not_be() {
    let lost = Recorded { observed: Observed::Lost, ..refused(None, None) };
    for expect in ["{ ok: {}, status: 200 }", "{ refused: rate_limited, retry_after: { gte: 1 } }"] {
        assert_eq!(told(expect, &lost), None);
        assert!(told(expect, &refused(None, None)).is_some());
    }
}

#[test]
fn status_and_retry_after_are_looked_at_beside_the_reason() {
    let expect = "{ refused: rate_limited, status: 429, retry_after: { gte: 1, lte: 60 } }";
    assert_eq!(told(expect, &refused(Some(3), None)), None);
    assert_eq!(
        told(expect, &refused(Some(61), None)).unwrap(),
        "the refusal says to ask again in 61 s, where at most 60 is right"
    );
    assert_eq!(
        told(expect, &refused(None, None)).unwrap(),
        "the refusal does not say in how many seconds to ask again"
    );
    assert_eq!(
        told("{ refused: rate_limited, status: 503 }", &refused(None, None)).unwrap(),
        "the status is 429, where 503 is right"
    );
}

#[test]
fn two_answers_are_compared_as_wholes_and_the_first_place_where_they_part_is_told() {
    let expect = "{ refused: rate_limited, same_as: $kept }";
    let answer = |status: u16, headers: Value, user: &str| {
        let body = json!({ "type": "unknown", "user": user });
        told(expect, &refused(None, Some(json!({ "status": status, "headers": headers, "body": body }))))
    };
    let vary = || json!({ "vary": "accept" });
    assert_eq!(answer(404, vary(), "(user)"), None);
    let says = |rest: &str| Some(format!("as a whole it is not the answer $kept: {rest}"));
    assert_eq!(answer(403, vary(), "(user)"), says("status is 403, where 404 is right"));
    assert_eq!(answer(404, json!({}), "(user)"), says("headers/vary is nothing, where \"accept\" is right"));
    let more = json!({ "vary": "accept", "x-left": "3" });
    assert_eq!(answer(404, more, "(user)"), says("headers/x-left is \"3\", where nothing is right"));
    assert_eq!(answer(404, vary(), "alice"), says("body/user is \"alice\", where \"(user)\" is right"));
    assert_eq!(told(expect, &refused(None, None)).unwrap(), "there is no answer to compare with $kept");
}

#[test]
fn an_answer_that_comes_too_late_is_told_with_its_time() {
    let after = |millis: u64| {
        let (sent, answered) = (Duration::from_millis(700), Duration::from_millis(700 + millis));
        told("{ refused: rate_limited, within: 2 }", &Recorded { sent, answered, ..refused(None, None) })
    };
    assert_eq!((after(0), after(2_000)), (None, None));
    assert_eq!(after(2_100).unwrap(), "the answer comes after 2.1 s, where at most 2 s are right");
    let lost = Recorded { answered: Duration::from_secs(9), observed: Observed::Lost, ..refused(None, None) };
    assert_eq!(told("{ refused: rate_limited, within: 2 }", &lost), None, "nobody knows when it would have come");
}
