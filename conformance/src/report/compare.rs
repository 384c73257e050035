//! Several runs beside each other: servers × rules, as a table for the terminal and as one self-contained page.

use minijinja::{Environment, context, value::Serde};
use serde::Serialize;

use crate::{
    catalogue::Catalogue,
    report::json::{JsonReport, JsonVector},
    verdict::Failure,
};

static TEMPLATE: &str = include_str!("compare.html");
static STYLE: &str = include_str!("report.css");

/// What several runs say of each rule and of each vector.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// The servers, in the order in which the runs were given.
    pub servers: Vec<Server>,
    /// Every rule that some run says anything of, in the order of the catalogue.
    pub rules: Vec<Row>,
    /// Every vector, by id.
    pub vectors: Vec<Row>,
}

/// One run.
#[derive(Debug, Serialize)]
pub struct Server {
    /// What it is called here.
    pub name: String,
    /// The name of its binding, and where it was.
    pub server: String,
    /// The version of the suite.
    pub suite: String,
    /// How it ended.
    pub exit: String,
    /// Rules that are kept, and broken.
    pub kept: usize,
    /// See there.
    pub broken: usize,
}

/// A rule or a vector, with one cell for each run.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// The rule in a sentence, or the vector's title.
    pub says: String,
    /// What each run says, in the order of the servers.
    pub cells: Vec<Cell>,
    /// Whether the runs do not all say the same.
    pub differs: bool,
}

/// What one run says of a rule or a vector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// A verdict as in the report, or `-`, if it says nothing.
    pub word: String,
    /// What is behind it: how a rule is broken, why a vector was skipped.
    pub why: String,
}

/// Compares runs, each with its name.
#[must_use]
pub fn of(runs: &[(String, JsonReport)], catalogue: &Catalogue) -> Comparison {
    let says_anything = |row: &Row| row.cells.iter().any(|cell| cell.word != NOTHING);
    let rules = catalogue.rules.iter().map(|rule| {
        let cells = runs.iter().map(|(_, run)| of_rule(&rule.id, &run.vectors)).collect();
        Row::new(rule.id.clone(), rule.says.clone(), cells)
    });
    let rules: Vec<Row> = rules.filter(says_anything).collect();
    let mut vectors: Vec<(&str, &str)> =
        runs.iter().flat_map(|(_, run)| &run.vectors).map(|vector| (&*vector.id, &*vector.title)).collect();
    vectors.sort_unstable();
    vectors.dedup_by_key(|(id, _)| *id);
    let vectors = vectors.into_iter().map(|(id, title)| {
        let cells = runs.iter().map(|(_, run)| of_vector(run.vectors.iter().find(|vector| vector.id == id))).collect();
        Row::new(id.into(), title.into(), cells)
    });
    let servers = runs.iter().enumerate().map(|(place, (name, run))| {
        let count = |words: &[&str]| rules.iter().filter(|rule| words.contains(&&*rule.cells[place].word)).count();
        Server {
            name: name.clone(),
            server: run.server.clone(),
            suite: run.suite.clone(),
            exit: run.exit.clone(),
            kept: count(&[KEPT]),
            broken: count(&["FAIL", "WARN", "XFAIL"]),
        }
    });
    Comparison { servers: servers.collect(), vectors: vectors.collect(), rules }
}

impl Row {
    fn new(id: String, says: String, cells: Vec<Cell>) -> Self {
        let differs = cells.windows(2).any(|pair| pair[0].word != pair[1].word);
        Self { id, says, cells, differs }
    }
}

