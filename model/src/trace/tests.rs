//! One counterexample in every format, and what every vector has.

use super::*;
use crate::{check::counterexample, mutants::MUTANTS};

fn rendered(name: &str, format: Format) -> String {
    counterexample(name).expect("caught").render(format)
}

#[test]
fn a_counterexample_in_every_format() {
    let name = "revives-republished";
    insta::assert_snapshot!("story", rendered(name, Format::Story));
    insta::assert_snapshot!("mermaid", rendered(name, Format::Mermaid));
    insta::assert_snapshot!("itf", rendered(name, Format::Itf));
    insta::assert_snapshot!("vector", rendered(name, Format::Vector));
}

#[test]
fn a_vector_follows_every_choice() {
    insta::assert_snapshot!("vector-clears-used", rendered("clears-used", Format::Vector));
    insta::assert_snapshot!("vector-acknowledges-everything", rendered("acknowledges-everything", Format::Vector));
    insta::assert_snapshot!("vector-withdraws-what-is-granted", rendered("withdraws-what-is-granted", Format::Vector));
    insta::assert_snapshot!("vector-ignores-suites", rendered("ignores-suites", Format::Vector));
    insta::assert_snapshot!("vector-leaves-expiry", rendered("leaves-expiry-to-a-cleaner", Format::Vector));
}

#[test]
fn a_fault_that_needs_two_at_once_becomes_a_race() {
    insta::assert_snapshot!("vector-withdraws-without-version", rendered("withdraws-without-version", Format::Vector));
}

#[test]
fn every_counterexample_is_a_vector_or_says_why_not() {
    let mut not = vec![];
    for mutant in MUTANTS {
        let vector = rendered(mutant.name, Format::Vector);
        if vector.starts_with("# No vector: ") {
            not.push((mutant.name, vector));
            continue;
        }
        let lines: Vec<_> = vector.lines().collect();
        assert_eq!(lines[0], "# yaml-language-server: $schema=../schema/vector.schema.json");
        assert_eq!(lines[1], format!("id: model/{}", mutant.name));
        for key in ["title: \"", "why: \"", "rules: [", "users: {"] {
            assert_eq!(lines.iter().filter(|line| line.starts_with(key)).count(), 1, "{key} in {vector}");
        }
        let begin = lines.iter().position(|line| matches!(*line, "steps:" | "before:" | "race:")).expect("steps");
        assert_ne!(vector.contains("\nrace:\n"), vector.contains("\nsteps:\n"), "{vector}");
        let brackets = |open, close| vector.matches(open).count() == vector.matches(close).count();
        assert!(brackets('{', '}') && brackets('[', ']'), "{vector}");
        check_references(&lines[begin..]);
    }
    let not: Vec<_> = not.iter().map(|(name, why)| format!("{name}: {why}")).collect();
    insta::assert_snapshot!(not.concat(), @r"
    ignores-removed-keys: # No vector: client1 has two signature keys, and a vector's clients have one.
    claims-without-version: # No vector: client1 has two signature keys, and a vector's clients have one.
    ");
}

/// What stands behind a `$` was saved before.
fn check_references(lines: &[&str]) {
    for (place, line) in lines.iter().enumerate() {
        for reference in line.split('$').skip(1) {
            let name: String = reference.chars().take_while(|c| c.is_alphanumeric()).collect();
            let saved = |line: &&str| line.trim().starts_with("save:") && line.contains(&format!("{name}: "));
            assert!(lines[..place].iter().any(saved), "{name} in {line}");
        }
    }
}

#[test]
fn any_path_has_every_format() {
    let system = System::new(crate::system::scenarios(crate::system::Bounds::Small).remove(0));
    let graph = crate::engine::Graph::of(&system, 2_000);
    let last = graph.states().len() - 1;
    let trace = Trace::new(&system, graph.path(last)).expect("possible");
    assert_eq!(trace.last(), &graph.states()[last]);
    for (format, word) in [
        (Format::Story, "  1. replica 1 loads"),
        (Format::Mermaid, "sequenceDiagram"),
        (Format::Itf, "\"#meta\""),
        (Format::Vector, "id: model/race"),
    ] {
        assert!(trace.render(format).contains(word), "{format:?}");
    }
}
