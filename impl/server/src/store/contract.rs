//! What every store has to keep, asked of each of them.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use kpd_directory::SignatureKeyId;
use proptest::{collection::vec, prelude::*, sample::Index};
use serde::{Deserialize, Serialize};

use crate::store::{Appended, Durable, Loaded, Memory, Recorded, Store, Stream, Version, durable::Opening};

/// An event that shows where it was lost, doubled or moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note(pub(super) u64, pub(super) Vec<u8>);

/// How many, and all of them in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Read(Vec<u64>);

impl Recorded for Note {
    type State = Read;

    fn apply(state: &mut Read, event: &Self) {
        state.0.push(event.0);
    }
}

type Shared = Arc<dyn Store<Note>>;

/// Stores of one kind; opened again, one that outlives its process is as it was.
#[derive(Clone, Copy)]
struct Kind {
    open: fn(&Path) -> Shared,
    durable: bool,
}

const MEMORY: Kind = Kind { open: |_| Arc::new(Memory::default()), durable: false };

const DURABLE: Kind = Kind { open: |directory| Arc::new(durable(directory)), durable: true };

pub(super) fn durable(directory: &Path) -> Durable {
    Durable::open(&directory.join("store.kpd"), Opening { create: true, keep_history: false }).unwrap()
}

pub(super) fn stream(number: u8) -> Stream {
    Stream::of_key(&SignatureKeyId::parse(&data_encoding::BASE64URL_NOPAD.encode(&[number; 32])).unwrap())
}

pub(super) fn notes(numbers: impl IntoIterator<Item = u64>) -> Vec<Note> {
    numbers.into_iter().map(|number| Note(number, vec![])).collect()
}

fn state(numbers: impl IntoIterator<Item = u64>) -> Read {
    Read(numbers.into_iter().collect())
}

/// A look, with the state in the place of a snapshot and of all numbers.
async fn told(store: &Shared, stream: &Stream, since: Version) -> (Option<(Version, Vec<u64>)>, Vec<u64>) {
    let Loaded { snapshot, events } = store.load(stream, since).await.unwrap();
    (snapshot.map(|(version, Read(read))| (version, read)), events.into_iter().map(|note| note.0).collect())
}

macro_rules! contract {
    ($($clause:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $clause() {
                let directory = tempfile::tempdir().unwrap();
                super::$clause(super::MEMORY, directory.path()).await;
            })*
        }

        mod durable {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $clause() {
                let directory = tempfile::tempdir().unwrap();
                super::$clause(super::DURABLE, directory.path()).await;
            })*
        }
    };
}

contract! {
    a_history_is_read_on_from_any_version,
    who_looked_at_another_version_appends_nothing,
    to_look_for_a_history_does_not_make_one,
    of_many_at_once_one_appends,
    everybody_who_tries_again_gets_in_once,
    histories_do_not_touch_each_other,
    a_large_event_comes_back_whole,
    a_state_takes_the_place_of_events,
    a_state_that_comes_late_changes_nothing,
    histories_are_named_in_order,
    what_was_appended_outlives_the_process,
}

async fn a_history_is_read_on_from_any_version(kind: Kind, directory: &Path) {
    let (store, stream) = ((kind.open)(directory), stream(1));
    assert_eq!(store.append(&stream, 0, notes([1, 2, 3])).await.unwrap(), Appended::Done);
    for since in 0..=3 {
        assert_eq!(told(&store, &stream, since).await, (None, vec![1, 2, 3][since..].to_vec()));
    }
    assert_eq!(told(&store, &stream, 4).await, (None, vec![]));
}

async fn who_looked_at_another_version_appends_nothing(kind: Kind, directory: &Path) {
    let (store, stream) = ((kind.open)(directory), stream(1));
    assert_eq!(store.append(&stream, 1, notes([9])).await.unwrap(), Appended::Conflict);
    assert_eq!(store.append(&stream, 0, notes([1])).await.unwrap(), Appended::Done);
    assert_eq!(store.append(&stream, 0, notes([2, 3])).await.unwrap(), Appended::Conflict);
    assert_eq!(store.append(&stream, 2, notes([2, 3])).await.unwrap(), Appended::Conflict);
    assert_eq!(told(&store, &stream, 0).await, (None, vec![1]));
}

async fn to_look_for_a_history_does_not_make_one(kind: Kind, directory: &Path) {
    let store = (kind.open)(directory);
    assert_eq!(told(&store, &stream(1), 0).await, (None, vec![]));
    store.compact(&stream(1), 0, &state([])).await.unwrap();
    assert!(store.streams(None, 10).await.unwrap().is_empty());
}

