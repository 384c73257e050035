//! Every vector is proved in the model, and its proof is that of the vector and the model as they are now.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

#[expect(dead_code, reason = "no server takes part in a proof")]
mod support;

use std::path::Path;

use kpd_conformance::{
    library::Library,
    prove::{self, Verdict},
    vector::Vector,
};
use support::{Kpd, Scratch};

#[test]
fn every_vector_is_proved_and_no_proof_is_stale() {
    let library = Library::of_directory(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors")).unwrap();
    let proved = prove::prove_all(&library);
    let wrong: Vec<_> = proved
        .iter()
        .flat_map(|vector| vector.faults.iter().map(move |fault| format!("{}.yaml {fault}", vector.id)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let stale = prove::stale(&library, &proved, &prove::read(&library.proofs).unwrap());
    let stale: Vec<_> = stale.iter().map(ToString::to_string).collect();
    assert!(stale.is_empty(), "{stale:#?}; run: cargo run --release -- prove vectors --write");
    assert_eq!(library.proofs, prove::render(&library, &proved), "the same proofs, written otherwise");
    // A vector about which the model knows nothing is one more that nobody proves: change the number with it.
    let outside = proved.iter().filter(|vector| vector.verdict() == Verdict::Outside).count();
    assert_eq!(outside, 5);
    let labels = prove::labels_of(&proved);
    assert!(labels.len() >= 75, "only {} kinds of steps", labels.len());
}

/// Each literal of each expectation is replaced in turn: a prover that does not look would not see it.
#[test]
fn every_literal_of_every_expectation_is_looked_at() {
    let library = Library::of_directory(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors")).unwrap();
    let (mut replaced, mut overlooked) = (0, vec![]);
    for (id, text) in &library.texts {
        let original: serde_yaml::Value = serde_yaml::from_str(text).unwrap();
        let vector: Vector = serde_yaml::from_value(original.clone()).unwrap();
        // Races are left out for their time, and have few literals.
        if vector.race.is_some() || prove::prove(&vector).verdict() == Verdict::Outside {
            continue;
        }
        for number in 0.. {
            let mut changed = original.clone();
            let steps = changed.get("steps").and_then(|it| it.as_sequence()).map_or(0, Vec::len);
            let mut left = number;
            let place = (0..steps).find_map(|step| {
                let expect = changed.get_mut("steps")?.get_mut(step)?.get_mut("expect")?.get_mut("ok")?;
                replace(expect, &mut left).then(|| format!("{id}.yaml steps[{step}], literal {number}"))
            });
            let Some(place) = place else { break };
            replaced += 1;
            let vector: Vector = serde_yaml::from_value(changed).unwrap();
            if prove::prove(&vector).verdict() != Verdict::Wrong {
                overlooked.push(place);
            }
        }
    }
    assert!(overlooked.is_empty(), "{overlooked:#?}");
    assert!(replaced >= 600, "only {replaced} literals");
}

/// Replaces the literal of this number by another one; whether there was one. What stands below a `not` is no literal of
/// an answer, and a bound lies beside what it bounds.
fn replace(value: &mut serde_yaml::Value, number: &mut usize) -> bool {
    use serde_yaml::Value;
    match value {
        Value::Sequence(items) => items.iter_mut().any(|item| replace(item, number)),
        Value::Mapping(entries) => {
            let others = ["not", "gte", "lte"];
            let answers = entries.iter_mut().filter(|(key, _)| key.as_str().is_none_or(|key| !others.contains(&key)));
            answers.into_iter().any(|(_, item)| replace(item, number))
        }
        _ if *number > 0 => {
            *number -= 1;
            false
        }
        literal => {
            *literal = match literal {
                Value::Bool(bool) => Value::Bool(!*bool),
                Value::Number(number) => Value::from(number.as_u64().unwrap_or_default() + 1),
                _ => Value::from("something else"),
            };
            true
        }
    }
}

const GOOD: &str = "id: good\ntitle: t\nwhy: w\nrules: [CLAIM-ONCE]\nusers: { alice: { clients: [phone] }, bob: {} }\n\
                    key_packages: { a1: { client: phone }, a2: { client: phone } }\nsteps:\n\
                    \x20 - publish: { as: phone, key_packages: [a1] }\n  - claim: { as: bob, of: alice }\n\
                    \x20   expect: { ok: { phone: { kind: regular, key_package: a1 } } }\n";

#[test]
fn a_proof_is_written_once_and_goes_stale_with_its_vector() {
    let scratch = Scratch::new("stale");
    scratch.write("vectors/good.yaml", GOOD);
    let directory = scratch.path("vectors");
    let missing = Kpd::run(&["prove", &directory]);
    assert_eq!(missing.exit, 1, "{}", missing.all());
    assert!(missing.out.contains("STALE    good.yaml has no proof; `kpd prove "), "{}", missing.out);
    assert!(missing.out.contains("vectors --write` proves anew"), "{}", missing.out);

    assert_eq!(Kpd::run(&["prove", &directory, "--write"]).exit, 0);
    let written = scratch.read("vectors/proofs.yaml");
    let line = written.lines().nth(1).unwrap();
    assert!(
        line.starts_with("good: { digest: \"") && line.contains("verdict: proved, branches: 1, labels: ["),
        "{line}"
    );
    let kept = Kpd::run(&["prove", &directory]);
    assert_eq!(kept.exit, 0, "{}", kept.all());
    let says =
        "1 vector: 1 proved (0 of them in part), 0 loose and say why, 0 outside the model, 0 wrong; 0 proofs are";
    assert!(kept.out.contains(says), "{}", kept.out);
    assert_eq!(Kpd::run(&["prove", &directory, "--write"]).exit, 0);
    assert_eq!(scratch.read("vectors/proofs.yaml"), written, "the same vectors, the same proofs");

    scratch.write("vectors/good.yaml", &GOOD.replace("title: t", "title: another"));
    let changed = Kpd::run(&["prove", &directory]);
    assert_eq!(changed.exit, 1, "{}", changed.all());
    assert!(changed.out.contains("STALE    good.yaml was changed since it was proved;"), "{}", changed.out);

    scratch.write("vectors/good.yaml", GOOD);
    scratch.write("vectors/proofs.yaml", &written.replace("branches: 1", "branches: 2"));
    let otherwise = Kpd::run(&["prove", &directory]);
    assert_eq!(otherwise.exit, 1, "{}", otherwise.all());
    let says = "STALE    good.yaml is as it was when it was proved, and the model is not: 2 branches then, 1 now;";
    assert!(otherwise.out.contains(says), "{}", otherwise.out);

    scratch.write("vectors/proofs.yaml", &written.replace("good:", "gone:"));
    let gone = Kpd::run(&["prove", &directory]);
    assert_eq!(gone.exit, 1, "{}", gone.all());
    assert!(gone.out.contains("STALE    gone.yaml is proved, and is not there;"), "{}", gone.out);
}

#[test]
fn what_is_wrong_is_told_with_file_step_and_both_sides_and_is_not_written() {
    let scratch = Scratch::new("wrong");
    scratch.write("vectors/good.yaml", &GOOD.replace("key_package: a1 } } }", "key_package: a2 } } }"));
    let ended = Kpd::run(&["prove", &scratch.path("vectors"), "--write"]);
    assert_eq!(ended.exit, 1, "{}", ended.all());
    let says = "WRONG    good.yaml steps[1] (claim) is not sound: a good server fails it\n    \
                allowed   {\"phone\":{\"kind\":\"regular\",\"key_package\":\"a1\"}}\n    \
                expected  phone/key_package is \"a1\", where \"a2\" is right\n";
    assert!(ended.out.contains(says), "{}", ended.out);
    assert!(!Path::new(&scratch.path("vectors/proofs.yaml")).exists(), "nothing is proved of a wrong vector");
}

#[test]
fn proofs_are_only_written_where_the_vectors_are_and_the_embedded_ones_are_proved_too() {
    assert_eq!(Kpd::run(&["prove", "--write"]).exit, 3);
    let embedded = Kpd::run(&["prove"]);
    assert_eq!(embedded.exit, 0, "{}", embedded.all());
    assert!(embedded.out.contains("OUTSIDE  claim/selection-random.yaml: the model knows nothing of what it asks"));
}
