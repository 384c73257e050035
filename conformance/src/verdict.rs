//! Verdicts, and the exit code that they add up to.

use std::{sync::Arc, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{recording::Exchange, vector::Vector};

/// What the suite says of one vector.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// Every expectation held.
    Pass,
    /// A rule of level MUST is broken.
    Fail(Failure),
    /// A rule of level SHOULD is broken.
    Warn(Failure),
    /// Not run: the server does not offer what it needs.
    Skip {
        /// Which profile or capability, and the operator's reason.
        reason: String,
    },
    /// What comes before the question went wrong, so that nothing is known of the answer.
    Blocked {
        /// What went wrong.
        reason: String,
    },
    /// It ran, and could not tell. Never counted as passed.
    Inconclusive {
        /// Why.
        reason: String,
    },
    /// The server is gone.
    Gone {
        /// How that showed.
        reason: String,
    },
    /// A bug of the suite, or a binding that does not fit.
    Error {
        /// What went wrong.
        reason: String,
    },
    /// It failed, as the file of known failures says.
    Xfail {
        /// The file's comment.
        comment: String,
        /// What failed.
        failure: Failure,
    },
    /// It passed, although the file of known failures says otherwise: the file is out of date.
    Xpass {
        /// The file's comment.
        comment: String,
    },
}

/// A broken rule, told so that no second run is needed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// The rule.
    pub rule: String,
    /// What happened, in one sentence.
    pub says: String,
    /// The step, such as `steps[2]`.
    pub path: String,
    /// What was expected and observed.
    pub details: Vec<String>,
    /// Every step of the story so far, or of the round that failed, in the order of their beginning.
    pub timeline: Vec<Span>,
    /// The requests and answers of the steps that prove it.
    pub exchanges: Vec<Exchange>,
    /// For a race: the first round that broke this rule, how many did, how many there were.
    pub rounds: Option<(usize, usize, usize)>,
    /// For a race: the same of each other rule that a round broke.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Failure>,
}

impl Failure {
    /// This failure, and those of the other rules.
    pub fn all(&self) -> impl Iterator<Item = &Failure> {
        std::iter::once(self).chain(&self.also)
    }

    /// How many rounds of a race failed, whatever rule they broke.
    #[must_use]
    pub fn rounds_failed(&self) -> usize {
        self.all().filter_map(|failure| failure.rounds).map(|(_, failed, _)| failed).sum()
    }

    /// The same, told by the first whose rule is so, where there is one.
    #[must_use]
    pub fn told_by(mut self, so: impl Fn(&str) -> bool) -> Self {
        let Some(at) = self.all().position(|failure| so(&failure.rule)).and_then(|at| at.checked_sub(1)) else {
            return self;
        };
        let first = self.also.remove(at);
        let others = std::mem::take(&mut self.also);
        Self { also: std::iter::once(self).chain(others).collect(), ..first }
    }
}

/// An entry of the file of known failures.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownFailure {
    /// The vector.
    pub id: String,
    /// Why that is known, and where.
    pub comment: String,
    /// The rules that it is known to break; whatever else it breaks is a failure. None: whatever it breaks.
    #[serde(default)]
    pub rules: Vec<String>,
    /// It fails in some runs only, as what hangs on chance does: to pass is no surprise.
    #[serde(default)]
    pub sometimes: bool,
}

/// A step on the time line.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// Its place in the vector, such as `race.lanes.c1[0]`.
    pub path: String,
    /// What was done, in words.
    pub says: String,
    /// What came of it.
    pub observed: String,
    /// Milliseconds since the beginning of the round, until the last byte of the request was released.
    pub sent_ms: f64,
    /// Milliseconds since the beginning of the round, until the answer was there.
    pub answered_ms: f64,
    /// Whether this step is part of the proof of what is wrong: the answers to these steps alone prove it.
    pub involved: bool,
    /// The requests and answers, secrets masked.
    pub exchanges: Vec<Exchange>,
}

/// A vector with its verdict.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Which.
    pub vector: Arc<Vector>,
    /// The verdict.
    pub verdict: Verdict,
    /// How long it took.
    pub took: Duration,
    /// For a race: in how many rounds requests truly overlapped, of how many.
    pub contention: Option<(usize, usize)>,
    /// What was done and seen, where the verdict holds no failure that tells it.
    pub story: Vec<Span>,
}

impl Judged {
    /// A vector that was not run.
    #[must_use]
    pub fn without_story(vector: Arc<Vector>, verdict: Verdict) -> Self {
        Self { vector, verdict, took: Duration::ZERO, contention: None, story: vec![] }
    }

