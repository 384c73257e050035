//! What a history says at first reading: packages, publications, claims, removals, each with the times between which it was.

use std::collections::{BTreeMap, BTreeSet};

pub(super) use crate::monitor::asked::{Answer, Ask};
use crate::{
    history::{Facts, Fate, KeyState, Role, State, Status},
    linearize::Operation,
    monitor::{
        limit::{Limit, NEVER, NOBODY, Rule, moment},
        numbers::Numbers,
    },
    names::{Client, Key, Package, Suite, Time, User},
    spec::Spec,
};

/// Why the reading stops before its end.
pub(super) enum Halt {
    /// No order explains this.
    Illegal { rule: &'static str, says: String, witness: Vec<usize> },
    /// Something here could make both verdicts wrong.
    NotCovered(String),
    /// What this part shares with others matters: they must be judged together.
    Mingled(String),
}

impl Halt {
    pub(super) fn illegal(rule: &'static str, says: impl ToString, witness: impl IntoIterator<Item = usize>) -> Self {
        let mut witness: Vec<_> = witness.into_iter().collect();
        witness.sort_unstable();
        witness.dedup();
        Self::Illegal { rule, says: says.to_string(), witness }
    }

    /// How many operations show it.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Illegal { witness, .. } => witness.len(),
            Self::NotCovered(_) | Self::Mingled(_) => 0,
        }
    }

    pub(super) fn not_covered(why: impl ToString) -> Self {
        Self::NotCovered(why.to_string())
    }
}

/// A package of the initial state or of some publication.
pub(super) struct Item<'a> {
    pub(super) facts: &'a Facts,
    batch: u32,
    grant: u32,
    regular: bool,
    /// What had become of it before the history.
    pub(super) fate: Fate,
    /// Whether it had been granted before the history: a last resort can be, and stay.
    pub(super) granted: bool,
    /// The rule by which it could not be granted even at the start.
    pub(super) dead: Option<Rule>,
    /// How else it can be gone; apart, since for most packages it is nothing.
    gone: Option<Box<Gone>>,
    /// The latest moment at which it appears, and the earliest at which it is gone.
    pub(super) certain: (Limit, Limit),
}

/// What few packages have: how it can be gone without a claim, and that it was published again.
#[derive(Clone)]
pub(super) struct Gone {
    /// Where it was published more than once: the latest begin of those that were answered with yes, and the latest end.
    pub(super) published: Option<(Limit, Limit)>,
    /// Withdrawals that were answered `Withdrawn`: the earliest moment that any of them can be, and the first end.
    pub(super) withdrawn: (Limit, Limit),
    /// The earliest begin of a withdrawal without an answer.
    pub(super) withdrawal_lost: Limit,
    /// Removal of its signer, or its expiry: first begin, first end.
    pub(super) killed: (Limit, Limit),
}

impl Gone {
    const NEVER: Self = Self {
        published: None,
        withdrawn: (Limit::NEVER, Limit::NEVER),
        withdrawal_lost: Limit::NEVER,
        killed: (Limit::NEVER, Limit::NEVER),
    };
}

impl<'a> Item<'a> {
    pub(super) fn new(facts: &'a Facts, batch: Option<usize>) -> Self {
        Self {
            facts,
            batch: number(batch),
            grant: NOBODY,
            regular: facts.role == Role::Regular,
            fate: Fate::Available,
            granted: false,
            dead: None,
            gone: None,
            certain: (Limit::NEVER, Limit::NEVER),
        }
    }

    /// Its publication; `None` if it was there from the start.
    pub(super) fn batch(&self) -> Option<usize> {
        (self.batch != NOBODY).then_some(self.batch as usize)
    }

    /// The claim that got it as a regular package.
    pub(super) fn grant(&self) -> Option<usize> {
        (self.grant != NOBODY).then_some(self.grant as usize)
    }

    pub(super) fn grant_to(&mut self, ask: usize) {
        self.grant = number(Some(ask));
    }

    pub(super) fn is_regular(&self) -> bool {
        self.regular
    }

    pub(super) fn gone(&self) -> &Gone {
        self.gone.as_deref().unwrap_or(&Gone::NEVER)
    }

    pub(super) fn gone_mut(&mut self) -> &mut Gone {
        self.gone.get_or_insert_with(|| Box::new(Gone::NEVER))
    }
}

/// Small, since there are many. Positions and all that is counted by them are below 2³².
fn number(place: Option<usize>) -> u32 {
    place.and_then(|place| u32::try_from(place).ok()).unwrap_or(NOBODY)
}

/// Packages that appear together, in one publication or in repetitions of it.
pub(super) struct Batch<'a> {
    pub(super) packages: &'a [Facts],
    /// Its items: from here on, as many as there are packages.
    pub(super) first_item: usize,
    /// Whether one publication was answered with yes.
    pub(super) done: bool,
    /// Whether it certainly was published, whatever was answered.
    pub(super) happened: bool,
    /// The first begin of a publication answered with yes, and the first end.
    pub(super) span: (Limit, Limit),
    /// The first begin of a publication without an answer.
    pub(super) lost: Limit,
}

