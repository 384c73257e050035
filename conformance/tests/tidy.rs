//! Keeps what can be kept by looking at the files: every rule has its companions, every crate its place.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use kpd_conformance::{
    catalogue::{Catalogue, Companion, Rule},
    library::Library,
};
use kpd_server::mutants::{MUTANTS, UNSEEN_MUTANTS};

/// A longer file has two things in it.
const LINES_MAX: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn catalogue() -> Catalogue {
    Catalogue::read("vectors/rules.yaml", &read("vectors/rules.yaml")).unwrap()
}

/// Every Rust file of the project, by its path from the top.
fn sources() -> BTreeMap<String, String> {
    fn collect(directory: &Path, files: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    collect(&path, files);
                }
            } else if name.ends_with(".rs") {
                let text = fs::read_to_string(&path).unwrap();
                let name = path.strip_prefix(root()).unwrap().display().to_string();
                files.insert(name, text);
            }
        }
    }
    let mut files = BTreeMap::new();
    collect(&root(), &mut files);
    files
}

/// Which companions a rule has.
fn companions(rule: &Rule, library: &Library, core_tests: &str) -> BTreeSet<Companion> {
    let there = [
        (Companion::Model, kpd_model::rules::named().contains(rule.id.as_str())),
        (Companion::Core, core_tests.contains(&format!("`{}`", rule.id))),
        (Companion::Vector, library.vectors.iter().any(|vector| vector.rules.contains(&rule.id))),
        (Companion::Mutant, MUTANTS.iter().chain(UNSEEN_MUTANTS).any(|mutant| mutant.breaks == rule.id)),
    ];
    there.into_iter().filter(|(_, there)| *there).map(|(companion, _)| companion).collect()
}

/// What names a rule in the core's tests.
fn core_tests() -> String {
    // What stands above a test, or at the head of a file of tests, and names the rule that is held there.
    let above_tests = |text: String| {
        // Those of a `proptest!` are indented.
        let lines: Vec<_> = text.lines().map(|line| line.trim_start().to_string()).collect();
        let tests = lines.iter().any(|line| line.starts_with("#[test]"));
        let named = (0..lines.len()).filter(|at| {
            let after = lines[*at..].iter().find(|line| !line.starts_with("///"));
            let above = lines[*at].starts_with("///") && after.is_some_and(|line| line.starts_with("#[test]"));
            above || (tests && lines[*at].starts_with("//!"))
        });
        named.map(|at| lines[at].clone()).collect::<String>()
    };
    let core = sources().into_iter().filter(|(name, _)| name.starts_with("impl/tests/"));
    core.map(|(_, text)| above_tests(text)).collect()
}

const ALL: [Companion; 4] = [Companion::Model, Companion::Core, Companion::Vector, Companion::Mutant];

