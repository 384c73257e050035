//! Families about ends: of packages, keys and clients, of memory, of a process, of a store.

use crate::{
    history::Facts,
    names::{Client, Key, User},
    spec::{Limit, Limits, Op, Spec},
    system::{
        Bounds, Scenario,
        scenario::{claim, key, key_until, last_resort, publish, read, regular, stock, withdraw},
    },
};

/// Everything that ends a package's life.
pub(super) fn endings(bounds: Bounds) -> Scenario {
    let base = Scenario::begin(
        "endings",
        "a package expires, another is withdrawn or loses its signature key, while a claim comes",
        &["CLAIM-LIVE", "KEY-CASCADE", "LIFE-TERMINAL", "LIFE-WITHDRAW-RACE"],
    );
    let short = Facts { not_after: 5, ..regular(1) };
    let remove = Op::RemoveKey { client: Client(1), key: Key(2) };
    let base = base.after([key(1, 2), stock([short, Facts { signer: Key(2), ..regular(2) }])]).ticks([5]);
    let base = base.asks([claim(1, 1), withdraw(2), remove]);
    match bounds {
        Bounds::Small => base,
        Bounds::Usual | Bounds::Deep => base.asks([publish([regular(3)])]),
    }
}

/// Signature keys are added, extended, expire and are removed, while a claim is in flight.
pub(super) fn keys(bounds: Bounds) -> Scenario {
    let base = Scenario::begin(
        "keys",
        "a signature key with an expiry is extended, too late or in time, removed, added again, and asked about",
        &[
            "KEY-UNIQUE",
            "KEY-EXPIRY-FORWARD",
            "KEY-NO-REVIVE",
            "KEY-CASCADE",
            "KEY-HISTORY",
            "KEY-VERIFY",
            "LAST-SAME-CHECKS",
        ],
    );
    let signed = |facts: Facts| Facts { signer: Key(2), ..facts };
    let extend = |expires| Op::ExtendKey { client: Client(1), key: Key(2), expires };
    let verify = |key, at| Op::Verify { user: User(1), key: Key(key), at };
    let add = Op::AddKey { user: User(1), client: Client(1), key: Key(2), expires: None };
    let base = base.after([key_until(1, 2, 5), key(1, 3), stock([signed(last_resort(1))])]).ticks([5]);
    let base = base.asks([
        claim(1, 1),
        extend(8),
        extend(3),
        Op::RemoveKey { client: Client(1), key: Key(3) },
        add,
        verify(2, 5),
        verify(3, 5),
        verify(2, 2),
    ]);
    match bounds {
        Bounds::Small => base.on(1),
        Bounds::Usual | Bounds::Deep => base.on(1).ticks([5, 8]),
    }
}

/// A client is removed with all that is its, and comes again.
pub(super) fn removal(bounds: Bounds) -> Scenario {
    let base = Scenario::begin(
        "removal",
        "a client is removed while it has packages and unread notifications, and one of the same name comes",
        &["LIFE-REMOVE-CLIENT"],
    );
    let again = Op::AddKey { user: User(1), client: Client(1), key: Key(4), expires: None };
    let signed = Facts { signer: Key(4), ..regular(3) };
    let base = base.after([stock([regular(1), regular(2), last_resort(9)])]);
    let base = base.asks([claim(1, 1), Op::RemoveClient { client: Client(1) }, again, read(0)]);
    match bounds {
        Bounds::Small => base,
        Bounds::Usual | Bounds::Deep => base.asks([publish([signed])]),
    }
}

/// The memory of what has ended is dropped, and of nothing else.
pub(super) fn collection(bounds: Bounds) -> Scenario {
    let base = Scenario::begin(
        "collection",
        "packages end one after the other, the memory of them is dropped, and one is published again",
        &["LIFE-TOMBSTONE", "LIFE-NO-EARLY-GC"],
    );
    let until = |package, not_after| Facts { not_after, ..regular(package) };
    let base = base.after([stock([until(1, 5), until(2, 9)])]).ticks([5]);
    let base = base.asks([claim(1, 1), publish([until(2, 9)]), Op::Collect]);
    match bounds {
        Bounds::Small => base,
        Bounds::Usual | Bounds::Deep => base.asks([claim(2, 1)]).ticks([5, 9]),
    }
}

/// Replicas are killed between any two steps.
pub(super) fn crash(bounds: Bounds) -> Scenario {
    let base = Scenario::begin(
        "crash",
        "a replica is killed while a publication, claims under a limit and a removal of a key are in hand",
        &["LIFE-RESTART", "RATE-DURABLE"],
    );
    let limits = Limits { pair: Some(Limit { claims: 1, seconds: 10 }), ..Limits::default() };
    let base = base.with(Spec { limits, ..Spec::default() });
    let base = base.after([key(1, 2), stock([regular(1), regular(2)])]);
    let base = base.asks([claim(1, 1), claim(1, 2), publish([last_resort(9)])]);
    let base = Scenario { crashes: 1, ..base };
    let remove = Op::RemoveKey { client: Client(1), key: Key(2) };
    match bounds {
        Bounds::Small => base,
        Bounds::Usual | Bounds::Deep => base.asks([remove]),
    }
}

/// The operator restores an older state of the store, and fences it off.
pub(super) fn restore(bounds: Bounds) -> Scenario {
    let base = Scenario::begin(
        "restore",
        "the store is put back to an older state, after which late publications and claims still come",
        &["LIFE-RESTORE"],
    );
    // Accepted from second 5 on, which is as far ahead as the skew allows, and live from second 10 on.
    let fresh = Facts { not_before: 10, ..regular(3) };
    let base = base.with(Spec { skew: 5, ..Spec::default() }).after([stock([regular(1)])]).ticks([5, 10]);
    let base = base.asks([claim(1, 1), claim(2, 1), publish([fresh])]);
    let base = Scenario { restores: 1, ..base };
    match bounds {
        // A claim more makes a million states of it: that is for a deep check.
        Bounds::Small | Bounds::Usual | Bounds::Deep => base.on(1),
    }
}

/// The owner reads its feed before and after a restore.
pub(super) fn restored_feed(bounds: Bounds) -> Scenario {
    let base = Scenario::begin(
        "restored-feed",
        "the owner reads what it is told before and after the store is put back to an older state",
        &["LIFE-RESTORE"],
    );
    let fresh = Facts { not_before: 5, ..regular(3) };
    let base = base.after([stock([regular(1)])]).on(1);
    let base = Scenario { restores: 1, ..base }.ticks([5]).asks([claim(1, 1), publish([fresh]), read(0)]);
    match bounds {
        Bounds::Small => base,
        Bounds::Usual | Bounds::Deep => base.asks([claim(2, 1)]),
    }
}
