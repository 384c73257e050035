//! Random small histories: what a directory did, told so that operations overlap, answers are lost, and some lie.

use super::*;
use crate::spec::Stock;

/// xorshift64*: the same histories on every machine.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub(super) fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    pub(super) fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// What kinds of histories there are: each history is of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Theme {
    Claims,
    Republished,
    Withdrawn,
    KeyRemoved,
    Expired,
    Suites,
    Counted,
    TwoClients,
    LastResorts,
    Fifo,
    KeyAdded,
    Full,
    TwoUsers,
    /// What two of the others do.
    Mixed,
}

pub(super) const THEMES: [Theme; 14] = [
    Theme::Claims,
    Theme::Republished,
    Theme::Withdrawn,
    Theme::KeyRemoved,
    Theme::Expired,
    Theme::Suites,
    Theme::Counted,
    Theme::TwoClients,
    Theme::LastResorts,
    Theme::Fifo,
    Theme::KeyAdded,
    Theme::Full,
    Theme::TwoUsers,
    Theme::Mixed,
];

fn menu(theme: Theme) -> Vec<Op> {
    let keyed = |package: u32, key: u32| Facts { signer: Key(key), ..facts(package, Role::Regular) };
    let publish_of = |packages: Vec<Facts>| Op::Publish { client: packages[0].client, packages };
    let withdraw = |packages: &[u32]| Op::Withdraw {
        client: Client(1),
        packages: packages.iter().copied().map(Package).collect(),
    };
    let mut menu = vec![claim(1), claim(2), claim(3), publish(1..2), publish(2..4)];
    match theme {
        Theme::Claims => menu.extend([again(claim(4), 1), again(claim(4), 1), publish(4..5)]),
        Theme::Republished => menu.extend([publish(1..2), publish(2..4), publish(50..51), publish(1..2)]),
        Theme::Withdrawn => {
            menu.extend([withdraw(&[1]), withdraw(&[2]), withdraw(&[50]), withdraw(&[50, 1]), withdraw(&[2, 51])]);
        }
        Theme::KeyRemoved => {
            menu.extend([1, 2].map(|key| Op::RemoveKey { client: Client(1), key: Key(key) }));
            menu.extend([publish_of(vec![keyed(5, 2)]), publish_of(vec![keyed(6, 2), keyed(7, 1)])]);
        }
        Theme::Expired => {
            let short = |package: u32| Facts { not_after: 5, ..facts(package, Role::Regular) };
            menu.extend([Op::Tick { to: 5 }, Op::Tick { to: 20 }, Op::Tick { to: 100 }]);
            menu.extend([publish_of(vec![short(5)]), publish_of(vec![short(6), keyed(7, 1)])]);
        }
        Theme::Suites => {
            let other = Facts { suite: Suite(2), ..facts(5, Role::Regular) };
            menu.extend([publish_of(vec![other.clone()]), of_suites(claim(5), &[2]), of_suites(claim(6), &[1])]);
            menu.extend([of_suites(claim(6), &[1, 2]), of_suites(claim(5), &[2])]);
        }
        Theme::Counted => {
            menu.extend([Op::Stock { client: Client(1) }, Op::Stock { client: Client(1) }, withdraw(&[1])])
        }
        Theme::TwoClients => {
            let other = |package: u32| Facts { client: Client(2), signer: Key(3), ..facts(package, Role::Regular) };
            menu.extend([publish_of(vec![other(5)]), publish_of(vec![other(6), other(7)])]);
            menu.push(changed(claim(6), |claim| claim.requester_client = Some(Client(2))));
        }
        Theme::TwoUsers => {
            let other = |package: u32| Facts { client: Client(2), signer: Key(3), ..facts(package, Role::Regular) };
            let of_other = |requester| changed(claim(requester), |claim| claim.user = User(2));
            menu.extend([publish_of(vec![other(5)]), publish_of(vec![other(6), other(2)])]);
            menu.extend([of_other(1), of_other(2), of_other(5), again(of_other(3), 1), again(claim(3), 1)]);
            menu.push(Op::Tick { to: 5 });
        }
        Theme::LastResorts => {
            let last_resort = |package: u32| facts(package, Role::LastResort);
            menu.extend([
                publish_of(vec![last_resort(91)]),
                publish_of(vec![last_resort(92), facts(5, Role::Regular)]),
            ]);
            menu.push(without_last_resort(claim(5)));
            menu.push(Op::Stock { client: Client(1) });
        }
        Theme::Fifo => {
            menu.extend([claim(4), claim(5), claim(6), publish(4..5), publish(5..7), publish(1..2), withdraw(&[2])]);
            menu.push(withdraw(&[1, 4]));
        }
        Theme::Full => menu.extend([publish(4..5), publish(5..7), publish(7..8), withdraw(&[2])]),
        Theme::KeyAdded | Theme::Mixed => menu.extend([claim(4), claim(5)]),
    }
    menu
}

