//! Makes stories: each operation by weight, on one of the states that the ones before can have led to.

use std::collections::BTreeSet;

use crate::{
    history::{Claim, Event, Facts, Role, State},
    names::{ClaimKey, Client, InitKey, Key, Package, Requester, Suite, Time, User},
    spec::{Op, Spec},
    stories::{Alphabet, Chance, Kind, Story},
};

/// How often each kind is asked for, beside the others.
const WEIGHTS: [(Kind, usize); 16] = [
    (Kind::Publish, 10),
    (Kind::Claim, 22),
    (Kind::Withdraw, 4),
    (Kind::Replace, 3),
    (Kind::Stock, 4),
    (Kind::Reconcile, 3),
    (Kind::Notifications, 4),
    (Kind::Acknowledge, 3),
    (Kind::AddKey, 3),
    (Kind::ExtendKey, 3),
    (Kind::RemoveKey, 2),
    (Kind::RemoveClient, 2),
    (Kind::Keys, 2),
    (Kind::Verify, 2),
    (Kind::Block, 3),
    (Kind::Unblock, 2),
];

/// What may come at once. Reading of what only one's own client may read is left for afterwards.
const AT_ONCE: [Kind; 8] = [
    Kind::Publish,
    Kind::Claim,
    Kind::Withdraw,
    Kind::Replace,
    Kind::RemoveKey,
    Kind::RemoveClient,
    Kind::Block,
    Kind::Unblock,
];

const OPERATIONS_MIN: usize = 5;
const OPERATIONS_MORE: usize = 12;
const USER: User = User(1);
const PHONE: Client = Client(1);
const TABLET: Client = Client(2);
const LAPTOP: Client = Client(3);
const STRANGERS: usize = 3;
/// The requester that is the user's own second client.
const OWN: Requester = Requester(4);
/// Far enough away never to come while a story is told. Seconds.
const ENDS: [Time; 3] = [1_000, 2_000, 3_000];

pub(super) fn in_order(alphabet: &Alphabet, chance: Chance<'_>) -> Story {
    let mut walk = Walk::begin(alphabet, chance, false);
    let length = OPERATIONS_MIN + walk.below(OPERATIONS_MORE);
    let mut ops = vec![];
    while ops.len() < length {
        let kind = if ops.is_empty() { Kind::Publish } else { walk.kind(&Kind::ALL) };
        if let Some(op) = walk.op(kind) {
            ops.push(walk.done(op));
        }
    }
    let asked = walk.in_the_end();
    let after = asked.into_iter().map(|op| walk.done(op)).collect::<Vec<_>>();
    ops.extend(after);
    Story { setup: walk.setup, before: ops, lanes: vec![], after: vec![] }
}

pub(super) fn at_once(alphabet: &Alphabet, chance: Chance<'_>) -> Story {
    let mut walk = Walk::begin(alphabet, chance, true);
    let mut before = vec![];
    for _ in 0..=walk.below(3) {
        let kind = if before.is_empty() { Kind::Publish } else { walk.kind(&[Kind::Publish, Kind::Claim]) };
        if let Some(op) = walk.op(kind) {
            before.push(walk.done(op));
        }
    }
    let mut lanes = vec![];
    for _ in 0..2 + walk.below(2) {
        let mut lane = vec![];
        for _ in 0..=walk.below(3) {
            let kind = walk.kind(&AT_ONCE);
            lane.extend(walk.op(kind));
        }
        if lane.is_empty() {
            lane.push(Op::Claim(walk.claim()));
        }
        lanes.push(lane);
    }
    let (tail, asked) = (walk.below(3), walk.in_the_end());
    let mut after: Vec<_> = (0..tail).map(|_| Op::Claim(Claim { requester_client: None, ..walk.claim() })).collect();
    after.iter_mut().for_each(|op| {
        if let Op::Claim(claim) = op {
            claim.requester = Requester(claim.requester.0.min(3));
        }
    });
    after.extend(asked);
    Story { setup: walk.setup, before, lanes, after }
}

struct Walk<'a, 'b> {
    alphabet: &'a Alphabet,
    chance: Chance<'b>,
    /// Whether the order is open, so that nobody acts who may be removed meanwhile.
    racing: bool,
    setup: Vec<Event>,
    state: State,
    packages: Vec<Facts>,
    /// What was published so far, or was to be: nothing else has a name to be withdrawn by.
    named: BTreeSet<Package>,
    /// How many notifications the phone's first look at its whole feed has shown, where nothing was let go of before.
    read: Option<u64>,
    acknowledged: bool,
}

