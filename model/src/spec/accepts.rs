//! The second face: whether one observed outcome is allowed, and which rule it breaks if not.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Serialize;

use crate::{
    history::{Claim, Fate, PackageState, Role, State, Status},
    names::{Client, Package},
    spec::{Op, Outcome, Reason, Spec, Stock, claiming::Allowed, outcomes::after, publishing::Faults},
    words::word,
};

/// Why an outcome is not allowed: the rule, and both sides of the comparison.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, thiserror::Error)]
#[error("{rule}: {why}")]
pub struct Refusal {
    /// The identifier of the rule, as in `vectors/rules.yaml`.
    pub rule: &'static str,
    /// What was observed and what is allowed.
    pub why: String,
}

impl Refusal {
    /// Every rule that a refusal can name; a test produces each of them.
    pub const RULES: &'static [&'static str] = &[
        "PUB-SIGNER-LISTED",
        "PUB-LIFETIME",
        "PUB-FRESH",
        "PUB-RETRY",
        "PUB-ONE-ROLE",
        "PUB-ATOMIC",
        "PUB-LIMITS",
        "CLAIM-ONCE",
        "CLAIM-BYTES",
        "CLAIM-RETRY",
        "CLAIM-LIVE",
        "CLAIM-COMPATIBLE",
        "CLAIM-EACH-CLIENT",
        "CLAIM-NOT-SELF",
        "CLAIM-SELECTION",
        "LAST-ONLY-WHEN-EXHAUSTED",
        "LAST-KEPT",
        "LAST-ONE-PER-SUITE",
        "LAST-TOLD",
        "LAST-REPLACED-WHOLE",
        "NOTE-EVERY-GRANT",
        "NOTE-SURVIVES",
        "NOTE-ZERO",
        "NOTE-RECONCILE",
        "NOTE-LOW-WATER",
        "RATE-REQUESTER",
        "RATE-SERVER",
        "RATE-PAIR",
        "RATE-RETRY-AFTER",
        "BLOCK-REQUESTER",
        "KEY-LIST",
        "KEY-UNIQUE",
        "KEY-EXPIRY-FORWARD",
        "KEY-NO-REVIVE",
        "KEY-CASCADE",
        "KEY-VERIFY",
        "LIFE-TERMINAL",
        "LIFE-WITHDRAW-RACE",
        "LIFE-TOMBSTONE",
        "LIFE-RESTORE",
        "LIFE-REMOVE-CLIENT",
    ];

    pub(crate) fn new(rule: &'static str, why: impl fmt::Display) -> Self {
        Self { rule, why: why.to_string() }
    }
}

impl Spec {
    /// The state after `op` was answered with `outcome`.
    ///
    /// The outcome reveals the directory's free choice, so there is at most one such state.
    ///
    /// # Errors
    ///
    /// The rule that the outcome breaks. `state` is as it was.
    pub fn accepts(&self, state: &State, op: &Op, outcome: &Outcome) -> Result<State, Refusal> {
        match (op, outcome) {
            (Op::Claim(claim), _) => self.accepts_claim(state, op, claim, outcome),
            (Op::Publish { client, packages }, Outcome::Done | Outcome::Refused(_)) => {
                self.accepts_publication(state, op, &self.faults(state, *client, packages), outcome)
            }
            (Op::Replace { client, packages }, Outcome::Replaced { .. } | Outcome::Refused(_)) => {
                let (_, without) = self.without_replaced(state, *client, packages);
                self.accepts_publication(state, op, &self.faults(&without, *client, packages), outcome)
            }
            _ => self.only(state, op, outcome),
        }
    }

