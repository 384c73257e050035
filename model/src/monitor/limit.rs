//! Moments, and bounds on them.

/// A time of the history plus one, twice: there is one before all of them, one after, and one just before each.
pub(super) type Moment = u64;

/// Before everything in the history.
pub(super) const BEFORE: Moment = 0;

/// After everything in the history.
pub(super) const NEVER: Moment = Moment::MAX;

pub(super) fn moment(time: u64) -> Moment {
    time.saturating_add(1).saturating_mul(2)
}

/// A bound on a moment, with the operation that sets it and the rule by which it does. Small: there are many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) at: Moment,
    by: u32,
    pub(super) rule: Rule,
}

pub(super) const NOBODY: u32 = u32::MAX;

impl Limit {
    pub(super) const BEFORE: Self = Self { at: BEFORE, by: NOBODY, rule: Rule::Own };
    pub(super) const NEVER: Self = Self { at: NEVER, by: NOBODY, rule: Rule::Own };

    pub(super) fn of(at: Moment, by: usize) -> Self {
        Self { at, by: u32::try_from(by).unwrap_or(NOBODY), rule: Rule::Own }
    }

    pub(super) fn by(self) -> Option<usize> {
        (self.by != NOBODY).then_some(self.by as usize)
    }

    pub(super) fn set_by(self, by: usize) -> Self {
        Self { rule: self.rule, ..Self::of(self.at, by) }
    }

    pub(super) fn just_before(self) -> Self {
        Self { at: self.at.saturating_sub(1), ..self }
    }

    /// The later of the two: a lower bound gets stricter.
    pub(super) fn raise(&mut self, other: Self) {
        if other.at > self.at {
            *self = other;
        }
    }

    /// The earlier of the two: an upper bound gets stricter.
    pub(super) fn lower(&mut self, other: Self) {
        if other.at < self.at {
            *self = other;
        }
    }

    pub(super) fn under(self, rule: Rule) -> Self {
        Self { rule, ..self }
    }
}

/// The rule by which one operation bounds another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// None: an operation bounds itself by its own times.
    Own,
    ClaimBytes,
    ClaimLive,
    ClaimOnce,
    KeyCascade,
    LastReplaced,
    LifeTerminal,
    PubLifetime,
    PubRetry,
    PubSigner,
    WithdrawRace,
}

impl Rule {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Own => "",
            Self::ClaimBytes => "CLAIM-BYTES",
            Self::ClaimLive => "CLAIM-LIVE",
            Self::ClaimOnce => "CLAIM-ONCE",
            Self::LastReplaced => "LAST-REPLACED-WHOLE",
            Self::LifeTerminal => "LIFE-TERMINAL",
            Self::KeyCascade => "KEY-CASCADE",
            Self::PubLifetime => "PUB-LIFETIME",
            Self::PubRetry => "PUB-RETRY",
            Self::PubSigner => "PUB-SIGNER-LISTED",
            Self::WithdrawRace => "LIFE-WITHDRAW-RACE",
        }
    }
}
