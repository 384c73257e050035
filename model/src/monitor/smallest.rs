//! Of all answers that are wrong, one that the fewest packages show: counted without listing them.

use crate::monitor::{cover::Stretch, limit::Moment};

/// From each stretch to the one that reaches furthest of those that begin before its end.
pub(super) struct Steps {
    /// The stretches that reach further than all that begin before them, so that both ends grow.
    records: Vec<Stretch>,
    /// The next one, and one further on, so that many steps are taken at once.
    next: Vec<(usize, usize)>,
    /// How many steps there are until the union ends.
    left: Vec<usize>,
}

impl Steps {
    /// `stretches` are in the order of their begins.
    pub(super) fn of(stretches: &[Stretch]) -> Self {
        let mut records: Vec<Stretch> = vec![];
        for stretch in stretches {
            if records.last().is_none_or(|last| last.to.at < stretch.to.at) {
                records.push(*stretch);
            }
        }
        let mut next = vec![(0, 0); records.len()];
        let mut left = vec![0; records.len()];
        for at in (0..records.len()).rev() {
            let reached = last_before(&records, records[at].to.at).unwrap_or(at);
            if reached <= at {
                next[at] = (at, at);
                continue;
            }
            left[at] = left[reached] + 1;
            // Two jumps of one length become one of twice the length (Myers 1983): every way is logarithmic.
            let one = next[reached].1;
            let two = next[one].1;
            let equal = left[reached] - left[one] == left[one] - left[two];
            next[at] = (reached, if equal { two } else { reached });
        }
        Self { records, next, left }
    }

    /// How many stretches cover all from one moment to the other, which are known to be covered: the fewest.
    ///
    /// Of those that begin in time the one that reaches furthest is as good as any, and so on from its end.
    pub(super) fn count(&self, from: Moment, to: Moment) -> usize {
        let Some(first) = last_before(&self.records, from) else { return 0 };
        let mut at = first;
        while self.records[at].to.at <= to && self.left[at] > 0 {
            let (next, further) = self.next[at];
            at = if self.records[further].to.at <= to { further } else { next };
        }
        1 + self.left[first] - self.left[at]
    }

    /// These stretches.
    pub(super) fn list(&self, from: Moment, to: Moment) -> Vec<Stretch> {
        let Some(first) = last_before(&self.records, from) else { return vec![] };
        let way = std::iter::successors(Some(first), |at| {
            (self.records[*at].to.at <= to && self.left[*at] > 0).then(|| self.next[*at].0)
        });
        way.map(|at| self.records[at]).collect()
    }
}

fn last_before(records: &[Stretch], moment: Moment) -> Option<usize> {
    records.partition_point(|record| record.from.at < moment).checked_sub(1)
}