impl<'a, 'b> Walk<'a, 'b> {
    fn begin(alphabet: &'a Alphabet, chance: Chance<'b>, racing: bool) -> Self {
        let two = chance(2) == 0;
        let key = |client: Client| Event::KeyAdded { user: USER, client, key: Key(client.0), expires: None };
        let setup: Vec<_> = [PHONE, TABLET].into_iter().take(if two { 2 } else { 1 }).map(key).collect();
        let state = State::of(&setup);
        let mut walk = Self {
            alphabet,
            chance,
            racing,
            setup,
            state,
            packages: vec![],
            named: BTreeSet::new(),
            read: None,
            acknowledged: false,
        };
        walk.packages = walk.universe();
        walk
    }

    /// What can be published in this story.
    fn universe(&mut self) -> Vec<Facts> {
        let regular = |package: u32, client: Client| Facts {
            package: Package(package),
            client,
            suite: Suite(1),
            role: Role::Regular,
            init_key: InitKey(package),
            signer: Key(client.0),
            not_before: 0,
            not_after: 100_000,
            offers: [].into(),
        };
        let last_resort = |package, client| Facts { role: Role::LastResort, ..regular(package, client) };
        let mut all: Vec<_> = (1..=4).map(|package| regular(package, PHONE)).collect();
        all.extend([regular(5, TABLET), regular(6, TABLET)]);
        if self.alphabet.last_resorts {
            all.extend([last_resort(8, PHONE), last_resort(9, PHONE), last_resort(10, TABLET)]);
        }
        if self.alphabet.suites && self.one_in(3) {
            all.push(Facts { suite: Suite(2), ..regular(7, PHONE) });
        }
        if self.one_in(3) {
            all.push(Facts { init_key: InitKey(1), ..regular(11, PHONE) });
        }
        if self.alphabet.last_resorts && self.one_in(4) {
            all.push(Facts { init_key: InitKey(2), ..last_resort(12, PHONE) });
        }
        if !self.racing && self.one_in(4) {
            all.push(Facts { not_after: 0, ..regular(13, PHONE) });
        }
        if !self.racing && self.one_in(4) {
            all.push(Facts { signer: Key(99), ..regular(14, PHONE) });
        }
        all
    }

    fn below(&mut self, number: usize) -> usize {
        (self.chance)(number.max(1))
    }

    fn one_in(&mut self, number: usize) -> bool {
        self.below(number) == 0
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let place = self.below(all.len());
        all.get(place).copied()
    }

    /// A kind by its weight.
    fn kind(&mut self, among: &[Kind]) -> Kind {
        let offered = |(kind, _): &&(Kind, usize)| self.alphabet.kinds.contains(kind) && among.contains(kind);
        let all: Vec<_> = WEIGHTS.iter().filter(offered).copied().collect();
        let mut left = self.below(all.iter().map(|(_, weight)| weight).sum());
        for (kind, weight) in all {
            match left.checked_sub(weight) {
                Some(rest) => left = rest,
                None => return kind,
            }
        }
        Kind::Claim
    }

    /// Takes in what was asked, with one of the answers that there can be.
    fn done(&mut self, op: Op) -> Op {
        match &op {
            Op::Notifications { client: PHONE, after: 0 } if !self.acknowledged && self.read.is_none() => {
                self.read = self.state.notifications.get(&PHONE).map(|feed| feed.len() as u64);
            }
            Op::Acknowledge { .. } => self.acknowledged = true,
            Op::Publish { packages, .. } | Op::Replace { packages, .. } => {
                self.named.extend(packages.iter().map(|facts| facts.package));
            }
            _ => {}
        }
        let mut ways = Spec::default().outcomes(&self.state, &op);
        let way = self.below(ways.len());
        if way < ways.len() {
            self.state = ways.swap_remove(way).1;
        }
        op
    }

    /// Clients that can ask for what is theirs.
    fn acting(&self) -> Vec<Client> {
        let all = if self.racing { vec![PHONE] } else { vec![PHONE, TABLET] };
        all.into_iter().filter(|client| self.state.client_exists(*client)).collect()
    }

