//! Detection power: how likely a run is to see a fault that shows in some rounds of a race only.
//!
//! A round either shows the fault or not, and rounds have new users each, so they are taken for independent. From how
//! many of them failed follows a lower bound of the probability p that one does (Clopper and Pearson, exact for any p
//! and any number of rounds); a run of n rounds then sees the fault with 1 - (1 - p)^n at least, and one of several races
//! with the product of what each of them misses.

/// What many rounds of one race showed of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The vector.
    pub id: String,
    /// The rounds of a run.
    pub rounds_of_run: u32,
    /// How many rounds were looked at.
    pub rounds: u32,
    /// How many of them showed the fault.
    pub failed: u32,
}

/// What the races of one rule say together of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Power {
    /// One for each race.
    pub trials: Vec<Trial>,
}

/// How sure a lower bound is: it is too high in one of twenty measurements.
pub const DOUBT: f64 = 0.05;

/// What is asked for: a fault is found in a run with this probability.
pub const WANTED: f64 = 0.999;

impl Trial {
    /// The share of rounds that showed the fault.
    #[must_use]
    pub fn share(&self) -> f64 {
        if self.rounds == 0 { 0.0 } else { f64::from(self.failed) / f64::from(self.rounds) }
    }

    /// How many rounds of this race alone find the fault as surely as wanted; `None` if no number of them is known to.
    #[must_use]
    pub fn rounds_wanted(&self, doubt: f64) -> Option<u32> {
        let shows = at_least(self.failed, self.rounds, doubt);
        let all = (1..).map_while(|doublings| 1_u32.checked_shl(doublings));
        let enough = |rounds: &u32| missed(shows, *rounds) <= 1.0 - WANTED;
        let most = all.take_while(|rounds| *rounds <= ROUNDS_MAX).find(enough)?;
        (most / 2..=most).find(enough)
    }
}

/// More rounds than these nobody waits for.
const ROUNDS_MAX: u32 = 1 << 20;

impl Power {
    /// How likely a run is to find the fault, by the shares that were seen.
    #[must_use]
    pub fn estimate(&self) -> f64 {
        1.0 - self.trials.iter().map(|trial| missed(trial.share(), trial.rounds_of_run)).product::<f64>()
    }

    /// How likely it is at least. The doubt is shared out among the races, so that all their bounds hold together.
    #[must_use]
    pub fn bound(&self) -> f64 {
        let doubt = self.doubt_of_each();
        let missed = |trial: &Trial| missed(at_least(trial.failed, trial.rounds, doubt), trial.rounds_of_run);
        1.0 - self.trials.iter().map(missed).product::<f64>()
    }

    /// The doubt that is left for each race.
    #[must_use]
    pub fn doubt_of_each(&self) -> f64 {
        DOUBT / self.trials.iter().map(|_| 1.0).sum::<f64>().max(1.0)
    }

    /// Whether that is enough.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        self.bound() >= WANTED
    }
}

fn missed(shows: f64, rounds: u32) -> f64 {
    (1.0 - shows).powf(f64::from(rounds))
}

/// The lowest probability that is compatible with so many failures: with any lower one, as many or more come about with
/// less than `doubt`.
#[must_use]
pub fn at_least(failed: u32, rounds: u32, doubt: f64) -> f64 {
    if failed == 0 {
        return 0.0;
    }
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..BISECTIONS {
        let middle = f64::midpoint(low, high);
        if as_many_or_more(failed, rounds, middle) < doubt { low = middle } else { high = middle }
    }
    low
}

const BISECTIONS: u32 = 60;

/// How likely at least `failed` of `rounds` are, if one is with probability `shows`: one minus the sum of the terms
/// below, each made from the one before in logarithms, as they are too small for anything else.
fn as_many_or_more(failed: u32, rounds: u32, shows: f64) -> f64 {
    if shows >= 1.0 {
        return 1.0;
    }
    let (shows_log, hides_log) = (shows.ln(), (-shows).ln_1p());
    let mut term = f64::from(rounds) * hides_log;
    let mut below = term.exp();
    for number in 1..failed.min(rounds + 1) {
        term += (f64::from(rounds - number + 1) / f64::from(number)).ln() + shows_log - hides_log;
        below += term.exp();
    }
    1.0 - below
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(failed: u32, rounds: u32, rounds_of_run: u32) -> Trial {
        Trial { id: "a".into(), rounds_of_run, rounds, failed }
    }

    #[test]
    fn bounds_are_those_of_clopper_and_pearson() {
        // By hand: all of n failed, so p^n = doubt. The others from tables of the one-sided 95 % bound.
        for (failed, rounds, bound) in [(10, 10, 0.741_1), (1, 10, 0.005_1), (5, 10, 0.222_4), (50, 100, 0.413_7)] {
            let found = at_least(failed, rounds, 0.05);
            assert!((found - bound).abs() < 0.000_6, "{failed} of {rounds}: {found}, and not {bound}");
        }
        assert!(at_least(0, 400, 0.05) < 1e-9, "what was never seen has no lower bound");
        assert!(at_least(1_000, 2_000, 0.05) > 0.48, "many rounds are no trouble for the logarithms");
    }

    #[test]
    fn races_add_up_and_what_was_seen_seldom_is_not_enough() {
        let good = Power { trials: vec![trial(40, 100, 20), trial(0, 100, 20)] };
        assert!(good.bound() > 0.99 && good.bound() < good.estimate(), "{}", good.bound());
        assert!(good.is_enough());
        let poor = Power { trials: vec![trial(2, 100, 20)] };
        assert!(!poor.is_enough() && poor.estimate() > poor.bound());
        assert!(!Power { trials: vec![] }.is_enough(), "nothing was looked at");
    }

    #[test]
    fn so_many_rounds_are_wanted_and_one_less_is_too_few() {
        let trial = trial(30, 400, 20);
        let wanted = trial.rounds_wanted(0.05).unwrap();
        let with = |rounds_of_run| Power { trials: vec![Trial { rounds_of_run, ..trial.clone() }] };
        assert!(with(wanted).is_enough() && !with(wanted - 1).is_enough(), "{wanted}");
        assert_eq!(Trial { failed: 0, ..trial }.rounds_wanted(0.05), None);
    }
}
