//! No false alarm: random legal histories, with operations that overlap and answers that were lost.

use std::collections::BTreeSet;

use crate::{
    history::{Claim, Event, Facts, Role, State, Status},
    linearize::Operation,
    names::{ClaimKey, Client, InitKey, Key, Package, Requester, Suite, User},
    rules::RULES,
    spec::{Op, Outcome, Selection, Spec},
    view::{Finding, Seen, bags, judge, named, parts, worlds},
};

/// xorshift64*: the same histories on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16) % limit as u64) as usize
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }
}

/// The same bytes are the same package, so all that it is follows from its name.
fn facts(package: u32) -> Facts {
    let client = 1 + package % 2;
    Facts {
        package: Package(package),
        client: Client(client),
        suite: Suite(1 + (package / 2) % 2),
        offers: [].into(),
        role: if package.is_multiple_of(7) { Role::LastResort } else { Role::Regular },
        init_key: InitKey(if package % 16 == 5 { package - 2 } else { package }),
        signer: Key(client + if package % 5 == 2 { 10 } else { 0 }),
        not_before: 0,
        not_after: if package.is_multiple_of(3) { 5 } else { 100 },
    }
}

fn claim(dice: &mut Dice) -> Op {
    Op::Claim(Claim {
        requester: Requester(1 + dice.below(3) as u32),
        requester_client: dice.one_in(6).then_some(Client(2)),
        user: User(1),
        suites: if dice.one_in(3) { BTreeSet::from([Suite(1 + dice.below(2) as u32)]) } else { BTreeSet::new() },
        requires: [].into(),
        last_resort_accepted: !dice.one_in(4),
        key: dice.one_in(2).then(|| ClaimKey(dice.below(3) as u32)),
    })
}

/// `stock`: how many packages there are to be asked about.
fn operation(dice: &mut Dice, stock: usize) -> Op {
    let client = Client(1 + dice.below(2) as u32);
    let key = Key(client.0 + if dice.one_in(2) { 10 } else { 0 });
    let package = 1 + dice.below(stock) as u32;
    let facts = facts(package);
    match dice.below(24) {
        0..4 => Op::Publish { client: facts.client, packages: vec![facts] },
        4 => Op::Replace { client: facts.client, packages: vec![facts] },
        5..12 => claim(dice),
        12..14 => Op::Withdraw { client, packages: vec![Package(package)] },
        14 => Op::Stock { client },
        15 => Op::Reconcile { client },
        16..18 => Op::Notifications { client, after: dice.below(2) as u64 },
        18 => Op::Acknowledge { client, through: dice.below(3) as u64 },
        19 => Op::Tick { to: 1 + dice.below(9) as u64 },
        20 => Op::AddKey { user: User(1), client, key, expires: dice.one_in(2).then_some(4) },
        21 => Op::RemoveKey { client, key },
        22 => {
            let requester = Requester(1 + dice.below(3) as u32);
            if dice.one_in(2) {
                Op::Block { user: User(1), requester }
            } else {
                Op::Unblock { user: User(1), requester }
            }
        }
        _ if dice.one_in(4) => Op::RemoveClient { client },
        _ if dice.one_in(4) => Op::Fence,
        _ => Op::Keys { user: User(1) },
    }
}

fn setup(dice: &mut Dice) -> Vec<Event> {
    let key =
        |client: u32, key: u32| Event::KeyAdded { user: User(1), client: Client(client), key: Key(key), expires: None };
    let mut setup = vec![key(1, 1)];
    if dice.one_in(2) {
        setup.extend([key(2, 2), key(1, 11)]);
    }
    let batch: Vec<_> = (0..dice.below(3)).map(|at| facts(20 + 2 * at as u32 + 1)).collect();
    let mut batch: Vec<_> =
        batch.into_iter().map(|facts| Facts { client: Client(1), signer: Key(1), ..facts }).collect();
    batch.retain(|facts| facts.role == Role::Regular);
    if !batch.is_empty() {
        setup.push(Event::Published(batch));
    }
    setup
}

/// What a correct directory did one after another, told so that neighbours overlap and some answers are lost.
fn legal(dice: &mut Dice, spec: &Spec, setup: &[Event], length: usize, stock: usize) -> Vec<Operation> {
    let mut state = State::of(setup);
    let spread = [3, 12, 40][dice.below(3)];
    let mut history = vec![];
    for place in 0..length as u64 {
        let op = operation(dice, stock);
        let mut outcomes = spec.outcomes(&state, &op);
        let (outcome, after) = outcomes.swap_remove(dice.below(outcomes.len()));
        state = after;
        let moment = place * 10 + 100;
        let (invoked, returned) = (moment - dice.below(spread) as u64, moment + dice.below(spread) as u64);
        let outcome = (!dice.one_in(8)).then_some(outcome);
        let returned = outcome.is_some().then_some(returned);
        history.push(Operation { op, outcome, invoked, returned });
    }
    history.sort_by_key(|operation| operation.invoked);
    history
}

