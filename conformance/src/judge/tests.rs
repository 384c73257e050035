//! The judge on recordings written by hand: it needs no server and no clock.

mod clients;
mod feed;
mod interrupted;
mod named;
mod stock;

use std::{collections::BTreeMap, time::Duration};

use crate::{
    catalogue::{Catalogue, Level},
    judge::judge,
    recording::{
        Broken, ClientSeen, LastResortSeen, NotificationSeen, Observed, Recorded, Recording, Round, Seen, Told,
    },
    vector::{Vector, expect::Reason},
    verdict::Verdict,
    yaml,
};

const RACE: &str = "
id: x
title: t
why: w
rules: [CLAIM-ONCE]
users: { alice: { clients: [phone] }, b1: {}, b2: {} }
key_packages: { a1: { client: phone }, a2: { client: phone }, z: { client: phone, last_resort: true } }
before:
  - publish: { as: phone, key_packages: [a1, a2, z] }
race:
  rounds: 1
  lanes:
    c1: [ { claim: { as: b1, of: alice } } ]
    c2: [ { claim: { as: b2, of: alice } } ]
  judge: linearizable
after:
  - notifications: { as: phone }
";

const SEQUENCE: &str = "
id: x
title: t
why: w
rules: [CLAIM-ONCE]
users: { alice: { clients: [phone] }, bob: {} }
key_packages: { a1: { client: phone } }
steps:
  - publish: { as: phone, key_packages: [a1] }
  - claim: { as: bob, of: alice }
    expect: { ok: { phone: { kind: regular, key_package: a1 } } }
";

fn verdict(vector: &str, recording: Recording) -> Verdict {
    let vector: Vector = yaml::read("x.yaml", vector).unwrap();
    let catalogue = Catalogue::read("rules.yaml", include_str!("../../../vectors/rules.yaml")).unwrap();
    judge(&vector, &recording, &catalogue).0
}

fn at(path: &str, sent: u64, answered: u64, observed: Observed) -> Recorded {
    let (sent, answered) = (Duration::from_millis(sent), Duration::from_millis(answered));
    let (says, exchanges, saved) = (path.to_string(), vec![], BTreeMap::new());
    let told = Told::default();
    Recorded { path: path.into(), says, sent, answered, observed, told, exchanges, saved }
}

fn one_round(steps: Vec<Recorded>) -> Recording {
    Recording { rounds: vec![Round { steps }], broken: None }
}

fn published() -> Observed {
    Observed::Ok(Seen::Published { accepted: None })
}

fn granted(kind: &str, package: &str) -> Observed {
    let seen = ClientSeen { kind: kind.into(), key_package: Some(package.into()) };
    Observed::Ok(Seen::Claimed(BTreeMap::from([("phone".into(), seen)])))
}

fn told(grants: &[(&str, &str)]) -> Observed {
    let notification = |(package, requester): &(&str, &str)| NotificationSeen {
        drain: None,
        cursor: None,
        key_package: (*package).into(),
        kind: None,
        requester: Some((*requester).into()),
        first_use: None,
        remaining: None,
        low: None,
    };
    Observed::Ok(Seen::Notifications(grants.iter().map(notification).collect()))
}

/// Two claims at once, then the feed.
fn race(first: Observed, second: Observed, feed: Observed) -> Recording {
    one_round(vec![
        at("before[0]", 0, 1, published()),
        at("race.lanes.c1[0]", 10, 20, first),
        at("race.lanes.c2[0]", 11, 21, second),
        at("after[0]", 30, 31, feed),
    ])
}

#[track_caller]
fn fails(verdict: &Verdict, rule: &str, says: &str) {
    let failure = verdict.failure().unwrap_or_else(|| panic!("{verdict:?}"));
    assert_eq!((failure.rule.as_str(), failure.says.contains(says)), (rule, true), "{}", failure.says);
}

#[test]
fn a_legal_race_passes() {
    let recording = race(granted("regular", "a2"), granted("regular", "a1"), told(&[("a1", "b2"), ("a2", "b1")]));
    assert!(matches!(verdict(RACE, recording), Verdict::Pass));
}

