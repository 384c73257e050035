//! Families about what an owner does: publishing what must be refused, reading, replacing, being told.

use crate::{
    history::Facts,
    names::{Client, InitKey, Key, Package, User},
    spec::{DrainAlert, Op, Spec},
    system::{
        Bounds, Scenario,
        scenario::{claim, count, key_until, last_resort, publish, read, regular, stock},
    },
};

/// Publications that must be refused, wholly.
pub(super) fn publications(bounds: Bounds) -> Scenario {
    let same_init_key = |facts: Facts| Facts { init_key: InitKey(1), ..facts };
    let base = Scenario::begin(
        "publications",
        "publications with a used package, a used init key, and an init key of the other role",
        &["PUB-FRESH", "PUB-RETRY", "PUB-ONE-ROLE", "PUB-ATOMIC"],
    );
    let base = base.asks([
        publish([regular(1)]),
        publish([regular(1), regular(2)]),
        publish([same_init_key(regular(3))]),
        publish([same_init_key(last_resort(9))]),
        claim(1, 1),
    ]);
    match bounds {
        Bounds::Small => base,
        Bounds::Usual | Bounds::Deep => base.asks([claim(2, 1)]),
    }
}

/// Publications that must be refused for what they are, whatever came before.
pub(super) fn refusals(bounds: Bounds) -> Scenario {
    let base = Scenario::begin(
        "refusals",
        "publications with a dead lifetime, a foreign signer, two last resorts, or too much at once",
        &["PUB-SIGNER-LISTED", "PUB-LIFETIME", "PUB-LIMITS", "LAST-ONE-PER-SUITE"],
    );
    let base = base.with(Spec { batch_max: 2, stock_max: 2, ..Spec::default() }).asks([
        publish([Facts { not_after: 0, ..regular(1) }]),
        publish([Facts { signer: Key(7), ..regular(2) }]),
        publish([last_resort(7), last_resort(8)]),
        publish([regular(3), regular(4), regular(5)]),
        publish([regular(3), regular(4)]),
        publish([regular(5)]),
    ]);
    match bounds {
        Bounds::Small => base.on(1),
        Bounds::Usual | Bounds::Deep => base,
    }
}

/// The owner reads, acknowledges, and reads again.
pub(crate) fn notifications(bounds: Bounds) -> Scenario {
    let base = Scenario::begin(
        "notifications",
        "the owner reads and acknowledges its notifications while two claims come",
        &["NOTE-SURVIVES"],
    );
    let base = base.after([stock([regular(1), last_resort(9)])]).asks([claim(1, 1), claim(2, 1), read(0)]);
    match bounds {
        Bounds::Small => base,
        Bounds::Usual | Bounds::Deep => base.asks([read(1)]),
    }
}

/// One requester takes more than its share, within the window and beyond it.
pub(super) fn drain(bounds: Bounds) -> Scenario {
    let base = Scenario::begin(
        "drain",
        "claims of two requesters take the stock of a client while a window passes",
        &["NOTE-DRAIN", "NOTE-NAMES-REQUESTER"],
    );
    let alert = DrainAlert { percent: 50, at_least: 2, seconds: 5 };
    let base = base.with(Spec { drain: Some(alert), ..Spec::default() });
    let base = base.after([stock([regular(1), regular(2), regular(3)])]).ticks([5]);
    let base = base.asks([claim(1, 1), claim(1, 2), claim(1, 3), claim(2, 1)]);
    match bounds {
        Bounds::Small => base.on(1),
        Bounds::Usual => base,
        Bounds::Deep => base.after([stock([last_resort(9)])]),
    }
}

/// Everything that can be read, before and after a claim, a withdrawal and the end of a key.
pub(super) fn reading(bounds: Bounds) -> Scenario {
    let base = Scenario::begin(
        "reading",
        "stock, packages and keys are read while a claim and a withdrawal come and a key expires",
        &["CLAIM-UNSAFE", "NOTE-ZERO", "NOTE-RECONCILE", "NOTE-LOW-WATER", "KEY-LIST"],
    );
    let base = base.with(Spec { low_water: 1, ..Spec::default() });
    let signed = Facts { signer: Key(2), ..regular(3) };
    let base = base.after([key_until(1, 2, 5), stock([regular(1), signed])]).ticks([5]);
    let base =
        base.asks([claim(1, 1), claim(2, 1), count(), Op::Reconcile { client: Client(1) }, Op::Keys { user: User(1) }]);
    match bounds {
        Bounds::Small => base.on(1),
        Bounds::Usual | Bounds::Deep => base,
    }
}

/// The owner puts a new set in the place of everything that it has.
pub(super) fn replace(bounds: Bounds) -> Scenario {
    let base = Scenario::begin(
        "replace",
        "a new set takes the place of all, and one that must be refused takes nothing away, while claims come",
        &["PUB-ATOMIC", "LIFE-TERMINAL", "LAST-REPLACED-WHOLE"],
    );
    let replaces = |packages: Vec<Facts>| Op::Replace { client: Client(1), packages };
    let base = base.after([stock([regular(1), last_resort(9)])]).asks([
        replaces(vec![regular(2), last_resort(8)]),
        replaces(vec![regular(1), regular(3), Facts { not_after: 0, ..regular(4) }]),
        claim(1, 1),
        Op::Withdraw { client: Client(1), packages: vec![Package(2)] },
    ]);
    match bounds {
        Bounds::Small => base,
        Bounds::Usual | Bounds::Deep => base.asks([claim(2, 1)]),
    }
}

/// The owner has a new last resort for the one that is granted. For progress only: no rule needs it.
pub(crate) fn rotation(_: Bounds) -> Scenario {
    let base = Scenario::begin("rotation", "a last resort is granted until its owner publishes a new one", &[]);
    base.after([stock([last_resort(8)])]).asks([publish([last_resort(9)]), claim(1, 1), claim(2, 1)])
}

/// The owner has a new package for the one that is granted. For progress only: no rule needs it.
pub(crate) fn refill(_: Bounds) -> Scenario {
    let base = Scenario::begin(
        "refill",
        "the only package is granted, and its owner publishes another, which is all that the limit allows",
        &[],
    );
    let base = base.with(Spec { stock_max: 1, ..Spec::default() }).after([stock([regular(1)])]);
    base.asks([publish([regular(2)]), claim(1, 1), claim(2, 1)])
}
