//! The rule catalogue: `vectors/rules.yaml`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::yaml::{self, FileError};

/// All rules.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// In the order of the file.
    pub rules: Vec<Rule>,
    /// What the sources leave open: vectors take no side on these.
    #[serde(default)]
    pub open_questions: Vec<OpenQuestion>,
}

/// One rule. Its identifier is for ever; its wording may improve.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Such as `CLAIM-ONCE`.
    pub id: String,
    /// What it asks for.
    pub says: String,
    /// What goes wrong where it is broken.
    pub why: String,
    /// Our level.
    pub level: Level,
    /// The profile that it belongs to.
    pub profile: Profile,
    /// Where it comes from, with the levels of the sources.
    pub cites: Vec<Cite>,
    /// Why it is not covered yet.
    #[serde(default)]
    pub pending: Option<String>,
    /// Why one of its companions (model, core, vector, mutant) is missing for good.
    #[serde(default)]
    pub exempt: BTreeMap<Companion, String>,
}

/// What every rule has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Companion {
    /// A property of the model, or a refusal of the specification.
    Model,
    /// A test of the core.
    Core,
    /// A vector.
    Vector,
    /// A mutant of the server that breaks it.
    Mutant,
}

/// How binding a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Level {
    /// Breaking it is a failure.
    #[serde(rename = "MUST")]
    Must,
    /// Breaking it is a warning.
    #[serde(rename = "SHOULD")]
    Should,
}

/// A set of rules that a server offers, or not.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// One-time hand-out.
    Core,
    /// The last resort.
    LastResort,
    /// Telling the owner.
    Notify,
    /// The signature-key list.
    As,
    /// Authentication and limits.
    Abuse,
}

impl std::fmt::Display for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Core => "core",
            Self::LastResort => "last-resort",
            Self::Notify => "notify",
            Self::As => "as",
            Self::Abuse => "abuse",
        })
    }
}

/// Where a rule comes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cite {
    /// A document with its version, or a public report.
    pub source: String,
    /// The section.
    #[serde(default)]
    pub section: Option<String>,
    /// The level that the source itself gives.
    pub level: SourceLevel,
    /// In our words.
    pub means: String,
}

/// The level that a source gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "the words of RFC 2119")]
pub enum SourceLevel {
    #[serde(rename = "MUST")]
    Must,
    #[serde(rename = "SHOULD")]
    Should,
    #[serde(rename = "MAY")]
    May,
    /// The source says so without a word of RFC 2119.
    #[serde(rename = "none")]
    None,
    /// A real failure that proves the need.
    #[serde(rename = "lesson")]
    Lesson,
}

/// A question that the sources do not settle.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenQuestion {
    /// Its name.
    pub id: String,
    /// The question.
    pub says: String,
    /// What is done here.
    pub choice: String,
}

impl Catalogue {
    /// Reads the catalogue.
    ///
    /// # Errors
    ///
    /// Where the file is not as it should be.
    pub fn read(file: &str, text: &str) -> Result<Self, Box<FileError>> {
        yaml::read(file, text)
    }

    /// A rule by its identifier.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }
}

impl Rule {
    /// Identifier, our level and the sources' levels, such as `CLAIM-ONCE (ours MUST; RFC 9420 §16.8 SHOULD)`.
    #[must_use]
    pub fn with_sources(&self) -> String {
        let lessons = |cite: &&Cite| cite.level != SourceLevel::Lesson;
        let cites = self.cites.iter().filter(lessons).map(|cite| {
            let section = cite.section.as_ref().map_or(String::new(), |section| format!(" §{section}"));
            let level = match cite.level {
                SourceLevel::None | SourceLevel::Lesson => String::new(),
                level => format!(" {level:?}").to_uppercase(),
            };
            format!("{}{section}{level}", cite.source)
        });
        let ours = format!("ours {:?}", self.level).replace("Must", "MUST").replace("Should", "SHOULD");
        let all: Vec<_> = std::iter::once(ours).chain(cites).collect();
        format!("{} ({})", self.id, all.join("; "))
    }
}
