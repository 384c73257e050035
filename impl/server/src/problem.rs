//! Every answer that is not a success: a problem document (RFC 9457) whose type says what to do.

mod kinds;
#[cfg(test)]
mod tests;

use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use kinds::ProblemKind;

/// A problem document.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Stable, and explained at this very path.
    #[serde(rename = "type", serialize_with = "as_path")]
    #[schema(value_type = String, example = "/problems/not-owner")]
    pub(crate) kind: ProblemKind,
    /// The same for all problems of the type.
    pub(crate) title: &'static str,
    /// The HTTP status once more.
    pub(crate) status: u16,
    /// What is wrong with this request.
    pub(crate) detail: String,
    /// Of `unauthenticated` alone: missing, malformed, stale, replayed, unknown-key, invalid or digest-mismatch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'static str>,
    /// Of `rate-limited` and `requester-unresolvable` alone: seconds, as in Retry-After.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after: Option<u64>,
    /// Of `key-packages-refused` alone: each faulty item.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) items: Vec<ItemProblem>,
}

/// What is wrong with one item of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ItemProblem {
    /// Its place in the batch, from 0.
    pub(crate) index: usize,
    /// Stable, and explained at this very path.
    #[serde(rename = "type", serialize_with = "as_path")]
    #[schema(value_type = String, example = "/problems/already-used")]
    pub(crate) kind: ProblemKind,
    /// What is wrong with this item.
    pub(crate) detail: String,
}

/// What a type of problem means.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Explanation {
    /// The type.
    #[serde(rename = "type", serialize_with = "as_path")]
    #[schema(value_type = String, example = "/problems/not-owner")]
    kind: ProblemKind,
    /// What it is.
    title: &'static str,
    /// What the client can do.
    what_to_do: &'static str,
    /// The rules that it comes from, as named in the rule catalogue.
    rules: &'static [&'static str],
}

impl Problem {
    pub(crate) fn new(kind: ProblemKind, detail: impl ToString) -> Self {
        let status = kind.status().as_u16();
        let (title, detail) = (kind.title(), detail.to_string());
        Self { kind, title, status, detail, reason: None, retry_after: None, items: vec![] }
    }
}

impl Explanation {
    pub(crate) fn of(name: &str) -> Option<Self> {
        let kind = *ProblemKind::ALL.iter().find(|kind| kind.name() == name)?;
        Some(Self { kind, title: kind.title(), what_to_do: kind.what_to_do(), rules: kind.rules() })
    }
}

fn as_path<S: serde::Serializer>(kind: &ProblemKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("/problems/{}", kind.name()))
}
