//! The near-linear checker against the search, on random small histories: legal ones, and ones in which an answer lies.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    random::{Dice, THEMES, Theme, history, shown, start},
    *,
};
use crate::{
    linearize::{self, linearize},
    spec::Selection,
};

/// `KPD_HISTORIES` asks for another number, `KPD_SEED` for other ones.
const DECIDED: usize = 100_000;
const LANES: u64 = 2;

/// What the histories are made to break.
const RULES: [&str; 13] = [
    "CLAIM-BYTES",
    "CLAIM-EACH-CLIENT",
    "CLAIM-LIVE",
    "CLAIM-ONCE",
    "CLAIM-RETRY",
    "CLAIM-SELECTION",
    "KEY-CASCADE",
    "KEY-UNIQUE",
    "LAST-ONLY-WHEN-EXHAUSTED",
    "LIFE-WITHDRAW-RACE",
    "NOTE-ZERO",
    "PUB-LIMITS",
    "PUB-RETRY",
];

/// How many histories of which kind were decided, and how.
#[derive(Default)]
struct Tally {
    themes: BTreeMap<Theme, [usize; 3]>,
    rules: BTreeMap<&'static str, usize>,
    lost: usize,
    lost_claims: usize,
    /// Histories with a promise of an order and a lost claim, by the verdict.
    lost_in_order: [usize; 2],
}

impl Tally {
    fn sum(&self, column: usize) -> usize {
        self.themes.values().map(|row| row[column]).sum()
    }

    fn add(&mut self, other: &Self) {
        for (theme, row) in &other.themes {
            let sums = self.themes.entry(*theme).or_default();
            (0..3).for_each(|column| sums[column] += row[column]);
        }
        for (rule, count) in &other.rules {
            *self.rules.entry(rule).or_default() += count;
        }
        (0..2).for_each(|legal| self.lost_in_order[legal] += other.lost_in_order[legal]);
        self.lost += other.lost;
        self.lost_claims += other.lost_claims;
    }
}

fn setting(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

fn lane(seed: u64) -> Tally {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ seed);
    let wanted = setting("KPD_HISTORIES", DECIDED) / LANES as usize;
    let mut tally = Tally::default();
    while tally.sum(0) + tally.sum(1) < wanted {
        let theme = *dice.pick(&THEMES);
        let fifo = theme == Theme::Fifo || dice.one_in(4);
        let selection = if fifo { Selection::Fifo } else { Selection::Any };
        let stock_max = if theme == Theme::Full { 2 + dice.below(4) } else { usize::MAX };
        let spec = Spec { selection, stock_max, ..Spec::default() };
        let initial = start(&mut dice, theme);
        let (lossy, lying) = (!dice.one_in(5), !dice.one_in(3));
        let history = history(&mut dice, theme, &spec, &initial, lossy, lying);
        let verdict = monitor(&spec, &initial, &history);
        let row = tally.themes.entry(theme).or_default();
        let legal = match &verdict {
            Verdict::NotCovered { .. } => {
                row[2] += 1;
                continue;
            }
            verdict => *verdict == Verdict::Legal,
        };
        row[usize::from(!legal)] += 1;
        let found = linearize(&spec, &initial, &history, 1_000_000);
        assert_ne!(found, linearize::Verdict::OutOfBudget);
        let expected = matches!(found, linearize::Verdict::Linearizable { .. });
        assert_eq!(legal, expected, "{theme:?} {verdict:?}\n{found:?}\n{}", shown(&initial, &history));
        let lost: Vec<_> = history.iter().filter(|operation| operation.outcome.is_none()).collect();
        tally.lost += usize::from(!lost.is_empty());
        let lost_claims = lost.iter().any(|operation| matches!(operation.op, Op::Claim(_)));
        tally.lost_claims += usize::from(lost_claims);
        tally.lost_in_order[usize::from(legal)] += usize::from(lost_claims && fifo);
        if let Verdict::Illegal { rule, .. } = verdict {
            *tally.rules.entry(rule).or_default() += 1;
        }
    }
    tally
}

#[test]
fn the_monitor_agrees_with_the_search_on_a_hundred_thousand_histories() {
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let first = setting("KPD_SEED", 0) as u64;
        let lanes: Vec<_> = (first..first + LANES).map(|seed| scope.spawn(move || lane(seed))).collect();
        lanes.into_iter().for_each(|lane| tally.add(&lane.join().unwrap()));
    });
    let (legal, illegal, not_covered) = (tally.sum(0), tally.sum(1), tally.sum(2));
    println!("legal {legal}, illegal {illegal}, not covered {not_covered}, with lost answers {}", tally.lost);
    println!("with lost claims {}; {:?}", tally.lost_claims, tally.themes);
    println!("{:?}; with an order promised and a lost claim {:?}", tally.rules, tally.lost_in_order);
    let decided = legal + illegal;
    assert!(decided >= setting("KPD_HISTORIES", DECIDED));
    assert!(legal * 3 >= decided && illegal * 3 >= decided, "a third of each");
    assert!(tally.lost * 2 >= decided, "half with lost answers");
    assert!(tally.themes.values().all(|row| row[0] >= 500 && row[1] >= 500), "each kind is decided both ways");
    assert!(tally.lost_in_order.iter().all(|count| *count >= 500), "an order with lost claims is decided both ways");
    for rule in RULES {
        assert!(tally.rules.get(rule).is_some_and(|count| *count >= 20), "{rule} is broken and found");
    }
}

/// What a witness shows is wrong without the rest of the history.
#[test]
fn a_witness_is_illegal_alone() {
    let mut dice = Dice(77);
    let mut seen = BTreeMap::new();
    let mut count = 0;
    while count < 1_000 {
        let theme = *dice.pick(&[Theme::Claims, Theme::Republished, Theme::Suites, Theme::Fifo, Theme::Full]);
        let selection = if theme == Theme::Fifo { Selection::Fifo } else { Selection::Any };
        let spec = Spec { selection, stock_max: if theme == Theme::Full { 3 } else { usize::MAX }, ..Spec::default() };
        let initial = start(&mut dice, theme);
        let lossy = dice.one_in(2);
        let history = history(&mut dice, theme, &spec, &initial, lossy, true);
        let (rule, witness) = match monitor(&spec, &initial, &history) {
            Verdict::Illegal { rule: rule @ ("LAST-ONLY-WHEN-EXHAUSTED" | "CLAIM-SELECTION"), witness, .. } => {
                (rule, witness)
            }
            _ => continue,
        };
        let alone: Vec<_> = witness.iter().map(|at| history[*at].clone()).collect();
        let found = linearize(&spec, &initial, &alone, 1_000_000);
        let refuted = matches!(found, linearize::Verdict::NotLinearizable { .. });
        assert!(refuted, "{rule} {witness:?}\n{}", shown(&initial, &history));
        seen.entry(rule).or_insert_with(BTreeSet::new).insert(witness.len());
        count += 1;
    }
    assert!(seen.len() == 2 && seen.values().all(|sizes| sizes.len() > 2), "{seen:?}");
}