/// What the client has at the start: keys, a few packages, and mostly a last resort.
pub(super) fn start(dice: &mut Dice, theme: Theme) -> State {
    if theme == Theme::KeyAdded {
        // Another client's key, sometimes the one that is added.
        let key = Key(if dice.one_in(3) { 1 } else { 9 });
        return State::of(&[Event::KeyAdded { user: User(2), client: Client(9), key, expires: None }]);
    }
    let mut events = vec![Event::KeyAdded { user: User(1), client: Client(1), key: Key(1), expires: None }];
    if matches!(theme, Theme::KeyRemoved | Theme::Mixed) && !dice.one_in(3) {
        events.push(Event::KeyAdded { user: User(1), client: Client(1), key: Key(2), expires: None });
    }
    if theme == Theme::TwoClients {
        events.push(Event::KeyAdded { user: User(1), client: Client(2), key: Key(3), expires: None });
    }
    if theme == Theme::TwoUsers {
        events.push(Event::KeyAdded { user: User(2), client: Client(2), key: Key(3), expires: None });
        let not_after = *dice.pick(&[5, 1000]);
        events.push(Event::Published(vec![Facts {
            client: Client(2),
            signer: Key(3),
            not_after,
            ..facts(60, Role::Regular)
        }]));
    }
    let mut batch: Vec<_> = (50..50 + dice.below(3) as u32).map(|package| facts(package, Role::Regular)).collect();
    if matches!(theme, Theme::Expired | Theme::Mixed) {
        batch.iter_mut().for_each(|facts| facts.not_after = *dice.pick(&[5, 10, 1000]));
    }
    if theme == Theme::Suites && !dice.one_in(3) {
        batch.push(Facts { suite: Suite(2), ..facts(60, Role::Regular) });
        batch.push(facts(61, Role::Regular));
    }
    if theme == Theme::TwoClients && dice.one_in(2) {
        batch.push(Facts { client: Client(2), signer: Key(3), ..facts(60, Role::Regular) });
    }
    if !dice.one_in(3) {
        batch.push(facts(90, Role::LastResort));
    }
    if !batch.is_empty() {
        events.push(Event::Published(batch));
    }
    State::of(&events)
}