#[test]
fn one_package_for_two_is_named_with_both_holders() {
    let recording = race(granted("regular", "a1"), granted("regular", "a1"), told(&[("a1", "b1"), ("a1", "b2")]));
    fails(&verdict(RACE, recording), "CLAIM-ONCE", "race.lanes.c1[0], and race.lanes.c2[0]");
}

#[test]
fn a_last_resort_under_contention_is_named_with_what_was_left() {
    let recording = race(granted("regular", "a1"), granted("last_resort", "z"), told(&[("a1", "b1"), ("z", "b2")]));
    fails(&verdict(RACE, recording), "LAST-ONLY-WHEN-EXHAUSTED", "a2");
}

#[test]
fn a_package_that_nobody_published_is_named() {
    let recording = race(granted("regular", "unknown 12"), granted("regular", "a1"), told(&[("a1", "b2")]));
    fails(&verdict(RACE, recording), "CLAIM-BYTES", "was never published");
}

#[test]
fn a_grant_that_is_not_told_and_a_note_without_a_grant_are_named() {
    let grants = || (granted("regular", "a1"), granted("regular", "a2"));
    let (first, second) = grants();
    let says = "a2 was granted 1 time(s), but alice/phone was notified of it 0 time(s)";
    fails(&verdict(RACE, race(first, second, told(&[("a1", "b1")]))), "NOTE-EVERY-GRANT", says);
    let (first, second) = grants();
    let feed = told(&[("a1", "b1"), ("a2", "b2"), ("z", "b1")]);
    fails(&verdict(RACE, race(first, second, feed)), "NOTE-EVERY-GRANT", "z was granted 0 time(s)");
    let (first, second) = grants();
    let swapped = told(&[("a1", "b2"), ("a2", "b1")]);
    fails(&verdict(RACE, race(first, second, swapped)), "NOTE-NAMES-REQUESTER", "names b2, but b1 got it");
}

#[test]
fn an_answer_that_the_vector_loses_may_have_taken_anything_and_be_told() {
    let loses = RACE.replace("{ claim: { as: b1, of: alice } }", "{ claim: { as: b1, of: alice }, lose: answer }");
    let seen = |feed| race(Observed::Lost, granted("regular", "a1"), told(feed));
    for feed in [&[("a2", "b1"), ("a1", "b2")][..], &[("a1", "b2")]] {
        assert!(matches!(verdict(&loses, seen(feed)), Verdict::Pass));
        // Where nobody has lost it, the server has not given it.
        fails(&verdict(RACE, seen(feed)), "CLAIM-ONCE", "an answer was owed, and the server goes on");
    }
}

#[test]
fn an_error_under_load_fails_the_race() {
    let recording = race(Observed::Unexpected("status 500".into()), granted("regular", "a1"), told(&[]));
    fails(&verdict(RACE, recording), "CLAIM-ONCE", "status 500");
}

#[test]
fn without_overlap_a_race_says_nothing() {
    let recording = one_round(vec![
        at("before[0]", 0, 1, published()),
        at("race.lanes.c1[0]", 10, 20, granted("regular", "a1")),
        at("race.lanes.c2[0]", 21, 22, granted("regular", "a2")),
        at("after[0]", 30, 31, told(&[("a1", "b1"), ("a2", "b2")])),
    ]);
    assert!(matches!(verdict(RACE, recording), Verdict::Inconclusive { .. }));
}

#[test]
fn an_unmet_expectation_fails_and_an_unmet_preparation_blocks() {
    let steps = |first, second| one_round(vec![at("steps[0]", 0, 1, first), at("steps[1]", 2, 3, second)]);
    assert!(matches!(verdict(SEQUENCE, steps(published(), granted("regular", "a1"))), Verdict::Pass));
    let failed = verdict(SEQUENCE, steps(published(), granted("last_resort", "a1")));
    fails(&failed, "CLAIM-ONCE", "phone/kind is \"last_resort\", where \"regular\" is right");
    let failed = verdict(SEQUENCE, steps(published(), Observed::Refused(Reason::RateLimited)));
    fails(&failed, "CLAIM-ONCE", "it was refused (rate_limited), where success is right");
    let blocked = verdict(SEQUENCE, steps(Observed::Refused(Reason::Forbidden), granted("regular", "a1")));
    assert!(matches!(blocked, Verdict::Blocked { .. }));
}

