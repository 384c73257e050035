//! Replays the corpus, and looks that it reaches what it is there for.

use std::{collections::BTreeSet, fs, path::Path};

use super::*;
use crate::store::durable::fuzzing::{HISTORIES, events_of_log, read_damaged};

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    fs::read_dir(path).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
}

#[test]
fn what_fuzzers_signed_stands_and_falls_with_its_signature() {
    let mut accepted = 0;
    for bytes in corpus("signature") {
        signature(&bytes);
        let Some(message) = Message::parse(&bytes) else { continue };
        accepted += usize::from(run(async {
            let house = House::new().await.unwrap();
            signature::signer(&house, &message).await.is_some()
        }));
    }
    assert!(accepted >= 4, "only {accepted} files of the corpus are signed by somebody");
}

#[test]
fn what_fuzzers_sent_is_answered_as_documented() {
    let mut good = BTreeSet::new();
    let mut operations = BTreeSet::new();
    for bytes in corpus("requests") {
        requests(&bytes);
        run(async {
            let mut house = House::new().await.unwrap();
            let document = requests::document(&house.app.document);
            for (path, item) in document["paths"].as_object().unwrap() {
                operations.extend(item.as_object().unwrap().keys().map(|method| format!("{method} {path}")));
            }
            for step in bytes.split(|byte| *byte == 0xff) {
                let Some(message) = Message::parse(step) else { continue };
                let answered = requests::answered(&mut house, document, message).await;
                good.extend(answered.filter(|(_, status)| status.is_success()).map(|(operation, _)| operation));
            }
        });
    }
    let missing: Vec<_> = operations.difference(&good).filter(|operation| *operation != NEEDS_A_FILE).collect();
    assert!(missing.is_empty(), "the corpus has no request that succeeds for {missing:?}");
}

#[test]
fn what_fuzzers_stored_is_read_or_named() {
    let (mut events, mut spoilt) = (BTreeSet::new(), 0);
    for bytes in corpus("store_log") {
        match events_of_log(&bytes) {
            Some(count) => events.insert(count),
            None => {
                spoilt += 1;
                false
            }
        };
    }
    assert!(events.last() >= Some(&14), "the corpus has no log with an event of each kind: {events:?}");
    assert!(spoilt >= 2, "the corpus has {spoilt} logs that cannot be read");
}

#[test]
fn a_damaged_file_is_read_as_far_as_it_goes() {
    assert_eq!(read_damaged(&[]), Some(HISTORIES), "without damage everything is there");
    let seen: BTreeSet<_> = corpus("store_file").iter().map(|bytes| read_damaged(bytes)).collect();
    assert!(seen.contains(&None), "the corpus has no file that cannot be opened");
    let partly = seen.iter().flatten().any(|read| *read < HISTORIES);
    assert!(partly, "the corpus has no file that is read in part: {seen:?}");
}

/// What is fuzzed keeps its histories in memory: there is nothing to back up, and that answer is documented, too.
const NEEDS_A_FILE: &str = "post /v1/operator/backups";