impl Batch<'_> {
    pub(super) fn items(&self) -> std::ops::Range<usize> {
        self.first_item..self.first_item + self.packages.len()
    }
}

/// A publication that was refused since one of its packages was used.
pub(super) struct CalledUsed {
    pub(super) at: usize,
    pub(super) batch: Option<usize>,
    pub(super) items: Vec<usize>,
}

/// An answer that says that no regular package was there.
pub(super) struct Empty {
    pub(super) ask: usize,
    pub(super) client: Client,
    pub(super) status: Status,
    pub(super) lens: Lens,
}

/// The suites of a client that a claim accepts, a bit each.
pub(super) type Lens = u64;

/// Everything that was read.
pub(super) struct Known<'a> {
    pub(super) spec: &'a Spec,
    pub(super) initial: &'a State,
    pub(super) history: &'a [Operation],
    /// Until when other parts let time pass, which must not matter to this one.
    pub(super) latest_tick: Time,
    /// Of what pool the last package was, and whether all are of one pool, which is the only client's.
    pub(super) latest_pool: Option<(Client, Suite)>,
    pub(super) alike: bool,
    /// Client and init key of each package.
    pub(super) init_keys: Vec<u64>,
    /// Whether all keys that are added are in the initial state.
    pub(super) settled: bool,
    /// The client of this part, if it has only one.
    pub(super) only: Option<Client>,
    /// The signature keys of this part that were ever added.
    pub(super) keys: BTreeMap<Key, &'a KeyState>,
    pub(super) items: Vec<Item<'a>>,
    /// Where each package is among the items of all parts, and how many the parts before have.
    pub(super) index: Numbers,
    pub(super) before: usize,
    pub(super) batches: Vec<Batch<'a>>,
    pub(super) called_used: Vec<CalledUsed>,
    /// Publications that were refused since they would not fit.
    pub(super) called_full: Vec<usize>,
    pub(super) asks: Vec<Ask<'a>>,
    pub(super) empties: Vec<Empty>,
    /// Withdrawals that were answered.
    pub(super) withdrawals: Vec<usize>,
    /// Keys that were removed: first begin, first end.
    pub(super) removals: BTreeMap<Key, (Limit, Limit)>,
    /// Passing of time: to when, begin, end.
    pub(super) ticks: Vec<(Time, Limit, Limit)>,
    pub(super) stocks: Vec<usize>,
    pub(super) clients: BTreeMap<User, BTreeSet<Client>>,
    /// Clients that vanish with the removal of their one key.
    pub(super) vanishing: BTreeMap<Client, Key>,
    /// The suites of each client, in the order of their bits.
    pub(super) suites: BTreeMap<Client, Vec<Suite>>,
    /// Those of them that it had at the start.
    pub(super) stored: BTreeMap<Client, Lens>,
    /// The claims without an answer that could have taken something, by client.
    pub(super) takers: BTreeMap<Client, Vec<usize>>,
    /// The clients whose batches must be granted in their order, and are several.
    pub(super) ordered: BTreeSet<Client>,
    /// What was read but not decided, though it can only forbid more: an illegal history stays illegal.
    pub(super) doubt: Option<String>,
}

impl Known<'_> {
    pub(super) fn doubt(&mut self, why: impl ToString) {
        self.doubt.get_or_insert_with(|| why.to_string());
    }

    pub(super) fn item(&self, package: Package) -> Option<usize> {
        self.index.get(package.0)?.checked_sub(self.before)
    }

    /// The latest begin of a publication that was answered with yes, and the latest end of one.
    pub(super) fn published(&self, item: &Item<'_>) -> (Limit, Limit) {
        item.gone().published.unwrap_or_else(|| {
            let batch = item.batch().map(|batch| &self.batches[batch]);
            batch.filter(|batch| batch.done).map_or((Limit::BEFORE, Limit::BEFORE), |batch| batch.span)
        })
    }

    pub(super) fn from(&self, at: usize) -> Limit {
        Limit::of(moment(self.history[at].invoked), at)
    }

    pub(super) fn to(&self, at: usize) -> Limit {
        Limit::of(self.history[at].returned.map_or(NEVER, moment), at)
    }

    pub(super) fn lens(&self, client: Client, ask: &Ask<'_>) -> Lens {
        let suites = self.suites.get(&client).into_iter().flatten().enumerate();
        suites.filter(|(_, suite)| ask.accepts(suite)).fold(0, |lens, (bit, _)| lens | 1 << bit)
    }

    /// Looks at the facts only where they matter: they are far away.
    pub(super) fn bit(&self, facts: &Facts) -> Lens {
        if self.alike {
            return 1;
        }
        let suites = self.suites.get(&facts.client).into_iter().flatten();
        suites.zip(0..).find(|(suite, _)| **suite == facts.suite).map_or(0, |(_, bit)| 1 << bit)
    }
}
