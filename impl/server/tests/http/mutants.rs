//! Each mutant behaves otherwise than the server, and hardly so.

use std::{collections::BTreeSet, fmt::Write as _, sync::Arc};

use kpd_server::{Mutant, mutants::MUTANTS};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::tour::walk;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_shows_on_a_walk() {
    let honest = walk(None).await;
    insta::assert_snapshot!("walk", honest.join("\n"));
    let at_once = Arc::new(Semaphore::new(WALKS_AT_ONCE));
    let mut walks = JoinSet::new();
    // One that lies once in a hundred times hardly does so on a walk.
    for (place, mutant) in MUTANTS.iter().enumerate().filter(|(_, mutant)| mutant.chance.is_none()) {
        let at_once = Arc::clone(&at_once);
        walks.spawn(async move {
            let _permit = at_once.acquire().await.unwrap();
            (place, walk(Some(*mutant)).await)
        });
    }
    let mut walks = walks.join_all().await;
    walks.sort();
    let mut told = String::new();
    for (place, lines) in walks {
        let mutant = &MUTANTS[place];
        let differences = differences(&honest, &lines);
        let shows = !NOT_ON_A_WALK.contains(&mutant.name);
        assert_eq!(!differences.is_empty(), shows, "whether {} shows:\n{differences}", mutant.name);
        let by_the_clock = mutant.name == BY_THE_CLOCK;
        let shown = if by_the_clock { "  (what differs hangs on how fast the machine is)\n" } else { &differences };
        let _ = write!(told, "{} breaks {}\n{shown}\n", mutant.name, mutant.breaks);
    }
    insta::assert_snapshot!("mutants", told);
}

#[test]
fn each_has_a_name_of_its_own_and_breaks_a_rule() {
    let rules = include_str!("../../../../vectors/rules.yaml");
    let names: BTreeSet<_> = MUTANTS.iter().map(|mutant| mutant.name).collect();
    assert_eq!(names.len(), MUTANTS.len());
    for mutant in MUTANTS {
        assert!(rules.contains(&format!("- id: {}\n", mutant.breaks)), "{} is no rule", mutant.breaks);
        assert!(mutant.says.ends_with('.'), "{}", mutant.name);
        assert!(mutant.seen_in.iter().all(|link| link.starts_with("https://")), "{}", mutant.name);
        assert_eq!(Mutant::named(mutant.name).map(|found| found.says), Some(mutant.says));
    }
    assert!(Mutant::named("no-such-mutant").is_none());
}

/// Nobody is killed on a walk, and no month goes by: `conformance/tests/kill` finds the first, a vector in which servers are
/// killed in the middle of a race the second, one with a clock the third.
const NOT_ON_A_WALK: [&str; 3] = ["answers-before-stored", "spares-the-disk-under-load", "forgets-used-after-a-month"];

/// It does not see a claim for a second: which claims of a walk these are is no matter of this server alone.
const BY_THE_CLOCK: &str = "counts-a-claim-behind";

/// A walk waits more than it works.
const WALKS_AT_ONCE: usize = 24;

/// Line by line: a walk has the same lines on every server.
fn differences(honest: &[String], other: &[String]) -> String {
    assert_eq!(honest.len(), other.len());
    let pairs = honest.iter().zip(other).filter(|(honest, other)| honest != other);
    pairs.map(|(honest, other)| format!("  - {honest}\n  + {other}\n")).collect()
}
