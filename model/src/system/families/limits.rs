//! Families about who may ask and how often.

use crate::{
    history::{Claim, Event},
    names::{Client, Key, Requester, Server, User},
    spec::{Limit, Limits, Op, Spec},
    system::{
        Bounds, Scenario,
        scenario::{claim, of_second, question, regular, stock},
    },
};

/// Claims under a limit for requester and pair; what was refused comes again later.
pub(super) fn limits(bounds: Bounds) -> Scenario {
    let base = Scenario::begin(
        "limits",
        "two requesters claim more often than they may, wait, and a refused claim comes once more",
        &["CLAIM-REFUSAL-FREE", "RATE-REQUESTER", "RATE-PAIR", "RATE-ISOLATED", "RATE-RETRY-AFTER"],
    );
    let limit = |seconds| Some(Limit { claims: 1, seconds });
    let limits = Limits { pair: limit(7), requester: limit(5), ..Limits::default() };
    let base = base.with(Spec { limits, ..Spec::default() });
    let second = Event::KeyAdded { user: User(2), client: Client(2), key: Key(2), expires: None };
    let base = base.after([second, stock([regular(1), regular(2)]), stock([of_second(regular(3))])]).ticks([5]);
    let of_second = |key| Op::Claim(Claim { user: User(2), ..question(1, key) });
    let base = base.asks([claim(1, 1), of_second(1), of_second(2), claim(2, 1)]);
    match bounds {
        Bounds::Small => base,
        Bounds::Usual | Bounds::Deep => base.ticks([5, 7]),
    }
}

/// Claims of several requesters of one other server, beside those of others.
pub(super) fn servers(bounds: Bounds) -> Scenario {
    let base = Scenario::begin(
        "servers",
        "two requesters of one other server claim more often than it may, beside one of a second server",
        &["CLAIM-REFUSAL-FREE", "RATE-SERVER", "RATE-ISOLATED"],
    );
    let limits = Limits { server: Some(Limit { claims: 1, seconds: 5 }), ..Limits::default() };
    let servers = [(1, 1), (2, 1), (3, 2)].map(|(requester, server)| (Requester(requester), Server(server))).into();
    let base = base.with(Spec { limits, servers, ..Spec::default() }).ticks([5]);
    let base = base.after([stock([regular(1), regular(2)])]).asks([claim(1, 1), claim(2, 1), claim(3, 1)]);
    match bounds {
        Bounds::Small => base,
        // The directory's own are not counted together.
        Bounds::Usual | Bounds::Deep => base.asks([claim(4, 1)]),
    }
}

/// The owner shuts a requester out and lets it in again, while claims come.
pub(super) fn blocks(bounds: Bounds) -> Scenario {
    let base = Scenario::begin(
        "blocks",
        "a requester is shut out and let in again while it claims; another one asks for nobody",
        &["CLAIM-REFUSAL-FREE", "CLAIM-UNIFORM", "BLOCK-REQUESTER"],
    );
    let user = User(1);
    let for_nobody = Op::Claim(Claim { user: User(7), ..question(3, 1) });
    // Who is let in again is another one than who is shut out: the two in turn would have no end.
    let base = base.after([stock([regular(1), regular(2)]), Event::Blocked { user, requester: Requester(2) }]);
    let block = Op::Block { user, requester: Requester(1) };
    let base = base.asks([claim(1, 1), claim(2, 1), for_nobody, block]);
    let base = base.asks([Op::Unblock { user, requester: Requester(2) }]);
    match bounds {
        Bounds::Small => base,
        Bounds::Usual | Bounds::Deep => base.asks([claim(1, 2)]),
    }
}
