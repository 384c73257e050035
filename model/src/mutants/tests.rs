//! The table of mutants is complete.

use std::collections::BTreeSet;

use super::MUTANTS;
use crate::{rules::RULES, system::family};

#[test]
fn every_rule_has_a_mutant_and_every_mutant_a_rule() {
    let rules: BTreeSet<_> = RULES.iter().map(|rule| rule.id).collect();
    let broken: BTreeSet<_> = MUTANTS.iter().map(|mutant| mutant.breaks).collect();
    assert_eq!(broken, rules);
}

#[test]
fn mutants_have_names_of_their_own_sentences_and_families() {
    let names: BTreeSet<_> = MUTANTS.iter().map(|mutant| mutant.name).collect();
    assert_eq!(names.len(), MUTANTS.len());
    for mutant in MUTANTS {
        assert!(mutant.says.ends_with('.'), "{}", mutant.name);
        assert!(family(mutant.family).is_some(), "{}", mutant.name);
    }
}