async fn of_many_at_once_one_appends(kind: Kind, directory: &Path) {
    let store = (kind.open)(directory);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..32 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.append(&stream(1), 0, notes([number, number])).await.unwrap() });
    }
    let done = tasks.join_all().await.into_iter().filter(|appended| *appended == Appended::Done);
    assert_eq!(done.count(), 1);
    let (_, there) = told(&store, &stream(1), 0).await;
    assert!(there.len() == 2 && there[0] == there[1], "one of them, and wholly: {there:?}");
}

async fn everybody_who_tries_again_gets_in_once(kind: Kind, directory: &Path) {
    let store = (kind.open)(directory);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..16 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            loop {
                let version = store.load(&stream(1), 0).await.unwrap().events.len();
                if store.append(&stream(1), version, notes([number])).await.unwrap() == Appended::Done {
                    return (version, number);
                }
            }
        });
    }
    let mut placed = tasks.join_all().await;
    placed.sort_unstable();
    let (_, there) = told(&store, &stream(1), 0).await;
    assert_eq!(there, placed.iter().map(|(_, number)| *number).collect::<Vec<_>>(), "each where it was told it is");
    assert_eq!(placed.iter().map(|(version, _)| *version).collect::<Vec<_>>(), (0..16).collect::<Vec<_>>());
}

async fn histories_do_not_touch_each_other(kind: Kind, directory: &Path) {
    let store = (kind.open)(directory);
    let appends = (1..=20).map(|number| {
        let store = Arc::clone(&store);
        async move { store.append(&stream(number), 0, notes([number.into()])).await.unwrap() }
    });
    for appended in appends.map(tokio::spawn).collect::<Vec<_>>() {
        assert_eq!(appended.await.unwrap(), Appended::Done);
    }
    store.compact(&stream(7), 1, &state([7])).await.unwrap();
    for number in (1..=20).filter(|number| *number != 7) {
        assert_eq!(told(&store, &stream(number), 0).await, (None, vec![number.into()]));
    }
}

async fn a_large_event_comes_back_whole(kind: Kind, directory: &Path) {
    let (store, stream) = ((kind.open)(directory), stream(1));
    let large: Vec<u8> = (0..4_000_000_u32).map(|place| place.to_le_bytes()[1]).collect();
    let events = vec![Note(1, large.clone()), Note(2, vec![]), Note(3, large)];
    assert_eq!(store.append(&stream, 0, events.clone()).await.unwrap(), Appended::Done);
    assert_eq!((kind.reopened(store, directory)).load(&stream, 0).await.unwrap().events, kind.kept(events));
}

async fn a_state_takes_the_place_of_events(kind: Kind, directory: &Path) {
    let (store, stream) = ((kind.open)(directory), stream(1));
    store.append(&stream, 0, notes(1..=5)).await.unwrap();
    store.compact(&stream, 3, &state(1..=3)).await.unwrap();
    let snapshot = || Some((3, vec![1, 2, 3]));
    assert_eq!(told(&store, &stream, 0).await, (snapshot(), vec![4, 5]));
    assert_eq!(told(&store, &stream, 2).await, (snapshot(), vec![4, 5]), "event 3 is not there alone any more");
    assert_eq!(told(&store, &stream, 3).await, (None, vec![4, 5]));
    assert_eq!(told(&store, &stream, 4).await, (None, vec![5]));
    assert_eq!(store.append(&stream, 2, notes([9])).await.unwrap(), Appended::Conflict);
    assert_eq!(store.append(&stream, 5, notes([6])).await.unwrap(), Appended::Done);
    store.compact(&stream, 6, &state(1..=6)).await.unwrap();
    assert_eq!(told(&store, &stream, 0).await, (Some((6, (1..=6).collect())), vec![]));
    assert_eq!(store.append(&stream, 6, notes([7])).await.unwrap(), Appended::Done);
    assert_eq!(told(&store, &stream, 6).await, (None, vec![7]));
    let again = kind.reopened(store, directory);
    assert_eq!(told(&again, &stream, 0).await.1, kind.kept(vec![7]));
}

