//! What a history says at first reading: packages, publications, claims, removals, each with the times between which it was.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    history::{Claim, Facts, Fate, KeyState, Role, State, Status},
    linearize::Operation,
    monitor::{
        limit::{Limit, NEVER, moment},
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
    /// The same, and not only for the part in which it was found.
    Mingled(String),
}

impl Halt {
    pub(super) fn illegal(rule: &'static str, says: impl ToString, witness: impl IntoIterator<Item = usize>) -> Self {
        Self::Illegal { rule, says: says.to_string(), witness: witness.into_iter().collect() }
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
    /// Its publication; `None` if it was there from the start.
    pub(super) batch: Option<usize>,
    /// What had become of it before the history.
    pub(super) fate: Fate,
    /// Whether it had been granted before the history: a last resort can be, and stay.
    pub(super) granted: bool,
    /// The rule by which it could not be granted even at the start.
    pub(super) dead: Option<&'static str>,
    /// The latest begin of a publication of it that was answered with yes, and the latest end of one.
    pub(super) published: (Limit, Limit),
    /// The claim that got it as a regular package.
    pub(super) grant: Option<usize>,
    /// How else it can be gone; apart, since for most packages it is nothing.
    gone: Option<Box<Gone>>,
    /// The latest moment at which it appears, and the earliest at which it is gone.
    pub(super) certain: (Limit, Limit),
}

/// How a package can be gone without a claim.
#[derive(Clone)]
pub(super) struct Gone {
    /// Withdrawals that were answered `Withdrawn`: the earliest moment that any of them can be, and the first end.
    pub(super) withdrawn: (Limit, Limit),
    /// The earliest begin of a withdrawal without an answer.
    pub(super) withdrawal_lost: Limit,
    /// Removal of its signer, or its expiry: first begin, first end.
    pub(super) killed: (Limit, Limit),
}

impl Gone {
    const NEVER: Self = Self {
        withdrawn: (Limit::NEVER, Limit::NEVER),
        withdrawal_lost: Limit::NEVER,
        killed: (Limit::NEVER, Limit::NEVER),
    };
}

impl<'a> Item<'a> {
    pub(super) fn new(facts: &'a Facts, batch: Option<usize>) -> Self {
        Self {
            facts,
            batch,
            fate: Fate::Available,
            granted: false,
            dead: None,
            published: (Limit::BEFORE, Limit::BEFORE),
            grant: None,
            gone: None,
            certain: (Limit::NEVER, Limit::NEVER),
        }
    }

    pub(super) fn is_regular(&self) -> bool {
        self.facts.role == Role::Regular
    }

    pub(super) fn gone(&self) -> &Gone {
        self.gone.as_deref().unwrap_or(&Gone::NEVER)
    }

    pub(super) fn gone_mut(&mut self) -> &mut Gone {
        self.gone.get_or_insert_with(|| Box::new(Gone::NEVER))
    }
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

/// A claim with its repetitions under the same key, which are one.
pub(super) struct Ask<'a> {
    pub(super) claim: &'a Claim,
    /// The operation to show for it.
    pub(super) at: usize,
    pub(super) from: Limit,
    pub(super) to: Limit,
    /// `None` if every answer was lost.
    pub(super) answer: Option<&'a BTreeMap<Client, Status>>,
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
    /// The operations of this part.
    pub(super) positions: &'a [u32],
    /// The signature keys of this part that were ever added.
    pub(super) keys: BTreeMap<Key, &'a KeyState>,
    pub(super) items: Vec<Item<'a>>,
    /// Where each package is among the items of all parts, and how many the parts before have.
    pub(super) index: Numbers,
    pub(super) before: usize,
    pub(super) batches: Vec<Batch<'a>>,
    pub(super) called_used: Vec<CalledUsed>,
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

    pub(super) fn from(&self, at: usize) -> Limit {
        Limit::of(moment(self.history[at].invoked), at)
    }

    pub(super) fn to(&self, at: usize) -> Limit {
        Limit::of(self.history[at].returned.map_or(NEVER, moment), at)
    }

    pub(super) fn lens(&self, client: Client, claim: &Claim) -> Lens {
        let suites = self.suites.get(&client).into_iter().flatten().enumerate();
        suites.filter(|(_, suite)| claim.accepts(suite)).fold(0, |lens, (bit, _)| lens | 1 << bit)
    }

    pub(super) fn bit(&self, facts: &Facts) -> Lens {
        let suites = self.suites.get(&facts.client).into_iter().flatten();
        suites.zip(0..).find(|(suite, _)| **suite == facts.suite).map_or(0, |(_, bit)| 1 << bit)
    }
}
