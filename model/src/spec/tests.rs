//! `accepts` is exactly the filter of `outcomes`, by full enumeration of small histories and by random larger ones.

mod refusals;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::{
    history::{Claim, Facts, PackageStanding, Role, Standing, State, Status},
    names::{ClaimKey, Client, InitKey, Key, Package, Requester, Server, Suite, User},
    spec::{Limit, Limits, Op, Outcome, Reason, Refusal, Selection, Spec, Stock, WithdrawnFate},
};

const USER: User = User(1);

fn facts(package: u32, client: u32, suite: u32, role: Role) -> Facts {
    Facts {
        package: Package(package),
        client: Client(client),
        suite: Suite(suite),
        offers: [].into(),
        role,
        // Packages 4 and 5 share an init key, so that PUB-FRESH and PUB-ONE-ROLE can be met.
        init_key: InitKey(package.min(4)),
        signer: Key(client),
        not_before: 0,
        not_after: if package == 3 { 5 } else { 100 },
    }
}

fn claim(requester: u32, key: Option<u32>, suites: &[u32], last_resort_accepted: bool) -> Op {
    Op::Claim(Claim {
        requester: Requester(requester),
        requester_client: (requester == 9).then_some(Client(1)),
        user: USER,
        suites: suites.iter().map(|suite| Suite(*suite)).collect(),
        requires: [].into(),
        last_resort_accepted,
        key: key.map(ClaimKey),
    })
}

fn operations() -> Vec<Op> {
    let mut all = vec![
        Op::AddKey { user: USER, client: Client(1), key: Key(1), expires: None },
        Op::AddKey { user: USER, client: Client(2), key: Key(2), expires: None },
        Op::AddKey { user: USER, client: Client(2), key: Key(1), expires: None },
        Op::RemoveKey { client: Client(1), key: Key(1) },
        Op::Withdraw { client: Client(1), packages: vec![Package(1), Package(7)] },
        Op::Stock { client: Client(1) },
        Op::Notifications { client: Client(1), after: 0 },
        Op::Notifications { client: Client(1), after: 1 },
        Op::Acknowledge { client: Client(1), through: 1 },
        Op::Tick { to: 5 },
        Op::AddKey { user: USER, client: Client(1), key: Key(3), expires: Some(5) },
        Op::ExtendKey { client: Client(1), key: Key(3), expires: 9 },
        Op::ExtendKey { client: Client(1), key: Key(1), expires: 9 },
        Op::RemoveClient { client: Client(1) },
        Op::Keys { user: USER },
        Op::Verify { user: USER, key: Key(3), at: 5 },
        Op::Block { user: USER, requester: Requester(8) },
        Op::Unblock { user: USER, requester: Requester(8) },
        Op::Reconcile { client: Client(1) },
        Op::Collect,
        Op::Fence,
        claim(8, None, &[], true),
        claim(8, Some(1), &[], true),
        claim(8, Some(1), &[1], true),
        claim(9, Some(1), &[2], false),
    ];
    let publish = |packages: Vec<Facts>| Op::Publish { client: packages[0].client, packages };
    all.push(publish(vec![facts(1, 1, 1, Role::Regular), facts(2, 1, 1, Role::Regular)]));
    all.push(publish(vec![facts(3, 1, 2, Role::Regular)]));
    all.push(publish(vec![facts(4, 1, 1, Role::LastResort)]));
    all.push(publish(vec![facts(5, 1, 1, Role::LastResort)]));
    all.push(publish(vec![facts(5, 1, 1, Role::Regular)]));
    all.push(publish(vec![facts(6, 2, 1, Role::Regular)]));
    all.push(Op::Replace { client: Client(1), packages: vec![facts(2, 1, 1, Role::Regular)] });
    all
}

