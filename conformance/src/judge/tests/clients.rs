//! Claims of several clients at once: each client alone has to be explained.

use super::*;

const TWO: &str = "
id: x
title: t
why: w
rules: [LAST-ONLY-WHEN-EXHAUSTED]
users: { alice: { clients: [phone, tablet] }, b1: {}, b2: {} }
key_packages:
  a1: { client: phone }
  y: { client: phone, last_resort: true }
  t1: { client: tablet }
  z: { client: tablet, last_resort: true }
before:
  - publish: { as: phone, key_packages: [a1, y] }
  - publish: { as: tablet, key_packages: [t1, z] }
race:
  rounds: 1
  lanes:
    c1: [ { claim: { as: b1, of: alice } } ]
    c2: [ { claim: { as: b2, of: alice } } ]
  judge: linearizable
";

fn both(phone: &str, tablet: &str) -> Observed {
    let seen = |name: &str| {
        let kind = if ["y", "z"].contains(&name) { "last_resort" } else { "regular" };
        ClientSeen { kind: kind.into(), key_package: Some(name.into()) }
    };
    Observed::Ok(Seen::Claimed([("phone".into(), seen(phone)), ("tablet".into(), seen(tablet))].into()))
}

fn two(b1: Observed, b2: Observed) -> Recording {
    let published = || Observed::Ok(Seen::Published { accepted: Some(2) });
    one_round(vec![
        at("before[0]", 0, 1, published()),
        at("before[1]", 2, 3, published()),
        at("race.lanes.c1[0]", 4, 9, b1),
        at("race.lanes.c2[0]", 4, 9, b2),
    ])
}

#[test]
fn a_claim_may_take_from_one_client_after_another() {
    let crossed = verdict(TWO, two(both("a1", "z"), both("y", "t1")));
    assert!(matches!(crossed, Verdict::Pass), "{crossed:?}");
}

#[test]
fn each_client_alone_has_to_be_explained() {
    fails(&verdict(TWO, two(both("a1", "z"), both("y", "z"))), "LAST-ONLY-WHEN-EXHAUSTED", "always one of t1 was");
    fails(&verdict(TWO, two(both("a1", "t1"), both("a1", "z"))), "CLAIM-ONCE", "a1 was granted twice");
    let without = Observed::Ok(Seen::Claimed(BTreeMap::from([(
        "phone".to_string(),
        ClientSeen { kind: "last_resort".into(), key_package: Some("y".into()) },
    )])));
    fails(&verdict(TWO, two(both("a1", "t1"), without)), "CLAIM-EACH-CLIENT", "has no status");
}
