//! Every rule that a refusal can name is really named by one.

use super::*;

fn after(spec: &Spec, steps: &[Op]) -> State {
    let add = Op::AddKey { user: USER, client: Client(1), key: Key(1), expires: None };
    let all = std::iter::once(&add).chain(steps);
    all.fold(State::default(), |state, op| spec.outcomes(&state, op).swap_remove(0).1)
}

fn publish(facts: Facts) -> Op {
    Op::Publish { client: facts.client, packages: vec![facts] }
}

fn regular(package: u32) -> Facts {
    facts(package, 1, 1, Role::Regular)
}

fn last_resort(package: u32) -> Facts {
    facts(package, 1, 1, Role::LastResort)
}

fn gave(status: Status) -> Outcome {
    Outcome::Claimed(BTreeMap::from([(Client(1), status)]))
}

fn got(package: u32) -> Outcome {
    gave(Status::Regular(Package(package)))
}

fn got_last_resort(package: u32) -> Outcome {
    gave(Status::LastResort(Package(package)))
}

/// A rule, what happened before, what is asked, and an answer that breaks the rule.
fn lies() -> Vec<(&'static str, Vec<Op>, Op, Outcome)> {
    let asks = || claim(8, None, &[], true);
    let withdraw = || Op::Withdraw { client: Client(1), packages: vec![Package(1)] };
    let two_last_resorts = Op::Publish { client: Client(1), packages: vec![last_resort(1), last_resort(2)] };
    let second_key = Op::AddKey { user: USER, client: Client(1), key: Key(2), expires: None };
    let remove = Op::RemoveKey { client: Client(1), key: Key(1) };
    let tick = Op::Tick { to: 5 };
    let own = claim(9, None, &[], true);
    let keyed = claim(8, Some(1), &[], true);
    let foreign = Op::AddKey { user: USER, client: Client(2), key: Key(1), expires: None };
    let read = Op::Notifications { client: Client(1), after: 0 };
    let acknowledge = Op::Acknowledge { client: Client(1), through: 1 };
    let done = || Outcome::Done;
    let replace = |package| Op::Replace { client: Client(1), packages: vec![regular(package)] };
    let reconcile = Op::Reconcile { client: Client(1) };
    let other_user = Op::AddKey { user: User(2), client: Client(5), key: Key(5), expires: None };
    let Op::Claim(question) = asks() else { unreachable!() };
    let ask_other = Op::Claim(Claim { user: User(2), ..question });
    let neighbour = claim(7, None, &[], true);
    let block = Op::Block { user: USER, requester: Requester(8) };
    let extend = |key| Op::ExtendKey { client: Client(1), key: Key(key), expires: 9 };
    let short_key = Op::AddKey { user: USER, client: Client(1), key: Key(3), expires: Some(5) };
    let verify = Op::Verify { user: USER, key: Key(1), at: 0 };
    let remove_client = Op::RemoveClient { client: Client(1) };
    vec![
        ("PUB-SIGNER-LISTED", vec![], publish(Facts { signer: Key(7), ..regular(1) }), done()),
        ("PUB-LIFETIME", vec![], publish(Facts { not_after: 0, ..regular(1) }), done()),
        ("PUB-FRESH", vec![publish(regular(4))], publish(regular(5)), done()),
        ("PUB-RETRY", vec![publish(regular(1))], publish(regular(1)), Outcome::Refused(Reason::AlreadyUsed)),
        ("PUB-ONE-ROLE", vec![publish(regular(4))], publish(last_resort(5)), done()),
        ("PUB-ATOMIC", vec![publish(regular(1))], replace(2), Outcome::Replaced { withdrawn: 0 }),
        ("PUB-LIMITS", vec![], publish(regular(1)), Outcome::Refused(Reason::StockFull)),
        ("CLAIM-ONCE", vec![publish(regular(1)), asks()], asks(), got(1)),
        ("CLAIM-BYTES", vec![], asks(), got(7)),
        ("CLAIM-RETRY", vec![publish(regular(1)), keyed.clone()], keyed, gave(Status::Exhausted)),
        ("CLAIM-LIVE", vec![publish(regular(3)), tick], asks(), got(3)),
        ("CLAIM-COMPATIBLE", vec![publish(regular(1))], claim(8, None, &[2], true), got(1)),
        ("CLAIM-EACH-CLIENT", vec![], asks(), Outcome::Claimed(BTreeMap::new())),
        ("CLAIM-NOT-SELF", vec![publish(regular(1))], own, got(1)),
        ("CLAIM-SELECTION", vec![publish(regular(1)), publish(regular(2))], asks(), got(2)),
        ("LAST-ONLY-WHEN-EXHAUSTED", vec![publish(regular(1)), publish(last_resort(4))], asks(), got_last_resort(4)),
        ("LAST-KEPT", vec![publish(last_resort(4))], asks(), gave(Status::Exhausted)),
        ("LAST-ONE-PER-SUITE", vec![], two_last_resorts, done()),
        ("LAST-TOLD", vec![publish(regular(1))], asks(), got_last_resort(1)),
        ("LAST-REPLACED-WHOLE", vec![publish(last_resort(1)), publish(last_resort(2))], asks(), got_last_resort(1)),
        ("NOTE-EVERY-GRANT", vec![publish(regular(1)), asks()], read, Outcome::Notifications(vec![])),
        ("NOTE-SURVIVES", vec![], acknowledge, Outcome::Refused(Reason::UnknownClient)),
        ("NOTE-ZERO", vec![publish(regular(1))], Op::Stock { client: Client(1) }, Outcome::Stock(Stock::default())),
        ("NOTE-RECONCILE", vec![publish(regular(1))], reconcile, Outcome::Packages(BTreeMap::new())),
        ("NOTE-LOW-WATER", vec![publish(regular(1))], Op::Stock { client: Client(1) }, {
            Outcome::Stock(Stock { regular: BTreeMap::from([(Suite(1), 1)]), ..Stock::default() })
        }),
        ("RATE-REQUESTER", vec![other_user, ask_other], asks(), gave(Status::Exhausted)),
        ("RATE-SERVER", vec![neighbour], asks(), gave(Status::Exhausted)),
        ("RATE-PAIR", vec![asks(), Op::Tick { to: 3 }], asks(), gave(Status::Exhausted)),
        ("RATE-RETRY-AFTER", vec![], asks(), Outcome::Limited { retry_after: 1 }),
        ("BLOCK-REQUESTER", vec![block], asks(), gave(Status::Exhausted)),
        ("KEY-LIST", vec![], remove.clone(), Outcome::Refused(Reason::UnknownKey)),
        ("KEY-UNIQUE", vec![], foreign, done()),
        ("KEY-EXPIRY-FORWARD", vec![], extend(1), done()),
        ("KEY-NO-REVIVE", vec![short_key, Op::Tick { to: 5 }], extend(3), done()),
        ("KEY-CASCADE", vec![second_key, publish(regular(1)), remove], asks(), got(1)),
        ("KEY-VERIFY", vec![], verify, Outcome::Standing(Standing::Unknown)),
        ("LIFE-TERMINAL", vec![publish(regular(1)), withdraw()], asks(), got(1)),
        ("LIFE-WITHDRAW-RACE", vec![publish(regular(1)), asks()], withdraw(), {
            Outcome::Withdrawn(BTreeMap::from([(Package(1), WithdrawnFate::Withdrawn)]))
        }),
        ("LIFE-TOMBSTONE", vec![], Op::Collect, Outcome::Refused(Reason::UnknownKey)),
        ("LIFE-RESTORE", vec![Op::Fence], publish(regular(1)), done()),
        ("LIFE-REMOVE-CLIENT", vec![], remove_client, Outcome::ClientRemoved { unread: 7 }),
    ]
}

#[test]
fn every_rule_of_a_refusal_is_produced() {
    let limit = |seconds| Some(Limit { claims: 1, seconds });
    let limits = Limits { requester: limit(2), server: limit(3), pair: limit(4) };
    let servers = BTreeMap::from([(Requester(7), Server(1)), (Requester(8), Server(1))]);
    let limited = Spec { limits, servers, ..Spec::default() };
    let unlimited = Spec { selection: Selection::Fifo, low_water: 2, ..Spec::default() };
    for (rule, before, op, lie) in lies() {
        let spec = if rule.starts_with("RATE-") { &limited } else { &unlimited };
        let state = after(spec, &before);
        let refusal = spec.accepts(&state, &op, &lie).expect_err(rule);
        assert_eq!(refusal.rule, rule, "{refusal}");
    }
    let produced: Vec<_> = lies().iter().map(|(rule, ..)| *rule).collect();
    assert_eq!(produced, Refusal::RULES);
}
