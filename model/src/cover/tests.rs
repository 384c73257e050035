//! The tours are few, short, the same each time, and come everywhere.

use std::collections::BTreeSet;

use super::*;
use crate::check::coverage;

#[test]
fn tours_are_few_and_short_and_each_has_words() {
    let tours = label_cover();
    assert!(tours.len() <= 40, "{} tours", tours.len());
    for tour in &tours {
        assert!(tour.ops.len() <= STEPS_MAX + 2 && !tour.labels.is_empty(), "{tour:?}");
        tour.vector().unwrap_or_else(|why| panic!("{}: {why}", tour.name));
    }
    assert_eq!(tours, label_cover());
}

/// What is missing here needs limits, lifetimes or names of its own, and is in vectors by hand; a test of the suite
/// demands that nothing is missing in all of them together.
#[test]
fn most_kinds_of_steps_are_on_a_tour() {
    let toured: BTreeSet<_> = label_cover().into_iter().flat_map(|tour| tour.labels).collect();
    let coverage = coverage();
    let missing = coverage.all().into_iter().filter(|label| !toured.contains(label));
    let missing: Vec<_> = missing.map(ToString::to_string).collect();
    insta::assert_snapshot!(missing.join("\n"), @r#"
    add_key/refused-keytaken/known
    claim/exhausted/narrow
    claim/limited/again
    claim/limited/open
    claim/refused-unknownuser/open
    collect/done/any
    packages/available+revoked/any
    packages/granted+revoked/any
    publish/refused-batchtoolarge/any
    publish/refused-beforefence/any
    publish/refused-expired/any
    publish/refused-notyetvalid/any
    publish/refused-signernotlisted/any
    publish/refused-stockfull/any
    publish/refused-twolastresorts/any
    remove_client/removed-unread/stocked
    replace/refused-expired/any
    "#);
}

#[test]
fn every_step_of_the_smaller_sights_is_on_a_tour() {
    let tours = edge_cover();
    let (number, steps) = (tours.len(), tours.iter().map(|tour| tour.ops.len()).sum::<usize>());
    for tour in &tours {
        tour.vector().unwrap_or_else(|why| panic!("{}: {why}", tour.name));
    }
    assert_eq!((number, steps), (33, 274));
}
