//! Races in which the server is killed or set back, or a lane breaks off: what still counts, and what says nothing.

use super::*;

/// The server is killed, or set back, while two ask; then somebody asks for what is left.
fn interrupted(lane: &str) -> String {
    let race = RACE.replace("judge:", &format!("  o: [ {lane} ]\n  judge:"));
    let race = race.replace("before:\n", "before:\n  - snapshot: {}\n");
    race.replace("  - notifications: { as: phone }", "  - claim: { as: b1, of: alice }")
}

fn around(first: Observed, second: Observed, hooks: &[(u64, u64)], later: Observed) -> Recording {
    let done = || Observed::Ok(Seen::Done {});
    let hooks = hooks.iter().enumerate();
    let hooks = hooks.map(|(index, (from, to))| at(&format!("race.lanes.o[{index}]"), *from, *to, done()));
    let mut steps = vec![at("before[0]", 0, 1, done()), at("before[1]", 1, 2, published())];
    steps.extend([at("race.lanes.c1[0]", 10, 20, first), at("race.lanes.c2[0]", 11, 40, second)]);
    steps.extend(hooks);
    steps.push(at("after[0]", 90, 91, later));
    one_round(steps)
}

#[test]
fn what_was_answered_before_a_kill_is_judged_with_what_is_answered_after_it() {
    let vector = interrupted("{ kill: {} }, { start: {} }");
    let hooks = [(20, 30), (30, 80)];
    let seen = |later| verdict(&vector, around(granted("regular", "a1"), Observed::Lost, &hooks, later));
    // The lost claim had a2, or it had not.
    assert!(matches!(seen(granted("regular", "a2")), Verdict::Pass), "{:?}", seen(granted("regular", "a2")));
    assert!(matches!(seen(granted("last_resort", "z")), Verdict::Pass));
    fails(&seen(granted("regular", "a1")), "CLAIM-ONCE", "race.lanes.c1[0], and after[0]");
    // Two answers before the kill are two grants, whatever was stored of them.
    let both = around(granted("regular", "a1"), granted("regular", "a2"), &hooks, granted("regular", "a2"));
    fails(&verdict(&vector, both), "CLAIM-ONCE", "race.lanes.c2[0], and after[0]");
}

#[test]
fn a_kill_that_meets_no_request_is_no_contention() {
    let vector = interrupted("{ kill: {} }, { start: {} }");
    let seen =
        around(granted("regular", "a1"), granted("regular", "a2"), &[(50, 60), (60, 80)], granted("last_resort", "z"));
    let Verdict::Inconclusive { reason } = verdict(&vector, seen) else { panic!("it met nothing") };
    assert_eq!(reason, "no contention: requests overlapped in 0 of 1 rounds only");
}

/// A command that kills takes its time: what was answered meanwhile may all have come before the server died.
#[test]
fn a_kill_by_which_nothing_is_lost_is_no_contention() {
    let vector = interrupted("{ kill: {} }, { start: {} }");
    let answers = || (granted("regular", "a1"), granted("regular", "a2"), granted("last_resort", "z"));
    let (first, second, later) = answers();
    let seen = around(first, second, &[(15, 60), (60, 80)], later);
    assert!(matches!(verdict(&vector, seen), Verdict::Inconclusive { .. }));
    // Nor does it count that a backup was made while they asked.
    let vector = interrupted("{ snapshot: {} }, { restore: {} }");
    let (first, second, _) = answers();
    let none = ClientSeen { kind: "exhausted".into(), key_package: None };
    let none = Observed::Ok(Seen::Claimed(BTreeMap::from([("phone".into(), none)])));
    let seen = around(first, second, &[(15, 30), (60, 80)], none);
    assert!(matches!(verdict(&vector, seen.clone()), Verdict::Inconclusive { .. }), "{:?}", verdict(&vector, seen));
}

#[test]
fn a_lane_that_broke_off_is_no_reason_to_fail_the_others() {
    let vector = RACE.replace("[a1, a2, z]", "[a1]");
    let none = ClientSeen { kind: "exhausted".into(), key_package: None };
    let none = Observed::Ok(Seen::Claimed(BTreeMap::from([("phone".into(), none)])));
    let mut seen = race(none, Observed::Lost, told(&[]));
    // The claim that took it got no answer, and the server never came back.
    seen.rounds[0].steps.retain(|step| !step.path.starts_with("race.lanes.c2") && !step.path.starts_with("after"));
    seen.broken = Some(Broken::Gone("connection refused".into()));
    let told = verdict(&vector, seen);
    assert!(matches!(told, Verdict::Gone { .. }), "{told:?}");
}

#[test]
fn a_publication_that_a_restore_forgot_may_come_before_its_fence() {
    let vector = interrupted("{ restore: {} }");
    let vector = vector.replace(
        "after:\n  - claim: { as: b1, of: alice }",
        "after:\n  - publish: { as: phone, key_packages: [a1] }\n    expect: { anything: true }",
    );
    let seen = around(granted("regular", "a1"), Observed::Lost, &[(20, 80)], Observed::Refused(Reason::BeforeFence));
    assert!(matches!(verdict(&vector, seen.clone()), Verdict::Pass), "{:?}", verdict(&vector, seen));
}

#[test]
fn a_restore_fences_off_what_was_available_and_takes_no_grant_back() {
    let vector = interrupted("{ restore: {} }");
    let none = || {
        let seen = ClientSeen { kind: "exhausted".into(), key_package: None };
        Observed::Ok(Seen::Claimed(BTreeMap::from([("phone".into(), seen)])))
    };
    let seen = |later| verdict(&vector, around(granted("regular", "a1"), Observed::Lost, &[(20, 80)], later));
    assert!(matches!(seen(none()), Verdict::Pass), "{:?}", seen(none()));
    for later in [granted("regular", "a2"), granted("last_resort", "z")] {
        assert!(matches!(seen(later.clone()), Verdict::Fail(_)), "{later:?}: {:?}", seen(later.clone()));
    }
    fails(&seen(granted("regular", "a1")), "CLAIM-ONCE", "race.lanes.c1[0], and after[0]");
}
