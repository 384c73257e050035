//! Stories of limits, blocks, keys, owners' reads, restarts and restores: those that need a directory of their own.

use super::*;
use crate::{
    history::{PackageStanding, Standing},
    names::Server,
    spec::{DrainAlert, Limit, Limits, Selection, Stock},
};

pub(super) fn stories() -> Vec<Story> {
    let mut all = of_publications();
    all.extend(of_claims());
    all.extend(of_owners());
    all.extend(of_limits());
    all.extend(of_keys());
    all.extend(of_ends());
    all
}

fn plain(ops: &[Op]) -> Draft {
    legal(Spec::default(), ops)
}

fn stored(history: &mut Draft, facts: Vec<Facts>) {
    history.log.push(Event::Published(facts));
}

fn of_publications() -> Vec<Story> {
    let small = Spec { batch_max: 1, ..Spec::default() };
    vec![
        ("PUB-SIGNER-LISTED", plain(&[publish(vec![signed(2)])]), |it| stored(it, vec![signed(2)])),
        ("PUB-LIFETIME", plain(&[tick(5), publish(vec![short(1)])]), |it| stored(it, vec![short(1)])),
        ("PUB-LIMITS", legal(small, &[publish(vec![regular(1), regular(2)])]), |it| {
            stored(it, vec![regular(1), regular(2)]);
        }),
        ("LAST-ONE-PER-SUITE", plain(&[publish(vec![last(8), last(9)])]), |it| stored(it, vec![last(8), last(9)])),
    ]
}

fn of_claims() -> Vec<Story> {
    let fifo = Spec { selection: Selection::Fifo, ..Spec::default() };
    let two = || publish(vec![regular(1), regular(2)]);
    let ending = [add_key(1, 2, Some(5)), publish(vec![Facts { signer: Key(2), ..last(9) }]), tick(5), claim(1)];
    vec![
        ("CLAIM-MINIMUM", plain(&[two(), claim(1)]), |it| {
            let statuses = BTreeMap::from([(Client(1), Status::Regular(Package(2)))]);
            it.log.push(Event::Claimed(crate::history::Claimed { claim: question(1), statuses }));
        }),
        ("CLAIM-SELECTION", legal(fifo, &[publish(vec![regular(1)]), publish(vec![regular(2)]), claim(1)]), |it| {
            gave(it, 1, 1, Status::Regular(Package(2)));
        }),
        ("CLAIM-REFUSAL-FREE", plain(&[two(), block(1), claim(1)]), |it| {
            let statuses = BTreeMap::from([(Client(1), Status::Regular(Package(1)))]);
            it.log.push(Event::Claimed(crate::history::Claimed { claim: question(1), statuses }));
        }),
        ("CLAIM-UNSAFE", plain(&[two(), stock()]), |it| {
            it.log.push(Event::Withdrawn { client: Client(1), package: Package(1) });
        }),
        ("CLAIM-UNIFORM", plain(&[block(1), claim(1), claim_of_nobody(2)]), |it| {
            answer_instead(it, &claim(1), Outcome::Refused(Reason::UnknownClient));
        }),
        ("LAST-SAME-CHECKS", plain(&ending), |it| gave(it, 1, 1, Status::LastResort(Package(9)))),
    ]
}

fn of_owners() -> Vec<Story> {
    let marked = Spec { low_water: 1, ..Spec::default() };
    let alert = DrainAlert { percent: 50, at_least: 2, seconds: 5 };
    let drained = Spec { drain: Some(alert), ..Spec::default() };
    let three = publish(vec![regular(1), regular(2), regular(3)]);
    let taken = [three, claim_with_key(1, 1), claim_with_key(1, 2), claim_with_key(1, 3)];
    let low = [publish(vec![regular(1), regular(2)]), claim(1), claim(2)];
    vec![
        ("NOTE-ZERO", plain(&[publish(vec![regular(1)]), claim(1), stock()]), |it| {
            let stock = Stock { regular: BTreeMap::from([(Suite(1), 7)]), ..Stock::default() };
            answer_instead(it, &super::stock(), Outcome::Stock(stock));
        }),
        ("NOTE-RECONCILE", plain(&[publish(vec![regular(1), regular(2)]), claim(1), reconcile()]), |it| {
            let wrong = BTreeMap::from([(Package(1), PackageStanding::Expired)]);
            answer_instead(it, &reconcile(), Outcome::Packages(wrong));
        }),
        ("NOTE-DRAIN", legal(drained, &taken), |it| told_of(it).for_each(|told| told.drain = None)),
        ("NOTE-LOW-WATER", legal(marked, &low), |it| told_of(it).for_each(|told| told.low = false)),
    ]
}