/// What a directory did one after another, told so that neighbours overlap; some answers are lost, and some lie.
pub(super) fn history(
    dice: &mut Dice,
    theme: Theme,
    spec: &Spec,
    initial: &State,
    lossy: bool,
    lying: bool,
) -> Vec<Operation> {
    let mut menu = menu(theme);
    if theme == Theme::Mixed {
        menu.extend((0..2).flat_map(|_| self::menu(*dice.pick(&THEMES))));
    }
    let mut state = initial.clone();
    let mut history = vec![];
    if theme == Theme::KeyAdded {
        let op = Op::AddKey { user: User(1), client: Client(1), key: Key(1), expires: None };
        let (outcome, after) = dice.pick(&spec.outcomes(&state, &op)).clone();
        // Said to be added though it is another client's: wrong, whatever follows.
        let outcome = if lying { Outcome::Done } else { outcome };
        state = after;
        history.push(Operation { op, outcome: Some(outcome), invoked: 10, returned: Some(20) });
    }
    let spread = *dice.pick(&[3, 10, 25]);
    for place in 0..3 + dice.below(5) as u64 {
        let op = dice.pick(&menu).clone();
        let outcomes = spec.outcomes(&state, &op);
        let (outcome, after) = dice.pick(&outcomes).clone();
        state = after;
        let moment = place * 10 + 100;
        let (earlier, later) = (dice.below(spread) as u64, dice.below(spread) as u64);
        let may_be_lost = matches!(op, Op::Claim(_) | Op::Publish { .. } | Op::Withdraw { .. });
        let lost = lossy && may_be_lost && dice.one_in(3);
        let outcome = (!lost).then_some(outcome);
        let returned = outcome.is_some().then_some(moment + later);
        history.push(Operation { op, outcome, invoked: moment - earlier, returned });
    }
    if lying {
        for _ in 0..=dice.below(2) {
            lie(dice, &mut history);
        }
    }
    history.sort_by_key(|operation| operation.invoked);
    history
}

/// Changes one answer, or when it came.
fn lie(dice: &mut Dice, history: &mut [Operation]) {
    let packages = [1, 2, 3, 4, 5, 6, 50, 51, 60, 90, 91];
    let (at, other) = (dice.below(history.len()), dice.below(history.len()));
    let borrowed = history[other].outcome.clone();
    let operation = &mut history[at];
    let how = dice.below(8);
    match &mut operation.outcome {
        Some(Outcome::Claimed(statuses)) if how > 1 => {
            let package = Package(*dice.pick(&packages));
            let lies = [Status::Regular(package), Status::LastResort(Package(90)), Status::Exhausted];
            let lie = *dice.pick(&lies);
            match (statuses.values_mut().next(), borrowed) {
                (_, Some(Outcome::Claimed(borrowed))) if how > 5 => *statuses = borrowed,
                (Some(status), _) => *status = lie,
                (None, _) => drop(statuses.insert(Client(1), lie)),
            }
        }
        Some(Outcome::Withdrawn(fates)) if how > 1 => {
            let lies = [WithdrawnFate::Withdrawn, WithdrawnFate::AlreadyGranted, WithdrawnFate::Unknown];
            fates.values_mut().for_each(|fate| *fate = *dice.pick(&lies));
        }
        Some(Outcome::Stock(Stock { regular, last_resort, .. })) if how > 1 => {
            regular.values_mut().for_each(|count| *count = dice.below(4) as u32);
            if dice.one_in(3) {
                last_resort.values_mut().for_each(|granted| *granted = !*granted);
            }
        }
        Some(outcome) if how > 4 && matches!(operation.op, Op::Publish { .. }) => {
            *outcome = if *outcome == Outcome::Done { Outcome::Refused(Reason::AlreadyUsed) } else { Outcome::Done };
        }
        _ => {
            // The whole operation at another time.
            let moved = dice.below(80) as u64 + 100;
            operation.returned = operation.returned.map(|returned| moved + returned - operation.invoked);
            operation.invoked = moved;
        }
    }
}

/// A history in few words, for whoever has to find out why the two disagree.
pub(super) fn shown(initial: &State, history: &[Operation]) -> String {
    let stored: Vec<_> = initial.packages.keys().map(ToString::to_string).collect();
    let lines = history.iter().enumerate().map(|(at, operation)| {
        let Operation { op, outcome, invoked, returned } = operation;
        let op = match op {
            Op::Publish { packages, .. } => {
                format!("publish {:?}", packages.iter().map(|facts| facts.package.0).collect::<Vec<_>>())
            }
            Op::Claim(claim) => format!("claim {:?} {:?} {}", claim.key, claim.suites, claim.last_resort_accepted),
            op => format!("{op:?}"),
        };
        format!("{at}: {invoked} to {returned:?} {op} -> {outcome:?}")
    });
    [format!("stored: {stored:?} {:?}", initial.keys)].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}
