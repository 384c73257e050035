//! The scenarios are verified, the mutants are caught, and nothing of it changes unnoticed.

use std::collections::BTreeSet;

use super::*;
use crate::{mutants::MUTANTS, rules::RULES};

/// Scenario and states. A change of the model that changes a number here is explained in its review.
const SPACES: [(&str, usize); 21] = [
    ("race", 14_846),
    ("replacement", 19_441),
    ("clients", 1_869),
    ("capabilities", 2_701),
    ("selection", 223),
    ("publications", 27_583),
    ("refusals", 2_464),
    ("notifications", 11_793),
    ("drain", 11_042),
    ("reading", 29_784),
    ("replace", 22_694),
    ("endings", 7_145),
    ("keys", 88_384),
    ("removal", 73_247),
    ("collection", 3_689),
    ("crash", 4_077),
    ("restore", 51_928),
    ("restored-feed", 8_788),
    ("limits", 129_122),
    ("servers", 12_890),
    ("blocks", 43_531),
];

/// The number of steps in which a mutant breaks its rule at the earliest.
const STEPS: [(&str, usize); 91] = [
    ("forgets-init-keys", 6),
    ("compares-init-keys-in-one-batch", 4),
    ("revives-republished", 6),
    ("refuses-republished", 4),
    ("one-role-at-a-time", 4),
    ("stores-before-refusing", 4),
    ("answers-before-storing", 2),
    ("withdraws-before-it-validates", 2),
    ("takes-dead-lifetimes", 2),
    ("takes-any-signer", 2),
    ("has-no-limits", 2),
    ("takes-two-last-resorts", 2),
    ("keeps-claimed", 6),
    ("appends-without-version", 6),
    ("shares-claim-keys", 6),
    ("mixes-up-clients", 2),
    ("answers-before-recording", 4),
    ("forgets-claim-keys", 4),
    ("remembers-only-grants", 4),
    ("grants-a-refused-duplicate", 7),
    ("leaves-expiry-to-a-cleaner", 3),
    ("ignores-suites", 2),
    ("ignores-capabilities", 2),
    ("claims-from-one-client", 2),
    ("leaves-out-empty-clients", 4),
    ("takes-two", 2),
    ("claims-from-oneself", 2),
    ("orders-by-name", 2),
    ("spends-before-it-refuses", 4),
    ("purges-on-count", 2),
    ("tells-blocked-apart", 2),
    ("prefers-last-resort", 4),
    ("contention-looks-exhausted", 4),
    ("stays-with-last-resort", 8),
    ("last-resort-without-version", 6),
    ("consumes-last-resort", 8),
    ("one-last-resort-each", 8),
    ("contended-last-resort-looks-gone", 6),
    ("ignores-refused-last-resort", 4),
    ("does-not-see-the-mark", 4),
    ("clears-used", 8),
    ("keeps-replaced-last-resort", 8),
    ("spares-last-resorts", 3),
    ("notifies-later", 4),
    ("no-note-for-last-resort", 6),
    ("notifies-one-client", 2),
    ("notifies-repetitions", 6),
    ("names-nobody", 4),
    ("drops-read-notifications", 4),
    ("reads-newest-first", 6),
    ("acknowledges-everything", 8),
    ("restarts-sequence", 8),
    ("restarts-sequences-after-a-restore", 12),
    ("leaves-out-zero", 5),
    ("counts-one-too-many", 2),
    ("reports-used-as-available", 3),
    ("is-never-low", 3),
    ("never-tells-drains", 4),
    ("tells-every-drain", 6),
    ("takes-all-for-one", 4),
    ("drains-for-ever", 5),
    ("does-not-count-claims", 4),
    ("does-not-count-servers", 4),
    ("does-not-count-pairs", 5),
    ("reads-the-limit-too-early", 4),
    ("limits-the-target", 4),
    ("counts-all-servers-together", 4),
    ("tells-no-time", 4),
    ("counts-in-memory", 6),
    ("forgets-blocks", 2),
    ("grants-in-flight-to-the-blocked", 4),
    ("lists-ended-keys", 3),
    ("takes-ended-keys-again", 3),
    ("moves-expiry-back", 2),
    ("extends-ended-keys", 3),
    ("ignores-removed-keys", 4),
    ("claims-without-version", 4),
    ("ignores-expiry-of-keys", 3),
    ("calls-every-end-a-removal", 2),
    ("vouches-for-the-present", 2),
    ("forgets-withdrawals", 4),
    ("withdraws-what-is-granted", 4),
    ("withdraws-without-version", 4),
    ("collects-used-early", 4),
    ("purges-by-age", 3),
    ("answers-before-it-is-on-disk", 3),
    ("restores-without-fence", 4),
    ("takes-lost-packages-again", 9),
    ("fences-without-skew", 9),
    ("removes-keys-only", 2),
    ("keeps-quiet-about-unread", 4),
];

