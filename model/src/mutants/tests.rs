//! The table of mutants is complete.

use std::collections::BTreeSet;

use super::{CLASSES, MUTANTS, STALLING, mutant};
use crate::{
    rules::RULES,
    system::{FAMILIES, family},
};

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

#[test]
fn every_class_of_failures_has_a_mutant_or_a_reason() {
    let known = |name: &str| MUTANTS.iter().chain(STALLING).any(|mutant| mutant.name == name);
    for class in CLASSES {
        assert!(class.mutants.iter().all(|name| known(name)), "{}", class.says);
        assert_eq!(class.mutants.is_empty(), class.out.is_some(), "{}", class.says);
        assert!(!class.seen_in.is_empty(), "{}", class.says);
    }
    assert!(MUTANTS.len() >= 45);
}

/// Whether no other family catches what a family is there for, `kpd model mutants --families` shows.
#[test]
fn every_family_is_there_for_a_mutant_of_its_own() {
    for family in FAMILIES {
        let decides = mutant(family.decides).expect("named");
        assert_eq!(decides.family, family.name);
    }
}