    fn op(&mut self, kind: Kind) -> Option<Op> {
        let acting = self.acting();
        let was_there = |state: &State, client: Client| state.keys.values().any(|key| key.client == client);
        Some(match kind {
            Kind::Publish | Kind::Replace => {
                let client = self.one_of(&acting)?;
                let packages = self.batch(client)?;
                if kind == Kind::Publish { Op::Publish { client, packages } } else { Op::Replace { client, packages } }
            }
            Kind::Claim => Op::Claim(self.claim()),
            Kind::Withdraw => {
                let client = self.one_of(&acting)?;
                let own: Vec<_> = self.packages.iter().filter(|facts| facts.client == client).collect();
                let own: Vec<_> =
                    own.into_iter().map(|facts| facts.package).filter(|it| self.named.contains(it)).collect();
                let chosen: BTreeSet<_> = [self.one_of(&own)?, self.one_of(&own)?].into();
                Op::Withdraw { client, packages: chosen.into_iter().collect() }
            }
            Kind::Stock => Op::Stock { client: self.one_of(&acting)? },
            Kind::Reconcile => Op::Reconcile { client: self.one_of(&acting)? },
            Kind::Notifications => match self.read.filter(|read| *read > 0) {
                Some(_) if self.one_in(2) => Op::Notifications { client: PHONE, after: 1 },
                _ => Op::Notifications { client: PHONE, after: 0 },
            },
            Kind::Acknowledge => {
                let read = usize::try_from(self.read.filter(|read| *read > 0)?).unwrap_or(1);
                Op::Acknowledge { client: PHONE, through: 1 + self.below(read) as u64 }
            }
            Kind::AddKey => {
                let client = if self.one_in(2) { TABLET } else { LAPTOP };
                // A client that is there from the beginning has a key without an end.
                let ends = client == LAPTOP && self.alphabet.expiring_keys && !was_there(&self.state, client);
                let expires = if ends { self.one_of(&ENDS) } else { None };
                (!was_there(&self.state, client)).then_some(Op::AddKey {
                    user: USER,
                    client,
                    key: Key(client.0),
                    expires,
                })?
            }
            Kind::ExtendKey => {
                let there = [TABLET, LAPTOP].into_iter().filter(|client| was_there(&self.state, *client));
                let client = self.one_of(&there.collect::<Vec<_>>())?;
                Op::ExtendKey { client, key: Key(client.0), expires: self.one_of(&ENDS)? }
            }
            Kind::RemoveKey | Kind::RemoveClient => {
                let there = [TABLET, LAPTOP].into_iter().filter(|client| was_there(&self.state, *client));
                let client = self.one_of(&there.collect::<Vec<_>>())?;
                let key = Key(client.0);
                if kind == Kind::RemoveKey { Op::RemoveKey { client, key } } else { Op::RemoveClient { client } }
            }
            Kind::Keys => Op::Keys { user: USER },
            Kind::Verify => {
                let there = [PHONE, TABLET, LAPTOP].into_iter().filter(|client| was_there(&self.state, *client));
                let client = self.one_of(&there.collect::<Vec<_>>())?;
                Op::Verify { user: USER, key: Key(client.0), at: self.one_of(&[500, 1_500, 2_500, 3_500])? }
            }
            Kind::Block => Op::Block { user: USER, requester: self.stranger() },
            Kind::Unblock => Op::Unblock { user: USER, requester: self.stranger() },
        })
    }

    /// Some packages of a client, one or more; none if it has none.
    fn batch(&mut self, client: Client) -> Option<Vec<Facts>> {
        let mut own: Vec<_> = self.packages.iter().filter(|facts| facts.client == client).cloned().collect();
        let many = 1 + self.below(own.len().min(4));
        let mut batch = vec![];
        while batch.len() < many && !own.is_empty() {
            let place = self.below(own.len());
            batch.push(own.swap_remove(place));
        }
        (!batch.is_empty()).then_some(batch)
    }

    fn stranger(&mut self) -> Requester {
        Requester(u32::try_from(1 + self.below(STRANGERS)).unwrap_or(1))
    }

    fn claim(&mut self) -> Claim {
        let own = !self.racing && self.state.client_exists(TABLET) && self.one_in(6);
        let requester = if own { OWN } else { self.stranger() };
        let narrow = self.alphabet.suites && self.one_in(6);
        let suites = if narrow { BTreeSet::from([Suite(if self.one_in(2) { 1 } else { 2 })]) } else { BTreeSet::new() };
        let key = (self.alphabet.claim_keys && self.one_in(3)).then_some(ClaimKey(1));
        let refuses = self.alphabet.last_resorts && self.alphabet.refuses_last_resorts && self.one_in(7);
        Claim {
            requester,
            requester_client: own.then_some(TABLET),
            user: USER,
            suites,
            requires: [].into(),
            last_resort_accepted: !refuses,
            key,
        }
    }

    /// What shows what only the directory knows.
    fn in_the_end(&mut self) -> Vec<Op> {
        let all = [
            (Kind::Stock, Op::Stock { client: PHONE }),
            (Kind::Reconcile, Op::Reconcile { client: PHONE }),
            (Kind::Notifications, Op::Notifications { client: PHONE, after: 0 }),
        ];
        let offered = all.into_iter().filter(|(kind, _)| self.alphabet.kinds.contains(kind));
        offered.map(|(_, op)| op).collect()
    }
}