#[test]
fn what_broke_the_run_is_told_unless_something_had_failed_before() {
    let broken = |broken: Broken, steps: Vec<Recorded>| {
        verdict(SEQUENCE, Recording { rounds: vec![Round { steps }], broken: Some(broken) })
    };
    assert!(matches!(broken(Broken::Setup("x".into()), vec![]), Verdict::Blocked { .. }));
    assert!(matches!(broken(Broken::Gone("x".into()), vec![]), Verdict::Gone { .. }));
    assert!(matches!(broken(Broken::Suite("x".into()), vec![]), Verdict::Error { .. }));
    assert!(matches!(broken(Broken::TooSlow("x".into()), vec![]), Verdict::Inconclusive { .. }));
    let failed = vec![at("steps[0]", 0, 1, published()), at("steps[1]", 2, 3, granted("last_resort", "a1"))];
    assert!(matches!(broken(Broken::Gone("x".into()), failed), Verdict::Fail(_)));
}

#[test]
fn a_coarse_refusal_serves_where_a_fine_one_of_its_class_is_asked_for() {
    assert!(Reason::Invalid.serves(Reason::Expired) && Reason::Expired.serves(Reason::Expired));
    assert!(!Reason::Malformed.serves(Reason::Expired) && !Reason::Invalid.serves(Reason::Forbidden));
    assert!(Reason::Forbidden.serves(Reason::Any));
}

#[test]
fn a_refusal_under_load_that_the_state_does_not_explain_fails_and_a_limit_says_nothing() {
    let recording = race(Observed::Refused(Reason::Forbidden), granted("regular", "a1"), told(&[("a1", "b2")]));
    fails(&verdict(RACE, recording), "CLAIM-ONCE", "forbidden");
    let recording = race(Observed::Refused(Reason::RateLimited), granted("regular", "a1"), told(&[("a1", "b2")]));
    assert!(matches!(verdict(RACE, recording), Verdict::Inconclusive { .. }));
}

#[test]
fn a_race_that_the_model_does_not_know_is_judged_by_what_needs_no_search_and_by_its_lanes() {
    let blocked = RACE.replace("judge: linearizable", "judge: rules");
    let blocked = blocked.replace(
        "c2: [ { claim: { as: b2, of: alice } } ]",
        "c2: [ { claim: { as: b2, of: alice }, expect: { refused: unknown_user } } ]",
    );
    let refused = || Observed::Refused(Reason::UnknownUser);
    let verdict = |recording| verdict(&blocked, recording);
    // Nobody is unknown to the model, which would find this out; who writes `rules` knows why.
    let legal = || race(granted("regular", "a1"), refused(), told(&[("a1", "b1")]));
    assert!(matches!(self::verdict(RACE, legal()), Verdict::Fail(_)));
    assert!(matches!(verdict(legal()), Verdict::Pass));
    let twice = race(granted("regular", "a1"), granted("regular", "a1"), told(&[]));
    fails(&verdict(twice), "CLAIM-ONCE", "was granted twice");
    let untold = race(granted("regular", "a1"), refused(), told(&[]));
    fails(&verdict(untold), "NOTE-EVERY-GRANT", "a1 was granted 1 time(s)");
    let let_in = race(granted("regular", "a1"), granted("regular", "a2"), told(&[("a1", "b1"), ("a2", "b2")]));
    fails(&verdict(let_in), "CLAIM-ONCE", "it succeeded, where a refusal (unknown_user) is right");
}

#[test]
fn nothing_run_is_inconclusive() {
    assert!(matches!(verdict(RACE, Recording::default()), Verdict::Inconclusive { .. }));
}