fn spec(dice: &mut Dice) -> Spec {
    let selection = if dice.one_in(4) { Selection::Fifo } else { Selection::Any };
    let claim_memory = if dice.one_in(6) { 3 } else { u64::MAX };
    Spec { selection, claim_memory, ..Spec::default() }
}

fn setting(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

/// `KPD_HISTORIES` asks for another number.
#[test]
fn a_legal_history_is_never_called_broken() {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let (mut kept, mut lost, mut overlapping, mut enumerated) = (0, 0, 0, 0);
    let histories = setting("KPD_HISTORIES", 4_000);
    for _ in 0..histories {
        let (spec, setup) = (spec(&mut dice), setup(&mut dice));
        let length = 3 + dice.below(10);
        let operations = legal(&mut dice, &spec, &setup, length, 8);
        let seen = Seen { spec: &spec, setup: &setup, operations: &operations, killed: None };
        let findings = judge(&seen);
        assert_eq!(named(&findings).next(), None, "{setup:?}\n{operations:#?}");
        kept += usize::from(findings.values().all(|finding| *finding == Finding::Kept));
        lost += usize::from(operations.iter().any(|operation| operation.outcome.is_none()));
        let overlaps = |pair: &[Operation]| pair[0].returned.is_none_or(|returned| pair[1].invoked < returned);
        overlapping += usize::from(operations.windows(2).any(overlaps));
        // Nor is any rule broken in all worlds, one of which is how it was. A fence stands for a restore, which it was not.
        if operations.len() <= 7 && !operations.iter().any(|operation| operation.op == Op::Fence) {
            let broken = worlds::broken(&seen, RULES, 5_000);
            enumerated += usize::from(broken.is_some());
            assert_eq!(broken.unwrap_or_default(), Default::default(), "{setup:?}\n{operations:#?}");
        }
        // What is only asked of a history that is not explained must be as sure of itself.
        assert_eq!((parts::broken(&seen), bags::broken(&seen)), Default::default(), "{setup:?}\n{operations:#?}");
    }
    println!(
        "{histories} histories, {lost} with lost answers, {overlapping} that overlap: {kept} kept, the rest unknown"
    );
    println!("in {enumerated} of them all worlds were looked at");
    assert!(enumerated * 4 > histories);
    assert!(lost * 2 > histories && overlapping * 2 > histories);
    assert!(kept * 100 >= histories * 99, "{kept} of {histories} explained");
}

#[test]
fn a_long_legal_history_is_never_called_broken() {
    let mut dice = Dice(77);
    let mut kept = 0;
    for _ in 0..setting("KPD_HISTORIES", 4_000) / 100 {
        let (spec, setup) = (spec(&mut dice), setup(&mut dice));
        let operations = legal(&mut dice, &spec, &setup, 150, 60);
        let findings = judge(&Seen { spec: &spec, setup: &setup, operations: &operations, killed: None });
        assert_eq!(named(&findings).next(), None, "{setup:?}\n{operations:#?}");
        kept += usize::from(findings.values().all(|finding| *finding == Finding::Kept));
    }
    println!("{kept} long histories are kept, the rest is unknown");
}

/// One grant of a legal history goes to somebody else, too.
#[test]
fn a_double_grant_is_named_however_long_the_history_is() {
    let mut dice = Dice(5);
    let (mut lied, mut found) = (0, 0);
    while lied < 100 {
        let (spec, setup) = (Spec::default(), setup(&mut dice));
        let length = [12, 150][dice.below(2)];
        let mut operations = legal(&mut dice, &spec, &setup, length, 60);
        let took = |status: &Status| matches!(status, Status::Regular(_));
        let grant = operations.iter().position(|operation| match &operation.outcome {
            Some(Outcome::Claimed(statuses)) => statuses.values().any(took),
            _ => false,
        });
        let Some(mut again) = grant.map(|at| operations[at].clone()) else { continue };
        let Op::Claim(claim) = &mut again.op else { continue };
        (claim.requester, claim.key, claim.requester_client) = (Requester(9), None, None);
        operations.push(again);
        lied += 1;
        let findings = judge(&Seen { spec: &spec, setup: &setup, operations: &operations, killed: None });
        found += usize::from(named(&findings).any(|(rule, _)| rule == "CLAIM-ONCE"));
    }
    println!("{found} of {lied} double grants are named");
    assert!(found * 10 >= lied * 9, "{found} of {lied}");
}