/// Outcomes of the right shape, most of them untrue.
fn conceivable(state: &State) -> Vec<Outcome> {
    let statuses: Vec<_> = (1..=7)
        .flat_map(|package| [Status::Regular(Package(package)), Status::LastResort(Package(package))])
        .chain([Status::Exhausted, Status::Incompatible])
        .collect();
    let mut all = vec![Outcome::Done, Outcome::Claimed(BTreeMap::new()), Outcome::Stock(Stock::default())];
    for number in 0..3 {
        all.push(Outcome::Replaced { withdrawn: number });
        all.push(Outcome::ClientRemoved { unread: number });
        all.push(Outcome::Limited { retry_after: number.into() });
        all.push(Outcome::Keys((0..number).map(|key| Key(key + 1)).collect()));
    }
    for standing in [Standing::Valid, Standing::NotYet, Standing::Expired, Standing::Removed, Standing::Unknown] {
        all.push(Outcome::Standing(standing));
    }
    all.push(Outcome::Packages(BTreeMap::new()));
    all.push(Outcome::Packages(BTreeMap::from([(Package(1), PackageStanding::Available)])));
    for status in &statuses {
        all.push(Outcome::Claimed(BTreeMap::from([(Client(1), *status)])));
        all.push(Outcome::Claimed(BTreeMap::from([(Client(2), *status)])));
        for other in &statuses {
            all.push(Outcome::Claimed(BTreeMap::from([(Client(1), *status), (Client(2), *other)])));
        }
    }
    for reason in [
        Reason::AlreadyUsed,
        Reason::InitKeyReused,
        Reason::RoleConflict,
        Reason::Expired,
        Reason::SignerNotListed,
        Reason::TwoLastResorts,
        Reason::UnknownUser,
        Reason::UnknownClient,
        Reason::IdempotencyMismatch,
        Reason::KeyTaken,
        Reason::UnknownKey,
        Reason::BeforeFence,
        Reason::ExpiryNotForward,
        Reason::KeyEnded,
    ] {
        all.push(Outcome::Refused(reason));
    }
    let fates = [WithdrawnFate::Withdrawn, WithdrawnFate::AlreadyGranted, WithdrawnFate::Unknown];
    all.extend(
        fates
            .map(|fate| Outcome::Withdrawn(BTreeMap::from([(Package(1), fate), (Package(7), WithdrawnFate::Unknown)]))),
    );
    all.extend(state.notifications.values().map(|feed| Outcome::Notifications(feed.clone())));
    all.push(Outcome::Notifications(vec![]));
    all
}

fn fifo_with_limits() -> Spec {
    let limit = |claims, seconds| Some(Limit { claims, seconds });
    let limits = Limits { requester: limit(2, 4), server: limit(3, 4), pair: limit(1, 4) };
    let servers = BTreeMap::from([(Requester(8), Server(1)), (Requester(9), Server(1))]);
    Spec { selection: Selection::Fifo, limits, servers, low_water: 2, ..Spec::default() }
}

/// The two faces agree on every conceivable outcome of every operation here.
fn agree(spec: &Spec, state: &State) {
    for op in operations() {
        let outcomes = spec.outcomes(state, &op);
        assert!(!outcomes.is_empty(), "{op:?} has no allowed outcome in {state:?}");
        for (outcome, after) in &outcomes {
            assert_eq!(spec.accepts(state, &op, outcome).as_ref(), Ok(after), "{op:?} {outcome:?} in {state:?}");
        }
        let allowed: BTreeSet<_> = outcomes.into_iter().map(|(outcome, _)| outcome).collect();
        for outcome in conceivable(state) {
            let accepted = match spec.accepts(state, &op, &outcome) {
                Ok(_) => true,
                Err(refusal) => {
                    assert!(Refusal::RULES.contains(&refusal.rule), "{refusal}");
                    false
                }
            };
            assert_eq!(accepted, allowed.contains(&outcome), "{op:?} {outcome:?} in {state:?}");
        }
    }
}

#[test]
fn accepts_is_the_filter_of_outcomes_in_every_state_of_three_steps() {
    let spec = fifo_with_limits();
    let mut states = BTreeSet::from([State::default()]);
    for _ in 0..3 {
        let next = states.iter().flat_map(|state| {
            let outcomes = operations().into_iter().flat_map(|op| spec.outcomes(state, &op));
            outcomes.map(|(_, after)| after).collect::<Vec<_>>()
        });
        states = next.chain(states.clone()).collect();
    }
    assert!(states.len() > 100, "only {} states", states.len());
    states.iter().for_each(|state| agree(&spec, state));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn accepts_is_the_filter_of_outcomes_along_random_histories(
        steps in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..24),
        fifo in any::<bool>(),
    ) {
        let spec = if fifo { fifo_with_limits() } else { Spec::default() };
        let mut state = State::default();
        for (op, outcome) in steps {
            let operations = operations();
            let outcomes = spec.outcomes(&state, op.get(&operations));
            state = outcome.get(&outcomes).1.clone();
        }
        agree(&spec, &state);
    }
}
