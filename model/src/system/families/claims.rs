//! Families about claims: races, last resorts that are replaced, several clients, suites and capabilities, a declared
//! order.

use std::collections::BTreeSet;

use crate::{
    history::{Claim, Facts},
    names::{Client, Feature, Suite},
    spec::{Op, Selection, Spec},
    system::{
        Bounds, Scenario,
        scenario::{claim, key, last_resort, of_second, publish, question, regular, stock},
    },
};

/// More claims than packages.
pub(super) fn race(bounds: Bounds) -> Scenario {
    let base = Scenario::begin(
        "race",
        "three claims of two requesters race for one regular package and a last resort",
        &[
            "PUB-RETRY",
            "CLAIM-ONCE",
            "CLAIM-DURABLE",
            "CLAIM-RETRY",
            "LAST-ONLY-WHEN-EXHAUSTED",
            "LAST-KEPT",
            "NOTE-EVERY-GRANT",
            "NOTE-NAMES-REQUESTER",
        ],
    );
    let base = base.asks([publish([regular(1), last_resort(9)]), claim(1, 1), claim(2, 1), claim(2, 2)]);
    match bounds {
        Bounds::Small => base,
        Bounds::Usual | Bounds::Deep => base.asks([publish([regular(2)])]),
    }
}

/// A last resort is published again, and replaced, while claims come.
pub(super) fn replacement(bounds: Bounds) -> Scenario {
    let base = Scenario::begin(
        "replacement",
        "a last resort is published again and replaced while it is granted",
        &["LAST-USED-STICKS", "LAST-REPLACED-WHOLE"],
    );
    let base = base.with(Spec { selection: Selection::Fifo, ..Spec::default() });
    let base = base.asks([publish([last_resort(8)]), publish([regular(1), last_resort(9)]), claim(1, 1), claim(2, 1)]);
    match bounds {
        Bounds::Small => base,
        Bounds::Usual | Bounds::Deep => base.asks([claim(3, 1)]),
    }
}

/// Two clients, two suites; one of the requesters is the second client itself.
pub(super) fn clients(bounds: Bounds) -> Scenario {
    let other_suite = |package| Facts { suite: Suite(2), ..of_second(regular(package)) };
    let asks = |requester, key, change: fn(&mut Claim)| {
        let mut question = question(requester, key);
        change(&mut question);
        Op::Claim(question)
    };
    let base = Scenario::begin(
        "clients",
        "claims for both clients of a user, by a stranger, by one with narrow wishes, and by one of the two",
        &["CLAIM-BYTES", "CLAIM-COMPATIBLE", "CLAIM-EACH-CLIENT", "CLAIM-MINIMUM", "CLAIM-NOT-SELF", "LAST-TOLD"],
    );
    let base =
        base.after([key(2, 2), stock([regular(1), last_resort(9)]), stock([of_second(regular(2)), other_suite(3)])]);
    let base = base.asks([
        claim(1, 1),
        asks(2, 1, |claim| {
            claim.suites = BTreeSet::from([Suite(1)]);
            claim.last_resort_accepted = false;
        }),
        asks(3, 1, |claim| claim.requester_client = Some(Client(2))),
    ]);
    let more = asks(4, 1, |claim| claim.suites = BTreeSet::from([Suite(2)]));
    match bounds {
        Bounds::Small => base,
        Bounds::Usual | Bounds::Deep => base.asks([more, publish([regular(4)])]),
    }
}

/// Packages with a capability and without it; some claims require it.
pub(super) fn capabilities(bounds: Bounds) -> Scenario {
    let able = |facts| Facts { offers: BTreeSet::from([Feature(1)]), ..facts };
    let requires = |requester| Op::Claim(Claim { requires: BTreeSet::from([Feature(1)]), ..question(requester, 1) });
    let base = Scenario::begin(
        "capabilities",
        "two claims require a capability, one does not; a regular package has it, another one and the last resort do not",
        &["CLAIM-COMPATIBLE"],
    );
    let base = base.after([stock([able(regular(1)), regular(2), last_resort(9)])]);
    let base = base.asks([requires(1), requires(2), claim(3, 1)]);
    match bounds {
        Bounds::Small => base,
        Bounds::Usual | Bounds::Deep => base.asks([publish([able(last_resort(8))])]),
    }
}

/// Packages of several batches, in a directory that grants them in the order of upload.
pub(super) fn selection(bounds: Bounds) -> Scenario {
    let base = Scenario::begin(
        "selection",
        "two batches are granted in the order of upload, and a third comes while claims do",
        &["CLAIM-SELECTION"],
    );
    let base = base.with(Spec { selection: Selection::Fifo, ..Spec::default() });
    let base = base.after([stock([regular(5), regular(6)]), stock([regular(1)])]).asks([claim(1, 1), claim(2, 1)]);
    match bounds {
        Bounds::Small => base,
        Bounds::Usual | Bounds::Deep => base.asks([claim(3, 1), publish([regular(2)])]),
    }
}
