//! JUnit XML, as CI systems show it.

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use crate::{
    report::Report,
    verdict::{Judged, Verdict},
};

/// The report as JUnit XML.
///
/// # Errors
///
/// If it cannot be written as XML.
pub fn xml(report: &Report<'_>) -> Result<String, String> {
    let mut junit = Junit::new("kpd");
    junit.set_time(report.took);
    let mut groups: Vec<&str> = report.judged.iter().map(group).collect();
    groups.dedup();
    for group_name in groups {
        let mut suite = TestSuite::new(group_name);
        // What it takes to run the same again.
        let seed = report.begun.seed.to_string();
        let properties = [("kpd", env!("CARGO_PKG_VERSION")), ("server", report.server.as_str()), ("seed", &seed)];
        suite.add_properties(properties);
        suite.add_test_cases(report.judged.iter().filter(|judged| group(judged) == group_name).map(case));
        junit.add_test_suite(suite);
    }
    junit.to_string().map_err(|error| error.to_string())
}

fn group(judged: &Judged) -> &str {
    judged.vector.id.split('/').next().unwrap_or("vectors")
}

fn case(judged: &Judged) -> TestCase {
    let status = match &judged.verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Warn(failure) => {
            // JUnit knows no warnings: it passes, and its output says what was broken.
            let mut case = TestCase::new(judged.vector.id.as_str(), TestCaseStatus::success());
            case.set_time(judged.took).set_classname(group(judged));
            case.set_system_out(format!("WARN {}: {}", failure.rule, failure.says));
            return case;
        }
        Verdict::Fail(failure) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type(failure.rule.as_str()).set_message(failure.says.as_str());
            let spans = failure.timeline.iter().map(|span| {
                let mark = if span.involved { ">" } else { " " };
                format!("{mark} {:.3}-{:.3} ms {} {}", span.sent_ms, span.answered_ms, span.says, span.observed)
            });
            let also = failure.also.iter().map(|also| format!("also {}: {}", also.rule, also.says));
            let lines: Vec<_> = failure.details.iter().cloned().chain(spans).chain(also).collect();
            status.set_description(lines.join("\n"));
            status
        }
        Verdict::Xpass { comment } => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type("XPASS").set_message(comment.clone());
            status
        }
        Verdict::Skip { reason } | Verdict::Xfail { comment: reason, .. } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("{}: {reason}", judged.verdict.word()));
            status
        }
        Verdict::Blocked { reason }
        | Verdict::Inconclusive { reason }
        | Verdict::Gone { reason }
        | Verdict::Error { reason } => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_type(judged.verdict.word()).set_message(reason.as_str());
            status
        }
    };
    let mut case = TestCase::new(judged.vector.id.as_str(), status);
    case.set_time(judged.took).set_classname(group(judged));
    case
}
