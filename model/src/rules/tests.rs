//! Each rule on a legal history that reaches its premise, and on the same one with one lie in it.

mod ask;
mod others;

use std::collections::BTreeMap;

use ask::*;

use super::*;
use crate::{
    history::{Claim, Event, Facts, Notified, Role, State, Status},
    names::{ClaimKey, Client, InitKey, Key, Package, Requester, Suite, User},
    spec::{Op, Outcome, Reason, Spec, WithdrawnFate},
};

type Lie = fn(&mut Draft);

/// What is asked of a legal directory, and what to change in its history so that it breaks the rule.
type Story = (&'static str, Draft, Lie);

fn stories() -> Vec<Story> {
    let mut all = plain_stories();
    all.extend(others::stories());
    let place = |id: &str| RULES.iter().position(|rule| rule.id == id);
    all.sort_by_key(|(id, ..)| place(id));
    all
}

fn plain_stories() -> Vec<Story> {
    let last_resort = || publish(vec![last(9)]);
    let stories: Vec<(&'static str, Vec<Op>, Lie)> = vec![
        ("PUB-FRESH", vec![publish(vec![regular(1)]), publish(vec![same_init_key(regular(2))])], |history| {
            history.log.push(Event::Published(vec![same_init_key(regular(2))]));
        }),
        ("PUB-RETRY", vec![publish(vec![regular(1)]), claim(1), publish(vec![regular(1)])], |history| {
            history.log.push(Event::Published(vec![regular(1)]));
        }),
        ("PUB-ONE-ROLE", vec![publish(vec![regular(1)]), publish(vec![same_init_key(last(9))])], |history| {
            history.log.push(Event::Published(vec![same_init_key(last(9))]));
        }),
        ("PUB-ATOMIC", vec![publish(vec![regular(1)]), claim(1), publish(vec![regular(1), regular(2)])], |history| {
            history.log.push(Event::Published(vec![regular(2)]));
        }),
        ("CLAIM-ONCE", vec![publish(vec![regular(1), regular(2)]), claim(1), claim(2)], |history| {
            gave(history, 2, 1, Status::Regular(Package(1)));
        }),
        (
            "CLAIM-BYTES",
            vec![second_client(), publish(vec![regular(1)]), publish(vec![of_second(2)]), claim(1)],
            |history| {
                gave(history, 1, 1, Status::Regular(Package(2)));
            },
        ),
        ("CLAIM-DURABLE", vec![publish(vec![regular(1)]), claim(1)], |history| {
            history.log.retain(|event| !matches!(event, Event::Claimed(_)));
        }),
        ("CLAIM-RETRY", vec![publish(vec![regular(1)]), claim(1), claim(2)], |history| {
            answer(history, &claim(1), Outcome::Claimed(BTreeMap::from([(Client(1), Status::Exhausted)])));
        }),
        ("CLAIM-LIVE", vec![publish(vec![short(1), regular(2)]), Op::Tick { to: 5 }, claim(1)], |history| {
            gave(history, 1, 1, Status::Regular(Package(1)));
        }),
        ("CLAIM-COMPATIBLE", vec![publish(vec![regular(1), other_suite(2)]), narrow_claim(1)], |history| {
            gave(history, 1, 1, Status::Regular(Package(2)));
        }),
        ("CLAIM-EACH-CLIENT", vec![second_client(), publish(vec![regular(1)]), claim(1)], |history| {
            last_claim(history).remove(&Client(2));
        }),
        ("CLAIM-NOT-SELF", vec![second_client(), publish(vec![of_second(1)]), own_claim(1)], |history| {
            gave(history, 1, 2, Status::Exhausted);
        }),
        ("LAST-ONLY-WHEN-EXHAUSTED", vec![publish(vec![regular(1), last(9)]), claim(1), claim(2)], |history| {
            gave(history, 1, 1, Status::LastResort(Package(9)));
        }),
        ("LAST-KEPT", vec![last_resort(), claim(1), claim(2)], |history| gave(history, 2, 1, Status::Exhausted)),
        ("LAST-TOLD", vec![last_resort(), refusing_claim(1)], |history| {
            gave(history, 1, 1, Status::LastResort(Package(9)));
        }),
        ("LAST-USED-STICKS", vec![last_resort(), claim(1), last_resort(), claim(2)], |history| {
            told_of(history).for_each(|told| told.first_use = true);
        }),
        ("LAST-REPLACED-WHOLE", vec![last_resort(), publish(vec![last(8)]), claim(1)], |history| {
            gave(history, 1, 1, Status::LastResort(Package(9)));
        }),
        ("NOTE-EVERY-GRANT", vec![publish(vec![regular(1), last(9)]), claim(1), claim(2)], |history| {
            history.log.pop();
        }),
        ("NOTE-NAMES-REQUESTER", vec![publish(vec![regular(1), last(9)]), claim(1), claim(2)], |history| {
            told_of(history).for_each(|told| told.requester = Requester(2));
        }),
        ("NOTE-SURVIVES", told_twice(), |history| {
            history.log.push(Event::Acknowledged { client: Client(1), through: 2 });
        }),
        ("KEY-CASCADE", vec![second_key(), publish(vec![regular(1), signed(2)]), remove_key(), claim(1)], |history| {
            gave(history, 1, 1, Status::Regular(Package(2)));
        }),
        ("LIFE-TERMINAL", vec![publish(vec![regular(1), regular(2)]), withdraw(1), claim(1)], |history| {
            gave(history, 1, 1, Status::Regular(Package(1)));
        }),
        ("LIFE-WITHDRAW-RACE", vec![publish(vec![regular(1)]), claim(1), withdraw(1)], |history| {
            let fates = BTreeMap::from([(Package(1), WithdrawnFate::Withdrawn)]);
            answer(history, &withdraw(1), Outcome::Withdrawn(fates));
        }),
    ];
    stories.into_iter().map(|(id, ops, lie)| (id, legal(Spec::default(), &ops), lie)).collect()
}

/// More ways to break a rule.
fn more() -> Vec<(&'static str, Vec<Op>, Lie)> {
    vec![
        ("PUB-RETRY", vec![publish(vec![regular(1)])], |history| {
            answer(history, &publish(vec![regular(1)]), Outcome::Refused(Reason::AlreadyUsed));
        }),
        ("PUB-ATOMIC", vec![publish(vec![regular(1), regular(2)])], |history| {
            let Some(Event::Published(batch)) = history.log.last_mut() else { panic!() };
            batch.pop();
        }),
        ("CLAIM-ONCE", vec![publish(vec![regular(1)]), claim(1), claim(2)], |history| {
            let got = Outcome::Claimed(BTreeMap::from([(Client(1), Status::Regular(Package(1)))]));
            answer(history, &claim(2), got);
        }),
        ("CLAIM-RETRY", vec![claim(1)], |history| history.log.extend(history.log.last().cloned())),
        ("CLAIM-COMPATIBLE", vec![publish(vec![other_suite(2)]), narrow_claim(1)], |history| {
            gave(history, 1, 1, Status::Exhausted);
        }),
        ("LAST-ONLY-WHEN-EXHAUSTED", vec![publish(vec![regular(1)]), claim(1)], |history| {
            gave(history, 1, 1, Status::Exhausted);
        }),
        ("LAST-TOLD", vec![publish(vec![last(9)]), claim(1)], |history| {
            gave(history, 1, 1, Status::Regular(Package(9)));
        }),
        ("NOTE-EVERY-GRANT", told_twice(), |history| {
            let again = told_of(history).next().cloned();
            history.log.extend(again.map(Event::Notified));
        }),
        ("NOTE-SURVIVES", told_twice(), |history| {
            told_of(history).last().into_iter().for_each(|told| told.sequence = 1);
        }),
        ("NOTE-SURVIVES", told_twice(), |history| {
            let second = told_of(history).last().cloned().into_iter().collect();
            answer(history, &Op::Notifications { client: Client(1), after: 0 }, Outcome::Notifications(second));
            history.log.retain(|event| !matches!(event, Event::Acknowledged { .. }));
        }),
        ("LIFE-TERMINAL", vec![publish(vec![regular(1)]), claim(1)], |history| {
            history.log.push(Event::Withdrawn { client: Client(1), package: Package(1) });
        }),
        ("LIFE-WITHDRAW-RACE", vec![publish(vec![regular(1)]), withdraw(1)], |history| {
            let fates = BTreeMap::from([(Package(1), WithdrawnFate::AlreadyGranted)]);
            answer(history, &withdraw(1), Outcome::Withdrawn(fates));
        }),
    ]
}

#[test]
fn every_rule_has_a_story() {
    let told: Vec<_> = stories().iter().map(|(id, ..)| *id).collect();
    assert_eq!(told, RULES.iter().map(|rule| rule.id).collect::<Vec<_>>());
}

#[test]
fn a_legal_history_breaks_no_rule_and_reaches_the_premise_of_its_own() {
    for (id, draft, _) in stories() {
        let history = draft.history();
        assert!((rule(id).unwrap().exercised)(&history), "{id} is not exercised by {draft:#?}");
        for other in RULES {
            assert_eq!((other.broken)(&history), None, "{} in the story of {id}", other.id);
        }
    }
}

#[test]
fn a_history_with_a_lie_in_it_breaks_its_rule() {
    let more = more().into_iter().map(|(id, ops, lie)| (id, legal(Spec::default(), &ops), lie));
    for (id, mut draft, lie) in stories().into_iter().chain(more) {
        lie(&mut draft);
        assert!((rule(id).unwrap().broken)(&draft.history()).is_some(), "{id} is not broken by {draft:#?}");
    }
}

#[test]
fn no_rule_fires_on_an_empty_history_or_is_exercised_by_it() {
    for rule in RULES {
        assert_eq!((rule.broken)(&History::default()), None, "{}", rule.id);
        assert!(!(rule.exercised)(&History::default()), "{}", rule.id);
    }
}

#[test]
fn a_log_alone_breaks_no_rule_for_want_of_answers() {
    for (id, draft, _) in stories() {
        let history = Draft { answers: BTreeMap::new(), ..draft }.history();
        assert!(RULES.iter().all(|rule| (rule.broken)(&history).is_none()), "{id}");
    }
}
