//! What is owed is paid by a correct directory, and by none that is made to break it.

use crate::{
    check::check,
    engine::progress::{OBLIGATIONS, Progress, obligation, progress, progress_all, progress_of_mutants},
    mutants::{MUTANTS, STALLING},
    system::Bounds,
};

/// Obligation, states, of these owing, the most helping steps to the payment.
const SPACES: [(&str, usize, usize, usize); 3] = [
    ("GRANT-IS-TOLD", 11_793, 1_876, 3),
    ("USED-LAST-RESORT-IS-REPLACED", 1_045, 208, 3),
    ("STOCK-COMES-BACK", 1_757, 416, 3),
];

/// Mutant, steps to the failure, the demand that is not met. Each of the four demands is there.
const FAILURES: [(&str, usize, &str); 6] = [
    ("is-not-woken-by-claims", 4, "it stands still: no step that helps is possible"),
    ("reads-from-a-cache", 2, "no number of steps that help leads to it"),
    ("sometimes-reads-from-a-cache", 6, "a fair run puts it off for ever"),
    ("keeps-a-used-last-resort", 2, "no number of steps that help leads to it"),
    ("stores-last-resorts-as-regular", 3, "a step forgets it"),
    ("counts-what-was-granted", 2, "no number of steps that help leads to it"),
];

#[test]
fn every_obligation_is_met_in_the_known_number_of_states() {
    let numbers = |progress: Progress| {
        assert!(progress.verified(), "{progress}");
        (progress.obligation, progress.states, progress.owing, progress.farthest)
    };
    let met: Vec<_> = progress_all().into_iter().map(numbers).collect();
    assert_eq!(met, SPACES);
}

#[test]
fn every_obligation_can_be_broken() {
    for obligation in OBLIGATIONS {
        assert!(STALLING.iter().any(|mutant| mutant.breaks == obligation.name), "{}", obligation.name);
    }
    let failures: Vec<_> = STALLING
        .iter()
        .zip(progress_of_mutants())
        .map(|(mutant, progress)| {
            assert_eq!(progress.mutant, Some(mutant.name));
            assert_eq!((obligation(mutant.breaks).expect("named").scenario)(Bounds::Small).name, mutant.family);
            let failure = progress.failure.expect(mutant.name);
            (mutant.name, failure.story.len(), failure.why)
        })
        .collect();
    assert_eq!(failures, FAILURES);
}

#[test]
fn a_directory_that_only_hangs_breaks_no_rule() {
    let hanging = STALLING.iter().find(|mutant| mutant.name == "is-not-woken-by-claims").expect("named");
    let obligation = obligation(hanging.breaks).expect("named");
    let scenario = crate::system::Scenario { exercises: &[], ..(obligation.scenario)(Bounds::Small) };
    let report = check(&scenario, Some(hanging));
    assert!(report.verified(), "{report}");
}

#[test]
fn names_of_mutants_are_told_apart() {
    assert!(STALLING.iter().all(|stalling| MUTANTS.iter().all(|mutant| mutant.name != stalling.name)));
}

#[test]
fn a_failure_reads_as_a_story() {
    let mutant = STALLING.iter().find(|mutant| mutant.name == "counts-what-was-granted").expect("named");
    let progress = progress(obligation(mutant.breaks).expect("named"), Some(mutant));
    insta::assert_snapshot!(progress, @r"
    STOCK-COMES-BACK with counts-what-was-granted: broken; owed in 624 of 653 states, at most 0 helping steps from payment
      1. replica 1 loads the log at version 2 for r1's claim c1
      2. replica 1 appends [r1's claim c1 got p1 from client1, notification 1 (p1 to r1, 0 left) for client1] and answers r1's claim c1: p1 from client1
    client1 is owed something about p2: no number of steps that help leads to it
    ");
}
