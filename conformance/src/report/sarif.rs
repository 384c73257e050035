//! SARIF 2.1.0, which code hosts show beside the code: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/>.

use serde_json::{Value, json};

use crate::{
    catalogue::{Level, Rule},
    report::Report,
    verdict::{Exit, Failure, Judged, Verdict},
};

/// The report as SARIF: a result for each broken rule, a notification for what has no verdict.
#[must_use]
pub fn of(report: &Report<'_>) -> Value {
    let results: Vec<Value> = report.failures().map(|(judged, failure)| result(report, judged, failure)).collect();
    let unexpected = report.judged.iter().filter_map(|judged| unexpected(report, judged));
    let results: Vec<Value> = results.into_iter().chain(unexpected).collect();
    let notifications: Vec<Value> = report.judged.iter().filter_map(notification).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "kpd",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": report.catalogue.rules.iter().map(rule).collect::<Vec<_>>(),
            }},
            "invocations": [{
                "executionSuccessful": !matches!(report.exit, Exit::Bug | Exit::Unreachable | Exit::Usage),
                "exitCode": report.exit as u8,
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
            "columnKind": "unicodeCodePoints",
            "properties": { "server": report.server, "seed": report.begun.seed },
        }],
    })
}

fn rule(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": { "text": rule.says.trim() },
        "fullDescription": { "text": rule.why.trim() },
        "help": { "text": format!("{}. kpd explain {}", rule.with_sources(), rule.id) },
        "defaultConfiguration": { "level": level(rule.level) },
        "properties": { "tags": [rule.profile.to_string()] },
    })
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Must => "error",
        Level::Should => "warning",
    }
}

fn result(report: &Report<'_>, judged: &Judged, failure: &Failure) -> Value {
    let id = &judged.vector.id;
    let mut result = json!({
        "ruleId": failure.rule,
        "level": if matches!(judged.verdict, Verdict::Warn(_)) { "warning" } else { "error" },
        "message": { "text": format!("{}\n{}", failure.says, judged.vector.why.trim()) },
        "locations": [location(report, id, &failure.path)],
        "partialFingerprints": { "vectorAndRule/v1": format!("{id} {}", failure.rule) },
    });
    if let Some(index) = report.catalogue.rules.iter().position(|rule| rule.id == failure.rule) {
        result["ruleIndex"] = index.into();
    }
    if let Verdict::Xfail { comment, .. } = &judged.verdict {
        result["suppressions"] = json!([{ "kind": "external", "justification": comment }]);
    }
    result
}

/// What passes although it is listed as failing.
fn unexpected(report: &Report<'_>, judged: &Judged) -> Option<Value> {
    let Verdict::Xpass { comment } = &judged.verdict else { return None };
    let (id, rule) = (&judged.vector.id, judged.vector.rules.first()?);
    Some(json!({
        "ruleId": rule,
        "level": "error",
        "message": { "text": comment },
        "locations": [location(report, id, "")],
        "partialFingerprints": { "vectorAndRule/v1": format!("{id} XPASS") },
    }))
}

fn location(report: &Report<'_>, id: &str, path: &str) -> Value {
    let (file, line) = report.place(id, path);
    json!({
        "physicalLocation": { "artifactLocation": { "uri": file }, "region": { "startLine": line } },
        "logicalLocations": [{ "fullyQualifiedName": format!("{id} {path}").trim_end() }],
    })
}

fn notification(judged: &Judged) -> Option<Value> {
    let level = match judged.verdict {
        Verdict::Error { .. } | Verdict::Gone { .. } | Verdict::Blocked { .. } => "error",
        Verdict::Inconclusive { .. } => "warning",
        _ => return None,
    };
    let says = format!("{} {}: {}", judged.verdict.word(), judged.vector.id, judged.verdict.reason()?);
    Some(json!({ "level": level, "message": { "text": says } }))
}
