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
    insta::assert_snapshot!(not.concat(), @r#"
    has-no-limits: # No vector: the scenario has limits of its own, which no server can be asked for.
    grants-a-refused-duplicate: # No vector: the scenario has limits of its own, which no server can be asked for.
    spends-before-it-refuses: # No vector: the scenario has limits of its own, which no server can be asked for.
    purges-on-count: # No vector: a client has two signature keys, and a vector's clients have one.
    tells-blocked-apart: # No vector: it begins where "user1 shuts r2 out" has happened already.
    spares-last-resorts: # No vector: a client has two signature keys, and a vector's clients have one.
    restarts-sequences-after-a-restore: # No vector: nothing expires at 5.
    leaves-out-zero: # No vector: a client has two signature keys, and a vector's clients have one.
    counts-one-too-many: # No vector: a client has two signature keys, and a vector's clients have one.
    reports-used-as-available: # No vector: a client has two signature keys, and a vector's clients have one.
    is-never-low: # No vector: the scenario has limits of its own, which no server can be asked for.
    never-tells-drains: # No vector: the scenario has limits of its own, which no server can be asked for.
    tells-every-drain: # No vector: the scenario has limits of its own, which no server can be asked for.
    takes-all-for-one: # No vector: the scenario has limits of its own, which no server can be asked for.
    drains-for-ever: # No vector: the scenario has limits of its own, which no server can be asked for.
    does-not-count-claims: # No vector: the scenario has limits of its own, which no server can be asked for.
    does-not-count-servers: # No vector: the scenario has limits of its own, which no server can be asked for.
    does-not-count-pairs: # No vector: the scenario has limits of its own, which no server can be asked for.
    reads-the-limit-too-early: # No vector: the scenario has limits of its own, which no server can be asked for.
    limits-the-target: # No vector: the scenario has limits of its own, which no server can be asked for.
    counts-all-servers-together: # No vector: the scenario has limits of its own, which no server can be asked for.
    tells-no-time: # No vector: the scenario has limits of its own, which no server can be asked for.
    counts-in-memory: # No vector: the scenario has limits of its own, which no server can be asked for.
    forgets-blocks: # No vector: it begins where "user1 shuts r2 out" has happened already.
    grants-in-flight-to-the-blocked: # No vector: it begins where "user1 shuts r2 out" has happened already.
    lists-ended-keys: # No vector: a client has two signature keys, and a vector's clients have one.
    takes-ended-keys-again: # No vector: a client has two signature keys, and a vector's clients have one.
    moves-expiry-back: # No vector: a client has two signature keys, and a vector's clients have one.
    extends-ended-keys: # No vector: a client has two signature keys, and a vector's clients have one.
    ignores-removed-keys: # No vector: a client has two signature keys, and a vector's clients have one.
    claims-without-version: # No vector: a client has two signature keys, and a vector's clients have one.
    ignores-expiry-of-keys: # No vector: a client has two signature keys, and a vector's clients have one.
    calls-every-end-a-removal: # No vector: a client has two signature keys, and a vector's clients have one.
    vouches-for-the-present: # No vector: a client has two signature keys, and a vector's clients have one.
    collects-used-early: # No vector: nobody outside can ask for the collection of what has ended.
    purges-by-age: # No vector: nobody outside can ask for the collection of what has ended.
    answers-before-it-is-on-disk: # No vector: the scenario has limits of its own, which no server can be asked for.
    restores-without-fence: # No vector: the scenario has limits of its own, which no server can be asked for.
    takes-lost-packages-again: # No vector: the scenario has limits of its own, which no server can be asked for.
    fences-without-skew: # No vector: the scenario has limits of its own, which no server can be asked for.
    "#);
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
