//! What a step expects to be observed.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, de::Error as _};

use crate::yaml;

pub use crate::vector::{
    matcher::{Matcher, Mismatch},
    reason::Reason,
};

/// What must be observed: one of `ok`, `refused` and `anything`, and more about the answer beside it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The operation succeeds, with an answer that matches.
    #[serde(default)]
    pub ok: Option<Matcher>,
    /// The operation is refused for one of these reasons.
    #[serde(default)]
    pub refused: Option<Reasons>,
    /// Headers of the answer, names in lower case; beside one of the others.
    #[serde(default)]
    pub headers: BTreeMap<String, Matcher>,
    /// The status of the answer; beside one of the others.
    #[serde(default)]
    pub status: Option<u16>,
    /// After how many seconds the refusal says to ask again; beside `refused`.
    #[serde(default)]
    pub retry_after: Option<Matcher>,
    /// The answer as a whole is the one that an earlier step kept with `save_answer`: `$name`; beside one of the others.
    #[serde(default)]
    pub same_as: Option<String>,
    /// The answer comes within so many seconds; beside one of the others.
    #[serde(default)]
    pub within: Option<u32>,
    /// Whatever the answer is: what matters is what later steps find.
    #[serde(default)]
    pub anything: bool,
    /// Why it accepts more than a good server can answer, where it does: `kpd prove` finds out whether that is so.
    #[serde(default)]
    pub loose: Option<String>,
}

impl Expect {
    /// How many of the three are there; one, in a good vector.
    #[must_use]
    pub fn kinds(&self) -> usize {
        usize::from(self.ok.is_some()) + usize::from(self.refused.is_some()) + usize::from(self.anything)
    }
}

/// One reason or several.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Reasons {
    /// This one.
    One(Reason),
    /// Any of these.
    Several(Vec<Reason>),
}

impl Reasons {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Reason] {
        match self {
            Self::One(reason) => std::slice::from_ref(reason),
            Self::Several(reasons) => reasons,
        }
    }
}

impl<'de> Deserialize<'de> for Reasons {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = yaml::Value::deserialize(deserializer)?;
        let reason = |value: &yaml::Value| Reason::deserialize(value).map_err(D::Error::custom);
        match &value {
            yaml::Value::Sequence(items) => items.iter().map(reason).collect::<Result<_, _>>().map(Self::Several),
            one => reason(one).map(Self::One),
        }
    }
}