    fn accepts_publication(
        &self,
        state: &State,
        op: &Op,
        faults: &Faults,
        outcome: &Outcome,
    ) -> Result<State, Refusal> {
        match outcome {
            Outcome::Refused(reason) if faults.reasons().any(|fault| fault == *reason) => Ok(state.clone()),
            Outcome::Refused(Reason::AlreadyUsed | Reason::InitKeyReused) => Err(Refusal::new(
                "PUB-RETRY",
                "publishing again what is still available was refused, or something new was called used",
            )),
            Outcome::Refused(reason) => {
                Err(Refusal::new(reason.rule(), format_args!("refused as {}, which is not so", word(reason))))
            }
            _ => match faults.reasons().next() {
                Some(fault) => Err(Refusal::new(fault.rule(), format_args!("accepted, although {}", word(&fault)))),
                None => self.only(state, op, outcome),
            },
        }
    }

    /// For operations with one allowed outcome.
    fn only(&self, state: &State, op: &Op, outcome: &Outcome) -> Result<State, Refusal> {
        let decisions = self.decisions(state, op);
        if let Some((_, events)) = decisions.iter().find(|(allowed, _)| allowed == outcome) {
            return Ok(after(state, events));
        }
        let allowed: Vec<_> = decisions.into_iter().map(|(allowed, _)| allowed).collect();
        let only = allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
        let why = format_args!("answered: {outcome}; where only this is true: {only}");
        Err(Refusal::new(rule_of(op, outcome, &allowed), why))
    }

    fn accepts_claim(&self, state: &State, op: &Op, claim: &Claim, outcome: &Outcome) -> Result<State, Refusal> {
        let allowed = self.allowed(state, claim);
        if let (Allowed::New(choices), Outcome::Claimed(statuses)) = (&allowed, outcome) {
            return self.accepts_claimed(state, claim, choices, statuses);
        }
        let decisions = self.decisions(state, op);
        if let Some((_, events)) = decisions.iter().find(|(allowed, _)| allowed == outcome) {
            return Ok(after(state, events));
        }
        let said = format_args!("answered: {outcome}");
        let rule = match (&allowed, outcome) {
            (Allowed::Again(_), _) => "CLAIM-RETRY",
            (Allowed::Mismatch, _) => Reason::IdempotencyMismatch.rule(),
            (_, Outcome::Limited { .. }) => "RATE-RETRY-AFTER",
            (_, Outcome::Refused(reason)) => reason.rule(),
            (Allowed::RequesterLimited(_), _) => "RATE-REQUESTER",
            (Allowed::ServerLimited(_), _) => "RATE-SERVER",
            (Allowed::Blocked, _) => "BLOCK-REQUESTER",
            (Allowed::PairLimited(_), _) => "RATE-PAIR",
            (Allowed::Unknown | Allowed::New(_), _) => "CLAIM-EACH-CLIENT",
        };
        Err(Refusal::new(rule, format_args!("{said}; where the only answer is {}", allowed.in_words())))
    }

    fn accepts_claimed(
        &self,
        state: &State,
        claim: &Claim,
        choices: &BTreeMap<Client, BTreeSet<Status>>,
        statuses: &BTreeMap<Client, Status>,
    ) -> Result<State, Refusal> {
        if let Some(own) = claim.requester_client.filter(|own| statuses.contains_key(own)) {
            return Err(Refusal::new("CLAIM-NOT-SELF", format_args!("the requester's own {own} was claimed from")));
        }
        if let Some(client) = choices.keys().find(|client| !statuses.contains_key(client)) {
            return Err(Refusal::new("CLAIM-EACH-CLIENT", format_args!("{client} has no status in the answer")));
        }
        for (client, status) in statuses {
            let Some(allowed) = choices.get(client) else {
                return Err(Refusal::new(
                    "CLAIM-EACH-CLIENT",
                    format_args!("{client} is not a client of {}", claim.user),
                ));
            };
            if !allowed.contains(status) {
                return Err(self.diagnose(state, claim, *client, *status));
            }
        }
        Ok(after(state, &self.claim_events(state, claim, statuses)))
    }

