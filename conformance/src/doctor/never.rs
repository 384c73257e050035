//! Fields of a binding that no answer of a whole walk had.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    binding::{Binding, Operation, classify::Nothing},
    doctor::{Finding, Mark, diagnose::found_nothing, part},
    run::{trial::Tried, world::World},
};

/// What one walk need not meet.
fn is_seldom(operation: Operation, field: &str) -> bool {
    operation == Operation::Policy
        || matches!(
            field,
            "low" | "drain" | "drain_taken" | "drain_of" | "expires_at" | "ended_at" | "ended" | "digest"
        )
        || (operation == Operation::Claim && matches!(field, "key_package" | "reference" | "id"))
}

/// Fields that no answer of a whole walk had.
#[derive(Clone, Debug, Default)]
pub struct Never {
    found: BTreeSet<(Operation, usize, String)>,
    nothing: BTreeMap<(Operation, usize, String), Nothing>,
}

impl Never {
    /// Another answer of the walk.
    pub fn hear(&mut self, tried: &Tried) {
        for look in &tried.looks {
            let place = |field: &String| (tried.operation, look.exchange, field.clone());
            self.found.extend(look.found.iter().map(place));
            for nothing in &look.nothing {
                self.nothing.entry(place(&nothing.field)).or_insert_with(|| nothing.clone());
            }
        }
    }

    /// What is to be said at the end; what `told` says already is not said again.
    #[must_use]
    pub fn findings(&self, binding: &Binding, world: &World, told: &[Finding]) -> Vec<Finding> {
        let (mut findings, mut seldom) = (vec![], vec![]);
        for ((operation, exchange, field), nothing) in &self.nothing {
            let exchanges = binding.operations.get(operation).map_or(0, Vec::len);
            let part = part(*operation, *exchange, exchanges);
            let name = format!("`{part}.ok.{field}`");
            let found = self.found.contains(&(*operation, *exchange, field.clone()));
            let said = told.iter().flat_map(|finding| &finding.messages).any(|message| message.what.contains(&name));
            if found || said || nothing.instead.is_some() {
                continue;
            }
            if is_seldom(*operation, field) && *operation != Operation::Claim {
                seldom.push(format!("{part}.{field}"));
                continue;
            }
            let messages = found_nothing(&part, std::iter::once(nothing), world);
            findings.push(Finding { messages, ..Finding::new(Mark::Wrong, part, "not seen in any answer") });
        }
        if !seldom.is_empty() {
            let says = format!("not seen in this walk, which is no mistake: {}", seldom.join(", "));
            findings.push(Finding::new(Mark::Note, "fields", says));
        }
        findings
    }
}