#[test]
fn a_failure_in_a_later_round_outweighs_a_doubt_in_an_earlier_one() {
    let limited = race(Observed::Refused(Reason::RateLimited), granted("regular", "a1"), told(&[("a1", "b2")]));
    let twice = race(granted("regular", "a1"), granted("regular", "a1"), told(&[]));
    let rounds = limited.rounds.into_iter().chain(twice.rounds).collect();
    let verdict = verdict(RACE, Recording { rounds, broken: None });
    fails(&verdict, "CLAIM-ONCE", "was granted twice");
    assert_eq!(verdict.failure().unwrap().rounds, Some((2, 1, 2)));
}

#[test]
fn what_was_never_saved_is_no_match_in_either_direction() {
    let vector = SEQUENCE.replace("{ kind: regular, key_package: a1 }", "{ key_package: { not: $nothing } }");
    let steps = vec![at("steps[0]", 0, 1, published()), at("steps[1]", 2, 3, granted("regular", "a1"))];
    assert!(matches!(verdict(&vector, one_round(steps)), Verdict::Fail(_)));
    let vector = SEQUENCE.replace("{ kind: regular, key_package: a1 }", "{ no_such_key: { not: a2 } }");
    let steps = vec![at("steps[0]", 0, 1, published()), at("steps[1]", 2, 3, granted("regular", "a1"))];
    assert!(matches!(verdict(&vector, one_round(steps)), Verdict::Fail(_)));
}

/// One package for everybody leaves a search nothing to hold on to: every order of the claims is as wrong as every other.
#[test]
fn one_package_for_twenty_takes_no_search() {
    let lanes: Vec<String> =
        (0..20).map(|lane| format!("    c{lane}: [ {{ claim: {{ as: b{lane}, of: alice }} }} ]")).collect();
    let users: Vec<String> = (0..20).map(|lane| format!("b{lane}: {{}}")).collect();
    let packages: Vec<String> = (0..20).map(|package| format!("a{package}: {{ client: phone }}")).collect();
    let names: Vec<String> = (0..20).map(|package| format!("a{package}")).collect();
    let vector = format!(
        "id: x\ntitle: t\nwhy: w\nrules: [CLAIM-ONCE]\nusers: {{ alice: {{ clients: [phone] }}, {} }}\n\
         key_packages: {{ {} }}\nbefore:\n  - publish: {{ as: phone, key_packages: [{}] }}\n\
         race:\n  rounds: 1\n  lanes:\n{}\n  judge: linearizable\n",
        users.join(", "),
        packages.join(", "),
        names.join(", "),
        lanes.join("\n"),
    );
    let claims = (0..20).map(|lane| at(&format!("race.lanes.c{lane}[0]"), 10, 20, granted("regular", "a7")));
    let steps = [at("before[0]", 0, 1, published())].into_iter().chain(claims).collect();
    fails(&verdict(&vector, one_round(steps)), "CLAIM-ONCE", "race.lanes.c0[0], and race.lanes.c1[0]");
}

/// A last resort gives way to another while claims run.
const REPLACED: &str = "
id: x
title: t
why: w
rules: [LAST-REPLACED-WHOLE]
users: { alice: { clients: [phone] }, b1: {}, b2: {} }
key_packages: { z1: { client: phone, last_resort: true }, z2: { client: phone, last_resort: true } }
before:
  - publish: { as: phone, key_packages: [z1] }
race:
  rounds: 1
  lanes:
    c1: [ { claim: { as: b1, of: alice } }, { claim: { as: b1, of: alice } } ]
    c2: [ { claim: { as: b2, of: alice } }, { claim: { as: b2, of: alice } } ]
    owner: [ { publish: { as: phone, key_packages: [z2] } } ]
  judge: linearizable
";

