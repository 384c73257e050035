//! Each mutant's counterexample in three views: the model's state, the store's log alone, what clients saw.

use crate::{
    check::counterexample,
    history::Event,
    mutants::MUTANTS,
    view::{Finding, Findings, Seen, audit, judge, named, tests::http::seen},
};

/// What is wrong is an answer, and a log holds none.
const ANSWER: &str = "an answer is wrong";
/// Something happened that nobody asked for, or that was refused: what was asked and refused is in the answers.
const UNASKED: &str = "a log does not tell what was asked";
/// What is missing was answered before it was stored.
const ANSWERED: &str = "a log does not tell what was answered before";
/// The rule speaks of a replica that was killed.
const KILLED: &str = "a log does not tell of a crash";
/// What went wrong has to do with what the restore took away.
const RESTORED: &str = "a log does not hold what a restore took away";

/// The counterexamples that a log alone does not give away, and why.
const NOT_IN_THE_LOG: [(&str, &str); 33] = [
    ("refuses-republished", ANSWER),
    ("stores-before-refusing", UNASKED),
    ("answers-before-storing", ANSWERED),
    ("withdraws-before-it-validates", UNASKED),
    ("shares-claim-keys", ANSWER),
    ("answers-before-recording", ANSWERED),
    ("grants-a-refused-duplicate", UNASKED),
    ("takes-two", ANSWER),
    ("spends-before-it-refuses", UNASKED),
    ("purges-on-count", UNASKED),
    ("tells-blocked-apart", ANSWER),
    ("drops-read-notifications", UNASKED),
    ("reads-newest-first", ANSWER),
    ("acknowledges-everything", UNASKED),
    ("restarts-sequences-after-a-restore", RESTORED),
    ("leaves-out-zero", ANSWER),
    ("counts-one-too-many", ANSWER),
    ("reports-used-as-available", ANSWER),
    ("limits-the-target", ANSWER),
    ("counts-all-servers-together", ANSWER),
    ("tells-no-time", ANSWER),
    ("counts-in-memory", KILLED),
    ("lists-ended-keys", ANSWER),
    ("calls-every-end-a-removal", ANSWER),
    ("vouches-for-the-present", ANSWER),
    ("withdraws-what-is-granted", ANSWER),
    ("withdraws-without-version", ANSWER),
    ("answers-before-it-is-on-disk", ANSWERED),
    ("restores-without-fence", RESTORED),
    ("takes-lost-packages-again", RESTORED),
    ("fences-without-skew", RESTORED),
    ("removes-keys-only", ANSWER),
    ("keeps-quiet-about-unread", ANSWER),
];

/// The second answer is the first one once more: only the log has it twice.
const SAME_ANSWER: &str = "the same answer, decided twice";
/// In the shortest counterexample the two overlap, and to whoever waits for both, the other order is as good.
const OVERLAP: &str = "legal in the other order";
/// One order breaks this rule, and the other one another rule.
const EITHER: &str = "too early, or not yet published";
/// The feed names the requester, who has two claims: the one was granted, the other was refused.
const WHICH: &str = "which claim it was spent on is not told";

/// The counterexamples that clients cannot pin on the rule, and why.
const NOT_OVER_HTTP: [(&str, &str); 8] = [
    ("forgets-claim-keys", SAME_ANSWER),
    ("remembers-only-grants", SAME_ANSWER),
    ("spends-before-it-refuses", WHICH),
    ("contention-looks-exhausted", EITHER),
    ("last-resort-without-version", OVERLAP),
    ("contended-last-resort-looks-gone", OVERLAP),
    ("grants-in-flight-to-the-blocked", OVERLAP),
    ("claims-without-version", OVERLAP),
];

/// How many counterexamples the HTTP view names the rule of and no other rule.
const NAMED_ALONE: usize = 66;

#[test]
fn every_counterexample_is_named_by_the_same_rule_where_it_can_be_seen() {
    let (mut log_lacks, mut http_lacks, mut alone) = (vec![], vec![], 0);
    for mutant in MUTANTS {
        let found = counterexample(mutant.name).expect("caught");
        assert!(!found.broken.is_empty(), "{}", mutant.name);
        let scenario = &found.trace.scenario;
        let log = found.history.log().iter().skip(scenario.setup.len()).map(|event| Event::clone(event));
        let log = audit(&scenario.spec, &scenario.setup, log);
        if !is_named(&log, mutant.breaks) {
            log_lacks.push(mutant.name);
        }
        let (operations, killed) = seen(&found);
        let http = judge(&Seen { spec: &scenario.spec, setup: &scenario.setup, operations: &operations, killed });
        if !is_named(&http, mutant.breaks) {
            http_lacks.push(mutant.name);
        }
        alone += usize::from(named(&http).map(|(rule, _)| rule).eq([mutant.breaks]));
    }
    assert_eq!(log_lacks, NOT_IN_THE_LOG.map(|(name, _)| name));
    assert_eq!(http_lacks, NOT_OVER_HTTP.map(|(name, _)| name));
    assert_eq!(alone, NAMED_ALONE);
}

fn is_named(findings: &Findings, rule: &str) -> bool {
    matches!(findings[rule], Finding::Broken(_))
}

/// What overlaps is explained by the other order, and is kept, not unknown.
#[test]
fn what_clients_cannot_tell_from_a_correct_directory_is_kept() {
    for (name, why) in NOT_OVER_HTTP.into_iter().filter(|(_, why)| [OVERLAP, SAME_ANSWER].contains(why)) {
        let found = counterexample(name).expect("caught");
        let scenario = &found.trace.scenario;
        let (operations, killed) = seen(&found);
        let http = judge(&Seen { spec: &scenario.spec, setup: &scenario.setup, operations: &operations, killed });
        assert!(http.values().all(|finding| *finding == Finding::Kept), "{name}: {why}");
    }
}