    /// What was done and seen, of a race one round: the one that failed, if any did.
    #[must_use]
    pub fn steps(&self) -> &[Span] {
        self.verdict.failure().map_or(&self.story, |failure| &failure.timeline)
    }
}

impl Verdict {
    /// In capital letters, as printed.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail(_) => "FAIL",
            Self::Warn(_) => "WARN",
            Self::Skip { .. } => "SKIP",
            Self::Blocked { .. } => "BLOCKED",
            Self::Inconclusive { .. } => "INCONCLUSIVE",
            Self::Gone { .. } => "GONE",
            Self::Error { .. } => "ERROR",
            Self::Xfail { .. } => "XFAIL",
            Self::Xpass { .. } => "XPASS",
        }
    }

    /// What failed.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Fail(failure) | Self::Warn(failure) | Self::Xfail { failure, .. } => Some(failure),
            _ => None,
        }
    }

    /// Why there is no verdict on the server, or why it is not what it seems.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Skip { reason }
            | Self::Blocked { reason }
            | Self::Inconclusive { reason }
            | Self::Gone { reason }
            | Self::Error { reason }
            | Self::Xpass { comment: reason } => Some(reason),
            Self::Xfail { comment, .. } => Some(comment),
            Self::Pass | Self::Fail(_) | Self::Warn(_) => None,
        }
    }

    /// In the light of a known failure, be it of a MUST or of a SHOULD. One that fails only sometimes may pass; a rule
    /// that is not known to be broken is told before those that are.
    #[must_use]
    pub fn known(self, known: Option<&KnownFailure>) -> Self {
        let Some(KnownFailure { comment, rules, sometimes, .. }) = known else { return self };
        let unknown = |rule: &str| !rules.is_empty() && !rules.iter().any(|known| known == rule);
        match self {
            Self::Fail(failure) | Self::Warn(failure) if !failure.all().any(|failure| unknown(&failure.rule)) => {
                Self::Xfail { comment: comment.clone(), failure }
            }
            Self::Fail(failure) => Self::Fail(failure.told_by(unknown)),
            Self::Warn(failure) => Self::Warn(failure.told_by(unknown)),
            Self::Pass if !sometimes => {
                Self::Xpass { comment: format!("passes, but is listed as a known failure: {comment}") }
            }
            other => other,
        }
    }
}

/// How the whole run ended; the number is the exit code of `kpd`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// Every selected MUST passed, and something ran.
    Passed = 0,
    /// Something failed, or passed unexpectedly; with `--strict` also a warning.
    Failed = 1,
    /// Nothing failed, but something could not be told.
    Inconclusive = 2,
    /// Usage, vector, binding or schema: nothing was sent.
    Usage = 3,
    /// The server cannot be reached, cannot be made ready, or went away.
    Unreachable = 4,
    /// Nothing was selected, or everything skipped.
    Nothing = 5,
    /// A bug of the suite.
    Bug = 6,
}

