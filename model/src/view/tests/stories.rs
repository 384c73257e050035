//! Histories by hand: what is certain is named, and what a correct directory may have done is not.

use crate::{
    history::{Claim, Event, Facts, PackageStanding, Role, Status},
    linearize::Operation,
    names::{ClaimKey, Client, InitKey, Key, Package, Requester, Suite, User},
    spec::{Op, Outcome, Spec, WithdrawnFate},
    view::{Finding, Findings, Seen, judge, named},
};

fn regular(package: u32) -> Facts {
    Facts {
        package: Package(package),
        client: Client(1),
        suite: Suite(1),
        offers: [].into(),
        role: Role::Regular,
        init_key: InitKey(package),
        signer: Key(1),
        not_before: 0,
        not_after: 100,
    }
}

fn at(invoked: u64, returned: u64, op: Op, outcome: Outcome) -> Operation {
    Operation { op, outcome: Some(outcome), invoked, returned: Some(returned) }
}

fn lost(invoked: u64, op: Op) -> Operation {
    Operation { op, outcome: None, invoked, returned: None }
}

fn claim(requester: u32) -> Op {
    Op::Claim(Claim {
        requester: Requester(requester),
        requester_client: None,
        user: User(1),
        suites: [].into(),
        requires: [].into(),
        last_resort_accepted: true,
        key: Some(ClaimKey(1)),
    })
}

fn got(status: Status) -> Outcome {
    Outcome::Claimed([(Client(1), status)].into())
}

fn publish(packages: &[u32]) -> Op {
    Op::Publish { client: Client(1), packages: packages.iter().copied().map(regular).collect() }
}

fn standings(all: &[(u32, PackageStanding)]) -> Outcome {
    Outcome::Packages(all.iter().map(|(package, standing)| (Package(*package), *standing)).collect())
}

fn findings(operations: &[Operation]) -> Findings {
    let setup = [Event::KeyAdded { user: User(1), client: Client(1), key: Key(1), expires: None }];
    judge(&Seen { spec: &Spec::default(), setup: &setup, operations, killed: None })
}

#[track_caller]
fn says(operations: &[Operation], rule: &str, expected: &str) {
    let findings = findings(operations);
    let Finding::Broken(how) = &findings[rule] else { panic!("{:?}", named(&findings).collect::<Vec<_>>()) };
    assert!(how.contains(expected), "{how}");
}

#[track_caller]
fn kept(operations: &[Operation]) {
    let findings = findings(operations);
    assert!(findings.values().all(|finding| *finding == Finding::Kept), "{findings:?}");
}

const P1: Status = Status::Regular(Package(1));
const P2: Status = Status::Regular(Package(2));
const RECONCILE: Op = Op::Reconcile { client: Client(1) };
const FEED: Op = Op::Notifications { client: Client(1), after: 0 };

#[test]
fn two_who_got_the_same_package_are_both_named_with_the_time() {
    let operations = [
        at(0, 5, publish(&[1]), Outcome::Done),
        at(10, 20, claim(1), got(P1)),
        at(12, 22, claim(2), got(P1)),
        at(30, 35, RECONCILE, standings(&[(1, PackageStanding::Granted)])),
    ];
    says(&operations, "CLAIM-ONCE", "p1 was granted to");
    says(&operations, "CLAIM-ONCE", "answered at");
}

#[test]
fn nothing_is_too_early_only_where_something_certainly_was_there() {
    let early = |invoked| {
        vec![
            at(10, 20, publish(&[1]), Outcome::Done),
            at(invoked, 30, claim(1), got(Status::Exhausted)),
            at(40, 50, FEED, Outcome::Notifications(vec![])),
        ]
    };
    kept(&early(15));
    says(&early(25), "LAST-ONLY-WHEN-EXHAUSTED", "while p1 was left");
    let mut stolen = early(25);
    stolen.insert(1, lost(21, claim(2)));
    kept(&stolen[..3]);
}

#[test]
fn what_was_spent_beside_the_answer_is_pinned_on_the_claim_unless_another_one_was_lost() {
    let mut operations = vec![
        at(0, 5, publish(&[1, 2]), Outcome::Done),
        at(10, 20, claim(1), got(P1)),
        at(30, 35, RECONCILE, standings(&[(1, PackageStanding::Granted), (2, PackageStanding::Granted)])),
    ];
    says(&operations, "CLAIM-MINIMUM", "p2 was spent on r1's claim c1");
    operations.insert(1, lost(6, claim(2)));
    kept(&operations);
}

#[test]
fn what_is_withdrawn_without_being_asked_for_was_taken_by_a_read() {
    let operations =
        [at(0, 5, publish(&[1]), Outcome::Done), at(30, 35, RECONCILE, standings(&[(1, PackageStanding::Withdrawn)]))];
    says(&operations, "CLAIM-UNSAFE", "p1 of client1 is withdrawn, which nobody asked for");
}

#[test]
fn an_owner_that_looks_in_time_must_have_been_told() {
    let told = |invoked| {
        [
            at(0, 5, publish(&[1, 2]), Outcome::Done),
            at(10, 20, claim(1), got(P2)),
            at(invoked, 40, FEED, Outcome::Notifications(vec![])),
        ]
    };
    kept(&told(15));
    says(&told(25), "NOTE-EVERY-GRANT", "p2 was granted 1 time(s), but client1 was notified of it 0 time(s)");
}

#[test]
fn a_claim_and_a_withdrawal_cannot_both_win() {
    let fates = |fate| Outcome::Withdrawn([(Package(1), fate)].into());
    let withdraw = Op::Withdraw { client: Client(1), packages: vec![Package(1)] };
    let both = |fate| {
        [
            at(0, 5, publish(&[1]), Outcome::Done),
            at(10, 20, claim(1), got(P1)),
            at(12, 22, withdraw.clone(), fates(fate)),
            at(30, 40, FEED, Outcome::Notifications(vec![])),
        ]
    };
    kept(&both(WithdrawnFate::AlreadyGranted)[..3]);
    says(&both(WithdrawnFate::Withdrawn), "LIFE-WITHDRAW-RACE", "told that p1 is withdrawn, but r1's claim c1 got it");
}

#[test]
fn a_double_grant_among_thousands_is_named_beside_reads_that_nobody_can_order() {
    let mut operations = vec![];
    for number in 0..1_000_u32 {
        let begin = u64::from(number) * 10;
        operations.push(at(begin, begin + 30, publish(&[number]), Outcome::Done));
        operations.push(at(begin + 50, begin + 70, claim(number), got(Status::Regular(Package(number)))));
    }
    operations.push(at(20_000, 20_010, claim(5_000), got(Status::Regular(Package(500)))));
    operations.push(at(0, 30_000, RECONCILE, standings(&[])));
    operations.sort_by_key(|operation| operation.invoked);
    says(&operations, "CLAIM-ONCE", "p500 was granted to r500's claim c1 and to r5000's claim c1");
}
