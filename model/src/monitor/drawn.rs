//! A witness as a drawing: each of its operations as a bar over the times that matter.

use std::{collections::BTreeSet, fmt::Write};

use crate::linearize::Operation;

/// The operations at these positions, a line each, with bars from sending to answer; times are ranks, not to scale.
///
/// ```text
/// 0 |=|         client1's publication of p1 -> done
/// 1     |===|   r9's claim -> the last resort p90 from client1
/// 2       |===> r8's claim -> no answer
/// ```
#[must_use]
pub fn drawn(history: &[Operation], positions: &[usize]) -> String {
    let operations = || positions.iter().filter_map(|at| Some((*at, history.get(*at)?)));
    let times: BTreeSet<u64> =
        operations().flat_map(|(_, operation)| operation.returned.into_iter().chain([operation.invoked])).collect();
    let column = |time: u64| 2 * times.range(..time).count();
    let width = 2 * times.len() + 1;
    let digits = positions.iter().max().map_or(1, |at| at.to_string().len());
    let mut lines = String::new();
    for (at, operation) in operations() {
        let begin = column(operation.invoked);
        let bar = match operation.returned.map(column) {
            // What was sent and answered at one time is a point.
            Some(end) if end <= begin => "|".into(),
            Some(end) => format!("|{}|", "=".repeat(end - begin - 1)),
            None => format!("|{}>", "=".repeat((width - 1).saturating_sub(begin + 1))),
        };
        let answer = operation.outcome.as_ref().map_or_else(|| "no answer".into(), ToString::to_string);
        let bar = format!("{}{bar}", " ".repeat(begin));
        let _ = writeln!(lines, "{at:>digits$} {bar:<width$} {} -> {answer}", operation.op);
    }
    lines
}