/// Scenario, labels that it reaches, labels that it alone reaches.
const LABELS: [(&str, usize, usize); 21] = [
    ("race", 9, 0),
    ("replacement", 10, 0),
    ("clients", 14, 10),
    ("capabilities", 7, 4),
    ("selection", 2, 0),
    ("publications", 13, 2),
    ("refusals", 7, 5),
    ("notifications", 8, 0),
    ("drain", 4, 0),
    ("reading", 12, 8),
    ("replace", 11, 5),
    ("endings", 9, 1),
    ("keys", 14, 6),
    ("removal", 17, 7),
    ("collection", 5, 1),
    ("crash", 6, 0),
    ("restore", 9, 0),
    ("restored-feed", 13, 0),
    ("limits", 4, 0),
    ("servers", 6, 0),
    ("blocks", 8, 6),
];
const LABELS_IN_ALL: usize = 80;

#[test]
fn every_scenario_is_verified_in_the_known_number_of_states() {
    let reports: Vec<_> = check_all(Bounds::Small).collect();
    for report in &reports {
        assert!(report.verified(), "{report}");
    }
    let spaces: Vec<_> = reports.iter().map(|report| (report.scenario, report.unique_states)).collect();
    assert_eq!(spaces, SPACES);
}

#[test]
fn every_rule_is_exercised_in_some_scenario() {
    let exercised: BTreeSet<_> =
        scenarios(Bounds::Small).iter().flat_map(|scenario| scenario.exercises).copied().collect();
    assert_eq!(exercised, RULES.iter().map(|rule| rule.id).collect());
}

#[test]
fn every_mutant_is_caught_by_its_rule_in_the_known_number_of_steps() {
    let steps: Vec<_> = MUTANTS
        .iter()
        .map(|mutant| {
            let counterexample = counterexample(mutant.name).expect("caught");
            assert!(!counterexample.broken.is_empty(), "{counterexample}");
            (mutant.name, counterexample.story.len())
        })
        .collect();
    assert_eq!(steps, STEPS);
}

#[test]
fn the_table_of_mutants_has_the_same_numbers_of_steps() {
    let table: Vec<_> = mutant_table().iter().map(|kill| (kill.mutant, kill.steps.unwrap_or_default())).collect();
    assert_eq!(table, STEPS);
}

#[test]
fn the_labels_that_are_reached_are_known() {
    let coverage = coverage();
    let numbers: Vec<_> =
        coverage.scenarios.iter().map(|(name, labels)| (*name, labels.len(), coverage.only(name).len())).collect();
    assert_eq!(numbers, LABELS);
    assert_eq!(coverage.all().len(), LABELS_IN_ALL, "{coverage}");
}

#[test]
fn no_counterexample_is_shorter() {
    for mutant in MUTANTS {
        let scenario = (family(mutant.family).expect("named").scenario)(Bounds::Small);
        let (_, steps) = STEPS.iter().find(|(name, _)| *name == mutant.name).expect("pinned");
        let shorter = shortest(&scenario, mutant, mutant.breaks, Some(*steps));
        assert!(shorter.is_none(), "{} breaks {} in fewer than {steps} steps", mutant.name, mutant.breaks);
        let same = shortest(&scenario, mutant, mutant.breaks, Some(steps + 1));
        assert!(same.is_some(), "the bound on the depth of {} is wrong", mutant.name);
    }
}

#[test]
fn a_mutant_is_no_legal_directory_either() {
    for mutant in MUTANTS {
        let scenario = (family(mutant.family).expect("named").scenario)(Bounds::Small);
        assert!(shortest(&scenario, mutant, REFINES, None).is_some(), "{} refines the specification", mutant.name);
    }
}

#[test]
fn a_witness_that_is_never_reached_is_not_verified() {
    let mut scenario = scenarios(Bounds::Small).swap_remove(0);
    scenario.exercises = &["KEY-CASCADE"];
    let report = check(&scenario, None);
    assert!(report.complete && !report.verified());
    assert!(report.to_string().contains("does not hold: KEY-CASCADE exercised"), "{report}");
}

#[test]
fn an_unknown_mutant_has_no_counterexample() {
    assert_eq!(counterexample("is-perfect"), Err(UnknownMutant("is-perfect".into())));
}

#[test]
fn a_counterexample_reads_as_a_story() {
    let story = counterexample("last-resort-without-version").expect("caught").to_string();
    insta::assert_snapshot!(story, @r#"
    last-resort-without-version breaks LAST-ONLY-WHEN-EXHAUSTED in the scenario "replacement":
      1. replica 1 loads the log at version 1 for client1's publication of p8 (last resort)
      2. replica 1 appends [published: p8 (last resort)] and answers client1's publication of p8 (last resort): done
      3. replica 1 loads the log at version 2 for client1's publication of p1, p9 (last resort)
      4. replica 2 loads the log at version 2 for r1's claim c1
      5. replica 1 appends [published: p1, p9 (last resort)] and answers client1's publication of p1, p9 (last resort): done
      6. replica 2 appends [r1's claim c1 got the last resort p8 from client1, notification 1 (p8 to r1, a last resort for the first time, 0 left) for client1] and answers r1's claim c1: the last resort p8 from client1
    LAST-ONLY-WHEN-EXHAUSTED: r1's claim c1 got the last resort p8 from client1, while p1 was left
    "#);
}