    /// Which rule a status breaks that is not allowed.
    fn diagnose(&self, state: &State, claim: &Claim, client: Client, status: Status) -> Refusal {
        let Some(package) = status.granted() else { return diagnose_nothing(state, claim, client, status) };
        let Some(known) = state.packages.get(&package).filter(|known| known.facts.client == client) else {
            return Refusal::new("CLAIM-BYTES", format_args!("{package} was never published by {client}"));
        };
        diagnose_package(state, claim, package, known, status).unwrap_or_else(|| {
            let left: Vec<_> = state.regular(client).map(|package| package.facts.package).collect();
            match status {
                Status::LastResort(_) => Refusal::new(
                    "LAST-ONLY-WHEN-EXHAUSTED",
                    format_args!("the last resort {package} was granted while {} was left", listed(&left)),
                ),
                _ => Refusal::new("CLAIM-SELECTION", format_args!("{package} was granted before {}", listed(&left))),
            }
        })
    }
}

fn diagnose_nothing(state: &State, claim: &Claim, client: Client, status: Status) -> Refusal {
    let acceptable = |package: &&PackageState| claim.fits(&package.facts);
    let regular: Vec<_> = state.regular(client).filter(acceptable).map(|package| package.facts.package).collect();
    let last_resort = state.live(client).filter(acceptable).find(|package| package.facts.role == Role::LastResort);
    let last_resort = last_resort.filter(|_| claim.last_resort_accepted);
    if !regular.is_empty() {
        Refusal::new("LAST-ONLY-WHEN-EXHAUSTED", format_args!("{status} while {} was left", listed(&regular)))
    } else if let Some(last_resort) = last_resort {
        Refusal::new("LAST-KEPT", format_args!("{status} while the last resort {} is there", last_resort.facts.package))
    } else {
        Refusal::new(
            "CLAIM-COMPATIBLE",
            format_args!(
                "{status} for {client}, where the other is true: incompatible is what has packages that do not fit"
            ),
        )
    }
}

fn granted_as(status: Status) -> &'static str {
    if matches!(status, Status::LastResort(_)) { "a last resort" } else { "a regular package" }
}

fn diagnose_package(
    state: &State,
    claim: &Claim,
    package: Package,
    known: &PackageState,
    status: Status,
) -> Option<Refusal> {
    let facts = &known.facts;
    let marked = matches!(status, Status::LastResort(_)) == (facts.role == Role::LastResort);
    Some(match known.fate {
        Fate::Granted => Refusal::new("CLAIM-ONCE", format_args!("{package} was granted before")),
        Fate::Withdrawn if facts.role == Role::LastResort => Refusal::new(
            "LAST-REPLACED-WHOLE",
            format_args!("the last resort {package} was replaced or withdrawn before"),
        ),
        Fate::Withdrawn => Refusal::new("LIFE-TERMINAL", format_args!("{package} was withdrawn before")),
        Fate::Available if state.now < facts.not_before || state.now >= facts.not_after => {
            Refusal::new("CLAIM-LIVE", format_args!("{package} is not valid now"))
        }
        Fate::Available if !state.is_valid_key(facts.signer) => {
            Refusal::new("KEY-CASCADE", format_args!("{package} is signed by {}, which is not valid", facts.signer))
        }
        Fate::Available if !claim.accepts(&facts.suite) => {
            Refusal::new("CLAIM-COMPATIBLE", format_args!("{package} is of {}, which was not asked for", facts.suite))
        }
        Fate::Available if !claim.fits(facts) => Refusal::new(
            "CLAIM-COMPATIBLE",
            format_args!("{package} lacks {}", listed(claim.requires.difference(&facts.offers))),
        ),
        Fate::Available if !marked => Refusal::new(
            "LAST-TOLD",
            format_args!("{package} was granted as {}, but is {}", granted_as(status), word(&facts.role)),
        ),
        Fate::Available if facts.role == Role::LastResort && !claim.last_resort_accepted => {
            Refusal::new("LAST-TOLD", format_args!("the last resort {package} was granted to one who refuses it"))
        }
        Fate::Available => return None,
    })
}

fn listed<T: ToString>(things: impl IntoIterator<Item = T>) -> String {
    things.into_iter().map(|thing| thing.to_string()).collect::<Vec<_>>().join(", ")
}

