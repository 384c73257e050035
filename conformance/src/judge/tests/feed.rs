//! What the notifications of a race say of how many are left, and of first uses.

use super::*;

const FEED: &str = "
id: x
title: t
why: w
rules: [NOTE-EVERY-GRANT]
users: { alice: { clients: [phone] }, b1: {}, b2: {} }
key_packages: { a1: { client: phone }, a2: { client: phone }, a3: { client: phone }, z: { client: phone, last_resort: true } }
before:
  - publish: { as: phone, key_packages: [a1, a2, a3, z] }
race:
  rounds: 1
  lanes:
    c1: [ { claim: { as: b1, of: alice } } ]
    c2: [ { claim: { as: b2, of: alice } } ]
  judge: linearizable
after:
  - notifications: { as: phone }
";

fn note(package: &str, requester: &str, remaining: Option<u64>, first_use: Option<bool>) -> NotificationSeen {
    NotificationSeen {
        cursor: None,
        key_package: package.into(),
        kind: None,
        requester: Some(requester.into()),
        first_use,
        remaining,
        low: None,
        drain: None,
    }
}

fn two(vector: &str, (one, other): (Observed, Observed), feed: Vec<NotificationSeen>) -> Verdict {
    let seen = one_round(vec![
        at("before[0]", 0, 1, published()),
        at("race.lanes.c1[0]", 2, 5, one),
        at("race.lanes.c2[0]", 2, 5, other),
        at("after[0]", 6, 7, Observed::Ok(Seen::Notifications(feed))),
    ]);
    verdict(vector, seen)
}

#[test]
fn each_grant_leaves_one_less_in_whatever_order_they_came() {
    let regular = || (granted("regular", "a1"), granted("regular", "a2"));
    let left = |one, other| two(FEED, regular(), vec![note("a1", "b1", one, None), note("a2", "b2", other, None)]);
    for (one, other) in [(Some(2), Some(1)), (Some(1), Some(2)), (None, None), (None, Some(7))] {
        assert!(matches!(left(one, other), Verdict::Pass), "{one:?} {other:?}");
    }
    for (one, other) in [(Some(2), Some(2)), (Some(3), Some(2)), (Some(1), Some(0))] {
        fails(&left(one, other), "NOTE-EVERY-GRANT", "were left");
    }
    // Where more comes in meanwhile, nothing is sure.
    let meanwhile = FEED
        .replace("c2: [ { claim: { as: b2, of: alice } } ]", "c2: [ { publish: { as: phone, key_packages: [a3] } } ]");
    let meanwhile = meanwhile.replace("[a1, a2, a3, z] }\nrace", "[a1, a2, z] }\nrace");
    let told = two(&meanwhile, (granted("regular", "a1"), published()), vec![note("a1", "b1", Some(2), None)]);
    assert!(matches!(told, Verdict::Pass), "{told:?}");
}

#[test]
fn a_last_resort_has_one_first_use() {
    let last = FEED.replace("[a1, a2, a3, z] }\nrace", "[z] }\nrace");
    let uses = |one, other| {
        let feed = vec![note("z", "b1", Some(0), one), note("z", "b2", Some(0), other)];
        two(&last, (granted("last_resort", "z"), granted("last_resort", "z")), feed)
    };
    for (one, other) in [(Some(true), Some(false)), (Some(false), Some(true)), (None, Some(true))] {
        assert!(matches!(uses(one, other), Verdict::Pass), "{one:?} {other:?}");
    }
    fails(&uses(Some(true), Some(true)), "LAST-TOLD", "of 2 uses of the last resort z, 2 are told as the first");
    fails(&uses(Some(false), Some(false)), "LAST-TOLD", "0 are told as the first");
}