#[test]
fn every_rule_has_a_model_property_a_core_test_a_vector_and_a_mutant_or_a_written_reason() {
    let (catalogue, library) = (catalogue(), Library::of_directory(&root().join("vectors")).unwrap());
    let core_tests = core_tests();
    let mut missing = vec![];
    for rule in catalogue.rules.iter().filter(|rule| rule.pending.is_none()) {
        let there = companions(rule, &library, &core_tests);
        for companion in ALL {
            match (there.contains(&companion), rule.exempt.contains_key(&companion)) {
                (false, false) => missing.push(format!("{} has no {companion:?}", rule.id)),
                (true, true) => missing.push(format!("{} has a {companion:?}, and a reason why not", rule.id)),
                _ => {}
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn pending_rules_are_counted_and_those_that_vectors_check_say_what_they_wait_for() {
    let (catalogue, library) = (catalogue(), Library::of_directory(&root().join("vectors")).unwrap());
    let core_tests = core_tests();
    let pending: Vec<_> = catalogue.rules.iter().filter(|rule| rule.pending.is_some()).collect();
    // A rule that leaves this list is one more that is kept: change the number with it.
    let ids: Vec<_> = pending.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(pending.len(), 0, "{ids:?}");
    let mut wrong = vec![];
    for rule in pending {
        let there = companions(rule, &library, &core_tests);
        let lacks: Vec<_> = ALL.into_iter().filter(|it| !there.contains(it) && !rule.exempt.contains_key(it)).collect();
        if lacks.is_empty() {
            wrong.push(format!("{} is pending and waits for nothing", rule.id));
        }
        let says = rule.pending.as_deref().unwrap_or_default();
        let named = [(Companion::Model, "model"), (Companion::Core, "core test"), (Companion::Mutant, "mutant")];
        let named: Vec<_> = named.into_iter().filter(|(_, word)| says.contains(word)).map(|(it, _)| it).collect();
        if there.contains(&Companion::Vector) && lacks != named {
            wrong.push(format!("vectors check {}, which lacks {lacks:?} and says: {says}", rule.id));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let readme = read("README.md");
    let named: Vec<_> = ids.iter().filter(|id| readme.contains(**id)).collect();
    assert!(named.is_empty(), "the README claims pending rules: {named:?}");
}

#[test]
fn the_readme_shows_as_many_vectors_and_rules_as_there_are() {
    let library = Library::of_directory(&root().join("vectors")).unwrap();
    let numbers = |line: &str| -> Vec<usize> {
        line.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect()
    };
    let readme = read("README.md");
    let line = |with: &str| numbers(readme.lines().find(|line| line.contains(with)).unwrap());
    // What passes and what is skipped, of a run against the reference.
    let shown: usize = line(" against reference at ")[..2].iter().sum();
    assert_eq!(shown, library.vectors.len(), "the README shows a run of as many vectors as there were once");
    let checked: BTreeSet<_> = library.vectors.iter().flat_map(|vector| &vector.rules).collect();
    let rules = [checked.len(), library.catalogue.rules.len()];
    assert_eq!(line(" rules checked;")[..2], rules, "the README shows as many rules as there were once");
}

#[test]
fn rules_have_citations_and_mutants_break_rules_that_exist() {
    let catalogue = catalogue();
    let mut ids = BTreeSet::new();
    for rule in &catalogue.rules {
        assert!(!rule.cites.is_empty(), "{} cites nothing", rule.id);
        assert!(ids.insert(&rule.id), "{} is there twice", rule.id);
    }
    for mutant in MUTANTS.iter().chain(UNSEEN_MUTANTS) {
        assert!(catalogue.rule(mutant.breaks).is_some(), "{} breaks {}", mutant.name, mutant.breaks);
    }
    let names: BTreeSet<_> = MUTANTS.iter().chain(UNSEEN_MUTANTS).map(|mutant| mutant.name).collect();
    assert_eq!(names.len(), MUTANTS.len() + UNSEEN_MUTANTS.len(), "two mutants have one name");
}

#[test]
fn every_file_says_what_lives_in_it_and_is_short() {
    let mut wrong = vec![];
    for (name, text) in sources() {
        if !text.starts_with("//! ") {
            wrong.push(format!("{name} does not open with //!"));
        }
        let lines = text.lines().count();
        if lines > LINES_MAX {
            wrong.push(format!("{name} has {lines} lines"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_crate_knows_more_than_it_should() {
    let forbidden = [
        ("model/Cargo.toml", &["openmls", "tokio", "axum", "reqwest", "kpd-directory", "kpd-server"][..]),
        ("impl/Cargo.toml", &["tokio", "axum", "hyper", "reqwest", "httpsig", "rand", "kpd-server"]),
        ("impl/server/Cargo.toml", &["kpd-model", "kpd-conformance"]),
    ];
    for (manifest, names) in forbidden {
        let text = read(manifest);
        let dependencies = text.split("[dependencies]").nth(1).and_then(|rest| rest.split("\n[").next()).unwrap();
        let found: Vec<_> = names
            .iter()
            .filter(|name| dependencies.lines().any(|line| line.split(['.', ' ', '=']).next() == Some(name)))
            .collect();
        assert!(found.is_empty(), "{manifest} depends on {found:?}");
    }
    // The suite knows the reference server where it starts it, serves it, and lists its mutants; nowhere else.
    let knows: Vec<_> = sources()
        .into_iter()
        .filter(|(name, text)| name.starts_with("conformance/src/") && text.contains("kpd_server"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        knows,
        [
            "conformance/src/cli/audit.rs",
            "conformance/src/cli/info.rs",
            "conformance/src/cli/mutants.rs",
            "conformance/src/cli/resolve.rs",
            "conformance/src/cli/serve.rs",
            "conformance/src/embedded.rs"
        ]
    );
}

#[test]
fn every_crate_keeps_the_lints_and_every_dependency_has_a_reason() {
    for manifest in ["model", "impl", "impl/server", "conformance", "benches"] {
        let text = read(format!("{manifest}/Cargo.toml"));
        assert!(text.contains("[lints]\nworkspace = true"), "{manifest} does not keep the workspace's lints");
    }
    let workspace = read("Cargo.toml");
    let dependencies = workspace.split("[workspace.dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    // A comment stands for the lines below it, up to a blank line or the next comment.
    let mut reason = true;
    for line in dependencies.lines().filter(|line| !line.starts_with("kpd-")) {
        match line {
            "" => reason = false,
            comment if comment.starts_with('#') => reason = true,
            dependency => assert!(reason, "no reason for {dependency}"),
        }
    }
}