fn of_limits() -> Vec<Story> {
    let limit = Some(Limit { claims: 1, seconds: 5 });
    let own = Spec { limits: Limits { requester: limit, ..Limits::default() }, ..Spec::default() };
    let pair = || Spec { limits: Limits { pair: limit, ..Limits::default() }, ..Spec::default() };
    let server = Spec {
        limits: Limits { server: limit, ..Limits::default() },
        servers: BTreeMap::from([1, 2].map(|requester| (Requester(requester), Server(1)))),
        ..Spec::default()
    };
    let two = || publish(vec![regular(1), regular(2), regular(3)]);
    let twice = || vec![two(), claim_with_key(1, 1), claim_with_key(1, 2)];
    let crashed = Draft { crashed: true, ..legal(pair(), &twice()) };
    let again: Lie = |it| {
        let statuses = BTreeMap::from([(Client(1), Status::Regular(Package(2)))]);
        let claim = Claim { key: None, ..question(1) };
        it.log.push(Event::Claimed(crate::history::Claimed { claim, statuses }));
    };
    let others = legal(pair(), &[twice(), vec![claim(2)]].concat());
    let later = legal(pair(), &[twice(), vec![tick(5), claim_with_key(1, 3)]].concat());
    let blocked = plain(&[two(), claim_with_key(1, 1), block(1), claim_with_key(1, 2)]);
    vec![
        ("RATE-REQUESTER", legal(own, &twice()), again),
        ("RATE-SERVER", legal(server, &[two(), claim(1), claim(2)]), again),
        ("RATE-PAIR", legal(pair(), &twice()), again),
        ("RATE-DURABLE", crashed, again),
        ("RATE-ISOLATED", others, |it| answer(it, &claim(3), Outcome::Limited { retry_after: 5 })),
        ("RATE-RETRY-AFTER", later, |it| {
            answer_instead(it, &claim_with_key(1, 2), Outcome::Limited { retry_after: 1 });
        }),
        ("BLOCK-REQUESTER", blocked, again),
    ]
}

fn of_keys() -> Vec<Story> {
    let listed = |ops: &[Op]| plain(&[&[add_key(1, 2, Some(5))], ops].concat());
    let keys = || Op::Keys { user: User(1) };
    let ends = [add_key(1, 3, None), tick(4), Op::RemoveKey { client: Client(1), key: Key(3) }, tick(5)];
    let removed = [publish(vec![regular(1), regular(2)]), claim(1), Op::RemoveClient { client: Client(1) }];
    vec![
        ("KEY-LIST", listed(&[tick(5), keys()]), |it| {
            answer_instead(it, &Op::Keys { user: User(1) }, Outcome::Keys(BTreeSet::from([Key(9)])));
        }),
        ("KEY-UNIQUE", listed(&[add_key(2, 2, None)]), |it| {
            it.log.push(Event::KeyAdded { user: User(1), client: Client(2), key: Key(2), expires: None });
        }),
        ("KEY-EXPIRY-FORWARD", listed(&[extend(2, 8), extend(2, 6)]), |it| {
            it.log.push(Event::KeyExtended { key: Key(2), expires: 6 });
        }),
        ("KEY-NO-REVIVE", listed(&[tick(5), extend(2, 8)]), |it| {
            it.log.push(Event::KeyExtended { key: Key(2), expires: 8 });
        }),
        ("KEY-HISTORY", listed(&[&ends[..], &[verify(2, 5), verify(3, 5)]].concat()), |it| {
            answer_instead(it, &verify(2, 5), Outcome::Standing(Standing::NotYet));
        }),
        ("KEY-VERIFY", listed(&[verify(2, 0), verify(7, 0)]), |it| {
            answer_instead(it, &verify(7, 0), Outcome::Standing(Standing::Valid));
        }),
        ("LIFE-REMOVE-CLIENT", plain(&removed), |it| {
            it.log.retain(|event| !matches!(event, Event::ClientRemoved { .. }));
        }),
    ]
}

fn of_ends() -> Vec<Story> {
    let forget: Lie = |it| it.log.push(Event::Forgotten { packages: BTreeSet::from([Package(2)]) });
    let collected =
        |ops: &[Op]| plain(&[&[publish(vec![short(1), regular(2)])], ops, &[tick(5), Op::Collect]].concat());
    let used = collected(&[Op::Claim(Claim { key: None, ..question(1) }), claim(2)]);
    let mut restored = plain(&[publish(vec![regular(1)]), claim(1)]);
    restored.restore(2);
    restored.ask(&claim(2));
    vec![
        ("LIFE-TOMBSTONE", used, forget),
        ("LIFE-NO-EARLY-GC", collected(&[]), forget),
        ("LIFE-RESTART", Draft { crashed: true, ..plain(&[publish(vec![regular(1)]), claim(1)]) }, |it| {
            it.log.retain(|event| !matches!(event, Event::Claimed(_)));
        }),
        ("LIFE-RESTORE", restored, |it| gave(it, 1, 1, Status::Regular(Package(1)))),
    ]
}
