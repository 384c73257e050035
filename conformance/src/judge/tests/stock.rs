//! What a stock says, and what it leaves open.

use super::*;

const ASKED: &str = "
id: x
title: t
why: w
rules: [NOTE-ZERO]
users: { alice: { clients: [phone] }, b1: {} }
key_packages: { a1: { client: phone } }
race:
  rounds: 1
  lanes:
    c1: [ { claim: { as: b1, of: alice } } ]
    owner: [ { publish: { as: phone, key_packages: [a1] } }, { stock: { as: phone } } ]
  judge: linearizable
after:
  - stock: { as: phone }
";

fn exhausted() -> Observed {
    let seen = ClientSeen { kind: "exhausted".into(), key_package: None };
    Observed::Ok(Seen::Claimed(BTreeMap::from([("phone".into(), seen)])))
}

fn stock(regular: u64) -> Observed {
    Observed::Ok(Seen::Stock { regular: Some(regular), last_resort: LastResortSeen::None, low: None })
}

#[test]
fn zero_of_what_there_never_was_says_nothing_and_zero_of_what_is_there_is_wrong() {
    let asked = ASKED.replace("{ publish: { as: phone, key_packages: [a1] } }, ", "");
    let seen = one_round(vec![
        at("race.lanes.c1[0]", 4, 9, exhausted()),
        at("race.lanes.owner[0]", 4, 9, stock(0)),
        at("after[0]", 10, 11, stock(0)),
    ]);
    assert!(matches!(verdict(&asked, seen), Verdict::Pass));

    let published = |counted: u64| {
        one_round(vec![
            at("race.lanes.c1[0]", 4, 9, exhausted()),
            at("race.lanes.owner[0]", 4, 9, published()),
            at("race.lanes.owner[1]", 10, 12, stock(counted)),
            at("after[0]", 13, 14, stock(1)),
        ])
    };
    assert!(matches!(verdict(ASKED, published(1)), Verdict::Pass));
    fails(&verdict(ASKED, published(0)), "NOTE-ZERO", "");
}