async fn a_state_that_comes_late_changes_nothing(kind: Kind, directory: &Path) {
    let (store, stream) = ((kind.open)(directory), stream(1));
    store.append(&stream, 0, notes(1..=5)).await.unwrap();
    store.compact(&stream, 6, &state(1..=6)).await.unwrap();
    assert_eq!(told(&store, &stream, 0).await, (None, (1..=5).collect()), "it knows more than there is");
    store.compact(&stream, 4, &state(1..=4)).await.unwrap();
    for late in [0, 2, 4] {
        store.compact(&stream, late, &state([])).await.unwrap();
        assert_eq!(told(&store, &stream, 0).await, (Some((4, vec![1, 2, 3, 4])), vec![5]));
    }
}

async fn histories_are_named_in_order(kind: Kind, directory: &Path) {
    let store = (kind.open)(directory);
    for number in [3, 1, 2, 4] {
        store.append(&stream(number), 0, notes([1])).await.unwrap();
    }
    store.compact(&stream(2), 1, &state([1])).await.unwrap();
    let all: Vec<_> = [1, 2, 3, 4].map(stream).to_vec();
    assert_eq!(store.streams(None, 10).await.unwrap(), all);
    assert_eq!(store.streams(None, 2).await.unwrap(), all[..2]);
    assert_eq!(store.streams(Some(&all[1]), 10).await.unwrap(), all[2..]);
    assert!(store.streams(Some(&all[3]), 10).await.unwrap().is_empty());
}

async fn what_was_appended_outlives_the_process(kind: Kind, directory: &Path) {
    let store = (kind.open)(directory);
    store.append(&stream(1), 0, notes([1, 2])).await.unwrap();
    let store = kind.reopened(store, directory);
    assert_eq!(told(&store, &stream(1), 0).await.1, kind.kept(vec![1, 2]));
}

impl Kind {
    /// The next process's store.
    fn reopened(self, store: Shared, directory: &Path) -> Shared {
        drop(store);
        (self.open)(directory)
    }

    /// What is there after that.
    fn kept<T>(self, events: Vec<T>) -> Vec<T> {
        if self.durable { events } else { vec![] }
    }
}

#[derive(Clone, Debug)]
enum Deed {
    /// So many events, at a version that is so far from the right one.
    Append(u8, usize, isize),
    Compact(u8, Index),
    Load(u8, Index),
    Reopen,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let stream = || 1..4_u8;
    let off = prop_oneof![6 => Just(0_isize), 1 => Just(-1), 1 => Just(1)];
    let deed = prop_oneof![
        6 => (stream(), 0..4_usize, off).prop_map(|(stream, count, off)| Deed::Append(stream, count, off)),
        2 => (stream(), any::<Index>()).prop_map(|(stream, at)| Deed::Compact(stream, at)),
        4 => (stream(), any::<Index>()).prop_map(|(stream, since)| Deed::Load(stream, since)),
        1 => Just(Deed::Reopen),
    ];
    vec(deed, 1..40)
}

/// All events ever, and up to where they are gone.
#[derive(Default)]
struct Reference(Vec<u64>, Version);

async fn compare(kind: Kind, deeds: Vec<Deed>) -> Result<(), TestCaseError> {
    let directory = tempfile::tempdir().unwrap();
    let mut store = (kind.open)(directory.path());
    let (mut histories, mut next) = (BTreeMap::<u8, Reference>::new(), 0..);
    for deed in deeds {
        match deed {
            Deed::Append(number, count, off) => {
                let Reference(events, _) = histories.entry(number).or_default();
                let version = events.len().saturating_add_signed(off);
                let new: Vec<u64> = next.by_ref().take(count).collect();
                let right = version == events.len();
                let appended = store.append(&stream(number), version, notes(new.clone())).await.unwrap();
                prop_assert_eq!(appended == Appended::Done, right);
                events.extend(new.into_iter().filter(|_| right));
            }
            Deed::Compact(number, at) => {
                let Reference(events, gone) = histories.entry(number).or_default();
                let version = at.index(events.len() + 1);
                store.compact(&stream(number), version, &state(events[..version].to_vec())).await.unwrap();
                *gone = version.max(*gone);
            }
            Deed::Load(number, since) => {
                let Reference(events, gone) = histories.entry(number).or_default();
                let since = since.index(events.len() + 2);
                let from = since.max(*gone).min(events.len());
                let snapshot = (since < *gone).then(|| (*gone, events[..*gone].to_vec()));
                prop_assert_eq!(told(&store, &stream(number), since).await, (snapshot, events[from..].to_vec()));
            }
            Deed::Reopen if kind.durable => store = kind.reopened(store, directory.path()),
            Deed::Reopen => {}
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_store_is_like_a_list(deeds in deeds()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for kind in [MEMORY, DURABLE] {
            runtime.block_on(compare(kind, deeds.clone()))?;
        }
    }
}
