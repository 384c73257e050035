//! Which rule is told of a step that leads up to what a vector is about.

use super::*;

#[test]
fn a_step_that_leads_up_to_the_point_says_which_rule_it_breaks_by_the_model() {
    let vector = SEQUENCE.replace("rules: [CLAIM-ONCE]", "rules: [LIFE-RESTART]");
    let vector =
        vector.replace("a1: { client: phone } }", "a1: { client: phone }, z: { client: phone, last_resort: true } }");
    let vector = vector.replace("key_packages: [a1] }", "key_packages: [a1, z] }");
    let steps = || vec![at("steps[0]", 0, 1, published()), at("steps[1]", 2, 3, granted("last_resort", "z"))];
    let details = |vector: &str| verdict(vector, one_round(steps())).failure().unwrap().details.join("\n");
    assert!(details(&vector).contains("by the model  LAST-ONLY-WHEN-EXHAUSTED: steps[1]: "), "{}", details(&vector));
    let own = vector.replace("rules: [LIFE-RESTART]", "rules: [LAST-ONLY-WHEN-EXHAUSTED]");
    assert!(!details(&own).contains("by the model"), "{}", details(&own));
}
