//! Small vectors, right and wrong, and what the prover says of them.

use super::*;
use crate::yaml;

/// A vector of alice's phone with three packages, bob and carol.
fn proved(steps: &str) -> Proved {
    proved_of("", steps)
}

fn proved_of(head: &str, steps: &str) -> Proved {
    let text = format!(
        "id: wrong\ntitle: t\nwhy: w\nrules: [CLAIM-ONCE]\n{head}\
         users: {{ alice: {{ clients: [phone, tablet] }}, bob: {{}}, carol: {{}} }}\n\
         key_packages:\n  a1: {{ client: phone }}\n  a2: {{ client: phone }}\n  z: {{ client: phone, last_resort: true }}\n\
         \x20 many: {{ client: phone, copies: 20 }}\n  bad: {{ client: phone, flaw: bad_signature }}\n{steps}\n"
    );
    let vector: Vector = yaml::read("wrong.yaml", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    prove(&vector)
}

/// The one thing that is wrong, as it is told.
#[track_caller]
fn fault(proved: &Proved) -> String {
    assert_eq!(proved.faults.len(), 1, "{:#?}", proved.faults);
    assert_eq!(proved.verdict(), Verdict::Wrong);
    proved.faults[0].to_string()
}

#[test]
fn an_expectation_that_a_good_server_fails_is_told_with_the_answers_that_lead_there() {
    let proved = proved(
        "steps:\n  - publish: { as: phone, key_packages: [a1, a2] }\n\
         \x20 - claim: { as: bob, of: alice }\n    expect: { ok: { phone: { kind: regular, key_package: { in: [a1, a2] } }, tablet: { kind: exhausted } } }\n\
         \x20 - claim: { as: bob, of: alice }\n    expect: { ok: { phone: { kind: regular, key_package: a2 }, tablet: { kind: exhausted } } }",
    );
    assert_eq!(
        proved.faults[0].to_string(),
        "steps[2] (claim) is not sound: a good server fails it\n    \
         allowed   {\"phone\":{\"kind\":\"regular\",\"key_package\":\"a1\"},\"tablet\":{\"kind\":\"exhausted\"}}\n    \
         expected  phone/key_package is \"a1\", where \"a2\" is right\n    \
         after     steps[1] {\"phone\":{\"kind\":\"regular\",\"key_package\":\"a2\"},\"tablet\":{\"kind\":\"exhausted\"}}"
    );
}

#[test]
fn what_prepares_must_succeed() {
    let proved = proved("steps:\n  - publish: { as: phone, key_packages: [bad] }");
    assert_eq!(
        fault(&proved),
        "steps[0] (publish) is not sound: a good server fails it\n    \
         allowed   refused, for what the model does not know: bytes\n    \
         expected  success, since without `expect` the step prepares"
    );
}

#[test]
fn an_expectation_that_accepts_what_is_not_allowed_must_say_why() {
    let steps = |loose: &str| {
        format!(
            "steps:\n  - publish: {{ as: phone, key_packages: [a1] }}\n  - claim: {{ as: bob, of: alice }}\n\
             \x20   expect: {{ ok: {{ phone: {{ key_package: a1 }}, tablet: {{ kind: exhausted }} }}{loose} }}"
        )
    };
    assert_eq!(
        fault(&proved(&steps(""))),
        "steps[1] (claim) is loose, and does not say why (`loose: …`): it accepts what is not allowed\n    \
         accepted  {\"phone\":{\"kind\":\"last_resort\",\"key_package\":\"a1\"},\"tablet\":{\"kind\":\"exhausted\"}}\n    \
         breaks    LAST-TOLD: a1 was granted as a last resort, but is regular\n    \
         allowed   {\"phone\":{\"kind\":\"regular\",\"key_package\":\"a1\"},\"tablet\":{\"kind\":\"exhausted\"}}"
    );
    let stated = proved(&steps(", loose: \"kinds are not asked for\""));
    assert_eq!(stated.verdict(), Verdict::Loose);
    assert_eq!(stated.loose, [("steps[1]".to_string(), "kinds are not asked for".to_string())]);
}

#[test]
fn a_client_that_is_left_out_or_that_is_one_too_many_is_conceivable() {
    let claim = |by: &str, phone: &str| {
        proved(&format!(
            "steps:\n  - publish: {{ as: phone, key_packages: [a1] }}\n  - claim: {{ as: {by}, of: alice }}\n    expect: {{ ok: {{ {phone} }} }}"
        ))
    };
    let left_out = claim("bob", "phone: { kind: regular, key_package: a1 }");
    assert!(
        fault(&left_out).contains("breaks    CLAIM-BYTES: a1 was never published by alice/tablet"),
        "{left_out:#?}"
    );
    let own = claim("tablet", "phone: { kind: regular, key_package: a1 }");
    assert!(fault(&own).contains("breaks    CLAIM-NOT-SELF: "), "{own:#?}");
    let right = claim("tablet", "phone: { kind: regular, key_package: a1 }, tablet: { absent: true }");
    assert_eq!(right.verdict(), Verdict::Proved, "{right:#?}");
}

#[test]
fn a_looseness_that_is_not_there_must_not_be_stated() {
    let proved =
        proved("steps:\n  - publish: { as: phone, key_packages: [a1] }\n    expect: { ok: {}, loose: \"to be sure\" }");
    assert_eq!(fault(&proved), "steps[0] (publish) states a looseness that it does not have\n    stated    to be sure");
}

#[test]
fn a_lie_that_a_later_step_finds_out_is_rejected_by_the_vector_as_a_whole() {
    let steps = |later: &str| {
        format!(
            "steps:\n  - publish: {{ as: phone, key_packages: [a1, a2] }}\n\
             \x20 - claim: {{ as: bob, of: alice, key: k }}\n    expect: {{ ok: {{ phone: {{ kind: regular }}, tablet: {{ kind: exhausted }} }} }}\n\
             \x20   save: {{ first: phone/key_package }}\n\
             \x20 - claim: {{ as: bob, of: alice, key: k }}\n    expect: {{ ok: {{ phone: {{ kind: regular, key_package: {later} }}, tablet: {{ kind: exhausted }} }} }}"
        )
    };
    let found_out = proved(&steps("$first"));
    assert_eq!(found_out.verdict(), Verdict::Proved, "{:#?}", found_out.faults);
    let not_found_out = proved(&steps("{ in: [a1, a2] }"));
    let paths: Vec<_> = not_found_out.faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(paths, ["steps[1]", "steps[2]"], "{not_found_out:#?}");
}

#[test]
fn an_answer_that_nobody_saw_may_have_been_either() {
    let proved = proved(
        "steps:\n  - publish: { as: phone, key_packages: [a1, a2] }\n  - claim: { as: bob, of: alice, key: k }\n    lose: answer\n\
         \x20 - claim: { as: bob, of: alice, key: k }\n    expect: { ok: { phone: { kind: regular, key_package: { in: [a1, a2] } }, tablet: { kind: exhausted } } }",
    );
    assert_eq!(proved.verdict(), Verdict::Proved, "{:#?}", proved.faults);
    assert_eq!(proved.branches, 2);
}

#[test]
fn an_alternative_that_no_good_server_takes_is_dead() {
    let claim = proved(
        "steps:\n  - publish: { as: phone, key_packages: [a1] }\n  - claim: { as: bob, of: alice }\n\
         \x20   expect: { ok: { phone: { kind: regular, key_package: { in: [a1, a2] } }, tablet: { kind: exhausted } }, loose: l }",
    );
    assert_eq!(
        fault(&claim),
        "steps[1] (claim) has a dead branch: no allowed answer takes this alternative\n    \
         dead      phone/key_package: \"a2\""
    );
    let reasons = |reasons: &str| {
        proved(&format!(
            "steps:\n  - publish: {{ as: phone, key_packages: [z] }}\n  - withdraw: {{ as: phone, key_packages: [z] }}\n\
             \x20 - publish: {{ as: phone, key_packages: [z] }}\n    expect: {{ refused: {reasons} }}"
        ))
    };
    let dead = reasons("[already_used, expired]");
    let told: Vec<_> = dead.faults.iter().map(ToString::to_string).collect();
    assert!(told[0].contains("accepted  refused: expired"), "{told:?}");
    assert!(told[1].contains("dead      refused: Expired"), "{told:?}");
    // The word of its class is for servers that know no finer one.
    let coarse = reasons("[already_used, invalid]");
    assert_eq!(coarse.verdict(), Verdict::Proved, "{:#?}", coarse.faults);
}

#[test]
fn what_the_model_does_not_know_is_counted_and_changes_nothing() {
    let part = proved(
        "steps:\n  - publish: { as: phone, key_packages: [a1] }\n  - publish: { as: phone, key_packages: [bad, a2] }\n    expect: { refused: [invalid_signature, malformed] }\n\
         \x20 - claim: { as: bob, of: alice, proof: forged }\n    expect: { refused: unauthenticated }\n\
         \x20 - stock: { as: phone }\n    expect: { ok: { regular: 1 } }",
    );
    assert_eq!(part.verdict(), Verdict::Proved, "{:#?}", part.faults);
    assert_eq!(part.outside, BTreeMap::from([(Why::Bytes, 1), (Why::Authentication, 1)]));
    let accepted = proved("steps:\n  - publish: { as: phone, key_packages: [bad] }\n    expect: { ok: {} }");
    assert!(accepted.faults[0].to_string().contains("is not sound"), "{accepted:#?}");
    assert!(accepted.faults[1].to_string().contains("accepted  success"), "{accepted:#?}");
    let outside = proved("steps:\n  - claim: { as: bob, of: alice, method: GET }\n    expect: { anything: true }");
    assert_eq!(outside.verdict(), Verdict::Outside, "never proved");
}

#[test]
fn more_ways_than_anybody_would_look_at_are_an_error() {
    let claim =
        |place: usize| format!("  - claim: {{ as: bob, of: alice }}\n    save: {{ p{place}: phone/key_package }}\n");
    let kept: String = (0..4).map(claim).collect();
    let steps = |claims: &str| format!("steps:\n  - publish: {{ as: phone, key_packages: [many] }}\n{claims}");
    // Which copy it was, nothing depends on where it is not kept.
    let not_kept = proved(&steps(&"  - claim: { as: bob, of: alice }\n".repeat(4)));
    assert_eq!((not_kept.branches, &not_kept.faults[..]), (1, &[][..]));
    let proved = proved(&steps(&kept));
    assert_eq!(fault(&proved), "steps[3] (claim) has too many ways through the model: make the vector smaller");
}

#[test]
fn after_a_race_every_interleaving_counts() {
    let race = |after: &str| {
        proved(&format!(
            "before:\n  - publish: {{ as: phone, key_packages: [a1, z] }}\nrace:\n  rounds: 1\n  judge: linearizable\n  lanes:\n\
             \x20   c1: [ {{ claim: {{ as: bob, of: alice }} }} ]\n    c2: [ {{ claim: {{ as: carol, of: alice }} }} ]\n\
             after:\n  - notifications: {{ as: phone }}\n    expect: {{ ok: {after} }}"
        ))
    };
    let right = race("[ { key_package: a1 }, { key_package: z } ]");
    assert_eq!(right.verdict(), Verdict::Proved, "{:#?}", right.faults);
    assert_eq!(right.branches, 2);
    let unsound = race("[ { key_package: a1, requester: bob }, { key_package: z } ]");
    assert!(unsound.faults[0].to_string().contains("0/requester is \"carol\""), "{:#?}", unsound.faults);
    // One that was told of twice, and one of whom nobody was told: the judge compares with what was granted.
    let judged = race("{ length: 2 }");
    assert!(fault(&judged).contains("\"key_package\":\"z\""), "only the order is left open: {judged:#?}");
}

#[test]
fn a_vector_holds_for_every_number_that_a_server_declares() {
    let until = "claim: { as: bob, of: alice, until: { refused: rate_limited, at_most: 9 } }";
    let limited = |after: &str| {
        let steps = format!(
            "steps:\n  - {until}\n    expect: {{ refused: rate_limited, retry_after: {{ gte: 1 }} }}\n    save: {{ wait: retry_after }}\n{after}"
        );
        proved_of("needs: [pair_limit]\n", &steps)
    };
    let nothing = "phone: { kind: exhausted }, tablet: { kind: exhausted }";
    let ask = |expected: &str| format!("  - claim: {{ as: bob, of: alice }}\n    expect: {{ {expected} }}\n");
    let waited = format!("  - await_retry: {{ from: $wait }}\n{}", ask(&format!("ok: {{ {nothing} }}")));
    let right = limited(&waited);
    assert_eq!(right.verdict(), Verdict::Proved, "{:#?}", right.faults);
    // Who does not come back does not find out that it was told to come back too early.
    let not_waited = limited(&ask("refused: rate_limited"));
    assert!(fault(&not_waited).contains("steps[0] (claim) is loose"), "{not_waited:#?}");
    let one_of_them = "  - notifications: { as: phone }\n    expect: { ok: { length: 1 } }\n";
    let steps = format!("steps:\n  - publish: {{ as: phone, key_packages: [z] }}\n  - {until}\n{one_of_them}");
    let refused =
        proved_of("needs: [pair_limit]\n", &steps.replace("9 } }\n", "9 } }\n    expect: { refused: rate_limited }\n"));
    let told = refused.faults[0].to_string();
    assert!(told.starts_with("steps[2] (notifications) is not sound"), "two servers, two limits: {refused:#?}");
}

#[test]
fn whoever_is_shut_out_may_be_told_so_where_that_is_not_what_is_asked() {
    let blocked = |rules: &str, reasons: &str| {
        let text = format!(
            "id: wrong\ntitle: t\nwhy: w\nrules: [{rules}]\nusers: {{ alice: {{ clients: [phone] }}, bob: {{}} }}\nsteps:\n\
             \x20 - block: {{ as: phone, requester: bob }}\n  - claim: {{ as: bob, of: alice }}\n    expect: {{ refused: {reasons} }}\n"
        );
        prove(&yaml::read("wrong.yaml", &text).unwrap_or_else(|error| panic!("{error}\n{text}"))).verdict()
    };
    assert_eq!(blocked("BLOCK-REQUESTER", "[unknown_user, forbidden]"), Verdict::Proved);
    assert_eq!(blocked("BLOCK-REQUESTER", "unknown_user"), Verdict::Wrong, "a good server may say the other word");
    assert_eq!(blocked("CLAIM-UNIFORM", "unknown_user"), Verdict::Proved);
    assert_eq!(blocked("CLAIM-UNIFORM", "[unknown_user, forbidden]"), Verdict::Wrong);
}

#[test]
fn of_two_clients_of_one_name_each_has_its_own_key_and_both_one_stock() {
    let again = proved(
        "steps:\n  - publish: { as: phone, key_packages: [a1] }\n  - remove_client: { as: tablet, client: phone }\n    expect: { ok: { unread: 0 } }\n\
         \x20 - add_key: { as: tablet, client: alice/new, named: phone }\n\
         \x20 - keys: { of: alice, history: true }\n    expect: { ok: { length: 3, contains: [ { client: alice/new, ended: { absent: true } }, { client: alice/phone, ended: removed, ended_in: { gte: -2, lte: 2 } }, { client: alice/tablet } ] } }\n\
         \x20 - stock: { as: alice/new }\n    expect: { ok: { regular: { one_of: [ { absent: true }, 0 ] }, last_resort: none } }\n\
         \x20 - verify: { of: alice, client: phone, at: -9 }\n    expect: { ok: { standing: not_yet } }",
    );
    assert_eq!(again.verdict(), Verdict::Proved, "{:#?}", again.faults);
}

#[test]
fn an_owner_shuts_neither_itself_nor_its_own_server_out() {
    let own = proved(
        "steps:\n  - publish: { as: phone, key_packages: [a1] }\n  - block: { as: phone, server: here }\n  - block: { as: phone, requester: alice }\n\
         \x20 - blocks: { as: phone }\n    expect: { ok: { length: 2, contains: [ { server: here }, { requester: alice } ] } }\n\
         \x20 - claim: { as: bob, of: alice }\n    expect: { refused: [unknown_user, forbidden] }\n\
         \x20 - claim: { as: tablet, of: alice }\n    expect: { ok: { phone: { kind: regular, key_package: a1 }, tablet: { absent: true } } }",
    );
    assert_eq!(own.verdict(), Verdict::Proved, "{:#?}", own.faults);
}

#[test]
fn an_owner_that_waits_through_a_race_is_told_of_what_the_others_do() {
    let race = |wait: &str, expected: &str| {
        proved(&format!(
            "before:\n  - publish: {{ as: phone, key_packages: [a1] }}\nrace:\n  rounds: 1\n  judge: linearizable\n  lanes:\n\
             \x20   owner: [ {{ notifications: {{ as: phone{wait} }}, expect: {{ ok: {expected}, within: 5 }} }} ]\n\
             \x20   other: [ {{ claim: {{ as: carol, of: bob }} }}, {{ claim: {{ as: bob, of: alice }} }} ]"
        ))
    };
    let told = "[ { key_package: a1, requester: bob } ]";
    let waits = race(", wait: 9", told);
    assert_eq!(waits.verdict(), Verdict::Proved, "{:#?}", waits.faults);
    assert_eq!(waits.outside, BTreeMap::from([(Why::Waiting, 1)]), "how long it takes, the model does not say");
    // A step that a good server fails is a race that it fails: two faults.
    let faults = |race: Proved| race.faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(faults(race(", wait: 9", "{ length: 0 }")).contains("is not sound"));
    assert!(faults(race("", told)).contains("allowed   []"), "who does not wait can come first");
    let in_vain = "steps:\n  - notifications: { as: phone, wait: 2 }\n    expect: { ok: { length: 0 } }";
    assert_eq!(proved(in_vain).verdict(), Verdict::Proved);
}

#[test]
fn drains_are_told_by_servers_that_declare_them_with_their_numbers() {
    let two = |needs: &str, drain: &str| {
        let one = |name: &str| {
            format!("  - publish: {{ as: phone, key_packages: [{name}] }}\n  - claim: {{ as: bob, of: alice }}\n")
        };
        let told =
            format!("[ {{ key_package: a1, drain: {{ absent: true }} }}, {{ key_package: a2, drain: {drain} }} ]");
        let read = format!("  - notifications: {{ as: phone }}\n    expect: {{ ok: {told} }}");
        proved_of(needs, &format!("steps:\n{}{}{read}", one("a1"), one("a2")))
    };
    // Two are enough for one kind of server, and too few for the other.
    let (needs, either) = ("needs: [drain]\n", "{ one_of: [ { absent: true }, { taken: 2, of: 2 } ] }");
    let right = two(needs, either);
    assert_eq!(right.verdict(), Verdict::Proved, "{:#?}", right.faults);
    for wrong in ["{ absent: true }", "{ taken: 2, of: 2 }", "{ one_of: [ { absent: true }, { taken: 2, of: 3 } ] }"] {
        assert_eq!(two(needs, wrong).verdict(), Verdict::Wrong, "{wrong}");
    }
    let loose = two(needs, "{ one_of: [ { absent: true }, { taken: 2 } ] }");
    assert!(fault(&loose).contains("is loose"), "{loose:#?}");
    assert!(fault(&two("", either)).contains("taken: 2"), "nobody tells it that does not declare it");
}
