//! Programs that answer out of order, late, wrongly, or not at all.

use std::time::Instant;

use serde_json::json;

use super::*;

fn adapter(script: &str) -> Adapter {
    let command = ["sh", "-c", script].map(String::from).to_vec();
    let command = AdapterCommand { command, environment: [].into(), operations: [].into() };
    Adapter::start(&command, None, &Variables::new()).unwrap()
}

async fn ask(adapter: &Adapter, milliseconds: u64) -> Result<Value, NoAnswer> {
    adapter.ask(json!({ "operation": "claim" }), Duration::from_millis(milliseconds)).await
}

fn why(answer: Result<Value, NoAnswer>) -> String {
    match answer {
        Err(NoAnswer::Ended(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn many_questions_are_open_at_once_and_answered_in_any_order() {
    let adapter = adapter(r#"read a; read b; echo '{"id":2,"ok":["b"]}'; echo; echo '{"id":1,"ok":["a"]}'; read c"#);
    let (first, second) = tokio::join!(ask(&adapter, 5000), ask(&adapter, 5000));
    let mut said = [first.unwrap()["ok"][0].clone(), second.unwrap()["ok"][0].clone()];
    said.sort_by_key(Value::to_string);
    assert_eq!(said, ["a", "b"]);
}

#[tokio::test]
async fn a_program_that_ends_ends_every_open_question_and_every_later_one() {
    let adapter = adapter("read a; read b; exit 3");
    let (first, second) = tokio::join!(ask(&adapter, 5000), ask(&adapter, 5000));
    assert_eq!((why(first).as_str(), why(second).as_str()), ("the adapter ended", "the adapter ended"));
    assert_eq!(why(ask(&adapter, 5000).await), "the adapter ended");
}

#[tokio::test]
async fn what_is_no_answer_is_shown_and_ends_it() {
    for (line, says) in [
        ("good morning", "no answer: good morning"),
        (r#"{"ok":[]}"#, "no answer: "),
        (r#"{"id":7,"ok":[]}"#, "a question that nobody asked"),
    ] {
        let adapter = adapter(&format!("read a; echo '{line}'; read b"));
        let why = why(ask(&adapter, 5000).await);
        assert!(why.contains(says), "{line}: {why}");
    }
}

#[tokio::test]
async fn nobody_waits_for_ever_and_a_late_answer_is_nobodys() {
    let begun = Instant::now();
    let adapter = adapter(r#"read a; read b; echo '{"id":1,"ok":[]}'; echo '{"id":2,"ok":["b"]}'; read c"#);
    assert_eq!(ask(&adapter, 50).await, Err(NoAnswer::Late(Duration::from_millis(50))));
    assert_eq!(ask(&adapter, 5000).await.unwrap()["ok"][0], "b");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_told() {
    let command = AdapterCommand { command: vec!["./no-such".into()], environment: [].into(), operations: [].into() };
    let why = Adapter::start(&command, None, &Variables::new()).unwrap_err();
    assert!(why.contains("./no-such cannot be started"), "{why}");
}