/// The rule that an untrue answer to this operation breaks.
fn rule_of(op: &Op, outcome: &Outcome, allowed: &[Outcome]) -> &'static str {
    match op {
        Op::AddKey { .. } => "KEY-UNIQUE",
        Op::ExtendKey { .. } if allowed.contains(&Outcome::Refused(Reason::KeyEnded)) => "KEY-NO-REVIVE",
        Op::ExtendKey { .. } => "KEY-EXPIRY-FORWARD",
        Op::RemoveKey { .. } | Op::Keys { .. } | Op::Tick { .. } => "KEY-LIST",
        Op::RemoveClient { .. } => "LIFE-REMOVE-CLIENT",
        Op::Verify { .. } => "KEY-VERIFY",
        Op::Publish { .. } => "PUB-RETRY",
        Op::Replace { .. } => "PUB-ATOMIC",
        Op::Claim(_) => "CLAIM-EACH-CLIENT",
        Op::Withdraw { .. } => "LIFE-WITHDRAW-RACE",
        Op::Block { .. } | Op::Unblock { .. } => "BLOCK-REQUESTER",
        Op::Stock { .. } if only_low_differs(outcome, allowed) => "NOTE-LOW-WATER",
        Op::Stock { .. } => "NOTE-ZERO",
        Op::Reconcile { .. } => "NOTE-RECONCILE",
        Op::Notifications { .. } => "NOTE-EVERY-GRANT",
        Op::Acknowledge { .. } => "NOTE-SURVIVES",
        Op::Collect => "LIFE-TOMBSTONE",
        Op::Fence => "LIFE-RESTORE",
    }
}

fn only_low_differs(outcome: &Outcome, allowed: &[Outcome]) -> bool {
    let without_low = |outcome: &Outcome| match outcome {
        Outcome::Stock(stock) => Some(Stock { low: BTreeSet::new(), ..stock.clone() }),
        _ => None,
    };
    without_low(outcome).is_some_and(|stock| allowed.iter().any(|other| without_low(other).as_ref() == Some(&stock)))
}

impl Allowed {
    fn in_words(&self) -> String {
        match self {
            Self::Again(answer) => format!("the answer of before ({answer})"),
            Self::Mismatch => "that the idempotency key belongs to another question".into(),
            Self::RequesterLimited(wait) => format!("that the requester has to wait for {wait} s"),
            Self::ServerLimited(wait) => format!("that all requesters of this one's server have to wait for {wait} s"),
            Self::Unknown | Self::Blocked => "that there is no such user".into(),
            Self::PairLimited(wait) => format!("that the requester has to wait for {wait} s with this user"),
            Self::New(choices) => {
                let any = |statuses: &BTreeSet<Status>| {
                    statuses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
                };
                let each = choices.iter().map(|(client, statuses)| format!("{} from {client}", any(statuses)));
                each.collect::<Vec<_>>().join(", and ")
            }
        }
    }
}

impl Reason {
    /// The rule that gives this reason.
    #[must_use]
    pub fn rule(self) -> &'static str {
        match self {
            Self::AlreadyUsed => "PUB-RETRY",
            Self::InitKeyReused => "PUB-FRESH",
            Self::RoleConflict => "PUB-ONE-ROLE",
            Self::Expired | Self::NotYetValid | Self::LifetimeTooLong => "PUB-LIFETIME",
            Self::SignerNotListed => "PUB-SIGNER-LISTED",
            Self::BeforeFence => "LIFE-RESTORE",
            Self::TwoLastResorts => "LAST-ONE-PER-SUITE",
            Self::StockFull | Self::BatchTooLarge => "PUB-LIMITS",
            Self::UnknownUser | Self::UnknownClient => "CLAIM-EACH-CLIENT",
            Self::IdempotencyMismatch => "CLAIM-RETRY",
            Self::KeyTaken => "KEY-UNIQUE",
            Self::UnknownKey => "KEY-LIST",
            Self::ExpiryNotForward => "KEY-EXPIRY-FORWARD",
            Self::KeyEnded => "KEY-NO-REVIVE",
        }
    }
}