impl Exit {
    /// What is to be said of the run, in a word or few.
    #[must_use]
    pub fn says(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Inconclusive => "inconclusive",
            Self::Usage => "not begun",
            Self::Unreachable => "not ready, or gone",
            Self::Nothing => "nothing ran",
            Self::Bug => "no verdict: a bug of the suite",
        }
    }

    /// What these verdicts add up to. A definite failure outweighs everything; after it, what casts doubt on the run.
    #[must_use]
    pub fn of<'a>(verdicts: impl IntoIterator<Item = &'a Verdict>, strict: bool) -> Self {
        let mut ran = false;
        let mut worst = Self::Passed;
        for verdict in verdicts {
            ran |= !matches!(verdict, Verdict::Skip { .. });
            let exit = match verdict {
                Verdict::Fail(_) | Verdict::Xpass { .. } => Self::Failed,
                Verdict::Warn(_) if strict => Self::Failed,
                Verdict::Error { .. } => Self::Bug,
                Verdict::Blocked { .. } | Verdict::Gone { .. } => Self::Unreachable,
                Verdict::Inconclusive { .. } => Self::Inconclusive,
                Verdict::Pass | Verdict::Warn(_) | Verdict::Skip { .. } | Verdict::Xfail { .. } => Self::Passed,
            };
            if exit.weight() > worst.weight() {
                worst = exit;
            }
        }
        if ran { worst } else { Self::Nothing }
    }

    fn weight(self) -> u8 {
        match self {
            Self::Passed | Self::Nothing | Self::Usage => 0,
            Self::Inconclusive => 1,
            Self::Unreachable => 2,
            Self::Bug => 3,
            Self::Failed => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure() -> Failure {
        of_rule("A")
    }

    fn of_rule(rule: &str) -> Failure {
        Failure {
            rule: rule.into(),
            says: String::new(),
            path: String::new(),
            details: vec![],
            timeline: vec![],
            exchanges: vec![],
            rounds: Some((1, 2, 9)),
            also: vec![],
        }
    }

    fn known(sometimes: bool, rules: &[&str]) -> KnownFailure {
        let rules = rules.iter().map(|rule| rule.to_string()).collect();
        KnownFailure { id: "x".into(), comment: "upstream 7".into(), rules, sometimes }
    }

    fn exit(verdicts: &[Verdict]) -> Exit {
        Exit::of(verdicts, false)
    }

    #[test]
    fn each_verdict_has_its_exit_code_and_a_failure_outweighs_all() {
        let reason = String::new;
        let inconclusive = Verdict::Inconclusive { reason: reason() };
        let blocked = Verdict::Blocked { reason: reason() };
        let error = Verdict::Error { reason: reason() };
        let skip = Verdict::Skip { reason: reason() };
        let xfail = Verdict::Xfail { comment: reason(), failure: failure() };
        assert_eq!(exit(&[Verdict::Pass, skip.clone()]), Exit::Passed);
        assert_eq!(exit(&[Verdict::Warn(failure())]), Exit::Passed);
        assert_eq!(Exit::of(&[Verdict::Warn(failure())], true), Exit::Failed);
        assert_eq!(exit(&[xfail]), Exit::Passed);
        assert_eq!(exit(&[Verdict::Xpass { comment: reason() }]), Exit::Failed);
        assert_eq!(exit(&[Verdict::Pass, inconclusive.clone()]), Exit::Inconclusive);
        assert_eq!(exit(&[inconclusive, blocked.clone()]), Exit::Unreachable);
        assert_eq!(exit(&[Verdict::Gone { reason: reason() }]), Exit::Unreachable);
        assert_eq!(exit(&[blocked, error.clone()]), Exit::Bug);
        assert_eq!(exit(&[error, Verdict::Fail(failure())]), Exit::Failed);
        assert_eq!(exit(&[]), Exit::Nothing);
        assert_eq!(exit(&[skip]), Exit::Nothing);
    }

    #[test]
    fn a_known_failure_that_passes_is_told() {
        let (always, sometimes) = (&known(false, &[]), &known(true, &[]));
        assert_eq!(Verdict::Fail(failure()).known(Some(always)).word(), "XFAIL");
        // With --strict a broken SHOULD fails the run: it can be known like any other.
        assert_eq!(Verdict::Warn(failure()).known(Some(always)).word(), "XFAIL");
        assert_eq!(Verdict::Warn(failure()).known(None).word(), "WARN");
        assert_eq!(Verdict::Pass.known(Some(always)).word(), "XPASS");
        assert_eq!(Verdict::Pass.known(Some(sometimes)).word(), "PASS");
        assert_eq!(Verdict::Fail(failure()).known(Some(sometimes)).word(), "XFAIL");
        assert_eq!(Verdict::Pass.known(None).word(), "PASS");
    }

    #[test]
    fn a_rule_that_is_not_known_to_be_broken_fails_and_is_told_first() {
        let of = |rules: &[&str]| known(true, rules);
        let race = || Failure { also: vec![of_rule("B"), of_rule("C")], ..of_rule("A") };
        let told = |verdict: Verdict| {
            let rules: Vec<_> = verdict.failure().unwrap().all().map(|failure| failure.rule.clone()).collect();
            (verdict.word(), rules.concat())
        };
        assert_eq!(told(Verdict::Fail(race()).known(Some(&of(&["A", "B", "C"])))), ("XFAIL", "ABC".into()));
        assert_eq!(told(Verdict::Fail(race()).known(Some(&of(&["A", "B"])))), ("FAIL", "CAB".into()));
        assert_eq!(told(Verdict::Fail(race()).known(Some(&of(&["B"])))), ("FAIL", "ABC".into()));
        assert_eq!(told(Verdict::Warn(race()).known(Some(&of(&["A", "C"])))), ("WARN", "BAC".into()));
        assert_eq!(told(Verdict::Fail(of_rule("A")).known(Some(&of(&["B"])))), ("FAIL", "A".into()));
        assert_eq!(race().rounds_failed(), 6);
    }
}
