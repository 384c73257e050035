//! Workflow commands with which GitHub marks lines: `::error file=…,line=…::…`.

use crate::{
    report::Report,
    verdict::{Judged, Verdict},
};

/// One line for each vector that asks for attention.
#[must_use]
pub fn lines(report: &Report<'_>) -> Vec<String> {
    report.judged.iter().filter_map(|judged| line(report, judged)).collect()
}

fn line(report: &Report<'_>, judged: &Judged) -> Option<String> {
    let kind = match judged.verdict {
        Verdict::Fail(_) | Verdict::Xpass { .. } => "error",
        Verdict::Blocked { .. } | Verdict::Gone { .. } | Verdict::Error { .. } => "error",
        Verdict::Warn(_) | Verdict::Inconclusive { .. } => "warning",
        Verdict::Pass | Verdict::Skip { .. } | Verdict::Xfail { .. } => return None,
    };
    let failure = judged.verdict.failure();
    let (file, line) = report.place(&judged.vector.id, failure.map_or("", |failure| &failure.path));
    let (rule, says) = match failure {
        Some(failure) => (failure.rule.as_str(), failure.says.as_str()),
        None => (judged.verdict.word(), judged.verdict.reason().unwrap_or_default()),
    };
    let title = format!("{rule} {}", judged.vector.id);
    Some(format!("::{kind} file={},line={line},title={}::{}", property(&file), property(&title), data(says)))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