#[test]
fn a_last_resort_that_was_replaced_is_named_by_its_rule() {
    let z = |name: &str| granted("last_resort", name);
    let seen = |publication: (u64, u64), claims: [(&str, u64, u64, Observed); 4]| {
        let mut steps = vec![at("before[0]", 0, 1, published())];
        steps.push(at("race.lanes.owner[0]", publication.0, publication.1, published()));
        steps.extend(
            claims
                .into_iter()
                .map(|(path, sent, answered, observed)| at(&format!("race.lanes.{path}"), sent, answered, observed)),
        );
        steps.sort_by_key(|step| step.sent);
        verdict(REPLACED, one_round(steps))
    };
    // After the publication was answered.
    let late = seen(
        (10, 20),
        [
            ("c1[0]", 10, 12, z("z1")),
            ("c2[0]", 10, 25, z("z2")),
            ("c1[1]", 30, 35, z("z1")),
            ("c2[1]", 30, 36, z("z2")),
        ],
    );
    fails(&late, "LAST-REPLACED-WHOLE", "no longer in its place: race.lanes.owner[0], and race.lanes.c1[1]");
    // After somebody got the new one, while the publication is under way.
    let back = seen(
        (10, 60),
        [
            ("c1[0]", 10, 12, z("z1")),
            ("c2[0]", 10, 25, z("z2")),
            ("c1[1]", 30, 35, z("z1")),
            ("c2[1]", 30, 36, z("z2")),
        ],
    );
    fails(&back, "LAST-REPLACED-WHOLE", "race.lanes.c1[1]: the last resort z1 was replaced or withdrawn before");
}

/// A whole stock is replaced while somebody claims, who is given its last resort.
#[test]
fn a_last_resort_beside_a_replacement_of_the_stock_is_named_by_its_rule() {
    let vector = RACE.replace("before:\n  - publish: { as: phone, key_packages: [a1, a2, z] }\n", "");
    let vector = vector.replace(
        "{ claim: { as: b2, of: alice } }",
        "{ publish: { as: phone, key_packages: [z, a1, a2], replace: true } }",
    );
    let vector = vector.replace("after:\n  - notifications: { as: phone }\n", "");
    let seen = |withdrawn, kind, package| {
        let replaced = Observed::Ok(Seen::Replaced { accepted: Some(3), withdrawn });
        let claim = at("race.lanes.c1[0]", 10, 20, granted(kind, package));
        verdict(&vector, one_round(vec![claim, at("race.lanes.c2[0]", 11, 21, replaced)]))
    };
    // Some servers do not say how many were withdrawn.
    for withdrawn in [Some(0), None] {
        fails(&seen(withdrawn, "last_resort", "z"), "LAST-ONLY-WHEN-EXHAUSTED", "race.lanes.c1[0]");
        assert!(matches!(seen(withdrawn, "regular", "a1"), Verdict::Pass), "{:?}", seen(withdrawn, "regular", "a1"));
    }
}

#[test]
fn each_rule_that_some_round_breaks_is_told_with_its_first_round_and_a_must_before_a_should() {
    let untold = || race(granted("regular", "a1"), granted("regular", "a2"), told(&[("a1", "b1")]));
    let twice = || race(granted("regular", "a1"), granted("regular", "a1"), told(&[]));
    let rounds = [untold(), twice(), twice(), untold(), untold()].into_iter().flat_map(|seen| seen.rounds).collect();
    let recording = Recording { rounds, broken: None };
    let shown = |verdict: &Verdict| {
        let told = verdict.failure().unwrap().all().map(|failure| (failure.rule.clone(), failure.rounds.unwrap()));
        (verdict.word(), told.collect::<Vec<_>>())
    };
    let note = || ("NOTE-EVERY-GRANT".to_string(), (1, 3, 5));
    let once = || ("CLAIM-ONCE".to_string(), (2, 2, 5));
    assert_eq!(shown(&verdict(RACE, recording.clone())), ("FAIL", vec![note(), once()]));

    let vector: Vector = yaml::read("x.yaml", RACE).unwrap();
    let mut catalogue = Catalogue::read("rules.yaml", include_str!("../../../vectors/rules.yaml")).unwrap();
    let mut soft = |id: &str| catalogue.rules.iter_mut().find(|rule| rule.id == id).unwrap().level = Level::Should;
    soft("NOTE-EVERY-GRANT");
    soft("CLAIM-ONCE");
    assert_eq!(shown(&judge(&vector, &recording, &catalogue).0), ("WARN", vec![note(), once()]));
    catalogue.rules.iter_mut().find(|rule| rule.id == "CLAIM-ONCE").unwrap().level = Level::Must;
    assert_eq!(shown(&judge(&vector, &recording, &catalogue).0), ("FAIL", vec![once(), note()]));
}
