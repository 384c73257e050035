//! Placeholder: mutants.
