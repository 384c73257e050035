//! Drawings for the page, as SVG: the sequence of a failing story, and the place of each step of a race in time.

use std::fmt::Write as _;

use serde::Serialize;

use crate::{vector::Vector, verdict::Span};

/// A step of a race on a line of 100 units.
#[derive(Debug, Serialize)]
pub(super) struct Bar {
    says: String,
    observed: String,
    from: f64,
    width: f64,
    label: String,
    involved: bool,
}

/// Every step of a race on one scale.
#[derive(Debug, Default, Serialize)]
pub(super) struct Timeline {
    bars: Vec<Bar>,
    /// Where all steps of the proof were under way at once, if they were.
    overlap: Option<(f64, f64)>,
    /// Milliseconds at the left, in the middle and at the right.
    marks: [String; 3],
    others: usize,
}

impl Timeline {
    pub(super) fn of(spans: &[Span]) -> Self {
        let proof = spans.iter().any(|span| span.involved);
        let shown = |span: &&Span| span.path.starts_with("race.") || span.involved;
        let ends = |of: fn(&Span) -> f64| spans.iter().filter(shown).map(of).collect::<Vec<_>>();
        let begin = ends(|span| span.sent_ms).into_iter().fold(f64::INFINITY, f64::min);
        let end = ends(|span| span.answered_ms).into_iter().fold(begin, f64::max);
        let scale = if end > begin { 100.0 / (end - begin) } else { 0.0 };
        let bar = |span: &Span| Bar {
            says: span.says.clone(),
            observed: span.observed.clone(),
            from: (span.sent_ms - begin) * scale,
            // A step that took no time is still to be seen.
            width: ((span.answered_ms - span.sent_ms) * scale).max(0.6),
            label: format!("{:.3} – {:.3} ms", span.sent_ms, span.answered_ms),
            involved: span.involved || !proof,
        };
        let bars: Vec<Bar> = spans.iter().filter(shown).map(bar).collect();
        let involved = || spans.iter().filter(|span| span.involved);
        let latest = involved().map(|span| span.sent_ms).fold(f64::NEG_INFINITY, f64::max);
        let earliest = involved().map(|span| span.answered_ms).fold(f64::INFINITY, f64::min);
        let overlap = (involved().count() >= 2 && latest < earliest)
            .then_some(((latest - begin) * scale, (earliest - latest) * scale));
        let mark = |at: f64| format!("{at:.1} ms");
        let marks = if bars.is_empty() {
            Default::default()
        } else {
            [mark(begin), mark(f64::midpoint(begin, end)), mark(end)]
        };
        Self { others: bars.iter().filter(|bar| !bar.involved).count(), bars, overlap, marks }
    }
}

const LEFT: usize = 60;
const BETWEEN: usize = 170;
const TOP: usize = 40;
const STEP: usize = 52;
const LABEL_MAX: usize = 52;
/// A letter is hardly wider, of whatever font.
const LETTER: usize = 7;

/// Who asked the server what, and what it answered.
pub(super) fn sequence(vector: &Vector, spans: &[Span]) -> String {
    let actor = |span: &Span| {
        let first = span.says.split(' ').next().unwrap_or_default().to_string();
        if span.exchanges.is_empty() || vector.client(&first).is_none() { "the suite".into() } else { first }
    };
    let mut actors: Vec<String> = vec![];
    for span in spans {
        let name = actor(span);
        if !actors.contains(&name) {
            actors.push(name);
        }
    }
    let server = LEFT + actors.len() * BETWEEN;
    let column = |name: &str| LEFT + actors.iter().position(|known| known == name).unwrap_or_default() * BETWEEN;
    let label = |span: &Span| {
        let longest = [&span.says, &span.observed].map(|text| short(text).chars().count()).into_iter().max();
        column(&actor(span)) + longest.unwrap_or_default() * LETTER
    };
    let width = spans.iter().map(label).chain([server]).max().unwrap_or(server) + LEFT;
    let height = TOP + spans.len() * STEP + 20;
    let mut svg = format!(
        "<svg class=\"sequence\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" role=\"img\" aria-label=\"who asked what, step by step\">"
    );
    let columns = actors.iter().enumerate().map(|(at, name)| (LEFT + at * BETWEEN, name.as_str()));
    for (x, name) in columns.chain([(server, "server")]) {
        let _ = write!(
            svg,
            "<text class=\"actor\" x=\"{x}\" y=\"18\" text-anchor=\"middle\">{}</text><line class=\"life\" x1=\"{x}\" y1=\"26\" x2=\"{x}\" y2=\"{height}\"/>",
            escaped(name)
        );
    }
    for (number, span) in spans.iter().enumerate() {
        let name = actor(span);
        let x = column(&name);
        let (there, back) = (TOP + number * STEP + 14, TOP + number * STEP + 36);
        let class = if span.involved { "step involved" } else { "step" };
        let says = span.says.strip_prefix(&name).unwrap_or(&span.says).trim();
        let _ = write!(svg, "<g class=\"{class}\"><title>{}: {}</title>", escaped(&span.path), escaped(&span.observed));
        let _ = write!(svg, "<text x=\"{}\" y=\"{}\">{}</text>", x + 6, there - 4, escaped(&short(says)));
        if span.exchanges.is_empty() {
            let _ = write!(svg, "<circle cx=\"{x}\" cy=\"{there}\" r=\"3\"/>");
        } else {
            arrow(&mut svg, x, server, there);
            arrow(&mut svg, server, x, back);
        }
        let _ = write!(
            svg,
            "<text class=\"answer\" x=\"{}\" y=\"{}\">{}</text></g>",
            x + 6,
            back - 4,
            escaped(&short(&span.observed))
        );
    }
    svg + "</svg>"
}

fn arrow(svg: &mut String, from: usize, to: usize, y: usize) {
    let head = if to > from { to.saturating_sub(7) } else { to + 7 };
    let (above, below) = (y.saturating_sub(4), y + 4);
    let _ = write!(
        svg,
        "<line x1=\"{from}\" y1=\"{y}\" x2=\"{to}\" y2=\"{y}\"/><path d=\"M{to} {y}L{head} {above}L{head} {below}Z\"/>"
    );
}

fn short(text: &str) -> String {
    if text.chars().count() <= LABEL_MAX {
        return text.into();
    }
    text.chars().take(LABEL_MAX - 1).chain(['…']).collect()
}

/// What servers answer is text, never markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
