//! What a walk asks, and what declarations say without one.

use super::*;
use crate::{
    binding::{Binding, render::Variables},
    library,
};

#[test]
fn the_walk_asks_for_every_operation_that_a_binding_can_have() {
    let walk = walk().unwrap();
    let steps = walk.before.iter().chain(&walk.steps).chain(&walk.after);
    let asked: Vec<_> = steps.filter_map(crate::vector::Step::bound_operation).collect();
    // Registrations and the policy are asked for without a step.
    for operation in library::reference_binding().unwrap().operations.keys() {
        let unsaid = matches!(operation, Operation::Policy | Operation::Register | Operation::AddClient);
        assert!(unsaid || asked.contains(operation), "{operation:?} is not asked for");
    }
}

fn wrong(binding: &str) -> Vec<String> {
    let binding = Binding::read("test.yaml", binding).unwrap();
    let findings = declarations(&binding).into_iter().filter(|finding| finding.mark == Mark::Wrong);
    findings
        .flat_map(|finding| finding.messages)
        .map(|message| format!("{} ({})", message.what, message.mend))
        .collect()
}

#[test]
fn what_is_declared_fits_what_is_bound() {
    let reference = include_str!("../../bindings/reference.yaml");
    assert_eq!(wrong(reference), [] as [&str; 0]);
    assert_eq!(
        wrong(&reference.replace("headers: { Idempotency-Key: \"{idempotency_key}\" }", "headers: {}")),
        ["`claim` sends no {idempotency_key}, and `absent` does not say that the server lacks idempotency (use the \
          variable in `claim`, or write `absent: { idempotency: why }`)"]
    );
    let absent = |what: &str| reference.replace("variables:", &format!("absent: {{ {what}: none }}\nvariables:"));
    assert_eq!(
        wrong(&absent("withdraw")),
        ["`absent` says that the server lacks withdraw, and `withdraw` makes use of it (leave out one of the two: \
          vectors that need withdraw are skipped now)"]
    );
    assert_eq!(wrong(&absent("cipher_suites")).len(), 1);
    let foreign = include_str!("../../tests/foreign/binding.yaml");
    assert_eq!(
        wrong(&foreign.replace("[core, last-resort, notify, abuse]", "[core, as]")),
        [
            "the profile as is offered, and the operation `keys` is not bound (bind `keys`, or leave as out of `profiles`)"
        ]
    );
}

#[test]
fn every_variable_without_a_value_is_told() {
    let foreign = Binding::read("test.yaml", include_str!("../../tests/foreign/binding.yaml")).unwrap();
    let given = Variables::from([("fault".into(), "none".into()), ("port".into(), "1".into())]);
    let told: Vec<_> = variables(&foreign, &given).into_iter().map(|it| (it.mark.word(), it.says)).collect();
    let expected = [("ok", "fault has its default, none"), ("ok", "port is given"), ("WRONG", "state is needed")];
    assert_eq!(told, expected.map(|(word, says)| (word, says.to_string())));
}

#[test]
fn the_worst_finding_decides_the_exit() {
    let finding = |mark| Finding::new(mark, "x", "y");
    let of = |marks: &[Mark]| exit(&marks.iter().map(|mark| finding(*mark)).collect::<Vec<_>>());
    assert_eq!(of(&[Mark::Ok, Mark::Note]), Exit::Passed);
    assert_eq!(of(&[Mark::Ok, Mark::Doubt]), Exit::Failed);
    assert_eq!(of(&[Mark::Doubt, Mark::Wrong, Mark::Untried]), Exit::Usage);
}