/// A rule is broken where a vector failed by it, whichever vector that was. It is kept where one that checks it passed
/// and none failed by it.
fn of_rule(id: &str, vectors: &[JsonVector]) -> Cell {
    let broken = |vector: &&JsonVector| broken_in(vector, id).is_some();
    // A failure that is known does not hide one that is not.
    let severity = |vector: &&JsonVector| ["FAIL", "WARN", "XFAIL"].iter().position(|word| vector.verdict == *word);
    if let Some(vector) = vectors.iter().filter(broken).min_by_key(|vector| severity(vector).unwrap_or(usize::MAX)) {
        let says = broken_in(vector, id).map_or("", |failure| &failure.says);
        return Cell { word: vector.verdict.clone(), why: format!("{}: {says}", vector.id) };
    }
    let checking: Vec<&JsonVector> =
        vectors.iter().filter(|vector| vector.rules.iter().any(|rule| rule == id)).collect();
    // What says most comes first.
    for word in [KEPT, "INCONCLUSIVE", "GONE", "BLOCKED", "ERROR", "SKIP"] {
        // What passes although it is listed as failing, passes.
        let says = |vector: &&&JsonVector| vector.verdict == word || (word == KEPT && vector.verdict == "XPASS");
        let told: Vec<_> = checking.iter().filter(says).collect();
        if let Some(first) = told.first() {
            let reason = first.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
            return Cell { word: word.into(), why: format!("{} of {} vectors{reason}", told.len(), checking.len()) };
        }
    }
    let why = if checking.is_empty() { "no vector speaks of it" } else { "its vectors failed by another rule" };
    Cell { word: NOTHING.into(), why: why.into() }
}

fn broken_in<'a>(vector: &'a JsonVector, rule: &str) -> Option<&'a Failure> {
    vector.failure.iter().flat_map(Failure::all).find(|failure| failure.rule == rule)
}

fn of_vector(vector: Option<&JsonVector>) -> Cell {
    let Some(vector) = vector else { return Cell { word: NOTHING.into(), why: "it was not run".into() } };
    let why = match (&vector.failure, &vector.reason) {
        (Some(failure), _) => format!("{}: {}", failure.rule, failure.says),
        (None, reason) => reason.clone().unwrap_or_default(),
    };
    Cell { word: vector.verdict.clone(), why }
}

const NOTHING: &str = "-";
const KEPT: &str = "PASS";

impl Comparison {
    /// The rules of which the runs say different things, and how many of each there are.
    #[must_use]
    pub fn text(&self) -> String {
        let wide = |name: &str| name.chars().count().max(12);
        let mut lines = vec![];
        let names: Vec<String> =
            self.servers.iter().map(|server| format!("{:<1$}", server.name, wide(&server.name))).collect();
        lines.push(format!("{:<28}  {}", "rules that differ", names.join("  ")));
        let told = |row: &&Row| row.cells.iter().all(|cell| cell.word != NOTHING);
        for row in self.rules.iter().filter(|row| row.differs).filter(told) {
            let cell = |(cell, server): (&Cell, &Server)| format!("{:<1$}", cell.word, wide(&server.name));
            let cells: Vec<String> = row.cells.iter().zip(&self.servers).map(cell).collect();
            lines.push(format!("{:<28}  {}", row.id, cells.join("  ")));
        }
        let partly = self.rules.iter().filter(|row| !told(row)).count();
        if partly > 0 {
            lines.push(format!("(of {partly} more rules not every run says anything)"));
        }
        for server in &self.servers {
            let Server { name, server, exit, kept, broken, .. } = server;
            lines.push(format!("{name}: {exit}, {kept} rules kept, {broken} broken ({server})"));
        }
        lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
    }

    /// The page.
    ///
    /// # Errors
    ///
    /// If the template and what it is given do not fit.
    pub fn page(&self) -> Result<String, String> {
        let mut environment = Environment::new();
        // The ending of the name makes it escape what is put in: reports are not trusted.
        environment.add_template("compare.html", TEMPLATE).map_err(|error| error.to_string())?;
        let template = environment.get_template("compare.html").map_err(|error| error.to_string())?;
        let page = template.render(context! { style => STYLE, compared => Serde(self) });
        page.map_err(|error| format!("{error:#}"))
    }
}
